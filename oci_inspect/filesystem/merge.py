"""Merging: the layers of an image, applied bottom to top.

image-spec, layer.md, "Applying Changesets" and "Whiteouts". In one layer all deletions come before
all additions, wherever they stand in the tar. Each inode dies at most once, so the whole merge is
linear in the entries: no step looks at more of the tree than it removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem import symlinks
from oci_inspect.filesystem.tree import IMPLIED, Folder, Node, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK, SYMLINK, EntryTable
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.paths import path_text

WHITEOUT = b".wh."
AUFS = b".wh..wh."
OPAQUE = b".wh..wh..opq"


class Reason(StrEnum):
    """How a layer made an inode of a lower one (or its own) unreachable."""

    DELETED = "deleted"
    OPAQUE = "opaque"
    OVERWRITTEN = "overwritten"
    REWRITTEN = "rewritten"
    REPLACED = "replaced"
    SHADOWED = "shadowed"


@dataclass(frozen=True, slots=True)
class Dead:
    """An inode that no path of the merged tree leads to.

    ``paths`` are all the names it had, in the order in which they went; ``size`` is in bytes.
    ``removed_in`` is the layer that took its last name, ``unit`` the folder that went as a whole
    with it, None where a file was removed by itself.
    """

    paths: tuple[bytes, ...]
    layer_index: int
    removed_in: int
    size: int
    reason: Reason
    unit: bytes | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    ``added_bytes`` and ``added_files`` have one number a layer: the content of the regular files it
    brought (each inode once) and the names it gave to regular files.
    """

    tree: UnionTree
    dead: tuple[Dead, ...]
    added_bytes: tuple[int, ...]
    added_files: tuple[int, ...]


def merge(
    tables: Iterable[EntryTable],
    findings: FindingCollector,
    limits: Limits = DEFAULT_LIMITS,
) -> Merged:
    """Apply layers bottom to top. What is odd about them goes to ``findings``."""
    merger = _Merger(findings, limits)
    for table in tables:
        merger.apply(table)
    return merger.result()


class _Merger:
    def __init__(self, findings: FindingCollector, limits: Limits) -> None:
        self._findings = findings
        self._limits = limits
        self._root = Folder()
        self._tables: list[EntryTable] = []
        self._bases: list[int] = []
        self._tree = UnionTree(self._root, self._tables, self._bases)
        self._next = 0
        self._implied = 0
        self._dead: list[Dead] = []
        self._added_bytes: list[int] = []
        self._added_files: list[int] = []
        # Of inodes with several names: how many are left, and which are gone.
        self._links: dict[int, int] = {}
        self._gone: dict[int, list[bytes]] = {}
        # Of the layer being applied.
        self._layer = -1
        self._base = 0
        self._table = EntryTable()
        self._folders: dict[bytes, Folder] = {}
        self._real: dict[bytes, bytes] = {}
        self._aufs: dict[bytes, int] = {}
        self._through: set[bytes] = set()

    def result(self) -> Merged:
        return Merged(
            self._tree, tuple(self._dead), tuple(self._added_bytes), tuple(self._added_files)
        )

    def apply(self, table: EntryTable) -> None:
        self._layer += 1
        self._base = self._next
        self._next += len(table)
        self._tables.append(table)
        self._bases.append(self._base)
        self._table = table
        self._folders = {}
        self._real = {}
        self._aufs = {}
        self._through = set()
        self._added_bytes.append(0)
        self._added_files.append(0)
        marks = self._deletions(table)
        self._folders = {}
        self._additions(table, marks)

    # Deletions

    def _deletions(self, table: EntryTable) -> set[int]:
        """Apply the whiteouts of a layer; return the rows that are no entries of the tree."""
        marks: set[int] = set()
        for row, path in enumerate(table.paths):
            if WHITEOUT not in path:
                continue
            folder, _, name = path.rpartition(b"/")
            if path.startswith(AUFS) or b"/" + AUFS in path:
                marks.add(row)
                if name == OPAQUE and AUFS not in folder:
                    self._check_empty(table, row, path)
                    self._make_opaque(folder)
                else:
                    if table.types[row] not in (DIRECTORY, HARDLINK):
                        self._aufs[path] = row
                    self._say("aufs-metadata", path, "metadata of the AUFS driver, no entry")
                continue
            if not name.startswith(WHITEOUT):
                continue
            if table.types[row] == DIRECTORY:
                self._say(
                    "whiteout-not-empty", path, "a folder with a whiteout's name: no whiteout"
                )
                continue
            marks.add(row)
            self._check_empty(table, row, path)
            victim = name[len(WHITEOUT) :]
            if victim in (b"", b".", b".."):
                self._say("whiteout-invalid", path, "a whiteout that names nothing")
                continue
            parent = self._find_folder(folder)
            child = parent.children.pop(victim, None) if parent is not None else None
            if child is None:
                self._say("whiteout-dangling", path, "it hides nothing")
                continue
            target = folder + b"/" + victim if folder else victim
            if isinstance(child, Folder):
                self._forget()
            self._kill_tree(target, child, Reason.DELETED)
        return marks

    def _make_opaque(self, path: bytes) -> None:
        folder = self._find_folder(path)
        if folder is None or not folder.children:
            self._say(
                "whiteout-dangling", path + b"/" + OPAQUE if path else OPAQUE, "it hides nothing"
            )
            return
        prefix = path + b"/" if path else b""
        children, folder.children = folder.children, {}
        for name, child in children.items():
            self._kill_tree(prefix + name, child, Reason.OPAQUE, path)
        self._forget()

    def _check_empty(self, table: EntryTable, row: int, path: bytes) -> None:
        if table.types[row] != FILE or table.sizes[row]:
            self._say("whiteout-not-empty", path, "a whiteout that is no empty regular file")

    def _find_folder(self, path: bytes) -> Folder | None:
        """The folder of the lower layers at a path, remembered until something is removed."""
        folder = self._folders.get(path)
        if folder is None:
            node = self._tree.lookup(path)
            if not isinstance(node, Folder):
                return None
            self._folders[path] = folder = node
        return folder

    # Additions

    def _additions(self, table: EntryTable, marks: set[int]) -> None:
        base = self._base
        folders = self._folders
        sizes = table.sizes
        added_bytes = added_files = 0
        for row, (path, kind) in enumerate(zip(table.paths, table.types, strict=True)):
            if row in marks:
                continue
            folder_path, _, name = path.rpartition(b"/")
            if not name:
                self._replace_root(kind, base + row)
                continue
            folder = folders.get(folder_path)
            if folder is None:
                folder = self._folder(folder_path)
                if folder is None:
                    continue
                folders[folder_path] = folder
            existing = folder.children.get(name)
            if existing is not None and folder_path in self._real:
                path = symlinks.join(self._real[folder_path], name)
            if kind == FILE:
                added_bytes += sizes[row]
                added_files += 1
                if existing is not None:
                    self._displace(path, existing, base + row)
                folder.children[name] = base + row
            elif kind == DIRECTORY:
                if isinstance(existing, Folder):
                    if existing.reference >= base:
                        self._say("path-duplicate", path, "twice in one layer: the last one counts")
                    existing.reference = base + row
                    continue
                if existing is not None:
                    self._folder_over(path, existing)
                folder.children[name] = Folder(base + row)
            elif kind == HARDLINK:
                added_files += self._add_link(folder, name, path, table.linknames.get(row, b""))
            else:
                if existing is not None:
                    self._displace(path, existing, base + row)
                folder.children[name] = base + row
        self._added_bytes[-1] += added_bytes
        self._added_files[-1] += added_files

    def _replace_root(self, kind: int, reference: int) -> None:
        if kind == DIRECTORY:
            self._root.reference = reference
        else:
            self._say("path-unsafe", b"/", "an entry that would replace the root: ignored")

    def _displace(self, path: bytes, existing: Node, newcomer: int) -> None:
        """Remove what lies at a path, because ``newcomer`` comes there."""
        if isinstance(existing, Folder):
            self._forget()
            self._kill_tree(path, existing, Reason.REPLACED)
            return
        if existing >= self._base:
            self._say("path-duplicate", path, "twice in one layer: the last one counts")
        reason = Reason.REPLACED
        if self._tree.kind(existing) == SYMLINK:
            self._forget()
        if self._tree.kind(newcomer) == FILE:
            reason = Reason.REWRITTEN if self._same(existing, newcomer) else Reason.OVERWRITTEN
        self._kill(path, existing, reason)

    def _folder_over(self, path: bytes, existing: int) -> None:
        if existing >= self._base:
            self._say("path-duplicate", path, "twice in one layer: the last one counts")
        elif self._tree.kind(existing) == SYMLINK and symlinks.leads_to_folder(
            self._tree, path, existing, self._limits.links
        ):
            self._say(
                "directory-replaces-symlink",
                path,
                "a folder replaces a symbolic link to a folder: what lay there has lost this name",
            )
        if self._tree.kind(existing) == SYMLINK:
            self._forget()
        self._kill(path, existing, Reason.REPLACED)

    def _add_link(self, folder: Folder, name: bytes, path: bytes, target: bytes) -> int:
        """Give an inode a second name; return how many names of regular files that added."""
        inode = self._resolve_link(target)
        if inode is None or isinstance(inode, Folder):
            what = "a hard link to a folder" if inode else "a hard link to nothing"
            self._say("hardlink-dangling", path, f"{what}: {path_text(target)}")
            return 0
        existing = folder.children.get(name)
        if existing == inode:
            return 0
        if inode < self._base:
            self._say(
                "hardlink-across-layers",
                path,
                f"a hard link to {path_text(target)} of a lower layer: some engines refuse it",
            )
        self._links[inode] = self._links.get(inode, 1) + 1
        if existing is not None:
            self._displace(path, existing, inode)
        folder.children[name] = inode
        return int(self._tree.kind(inode) == FILE)

    def _resolve_link(self, target: bytes) -> Node | None:
        row = self._aufs.get(target)
        if row is not None:
            reference = self._base + row
            if reference not in self._links:  # the metadata itself is no name of it
                self._links[reference] = 0
                self._added_bytes[-1] += self._table.sizes[row]
            return reference
        node = self._tree.lookup(target)
        if node is None:
            folder_path, _, name = target.rpartition(b"/")
            real = symlinks.follow(self._tree, folder_path, self._base, self._limits.links)
            node = self._tree.lookup(symlinks.join(real, name)) if real is not None else None
        return node

    def _folder(self, path: bytes) -> Folder | None:
        """The folder at a path for an entry to go into, made where it is missing.

        A symbolic link among the parts is followed where this layer made it; one of a lower layer
        is hidden by a new folder, since engines unpack each layer by itself.
        """
        folder = self._root
        parts = path.split(b"/") if path else []
        for i, part in enumerate(parts):
            child = folder.children.get(part)
            if isinstance(child, Folder):
                folder = child
                continue
            if child is not None:
                here = b"/".join(parts[: i + 1])
                if self._tree.kind(child) == SYMLINK:
                    if child >= self._base:
                        return self._through_own_link(path)
                    if here not in self._through:
                        self._through.add(here)
                        self._say(
                            "path-through-symlink",
                            here,
                            "a symbolic link of a lower layer is a parent here: a folder hides it",
                        )
                self._kill(here, child, Reason.REPLACED)
            if not self._may_imply(path):
                return None
            fresh = Folder(IMPLIED)
            folder.children[part] = fresh
            folder = fresh
        return folder

    def _may_imply(self, path: bytes) -> bool:
        self._implied += 1
        most = self._limits.implied_folders
        if self._implied <= most:
            return True
        if self._implied == most + 1:
            error = LimitExceededError("implied_folders", most, self._implied, "the image")
            self._say("limit-exceeded", path, str(error))
        return False

    def _forget(self) -> None:
        """Forget where folders are: one of them, or a link to one, is going."""
        self._folders.clear()
        self._real.clear()

    def _through_own_link(self, path: bytes) -> Folder | None:
        """The folder that a path leads to through symbolic links of this layer; None in a ring."""
        real = symlinks.follow(self._tree, path, self._base, self._limits.links)
        if real is None or len(real) > self._limits.path_bytes:
            what = "lead around in a ring" if real is None else "make it too long a path"
            self._say("path-through-symlink", path, f"symbolic links {what}: not unpacked")
            return None
        self._real[path] = real
        return self._folder(real)

    def _same(self, old: int, new: int) -> bool:
        """Whether two files hold the same content: equal size and fingerprint."""
        first, second = self._tree.layer_of(old), self._tree.layer_of(new)
        a, b = old - self._bases[first], new - self._bases[second]
        one, two = self._tables[first], self._tables[second]
        return (
            one.types[a] == FILE
            and one.sizes[a] == two.sizes[b]
            and one.fingerprints[a] == two.fingerprints[b]
        )

    # Deaths

    def _kill_tree(
        self, path: bytes, node: Node, reason: Reason, unit: bytes | None = None
    ) -> None:
        if unit is None and isinstance(node, Folder):
            unit = path
        for name, leaf in _leaves(path, node):
            self._kill(name, leaf, reason, unit)

    def _kill(self, path: bytes, reference: int, reason: Reason, unit: bytes | None = None) -> None:
        """Take one name from an inode; with its last name it is dead."""
        left = self._links.get(reference, 1)
        if left > 1:
            self._links[reference] = left - 1
            self._gone.setdefault(reference, []).append(path)
            return
        layer = self._tree.layer_of(reference)
        table, row = self._tables[layer], reference - self._bases[layer]
        paths = tuple(dict.fromkeys((*self._gone.pop(reference, ()), path)))
        if table.types[row] == FILE:
            if layer == self._layer:
                reason = Reason.SHADOWED
            self._dead.append(Dead(paths, layer, self._layer, table.sizes[row], reason, unit))

    def _say(self, rule: str, path: bytes, message: str) -> None:
        self._findings.add(rule, path_text(path), f"layer {self._layer}: {message}")


def _leaves(path: bytes, node: Node) -> Iterator[tuple[bytes, int]]:
    """Everything below a node that is no folder, in the order it came in."""
    stack: list[tuple[bytes, Node]] = [(path, node)]
    while stack:
        here, one = stack.pop()
        if isinstance(one, Folder):
            stack.extend(
                (here + b"/" + name, child) for name, child in reversed(one.children.items())
            )
        else:
            yield here, one
