"""What a benchmark shows: rows of two figures and their ratio, and the goal they are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.timing import Series


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a row's ratio, or (``absolute``) on our own figure."""

    bound: float
    at_least: bool = False
    absolute: bool = False

    def met(self, value: float) -> bool:
        """Whether ``value`` keeps to it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over a group of rows: what is held against what, and what the columns hold."""

    key: str
    title: str
    columns: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``ours`` and ``other`` are in ``unit``; ``other`` is None where a goal is absolute.

    ``faster`` turns the ratio round: how many times we are faster, and not how much we add.
    ``compared`` is False where they are two figures of one run. ``note`` stands in place of figures
    that could not be had.
    """

    what: str
    ours: float | None = None
    other: float | None = None
    unit: str = "s"
    faster: bool = False
    goal: Goal | None = None
    cpu_ratio: float | None = None
    compared: bool = True
    note: str = ""
    series: tuple[Series, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours by the other's, or the other way round."""
        return _ratio(self.ours, self.other, self.faster) if self.compared else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or no figure."""
        if self.goal is None:
            return None
        value = self.ours if self.goal.absolute else self.ratio
        return None if value is None else self.goal.met(value)

    def as_json(self) -> dict[str, Any]:
        """The row with all its samples."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "other": self.other,
            "ratio": self.ratio,
            "ratio_means": "other / ours" if self.faster else "ours / other",
            "cpu_ratio": self.cpu_ratio,
            "goal": str(self.goal) if self.goal else None,
            "met": self.met,
            "note": self.note,
            "samples": {
                one.label: {
                    "seconds": [sample.seconds for sample in one.samples],
                    "cpu": [sample.cpu for sample in one.samples],
                }
                for one in self.series
            },
        }


def compare(
    what: str,
    ours: Series,
    other: Series,
    *,
    goal: Goal | None = None,
    faster: bool = False,
    unit: str = "s",
) -> Row:
    """A row of the medians of two series."""
    scale = 1e6 if unit == "us" else 1
    return Row(
        what,
        ours.seconds * scale,
        other.seconds * scale,
        unit,
        faster,
        goal,
        cpu_ratio=_ratio(ours.cpu, other.cpu, faster),
        series=(ours, other),
    )


def _ratio(ours: float | None, other: float | None, faster: bool) -> float | None:
    if ours is None or other is None:
        return None
    above, below = (other, ours) if faster else (ours, other)
    return above / below if below else None
