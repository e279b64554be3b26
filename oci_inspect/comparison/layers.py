"""Which layer of one image stands beside which of the other, and which they share."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile

from oci_inspect.analysis.results import LayerResult
from oci_inspect.comparison.results import LayerPair, LayerSum, Match, SharedLayers

Keys = Sequence[str | None]
_MOST_CELLS = 1 << 20


def identity(layer: LayerResult) -> str:
    """What makes a layer this one: its diff_id, or the digest of one that cannot be looked into."""
    return layer.diff_id or f"blob {layer.digest}"


def common_layers(before: Sequence[LayerResult], after: Sequence[LayerResult]) -> int:
    """How many layers, from the bottom, are the same in both: those of one chain_id."""
    pairs = zip(map(identity, before), map(identity, after), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def pair_layers(
    before: Sequence[LayerResult],
    after: Sequence[LayerResult],
    instructions: tuple[Keys, Keys],
) -> tuple[LayerPair, ...]:
    """Put layers side by side, bottom to top; none crosses another.

    From the first that differs on, by diff_id; between those that are the same, by the instruction
    that made them; where as many are left on both sides, by position. ``instructions`` are those
    of each image's layers, None where none is known.
    """
    shared = common_layers(before, after)
    pairs = [(i, i, Match.CHAIN_ID) for i in range(shared)]
    pairs += [
        (i, j, Match.DIFF_ID)
        for i, j in _in_order(
            [identity(one) for one in before], [identity(one) for one in after], shared, shared
        )
    ]
    pairs += _between(pairs, len(before), len(after), instructions)
    return tuple(
        LayerPair(
            i, j, match, i is not None and j is not None and before[i].digest == after[j].digest
        )
        for i, j, match in _spread(sorted(pairs), len(before), len(after))
    )


def _in_order(old: Keys, new: Keys, first_old: int, first_new: int) -> list[tuple[int, int]]:
    """Equal keys of both, each once and in the order of both: as many as there can be.

    Of several ways the same is taken whichever of the two comes first. Beyond ``_MOST_CELLS``,
    which no image comes near, the first key that fits is taken.
    """
    rows = [i for i in range(first_old, len(old)) if old[i] is not None]
    columns = [j for j in range(first_new, len(new)) if new[j] is not None]
    if len(rows) * len(columns) > _MOST_CELLS:
        return _greedily(old, new, rows, columns)
    # most[i][j] is how many pairs there can be from the i-th row and the j-th column on
    most = [[0] * (len(columns) + 1)]
    for i in reversed(rows):
        below, row = most[-1], [0] * (len(columns) + 1)
        for at in range(len(columns) - 1, -1, -1):
            same = old[i] == new[columns[at]]
            row[at] = below[at + 1] + 1 if same else max(below[at], row[at + 1])
        most.append(row)
    most.reverse()
    found = []
    x = y = 0
    while x < len(rows) and y < len(columns):
        here, there = old[rows[x]] or "", new[columns[y]] or ""
        if here == there:
            found.append((rows[x], columns[y]))
            x, y = x + 1, y + 1
        elif (most[x + 1][y], there) > (most[x][y + 1], here):
            x += 1
        else:
            y += 1
    return found


def _greedily(
    old: Keys, new: Keys, rows: Sequence[int], columns: Sequence[int]
) -> list[tuple[int, int]]:
    places: dict[str | None, list[int]] = defaultdict(list)
    for i in rows:
        places[old[i]].append(i)
    found = []
    last = -1
    for j in columns:
        here = places.get(new[j], [])
        at = bisect_right(here, last)
        if at < len(here):
            last = here[at]
            found.append((last, j))
    return found


def _between(
    pairs: list[tuple[int, int, Match]], old: int, new: int, instructions: tuple[Keys, Keys]
) -> list[tuple[int, int, Match]]:
    """Pairs of layers that are not the same, in the gaps between those that are."""
    found: list[tuple[int, int, Match]] = []
    for i, j, above_i, above_j in _gaps([(i, j) for i, j, _ in pairs], old, new):
        keys = instructions[0][:above_i], instructions[1][:above_j]
        told = _in_order(keys[0], keys[1], i, j)
        found += ((one, other, Match.INSTRUCTION) for one, other in told)
        moved = [(one - i, other - j) for one, other in told]
        for a, b, c, d in _gaps(moved, above_i - i, above_j - j):
            if c - a == d - b:
                found += ((i + a + n, j + b + n, Match.POSITION) for n in range(c - a))
    return found


def _gaps(pairs: list[tuple[int, int]], old: int, new: int) -> Iterable[tuple[int, int, int, int]]:
    """What lies between pairs: where it begins in both, and where it ends."""
    i = j = 0
    for above_i, above_j in (*sorted(pairs), (old, new)):
        if above_i > i or above_j > j:
            yield i, j, above_i, above_j
        i, j = above_i + 1, above_j + 1


def _spread(
    pairs: list[tuple[int, int, Match]], old: int, new: int
) -> Iterable[tuple[int | None, int | None, Match | None]]:
    """The pairs with the layers that stand alone between them."""
    matches = {(i, j): match for i, j, match in pairs}
    i = j = 0
    for above_i, above_j in (*sorted(matches), (old, new)):
        yield from ((one, None, None) for one in range(i, above_i))
        yield from ((None, other, None) for other in range(j, above_j))
        if (above_i, above_j) in matches:
            yield above_i, above_j, matches[above_i, above_j]
        i, j = above_i + 1, above_j + 1


def layer_sum(layers: Iterable[LayerResult]) -> LayerSum:
    """How many layers, and their bytes."""
    chosen = list(layers)
    return LayerSum(
        len(chosen),
        sum(one.size or 0 for one in chosen),
        sum(one.file_bytes for one in chosen),
    )


def shared_layers(before: Sequence[LayerResult], after: Sequence[LayerResult]) -> SharedLayers:
    """The layers of the second image that the first has too."""
    known = {identity(one) for one in before}
    digests = {one.digest for one in before}
    return SharedLayers(
        layer_sum(after[: common_layers(before, after)]),
        layer_sum(one for one in after if identity(one) in known),
        layer_sum(one for one in after if one.digest in digests),
    )
