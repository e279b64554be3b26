"""The only place that knows tabulate: rows of finished cells to aligned lines."""

from __future__ import annotations

from collections.abc import Sequence


def grid(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Lay rows out in columns with two blanks between; cells may have several lines.

    The header is a row like any other here: tabulate would pad it by two more columns.
    """
    if not rows or not right:
        return []
    from tabulate import tabulate

    text = tabulate(
        rows,
        tablefmt="plain",
        disable_numparse=True,
        colalign=["right" if is_right else "left" for is_right in right],
    )
    return text.split("\n")
