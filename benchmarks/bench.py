"""What all comparisons need: the data, how often, and the runs that occur in more than one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets import ALL, DATASETS, Data, describe
from benchmarks.timing import Run, RunFailedError, Series, module, take_turns

OURS = (sys.executable, "-m", "oci_inspect")


@dataclass(frozen=True, slots=True)
class Bench:
    """What all comparisons need: the data, how often, how many at a time, and which data sets."""

    data: Data
    scratch: Path
    keep: Path
    rounds: int
    jobs: int
    quick: bool
    names: frozenset[str]
    huge: float = 0.0

    def wanted(self, *names: str, only: Sequence[str] = ALL) -> Iterator[tuple[str, str]]:
        """The data sets among ``names`` that were asked for, with their compressions."""
        for name in names:
            if name in self.names:
                for how in DATASETS[name].compressions:
                    if how in only:
                        yield name, how

    def turns(self, contestants: dict[str, Run], rounds: int | None = None) -> dict[str, Series]:
        """Let all take turns; a failure of our own is no result but an error."""
        series, failed = take_turns(contestants, rounds or self.rounds, warm=not self.quick)
        if failed:
            raise RunFailedError("; ".join(f"{who}: {why}" for who, why in failed.items()))
        return series

    def inputs(self, name: str, how: str) -> tuple[Path, Path]:
        """The archive to measure on, and the tiny one that goes before it."""
        return self.data.archive(name, how), self.data.archive("tiny", how)

    def ours(self, name: str, how: str) -> Run:
        """``analyze`` as a library call."""
        return module("ours", *self.inputs(name, how), self.jobs)

    def floor(self, kind: str, name: str, how: str) -> Run:
        """A floor."""
        return module("floors", kind, *self.inputs(name, how), self.jobs)

    def what(self, name: str, how: str) -> str:
        """A data set in a few words."""
        return describe(self.data.archive(name, how))

    @property
    def few(self) -> int:
        """Rounds where the others are slow, and the ratios large."""
        return min(self.rounds, 3)


def analyze_command(*arguments: object) -> list[object]:
    """``oci-inspect analyze`` as a command that keeps nothing from one run to the next."""
    return [*OURS, "analyze", "--no-cache", *arguments]
