"""The figures of dive (github.com/wagoodman/dive), by its formulas, for rules written for it.

They are not ours: dive counts paths where we count inodes (docs/dive.md). The formulas were read
from its source, v0.13.1 and d6c6919 (``filetree/efficiency.go``, ``file_tree.go``), and are kept
to where they surprise: a team that moves over must see the numbers it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, nan

from oci_inspect.analysis.dive_trees import DiveStack, DiveTree
from oci_inspect.layer.entries import EntryTable


@dataclass(frozen=True, slots=True)
class DivePath:
    """A path that dive calls inefficient: it was met more than once.

    ``count`` is how often, a deletion being one time; ``size`` the bytes of all of them together,
    the one that is still there too.
    """

    path: bytes
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class DiveFigures:
    """What dive says of an image. Sizes are in bytes.

    ``size`` is the sum of the sizes in all tar headers, ``user_size`` that of all layers but the
    first. ``wasted_bytes`` is what all of ``paths``, the largest first, take up.
    ``user_wasted_percent`` is, for all its name, the share ``wasted_bytes / user_size``: not a
    number where both are 0, infinite where only the second is. ``efficiency`` is the sum of each
    path's smallest size by the sum of all sizes, 1 where there are none.
    """

    efficiency: float
    wasted_bytes: int
    user_size: int
    user_wasted_percent: float
    size: int
    paths: tuple[DivePath, ...] = ()


def dive_figures(tables: Sequence[EntryTable]) -> DiveFigures:
    """Compute dive's figures of the layers' rows, from the lowest to the highest.

    For images that are ``complete``: what was cut short by a limit tells nothing about dive. It
    takes time in step with the entries and the lengths of their paths.
    """
    layers = [sum(table.sizes) for table in tables]
    size, user_size = sum(layers), sum(layers[1:])
    tally = _Tally()
    stack = DiveStack()
    highest = max((i for i, table in enumerate(tables) if _marked(table)), default=-1)
    for index, table in enumerate(tables):
        tree = DiveTree(table, marked=_marked(table))
        if not index and highest >= 0:
            stack.lay(tree)
        _count(tree, stack, tally)
        if index < highest:
            stack.put(tree)  # the lowest is put upon itself: dive does so, too
    wasted = sum(one.size for one in tally.again.values())
    paths = [DivePath(path, one.count, one.size) for path, one in tally.again.items()]
    paths.sort(key=lambda one: (-one.size, one.path))
    return DiveFigures(
        tally.efficiency, wasted, user_size, _share(wasted, user_size), size, tuple(paths)
    )


def _marked(table: EntryTable) -> bool:
    """Whether a layer may have whiteouts: only then does order matter."""
    return any(b".wh." in path for path in table.paths)


def _share(wasted: int, user_size: int) -> float:
    if user_size:
        return float(wasted) / float(user_size)
    return inf if wasted else nan


@dataclass(slots=True)
class _Repeated:
    size: int
    smallest: int
    count: int


@dataclass(slots=True)
class _Tally:
    """What was met by path. Nearly all are met once: those are a size and no more.

    ``missed`` are paths that whiteouts of nothing name. dive notes them with a smallest size of
    -1, and adds that up with the others where no layer has such a path.
    """

    once: dict[bytes, int] = field(default_factory=dict)
    again: dict[bytes, _Repeated] = field(default_factory=dict)
    missed: set[bytes] = field(default_factory=set)

    def meet(self, path: bytes, size: int) -> None:
        """Take down a path."""
        known = self.again.get(path)
        if known is not None:
            known.size += size
            known.smallest = min(known.smallest, size)
            known.count += 1
            return
        before = self.once.pop(path, None)
        if before is None:
            self.once[path] = size
        else:
            self.again[path] = _Repeated(before + size, min(before, size), 2)

    @property
    def efficiency(self) -> float:
        """The smallest sizes by all sizes."""
        once = sum(self.once.values())
        every = once + sum(one.size for one in self.again.values())
        smallest = once + sum(one.smallest for one in self.again.values())
        smallest -= sum(path not in self.once and path not in self.again for path in self.missed)
        return float(smallest) / float(every) if every else 1.0


def _count(tree: DiveTree, stack: DiveStack, tally: _Tally) -> None:
    """Take down the leaves of a layer, up to the first whiteout of nothing."""
    stack.ask()
    for prefix, name, node in tree.leaves():
        if name.startswith(b".wh."):
            target = prefix + name[4:]
            size = stack.size_of_deleted(prefix, name[4:])
            if size is None:
                tally.missed.add(target)
                return
            tally.meet(target, size)
        else:
            row = tree.row(node)
            if row < 0:
                tally.meet(prefix + name, 0)
            else:
                tally.meet(tree.table.paths[row], tree.table.sizes[row])
