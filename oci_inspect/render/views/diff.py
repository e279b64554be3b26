"""``diff``: what layers changed, path by path, as docker prints it, with bytes and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oci_inspect.filesystem.changes import Change, Kind
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.entries import DIRECTORY, FILE, EntryTable
from oci_inspect.paths import path_text
from oci_inspect.render.escape import terminal
from oci_inspect.render.sizes import human_size, plural
from oci_inspect.render.style import Style

_COLORS = {Kind.ADDED: "32", Kind.CHANGED: "35", Kind.DELETED: "31"}


def docker_lines(changes: Sequence[Change], tree: UnionTree) -> Iterator[str]:
    """The lines that ``docker diff`` prints, but for what a terminal would act upon.

    docker compares types, modes, owners, devices and capabilities, of what is no folder also sizes
    and times in whole seconds (moby, pkg/archive, ``statDifferent``); a folder counts as well where
    anything below it does.
    """
    told: set[bytes] = set()
    for change in changes:
        if change.kind is not Kind.CHANGED or _docker_sees(change, tree):
            path = change.path
            while path and path not in told:
                told.add(path)
                path = path.rpartition(b"/")[0]
    for change in changes:
        if change.path in told:
            yield f"{change.kind.letter} {terminal('/' + path_text(change.path))}"


def _docker_sees(change: Change, tree: UnionTree) -> bool:
    if {"type", "mode", "owner", "device"} & set(change.why):
        return True
    if change.before is None or change.after is None or min(change.before, change.after) < 0:
        return False
    (old, i), (new, j) = tree.locate(change.before), tree.locate(change.after)
    a, b = tree.tables[old], tree.tables[new]
    if _capability(a, i) != _capability(b, j):
        return True
    return b.types[j] != DIRECTORY and (a.sizes[i], a.mtimes[i]) != (b.sizes[j], b.mtimes[j])


def _capability(table: EntryTable, row: int) -> bytes | None:
    return dict(table.xattrs.get(row, ())).get(b"security.capability")


def change_lines(changes: Sequence[Change], tree: UnionTree, style: Style) -> Iterator[str]:
    """A line a path: the letter, the bytes, the path, and why it counts as changed."""
    sizes = [human_size(one.size) if one.size else "" for one in changes]
    wide = max((len(size) for size in sizes), default=0)
    for change, size in zip(changes, sizes, strict=True):
        path = terminal("/" + path_text(change.path), ascii_only=not style.unicode)
        line = f"{change.kind.letter}  {size:>{wide}}  {path}"
        if style.color:
            line = f"\x1b[{_COLORS[change.kind]}m{line}\x1b[0m"
        why = reason_text(change, tree)
        yield f"{line}  ({why})" if why else line


def reason_text(change: Change, tree: UnionTree) -> str:
    """Why something counts as changed, in words; what a copy-on-write cost."""
    if change.kind is not Kind.CHANGED:
        return ""
    why = ", ".join(change.why)
    if change.copied(tree):
        size = human_size(change.size)
        return f"{size} stored again for: {why}" if why else f"{size} stored again, nothing changed"
    if not why and tree.kind_of(change.after) == FILE:
        return "the same file again"
    return why


def sum_line(changes: Sequence[Change], tree: UnionTree) -> str:
    """How many of each kind, and the bytes."""
    counts = {kind: sum(one.kind is kind for one in changes) for kind in Kind}
    stored = sum(one.size for one in changes if one.kind is not Kind.DELETED)
    hidden = sum(one.size for one in changes if one.kind is Kind.DELETED)
    copied = sum(one.size for one in changes if one.copied(tree))
    parts = [f"{counts[kind]:,} {kind.value}" for kind in Kind if counts[kind]]
    if not parts:
        return "nothing changed"
    text = f"{', '.join(parts)}; {human_size(stored)} stored"
    if hidden:
        text += f", {human_size(hidden)} deleted that stay stored below"
    if copied:
        files = plural(sum(one.copied(tree) for one in changes), "file")
        text += f"; {human_size(copied)} of it again, for {files} of the same content"
    return text
