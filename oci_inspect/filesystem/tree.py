"""The merged tree: what a container would see.

A folder is an object, everything else a plain number: the *reference* of its entry, counted over
the rows of all layers. Two names of one inode are the same number. A million entries fit that way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, MutableSequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from io import BufferedReader
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oci_inspect.errors import ArchiveError, PathError
from oci_inspect.layer.content import FileContent, FileStream, LayerFiles
from oci_inspect.layer.entries import DIRECTORY, FILE, TYPE_NAMES, Entry, EntryTable
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.paths import normalise, path_bytes, shown_path

if TYPE_CHECKING:
    from oci_inspect.filesystem.path_log import PathEvent

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


def reference_of(node: Node) -> int:
    """The reference of a node's entry, IMPLIED for a folder without one."""
    return node.reference if isinstance(node, Folder) else node


class FileOpener(Protocol):
    """Opens the content of a regular file, by its layer and its row there."""

    def open(self, layer_index: int, row: int) -> FileContent:
        """The content, to be read once."""
        ...

    def plain(self, layer_index: int) -> bool:
        """Whether a layer is not compressed, so that each of its files is read where it lies."""
        ...

    def layer(self, layer_index: int) -> LayerFiles:
        """The files of a layer."""
        ...


class Located(NamedTuple):
    """A node of the tree with its path and the layer its entry is in (None: an implied folder)."""

    path: bytes
    node: Node
    layer_index: int | None


class _Walked:
    """A folder on the way through a tree: the names to come, the last one first.

    ``ahead`` are folders that were come by. What is in ``a`` stands where ``a/`` would: behind
    ``a-b``, whose turn may be still to come.
    """

    __slots__ = ("ahead", "folder", "names", "prefix")

    def __init__(self, prefix: bytes, folder: Folder) -> None:
        self.prefix = prefix
        self.folder = folder
        self.names = sorted(folder, reverse=True)
        self.ahead: list[tuple[bytes, Folder]] = []


@dataclass(frozen=True, slots=True)
class UnionTree:
    """The tree of a stack of layers. ``bases[i]`` is the reference of layer ``i``'s first row.

    ``live[i]`` is a mask over the rows of layer ``i``: those that a path below the root leads to,
    so that columns of a table can be looked at without a walk. ``stray[i]`` are rows whose paths
    are not just what the row says: inodes that were given a second name, and what was written
    through a symbolic link. ``names`` is how many paths lead to each of those inodes. ``files``
    opens regular files, as long as the archive is open.
    """

    root: Folder = field(default_factory=Folder)
    tables: MutableSequence[EntryTable] = field(default_factory=list)
    bases: MutableSequence[int] = field(default_factory=list)
    live: MutableSequence[bytearray] = field(default_factory=list)
    stray: MutableSequence[bytearray] = field(default_factory=list)
    names: dict[int, int] = field(default_factory=dict)
    files: FileOpener | None = None
    limits: Limits = DEFAULT_LIMITS

    def layer_of(self, reference: int) -> int:
        """The index of the layer an entry is in."""
        return bisect_right(self.bases, reference) - 1

    def locate(self, reference: int) -> tuple[int, int]:
        """The layer an entry is in, and its row there."""
        layer = bisect_right(self.bases, reference) - 1
        return layer, reference - self.bases[layer]

    def entry(self, node: Node) -> Entry | None:
        """The entry behind a node, None for an implied folder."""
        reference = reference_of(node)
        if reference == IMPLIED:
            return None
        layer, row = self.locate(reference)
        return self.tables[layer].row(row)

    def kind(self, node: Node) -> int:
        """The type of a node, one of the codes of :mod:`oci_inspect.layer.entries`."""
        return DIRECTORY if isinstance(node, Folder) else self.kind_of(node)

    def kind_of(self, reference: int | None) -> int:
        """The type of what a reference stands for; 0 for None."""
        if reference is None:
            return 0
        if reference < 0:
            return DIRECTORY
        layer, row = self.locate(reference)
        return self.tables[layer].types[row]

    def located(self, path: bytes, node: Node) -> Located:
        """A node with its path and its layer."""
        reference = reference_of(node)
        return Located(path, node, None if reference == IMPLIED else self.layer_of(reference))

    def nested(self) -> Iterator[Located]:
        """Everything below the root, each folder right before all that is in it.

        The names in a folder are in the order of their bytes. Who unpacks it is done with a folder
        once he leaves it.
        """
        stack = [(b"", self.root, sorted(self.root, reverse=True))]
        while stack:
            prefix, folder, names = stack[-1]
            if not names:
                stack.pop()
                continue
            name = names.pop()
            child = folder[name]
            yield self.located(prefix + name, child)
            if isinstance(child, Folder):
                stack.append((prefix + name + b"/", child, sorted(child, reverse=True)))

    def walk(self, path: bytes = b"", top: Node | None = None) -> Iterator[Located]:
        """Everything below the root, or below ``top``, which lies at ``path``, sorted by path.

        Paths are compared as bytes: ``a`` comes before ``a-b``, and that before ``a/b``.
        """
        top = self.root if top is None else top
        if not isinstance(top, Folder):
            return
        stack = [_Walked(path + b"/" if path else b"", top)]
        while stack:
            here = stack[-1]
            names, ahead = here.names, here.ahead
            if ahead and (not names or ahead[0][0] < names[-1]):
                slashed, folder = heappop(ahead)
                stack.append(_Walked(here.prefix + slashed, folder))
            elif names:
                name = names.pop()
                child = here.folder[name]
                yield self.located(here.prefix + name, child)
                if isinstance(child, Folder):
                    heappush(ahead, (name + b"/", child))
            else:
                stack.pop()

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

    # For users: paths as text or bytes, with or without a slash in front

    def resolve(self, path: str | bytes, *, follow: bool = True) -> Located:
        """What lies at a path, links followed as the kernel would inside the image.

        With ``follow`` False a symbolic link at the end is given itself. Raises
        :class:`PathError`.
        """
        from oci_inspect.filesystem.resolve import resolve

        found = resolve(self, path_bytes(path), follow=follow, limits=self.limits)
        return self.located(*found)

    def check_file(self, found: Located) -> None:
        """Raise :class:`PathError` for anything but a regular file."""
        kind = self.kind(found.node)
        if kind != FILE:
            problem = f"it is no regular file but a {TYPE_NAMES[kind]}"
            raise PathError(shown_path(found.path), problem)

    def content(self, node: Node, path: bytes) -> FileContent:
        """The content of a regular file. Raises :class:`PathError` for anything else."""
        self.check_file(self.located(path, node))
        assert not isinstance(node, Folder)
        if self.files is None:
            raise ArchiveError(shown_path(path), "its archive is closed, or was not opened")
        return self.files.open(*self.locate(node))

    def open(self, path: str | bytes) -> BufferedReader:
        """Open a regular file for reading, as a binary stream.

        Links are followed as by :meth:`resolve`. Of a compressed layer no more is read than up to
        the file's end. Raises :class:`PathError`, and reading :class:`CorruptStreamError`.
        """
        found = self.resolve(path)
        return BufferedReader(FileStream(self.content(found.node, found.path)), 1 << 16)

    def log(self, path: str | bytes) -> tuple[PathEvent, ...]:
        """What each layer did to a path, as it is written, from the lowest to the highest.

        Contents of layers that were only listed are read, to tell changed ones from unchanged ones.
        """
        from oci_inspect.filesystem.merge import merge
        from oci_inspect.filesystem.path_log import PathLog
        from oci_inspect.findings import FindingCollector

        journal = PathLog(normalise(path_bytes(path))[0], self.files)
        merge(self.tables, FindingCollector(), self.limits, journal)
        return tuple(journal.events)
