"""The deletions of a layer: image-spec, layer.md, "Whiteouts".

They touch lower layers only and come before all additions, wherever they stand in the tar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.deaths import Deaths, Reason
from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK

WHITEOUT = b".wh."
AUFS = b".wh..wh."
OPAQUE = b".wh..wh..opq"

_TOGETHER = 512


def delete(layer: Applying, deaths: Deaths) -> None:
    """Apply the whiteouts of a layer; their rows, and those of AUFS, are no entries of the tree."""
    types = layer.table.types
    for row, path in _suspects(layer.table.paths):
        folder, _, name = path.rpartition(b"/")
        if path.startswith(AUFS) or b"/" + AUFS in path:
            layer.live[row] = 0
            if name == OPAQUE and AUFS not in folder:
                _check_empty(layer, row, path)
                _make_opaque(layer, deaths, folder)
            else:
                if types[row] not in (DIRECTORY, HARDLINK):
                    layer.metadata[path] = row
                layer.say("aufs-metadata", path, "metadata of the AUFS driver, no entry")
            continue
        if not name.startswith(WHITEOUT):
            continue
        if types[row] == DIRECTORY:
            layer.say("whiteout-not-empty", path, "a folder with a whiteout's name: no whiteout")
            continue
        layer.live[row] = 0
        _check_empty(layer, row, path)
        victim = name[len(WHITEOUT) :]
        if victim in (b"", b".", b".."):
            layer.say("whiteout-invalid", path, "a whiteout that names nothing")
            continue
        parent = layer.folder(folder)
        child = parent.pop(victim, None) if parent is not None else None
        if child is None:
            layer.say("whiteout-dangling", path, "it hides nothing")
            continue
        target = folder + b"/" + victim if folder else victim
        deaths.take_tree(target, child, Reason.DELETED)


def _suspects(paths: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Rows with a whiteout's prefix anywhere in their path.

    It is looked for in many paths at once: most layers have few, if any.
    """
    for start in range(0, len(paths), _TOGETHER):
        some = paths[start : start + _TOGETHER]
        if WHITEOUT in b"/".join(some):
            for row, path in enumerate(some, start):
                if WHITEOUT in path:
                    yield row, path


def _make_opaque(layer: Applying, deaths: Deaths, path: bytes) -> None:
    folder = layer.folder(path)
    if not folder:
        layer.say("whiteout-dangling", path + b"/" + OPAQUE if path else OPAQUE, "it hides nothing")
        return
    deaths.empty(path, folder, Reason.OPAQUE)


def _check_empty(layer: Applying, row: int, path: bytes) -> None:
    if layer.table.types[row] != FILE or layer.table.sizes[row]:
        layer.say("whiteout-not-empty", path, "a whiteout that is no empty regular file")
