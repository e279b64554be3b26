"""Files that were met before anybody asked for them: kept until somebody does.

Small ones stay in memory, up to a bound; the others lie one behind the other in a temporary file
without a name, which goes with the process.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from typing import IO

from oci_inspect.errors import ArchiveError
from oci_inspect.layer.content import FileContent
from oci_inspect.limits import KIB, MIB
from oci_inspect.stream.source import CHUNK, BytesSource, Source, read_exactly
from oci_inspect.stream.sparse import Region

SMALL = 64 * KIB
"""Bytes of data up to which a file may stay in memory."""
IN_MEMORY = 4 * MIB
"""Bytes of memory that all parked files together may take."""
_EACH = 256
"""Bytes that a file costs in memory beside its data."""

Place = int
"""Where a file is: twice its offset in the temporary file, and one more for a sparse one, whose map
stands in front of its data; or a negative number for one in memory."""


class Parking:
    """Keeps the data of files, with the maps of sparse ones; a context manager."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._left = in_memory
        self._kept: dict[Place, bytes] = {}
        self._taken = 0
        self._file: IO[bytes] | None = None
        self._end = 0
        self._waiting = bytearray()

    @property
    def written(self) -> int:
        """Bytes that went to the temporary file."""
        return self._end

    def put(self, content: FileContent) -> Place:
        """Read a file to its end and keep it.

        Raises what reading it raises, and :class:`ArchiveError` where there is no more room.
        """
        if not content.sparse and content.size <= min(SMALL, self._left - _EACH):
            self._left -= content.size + _EACH
            self._taken += 1
            pieces = []
            while data := content.read_data(CHUNK):
                pieces.append(data)
            self._kept[-self._taken] = b"".join(pieces)
            return -self._taken
        place = 2 * self._end + content.sparse
        if content.sparse:
            numbers = array("q", (number for region in content.regions for number in region))
            self._append(array("q", [len(numbers)]).tobytes())
            self._append(numbers.tobytes())
        while data := content.read_data(CHUNK):
            self._append(data)
        return place

    def open(self, place: Place, size: int) -> FileContent:
        """A file of ``size`` bytes, once more."""
        if place < 0:
            data = self._kept.pop(place)
            self._left += size + _EACH
            return FileContent(BytesSource(data), size, ((0, size),))
        source = _Stretch(self, place // 2)
        regions: tuple[Region, ...] = ((0, size),)
        if place % 2:
            (count,) = _numbers(source, 1)
            numbers = iter(_numbers(source, count))
            regions = tuple(zip(numbers, numbers, strict=True))
        return FileContent(source, size, regions)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the temporary file."""
        if self._waiting and offset + size > self._end - len(self._waiting):
            self._write_out()
        assert self._file is not None
        return os.pread(self._file.fileno(), size, offset)

    def _append(self, data: bytes) -> None:
        self._waiting += data
        self._end += len(data)
        if len(self._waiting) >= CHUNK:
            self._write_out()

    def _write_out(self) -> None:
        try:
            if self._file is None:
                file = tempfile.TemporaryFile(prefix="oci-inspect.", buffering=0)  # noqa: SIM115
                self._file = file
            with memoryview(self._waiting) as data:
                done = 0
                while done < len(data):
                    done += self._file.write(data[done:])
        except OSError as error:
            where = f"the temporary file in {tempfile.gettempdir()}"
            raise ArchiveError(
                where, error.strerror or str(error), "TMPDIR names another folder"
            ) from error
        self._waiting.clear()

    def close(self) -> None:
        """Forget all files."""
        self._kept.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Parking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _numbers(source: Source, count: int) -> array[int]:
    numbers = array("q")
    numbers.frombytes(read_exactly(source, count * numbers.itemsize))
    return numbers


class _Stretch:
    """The temporary file from some offset on."""

    def __init__(self, parking: Parking, offset: int) -> None:
        self._parking = parking
        self._offset = offset

    def read(self, size: int, /) -> bytes:
        data = self._parking.read(self._offset, size)
        self._offset += len(data)
        return data
