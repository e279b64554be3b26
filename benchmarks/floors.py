"""Floors: what no reader of an image's layers can do without, and nothing else.

``python -m benchmarks.floors KIND ARCHIVE TINY JOBS`` does the work once for the tiny archive, so
that nothing is loaded or started any more, then for the other, and prints its seconds.

- ``layers``: decompress each blob, sha256 of the blob and of the tar, JOBS layers at a time.
- ``pipeline``: the same for a single layer, by one thread that decompresses and one that hashes.
- ``blobs``: sha256 of each blob, JOBS at a time; nothing is decompressed.

No header is looked at. Buffers are used again and again (fresh memory costs a page fault for each
4 KiB); other sizes and other calls of the same libraries were slower.
"""

from __future__ import annotations

import hashlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from benchmarks.clock import Clock
from benchmarks.datasets import Blob, layer_blobs

PIECE = 512 * 1024
"""Bytes decompressed and hashed at a time. With fewer, threads wake each other so often that the
system puts them on one core; with more, what was just decompressed leaves the cache."""

AHEAD = 4
"""Pieces that may wait between the two threads of a pipeline."""

Digests = tuple[str, str]
"""The digest and the diff_id of a layer, in hexadecimal."""


class Reader(Protocol):
    """Anything that fills a buffer."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill some of ``buffer`` and return how much, 0 at the end."""
        ...


class BlobFile:
    """The bytes of one blob, hashed as they pass where there is a hash for it."""

    def __init__(self, fd: int, blob: Blob, hashed: hashlib._Hash | None = None) -> None:
        self._fd = fd
        self._hash = hashed
        self._buffer = memoryview(bytearray(PIECE))
        self.position = blob.offset
        self.end = blob.offset + blob.size

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` and return how much of it."""
        view = memoryview(buffer)[: self.end - self.position]
        size = os.preadv(self._fd, [view], self.position) if view else 0
        self.position += size
        if self._hash is not None:
            self._hash.update(view[:size])
        return size

    def read(self, size: int = -1, /) -> memoryview:
        """The next piece, which is good until the next call."""
        view = self._buffer[:size] if size >= 0 else self._buffer
        return view[: self.readinto(view)]


def compression(fd: int, blob: Blob) -> str:
    """Name the compression of a layer of ours."""
    head = os.pread(fd, 4, blob.offset)
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if head == b"\x28\xb5\x2f\xfd" else "none"


def decompressed(file: BlobFile, how: str) -> Reader:
    """The tar of a compressed layer."""
    if how == "zstd":
        import zstandard

        frames = zstandard.ZstdDecompressor().stream_reader(
            cast("IO[bytes]", file), read_size=PIECE
        )
        return cast("Reader", frames)
    try:
        from isal import isal_zlib

        # Not IGzipFile: its readinto() makes fresh bytes and copies them.
        return cast("Reader", isal_zlib._GzipReader(cast("BinaryIO", file), PIECE))
    except (ImportError, AttributeError):
        import gzip

        return cast("Reader", gzip.GzipFile(fileobj=cast("IO[bytes]", file), mode="rb"))


def digest_layer(fd: int, blob: Blob) -> Digests:
    """Decompress and hash one layer in this thread."""
    of_blob, of_tar = hashlib.sha256(), hashlib.sha256()
    file = BlobFile(fd, blob, of_blob)
    how = compression(fd, blob)
    if how == "none":
        _drain(file, None)
        return of_blob.hexdigest(), of_blob.hexdigest()
    _drain(decompressed(file, how), of_tar)
    return of_blob.hexdigest(), of_tar.hexdigest()


def digest_blob(fd: int, blob: Blob) -> Digests:
    """Hash one blob as it is stored."""
    of_blob = hashlib.sha256()
    _drain(BlobFile(fd, blob, of_blob), None)
    return of_blob.hexdigest(), ""


def digest_pipeline(fd: int, blob: Blob) -> Digests:
    """Decompress in one thread and hash in another.

    The blob itself is hashed by the thread that has less to do: that is the one that hashes where
    gzip is read, and the one that decompresses where zstd is. An uncompressed layer leaves nothing
    to share.
    """
    how = compression(fd, blob)
    if how == "none":
        return digest_layer(fd, blob)
    of_blob, of_tar = hashlib.sha256(), hashlib.sha256()
    file = BlobFile(fd, blob, of_blob if how == "zstd" else None)
    blob_again = BlobFile(fd, blob, of_blob)
    full: queue.SimpleQueue[tuple[memoryview, int]] = queue.SimpleQueue()
    free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
    for _ in range(AHEAD):
        free.put(memoryview(bytearray(PIECE)))

    def hash_pieces() -> None:
        while True:
            buffer, size = full.get()
            of_tar.update(buffer[:size])
            free.put(buffer)
            while how == "gzip" and blob_again.position < file.position:
                blob_again.read()
            if not size:
                return

    thread = threading.Thread(target=hash_pieces)
    thread.start()
    reader = decompressed(file, how)
    size = -1
    while size:
        buffer = free.get()
        size = reader.readinto(buffer)
        full.put((buffer, size))
    thread.join()
    return of_blob.hexdigest(), of_tar.hexdigest()


KINDS: dict[str, Callable[[int, Blob], Digests]] = {
    "layers": digest_layer,
    "pipeline": digest_pipeline,
    "blobs": digest_blob,
}


def digest_all(
    kind: Callable[[int, Blob], Digests], fd: int, blobs: Sequence[Blob], jobs: int
) -> list[Digests]:
    """The digests of all blobs, ``jobs`` at a time, the largest first; in the order given."""
    waiting = sorted(range(len(blobs)), key=lambda i: -blobs[i].size)
    done: dict[int, Digests] = {}

    def labour() -> None:
        while waiting:
            try:
                i = waiting.pop(0)
            except IndexError:
                return
            done[i] = kind(fd, blobs[i])

    threads = [threading.Thread(target=labour) for _ in range(min(jobs, len(blobs)) - 1)]
    for thread in threads:
        thread.start()
    labour()
    for thread in threads:
        thread.join()
    return [done[i] for i in range(len(blobs))]


def _drain(reader: Reader, hashed: hashlib._Hash | None) -> None:
    buffer = memoryview(bytearray(PIECE))
    while size := reader.readinto(buffer):
        if hashed is not None:
            hashed.update(buffer[:size])


def main() -> None:
    kind, path, tiny, jobs = KINDS[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    for archive in (tiny, path):
        blobs = layer_blobs(archive)
        fd = os.open(archive, os.O_RDONLY)
        with Clock() as clock:
            digest_all(kind, fd, blobs, int(jobs))
        os.close(fd)
    clock.tell()


if __name__ == "__main__":
    main()
