"""Decisions taken from bytes: how a fuzzer of bytes reaches what is no bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Answers questions with the next bytes of an input; with zeros behind its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not used yet: where there are none, whoever asks should come to an end."""
        return max(0, len(self._data) - self._at)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        data = self._data[self._at : self._at + size]
        self._at += size
        return data

    def number(self, width: int = 1) -> int:
        """A whole number of so many bytes."""
        return int.from_bytes(self.take(width), "little")

    def below(self, end: int) -> int:
        """A number from 0 up to ``end``, without it."""
        return self.number(1 if end <= 256 else 4) % end

    def one_of(self, items: Sequence[T]) -> T:
        """One of some things."""
        return items[self.below(len(items))]

    def text(self, most: int = 12) -> bytes:
        """Some bytes, their number first."""
        return self.take(self.below(most + 1))

    def size(self) -> int:
        """A number of any magnitude, mostly small."""
        return self.number(self.one_of((1, 1, 1, 2, 2, 4, 8)))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)
