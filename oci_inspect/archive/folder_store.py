"""A folder as a store: an OCI layout that was unpacked, or skopeo's ``dir``."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

from oci_inspect.archive.members import Member, MemberKind
from oci_inspect.archive.store import DOCUMENTS, Store, T
from oci_inspect.errors import ArchiveError, LimitExceededError, TooManyFilesError
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import SkippingSource

_WORD = (1 << 64) - 1


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
