"""The headers of one layer in memory, by entry.

``python -m benchmarks.headers ours|tarfile ARCHIVE TINY [empty]`` walks the first layer of both
archives, whose layers are not compressed, and times the former; nothing is decompressed or hashed.
With ``empty`` as many files without content take its place: ours takes sums of the contents, and
this shows what the headers alone cost.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

from benchmarks.clock import Clock
from benchmarks.datasets import layer_blobs
from benchmarks.layers import Contents, write_small
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.stream.source import CHUNK


def first_layer(archive: Path) -> bytes:
    """The bytes of the lowest layer."""
    blob = layer_blobs(archive)[0]
    with archive.open("rb") as file:
        file.seek(blob.offset)
        return file.read(blob.size)


def empty_files(count: int) -> bytes:
    """A layer of so many files without content."""
    output = io.BytesIO()
    write_small(output, Contents(0, 1), 0, count, 0)
    return output.getvalue()


def by_us(tar: bytes, clock: Clock) -> int:
    """Walk a tar with our scanner, in the pieces that a scan feeds it; the number of entries."""
    scanner = TarScanner()
    for start in range(0, len(tar), CHUNK):
        piece = tar[start : start + CHUNK]
        hashlib.sha256(piece)  # it comes from there, and lies in the core's cache
        with clock:
            scanner.feed(piece)
    with clock:
        scanner.close()
    return len(scanner.table)


def by_tarfile(tar: bytes, clock: Clock) -> int:
    """Walk a tar with tarfile."""
    with clock, tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        return sum(1 for _ in opened)


def main() -> None:
    walk = {"ours": by_us, "tarfile": by_tarfile}[sys.argv[1]]
    layer, tiny = first_layer(Path(sys.argv[2])), first_layer(Path(sys.argv[3]))
    walk(tiny, Clock())
    if sys.argv[4:] == ["empty"]:
        layer = empty_files(walk(layer, Clock()))
    clock = Clock()
    clock.tell(walk(layer, clock))


if __name__ == "__main__":
    main()
