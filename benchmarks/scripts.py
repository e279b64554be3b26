"""What one would write with the standard library.

``python -m benchmarks.scripts KIND ARCHIVE TINY`` reads both archives, and times the first:

- ``plain``: for each layer the digest, the diff_id and the entries, one after the other, each by
  the call that is there for it: the layer is read three times and unpacked twice.
- ``careful``: the same in one pass, hashed on the way to tarfile.

zstd is read by zstandard's reader. One thread, as in any such script.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import tarfile
from pathlib import Path
from typing import IO, Literal, cast

import zstandard

from benchmarks import MIB
from benchmarks.clock import Clock
from benchmarks.datasets import layer_blobs

_MODES: dict[str, Literal["r:", "r:gz", "r|"]] = {"none": "r:", "gzip": "r:gz", "zstd": "r|"}
Answer = tuple[str, str, int]
"""Digest, diff_id and number of entries of one layer."""


class Window:
    """Part of a file, as a file."""

    def __init__(self, file: IO[bytes], offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        left = self._size - self._position
        self._file.seek(self._offset + self._position)
        data = self._file.read(left if size < 0 else min(size, left))
        self._position += len(data)
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        """Go to ``position``."""
        self._position = position + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position


class Hashed:
    """What is read from another file, hashed by the way."""

    def __init__(self, file: Window | IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self.hash.update(data)
        return data

    def drain(self) -> str:
        """Read to the end and return the digest."""
        while self.read(MIB):
            pass
        return self.hash.hexdigest()


def unpacked(file: Window | Hashed, how: str) -> IO[bytes]:
    """The tar inside."""
    if how == "gzip":
        return cast("IO[bytes]", gzip.open(cast("IO[bytes]", file)))
    if how == "zstd":
        reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", file))
        return cast("IO[bytes]", reader)
    return cast("IO[bytes]", file)


def plain(window: Window, how: str) -> Answer:
    """One call for each question."""
    digest = Hashed(window).drain()
    window.seek(0)
    diff_id = digest if how == "none" else Hashed(unpacked(window, how)).drain()
    window.seek(0)
    # tarfile reads zstd only in newer Pythons
    source = unpacked(window, how) if how == "zstd" else cast("IO[bytes]", window)
    with tarfile.open(fileobj=source, mode=_MODES[how]) as tar:
        return digest, diff_id, sum(1 for _ in tar)


def careful(window: Window, how: str) -> Answer:
    """Everything in one pass."""
    blob = Hashed(window)
    tar_bytes = blob if how == "none" else Hashed(unpacked(blob, how))
    with tarfile.open(fileobj=cast("IO[bytes]", tar_bytes), mode="r|") as tar:
        entries = sum(1 for _ in tar)
    diff_id = tar_bytes.drain()
    return blob.drain(), diff_id, entries


def read_archive(kind: str, archive: Path) -> list[Answer]:
    """The answers for each layer of an archive of ours."""
    script = {"plain": plain, "careful": careful}[kind]
    how = archive.stem.partition("-")[2]
    with archive.open("rb", buffering=0) as file:
        return [script(Window(file, blob.offset, blob.size), how) for blob in layer_blobs(archive)]


def main() -> None:
    kind, path, tiny = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    read_archive(kind, tiny)
    with Clock() as clock:
        read_archive(kind, path)
    clock.tell()


if __name__ == "__main__":
    main()
