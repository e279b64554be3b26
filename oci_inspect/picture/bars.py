"""The layers of an image side by side, as one bar: how wide each is, and how much of it is dead.

Everything is in whole units of the caller's choice (hundredths of a pixel, say), and worked out in
integers, so that the parts add up to the bar and no machine rounds otherwise than another.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Segment(NamedTuple):
    """One layer: where it begins, how wide it is, and how much of that is dead, at its end."""

    x: int
    width: int
    dead: int


def bar_segments(
    sizes: Sequence[int], dead: Sequence[int], width: int, least: int
) -> list[Segment]:
    """A segment for each layer, in order, that together are ``width`` wide.

    ``sizes`` and ``dead`` are bytes, ``dead`` never more than the size. Widths are in proportion to
    sizes, but none with any bytes is narrower than ``least``, or than an even share where there is
    no room for that. A layer without bytes has its segment too, of no width; so have all where none
    has any. What is not wholly dead, or not wholly live, is seen as such from two units on.
    """
    widths = _widths(sizes, width, least)
    found = []
    end, x = Fraction(0), 0
    for size, gone, part in zip(sizes, dead, widths, strict=True):
        end += part
        # Ends are rounded and not widths: so these add up, and two of one size differ by one unit
        # at most. As `least` is whole, nothing falls below it.
        upto = _rounded(end)
        found.append(Segment(x, upto - x, _dead_width(upto - x, size, gone)))
        x = upto
    return found


def _widths(sizes: Sequence[int], width: int, least: int) -> list[Fraction]:
    """The exact widths: the smallest get ``least``, the others share what is left."""
    filled = sorted(range(len(sizes)), key=lambda i: sizes[i])
    filled = [i for i in filled if sizes[i] > 0]
    found = [Fraction(0)] * len(sizes)
    if not filled:
        return found
    least = min(least, width // len(filled))
    room, total = width, sum(sizes[i] for i in filled)
    for place, i in enumerate(filled):
        if sizes[i] * room < least * total:
            found[i] = Fraction(least)
            room -= least
            total -= sizes[i]
            continue
        for other in filled[place:]:
            found[other] = Fraction(sizes[other] * room, total)
        break
    return found


def _dead_width(width: int, size: int, dead: int) -> int:
    if not dead or not width:
        return 0
    if dead >= size:
        return width
    return max(min(_rounded(Fraction(width * dead, size)), width - 1), min(1, width - 1))


def _rounded(number: Fraction) -> int:
    """To the nearest unit, a half upwards."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)
