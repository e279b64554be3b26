"""What is different between the merged trees of two images, path by path.

A tree has an entry for each path; where two trees have one for the same path, they are held
against each other. Nothing is guessed: a file that moved is one that went and one that came.
"""

from __future__ import annotations

from collections.abc import Container
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
    :func:`~oci_inspect.filesystem.differences.differences`; ``links`` is added where a file does
    not go by the same names in both. ``size_before`` and ``size_after`` are the bytes of a regular
    file. An inode with several names counts at one of them: the first that both trees have, else
    the first. ``unit`` is the uppermost folder that came or went with all that is in it, None for
    the others.
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
    ``folders`` has for each name at the root of either the bytes below it in both trees (a file
    there is under its own name), each inode counted once.
    """

    differences: tuple[PathDifference, ...]
    unchanged: int
    unchanged_bytes: int
    folders: dict[bytes, tuple[int, int]]
    unproven: tuple[tuple[int, int], ...] = ()
    """Files, by their references in both trees, that are the same by size and CRC-32 alone.

    Told only where nothing is different, so that everything depends on them.
    """

    @property
    def same(self) -> bool:
        """Whether both trees are the same, metadata included."""
        return not self.differences


def compare_trees(
    before: UnionTree, after: UnionTree, forged: Container[tuple[int, int]] = ()
) -> TreeComparison:
    """Hold two merged trees against each other, paths below the root and the root itself.

    Entries of layers whose tables are the same object are not looked at. ``forged`` are files, by
    their references in both, whose contents are known to differ whatever their fingerprints say.
    """
    return _Comparing(before, after, forged).run()


class _Names:
    """The names of inodes that have several: all are known at the end of a walk."""

    def __init__(self) -> None:
        self._paths: dict[int, list[bytes]] = {}
        self._first: dict[int, tuple[bool, bytes]] = {}

    def see(self, reference: int, path: bytes, *, common: bool) -> None:
        """A path that leads to an inode; ``common`` where the other tree has it too."""
        here = not common, path
        known = self._first.get(reference)
        if known is None or here < known:
            self._first[reference] = here
        self._paths.setdefault(reference, []).append(path)

    def sort(self) -> None:
        """Put the names of each inode in order, now that all were seen."""
        for paths in self._paths.values():
            paths.sort()

    def of(self, reference: int) -> list[bytes]:
        """The names of an inode, in order."""
        return self._paths[reference]

    def holds(self, reference: int, path: bytes) -> bool:
        """Whether the inode is counted at this path: at a common one, where there is one."""
        first = self._first.get(reference)
        return first is None or first[1] == path


class _Comparing:
    def __init__(
        self, before: UnionTree, after: UnionTree, forged: Container[tuple[int, int]]
    ) -> None:
        self._before = before
        self._after = after
        self._forged = forged
        self._unproven: dict[tuple[int, int], None] = {}
        self._found: list[PathDifference] = []
        self._unchanged = 0
        self._sums: dict[bytes, list[int]] = {}
        self._several: list[tuple[bytes, int, int, tuple[str, ...]]] = []
        self._waiting: list[int] = []  # which of those found have no sizes yet
        self._alike: dict[tuple[int, int], bool] = {}  # inodes, whether they have the same names
        self._old_names = _Names()
        self._new_names = _Names()
        pairs = zip(before.tables, after.tables, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))
        bases = after.bases if shared < len(after.bases) else before.bases
        # Below it a number is the same row in both.
        self._shared = bases[shared] if shared < len(bases) else 1 << 62

    def run(self) -> TreeComparison:
        before, after = self._before.root, self._after.root
        self._sums = {name: [0, 0, 0] for name in (*before, *after)}
        why = differences(self._before, before.reference, self._after, after.reference)
        self._told(b"", before.reference, after.reference, why)
        self._walk(before, after)
        self._old_names.sort()
        self._new_names.sort()
        for path, was, now, why in self._several:
            self._linked(path, was, now, why)
        found = self._found
        for i in self._waiting:
            found[i] = self._sized(found[i])
        found.sort(key=lambda one: one.path)
        for one in found:
            if one.path:
                sums = self._sums[_top(one.path)]
                sums[1] += one.size_before
                sums[2] += one.size_after
        return TreeComparison(
            tuple(found),
            self._unchanged,
            sum(sums[0] for sums in self._sums.values()),
            {top: (same + old, same + new) for top, (same, old, new) in self._sums.items()},
            () if found else tuple(self._unproven),
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
        several = was in self._before.names or now in self._after.names
        if not several and was == now and 0 <= was < self._shared:
            why: tuple[str, ...] = ()
        else:
            why = differences(self._before, was, self._after, now)
            if (was, now) in self._forged:
                why = ("content", *why)
            elif not why and not self._found and self._by_crc(was, now):
                self._unproven[was, now] = None
        if several:
            self._old_names.see(was, path, common=True)
            self._new_names.see(now, path, common=True)
            self._several.append((path, was, now, why))
        elif not self._told(path, was, now, why) and (size := self._size(self._before, was)):
            self._sums[_top(path)][0] += size

    def _by_crc(self, was: int, now: int) -> bool:
        """Whether nothing but a fingerprint says that two entries are the same file."""
        if was < 0 or now < 0 or not self._size(self._before, was):
            return False
        (old, i), (new, j) = self._before.locate(was), self._after.locate(now)
        a, b = self._before.tables[old], self._after.tables[new]
        sparse = i in a.stored_sizes or j in b.stored_sizes  # those were read
        return not (a is b and i == j) and not sparse

    def _linked(self, path: bytes, was: int, now: int, why: tuple[str, ...]) -> None:
        """A path whose inode has several names on either side, now that all are known.

        Where nothing is different they are the same ones, so it counts at the same in both.
        """
        if "type" not in why:
            pair = was, now
            if pair not in self._alike:
                self._alike[pair] = self._old_names.of(was) == self._new_names.of(now)
            if not self._alike[pair]:
                why = (*why, "links")
        if not self._told(path, was, now, why) and self._old_names.holds(was, path):
            self._sums[_top(path)][0] += self._size(self._before, was)

    def _told(self, path: bytes, was: int, now: int, why: tuple[str, ...]) -> bool:
        """Take down a path that both have; whether it is different."""
        if why:
            self._find(path, Turn.CHANGED, was, now, why, None)
        else:
            self._unchanged += 1
        return bool(why)

    def _find(
        self,
        path: bytes,
        turn: Turn,
        was: int | None,
        now: int | None,
        why: tuple[str, ...],
        unit: bytes | None,
    ) -> None:
        """Take down a difference; what has several names gets its size at the end."""
        before, after = self._before, self._after
        if was in before.names or now in after.names:
            self._waiting.append(len(self._found))
            sizes = 0, 0
        else:
            sizes = self._size(before, was), self._size(after, now)
        self._found.append(PathDifference(path, turn, was, now, why, *sizes, unit))

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
        self._find(path, turn, before, after, (), unit)

    def _sized(self, one: PathDifference) -> PathDifference:
        path, old, new = one.path, 0, 0
        if one.before is not None and self._old_names.holds(one.before, path):
            old = self._size(self._before, one.before)
        if one.after is not None and self._new_names.holds(one.after, path):
            new = self._size(self._after, one.after)
        return one._replace(size_before=old, size_after=new) if old or new else one

    @staticmethod
    def _size(tree: UnionTree, reference: int | None) -> int:
        if reference is None or reference < 0:
            return 0
        layer, row = tree.locate(reference)
        table = tree.tables[layer]
        return table.sizes[row] if table.types[row] == FILE else 0


def _top(path: bytes) -> bytes:
    return path.partition(b"/")[0]
