"""What is drawn: every path of an image, live or dead, or every path that two images differ in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.comparison.results import Comparison
from oci_inspect.filesystem.comparing import Turn
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import Folder, UnionTree
from oci_inspect.layer.entries import DIRECTORY, FILE


class Piece(NamedTuple):
    """One path. ``size`` is in bytes; 0 for what is no regular file.

    ``layer_index`` is the layer its bytes are in, -1 for a folder that no entry describes. ``kind``
    is an index of the :class:`Kind` s that the picture has, ``type`` a code of
    :mod:`oci_inspect.layer.entries`.
    """

    path: bytes
    size: int
    layer_index: int
    kind: int
    type: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be said of a piece: ``live``, ``deleted``, ``added`` ...; which ``side`` it is on.

    A picture has two sides, 0 and 1.
    """

    key: str
    label: str
    side: int


LIVE = 0
IMAGE_KINDS = (
    Kind("live", "live", 0),
    Kind(Reason.DELETED.value, "deleted by a later layer", 1),
    Kind(Reason.OPAQUE.value, "in a folder that was emptied", 1),
    Kind(Reason.OVERWRITTEN.value, "overwritten with other content", 1),
    Kind(Reason.REWRITTEN.value, "written again, content unchanged", 1),
    Kind(Reason.REPLACED.value, "replaced by something else", 1),
    Kind(Reason.SHADOWED.value, "there twice in one layer", 1),
)
"""Of an image: what a container sees on one side, what is dead on the other."""

DIFFERENCE_KINDS = (
    Kind("removed", "only in A", 0),
    Kind("changed-before", "changed: as it was in A", 0),
    Kind("added", "only in B", 1),
    Kind("changed-after", "changed: as it is in B", 1),
)
"""Of two images that are compared: what only the first has, what only the second has."""

_KIND_OF = {kind.key: i for i, kind in enumerate(IMAGE_KINDS)}


def image_pieces(image: ImageAnalysis) -> Iterator[Piece]:
    """Every path of an image: those of the merged tree, then those of its dead inodes.

    Each inode is counted once, at the first of its names that comes by (a dead one at the first
    that it lost); its other names have no bytes. Sizes so add up to ``totals.file_bytes``.
    """
    yield from tree_pieces(image.tree)
    for dead in image.waste:
        yield Piece(dead.path, dead.size, dead.layer_index, _KIND_OF[dead.reason.value], FILE)


def tree_pieces(tree: UnionTree) -> Iterator[Piece]:
    """Every path below the root of a merged tree, each folder before what is in it."""
    counted: set[int] = set()
    several = tree.names
    for prefix, folder in tree.folders():
        if prefix:
            reference = folder.reference
            layer = tree.layer_of(reference) if reference >= 0 else -1
            yield Piece(prefix[:-1], 0, layer, LIVE, DIRECTORY)
        for name, child in folder.items():
            if isinstance(child, Folder):
                continue
            layer, row = tree.locate(child)
            table = tree.tables[layer]
            kind = table.types[row]
            size = table.sizes[row] if kind == FILE else 0
            if size and child in several:
                if child in counted:
                    size = 0
                counted.add(child)
            yield Piece(prefix + name, size, layer, LIVE, kind)


def difference_pieces(found: Comparison) -> Iterator[Piece]:
    """Every path whose content is different in two images, once for each that has bytes there."""
    removed, changed_before, added, changed_after = range(4)
    for one in found.files.differences:
        if not one.content:
            continue
        if one.before is not None and (one.size_before or one.turn is Turn.REMOVED):
            kind = removed if one.turn is Turn.REMOVED else changed_before
            yield _piece(found.before.tree, one.path, one.before, one.size_before, kind)
        if one.after is not None and (one.size_after or one.turn is Turn.ADDED):
            kind = added if one.turn is Turn.ADDED else changed_after
            yield _piece(found.after.tree, one.path, one.after, one.size_after, kind)


def _piece(tree: UnionTree, path: bytes, reference: int, size: int, kind: int) -> Piece:
    if reference < 0:
        return Piece(path, 0, -1, kind, DIRECTORY)
    layer, row = tree.locate(reference)
    return Piece(path, size, layer, kind, tree.tables[layer].types[row])
