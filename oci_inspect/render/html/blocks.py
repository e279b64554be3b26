"""Blocks as what a template shows: cells with their classes, values to sort by, and links.

Nothing is made safe here: that is done to whatever a template puts out, by
:mod:`~oci_inspect.render.html.templating`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from oci_inspect.quantities import parse_quantity
from oci_inspect.render.blocks import (
    Bar,
    Block,
    Cell,
    Column,
    Count,
    Cut,
    Digest,
    Facts,
    Fit,
    Heading,
    Lines,
    Note,
    Path,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.cells import is_digest, machine, role_of, short_digest, shown

MOST_ROWS = 500
"""Rows of a table, and cells of a fact, that a page has."""

Links = Mapping[str, str]
"""What stands in front of a cell's text to make an anchor of it, by the header of its column."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell. ``classes`` are of CSS, ``title`` says what the text leaves out.

    ``sort`` is what it is sorted by, None where that is the text. ``share`` and ``dead`` are
    percentages of a bar, where it is one. ``id`` is an anchor that leads to it, ``path``
    what it names of the image's files, for a link into the map; so is ``layer``, whose
    files are pointed out there.
    """

    lines: tuple[str, ...]
    classes: str = ""
    title: str = ""
    sort: str | None = None
    href: str = ""
    code: bool = False
    share: float | None = None
    dead: float = 0.0
    id: str = ""
    path: bytes | None = None
    layer: int | None = None

    @property
    def text(self) -> str:
        """The first line, for those that have only one."""
        return self.lines[0] if self.lines else ""


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column; ``numeric`` where its cells are sorted as numbers.

    Cells are cut after two lines where it is ``clamped``, and have room for a sentence where it is
    of ``detail``.
    """

    header: str
    right: bool
    numeric: bool
    clamped: bool = False
    detail: bool = False


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block of any kind, for the macro ``block`` of ``blocks.html``.

    ``more`` is how many rows or lines are left out.
    """

    kind: str
    title: str = ""
    id: str = ""
    level: int = 2
    note: str = ""
    classes: str = ""
    pairs: tuple[tuple[str, tuple[Shown, ...]], ...] = ()
    columns: tuple[ShownColumn, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()
    more: int = 0
    caption: str = ""
    empty: str = ""
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class Blocks:
    """Makes :class:`ShownBlock` s, each with an identifier that no other of the page has."""

    links: Links = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def all(self, blocks: Iterable[Block]) -> list[ShownBlock]:
        """Several blocks, in order."""
        return [self.one(block) for block in blocks]

    def one(self, block: Block) -> ShownBlock:
        """One block."""
        match block:
            case Heading():
                name = self._name(block.text)
                return ShownBlock("heading", block.text, name, block.level, block.note)
            case Facts():
                return ShownBlock("facts", pairs=tuple(map(_pair, block.pairs)))
            case Table():
                return self._table(block)
            case Lines():
                kept = block.lines[:MOST_ROWS]
                return ShownBlock("lines", lines=kept, more=len(block.lines) - len(kept))
            case Note():
                return ShownBlock("note", block.text, classes=_class(block.role))

    def _table(self, table: Table) -> ShownBlock:
        seen = [i for i, column in enumerate(table.columns) if not column.data_only]
        columns = [table.columns[i] for i in seen]
        rows = tuple(
            tuple(
                _in_column(row[i], column, self.links.get(column.header, ""))
                for i, column in zip(seen, columns, strict=True)
            )
            for row in table.rows[:MOST_ROWS]
        )
        return ShownBlock(
            "table",
            table.title,
            self._name(table.title) if table.title else "",
            columns=tuple(
                ShownColumn(
                    column.header.capitalize(),
                    column.right,
                    column.right,
                    column.fit is Fit.END,
                    column.detail,
                )
                for column in columns
            ),
            rows=rows,
            more=len(table.rows) - len(rows),
            caption=table.caption,
            empty=table.empty,
        )

    def _name(self, text: str) -> str:
        plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in text.lower())
        name = "-".join(filter(None, plain[:60].split("-"))) or "part"
        count = self._names[name] = self._names.get(name, 0) + 1
        # In front, so that it is no identifier that a page gives to a part of its own.
        return f"t-{name}" if count == 1 else f"t-{name}-{count}"


def _in_column(cell: Cell, column: Column, link: str) -> Shown:
    """A cell with a number to sort by, where its column is one of numbers."""
    found = shown_cell(cell, link)
    if not column.right or found.sort is not None:
        return found
    sign = -1 if found.text.startswith("-") else 1
    number = parse_quantity(found.text.lstrip("+-").removesuffix("%").partition("-")[0])
    return replace(found, sort="" if number is None else f"{sign * number:f}")


def _pair(pair: tuple[str, Cell | tuple[Cell, ...]]) -> tuple[str, tuple[Shown, ...]]:
    label, value = pair
    cells = value if isinstance(value, tuple) else (value,)
    kept = tuple(map(shown_cell, cells[:MOST_ROWS]))
    if len(cells) > MOST_ROWS:
        kept += (Shown((f"… {len(cells) - MOST_ROWS:,} more",), "dim"),)
    return label, kept


def shown_cell(cell: Cell, link: str = "") -> Shown:
    """A cell; with ``link`` a number becomes a link to an anchor."""
    match cell:
        case Digest():
            short = cell.digest if cell.show == "full" else short_digest(cell.digest)
            title = cell.digest if short != cell.digest else ""
            return Shown((short,), "digest", title, sort=cell.digest[:200], code=True)
        case Size():
            exact = "" if cell.bytes is None else f"{cell.bytes:,} bytes"
            value = str(-1 if cell.bytes is None else cell.bytes)
            return Shown((shown(cell),), _class(cell.role), exact, value)
        case Count():
            return Shown((shown(cell),), sort=str(machine(cell)))
        case Bar():
            share, dead = round(cell.share * 100, 2), round(cell.dead * 100, 2)
            return Shown((), "bar", sort=repr(cell.share), share=share, dead=dead)
        case Path():
            return Shown((shown(cell),), "path", code=True, path=cell.path)
        case Cut():
            return Shown((cell.text,), "path", code=True)
    text = shown(cell)
    role = role_of(cell)
    if isinstance(cell, Text) and role is Role.CODE:
        return Shown((text,), "code", code=True)
    if is_digest(text):
        return shown_cell(Digest(text), link)
    href = f"#{link}{text}" if link and text.isascii() and text.isdigit() else ""
    return Shown((text,), _class(role), href=href)


def _class(role: Role) -> str:
    return "" if role is Role.PLAIN else role.value
