"""The rows of a layer scan, kept as columns: a million entries must fit in memory."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from oci_inspect.layer.path_column import PathColumn
from oci_inspect.layer.row_values import RowValues

FILE, DIRECTORY, SYMLINK, HARDLINK, CHAR, BLOCK_DEVICE, FIFO = b"fdlhcbp"

TYPE_NAMES = {
    FILE: "file",
    DIRECTORY: "directory",
    SYMLINK: "symlink",
    HARDLINK: "hardlink",
    CHAR: "char",
    BLOCK_DEVICE: "block",
    FIFO: "fifo",
}


class Entry(NamedTuple):
    """One row, put together on request.

    ``size`` is in bytes (the apparent size of a sparse file), ``mtime`` in seconds with
    ``mtime_ns`` beyond them. ``fingerprint`` is CRC-32 of a file's content, of a small one with
    Adler-32 beside it (docs/decisions/0003): it tells changed from unchanged, it proves nothing.
    ``offset`` is where the content begins in the uncompressed tar.
    """

    path: bytes
    type: int
    size: int
    stored_size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    mtime_ns: int
    fingerprint: int
    offset: int
    linkname: bytes
    device: tuple[int, int]
    xattrs: tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class EntryTable:
    """Parallel columns, one value a tar entry, in the order of the tar.

    What few entries have (link names, devices, xattrs, fractions of seconds, stored sizes of sparse
    files) is kept by row number. A file that has a stored size is sparse, even where it is as
    long. Where contents were not looked at, they are not ``fingerprinted``. Nobody changes a table
    once its scan is done.
    """

    paths: PathColumn = field(default_factory=PathColumn)
    types: bytearray = field(default_factory=bytearray)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    modes: array[int] = field(default_factory=lambda: array("I"))
    uids: array[int] = field(default_factory=lambda: array("q"))
    gids: array[int] = field(default_factory=lambda: array("q"))
    mtimes: array[int] = field(default_factory=lambda: array("q"))
    fingerprints: array[int] = field(default_factory=lambda: array("Q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    linknames: RowValues[bytes] = field(default_factory=RowValues)
    devices: RowValues[tuple[int, int]] = field(default_factory=RowValues)
    xattrs: RowValues[tuple[tuple[bytes, bytes], ...]] = field(default_factory=RowValues)
    mtime_ns: RowValues[int] = field(default_factory=lambda: RowValues(values=array("q")))
    stored_sizes: RowValues[int] = field(default_factory=lambda: RowValues(values=array("q")))
    fingerprinted: bool = True

    def stored(self, row: int) -> int:
        """Bytes of a file as they are stored: without the holes of a sparse one."""
        return self.stored_sizes.get(row, self.sizes[row])

    def __len__(self) -> int:
        return len(self.paths)

    def row(self, index: int) -> Entry:
        """Put one row together."""
        size = self.sizes[index]
        return Entry(
            self.paths[index],
            self.types[index],
            size,
            self.stored_sizes.get(index, size),
            self.modes[index],
            self.uids[index],
            self.gids[index],
            self.mtimes[index],
            self.mtime_ns.get(index, 0),
            self.fingerprints[index],
            self.offsets[index],
            self.linknames.get(index, b""),
            self.devices.get(index, (0, 0)),
            self.xattrs.get(index, ()),
        )
