"""What views are made of: blocks and typed cells, the same for every format.

A view says *what* is shown; a renderer decides how. Text in cells is as the archive has it:
renderers make it safe for the place it goes to (:mod:`oci_inspect.render.escape`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a piece of text means. It is coloured by it, and never told by colour alone."""

    PLAIN = "plain"
    ERROR = "error"
    WARNING = "warning"
    OK = "ok"
    DIM = "dim"
    STRONG = "strong"
    CODE = "code"
    """An instruction, a command: what one would type. It may have several lines."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text with a meaning."""

    text: str
    role: Role = Role.PLAIN


MISSING = Text("-", Role.DIM)
"""What the archive does not tell: a dash for people, nothing for machines."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Text that people see cut at a width, whatever room there is; machines get all of it."""

    text: str
    width: int


@dataclass(frozen=True, slots=True)
class Time:
    """A moment: ``shown`` to people, RFC 3339 to machines."""

    rfc3339: str
    shown: str


@dataclass(frozen=True, slots=True)
class Path:
    """A path from an image; ``count`` is how many it stands for, where it is a folder.

    ``noun`` is what they are called.
    """

    path: bytes
    count: int = 1
    noun: str = "files"


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest. Unless said otherwise it is cut to 12 hex digits where there is little room.

    Machine formats have it whole in any case.
    """

    digest: str
    show: Literal["auto", "full", "short"] = "auto"


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes: rounded to ``digits`` for people, exact in machine formats. None where unknown."""

    bytes: int | None
    role: Role = Role.PLAIN
    digits: int = 3


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things, with thousands separated for people."""

    count: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of a whole, from 0 to 1, and how much of the whole is the dead part of it."""

    share: float
    dead: float = 0.0


Cell = str | Text | Cut | Time | Path | Digest | Size | Count | Bar | None


class Fit(StrEnum):
    """What happens to a column that has too little room."""

    FIXED = "fixed"
    """It keeps its width; where that is impossible the table becomes a list of records."""
    END = "end"
    """Cut at the end; wrapped where the screen is wide."""
    MIDDLE = "middle"
    """Cut in the middle, keeping the end; wrapped where the screen is wide."""
    WRAP = "wrap"
    """Wrapped, never cut."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    ``least`` is the width below which it does not go; one of twice the ``weight`` gets twice the
    room where there is too little. A ``detail`` column (only the last) moves to
    a line of its own below its row where it does not fit beside it. Columns of different
    ``group`` s may be shown as separate tables, each with those of group 0.
    """

    header: str
    right: bool = False
    fit: Fit = Fit.FIXED
    least: int = 8
    weight: int = 1
    detail: bool = False
    group: int = 0
    data_only: bool = False
    """Shown in machine formats alone."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title. Level 1 begins an image, level 2 a section."""

    text: str
    level: int = 2
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values. A tuple is several cells, one below the other."""

    pairs: tuple[tuple[str, Cell | tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers. ``footer`` is a last row of sums, left out of machine formats.

    ``more`` is the hint behind what a wide screen still cuts (after ten lines of a cell). CSV has
    the ``main`` tables of a view and no others.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    footer: tuple[Cell, ...] | None = None
    caption: str = ""
    empty: str = "none"
    more: str = ""
    main: bool = True


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that stays as it is, line by line (a Dockerfile, identifiers): no width applies."""

    lines: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of its own."""

    text: str
    role: Role = Role.PLAIN


Block = Heading | Facts | Table | Lines | Note
