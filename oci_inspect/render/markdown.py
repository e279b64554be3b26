"""Blocks as Markdown for GitHub: tables, lists of facts, fenced code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oci_inspect.paths import path_text
from oci_inspect.render.blocks import (
    Block,
    Cell,
    Cut,
    Digest,
    Facts,
    Heading,
    Lines,
    Note,
    Path,
    Role,
    Table,
)
from oci_inspect.render.cells import path_suffix, role_of, shown
from oci_inspect.render.escape import markdown, markdown_code, terminal

_LABELS = {Role.ERROR: "**Error:** ", Role.WARNING: "**Warning:** "}
_BACKTICKS = re.compile(r"`+")


def render_markdown(blocks: Iterable[Block]) -> str:
    """The blocks one below the other, with a blank line between."""
    parts = ["\n".join(_block(block)) for block in blocks]
    text = "\n\n".join(part for part in parts if part)
    return f"{text}\n" if text else ""


def _block(block: Block) -> list[str]:
    match block:
        case Heading():
            note = f" ({markdown(block.note)})" if block.note else ""
            return [f"{'#' * (block.level + 1)} {markdown(block.text)}{note}"]
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)
        case Lines():
            return _fenced(block)
        case Note():
            return [f"{_LABELS.get(block.role, '')}{markdown(block.text)}"]


def _cell(cell: Cell) -> str:
    if isinstance(cell, Path):
        return markdown_code(path_text(cell.path)) + path_suffix(cell)
    text = shown(cell)
    if isinstance(cell, Digest | Cut) or role_of(cell) is Role.CODE:
        return markdown_code(text)
    if text and role_of(cell) in (Role.ERROR, Role.WARNING, Role.STRONG):
        return f"**{markdown(text)}**"
    return markdown(text)


def _facts(facts: Facts) -> list[str]:
    lines = []
    for label, value in facts.pairs:
        cells = value if isinstance(value, tuple) else (value,)
        texts = [text for cell in cells if (text := _cell(cell))]
        lines.append(f"- {markdown(label)}: {', '.join(texts)}".rstrip())
    return lines


def _table(table: Table) -> list[str]:
    lines = [f"### {markdown(table.title)}", ""] if table.title else []
    if not table.rows:
        return [*lines, markdown(table.empty)]
    seen = [i for i, column in enumerate(table.columns) if not column.data_only]
    columns = [table.columns[i] for i in seen]
    lines.append(_row(markdown(column.header.capitalize()) for column in columns))
    lines.append(_row("---:" if column.right else "---" for column in columns))
    lines.extend(_row(_cell(row[i]) for i in seen) for row in table.rows)
    if table.footer is not None:
        footer = table.footer
        lines.append(_row(_strong(_cell(footer[i])) for i in seen))
    if table.caption:
        lines += ["", markdown(table.caption)]
    return lines


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _strong(text: str) -> str:
    return f"**{text}**" if text and not text.startswith("**") else text


def _fenced(block: Lines) -> list[str]:
    lines = [terminal(line, keep_tabs=True) for line in block.lines]
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{block.language}", *lines, fence]
