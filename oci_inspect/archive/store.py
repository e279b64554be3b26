"""Stores: the members of an input and their bytes, whatever holds them.

Three kinds answer to one shape. A tar file and a folder (``folder_store.py``) give the bytes of a
member on request, any number of times. A stream is passed over once (``stream_store.py``).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from oci_inspect.archive.members import Member, MemberKind, MemberTable
from oci_inspect.archive.outer_tar import FileCursor, OuterTar
from oci_inspect.errors import (
    ArchiveError,
)
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, Allowance, Limits
from oci_inspect.stream.source import SkippingSource, Source, read_some
from oci_inspect.stream.tar import TarHeader

T = TypeVar("T")
Visitor = Callable[[Source, Member], T]
"""Called with a member's bytes and its name while a stream passes by."""

DOCUMENTS = ("manifest.json", "index.json", "oci-layout", "repositories")
"""Members at the root of an archive that tell of images."""
MARKERS = (*DOCUMENTS, "version")
"""The same with that of skopeo's ``dir``, which alone tells little."""

_KINDS = {
    0x30: MemberKind.FILE,
    0x31: MemberKind.HARDLINK,
    0x32: MemberKind.SYMLINK,
    0x53: MemberKind.FILE,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A small member as it was read.

    ``data`` is None where its ``size`` is over the limit for JSON, or it was not kept.
    """

    name: str
    data: bytes | None
    size: int


class Store(ABC, Generic[T]):
    """The members of one input. ``size`` is the input's bytes, None where a stream has none."""

    def __init__(self, path: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = path
        self.limits = limits
        self.findings = FindingCollector()
        self.allowance = Allowance(limits)
        """What names and links of members may take together, spent so far."""
        self.members = MemberTable(self.findings, limits, self.allowance)
        self.compression: str | None = None
        self.size: int | None = None
        self.truncated = False
        self.endless = False
        """Whether so much stands behind the end that the input was not read to its own end."""
        self.visited: dict[str, T] = {}
        """What the visitor made of members that passed by, by name in the archive."""

    is_folder = False
    rereads = True
    """Whether members can be opened at any time, and more than once."""

    @abstractmethod
    def open(self, member: Member) -> SkippingSource | None:
        """The bytes of a member, from its beginning; None where they passed by already."""

    def enter_folder(self, folder: str) -> None:
        """Take a folder of the archive for its root."""
        self.members.enter_folder(folder)
        prefix = folder + "/"
        self.visited = {name.removeprefix(prefix): made for name, made in self.visited.items()}

    def find(self, name: str) -> Member | None:
        """The regular file of this name, through links inside the archive."""
        return self.members.resolve(name)

    def document(self, name: str) -> Document | None:
        """Read a small member; None where there is none of this name."""
        member = self.find(name)
        if member is None:
            return None
        if member.size > self.limits.json_bytes:
            return Document(name, None, member.size)
        source = self.open(member)
        if source is None:
            return Document(name, None, member.size)
        return Document(name, read_some(source, member.size), member.size)

    def kept_wanted(self, size: int) -> int:
        """What ``kept_bytes`` must be for a stream's document of a size to be kept."""
        return size

    def check_unchanged(self) -> None:
        """Raise :class:`ArchiveError` where the input changed while it was read."""

    def close(self) -> None:
        """Give back what was opened."""


class _SharedFile:
    """An open file that several readers share. Once it is closed, none of them reads another's."""

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self._fd = fd

    @property
    def number(self) -> int:
        """The descriptor. Raises :class:`ArchiveError` where it is closed."""
        if self._fd < 0:
            raise ArchiveError(self.path, "it is closed: no file in it can be read any more")
        return self._fd

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _FileSlice:
    """A part of a file, read without moving anybody's position."""

    def __init__(self, file: _SharedFile, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._left = size

    def read(self, size: int, /) -> bytes:
        size = min(size, self._left)
        data = os.pread(self._file.number, size, self._offset) if size else b""
        self._offset += len(data)
        self._left -= len(data)
        return data

    def skip(self, size: int, /) -> None:
        size = min(size, self._left)
        self._offset += size
        self._left -= size

    def peek(self, offset: int, size: int, /) -> bytes:
        if offset + size > self._left:
            size = max(0, self._left - offset)
        return os.pread(self._file.number, size, self._offset + offset)


class WatchedFile:
    """Notices when an open file changes: its size and its time are compared with the first ones."""

    def __init__(self, path: str, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._before = self._state()

    @property
    def size(self) -> int:
        """Bytes of the file at the start."""
        return self._before[0]

    def check(self) -> None:
        """Raise :class:`ArchiveError` where the file is no longer what it was."""
        if self._state() != self._before:
            raise ArchiveError(self._path, "it changed while it was read", "read it again")

    def _state(self) -> tuple[int, int, int]:
        # Times of content can be set back by whoever changed it; that of the change cannot.
        info = os.fstat(self._fd)
        return info.st_size, info.st_mtime_ns, info.st_ctime_ns


class TarFileStore(Store[T]):
    """An uncompressed tar that can be read at any place."""

    def __init__(self, path: str, fd: int, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(path, limits)
        self._file = _SharedFile(path, fd)
        self._watched = WatchedFile(path, fd)
        self.size = self._watched.size
        cursor = FileCursor(fd, self.size)
        tar = OuterTar(cursor, self.findings, limits)
        for header in tar.entries():
            member = member_of(self.members, header, cursor.position)
            if member is not None:
                self.members.add(member)
        self.truncated = tar.truncated
        self.endless = tar.endless

    def open(self, member: Member) -> SkippingSource:
        """The member's bytes. Raises :class:`ArchiveError` once the archive is closed."""
        _ = self._file.number  # closed? now is the time to say so
        return _FileSlice(self._file, member.offset, member.size)

    def check_unchanged(self) -> None:
        """Compare the open file with what it was at the start."""
        self._watched.check()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._file.close()


def member_of(members: MemberTable, header: TarHeader, offset: int) -> Member | None:
    """A member of a tar, None where its header names nothing."""
    name = members.name_of(header.name)
    if name is None or header.type == 0x35 or len(header.linkname) > members.limits.path_bytes:
        return None
    return Member(
        name,
        _KINDS.get(header.type, MemberKind.OTHER),
        header.stored_size,
        offset,
        header.linkname.decode("utf-8", "surrogateescape"),
    )
