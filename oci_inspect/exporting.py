"""The merged file system as one tar: the same image, the same bytes.

Each folder stands right before all that is in it, names in a folder in the order of their bytes:
programs that unpack a tar give a folder its mode and time when they leave it. Nothing in it is of
the clock, the machine or the user. What a tar of a layer had beyond the files themselves (user
names, access times, comments) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress, repeat
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from oci_inspect.errors import ArchiveError
from oci_inspect.filesystem.masks import both, selector
from oci_inspect.filesystem.tree import Folder, Located, UnionTree
from oci_inspect.layer.content import FileData
from oci_inspect.layer.entries import (
    BLOCK_DEVICE,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    SYMLINK,
    Entry,
)
from oci_inspect.layer.ordered import OrderedFiles
from oci_inspect.paths import shown_path
from oci_inspect.stream.source import CHUNK
from oci_inspect.stream.tar_writer import (
    END,
    IS_BLOCK,
    IS_CHAR,
    IS_FIFO,
    IS_FILE,
    IS_FOLDER,
    IS_HARDLINK,
    IS_SYMLINK,
    NewEntry,
    header,
    padding,
    sparse_map,
)

if TYPE_CHECKING:
    from oci_inspect.progress import Progress

P = ParamSpec("P")
R = TypeVar("R")
Write = Callable[[bytes], object]

_TYPES = {
    FILE: IS_FILE,
    DIRECTORY: IS_FOLDER,
    SYMLINK: IS_SYMLINK,
    CHAR: IS_CHAR,
    BLOCK_DEVICE: IS_BLOCK,
    FIFO: IS_FIFO,
}
_FILE = selector((FILE,))


def export_tar(tree: UnionTree, write: Write, progress: Progress | None = None) -> None:
    """Write a tree as a pax tar; ``write`` is given its bytes in pieces of about a MiB.

    ``tree`` comes from :meth:`ArchiveFile.tree` or :meth:`LayerStack.tree`, whose archive must be
    open. The root has no entry of its own. A folder that no entry describes is given mode 0755,
    the owner 0 and the time 0. Of an inode with several names the first that comes has the
    content, the others are hard links to it. Sparse files stay sparse.

    Each compressed layer is read once more, from its beginning to the last file that is needed;
    what comes by before its turn waits in memory and in a temporary file. ``progress`` is told of
    the bytes of content. Raises :class:`ArchiveError`, :class:`CorruptStreamError`,
    :class:`LimitExceededError`, and what ``write`` raises.
    """
    opener = tree.files
    if opener is None:
        raise ArchiveError("export", "the archive is closed, or was not opened")
    if progress is not None:
        progress.expect(sum(_bytes_of(tree, i) for i in range(len(tree.tables))))
    out = _Gathered(write)
    with OrderedFiles(opener.layer, lambda i: _wanted(tree, i)) as files:
        export = _Export(tree, files, out, progress)
        for located in tree.nested():
            export.add(located)
    out(END)
    out.flush()


def _wanted(tree: UnionTree, layer: int) -> bytes:
    """The rows of a layer whose content is in the tree."""
    return both(tree.tables[layer].types.translate(_FILE), tree.live[layer])


def _bytes_of(tree: UnionTree, layer: int) -> int:
    """How many bytes of content a layer has in the tree."""
    table, wanted = tree.tables[layer], _wanted(tree, layer)
    holes = (table.sizes[row] - size for row, size in table.stored_sizes.items() if wanted[row])
    return sum(compress(table.sizes, wanted)) - sum(holes)


class _Export:
    """Writes one entry after the other."""

    def __init__(
        self, tree: UnionTree, files: OrderedFiles, out: Write, progress: Progress | None
    ) -> None:
        self._tree = tree
        self._files = files
        self._out = out
        self._progress = progress
        self._first: dict[int, bytes] = {}
        """The path that was written first of each inode with several."""

    def add(self, located: Located) -> None:
        """Write what lies at a path."""
        path, node, _ = located
        entry = self._tree.entry(node)
        if entry is None:
            self._out(header(NewEntry(path, IS_FOLDER)))
            return
        new = _described(path, entry)
        if not isinstance(node, Folder) and node in self._tree.names:
            first = self._first.setdefault(node, path)
            if first is not path:
                self._out(header(_link(new, first)))
                return
        if isinstance(node, Folder) or entry.type != FILE or not entry.size:
            self._out(header(new))
        else:
            self._add_file(new, node)

    def _add_file(self, new: NewEntry, reference: int) -> None:
        path = new.path
        content = _reading(path, self._files.open, *self._tree.locate(reference))
        fillers: Iterable[int] = repeat(0)
        if content.sparse:
            told = sparse_map(content.regions)
            fillers = told.fillers
            new = new._replace(sparse=told)
        self._out(header(new))
        read: Callable[[int], bytes] = content.read_data
        if self._progress is not None:
            read = self._progress.counted(FileData(content)).read
        for (_, left), filler in zip(content.regions, fillers, strict=False):
            while left:
                data = _reading(path, read, min(CHUNK, left))
                left -= len(data)
                self._out(data)
            if filler:
                self._out(bytes(filler))
        self._out(padding(new.stored_size))


def _described(path: bytes, entry: Entry) -> NewEntry:
    """An entry to be written, with all but a sparse file's map."""
    kind = entry.type
    return NewEntry(
        path,
        _TYPES[kind],
        0o777 if kind == SYMLINK else entry.mode,  # Linux knows no other mode of a link
        entry.uid,
        entry.gid,
        entry.size if kind == FILE else 0,
        entry.mtime,
        entry.mtime_ns,
        entry.linkname if kind == SYMLINK else b"",
        entry.device if kind in (CHAR, BLOCK_DEVICE) else (0, 0),
        entry.xattrs,
    )


def _link(entry: NewEntry, first: bytes) -> NewEntry:
    """A further name of what is at ``first``."""
    return entry._replace(type=IS_HARDLINK, linkname=first, size=0, device=(0, 0), xattrs=())


def _reading(path: bytes, read: Callable[P, R], *arguments: P.args, **more: P.kwargs) -> R:
    """What reading gives; what the system has against it is told with the path."""
    try:
        return read(*arguments, **more)
    except OSError as error:
        raise ArchiveError(shown_path(path), error.strerror or str(error)) from error


class _Gathered:
    """Gives pieces on, small ones together."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._pieces: list[bytes] = []
        self._size = 0

    def __call__(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= CHUNK:
            self.flush()

    def flush(self) -> None:
        self._write(b"".join(self._pieces))
        self._pieces.clear()
        self._size = 0
