"""One ``analyze`` as a library call: ``python -m benchmarks.ours ARCHIVE TINY JOBS [CACHE]``.

The tiny archive is analysed first, so that everything is loaded when the clock starts. With CACHE,
a folder, the other archive is analysed before the clock as well if its scans are not there yet.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from benchmarks.clock import Clock
from oci_inspect.inspection import analyze

CACHE_MODULE = "oci_inspect.layer.scan_cache"


def has_cache() -> bool:
    """Whether this version keeps scans."""
    return importlib.util.find_spec(CACHE_MODULE) is not None


def main() -> None:
    path, tiny, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    options: dict[str, Any] = {"jobs": jobs}
    analyze(tiny, **options)
    if len(sys.argv) > 4:
        folder = Path(sys.argv[4])
        options["cache"] = importlib.import_module(CACHE_MODULE).ScanCache(folder)
        if not folder.is_dir() or not any(folder.iterdir()):
            analyze(path, **options)
        analyze(tiny, **options)
    with Clock() as clock:
        analysis = analyze(path, **options)
    if not analysis.ok:
        raise SystemExit(f"{path}: not intact")
    clock.tell()


if __name__ == "__main__":
    main()
