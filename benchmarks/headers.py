"""The headers of one layer in memory: ``python -m benchmarks.headers ours|tarfile ARCHIVE``.

The first layer of an archive with uncompressed layers is walked, nothing is decompressed or hashed;
the seconds that are told are of one entry. Ours takes the sums of the contents as well.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

from benchmarks.clock import Clock
from benchmarks.datasets import layer_blobs
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.stream.source import CHUNK


def first_layer(archive: Path) -> bytes:
    """The bytes of the lowest layer."""
    blob = layer_blobs(archive)[0]
    with archive.open("rb") as file:
        file.seek(blob.offset)
        return file.read(blob.size)


def main() -> None:
    reader, tar = sys.argv[1], first_layer(Path(sys.argv[2]))
    entries = 0
    if reader == "ours":
        scanner = TarScanner()
        clock = Clock()
        for start in range(0, len(tar), CHUNK):
            piece = tar[start : start + CHUNK]
            hashlib.sha256(piece)  # it comes from there, and lies in the core's cache
            with clock:
                scanner.feed(piece)
        with clock:
            scanner.close()
        entries = len(scanner.table)
    else:
        with Clock() as clock, tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
            for _ in opened:
                entries += 1
    clock.tell(entries)


if __name__ == "__main__":
    main()
