"""Stores: the members of an input and their bytes, whatever holds them.

Three kinds answer to one shape. A tar file and a folder give the bytes of a member on request, any
number of times. A stream is passed over once: small members are kept in memory, every other one is
handed to a *visitor* as it goes by, and the store remembers what the visitor made of it.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from oci_inspect.archive.members import Member, MemberKind, MemberTable
from oci_inspect.archive.outer_tar import FileCursor, OuterTar, StreamCursor
from oci_inspect.errors import (
    ArchiveError,
    CorruptStreamError,
    LimitExceededError,
    TooManyFilesError,
)
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, KIB, Allowance, Limits
from oci_inspect.stream.source import BytesSource, PrefixedSource, SkippingSource, Source, read_some
from oci_inspect.stream.tar import TarHeader

T = TypeVar("T")
Visitor = Callable[[Source, Member], T]
"""Called with a member's bytes and its name while a stream passes by."""

_WORD = (1 << 64) - 1
SMALL = 64 * KIB
SMALL_DOCUMENT = 256 * KIB
"""Bytes of a manifest, a config or an index, at most, unless there is something odd about it."""
VISITED = 2 * KIB
"""Bytes that what a visitor makes of a member takes at least, whatever is in that."""
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
            member = _member(self.members, header, cursor.position)
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


@dataclass(slots=True)
class _Room:
    wanted: int = 0
    kept: int = 0


class StreamStore(Store[T]):
    """A tar that passes by once: standard input, or a file compressed as a whole."""

    rereads = False

    def __init__(
        self,
        path: str,
        source: Source,
        visitor: Visitor[T] | None,
        limits: Limits = DEFAULT_LIMITS,
        ending: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(path, limits)
        self._kept: dict[int, bytes] = {}
        # Wanted and kept: small documents, and what must not take the room of those (large ones
        # may be anything, such as lists of packages; small layers can be scanned instead).
        self._small = _Room()
        self._other = _Room()
        cursor = StreamCursor(source, ending)
        tar = OuterTar(cursor, self.findings, limits)
        try:
            for header in tar.entries():
                offset = cursor.position
                member = _member(self.members, header, offset)
                if member is None:
                    continue
                self.members.add(member)
                self.visited.pop(member.name, None)
                if member.kind is MemberKind.FILE:
                    self._pass_by(member, tar, visitor)
        except CorruptStreamError as error:
            if error.trailing:
                self.findings.add("archive-trailing-data", "archive", str(error))
            else:
                self.truncated = True
                self.findings.add("tar-truncated", "archive", str(error))
        self.truncated |= tar.truncated
        self.endless = tar.endless

    def _pass_by(self, member: Member, tar: OuterTar, visitor: Visitor[T] | None) -> None:
        head = tar.read(min(member.size, SMALL))
        document = head.lstrip(b" \t\r\n")[:1] in (b"", b"{", b"[")
        document |= posixpath.basename(member.name) in MARKERS
        room = self._room(member.size) if document else self._other
        if member.size <= (self.limits.json_bytes if document else SMALL):
            room.wanted += member.size
            if room.kept + member.size <= self.limits.kept_bytes:
                data = head + read_some(tar, member.size - len(head))
                self._kept[member.offset] = data
                room.kept += len(data)
                return
        if visitor is not None:
            self.allowance.spend(VISITED)
            if self.allowance.over:
                raise self.allowance.exceeded("the archive's members")
            self.visited[member.name] = visitor(PrefixedSource(head, tar), member)

    def _room(self, size: int) -> _Room:
        return self._small if size <= SMALL_DOCUMENT else self._other

    def kept_wanted(self, size: int) -> int:
        """The bytes of all members that were to be kept in the same room."""
        return self._room(size).wanted

    def open(self, member: Member) -> SkippingSource | None:
        """The member's bytes where they were kept."""
        data = self._kept.get(member.offset)
        return None if data is None else BytesSource(data)


class FolderStore(Store[T]):
    """A folder. Only regular files are opened, no part of their path may be a link."""

    is_folder = True
    _DEPTH = 4

    def __init__(self, path: str, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(path, limits)
        self.size = 0
        self._states: dict[str, bytes] = {}
        # A folder that a user named by mistake is not searched through.
        self._all = any(os.path.lexists(os.path.join(path, name)) for name in DOCUMENTS)  # noqa: PTH118
        self._list(Path(path), "", 1)
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _list(self, folder: Path, prefix: str, depth: int) -> None:
        for one in self._names(folder):
            name = prefix + one
            info = (folder / one).lstat()
            if stat.S_ISDIR(info.st_mode):
                if depth < self._DEPTH and (self._all or depth > 1 or _is_layer(one)):
                    try:
                        self._list(folder / one, name + "/", depth + 1)
                    except PermissionError as error:
                        raise ArchiveError(self.path, f"{name} cannot be read") from error
                continue
            if len(self.members) >= self.limits.members:
                raise self._too_many(len(self.members) + 1)
            if stat.S_ISREG(info.st_mode):
                self.members.add(Member(name, MemberKind.FILE, info.st_size))
                assert self.size is not None
                self.size += info.st_size
            elif stat.S_ISLNK(info.st_mode):
                target = (folder / one).readlink()
                self.members.add(Member(name, MemberKind.SYMLINK, linkname=str(target)))
            else:
                self.members.add(Member(name, MemberKind.OTHER))

    def _names(self, folder: Path) -> list[str]:
        """What is in a folder, in order; no more than there may be members."""
        names: list[str] = []
        with os.scandir(folder) as found:
            for entry in found:
                names.append(entry.name)
                if len(names) > self.limits.members:
                    raise self._too_many(len(names))
        return sorted(names)

    def _too_many(self, count: int) -> LimitExceededError:
        return LimitExceededError("members", self.limits.members, count, self.path)

    def open(self, member: Member) -> SkippingSource:
        """Open a file below the folder, one part of its path after the other, through no link."""
        *folders, last = member.name.split("/")
        at = self._root
        opened: list[int] = []
        try:
            for folder in folders:
                at = os.open(
                    folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at
                )
                opened.append(at)
            fd = os.open(
                last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at
            )
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise TooManyFilesError(self.path, str(error.strerror)) from error
            problem = (
                "is a link" if error.errno == errno.ELOOP else (error.strerror or "unreadable")
            )
            raise ArchiveError(self.path, f"{member.name}: {problem}") from error
        finally:
            for one in opened:
                os.close(one)
        info = os.fstat(fd)
        known = self._states.setdefault(member.name, _state(info))
        if not stat.S_ISREG(info.st_mode) or info.st_size != member.size or known != _state(info):
            os.close(fd)
            raise self._changed(member.name)
        return _OwnedFile(fd, info.st_size)

    def check_unchanged(self) -> None:
        """Compare every file that was opened with what it was then; one that is gone changed."""
        for name, known in self._states.items():
            try:
                info = os.stat(name, dir_fd=self._root, follow_symlinks=False)
            except OSError as error:
                raise self._changed(name) from error
            if _state(info) != known:
                raise self._changed(name)

    def _changed(self, name: str) -> ArchiveError:
        return ArchiveError(self.path, f"{name} changed while it was read", "read it again")

    def close(self) -> None:
        """Close the folder; a second time does nothing."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1


def _state(info: os.stat_result) -> bytes:
    """What changes with a file, packed: there may be a million of them."""
    times = info.st_mtime_ns & _WORD, info.st_ctime_ns & _WORD
    return struct.pack("<4Q", info.st_ino & _WORD, info.st_size, *times)


def _is_layer(name: str) -> bool:
    """Whether a folder is called as docker before 1.10 called those of its layers."""
    return len(name) == 64 and all(c in "0123456789abcdef" for c in name)


class _OwnedFile:
    """A file of its own, closed at its end or when it is forgotten."""

    def __init__(self, fd: int, size: int) -> None:
        self._file = os.fdopen(fd, "rb", buffering=0)
        self._left = size

    def read(self, size: int, /) -> bytes:
        if self._file.closed:
            return b""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        if not data or not self._left:
            self._file.close()
        return data

    def skip(self, size: int, /) -> None:
        if not self._file.closed:
            size = min(size, self._left)
            self._file.seek(size, os.SEEK_CUR)
            self._left -= size

    def peek(self, offset: int, size: int, /) -> bytes:
        if self._file.closed or offset >= self._left:
            return b""
        size = min(size, self._left - offset)
        return os.pread(self._file.fileno(), size, self._file.tell() + offset)

    def __del__(self) -> None:
        self._file.close()


def _member(members: MemberTable, header: TarHeader, offset: int) -> Member | None:
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
