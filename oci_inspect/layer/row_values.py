"""What few rows of a table have, by row number."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, MutableSequence
from typing import Generic, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")


class RowValues(Generic[V]):
    """A mapping from rows to values, quick to fill in the order of the rows.

    It takes a few bytes a row, where a dictionary takes a hundred. ``values`` may be an array.
    """

    __slots__ = ("_rows", "_values")

    def __init__(self, rows: Iterable[int] = (), values: MutableSequence[V] | None = None) -> None:
        self._rows = array("I", rows)
        self._values: MutableSequence[V] = [] if values is None else values
        if len(self._rows) != len(self._values):
            raise ValueError("a value for each row")

    def __setitem__(self, row: int, value: V) -> None:
        rows = self._rows
        if not rows or row > rows[-1]:  # as it is while a tar passes by
            rows.append(row)
            self._values.append(value)
            return
        place = bisect_left(rows, row)
        if rows[place] == row:
            self._values[place] = value
        else:
            rows.insert(place, row)
            self._values.insert(place, value)

    def _find(self, row: int) -> int:
        """The place of a row, -1 where it has no value."""
        rows = self._rows
        if not rows:
            return -1
        if row < len(rows) and rows[row] == row:
            return row  # every row up to it has one
        place = bisect_left(rows, row)
        return place if place < len(rows) and rows[place] == row else -1

    @overload
    def get(self, row: int) -> V | None: ...

    @overload
    def get(self, row: int, default: D) -> V | D: ...

    def get(self, row: int, default: D | None = None) -> V | D | None:
        """The value of a row, or ``default``."""
        place = self._find(row)
        return default if place < 0 else self._values[place]

    def __getitem__(self, row: int) -> V:
        place = self._find(row)
        if place < 0:
            raise KeyError(row)
        return self._values[place]

    def __contains__(self, row: object) -> bool:
        return isinstance(row, int) and self._find(row) >= 0

    def discard(self, row: int) -> None:
        """Let go of what a row has, if it has anything."""
        place = self._find(row)
        if place >= 0:
            del self._rows[place], self._values[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def rows(self) -> array[int]:
        """The rows, in their order."""
        return self._rows

    def values(self) -> MutableSequence[V]:
        """The values, in the order of their rows."""
        return self._values

    def items(self) -> Iterator[tuple[int, V]]:
        """Rows with their values, in their order."""
        return zip(self._rows, self._values, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (RowValues, dict)):
            return NotImplemented
        return dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RowValues({dict(self.items())!r})"
