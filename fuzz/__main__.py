"""``python -m fuzz TARGET|all --seconds N``: fuzz, print figures, exit 1 where something broke."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fuzz.watch import Figures, run
from fuzz.worker import has_atheris, work


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", nargs="+", help="a target, several, 'all', 'list' or 'figures'")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random")
    parser.add_argument("--plain", action="store_true", help="without atheris, though it is there")
    parser.add_argument("--log", type=Path, help="a file that figures are added to, a line a run")
    parser.add_argument("--try", dest="inputs", nargs="+", type=Path, help="try these files only")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    guided = has_atheris() and not given.plain
    if given.worker:
        folder = given.worker
        (name,) = given.target
        work(name, folder / "board", folder / "corpus", given.seconds, given.seed, guided=guided)
        return 0
    if given.target == ["figures"]:
        if given.log is None:
            parser.error("figures wants --log FILE")
        return _add_up(given.log)

    from fuzz.targets import TARGETS

    if given.target == ["list"]:
        print("\n".join(TARGETS))
        return 0
    names = list(TARGETS) if given.target == ["all"] else given.target
    if unknown := [one for one in names if one not in TARGETS]:
        parser.error(f"no target {', '.join(unknown)}: 'list' names them")
    if given.inputs:
        for path in given.inputs:
            taken = [TARGETS[name].attempt(path.read_bytes()) for name in names]
            print(f"{path}: {'taken' if all(taken) else 'refused'}")
        return 0
    done = []
    for name in names:
        figures = run(TARGETS[name], given.seconds, given.seed, guided=guided)
        done.append(figures)
        _print([figures])
        if given.log:
            with given.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(figures.line()) + "\n")
    _total(done)
    return 1 if any(one.crashes or one.hangs for one in done) else 0


def _add_up(log: Path) -> int:
    runs = [Figures(**json.loads(line)) for line in log.read_text().splitlines()]
    for name in dict.fromkeys(one.target for one in runs):
        _print([one for one in runs if one.target == name])
    _total(runs)
    return 0


def _print(runs: list[Figures]) -> None:
    seconds = sum(one.seconds for one in runs)
    executions = sum(one.executions for one in runs)
    print(
        f"{runs[0].target:14} {executions:>12,} executions {seconds:>8,.0f} s"
        f" {executions / max(seconds, 0.1):>8,.0f} a second"
        f" {sum(one.refused for one in runs):>11,} refused"
        f" {sum(one.crashes for one in runs)} crashes {sum(one.hangs for one in runs)} hangs",
        flush=True,
    )


def _total(runs: list[Figures]) -> None:
    print(
        f"{'all':14} {sum(one.executions for one in runs):>12,} executions,"
        f" {sum(one.crashes for one in runs)} crashes, {sum(one.hangs for one in runs)} hangs"
    )


if __name__ == "__main__":
    sys.exit(main())
