"""What layers changed, by comparing whole snapshots of the naive merge, path by path.

Written from the docstrings of ``filesystem/changes.py`` and its neighbours; it knows nothing of
references, journals or rows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.naive_merge import Inode, NaiveMerge, Op
from support.tars import TarBuilder

Snapshot = Mapping[str, Inode]
Told = tuple[str, str, tuple[str, ...], int, int | None, int | None]
"""Path, letter, why, size, and the layers of what was and is there (None: implied, -1: nothing)."""


@dataclass(frozen=True)
class Loss:
    """A name that a step of the merge took away."""

    path: str
    kind: str
    layer: int | None
    text: str
    reason: str
    removed_in: int


class Watched(NaiveMerge):
    """A naive merge that keeps a snapshot of each layer, and every name that was lost."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots: list[dict[str, Inode]] = [{}]
        self.losses: list[Loss] = []

    def apply(self, layer: list[Op]) -> None:
        """Apply a layer, and remember what there is then."""
        super().apply(layer)
        self.snapshots.append(dict(self.paths))

    def _bury(self, before: dict[str, Inode], reason: str, path: str) -> None:
        for name, inode in before.items():
            now = self.paths.get(name)
            if now is inode or (now is not None and now.kind == inode.kind == "dir"):
                continue
            why = reason
            if reason in ("rewritten", "overwritten") and (name != path or inode.kind == "dir"):
                why = "replaced"
            if inode.layer == self._layer:
                why = "shadowed"
            self.losses.append(Loss(name, inode.kind, inode.layer, inode.text, why, self._layer))
        super()._bury(before, reason, path)


def naive_changes(before: Snapshot, after: Snapshot, first: int) -> list[Told]:
    """What is different between two snapshots; ``first`` is the lowest layer between them."""
    told: dict[str, Told] = {}
    moved = set()
    for path in {*before, *after}:
        old, new = before.get(path), after.get(path)
        parent = path.rpartition("/")[0]
        if old is None:
            assert new is not None
            told[path] = (path, "A", (), 0, -1, new.layer)
            moved.add(parent)
        elif new is None:
            if not parent or (parent in after and after[parent].kind == "dir"):
                told[path] = (path, "D", (), 0, old.layer, -1)
                moved.add(parent)
        elif old is not new:
            why = differences(old, new)
            if why or not old.kind == new.kind == "dir":
                told[path] = (path, "C", why, 0, old.layer, new.layer)
    for path in moved - {""}:
        folder = after[path]
        if path not in told:
            told[path] = (path, "C", ("entries",), 0, folder.layer, folder.layer)
        elif told[path][1] == "C" and path in before and before[path].kind == "dir" == folder.kind:
            told[path] = (*told[path][:2], (*told[path][2], "entries"), *told[path][3:])
    for path in list(told):
        while path := path.rpartition("/")[0]:
            layer = after[path].layer
            told.setdefault(path, (path, "C", ("below",), 0, layer, layer))
    counted: list[Inode] = []
    weighed: list[Inode] = []
    for path in sorted(told, key=str.encode):
        inode, size = after.get(path), 0
        if told[path][1] == "D":
            for name, lost in before.items():
                gone = name == path or name.startswith(path + "/")
                if gone and lost.kind == "file" and lost not in weighed:
                    weighed.append(lost)
                    size += len(lost.text)
        elif inode is not None and inode.kind == "file" and inode not in counted:
            assert inode.layer is not None
            if inode.layer >= first:
                counted.append(inode)
                size = len(inode.text)
        told[path] = (*told[path][:3], size, *told[path][4:])
    return [told[path] for path in sorted(told, key=str.encode)]


def differences(old: Inode, new: Inode) -> tuple[str, ...]:
    """What two entries differ in: the naive merge knows no owners, modes or times."""
    if None in (old.layer, new.layer):
        if old.layer == new.layer:
            return ()
        return ("metadata",) if old.kind == new.kind else ("type", "metadata")
    if old.kind != new.kind:
        return ("type",)
    if old.text != new.text:
        return {"file": ("content",), "symlink": ("target",)}.get(old.kind, ())
    return ()


# Random stacks

_KINDS = (
    *("file",) * 5,
    *("dir",) * 4,
    *("symlink",) * 3,
    *("hardlink",) * 4,
    *("whiteout",) * 4,
    *("opaque",) * 2,
    "fifo",
)
_TARGETS = ("/", ".", "..", "../b", "/a/b", "b/..", "a", "b")


def random_ops(chance: random.Random) -> list[list[Op]]:
    """Layers with symbolic links among the parents and everything else that may meet."""
    names = "ab" if chance.random() < 0.5 else "abc"

    def path() -> str:
        return "/".join(chance.choice(names) for _ in range(chance.choice((1, 1, 2, 2, 3))))

    def op() -> Op:
        kind = chance.choice(_KINDS)
        if kind == "file":
            return Op(kind, path(), chance.choice(("", "x", "yy", "zz", "12345")))
        if kind == "symlink":
            return Op(kind, path(), chance.choice(_TARGETS))
        if kind == "hardlink":
            return Op(kind, path(), path())
        return Op(kind, "" if kind == "opaque" and chance.random() < 0.2 else path())

    return [
        [op() for _ in range(chance.choice((0, 2, 4, 6, 8)))]
        for _ in range(chance.choice((2, 3, 3, 4)))
    ]


def tar_of(layer: Sequence[Op]) -> TarBuilder:
    """A layer as a tar."""
    tar = TarBuilder()
    for op in layer:
        if op.kind == "file":
            tar.file(op.path, op.text.encode())
        elif op.kind == "dir":
            tar.dir(op.path, mode=0o644)
        elif op.kind == "symlink":
            tar.symlink(op.path, op.text, mode=0o644)
        elif op.kind == "hardlink":
            tar.hardlink(op.path, op.text)
        elif op.kind == "fifo":
            tar.fifo(op.path, mode=0o644)
        elif op.kind == "whiteout":
            tar.whiteout(op.path)
        else:
            tar.opaque(op.path)
    return tar


def watched(layers: Sequence[list[Op]]) -> Watched:
    """The naive merge of a stack."""
    naive = Watched()
    for layer in layers:
        naive.apply(layer)
    return naive
