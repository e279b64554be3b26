"""Cells as plain text, as values for machines, and the roles of their parts."""

from __future__ import annotations

import re

from oci_inspect.paths import path_text
from oci_inspect.render.blocks import (
    MISSING,
    Bar,
    Cell,
    Count,
    Cut,
    Digest,
    Path,
    Role,
    Size,
    Text,
    Time,
)
from oci_inspect.render.measure import cut_end
from oci_inspect.render.sizes import human_size, percent

SHORT_DIGEST = 12


_DIGEST = re.compile(r"[a-z0-9+._-]{1,40}:([0-9a-f]{32,128})")


def beginning(text: str, most: int) -> str:
    """The first ``most`` characters of a text, with a sign behind them where there are more."""
    return text if len(text) <= most else f"{text[:most]}…"


def is_digest(text: str) -> bool:
    """Whether this looks like a digest that can be shortened."""
    return _DIGEST.fullmatch(text) is not None


def short_digest(digest: str) -> str:
    """The first 12 hex digits of a digest, as docker prints it; what is none stays whole."""
    match = _DIGEST.fullmatch(digest)
    return match[1][:SHORT_DIGEST] if match else digest


def shown(cell: Cell, full_digests: bool = True) -> str:
    """A cell as a person reads it, not yet escaped."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case Text():
            return cell.text
        case Cut():
            return cut_end(cell.text, cell.width)
        case Time():
            return cell.shown
        case Path():
            return path_text(cell.path) + path_suffix(cell)
        case Digest():
            whole = cell.show == "full" or (full_digests and cell.show == "auto")
            return cell.digest if whole else short_digest(cell.digest)
        case Size():
            return human_size(cell.bytes, cell.digits)
        case Count():
            return "-" if cell.count is None else f"{cell.count:,}"
        case Bar():
            return percent(cell.share)


def path_suffix(path: Path) -> str:
    """How many files a folder stands for."""
    return f" ({path.count:,} {path.noun})" if path.count > 1 else ""


def role_of(cell: Cell) -> Role:
    """What a cell means, as a whole."""
    if isinstance(cell, Text | Size):
        return cell.role
    return Role.PLAIN


def machine(cell: Cell) -> str | int | float:
    """A cell as a value: exact numbers, text not yet escaped."""
    if cell is MISSING:
        return ""
    match cell:
        case Size():
            return "" if cell.bytes is None else cell.bytes
        case Count():
            return "" if cell.count is None else cell.count
        case Bar():
            return round(cell.share * 100, 2)
        case Path():
            return path_text(cell.path)
        case Cut():
            return cell.text
        case Time():
            return cell.rfc3339
        case Digest():
            return cell.digest
        case _:
            return shown(cell)
