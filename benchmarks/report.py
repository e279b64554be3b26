"""The result as a table for people, at most 100 columns wide, and as JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.rows import Heading, Row
from oci_inspect import __version__

WIDTH = 100
_WHAT = 49
_FORMATS = {"s": "{:.3f} s", "us": "{:.2f} us", "MiB": "{:.0f} MiB"}


Groups = Sequence[tuple[Heading, Sequence[Row]]]


def heading(over: Heading) -> list[str]:
    """The lines over a group."""
    first, second = over.columns
    return ["", over.title, f"{'':{_WHAT}}{first:>10}{second:>10}{'ratio':>8}{'cpu':>7}  goal"]


def lines(row: Row) -> list[str]:
    """A row of the table; a long text has a line of its own."""
    figures = "".join(
        (
            f"{_figure(row.ours, row.unit):>10}",
            f"{_figure(row.other, row.unit):>10}",
            f"{_ratio(row.ratio, row.faster):>8}",
            f"{_ratio(row.cpu_ratio, row.faster):>7}",
            f"  {_bound(row):<8}{_mark(row.met)}",
        )
    )
    what = f"  {row.what}"
    if row.note:
        text = f"{what}: {row.note}"
        return [text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."]
    if len(what) < _WHAT:
        return [f"{what:{_WHAT}}{figures}".rstrip()]
    return [what, f"{'':{_WHAT}}{figures}".rstrip()]


def markdown(groups: Groups) -> str:
    """The groups as tables for docs/performance.md."""
    text = []
    for over, rows in groups:
        figures = [row for row in rows if not row.note]
        if not figures:
            continue
        first, second = over.columns
        text += ["", f"**{over.title}**", "", f"| | {first} | {second} | ratio | cpu | goal |"]
        text.append("|---|---|---|---|---|---|")
        for row in figures:
            cells = (
                row.what,
                _figure(row.ours, row.unit),
                _figure(row.other, row.unit),
                _ratio(row.ratio, row.faster),
                _ratio(row.cpu_ratio, row.faster),
                f"{_bound(row)}{', missed' if row.met is False else ''}",
            )
            text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text[1:]) + "\n"


def document(machine: dict[str, Any], groups: Groups) -> dict[str, Any]:
    """Everything that was measured, every single run included."""
    return {
        "machine": machine,
        "groups": [
            {"group": over.key, "title": over.title, "rows": [row.as_json() for row in rows]}
            for over, rows in groups
        ],
    }


def machine(jobs: int, rounds: int) -> dict[str, Any]:
    """Where and when this was measured, and how busy it was there."""
    return {
        "oci_inspect": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": jobs,
        "gzip_library": _gzip_library(),
        "rounds": rounds,
        "load_before": round(os.getloadavg()[0], 2),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def introduction(facts: dict[str, Any]) -> str:
    """The machine in two lines."""
    return (
        f"oci-inspect {facts['oci_inspect']}, Python {facts['python']}, {facts['system']},"
        f" {facts['processor']}\n{facts['cores']} cores, gzip by {facts['gzip_library']},"
        f" load {facts['load_before']} before; medians of {facts['rounds']} runs in turn"
    )


def summary(groups: Groups) -> str:
    """How many goals are met, and which are not."""
    judged = [(over.key, row) for over, rows in groups for row in rows if row.met is not None]
    missed = [f"{key}: {row.what} ({row.goal})" for key, row in judged if not row.met]
    text = f"{len(judged) - len(missed)} of {len(judged)} goals met"
    return "\n  ".join([f"{text}; missed:", *missed]) if missed else text


def _bound(row: Row) -> str:
    return str(row.goal) if row.goal else ""


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else _FORMATS[unit].format(value)


def _ratio(value: float | None, faster: bool) -> str:
    if value is None:
        return ""
    return f"{value:.1f}x" if faster else f"{value:.2f}"


def _mark(met: bool | None) -> str:
    return "" if met is None else "met" if met else "MISSED"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2] for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.processor()).strip()


def _gzip_library() -> str:
    try:
        import isal
    except ImportError:
        return "zlib"
    return f"ISA-L (isal {isal.__version__})"
