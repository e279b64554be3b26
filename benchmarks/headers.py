"""The headers of one layer in memory: ``python -m benchmarks.headers ours|tarfile ARCHIVE``.

The first layer of an archive with uncompressed layers is walked, nothing is decompressed or hashed;
the seconds that are told are of one entry. Ours takes the sums of the contents as well.
"""

from __future__ import annotations

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
        pieces = [tar[start : start + CHUNK] for start in range(0, len(tar), CHUNK)]
        scanner = TarScanner()
        with Clock() as clock:
            for piece in pieces:
                scanner.feed(piece)
            scanner.close()
        entries = len(scanner.table)
    else:
        with Clock() as clock, tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
            for _ in opened:
                entries += 1
    clock.tell(entries)


if __name__ == "__main__":
    main()
