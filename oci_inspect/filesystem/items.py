"""What there is to list: entries of a merged tree, of one layer as it is, or of what was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from heapq import merge as merge_sorted
from operator import attrgetter
from typing import NamedTuple

from oci_inspect.filesystem.deletions import Mark, marks
from oci_inspect.filesystem.journal import Losses, Lost
from oci_inspect.filesystem.tree import IMPLIED, Folder, Located, UnionTree, reference_of
from oci_inspect.layer.entries import DIRECTORY, HARDLINK, TYPE_NAMES, Entry, EntryTable


class Deletion(StrEnum):
    """What a layer's own listing has beside entries: its deletions."""

    WHITEOUT = "whiteout"
    OPAQUE = "opaque"


class Item(NamedTuple):
    """One line of a listing.

    ``entry`` is None for a folder that no entry describes. ``links`` is how many paths lead to the
    inode. ``deletion`` is set where a layer deletes what lies at ``path`` below it, or empties it;
    ``lost`` where the item is in a layer but not in the result.
    """

    path: bytes
    entry: Entry | None
    layer_index: int | None
    links: int = 1
    deletion: Deletion | None = None
    lost: Lost | None = None

    @property
    def kind(self) -> int:
        """The type, one of the codes of :mod:`oci_inspect.layer.entries`; 0 for a deletion."""
        if self.deletion is not None:
            return 0
        return DIRECTORY if self.entry is None else self.entry.type

    @property
    def type_name(self) -> str:
        """The type in one word."""
        return self.deletion.value if self.deletion is not None else TYPE_NAMES[self.kind]

    @property
    def size(self) -> int:
        """Bytes of a regular file, 0 for anything else."""
        return 0 if self.entry is None or self.deletion is not None else self.entry.size

    @property
    def mode(self) -> int:
        """Permission bits; what engines give to folders that nobody described is 0755."""
        return 0o755 if self.entry is None else self.entry.mode


def item_of(tree: UnionTree, found: Located) -> Item:
    """A line for something in a merged tree."""
    reference = reference_of(found.node)
    links = 1 if isinstance(found.node, Folder) else tree.names.get(reference, 1)
    return Item(found.path, tree.entry(found.node), found.layer_index, links)


def tree_items(tree: UnionTree, top: Located | None = None) -> Iterator[Item]:
    """Everything below the root, or below ``top``, sorted by path; what is no folder is itself."""
    if top is not None and not isinstance(top.node, Folder):
        yield item_of(tree, top)
        return
    found = tree.walk() if top is None else tree.walk(top.path, top.node)
    for one in found:
        yield item_of(tree, one)


def layer_items(tree: UnionTree, table: EntryTable, layer_index: int) -> Iterator[Item]:
    """A layer as it is, sorted by path: its entries, its deletions, its links to lower layers.

    ``tree`` is that of the layer alone.
    """
    others = sorted(_others(tree, table, layer_index), key=attrgetter("path"))
    return merge_sorted(tree_items(tree), others, key=attrgetter("path"))


def _others(tree: UnionTree, table: EntryTable, layer_index: int) -> Iterator[Item]:
    for mark, row, path in marks(table):
        if mark in (Mark.WHITEOUT, Mark.OPAQUE):
            deletion = Deletion.WHITEOUT if mark is Mark.WHITEOUT else Deletion.OPAQUE
            yield Item(path, table.row(row), layer_index, deletion=deletion)
    row = table.types.find(HARDLINK)
    while row >= 0:
        path = table.paths[row]
        if tree.lookup(path) is None and tree.lookup(table.linknames.get(row, b"")) is None:
            yield Item(path, table.row(row), layer_index)
        row = table.types.find(HARDLINK, row + 1)


def lost_items(tree: UnionTree, losses: Losses) -> Iterator[Item]:
    """What is in some layer but not in the merged tree, sorted by path, the oldest first."""
    for lost in losses:
        if lost.reference == IMPLIED:
            yield Item(lost.path, None, None, lost=lost)
        else:
            layer, row = tree.locate(lost.reference)
            yield Item(lost.path, tree.tables[layer].row(row), layer, lost=lost)


def below(items: Iterable[Item], path: bytes) -> Iterator[Item]:
    """The items at or below a path, as it is written."""
    prefix = path + b"/"
    return (one for one in items if not path or one.path == path or one.path.startswith(prefix))
