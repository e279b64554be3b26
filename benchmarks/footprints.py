"""The rows about memory: peaks of whole runs, and one run watched while a huge layer passes by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import MIB
from benchmarks.bench import Bench, analyze_command
from benchmarks.huge import watch_reader
from benchmarks.memory import Memory, watch
from benchmarks.rows import Goal, Row

PEAK_GOAL = Goal(256, absolute=True)
"""MiB, whatever the image and however many layers at a time."""

FLAT = Goal(1.25)
"""The highest memory of a run, by that after a twentieth of its bytes: what grew with them would be
many times as much."""


def peaks(bench: Bench) -> Iterator[Row]:
    """Peak memory: however many at a time, from a file and from standard input."""
    for name, how in bench.wanted("base", "wide", only=("gzip", "zstd")):
        path = bench.data.archive(name, how)
        for jobs in (1, 16) if bench.quick else (1, 2, 4, 8, 16):
            row = _peak(watch(analyze_command("--format", "json", "--jobs", jobs, path)))
            yield replace(row, what=f"{bench.what(name, how)}, {jobs} at a time")
    for name, how in bench.wanted("one", "small", "whiteouts", "big"):
        path = bench.data.archive(name, how)
        row = _peak(watch(analyze_command("--format", "json", path)))
        yield replace(row, what=bench.what(name, how))
    for name, how in bench.wanted("big"):
        path = bench.data.archive(name, how)
        row = _peak(watch(analyze_command("--format", "json", "-"), path))
        yield replace(row, what=f"{bench.what(name, how)}, standard input")


def huge(bench: Bench) -> Iterator[Row]:
    """A layer that is made while it is read, on standard input."""
    if not bench.huge:
        return
    seen = watch_reader(bench.huge)
    first = seen.at(0.05)
    if first is None:
        yield Row(f"{bench.huge:g} GB", note="this system does not tell the memory of a process")
        return
    base = first.anonymous / MIB
    for share in (0.05, 0.25, 0.5, 0.75, 0.99):
        if look := seen.at(share):
            what = f"after {look.read / 1e9:,.1f} GB, {look.seconds:.0f} s"
            yield Row(what, look.anonymous / MIB, base, "MiB")
            if line := seen.told_at(look.seconds):
                yield Row("  on the terminal", note=line)
    yield Row("the highest of the whole run", seen.anonymous / MIB, base, "MiB", goal=FLAT)
    yield _peak(seen)


def _peak(memory: Memory) -> Row:
    anonymous = memory.anonymous / MIB if memory.anonymous else None
    resident = memory.resident / MIB
    return Row("peak", resident, anonymous, "MiB", goal=PEAK_GOAL, compared=False)
