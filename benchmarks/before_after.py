"""Whether a change costs speed: ``python -m benchmarks.before_after REVISION``.

The package of a git revision is unpacked into a temporary folder, and ``analyze`` of it and of the
working tree take turns on the same archives, each run a process of its own, start and all, without
a cache. Shown are the medians on the clock and two ratios, now by before: of the clock, and of the
processor time (user and system). On a busy machine only the second says anything. Above 1 is
slower than before.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

from benchmarks import ROOT, cores, report
from benchmarks.bench import OURS
from benchmarks.datasets import DATASETS, Data, describe
from benchmarks.rows import Heading, Row, compare
from benchmarks.timing import RunFailedError, process, take_turns

DEFAULT = ("base", "one", "small", "layers", "whiteouts")
"""What is measured on: large files, many small ones, many layers, many deletions."""


def unpack(revision: str, folder: Path, root: Path = ROOT) -> str:
    """Put the package as it was into ``folder``; the commit's short name.

    The repository is only read. Raises :class:`ValueError` where it has no such revision.
    """
    commit = _git(root, "rev-parse", "--short", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit:
        raise ValueError(f"{revision}: git knows no such commit here")
    data = _git(root, "archive", "--format=tar", commit.decode().strip(), "oci_inspect")
    if not data:
        raise ValueError(f"{revision}: there is no oci_inspect in it")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(folder, filter="data")
    return commit.decode().strip()


def _git(root: Path, *words: str) -> bytes:
    """What git says; nothing where it fails."""
    try:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


def measure(
    data: Data, names: Sequence[str], before: Path, *, rounds: int, jobs: int, now: Path = ROOT
) -> Iterator[Row]:
    """A row for each archive; both trees hold a package ``oci_inspect``."""
    for name in names:
        for how in DATASETS[name].compressions:
            path = data.archive(name, how)
            command = [*OURS, "analyze", "--no-cache", "--quiet", "--jobs", jobs, path]
            series, failed = take_turns(
                {"now": process(command, now), "before": process(command, before)}, rounds
            )
            if failed:
                raise RunFailedError("; ".join(f"{who}: {why}" for who, why in failed.items()))
            yield compare(describe(path), series["now"], series["before"])


def together(rows: Sequence[Row]) -> str:
    """The geometric means of both ratios."""
    clock = [row.ratio for row in rows if row.ratio]
    cpu = [row.cpu_ratio for row in rows if row.cpu_ratio]
    return f"on average {_mean(clock):.3f} on the clock, {_mean(cpu):.3f} of processor time"


def _mean(ratios: Sequence[float]) -> float:
    return prod(ratios) ** (1 / len(ratios)) if ratios else 1.0


def main() -> None:
    arguments = _parse()
    with tempfile.TemporaryDirectory() as temporary:
        before = Path(temporary) / "before"
        try:
            commit = unpack(arguments.revision, before)
        except ValueError as error:
            raise SystemExit(f"before_after: {error}") from None
        keep = (arguments.keep or Path(temporary)).absolute()
        data = Data(keep, arguments.quick, lambda line: print(line, file=sys.stderr, flush=True))
        facts = report.machine(arguments.jobs, arguments.runs)
        over = Heading(
            "before", f"oci-inspect analyze, now against {commit}, as processes", ("now", "before")
        )
        print(report.introduction(facts))
        print(*report.heading(over), sep="\n", flush=True)
        rows = []
        for row in measure(
            data, arguments.data, before, rounds=arguments.runs, jobs=arguments.jobs
        ):
            rows.append(row)
            print(*report.lines(row), sep="\n", flush=True)
        print("", together(rows), sep="\n")
        if arguments.markdown:
            arguments.markdown.write_text(report.markdown([(over, rows)]), "utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.before_after",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("revision", help="a commit, a tag or a branch: what was before")
    parser.add_argument("--quick", action="store_true", help="small data: mostly Python's start")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="runs of each [7]")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N")
    parser.add_argument("--data", default=",".join(DEFAULT), metavar="NAMES")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the data there and keep it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    arguments = parser.parse_args()
    arguments.data = [word for word in arguments.data.split(",") if word]
    if unknown := set(arguments.data) - DATASETS.keys():
        parser.error(f"--data: no data is called {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    main()
