"""Many archives together: ``df`` of 50 images that share most layers, against hashing all bytes.

``python -m benchmarks.usage WHO FOLDER TINY JOBS`` does the work of ``ours`` or of the ``floor``
once for the tiny archive, then for all archives of a folder, and prints its seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.clock import Clock
from benchmarks.datasets import MANY, layer_blobs
from benchmarks.floors import digest_all, digest_blob
from benchmarks.rows import Row, compare
from benchmarks.timing import module
from oci_inspect import disk_usage


def many(bench: Bench) -> Iterator[Row]:
    """``disk_usage`` as a library call, without a cache on disk."""
    for how in ("none", "gzip"):
        folder, tiny = bench.data.many(how), bench.data.archive("tiny", how)
        series = bench.turns(
            {who: module("usage", who, folder, tiny, bench.jobs) for who in ("ours", "floor")}
        )
        size = sum(path.stat().st_size for path in folder.iterdir())
        count = MANY.archives * MANY.layers
        what = f"{how}: {MANY.archives} archives, {count:,} layers, {size / 1e6:,.0f} MB"
        yield compare(what, series["ours"], series["floor"])


def digest_each(paths: Sequence[Path], jobs: int, clock: Clock) -> int:
    """Hash every layer of every archive as it is stored; how many there were."""
    count = 0
    for path in paths:
        blobs = layer_blobs(path)
        fd = os.open(path, os.O_RDONLY)
        with clock:
            count += len(digest_all(digest_blob, fd, blobs, jobs))
        os.close(fd)
    return count


def main() -> None:
    who, folder, tiny, jobs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    for paths in ([tiny], sorted(folder.iterdir())):
        clock = Clock()
        if who == "floor":
            digest_each(paths, jobs, clock)
            continue
        with clock:
            usage = disk_usage(paths, jobs=jobs)
        if not usage.complete:
            raise SystemExit(f"{folder}: not intact")
    clock.tell()


if __name__ == "__main__":
    main()
