"""``compare``: the files that are different, and where an image grew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oci_inspect.comparison.results import Comparison, FileGroup
from oci_inspect.filesystem.comparing import PathDifference, Turn
from oci_inspect.paths import path_text
from oci_inspect.render.blocks import Column, Fit, Path, Role, Size, Table, Text
from oci_inspect.render.escape import terminal
from oci_inspect.render.sizes import human_size
from oci_inspect.render.style import Style

_LETTERS = {Turn.ADDED: "A", Turn.REMOVED: "D", Turn.CHANGED: "C"}
_COLORS = {Turn.ADDED: "32", Turn.REMOVED: "31", Turn.CHANGED: "33"}
TURNS = {
    (Turn.ADDED, True): Text("added", Role.OK),
    (Turn.REMOVED, True): Text("removed", Role.ERROR),
    (Turn.CHANGED, True): Text("changed", Role.WARNING),
    (Turn.CHANGED, False): Text("metadata", Role.DIM),
}
"""What became of a path, and whether that is more than metadata."""


def signed(size: int) -> str:
    """A growth: ``+1.2kB``, ``-60kB``, ``0B``."""
    return f"{'+' if size > 0 else '-' if size < 0 else ''}{human_size(abs(size))}"


def path_lines(found: Comparison, style: Style) -> Iterator[str]:
    """Every path that is different, a line each, as ``diff`` prints them."""
    yield "\x1b[1mFiles, by path\x1b[0m" if style.color else "Files, by path"
    sizes = [_sizes_text(one) for one in found.files.differences]
    wide = max(map(len, sizes))
    for one, size in zip(found.files.differences, sizes, strict=True):
        path = terminal("/" + path_text(one.path), ascii_only=not style.unicode)
        line = f"{_LETTERS[one.turn]}  {size:>{wide}}  {path}"
        if style.color:
            line = f"\x1b[{_COLORS[one.turn]}m{line}\x1b[0m"
        yield f"{line}  ({', '.join(one.why)})" if one.why else line


def path_table(found: Comparison) -> Table:
    """Every path that is different, as a table."""
    return Table(
        title="Files, by path",
        columns=_FILE_COLUMNS,
        rows=tuple(
            (
                TURNS[one.turn, one.content],
                None if one.turn is Turn.ADDED else Size(one.size_before),
                None if one.turn is Turn.REMOVED else Size(one.size_after),
                signed(one.growth) if one.content else ", ".join(one.why),
                Path(b"/" + one.path),
            )
            for one in found.files.differences
        ),
    )


def _sizes_text(one: PathDifference) -> str:
    if not one.content or one.size_before == one.size_after:
        size = max(one.size_before, one.size_after)
        return human_size(size) if size else ""
    return signed(one.growth)


_FILE_COLUMNS = (
    Column("CHANGE"),
    Column("A SIZE", right=True),
    Column("B SIZE", right=True),
    Column("GROWTH", right=True),
    Column("PATH", fit=Fit.MIDDLE, least=16),
)


def files_table(groups: Sequence[FileGroup], top: int) -> Table:
    """The largest groups of files that are different."""
    shown = groups[:top]
    left = len(groups) - len(shown)
    return Table(
        title="Files, by growth",
        columns=_FILE_COLUMNS,
        rows=tuple(
            (
                TURNS[one.turn, one.content],
                None if one.turn is Turn.ADDED or not one.content else Size(one.size_before),
                None if one.turn is Turn.REMOVED or not one.content else Size(one.size_after),
                signed(one.growth) if one.content else None,
                Path(b"/" + one.path, one.paths, "paths"),
            )
            for one in shown
        ),
        caption=f"{left:,} more: --top shows them, --all lists every path" if left else "",
    )


def folders_table(found: Comparison, top: int | None) -> Table | None:
    """Folders at the root that grew or shrank, all of them for ``top`` None; None for none."""
    grown = [(path, old, new) for path, (old, new) in found.files.folders.items() if old != new]
    if not grown:
        return None
    grown.sort(key=lambda one: (-abs(one[2] - one[1]), one[0]))
    shown = grown if top is None else grown[: max(top, 1)]
    old, new = found.before.totals, found.after.totals
    live = [one.file_bytes - one.wasted_bytes for one in (old, new)]
    return Table(
        title="Growth by folder",
        columns=(
            Column("FOLDER", fit=Fit.MIDDLE, least=12),
            Column("A SIZE", right=True),
            Column("B SIZE", right=True),
            Column("GROWTH", right=True),
        ),
        rows=tuple(
            (Path(b"/" + path), Size(old), Size(new), signed(new - old)) for path, old, new in shown
        ),
        footer=(Text("all", Role.DIM), Size(live[0]), Size(live[1]), signed(live[1] - live[0])),
    )
