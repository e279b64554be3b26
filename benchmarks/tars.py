"""A plain writer of tars, for hundreds of thousands of entries: tarfile takes minutes for them."""

from __future__ import annotations

import struct
from typing import Protocol

BLOCK = 512
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
# Name, mode, owners, size, time, checksum, type, link, magic, owners' names, device, prefix.
_MOST_OCTAL = 1 << 33


class Output(Protocol):
    """Where a tar goes."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of ``data``."""
        ...


def header(name: bytes, size: int = 0, kind: bytes = b"0", mtime: int = 0) -> bytes:
    """One header block; ``kind`` is ``0`` for a file and ``5`` for a folder.

    POSIX ustar, as Go's writer makes it; GNU where the size needs more than eleven octal digits.
    """
    if len(name) > 100:
        raise ValueError(f"a name of {len(name)} bytes")
    large = size >= _MOST_OCTAL
    block = _FIELDS.pack(
        name,
        b"0000755" if kind == b"5" else b"0000644",
        b"0000000",
        b"0000000",
        b"\x80" + size.to_bytes(11, "big") if large else b"%011o" % size,
        b"%011o" % mtime,
        b"        ",
        kind,
        b"",
        b"ustar  \0" if large else b"ustar\x0000",
        b"root",
        b"root",
        b"0000000",
        b"0000000",
        b"",
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


class TarWriter:
    """Writes entries one after the other; :meth:`close` writes the end mark."""

    def __init__(self, output: Output) -> None:
        self._write = output.write
        self._open = 0
        self.size = 0
        """Bytes written so far."""

    def folder(self, name: bytes, mtime: int = 0) -> None:
        """Write a folder; its name ends in a slash."""
        self._put(header(name, 0, b"5", mtime))

    def file(self, name: bytes, data: bytes | memoryview = b"", mtime: int = 0) -> None:
        """Write a file that is in memory."""
        self.begin(name, len(data), mtime)
        if data:
            self.content(data)

    def begin(self, name: bytes, size: int, mtime: int = 0) -> None:
        """Write the header of a file whose ``size`` bytes come by :meth:`content`."""
        self._put(header(name, size, b"0", mtime))
        self._open = size

    def content(self, data: bytes | memoryview) -> None:
        """Write some of the open file, padded behind its last byte."""
        self._put(data)
        self._open -= len(data)
        if self._open < 0:
            raise ValueError("more content than the header says")
        if not self._open and self.size % BLOCK:
            self._put(bytes(-self.size % BLOCK))

    def close(self) -> None:
        """Write the two blocks of zeros that end a tar."""
        if self._open:
            raise ValueError("less content than the header says")
        self._put(bytes(2 * BLOCK))

    def _put(self, data: bytes | memoryview) -> None:
        self._write(data)
        self.size += len(data)
