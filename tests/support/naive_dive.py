"""dive's figures once more, plainly: sets of paths, looked through again for every question.

Written from what is known of dive's formulas (docs/dive.md), not from the package. Paths are
tuples of names. Quadratic and worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Path = tuple[bytes, ...]
Row = tuple[bytes, bool, int]
"""A path as a layer has it, whether it is a folder, the size in the header."""


@dataclass(frozen=True)
class Node:
    """What an entry says; a folder without an entry says nothing, not even that it is one."""

    size: int = 0
    folder: bool = False


Tree = dict[Path, Node]


@dataclass
class NaiveFigures:
    """The sums, and (path, how often, bytes) of what was met twice, sorted."""

    efficiency: float
    wasted: int
    user_size: int
    size: int
    paths: list[tuple[bytes, int, int]]


def naive_dive(layers: Sequence[Sequence[Row]]) -> NaiveFigures:
    """The figures of a stack of layers."""
    trees = [tree_of(layer) for layer in layers]
    met: dict[bytes, list[int]] = {}
    for i, tree in enumerate(trees):
        for path in in_order(tree):
            if any(other[: len(path)] == path for other in tree if other != path):
                continue
            key, size = shown(path), tree[path].size
            sizes = met.setdefault(key, [])
            if path[-1].startswith(b".wh."):
                deleted = size_below(stacked(trees[:i], tree), target(path))
                if deleted is None:
                    break
                size = deleted
            sizes.append(size)
    smallest = sum(min(sizes) if sizes else -1 for sizes in met.values())
    total = sum(map(sum, met.values()))
    paths = [(path, len(sizes), sum(sizes)) for path, sizes in met.items() if len(sizes) > 1]
    return NaiveFigures(
        smallest / total if total else 1.0,
        sum(size for _, _, size in paths),
        sum(size for layer in layers[1:] for _, _, size in layer),
        sum(size for layer in layers for _, _, size in layer),
        sorted(paths),
    )


def tree_of(layer: Sequence[Row]) -> Tree:
    """Entries by path, the last one of a path, and all folders above them."""
    tree: Tree = {}
    for name, folder, size in layer:
        path = tuple(name.split(b"/"))
        kept = path
        for i, part in enumerate(path):
            if part.startswith(b".wh..wh.."):
                kept = path[:i]
                break
        for i in range(1, len(kept) + (kept != path)):
            tree.setdefault(kept[:i], Node())
        if kept == path:
            tree[path] = Node(size, folder)
    return tree


def in_order(tree: Tree, above: Path = ()) -> Iterator[Path]:
    """What is in a folder by name, each behind all that is in it."""
    depth = len(above) + 1
    for path in sorted(path for path in tree if len(path) == depth and path[:-1] == above):
        yield from in_order(tree, path)
        yield path


def stacked(lower: Sequence[Tree], first: Tree) -> Tree:
    """The trees put upon each other: upon the lowest as it is, which so comes twice."""
    stack = dict(lower[0] if lower else first)
    for tree in lower:
        for path in in_order(tree):
            if path[-1].startswith(b".wh."):
                gone = target(path)
                if gone:
                    for one in [one for one in stack if one[: len(gone)] == gone]:
                        del stack[one]
            else:
                for i in range(1, len(path)):
                    stack.setdefault(path[:i], Node())
                stack[path] = tree[path]
    return stack


def size_below(stack: Tree, path: Path) -> int | None:
    """A folder's bytes with all below it, 0 of what is none, None where there is nothing."""
    if not path:
        return 0
    if path not in stack:
        return None
    if not stack[path].folder:
        return 0
    return sum(node.size for one, node in stack.items() if one[: len(path)] == path)


def target(path: Path) -> Path:
    """What a whiteout names: without a name of its own, the folder that it lies in."""
    name = path[-1].removeprefix(b".wh.")
    return (*path[:-1], name) if name else path[:-1]


def shown(path: Path) -> bytes:
    """The path that counts: the whiteout's mark is dropped."""
    return b"/".join((*path[:-1], path[-1].removeprefix(b".wh.")))
