"""Measure oci-inspect against floors, scripts and other programs.

Every figure is a median of runs that took turns in the same minutes, each a process of its own;
what counts is the ratio. Nothing is asserted: a missed goal is marked, and ends in no error.
docs/performance.md explains the rows.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import comparisons, cores, footprints, looking, peers, report, usage
from benchmarks.bench import Bench
from benchmarks.datasets import DATASETS, Data
from benchmarks.rows import Heading, Row


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    title: str
    rows: Callable[[Bench], Iterator[Row]]
    columns: tuple[str, str] = ("ours", "other")


GROUPS = {
    "floor": Group(
        "analyze() in Python, against decompressing and hashing {jobs} layers at a time",
        comparisons.layers,
        ("ours", "floor"),
    ),
    "pipeline": Group(
        "analyze() of a single layer, against a pipeline: one thread decompresses, one hashes",
        comparisons.single,
        ("ours", "floor"),
    ),
    "headers": Group(
        "the headers of a tar in memory, against tarfile", comparisons.headers, ("ours", "tarfile")
    ),
    "cached": Group(
        "a second analyze() of the same archive, against hashing its blobs",
        comparisons.cached,
        ("ours", "floor"),
    ),
    "scripts": Group(
        "analyze() in Python, against scripts with gzip and tarfile: how many times faster",
        comparisons.scripts,
        ("ours", "script"),
    ),
    "process": Group(
        "oci-inspect analyze as a process, against the floor as a process",
        comparisons.whole,
        ("ours", "floor"),
    ),
    "peers": Group(
        "oci-inspect analyze --format json, against other programs: how many times faster",
        comparisons.against_peers,
        ("ours", "theirs"),
    ),
    "files": Group(
        "looking into an archive as a process, against pipes of tar and a decompressor",
        looking.files,
        ("ours", "pipe"),
    ),
    "df": Group(
        "disk_usage() in Python, of 50 archives that share most layers, against hashing them",
        usage.many,
        ("ours", "floor"),
    ),
    "memory": Group(
        "peak memory of oci-inspect analyze: resident, and without the pages of files",
        footprints.peaks,
        ("resident", "anonymous"),
    ),
    "huge": Group(
        "memory while a layer passes by on standard input, against that after a twentieth of it",
        footprints.huge,
        ("then", "first"),
    ),
}


def main() -> None:
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was begun is cleared away
    keys = [key for key in GROUPS if key in (arguments.only & GROUPS.keys() or GROUPS)]
    names = frozenset(arguments.only & DATASETS.keys() or DATASETS)
    with tempfile.TemporaryDirectory() as temporary:
        keep = (arguments.keep or Path(temporary)).absolute()
        keep.mkdir(parents=True, exist_ok=True)
        if arguments.peers:
            peers.install(keep)
        with tempfile.TemporaryDirectory(dir=keep) as scratch:
            bench = Bench(
                data=Data(keep, arguments.quick, _say),
                scratch=Path(scratch),
                keep=keep,
                rounds=1 if arguments.quick else arguments.runs,
                jobs=cores(),
                quick=arguments.quick,
                names=names,
                huge=arguments.huge,
            )
            facts = report.machine(bench.jobs, bench.rounds)
            print(report.introduction(facts), flush=True)
            groups = [(_heading(bench, key), measure(bench, key)) for key in keys]
    if arguments.quick:
        print("\nIt runs. On so little data the figures say nothing, and no goal is held to them.")
    else:
        print("", report.summary(groups), sep="\n")
    if arguments.json:
        document = report.document(facts, groups)
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(groups))


def measure(bench: Bench, key: str) -> list[Row]:
    """Measure a group and print each row as soon as it is there."""
    rows: list[Row] = []
    for measured in GROUPS[key].rows(bench):
        row = replace(measured, goal=None) if bench.quick else measured
        if not rows:
            print(*report.heading(_heading(bench, key)), sep="\n")
        print(*report.lines(row), sep="\n", flush=True)
        rows.append(row)
    return rows


def _heading(bench: Bench, key: str) -> Heading:
    return Heading(key, GROUPS[key].title.format(jobs=bench.jobs), GROUPS[key].columns)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = sorted(DATASETS.keys() - {"tiny"})
    parser.add_argument("--quick", action="store_true", help="small data, one run: is it alive?")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="runs of each [7]")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        default="",
        help=f"groups ({', '.join(GROUPS)}) or data ({', '.join(data)}), with commas between",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the data there and keep it")
    parser.add_argument(
        "--peers", action="store_true", help="install container-inspector for this, from PyPI"
    )
    parser.add_argument(
        "--huge", type=float, default=0.0, metavar="GB", help="also read a layer of that size"
    )
    arguments = parser.parse_args()
    arguments.only = {word for word in arguments.only.split(",") if word}
    if unknown := arguments.only - GROUPS.keys() - DATASETS.keys():
        parser.error(f"--only: no group or data is called {', '.join(sorted(unknown))}")
    return arguments


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
