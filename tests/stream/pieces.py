"""Sources that give little at a time, and streams of every compression to read from them."""

from __future__ import annotations

import bz2
import gzip
import lzma

import zstandard

from oci_inspect.stream.compression import decompress
from oci_inspect.stream.source import Source

DATA = b"".join(b"%d bottles, " % i for i in range(9000)) + bytes(70_000)


class Pieces:
    """A source that never gives more than ``step`` bytes, as a pipe may."""

    def __init__(self, data: bytes, step: int = 1 << 20) -> None:
        self._data = data
        self._step = step
        self._position = 0

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._position : self._position + min(size, self._step)]
        self._position += len(piece)
        return piece


def gz(data: bytes, level: int = 6) -> bytes:
    return gzip.compress(data, level, mtime=0)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


COMPRESSORS = {"gzip": gz, "zstd": zstd, "xz": lzma.compress, "bzip2": bz2.compress}


def skippable(payload: bytes, kind: int = 0) -> bytes:
    """RFC 8878 section 3.1.2."""
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + len(payload).to_bytes(4, "little") + payload


def read_all(source: Source, size: int = 1 << 20) -> bytes:
    pieces = []
    while piece := source.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert source.read(size) == b""
    return b"".join(pieces)


def unpacked(blob: bytes, compression: str, step: int = 1 << 20, size: int = 1 << 20) -> bytes:
    return read_all(decompress(compression, Pieces(blob, step)), size)
