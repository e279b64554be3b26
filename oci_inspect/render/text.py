"""Blocks as text for a terminal, or for a file that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from oci_inspect.render.blocks import (
    Bar,
    Block,
    Cell,
    Column,
    Cut,
    Digest,
    Facts,
    Fit,
    Heading,
    Lines,
    Note,
    Path,
    Role,
    Table,
)
from oci_inspect.render.cells import path_suffix, role_of, shown
from oci_inspect.render.escape import terminal
from oci_inspect.render.grid import grid
from oci_inspect.render.layout import GAP, Measured, allocate, total
from oci_inspect.render.measure import (
    LONG,
    balanced_width,
    cut_end,
    cut_middle,
    display_width,
    wrap,
)
from oci_inspect.render.sizes import bar
from oci_inspect.render.style import Style

MAX_LINES = 10
"""Lines of one cell on a wide screen before the rest is only counted."""

# Readable on black and on white: no yellow, no blue, no grey by number.
_SGR = {
    Role.ERROR: "1;31",
    Role.WARNING: "35",
    Role.OK: "32",
    Role.DIM: "2",
    Role.STRONG: "1",
}
_LIVE, _DEAD = "36", "31"


def render_text(blocks: Iterable[Block], style: Style) -> str:
    """The blocks one below the other, with a blank line between."""
    maker = _Maker(style)
    text = ""
    for block in blocks:
        part = "\n".join(maker.block(block))
        if part:
            text += f"{part}\n"
            # The title of a section stands right above it.
            text += "" if isinstance(block, Heading) and block.level > 1 else "\n"
    return text.removesuffix("\n\n") + "\n" if text else ""


class _Maker:
    def __init__(self, style: Style) -> None:
        self._style = style
        self._ascii = not style.unicode
        self._mark = "…" if style.unicode else "..."

    def block(self, block: Block) -> list[str]:
        match block:
            case Heading():
                return self._heading(block)
            case Facts():
                return self._facts(block)
            case Table():
                return self._table(block)
            case Lines():
                return [
                    terminal(line, ascii_only=self._ascii, keep_tabs=True) for line in block.lines
                ]
            case Note():
                return self._paragraph(block.text, block.role)

    # Pieces of text

    def _safe(self, text: str) -> str:
        return terminal(text, ascii_only=self._ascii)

    def _paint(self, line: str, code: str | None) -> str:
        return f"\x1b[{code}m{line}\x1b[0m" if self._style.color and code and line else line

    def _styled(self, line: str, role: Role) -> str:
        return self._paint(line, _SGR.get(role))

    def _paragraph(
        self, text: str, role: Role, indent: int = 0, balanced: bool = False
    ) -> list[str]:
        width = None if self._style.width is None else self._style.width - indent
        if balanced and width is not None:
            width = balanced_width(self._safe(text), width)
        return [" " * indent + self._styled(line, role) for line in self._lines(text, width)]

    def _lines(self, text: str, width: int | None) -> list[str]:
        safe = self._safe(text)
        return [safe] if width is None else [line for line, _ in wrap(safe, width)] or [""]

    def _heading(self, heading: Heading) -> list[str]:
        text = f"{heading.text}  {heading.note}" if heading.note else heading.text
        lines = self._paragraph(text, Role.STRONG)
        if heading.level == 1:
            rule = max(display_width(line) for line in self._lines(text, self._style.width))
            lines.append(self._styled(("─" if self._style.unicode else "-") * rule, Role.DIM))
        return lines

    # Facts and records

    def _facts(self, facts: Facts) -> list[str]:
        return self._pairs(
            [
                (label, value if isinstance(value, tuple) else (value,))
                for label, value in facts.pairs
            ]
        )

    def _pairs(self, pairs: Sequence[tuple[str, Sequence[Cell]]]) -> list[str]:
        """Labels and values side by side; values wrap."""
        label_width = max((len(label) for label, _ in pairs), default=0)
        width = None if self._style.width is None else self._style.width - label_width - GAP
        lines: list[str] = []
        for label, cells in pairs:
            head = label
            for line in [line for cell in cells for line in self._value(cell, width)] or [""]:
                if line.strip(" "):
                    padded = self._styled(head.ljust(label_width), Role.DIM)
                    lines.append(f"{padded}{' ' * GAP}{line}".rstrip(" "))
                else:
                    lines.append(self._styled(head, Role.DIM))
                head = ""
        return lines

    def _value(self, cell: Cell, width: int | None) -> list[str]:
        """A cell that wraps in a given width."""
        if isinstance(cell, Bar):
            return [self._bar(cell)]
        text = self._text(cell)
        if (
            isinstance(cell, Digest)
            and width is not None
            and len(text) > width
            and cell.show == "auto"
            and not self._style.full_digests
        ):
            text = shown(cell, full_digests=False)
        return self._wrapped(text, cell, width, "", None)

    # Cells

    def _text(self, cell: Cell) -> str:
        if isinstance(cell, Cut) and self._ascii:
            return cut_end(self._safe(cell.text), cell.width, self._mark)
        return shown(cell, self._style.full_digests)

    def _bar_width(self) -> int:
        width = self._style.width
        return 20 if width is None or width >= 120 else 10

    def _bar(self, cell: Bar) -> str:
        live, dead = bar(cell.share, cell.dead, self._bar_width(), self._style.unicode)
        return self._paint(live, _LIVE) + self._paint(dead, _DEAD)

    def _natural(self, cell: Cell) -> int:
        if isinstance(cell, Bar):
            return self._bar_width()
        text = self._text(cell)
        if "\n" in text and role_of(cell) is Role.CODE:
            first, *rest = (display_width(self._safe(line[:LONG])) for line in text.split("\n"))
            # Where the first line stands for all there is a mark behind it.
            return max(first + 1 + len(self._mark), *rest)
        return display_width(self._safe(text[:LONG]))

    def _cell(self, cell: Cell, column: Column, width: int | None, more: str) -> list[str]:
        """A cell as lines of at most ``width`` columns."""
        if isinstance(cell, Bar):
            return [self._bar(cell)]
        text = self._text(cell)
        if column.fit is Fit.WRAP or (self._style.wide and column.fit is not Fit.FIXED):
            limit = None if column.fit is Fit.WRAP or width is None else MAX_LINES
            return self._wrapped(text, cell, width, more, limit)
        return [self._styled(self._cut(text, cell, column, width), role_of(cell))]

    def _cut(self, text: str, cell: Cell, column: Column, width: int | None) -> str:
        first, newline, _ = text.partition("\n") if role_of(cell) is Role.CODE else (text, "", "")
        if width is None:
            return self._safe(first)
        if column.fit is Fit.MIDDLE:
            suffix = path_suffix(cell) if isinstance(cell, Path) else ""
            head = self._safe(first.removesuffix(suffix))
            room = width - len(suffix)
            if suffix and room >= column.least // 2:
                return cut_middle(head, room, self._mark) + suffix
            return cut_middle(head + suffix, width, self._mark)
        safe = self._safe(first[: 8 * width + 64])
        if newline:
            return cut_end(safe, width - 1 - len(self._mark), "").rstrip() + f" {self._mark}"
        return cut_end(safe, width, self._mark)

    def _wrapped(
        self, text: str, cell: Cell, width: int | None, more: str, limit: int | None
    ) -> list[str]:
        role = role_of(cell)
        parts = text.split("\n") if role is Role.CODE else [text]
        if width is None:
            return [self._styled(self._safe(part), role) for part in parts]
        lines: list[str] = []
        for number, part in enumerate(parts):
            safe = self._safe(part)
            position = 0
            for line, behind in wrap(safe, width):
                # The last line that is allowed becomes the hint, unless all ends with it.
                if limit is not None and len(lines) == limit - 1:
                    rest = len(safe) - position + sum(len(one) + 1 for one in parts[number + 1 :])
                    if behind < len(safe) or number + 1 < len(parts):
                        hint = f"{self._mark} {rest:,} more characters{more}"
                        return [*lines, *(self._styled(h, Role.DIM) for h, _ in wrap(hint, width))]
                lines.append(self._styled(line, role))
                position = behind
            if not safe:
                lines.append("")
        return lines or [""]

    # Tables

    def _table(self, table: Table) -> list[str]:
        lines = self._paragraph(table.title, Role.STRONG) if table.title else []
        if not table.rows:
            return [*lines, *self._paragraph(table.empty, Role.DIM)]
        seen = [i for i, column in enumerate(table.columns) if not column.data_only]
        lines += self._columns(_part(table, seen, ungroup=False))
        if any(isinstance(cell, Bar) and cell.dead for row in table.rows for cell in row):
            solid, shade = ("█", "░") if self._style.unicode else ("#", ".")
            lines += self._paragraph(f"{solid} live, {shade} dead", Role.DIM)
        if table.caption:
            lines += self._paragraph(table.caption, Role.DIM)
        return lines

    def _columns(self, table: Table) -> list[str]:
        """The table in one piece, or in groups of columns, or as a list of records."""
        rows = [*table.rows, *([table.footer] if table.footer else [])]
        measured = [
            Measured(column, max([len(column.header), *(self._natural(row[i]) for row in rows)]))
            for i, column in enumerate(table.columns)
        ]
        detail = table.columns[-1].detail
        shown = list(range(len(measured)))
        if detail and not self._fits(measured):
            shown.pop()
        widths = allocate([measured[i] for i in shown], self._style.width)
        if widths is not None:
            return self._aligned(table, shown, widths)
        parts = self._parts(measured)
        if len(parts) < 2:
            return self._records(table)
        lines: list[str] = []
        for chosen in parts:
            lines += [""] if lines else []
            lines += self._columns(_part(table, chosen, ungroup=True))
        return lines

    def _parts(self, columns: Sequence[Measured]) -> list[list[int]]:
        """Groups of columns as tables of their own, as few as fit; what fits nowhere together."""

        def chosen(groups: set[int]) -> list[int]:
            return [i for i, one in enumerate(columns) if one.column.group in {0} | groups]

        def fits(groups: set[int]) -> bool:
            part = [columns[i] for i in chosen(groups)]
            return allocate(part, self._style.width) is not None

        parts: list[set[int]] = []
        for group in sorted({one.column.group for one in columns} - {0}):
            if parts and (fits(parts[-1] | {group}) or not (fits(parts[-1]) or fits({group}))):
                parts[-1].add(group)
            else:
                parts.append({group})
        return [chosen(part) for part in parts]

    def _fits(self, columns: Sequence[Measured]) -> bool:
        width = self._style.width
        return width is None or total([one.natural for one in columns]) <= width

    def _aligned(self, table: Table, shown: Sequence[int], widths: Sequence[int]) -> list[str]:
        columns = [table.columns[i] for i in shown]
        below = len(table.columns) - 1 if len(shown) < len(table.columns) else None
        grid_rows = [[self._styled(column.header, Role.STRONG) for column in columns]]
        heights = [1]
        for row in [*table.rows, *([table.footer] if table.footer else [])]:
            cells = [
                self._cell(row[i], column, width if self._style.width else None, table.more)
                for i, column, width in zip(shown, columns, widths, strict=True)
            ]
            grid_rows.append(["\n".join(cell) for cell in cells])
            heights.append(max(len(cell) for cell in cells))
        laid = [line.rstrip() for line in grid(grid_rows, [column.right for column in columns])]
        if below is None:
            return laid
        # Below its row, under the first column that is text.
        indent = 0
        for column, width in zip(columns, widths, strict=True):
            if not column.right:
                break
            indent += width + GAP
        if not indent or (self._style.width is not None and indent > self._style.width // 3):
            indent = GAP
        lines = laid[:1]
        position = 1
        for height, row in zip(heights[1:], table.rows, strict=False):
            lines += laid[position : position + height]
            position += height
            cell = row[below]
            if cell is not None and (text := self._text(cell)):
                role = role_of(cell)
                lines += self._paragraph(
                    text, Role.DIM if role is Role.PLAIN else role, indent, balanced=True
                )
        return lines + laid[position:]

    def _records(self, table: Table) -> list[str]:
        """Each row as labels and values, for what is too wide to stand side by side."""
        label = max(len(column.header) for column in table.columns)
        lines: list[str] = []
        for row in table.rows:
            lines += [""] if lines else []
            for column, cell in zip(table.columns, row, strict=True):
                if self._bar(cell) if isinstance(cell, Bar) else self._text(cell):
                    lines += self._record_line(column.header.ljust(label), cell)
        return lines

    def _record_line(self, label: str, cell: Cell) -> list[str]:
        width = self._style.width
        if isinstance(cell, Digest) and width is not None:
            size = self._natural(cell)
            # A digest in two pieces is of no use: it goes below its label.
            if width - len(label) - GAP < size <= width - GAP:
                return [
                    self._styled(label.rstrip(), Role.DIM),
                    " " * GAP + self._safe(self._text(cell)),
                ]
        return self._pairs([(label, (cell,))])


def _part(table: Table, chosen: Sequence[int], *, ungroup: bool) -> Table:
    """A table of some of the columns, with their sums if it has any."""
    footer = tuple(table.footer[i] for i in chosen) if table.footer else ()
    return Table(
        columns=tuple(
            replace(table.columns[i], group=0) if ungroup else table.columns[i] for i in chosen
        ),
        rows=tuple(tuple(row[i] for i in chosen) for row in table.rows),
        footer=footer if any(cell is not None for cell in footer[1:]) else None,
        more=table.more,
    )
