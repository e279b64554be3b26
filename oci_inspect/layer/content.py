"""The contents of a layer's files: where they lie, or found by a pass over a compressed tar."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.layer.entries import EntryTable
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.compression import MAGIC_BYTES, decompress, detect
from oci_inspect.stream.source import (
    CHUNK,
    BoundedSource,
    BytesSource,
    CountedSource,
    PrefixedSource,
    SkippingSource,
    Source,
    read_exactly,
)
from oci_inspect.stream.sparse import Region, SparseMapReader
from oci_inspect.stream.tar import BLOCK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TarBytes:
    """The bytes of a layer's tar, from front to end; ``position`` is that of the next one.

    What is not compressed is passed over without being read.
    """

    def __init__(self, blob: SkippingSource, limits: Limits = DEFAULT_LIMITS) -> None:
        self.position = 0
        head = read_exactly(blob, MAGIC_BYTES)
        self.compression = detect(head)
        self._blob = blob
        self._head = head
        self._source: Source = BytesSource(b"")
        if self.compression != "none":
            raw = CountedSource(PrefixedSource(head, blob))
            plain = decompress(self.compression, raw, limits)
            self._source = BoundedSource(plain, raw, limits, "the layer")

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""
        if self.compression != "none":
            data = self._source.read(size)
        elif self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._blob.read(size)
        self.position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        """Go forward. Raises :class:`CorruptStreamError` where the tar ends before."""
        if self.compression == "none":
            past = min(len(self._head), position - self.position)
            self._head = self._head[past:]
            self._blob.skip(position - self.position - past)
            self.position = position
        while self.position < position:
            if not self.read(min(CHUNK, position - self.position)):
                raise CorruptStreamError("tar", "it ends early", self.position)


class _Entry:
    """A tar up to the end of one entry: a map that claims to go on does not lead beyond."""

    def __init__(self, tar: TarBytes, end: int) -> None:
        self._tar = tar
        self._end = end

    def read(self, size: int, /) -> bytes:
        left = self._end - self._tar.position
        return self._tar.read(min(size, left)) if left > 0 else b""


class FileContent:
    """One file's content, to be read once, from front to end.

    ``size`` is in bytes. ``regions`` are its runs of data; what lies between them is zeros, of
    which nothing is stored. An ordinary file has one run, an empty one none.
    """

    def __init__(self, source: Source, size: int, regions: tuple[Region, ...]) -> None:
        self.size = size
        self.regions = regions
        self._source = source
        self._ahead = list(reversed(regions))
        self._position = 0

    @property
    def sparse(self) -> bool:
        """Whether parts of it are not stored."""
        return sum(length for _, length in self.regions) != self.size

    def read_data(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the runs of data, one after the other, without holes."""
        if not self._ahead or not size:
            return b""  # asked for nothing, a decompressor may look for it for ever
        offset, left = self._ahead[-1]
        data = self._source.read(min(size, left))
        if not data:
            raise CorruptStreamError("tar", "it ends in the middle of a file", 0)
        self._position = offset + len(data)
        if len(data) == left:
            self._ahead.pop()
        else:
            self._ahead[-1] = offset + len(data), left - len(data)
        return data

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, with the holes as zeros."""
        ahead = self._ahead[-1][0] if self._ahead else self.size
        if self._position == ahead:
            return self.read_data(size)
        zeros = bytes(min(size, CHUNK, ahead - self._position))
        self._position += len(zeros)
        return zeros


def same_bytes(one: FileContent, other: FileContent) -> bool:
    """Whether two files have the same content; both are read, as far as they are stored.

    Zeros that one stores where the other has a hole are the same. Raises as reading does.
    """
    if one.size != other.size:
        return False
    runs = _Runs(one), _Runs(other)
    position = 0
    while position < one.size:
        ends = [run.end(position) for run in runs]
        step = min(*ends, position + CHUNK) if any(run.stored for run in runs) else min(ends)
        pieces = [run.take(step - position) for run in runs if run.stored]
        if len(pieces) == 2 and pieces[0] != pieces[1]:
            return False
        if len(pieces) == 1 and pieces[0].count(0) != len(pieces[0]):
            return False
        position = step
    return True


class _Runs:
    """The runs of a file, its holes among them. ``stored`` is whether the last one asked for is."""

    def __init__(self, content: FileContent) -> None:
        self._content = content
        self._ahead = list(reversed(content.regions))
        self.stored = False

    def end(self, position: int) -> int:
        """Where the run that a position lies in ends; no position is before one asked for."""
        while self._ahead and sum(self._ahead[-1]) <= position:
            self._ahead.pop()
        if not self._ahead:
            self.stored = False
            return self._content.size
        start, length = self._ahead[-1]
        self.stored = start <= position
        return start + length if self.stored else start

    def take(self, size: int) -> bytes:
        """Exactly that many bytes of what is stored."""
        pieces = []
        while size:
            pieces.append(self._content.read_data(size))
            size -= len(pieces[-1])
        return b"".join(pieces)


class FileData:
    """What is stored of a file, as a source: its runs of data one after the other."""

    def __init__(self, content: FileContent) -> None:
        self.read = content.read_data


class FileStream(io.RawIOBase):
    """A file's content as a binary stream of Python's."""

    def __init__(self, content: FileContent) -> None:
        super().__init__()
        self._content = content

    def readable(self) -> bool:
        """True: that is what it is for."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, as far as there is something."""
        view = memoryview(buffer).cast("B")
        data = self._content.read(len(view))
        view[: len(data)] = data
        return len(data)


class LayerFiles:
    """The files of a layer, each by its row. ``open_blob`` gives the blob from its beginning."""

    def __init__(
        self,
        table: EntryTable,
        open_blob: Callable[[], SkippingSource],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.table = table
        self._open_blob = open_blob
        self._limits = limits

    def tar(self, limits: Limits | None = None) -> TarBytes:
        """The tar from its beginning; ``limits`` are others than usual for its compression."""
        return TarBytes(self._open_blob(), limits or self._limits)

    @property
    def limits(self) -> Limits:
        """The limits within which files are read."""
        return self._limits

    def open(self, row: int, tar: TarBytes | None = None) -> FileContent:
        """The content of the regular file in a row.

        It is read from ``tar``, which must not be behind the row yet, and from nowhere beyond the
        file; by itself where None. Raises :class:`CorruptStreamError`, ``OSError`` and, for a file
        that claims more than a layer may have, :class:`LimitExceededError`.
        """
        size, most = self.table.sizes[row], self._limits.layer_bytes
        if size > most:
            raise LimitExceededError("layer_bytes", most, size, "a file")
        return self.data(row, tar)

    def data(self, row: int, tar: TarBytes | None = None) -> FileContent:
        """The same, however large the file claims to be: for its runs of data alone."""
        table = self.table
        size = table.sizes[row]
        if not size:
            return FileContent(BytesSource(b""), 0, ())
        if tar is None:
            tar = self.tar()
        if row not in table.stored_sizes:
            tar.skip_to(table.offsets[row])
            return FileContent(tar, size, ((0, size),))
        start = self.start(row)
        tar.skip_to(start)
        length = table.offsets[row] - start
        stored = table.stored_sizes[row]
        entry = _Entry(tar, table.offsets[row] + stored)
        regions = SparseMapReader(self._limits).read(entry, length, size, stored)
        return FileContent(tar, size, regions)

    def start(self, row: int) -> int:
        """Where what is needed to read a file begins: its content, or the map of a sparse one."""
        table = self.table
        if row not in table.stored_sizes:
            return table.offsets[row]
        if not row:
            return 0
        before = table.stored_sizes.get(row - 1, table.sizes[row - 1])
        return table.offsets[row - 1] + (before + BLOCK - 1) // BLOCK * BLOCK
