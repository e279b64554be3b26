"""``python -m fuzz TARGET|all --seconds N``: fuzz, print figures, exit 1 where something broke."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fuzz.figures import add, lines, markdown, read_log
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
    parser.add_argument("--markdown", action="store_true", help="figures as a table for a page")
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
        runs = read_log(given.log)
        print(markdown(runs) if given.markdown else "\n".join((*lines(runs), _total(runs))))
        return 0

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
        print(add([figures]).text(figures.target, figures.engine), flush=True)
        if given.log:
            with given.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(figures.line()) + "\n")
    print(_total(done))
    return 1 if any(one.crashes or one.hangs for one in done) else 0


def _total(runs: list[Figures]) -> str:
    total = add(runs)
    return (
        f"{'all':14} {'':8} {total.executions:>12,} executions,"
        f" {total.crashes} crashes, {total.hangs} hangs"
    )


if __name__ == "__main__":
    sys.exit(main())
