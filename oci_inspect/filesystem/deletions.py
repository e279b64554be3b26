"""The deletions of a layer: image-spec, layer.md, "Whiteouts".

They touch lower layers only and come before all additions, wherever they stand in the tar.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.deaths import Deaths
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK, EntryTable
from oci_inspect.layer.path_column import PathColumn

WHITEOUT = b".wh."
AUFS = b".wh..wh."
OPAQUE = b".wh..wh..opq"

_TOGETHER = 512


class Mark(Enum):
    """What a row with a whiteout's prefix in its path is."""

    WHITEOUT = auto()
    OPAQUE = auto()
    AUFS = auto()
    INVALID = auto()
    FOLDER = auto()
    """A folder that is called like a whiteout: an entry as any other."""


def marks(table: EntryTable) -> Iterator[tuple[Mark, int, bytes]]:
    """Every row that may delete, with its number and what it deletes.

    That is a path for a whiteout, and for an opaque one the folder that it empties; for all others
    the row's own path.
    """
    types = table.types
    for row, folder, name in _suspects(table.paths):
        prefix = folder + b"/" if folder else b""
        if name.startswith(AUFS) or folder.startswith(AUFS) or b"/" + AUFS in folder:
            if name == OPAQUE and AUFS not in folder:
                yield Mark.OPAQUE, row, folder
            else:
                yield Mark.AUFS, row, prefix + name
        elif name.startswith(WHITEOUT):
            victim = name[len(WHITEOUT) :]
            if types[row] == DIRECTORY:
                yield Mark.FOLDER, row, prefix + name
            elif victim in (b"", b".", b".."):
                yield Mark.INVALID, row, prefix + name
            else:
                yield Mark.WHITEOUT, row, prefix + victim


def delete(layer: Applying, deaths: Deaths) -> None:
    """Apply the whiteouts of a layer; their rows, and those of AUFS, are no entries of the tree."""
    for mark, row, path in marks(layer.table):
        if mark is Mark.FOLDER:
            layer.say("whiteout-not-empty", path, "a folder with a whiteout's name: no whiteout")
            continue
        layer.live[row] = 0
        if mark is Mark.AUFS:
            if layer.table.types[row] not in (DIRECTORY, HARDLINK):
                layer.metadata[path] = row
            layer.say("aufs-metadata", path, "metadata of the AUFS driver, no entry")
            continue
        paths = layer.table.paths
        if layer.table.types[row] != FILE or layer.table.sizes[row]:
            layer.say("whiteout-not-empty", paths[row], "a whiteout that is no empty regular file")
        if mark is Mark.OPAQUE:
            _make_opaque(layer, deaths, path)
        elif mark is Mark.INVALID:
            layer.say("whiteout-invalid", path, "a whiteout that names nothing")
        else:
            folder, _, victim = path.rpartition(b"/")
            parent = layer.folder(folder)
            child = parent.pop(victim, None) if parent is not None else None
            if child is None:
                layer.say("whiteout-dangling", paths[row], "it hides nothing")
            else:
                deaths.take_tree(path, child, Reason.DELETED)


def _suspects(paths: PathColumn) -> Iterator[tuple[int, bytes, bytes]]:
    """Rows with a whiteout's prefix anywhere in their path, each with its folder and its name.

    It is looked for in many names at once, and once in each folder: most layers have few, if any.
    """
    folders, names, places = paths.folders, paths.names, paths.places
    marked = {place for place, folder in enumerate(folders) if WHITEOUT in folder}
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        if marked or WHITEOUT in b"/".join(some):
            for row, name in enumerate(some, start):
                if WHITEOUT in name or places[row] in marked:
                    yield row, folders[places[row]], name


def _make_opaque(layer: Applying, deaths: Deaths, path: bytes) -> None:
    folder = layer.folder(path)
    if not folder:
        layer.say("whiteout-dangling", path + b"/" + OPAQUE if path else OPAQUE, "it hides nothing")
        return
    deaths.empty(path, folder, Reason.OPAQUE)
