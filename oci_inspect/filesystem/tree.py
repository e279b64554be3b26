"""The merged tree: what a container would see.

A folder is an object, everything else a plain number: the *reference* of its entry, counted over
the rows of all layers. Two names of one inode are the same number. A million entries fit that way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, MutableSequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oci_inspect.layer.entries import DIRECTORY, Entry, EntryTable

IMPLIED = -1
"""The reference of a folder that no entry describes."""
REMOVED = -2
"""The reference of a folder that is no longer in the tree: whoever remembers it can tell."""


class Folder(dict[bytes, "Folder | int"]):
    """A folder: its children by name, in the order in which they came, and its own reference."""

    __slots__ = ("reference",)

    def __init__(self, reference: int = IMPLIED) -> None:
        self.reference = reference


Node = Folder | int


class Located(NamedTuple):
    """A node of the tree with its path and the layer its entry is in (None: an implied folder)."""

    path: bytes
    node: Node
    layer_index: int | None


@dataclass(frozen=True, slots=True)
class UnionTree:
    """The tree of a stack of layers. ``bases[i]`` is the reference of layer ``i``'s first row.

    ``live[i]`` is a mask over the rows of layer ``i``: those that a path below the root leads to,
    so that columns of a table can be looked at without a walk. ``stray[i]`` are rows whose paths
    are not just what the row says: inodes that were given a second name, and what was written
    through a symbolic link. ``names`` is how many paths lead to each of those inodes.
    """

    root: Folder = field(default_factory=Folder)
    tables: MutableSequence[EntryTable] = field(default_factory=list)
    bases: MutableSequence[int] = field(default_factory=list)
    live: MutableSequence[bytearray] = field(default_factory=list)
    stray: MutableSequence[bytearray] = field(default_factory=list)
    names: dict[int, int] = field(default_factory=dict)

    def layer_of(self, reference: int) -> int:
        """The index of the layer an entry is in."""
        return bisect_right(self.bases, reference) - 1

    def locate(self, reference: int) -> tuple[int, int]:
        """The layer an entry is in, and its row there."""
        layer = bisect_right(self.bases, reference) - 1
        return layer, reference - self.bases[layer]

    def entry(self, node: Node) -> Entry | None:
        """The entry behind a node, None for an implied folder."""
        reference = node.reference if isinstance(node, Folder) else node
        if reference == IMPLIED:
            return None
        layer, row = self.locate(reference)
        return self.tables[layer].row(row)

    def kind(self, node: Node) -> int:
        """The type of a node, one of the codes of :mod:`oci_inspect.layer.entries`."""
        if isinstance(node, Folder):
            return DIRECTORY
        layer, row = self.locate(node)
        return self.tables[layer].types[row]

    def walk(self) -> Iterator[Located]:
        """Everything below the root, each folder before what is in it, names in byte order."""
        stack: list[tuple[bytes, Node]] = [(b"", self.root)]
        while stack:
            path, node = stack.pop()
            if path:
                reference = node.reference if isinstance(node, Folder) else node
                yield Located(
                    path, node, None if reference == IMPLIED else self.layer_of(reference)
                )
            if isinstance(node, Folder):
                prefix = path + b"/" if path else b""
                stack.extend(
                    (prefix + name, child) for name, child in sorted(node.items(), reverse=True)
                )

    def folders(self) -> Iterator[tuple[bytes, Folder]]:
        """Every folder, the root first, with what stands in front of its children's names."""
        yield b"", self.root
        stack = [(b"", iter(self.root.items()))]
        while stack:
            prefix, children = stack[-1]
            for name, child in children:
                if isinstance(child, Folder):
                    below = prefix + name + b"/"
                    yield below, child
                    stack.append((below, iter(child.items())))
                    break
            else:
                stack.pop()

    def paths_of(self, references: Container[int]) -> Iterator[tuple[bytes, int]]:
        """Every path that leads to one of these references, with it: a walk over all."""
        for prefix, folder in self.folders():
            for name, child in folder.items():
                reference = child.reference if isinstance(child, Folder) else child
                if reference in references:
                    yield prefix + name, reference

    def lookup(self, path: bytes) -> Node | None:
        """The node at a path as it is written, no link followed; None where there is none."""
        node: Node = self.root
        for part in path.split(b"/") if path else ():
            if not isinstance(node, Folder):
                return None
            child = node.get(part)
            if child is None:
                return None
            node = child
        return node
