"""One ``analyze`` as a library call: ``python -m benchmarks.ours ARCHIVE TINY JOBS [CACHE]``.

The tiny archive is analysed first, so that everything is loaded when the clock starts. With CACHE,
a folder, the other archive is analysed before the clock as well if its scans are not there yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.clock import Clock
from oci_inspect.inspection import analyze
from oci_inspect.layer.scan_cache import ScanCache


def main() -> None:
    path, tiny, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    cache = None
    if len(sys.argv) > 4:
        folder = Path(sys.argv[4])
        cache = ScanCache(folder)
        if not folder.is_dir() or not any(folder.iterdir()):
            analyze(path, jobs=jobs, cache=cache)
    analyze(tiny, jobs=jobs, cache=cache)
    with Clock() as clock:
        analysis = analyze(path, jobs=jobs, cache=cache)
    if not analysis.ok:
        raise SystemExit(f"{path}: not intact")
    clock.tell()


if __name__ == "__main__":
    main()
