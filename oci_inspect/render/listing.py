"""Lines of listings, as ``ls`` and ``find`` print them: one an entry, made as they are asked for.

No table of :mod:`oci_inspect.render.blocks`: a listing may have millions of lines, and is only ever
gone through.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

from oci_inspect.filesystem.items import Deletion, Item
from oci_inspect.filesystem.owners import Owners
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.layer.entries import (
    BLOCK_DEVICE,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    SYMLINK,
)
from oci_inspect.paths import path_text
from oci_inspect.render.escape import terminal
from oci_inspect.render.measure import display_width
from oci_inspect.render.sizes import human_size
from oci_inspect.render.style import Style

Items = Callable[[], Iterable[Item]]
"""Gives the same items each time it is called."""

_FORMATS = {
    FILE: stat.S_IFREG,
    DIRECTORY: stat.S_IFDIR,
    SYMLINK: stat.S_IFLNK,
    CHAR: stat.S_IFCHR,
    BLOCK_DEVICE: stat.S_IFBLK,
    FIFO: stat.S_IFIFO,
}
_HEADERS = ("MODE", "LINKS", "OWNER", "GROUP", "SIZE", "MODIFIED", "LAYER", "NAME")
_RIGHT = (False, True, False, False, True, False, True)
_KEPT = 1 << 12
"""Texts that are kept, of those that many entries have in common."""
_GONE = "31"
_COLORS = {DIRECTORY: "1;34", SYMLINK: "36", CHAR: "33", BLOCK_DEVICE: "33", FIFO: "33"}


def mode_text(item: Item) -> str:
    """Type and permissions as ls prints them; a hard link begins with h, as in tar -tv."""
    if item.deletion is not None:
        return "D---------"
    return _mode_text(item.kind, item.mode)


@lru_cache(_KEPT)
def _mode_text(kind: int, mode: int) -> str:
    if kind == HARDLINK:
        return "h" + stat.filemode(stat.S_IFREG | mode)[1:]
    return stat.filemode(_FORMATS[kind] | mode)


def time_text(item: Item) -> str:
    """The time to the minute, in UTC; seconds behind an @ where no calendar has it."""
    if item.entry is None or item.deletion is not None:
        return "-"
    return _time_text(item.entry.mtime)


@lru_cache(_KEPT)
def _time_text(seconds: int) -> str:
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}"
    return f"{time.year:04}-{time.month:02}-{time.day:02} {time.hour:02}:{time.minute:02}"


def remark(item: Item) -> str:
    """What is said behind a name: where something went."""
    if item.deletion is Deletion.WHITEOUT:
        return "deleted here"
    if item.deletion is Deletion.OPAQUE:
        return "emptied here"
    if item.lost is None:
        return ""
    return f"{_HOW[item.lost.reason]} layer {item.lost.removed_in}"


_HOW = {
    Reason.DELETED: "deleted in",
    Reason.OPAQUE: "its folder was emptied in",
    Reason.OVERWRITTEN: "overwritten in",
    Reason.REWRITTEN: "written again in",
    Reason.REPLACED: "replaced in",
    Reason.SHADOWED: "replaced in the same layer,",
}


class Listing:
    """Makes lines of items; ``shown`` gives what of its path each is called.

    Sizes are rounded as docker rounds them, or ``exact`` in bytes.
    """

    def __init__(
        self,
        style: Style,
        owners: Owners | None = None,
        shown: Callable[[Item], bytes] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self._style = style
        self._size = str if exact else human_size
        self._owners = owners or Owners()
        self._shown = shown or (lambda item: item.path)

    def name(self, item: Item) -> str:
        """The name alone, coloured by its type."""
        text = self._safe(self._shown(item))
        return self._paint(text, _GONE if item.deletion or item.lost else _COLORS.get(item.kind))

    def short_plain(self, items: Iterable[Item]) -> Iterator[str]:
        """Names and nothing else."""
        return (self._safe(self._shown(item)) for item in items)

    def short(self, items: Iterable[Item]) -> Iterator[str]:
        """One name a line, and what is to be said of it."""
        for item in items:
            said = remark(item)
            if item.lost is not None and item.layer_index is not None:
                said = f"layer {item.layer_index}, {said}"
            yield f"{self.name(item)}  ({said})" if said else self.name(item)

    def grid(self, items: list[Item], width: int) -> Iterator[str]:
        """Names side by side in columns, as ls does on a terminal."""
        names = [(self.name(one), display_width(self._safe(self._shown(one)))) for one in items]
        longest = max((wide for _, wide in names), default=0) + 2
        columns = max(1, (width + 2) // longest)
        rows = -(-len(names) // columns)
        for row in range(rows):
            cells = names[row::rows]
            padded = [name + " " * (longest - wide) for name, wide in cells[:-1]]
            yield "".join([*padded, cells[-1][0]])

    def long(self, items: Items, header: bool = True) -> Iterator[str]:
        """One line an entry as ``ls -l`` has it, with the layer in front of the name."""
        widths = [0] * len(_RIGHT)
        if header:
            widths = [len(one) for one in _HEADERS[:-1]]
        for item in items():
            widths = [max(a, len(b)) for a, b in zip(widths, self._fields(item), strict=True)]
        if header:
            yield self._paint(f"{self._aligned(_HEADERS[:-1], widths)}  {_HEADERS[-1]}", "2")
        for item in items():
            line = f"{self._aligned(self._fields(item), widths)}  {self.name(item)}"
            if item.kind in (SYMLINK, HARDLINK) and item.entry is not None:
                arrow = " -> " if item.kind == SYMLINK else " link to "
                line += arrow + self._safe(item.entry.linkname)
            said = remark(item)
            yield f"{line}  ({said})" if said else line

    def _fields(self, item: Item) -> tuple[str, ...]:
        entry = None if item.deletion is not None else item.entry
        size = "-"
        if entry is not None and entry.type == FILE:
            size = self._size(entry.size)
        elif entry is not None and entry.type in (CHAR, BLOCK_DEVICE):
            size = f"{entry.device[0]},{entry.device[1]}"
        return (
            mode_text(item) + ("+" if entry is not None and entry.xattrs else ""),
            "-" if item.deletion is not None else str(item.links),
            "-" if entry is None else self._text(self._owners.user(entry.uid)),
            "-" if entry is None else self._text(self._owners.group(entry.gid)),
            size,
            time_text(item),
            "-" if item.layer_index is None else str(item.layer_index),
        )

    def _aligned(self, fields: Iterable[str], widths: Iterable[int]) -> str:
        return "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(fields, widths, _RIGHT, strict=True)
        )

    def _safe(self, path: bytes) -> str:
        return self._text(path_text(path))

    def _text(self, text: str) -> str:
        return terminal(text, ascii_only=not self._style.unicode)

    def _paint(self, text: str, code: str | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._style.color and code and text else text
