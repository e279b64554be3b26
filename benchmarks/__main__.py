"""Measure: ``python -m benchmarks [--quick] [--json FILE]``.

Every figure is a ratio of medians of runs that took turns in the same minutes, each run a process
of its own. Nothing is asserted: machines differ, ratios hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import data

MIB = data.MIB


@dataclass(frozen=True)
class Row:
    """One line of the result: our median seconds, the other's, and their ratio."""

    what: str
    ours: float
    against: str
    other: float
    ratio: float
    runs: int


def timed(command: list[str], whole: bool) -> float:
    """Seconds of one run: of the whole process, or what it reports of itself."""
    start = time.perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, env=_environment()
    )
    seconds = time.perf_counter() - start
    return seconds if whole else float(json.loads(done.stdout)["seconds"])


def _environment() -> dict[str, str]:
    """The environment of a run: compiled modules are kept, as an installed package has them."""
    return {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def take_turns(
    what: str, against: str, ours: list[str], other: list[str], runs: int, *, whole: bool
) -> Row:
    """Run two commands in turn and compare their medians."""
    first: list[float] = []
    second: list[float] = []
    for command in (ours, other):
        timed(command, whole)  # warms the page cache, and compiles
    for _ in range(runs):
        first.append(timed(ours, whole))
        second.append(timed(other, whole))
    a, b = statistics.median(first), statistics.median(second)
    return Row(what, a, against, b, a / b, runs)


def peak_memory(command: list[str], stdin: Path | None = None) -> tuple[float, float]:
    """Peak resident memory and peak anonymous memory of a run, in MiB.

    The first is the kernel's own account of the finished process, file pages included; the second
    leaves those out and is sampled while it runs.
    """
    with stdin.open("rb") if stdin else open(os.devnull, "rb") as source:  # noqa: PTH123
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL)
        anonymous = 0
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            anonymous = max(anonymous, _anonymous(process.pid))
            time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024, (anonymous or usage.ru_maxrss) / 1024


def _anonymous(pid: int) -> int:
    """Anonymous resident memory in KiB; 0 where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon:"))


def make_archives(folder: Path, quick: bool) -> dict[str, Path]:
    """Make the archives that are measured, or find them made already."""
    scale = 50 if quick else 1
    found: dict[str, Path] = {}
    layers = []
    for i, share in enumerate((0.5, 0.2, 0.15, 0.1, 0.05)):
        layer = folder / f"layer-{i}.tar"
        if not layer.exists():
            data.write_layer(layer, i, int(500_000_000 * share / scale))
        layers.append(layer)
    for how in ("none", "gzip", "zstd"):
        found[how] = folder / f"{how}.tar"
        if not found[how].exists():
            data.write_archive(found[how], layers, how, folder)
    found["big"] = folder / "big.tar"
    if not found["big"].exists():
        layer = folder / "big-layer.tar"
        data.write_big_layer(layer, (2048 if not quick else 128) * MIB)
        data.write_archive(found["big"], [layer], "none", folder)
        layer.unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, one run: is it alive?")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the data there and keep it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report(folder, arguments)


def report(folder: Path, arguments: argparse.Namespace) -> None:
    runs = 1 if arguments.quick else arguments.runs
    python = sys.executable
    jobs = str(len(os.sched_getaffinity(0)))
    archives = make_archives(folder, arguments.quick)
    command = [python, "-m", "oci_inspect"]
    rows = []
    for how in ("none", "gzip", "zstd"):
        path = str(archives[how])
        size = archives[how].stat().st_size / 1e6
        floor = [python, "-m", "benchmarks.floor", path, jobs]
        what = f"{size:,.0f} MB, layers {how}"
        ours = [python, "-m", "benchmarks.ours", path, jobs]
        against = "decompress and hash"
        rows.append(take_turns(f"analyze(), {what}", against, ours, floor, runs, whole=False))
        against += ", process"
        for form in ("json", "table"):
            ours = [*command, "analyze", "--format", form, path]
            rows.append(take_turns(f"{form}, {what}", against, ours, floor, runs, whole=True))
    rows.append(
        take_turns(
            "oci-inspect --version",
            "python -c 'import click'",
            [*command, "--version"],
            [python, "-c", "import click"],
            1 if arguments.quick else 3 * runs,
            whole=True,
        )
    )
    print(f"{'what':34} {'ours':>9}  {'against':28} {'other':>9}  ratio   ({jobs} cores)")
    for row in rows:
        print(
            f"{row.what:34} {row.ours:8.3f}s  {row.against:28} {row.other:8.3f}s  {row.ratio:5.2f}"
        )
    big = archives["big"]
    memory = {
        "file": peak_memory([*command, "analyze", "--format", "json", str(big)]),
        "standard input": peak_memory([*command, "analyze", "--format", "json", "-"], big),
    }
    for how, (resident, anonymous) in memory.items():
        size = big.stat().st_size / 1e9
        print(
            f"peak memory, one layer of {size:.1f} GB from {how}: {resident:.0f} MiB resident,"
            f" {anonymous:.0f} MiB without file pages"
        )
    if arguments.json:
        document = {
            "cores": int(jobs),
            "rows": [asdict(row) for row in rows],
            "peak_memory_mib": {
                how: {"resident": both[0], "anonymous": both[1]} for how, both in memory.items()
            },
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
