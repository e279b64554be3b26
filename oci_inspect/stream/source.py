"""Where bytes come from: anything with ``read(n)``."""

from __future__ import annotations

from typing import Protocol

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.limits import Limits

CHUNK = 1 << 20
"""Bytes asked for at a time: hashing them lets go of the interpreter's lock for half a millisecond,
and they are still in a core's cache when their headers are looked at."""


class Source(Protocol):
    """A stream of bytes, read once from front to end."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, at least one unless the stream has ended."""
        ...


class SkippingSource(Source, Protocol):
    """A source that can go forward without reading, and look ahead without going."""

    def skip(self, size: int, /) -> None:
        """Go forward by ``size`` bytes, to the end where there are fewer."""
        ...

    def peek(self, offset: int, size: int, /) -> bytes:
        """Return up to ``size`` bytes that stand ``offset`` bytes ahead, and stay."""
        ...


class BytesSource:
    """A source over bytes in memory."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    def skip(self, size: int, /) -> None:
        """Go forward by ``size`` bytes."""
        self._position += size

    def peek(self, offset: int, size: int, /) -> bytes:
        """Return up to ``size`` bytes from further ahead."""
        start = self._position + offset
        return self._data[start : start + size]

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""
        piece = self._data[self._position : self._position + size]
        self._position += len(piece)
        return piece


class CountedSource:
    """A source that knows how many bytes it gave, and gives as many as asked for.

    A pipe gives what it has; nothing that is told of an archive must depend on that.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._most: int | None = None
        self._compression = ""
        self._more = 0
        self.size = 0
        self.endless = False
        """Whether it was given up, having gone on for too long."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes. Raises :class:`CorruptStreamError` where it is endless."""
        data = read_exactly(self._source, size)
        self.size += len(data)
        if self._most is not None and self.size > self._most:
            self.endless = True
            problem = f"more than {self._more:,} bytes behind the end of what is in it"
            raise CorruptStreamError(self._compression, problem, self.size, trailing=True)
        return data

    def expect_end(self, more: int, compression: str) -> None:
        """Allow ``more`` bytes from here on: no more is needed, and it may go on for ever."""
        self._more, self._compression = more, compression
        self._most = self.size + more


class _Counter(Protocol):
    @property
    def size(self) -> int: ...


class BoundedSource:
    """What comes out of a decompressor, as long as it is not too much for what went in.

    ``raw`` knows how many bytes that was; ``subject`` is what the error names.
    """

    def __init__(self, source: Source, raw: _Counter, limits: Limits, subject: str) -> None:
        self._source = source
        self._raw = raw
        self._limits = limits
        self._subject = subject
        self._size = 0

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes. Raises :class:`LimitExceededError`."""
        data = self._source.read(size)
        self._size += len(data)
        most = self._limits.expansion_ratio
        if self._size > self._limits.expansion_floor and self._size > most * self._raw.size:
            ratio = -(-self._size // max(1, self._raw.size))  # rounded up: it is over the limit
            raise LimitExceededError("expansion_ratio", most, ratio, self._subject)
        return data


class PrefixedSource:
    """A source that gives back bytes that were read ahead before it goes on."""

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._rest.read(size)


def read_exactly(source: Source, size: int) -> bytes:
    """Read ``size`` bytes, fewer only where the source ends before."""
    data = source.read(size)
    if len(data) == size or not data:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and (data := source.read(missing)):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


def read_some(source: Source, size: int) -> bytes:
    """Read at most ``size`` bytes without asking for more than a chunk at a time.

    A claimed size is never allocated before its bytes have come.
    """
    pieces: list[bytes] = []
    while size > 0 and (data := source.read(min(size, CHUNK))):
        pieces.append(data)
        size -= len(data)
    return b"".join(pieces)


def drain(source: Source) -> int:
    """Read to the end and return the number of bytes."""
    total = 0
    while data := source.read(CHUNK):
        total += len(data)
    return total
