"""``check``: each image with its rules, and below them what is broken and what to change."""

from __future__ import annotations

from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Fit,
    Heading,
    Note,
    Path,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.sizes import plural
from oci_inspect.render.views.common import title
from oci_inspect.rules.model import Check, ImageCheck, Level, Unit, Verdict
from oci_inspect.rules.words import figure_text, two_figures

SHOWN = 5
"""Items of a broken rule that are listed."""


def verdict_word(verdict: Verdict) -> Text:
    """``passed``, ``FAILED``, ``warning``, ``not judged`` or ``off``."""
    if verdict.level is Level.OFF:
        return Text("off", Role.DIM)
    if verdict.passed:
        return Text("passed", Role.OK)
    role = Role.ERROR if verdict.fails else Role.WARNING
    if verdict.passed is None:
        return Text("NOT JUDGED" if verdict.fails else "not judged", role)
    return Text("FAILED" if verdict.fails else "warning", role)


def check_view(check: Check, *, verbose: bool = False) -> list[Block]:
    """A table of rules for each image, then each broken rule with its advice and first items."""
    blocks: list[Block] = []
    several = len({one.archive for one in check.images}) > 1
    for one in check.images:
        blocks.append(Heading(title(one.image), level=1, note=one.archive.path if several else ""))
        blocks.append(_rules(one))
        for verdict in one.verdicts:
            if verdict.broken:
                blocks += _broken(verdict, verbose)
    failing = sum(not one.ok for one in check.images)
    if not check.images:
        blocks.append(Note("no image was checked", Role.ERROR))
    elif len(check.images) > 1:
        if failing:
            told = f"{failing} of {plural(len(check.images), 'image')} failed"
            blocks.append(Note(told, Role.ERROR))
        else:
            blocks.append(Note(f"{plural(len(check.images), 'image')} passed", Role.OK))
    return blocks


def check_lines(check: Check) -> list[str]:
    """A line for each broken rule: what ``--quiet`` leaves."""
    return [
        f"{title(one.image)}: {verdict.rule}: {verdict_word(verdict).text}: {verdict.message}"
        for one in check.images
        for verdict in one.verdicts
        if verdict.broken
    ]


def _rules(check: ImageCheck) -> Table:
    rows = tuple(
        (verdict.rule, *_figures(verdict), verdict_word(verdict)) for verdict in check.verdicts
    )
    return Table(
        columns=(
            Column("RULE"),
            Column("LIMIT", right=True),
            Column("ACTUAL", right=True),
            Column("VERDICT"),
        ),
        rows=rows,
    )


def _figures(verdict: Verdict) -> tuple[Cell, Cell]:
    limit, actual, unit = verdict.limit, verdict.actual, verdict.unit
    if unit is Unit.NONE or limit is None:
        return MISSING, MISSING
    if actual is None:
        return figure_text(limit, unit), MISSING
    told, bound = two_figures(actual, limit, unit)
    return bound, told


def _broken(verdict: Verdict, verbose: bool) -> list[Block]:
    word = verdict_word(verdict)
    where = ""
    if verdict.source.path is not None:
        where = f"{verdict.source.path}:{verdict.source.line or 1}"
    blocks: list[Block] = [
        Heading(f"{verdict.rule} {word.text}", note=where),
        Note(_sentence(verdict.message), word.role),
    ]
    if verdict.advice:
        blocks.append(Note(_sentence(verdict.advice)))
    shown = verdict.items if verbose else verdict.items[:SHOWN]
    left = len(verdict.items) - len(shown)
    if len(verdict.items) > 1 or any(one.path is not None for one in verdict.items):
        blocks.append(_items(verdict, len(shown), left))
    return blocks


def _items(verdict: Verdict, count: int, left: int) -> Table:
    shown = verdict.items[:count]
    sized = any(one.size is not None for one in shown)
    layered = any(one.layer_index is not None for one in shown)
    placed = any(one.path is not None for one in shown)
    columns = [
        *([Column("SIZE", right=True)] if sized else []),
        *([Column("LAYER", right=True)] if layered else []),
        *([Column("PATH", fit=Fit.MIDDLE, least=16)] if placed else []),
        Column("WHAT", fit=Fit.WRAP, least=30, detail=placed),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            *([Size(one.size)] if sized else []),
            *([MISSING if one.layer_index is None else str(one.layer_index)] if layered else []),
            *([MISSING if one.path is None else Path(one.path)] if placed else []),
            one.text,
        )
        for one in shown
    ]
    caption = f"{left:,} more: --verbose lists them" if left else ""
    return Table(tuple(columns), tuple(rows), caption=caption, main=False)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
