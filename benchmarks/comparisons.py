"""The comparisons of time: what is held against what, on which data, and to which goal."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks import peers
from benchmarks.bench import OURS, Bench, analyze_command
from benchmarks.rows import Goal, Row, compare
from benchmarks.timing import Run, module, process, process_in, take_turns

FLOOR_GOALS = {"none": Goal(1.5), "gzip": Goal(1.25), "zstd": Goal(1.25)}
FOUR_TIMES = Goal(4, at_least=True)
ENTRY_GOAL = Goal(2.5, absolute=True)
"""Microseconds."""


def layers(bench: Bench) -> Iterator[Row]:
    """``analyze`` of several layers against the floor."""
    for name, how in bench.wanted("base", "small", "layers", "whiteouts"):
        series = bench.turns(
            {"ours": bench.ours(name, how), "floor": bench.floor("layers", name, how)}
        )
        goal = FLOOR_GOALS[how] if name == "base" else None
        yield compare(bench.what(name, how), series["ours"], series["floor"], goal=goal)


def single(bench: Bench) -> Iterator[Row]:
    """``analyze`` of a single layer against a pipeline."""
    for name, how in bench.wanted("one"):
        series = bench.turns(
            {"ours": bench.ours(name, how), "floor": bench.floor("pipeline", name, how)}
        )
        goal = Goal(1.25) if how == "gzip" else None
        yield compare(bench.what(name, how), series["ours"], series["floor"], goal=goal)


def headers(bench: Bench) -> Iterator[Row]:
    """Tar headers alone, against tarfile."""
    for name, how in bench.wanted("small", only=("none",)):
        inputs = bench.inputs(name, how)
        for what, options in (("small files", ()), ("the same, all empty", ("empty",))):
            series = bench.turns(
                {who: module("headers", who, *inputs, *options) for who in ("ours", "tarfile")}
            )
            ours, other = series["ours"], series["tarfile"]
            goal = None if options else Goal(6, at_least=True)
            what = f"{what}, by entry"
            yield compare(what, ours, other, goal=goal, faster=True, unit="us")
            if not options:
                microseconds = ours.seconds * 1e6
                yield Row("its microseconds", microseconds, unit="us", goal=ENTRY_GOAL)


def cached(bench: Bench) -> Iterator[Row]:
    """A second ``analyze`` of the same archive, against hashing its blobs."""
    for name, how in bench.wanted("base", "small", "whiteouts"):
        folder = bench.scratch / f"cache-{name}-{how}"
        ours = module("ours", *bench.inputs(name, how), bench.jobs, folder)
        series = bench.turns({"ours": ours, "floor": bench.floor("blobs", name, how)})
        goal = Goal(1.3) if name == "base" else None
        yield compare(bench.what(name, how), series["ours"], series["floor"], goal=goal)


def scripts(bench: Bench) -> Iterator[Row]:
    """``analyze`` against what one would write with the standard library."""
    wanted = [*bench.wanted("base"), *bench.wanted("small", only=("gzip",))]
    for name, how in wanted:
        kinds = ("plain", "careful")
        runs = {kind: module("scripts", kind, *bench.inputs(name, how)) for kind in kinds}
        series = bench.turns({"ours": bench.ours(name, how), **runs}, bench.few)
        for kind in kinds:
            goal = FOUR_TIMES if (name, how, kind) == ("base", "gzip", "plain") else None
            what = f"{kind}, {bench.what(name, how)}"
            yield compare(what, series["ours"], series[kind], goal=goal, faster=True)


def whole(bench: Bench) -> Iterator[Row]:
    """The command as one calls it, against a floor that is a whole process as well."""
    for name, how in bench.wanted("base"):
        path, tiny = bench.inputs(name, how)
        floor = [sys.executable, "-m", "benchmarks.floors", "layers", path, tiny, bench.jobs]
        series = bench.turns(
            {
                "json": process(analyze_command("--format", "json", path)),
                "table": process(analyze_command(path)),
                "floor": process(floor),
            }
        )
        for form in ("json", "table"):
            what = f"--format {form}, {bench.what(name, how)}"
            yield compare(what, series[form], series["floor"])
    if "base" in bench.names:
        series = bench.turns(
            {
                "ours": process([*OURS, "--version"]),
                "click": process([sys.executable, "-c", "import click"]),
            },
            bench.rounds if bench.quick else 3 * bench.rounds,
        )
        yield compare(
            "--version, against python -c 'import click'", series["ours"], series["click"]
        )


def against_peers(bench: Bench) -> Iterator[Row]:
    """The command against other programs."""
    found = {peer: program for peer in peers.PEERS if (program := peers.find(peer, bench.keep))}
    for peer in peers.PEERS:
        if peer not in found:
            yield Row(peer.name, note="not installed")
    if not found:
        return
    titles = {peer: f"{peer.name} {peers.version(found[peer])}" for peer in found}
    for name, how in [*bench.wanted("base"), *bench.wanted("small", only=("none", "gzip"))]:
        path = bench.data.archive(name, how)
        runs: dict[str, Run] = {"ours": process(analyze_command("--format", "json", path))}
        for peer, program in found.items():
            if how in peer.reads and not (peer.unpacks and name != "base"):
                command = peer.command(program, bench.data, name, how)
                runs[peer.name] = process_in(bench.scratch, command)
        series, failed = take_turns(runs, bench.few, warm=not bench.quick)
        if "ours" in failed:
            raise RuntimeError(failed["ours"])
        for peer, title in titles.items():
            what = f"{title}, {bench.what(name, how)}"
            if peer.name in failed:
                yield Row(what, note=failed[peer.name])
            elif peer.name in series:
                goal = peer.goal if name == "base" else None
                yield compare(what, series["ours"], series[peer.name], goal=goal, faster=True)
