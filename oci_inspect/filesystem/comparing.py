"""What is different between the merged trees of two images, path by path.

A tree has an entry for each path; where two trees have one for the same path, they are held
against each other. Nothing is guessed: a file that moved is one that went and one that came.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from oci_inspect.filesystem.differences import differences
from oci_inspect.filesystem.tree import Folder, Node, UnionTree, reference_of
from oci_inspect.layer.entries import FILE

_CONTENT = frozenset(("type", "content", "target", "device"))


class Turn(StrEnum):
    """What became of a path from the first tree to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class PathDifference(NamedTuple):
    """One path that is different.

    ``before`` and ``after`` are references of entries in their trees (-1: a folder that no entry
    describes), None where there is nothing. ``why`` names what is different, in the words of
    :func:`~oci_inspect.filesystem.differences.differences`; ``links`` is added where a file has
    more or fewer names. ``size_before`` and ``size_after`` are the bytes of a regular file. An
    inode with several names counts at one of them: the first that both trees have, else the first.
    ``unit`` is the uppermost folder that came or went with all that is in it, None for the others.
    """

    path: bytes
    turn: Turn
    before: int | None
    after: int | None
    why: tuple[str, ...]
    size_before: int
    size_after: int
    unit: bytes | None = None

    @property
    def content(self) -> bool:
        """Whether it is more than metadata."""
        return self.turn is not Turn.CHANGED or not _CONTENT.isdisjoint(self.why)

    @property
    def growth(self) -> int:
        """By how many bytes the second tree is larger at this path."""
        return self.size_after - self.size_before


@dataclass(frozen=True, slots=True)
class TreeComparison:
    """All that is different, sorted by path, and how much is the same.

    ``unchanged`` are paths that are the same in every respect, ``unchanged_bytes`` their files.
    ``folders`` has for each name at the root the bytes below it in both trees (a file there is
    under its own name), each inode counted once.
    """

    differences: tuple[PathDifference, ...]
    unchanged: int
    unchanged_bytes: int
    folders: dict[bytes, tuple[int, int]]

    @property
    def same(self) -> bool:
        """Whether both trees are the same, metadata included."""
        return not self.differences


def compare_trees(before: UnionTree, after: UnionTree) -> TreeComparison:
    """Hold two merged trees against each other, paths below the root and the root itself.

    Entries of layers whose tables are the same object are not looked at.
    """
    return _Comparing(before, after).run()


class _Names:
    """Which path an inode with several names is counted at: it is known at the end of a walk."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[bool, bytes]] = {}

    def see(self, reference: int, path: bytes, *, common: bool) -> None:
        here = not common, path
        known = self._best.get(reference)
        if known is None or here < known:
            self._best[reference] = here

    def __contains__(self, reference: int) -> bool:
        return reference in self._best

    def holds(self, reference: int, path: bytes) -> bool:
        """Whether the inode is counted at this path."""
        best = self._best.get(reference)
        return best is None or best[1] == path


class _Comparing:
    def __init__(self, before: UnionTree, after: UnionTree) -> None:
        self._before = before
        self._after = after
        self._found: list[PathDifference] = []
        self._unchanged = 0
        self._sums: dict[bytes, list[int]] = {}
        self._several: list[tuple[bytes, int, int]] = []  # unchanged, of several names
        self._old_names = _Names()
        self._new_names = _Names()
        pairs = zip(before.tables, after.tables, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))
        bases = after.bases if shared < len(after.bases) else before.bases
        # Below it a number is the same row in both.
        self._shared = bases[shared] if shared < len(bases) else 1 << 62

    def run(self) -> TreeComparison:
        before, after = self._before.root, self._after.root
        why = differences(self._before, before.reference, self._after, after.reference)
        if why:
            self._changed(b"", before.reference, after.reference, why)
        else:
            self._unchanged += 1
        self._walk(before, after)
        found = [self._sized(one) for one in self._found]
        found.sort(key=lambda one: one.path)
        for one in found:
            sums = self._sums.setdefault(_top(one.path), [0, 0, 0])
            sums[1] += one.size_before
            sums[2] += one.size_after
        for path, old, new in self._several:
            sums = self._sums.setdefault(_top(path), [0, 0, 0])
            size = self._size(self._before, old)
            here = self._old_names.holds(old, path), self._new_names.holds(new, path)
            sums[0] += size * here[1]
            sums[1] += size * (here[0] - here[1])
        return TreeComparison(
            tuple(found),
            self._unchanged,
            sum(sums[0] for sums in self._sums.values()),
            {top: (same + old, same + new) for top, (same, old, new) in self._sums.items()},
        )

    def _walk(self, old_root: Folder, new_root: Folder) -> None:
        stack: list[tuple[bytes, Folder, Folder]] = [(b"", old_root, new_root)]
        while stack:
            prefix, old, new = stack.pop()
            for name, was in old.items():
                path = prefix + name
                now = new.get(name)
                if now is None:
                    self._one_side(path, was, Turn.REMOVED)
                elif isinstance(was, Folder) and isinstance(now, Folder):
                    self._both(path, was.reference, now.reference)
                    stack.append((path + b"/", was, now))
                else:
                    self._both(path, reference_of(was), reference_of(now))
                    self._below(path, was, Turn.REMOVED)
                    self._below(path, now, Turn.ADDED)
            for name, now in new.items():
                if name not in old:
                    self._one_side(prefix + name, now, Turn.ADDED)

    def _both(self, path: bytes, was: int, now: int) -> None:
        old, new = self._before.names, self._after.names
        several = was in old or now in new
        if not several and was == now and 0 <= was < self._shared:
            why: tuple[str, ...] = ()
        else:
            why = differences(self._before, was, self._after, now)
        if several:
            self._old_names.see(was, path, common=True)
            self._new_names.see(now, path, common=True)
            if "type" not in why and old.get(was, 1) != new.get(now, 1):
                why = (*why, "links")
        if why:
            self._changed(path, was, now, why)
            return
        self._unchanged += 1
        if several:
            self._several.append((path, was, now))
        elif size := self._size(self._before, was):
            self._sums.setdefault(_top(path), [0, 0, 0])[0] += size

    def _changed(self, path: bytes, was: int, now: int, why: tuple[str, ...]) -> None:
        self._found.append(PathDifference(path, Turn.CHANGED, was, now, why, 0, 0))

    def _one_side(self, path: bytes, node: Node, turn: Turn) -> None:
        """A path that only one tree has, with all that is below it."""
        self._add(path, reference_of(node), turn, path if isinstance(node, Folder) else None)
        self._below(path, node, turn)

    def _below(self, path: bytes, node: Node, turn: Turn) -> None:
        """What is below a path in one tree while the other has no folder there."""
        if not isinstance(node, Folder):
            return
        stack = [(path + b"/", node)]
        while stack:
            prefix, folder = stack.pop()
            for name, child in folder.items():
                self._add(prefix + name, reference_of(child), turn, path)
                if isinstance(child, Folder):
                    stack.append((prefix + name + b"/", child))

    def _add(self, path: bytes, reference: int, turn: Turn, unit: bytes | None) -> None:
        before = after = None
        if turn is Turn.ADDED:
            after = reference
            if reference in self._after.names:
                self._new_names.see(reference, path, common=False)
        else:
            before = reference
            if reference in self._before.names:
                self._old_names.see(reference, path, common=False)
        self._found.append(PathDifference(path, turn, before, after, (), 0, 0, unit))

    def _sized(self, one: PathDifference) -> PathDifference:
        path, old, new = one.path, 0, 0
        if one.before is not None and self._old_names.holds(one.before, path):
            old = self._size(self._before, one.before)
        if one.after is not None and self._new_names.holds(one.after, path):
            new = self._size(self._after, one.after)
        return one._replace(size_before=old, size_after=new) if old or new else one

    @staticmethod
    def _size(tree: UnionTree, reference: int) -> int:
        if reference < 0:
            return 0
        layer, row = tree.locate(reference)
        table = tree.tables[layer]
        return table.sizes[row] if table.types[row] == FILE else 0


def _top(path: bytes) -> bytes:
    return path.partition(b"/")[0]
