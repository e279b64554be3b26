"""A merge of layers that is plainly right: one dictionary of paths, the rules one after another.

Written from image-spec's layer.md ("Applying Changesets", "Whiteouts") and the project's rules;
shares nothing with the package. Every step looks at the whole dictionary: slow on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Op:
    """One entry of a layer.

    ``kind`` is ``file``, ``dir``, ``symlink``, ``hardlink``, ``fifo``, ``whiteout`` (``path`` is
    what it deletes) or ``opaque`` (``path`` is the folder). ``text`` is the content or the target.
    """

    kind: str
    path: str
    text: str = ""


@dataclass(eq=False)
class Inode:
    """One entry's object, however many names it has; ``layer`` is None for an implied folder."""

    kind: str
    layer: int | None
    text: str = ""
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NaiveDead:
    """A regular file that nothing leads to any more."""

    names: frozenset[str]
    layer: int
    removed_in: int
    size: int
    reason: str


class NaiveMerge:
    """Apply layers with :meth:`apply`; then look at ``paths`` and ``dead``."""

    LINKS = 40

    def __init__(self) -> None:
        self.paths: dict[str, Inode] = {}
        self.dead: list[NaiveDead] = []
        self.added: list[int] = []
        self._layer = -1

    def apply(self, layer: list[Op]) -> None:
        """Apply one layer: all its deletions, then all its additions."""
        self._layer += 1
        self.added.append(0)
        for op in layer:
            if op.kind in ("whiteout", "opaque"):
                self._delete(op)
        for op in layer:
            if op.kind not in ("whiteout", "opaque"):
                self._add(op)

    def _delete(self, op: Op) -> None:
        before = dict(self.paths)
        for path in before:
            below = path.startswith(op.path + "/") or op.path == ""
            if below or (op.kind == "whiteout" and path == op.path):
                del self.paths[path]
        self._bury(before, "deleted" if op.kind == "whiteout" else "opaque", "")

    def _add(self, op: Op) -> None:
        before = dict(self.paths)
        folder, _, name = op.path.rpartition("/")
        real = self._make_folders(folder, 0)
        if real is None:
            self._bury(before, "replaced", "")
            return
        self._bury(before, "replaced", "")
        before = dict(self.paths)
        path = f"{real}/{name}" if real else name
        existing = self.paths.get(path)
        if op.kind == "hardlink":
            inode = self._resolve(op.text)
            if inode is None or inode.kind == "dir" or inode is existing:
                return
        else:
            inode = Inode(op.kind, self._layer, op.text)
            if op.kind == "file":
                self.added[-1] += len(op.text)
        if not (inode.kind == "dir" and existing is not None and existing.kind == "dir"):
            for other in list(self.paths):
                if other.startswith(path + "/"):
                    del self.paths[other]
        self.paths[path] = inode
        reason = "replaced"
        if inode.kind == "file":
            same = existing is not None and existing.kind == "file" and existing.text == inode.text
            reason = "rewritten" if same else "overwritten"
        self._bury(before, reason, path)

    def _make_folders(self, folder: str, followed: int) -> str | None:
        """Make the folders of a path; return where it really is, None for a ring of links."""
        done = ""
        parts = folder.split("/") if folder else []
        for i, part in enumerate(parts):
            done = f"{done}/{part}" if done else part
            there = self.paths.get(done)
            if there is not None and there.kind == "dir":
                continue
            if there is not None and there.kind == "symlink" and there.layer == self._layer:
                if followed >= self.LINKS:
                    return None
                rest = [*target_parts(done, there.text), *parts[i + 1 :]]
                return self._make_folders("/".join(rest), followed + 1)
            self.paths[done] = Inode("dir", None)
        return done

    def _resolve(self, target: str) -> Inode | None:
        """What a hard link names, links of its own layer followed in the folder part."""
        followed = 0
        folder, _, name = target.rpartition("/")
        while True:
            parts = folder.split("/") if folder else []
            for i in range(len(parts)):
                there = self.paths.get("/".join(parts[: i + 1]))
                if there is not None and there.kind == "symlink" and there.layer == self._layer:
                    break
            else:
                return self.paths.get(f"{folder}/{name}" if folder else name)
            followed += 1
            if followed >= self.LINKS:
                return None
            done = "/".join(parts[: i + 1])
            folder = "/".join([*target_parts(done, there.text), *parts[i + 1 :]])

    def _bury(self, before: dict[str, Inode], reason: str, path: str) -> None:
        """Compare with the paths before a step: who lost a name, and who lost the last."""
        alive = {id(inode) for inode in self.paths.values()}
        lost = []
        for name, inode in before.items():
            if self.paths.get(name) is not inode:
                inode.gone.append(name)
                if id(inode) not in alive and inode not in lost:
                    lost.append(inode)
        for inode in lost:
            if inode.kind != "file":
                continue
            assert inode.layer is not None
            why = reason
            if inode.layer == self._layer:
                why = "shadowed"
            elif reason in ("rewritten", "overwritten") and before.get(path) is not inode:
                why = "replaced"  # it lay below a folder that a file replaced
            size = len(inode.text)
            names = frozenset(inode.gone)
            self.dead.append(NaiveDead(names, inode.layer, self._layer, size, why))


def target_parts(path: str, target: str) -> list[str]:
    """The parts of where a symbolic link at ``path`` leads, clamped at the root."""
    parts = [] if target.startswith("/") else path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return parts
