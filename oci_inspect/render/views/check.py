"""``check``: each image with its rules, and below them what is broken and what to change."""

from __future__ import annotations

from oci_inspect.paths import file_text, shown_path
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
LINE_LENGTH = 200
"""Characters of a path, or of an image's name, in a line of :func:`check_lines`."""


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
    several = _several(check)
    for one in check.images:
        note = file_text(one.archive.path) if several else ""
        blocks.append(Heading(title(one.image), level=1, note=note))
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
    """A line for each broken rule: what ``--quiet`` leaves.

    The archive stands in front where there are several, as on the command line and never cut.
    """
    several = _several(check)
    lines = []
    for one in check.images:
        name = _cut(title(one.image))
        if several:
            name = f"{file_text(one.archive.path)}: {name}"
        lines += [
            f"{name}: {verdict.rule}: {verdict_word(verdict).text}: {_short_message(verdict)}"
            for verdict in one.verdicts
            if verdict.broken
        ]
    return lines


def _several(check: Check) -> bool:
    return len({one.archive for one in check.images}) > 1


def _cut(text: str) -> str:
    if len(text) <= LINE_LENGTH:
        return text
    return f"{text[:LINE_LENGTH]}… ({len(text):,} characters)"


def _short_message(verdict: Verdict) -> str:
    """The message with the paths in it cut: those of the items, of which it names one or more."""
    message = verdict.message
    if len(message) <= LINE_LENGTH:
        return message
    paths = {shown_path(one.path) for one in verdict.items if one.path is not None}
    # The longest first: one path may be the beginning of another.
    for path in sorted(paths, key=len, reverse=True):
        if len(path) <= LINE_LENGTH:
            break
        message = message.replace(path, _cut(path))
    return message


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
    """With a capital, but for a path or a file's name in front, which would be another one."""
    word = text.split(" ", 1)[0].rstrip(".,:;")
    return text if "/" in word or "." in word else f"{text[:1].upper()}{text[1:]}"
