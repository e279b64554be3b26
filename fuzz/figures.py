"""Adding up a log of runs: for each target, and for each engine by itself.

One execution guided by coverage is worth more than one at random, and takes longer: their numbers
say nothing where they are added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.watch import ATHERIS, BUILT_IN, Figures

ENGINES = (ATHERIS, BUILT_IN)


@dataclass(frozen=True)
class Sum:
    """Runs added up; ``seconds`` are those of a clock."""

    executions: int
    seconds: float
    refused: int
    crashes: int
    hangs: int

    def text(self, name: str, engine: str) -> str:
        """A line for people."""
        return (
            f"{name:14} {engine:8} {self.executions:>12,} executions {self.seconds:>8,.0f} s"
            f" {self.executions / max(self.seconds, 0.1):>8,.0f} a second"
            f" {self.refused:>11,} refused {self.crashes} crashes {self.hangs} hangs"
        )


def read_log(log: Path) -> list[Figures]:
    """The runs that ``--log`` wrote down."""
    return [Figures(**json.loads(line)) for line in log.read_text("utf-8").splitlines()]


def add(runs: Iterable[Figures]) -> Sum:
    """All runs as one."""
    kept = list(runs)
    return Sum(
        sum(one.executions for one in kept),
        sum(one.seconds for one in kept),
        sum(one.refused for one in kept),
        sum(one.crashes for one in kept),
        sum(one.hangs for one in kept),
    )


def lines(runs: Sequence[Figures]) -> Iterator[str]:
    """What each engine did to each target, and to all of them."""
    for name in (*_targets(runs), "all"):
        for engine in _engines(runs):
            of_both = [one for one in runs if one.engine == engine and name in (one.target, "all")]
            if of_both:
                yield add(of_both).text(name, engine)


def markdown(runs: Sequence[Figures]) -> str:
    """The table of docs/testing.md: executions by engine, then what came of them all."""
    engines = _engines(runs)
    rows = [
        f"| target | {' | '.join(engines)} | of these refused | crashes | hangs |",
        f"|---|{'---:|' * (len(engines) + 3)}",
    ]
    for name in (*_targets(runs), "all"):
        own = [one for one in runs if name in (one.target, "all")]
        counts = [add(one for one in own if one.engine == engine).executions for engine in engines]
        total = add(own)
        cells = [f"{one:,}" for one in (*counts, total.refused, total.crashes, total.hangs)]
        rows.append(f"| {'all' if name == 'all' else f'`{name}`'} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _targets(runs: Sequence[Figures]) -> list[str]:
    return list(dict.fromkeys(one.target for one in runs))


def _engines(runs: Sequence[Figures]) -> list[str]:
    """Both, though one of them did nothing: that is worth knowing."""
    return [*ENGINES, *dict.fromkeys(one.engine for one in runs if one.engine not in ENGINES)]
