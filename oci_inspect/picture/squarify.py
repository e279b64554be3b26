"""A rectangle cut into others of given areas, none longer and thinner than it must be.

The squarified treemap of Bruls, Huizing and van Wijk (2000): things are laid in rows along the
shorter side, the largest first, and a row takes one more as long as its worst proportion gets
better by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], inside: Rect) -> list[Rect]:
    """A rectangle for each size, in the same order, that together fill ``inside``.

    Sizes are positive and fall. There is one rectangle for each also where there is no room at all.
    """
    total = sum(sizes)
    area = inside.width * inside.height
    if total <= 0 or area <= 0:
        return [Rect(inside.x, inside.y, 0.0, 0.0) for _ in sizes]
    found: list[Rect] = []
    # Not made a float: whole numbers stay exact, and the last row is never more than what is left.
    left, rest, start = total, inside, 0
    while start < len(sizes):
        short = min(rest.width, rest.height)
        scale = rest.width * rest.height / left if left > 0 else 0.0
        end = _row(sizes, start, short, scale)
        row = sizes[start:end]
        filled = sum(row)
        share = 1.0 if end == len(sizes) else filled / left
        placed, rest = _lay(row, filled, share, rest)
        found += placed
        left -= filled
        start = end
    return found


def _row(sizes: Sequence[float], start: int, short: float, scale: float) -> int:
    """How far the row goes that begins at ``start``: where it would only get worse, it ends."""
    filled = 0.0
    worst = float("inf")
    first = sizes[start] * scale
    for end in range(start, len(sizes)):
        last = sizes[end] * scale
        filled += last
        if last <= 0 or short <= 0:
            return len(sizes)
        side = short * short
        square = filled * filled
        now = max(side * first / square, square / (side * last))
        if now > worst:
            return end
        worst = now
    return len(sizes)


def _lay(row: Sequence[float], filled: float, share: float, rest: Rect) -> tuple[list[Rect], Rect]:
    """Lay a row along the shorter side of what is left; with it what is left then."""
    found: list[Rect] = []
    if rest.width >= rest.height:
        thick = rest.width * share
        at = rest.y
        for size in row:
            part = rest.height * size / filled if filled > 0 else 0.0
            found.append(Rect(rest.x, at, thick, part))
            at += part
        return found, Rect(rest.x + thick, rest.y, rest.width - thick, rest.height)
    thick = rest.height * share
    at = rest.x
    for size in row:
        part = rest.width * size / filled if filled > 0 else 0.0
        found.append(Rect(at, rest.y, part, thick))
        at += part
    return found, Rect(rest.x, rest.y + thick, rest.width, rest.height - thick)
