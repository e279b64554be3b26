"""How wide each column of a table may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oci_inspect.render.blocks import Column, Fit

GAP = 2
"""Blanks between columns."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A column with the width that its cells would like, header included."""

    column: Column
    natural: int

    @property
    def least(self) -> int:
        """The width below which it makes no sense."""
        if self.column.fit is Fit.FIXED:
            return self.natural
        return min(self.natural, max(self.column.least, len(self.column.header)))


def total(widths: Sequence[int]) -> int:
    """The width of a table with columns of these widths."""
    return sum(widths) + GAP * max(0, len(widths) - 1)


def allocate(columns: Sequence[Measured], width: int | None) -> list[int] | None:
    """The width of each column, None where they do not fit side by side.

    Columns that may shrink share what the fixed ones leave; none gets more than it needs.
    """
    natural = [one.natural for one in columns]
    if width is None or total(natural) <= width:
        return natural
    widths = [one.least for one in columns]
    slack = width - total(widths)
    if slack < 0:
        return None
    while slack > 0:
        narrow = [i for i, one in enumerate(columns) if widths[i] < one.natural]
        i = min(narrow, key=lambda i: (widths[i] / columns[i].column.weight, i))
        widths[i] += 1
        slack -= 1
    return widths
