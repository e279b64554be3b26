"""What merging and all that comes behind it cost on a million entries: ``-m benchmarks.trees``.

The stacks are those of :mod:`benchmarks.stacks`. Each case runs in a process of its own and is told
as CPU seconds of the fold (merge, census, waste, layers) and as bytes an entry, once for the peak
of all and once for the tables alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.stacks import CASES
from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.archive.contents import Image, LayerRef
from oci_inspect.folding import analyze_image
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.spec.platform import Platform


def fold(tables: Iterable[EntryTable]) -> ImageAnalysis:
    """All that is done once the scans are there, on scans of these tables."""
    scans = [_scan(table, i) for i, table in enumerate(tables)]
    layers = tuple(
        LayerRef(f"{i}.tar", f"{i}.tar", None, "", scan.size, "") for i, scan in enumerate(scans)
    )
    image = Image(
        references=("bench/trees:1",),
        image_id=None,
        manifest_digest=None,
        manifest=None,
        manifest_data=None,
        config=None,
        config_data=None,
        platform=Platform("linux", "amd64"),
        layers=layers,
        findings=(),
    )
    return analyze_image(image, {f"{i}.tar": scan for i, scan in enumerate(scans)})


def _scan(table: EntryTable, number: int) -> LayerScan:
    digests = {"sha256": f"sha256:{number:064x}"}
    size = 512 * (len(table) + 2)
    return LayerScan(digests, size, digests, size, "none", table, (), complete=True, listed=True)


def measure(name: str, entries: int) -> dict[str, float]:
    """Run one case here and now; memory is what this process has grown by."""
    before = _resident()
    tables = list(CASES[name](entries))
    gc.collect()
    held = _resident()
    rows = sum(len(table) for table in tables)
    start = time.process_time()
    analysis = fold(tables)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "entries": rows,
        "seconds": seconds,
        "table_bytes": (held - before) / rows,
        "bytes": (peak - before) / rows,
        "dead": len(analysis.waste),
        "groups": len(analysis.worst),
    }


def _resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trees", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; or all")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--scale", action="store_true", help="a quarter and a half of it as well")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - CASES.keys()
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    if arguments.here:
        print(json.dumps(measure(arguments.cases[0], arguments.entries)))
        return
    parts = (4, 2, 1) if arguments.scale else (1,)
    print(
        f"{'case':10} {'entries':>9} {'dead':>9} {'seconds':>8} {'us/entry':>9} {'bytes/entry':>16}"
    )
    for name in arguments.cases or CASES:
        for part in parts:
            command = [sys.executable, "-m", "benchmarks.trees", "--here", name]
            command += ["--entries", str(arguments.entries // part)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout)
            print(
                f"{name:10} {found['entries']:9,} {found['dead']:9,} {found['seconds']:8.2f}"
                f" {found['seconds'] / found['entries'] * 1e6:9.2f}"
                f" {found['bytes']:6.0f} ({found['table_bytes']:.0f} tables)",
                flush=True,
            )


if __name__ == "__main__":
    main()
