"""The folder that a tree is put into, reached through descriptors and never through a link.

Every path is opened part by part from the folder that the user named, each part with O_NOFOLLOW
relative to the one above it (openat(2)). Whatever lies in the folder, or is put there meanwhile,
a link in the way ends in an error and leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from oci_inspect.errors import NoSpaceError, TargetError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_KEPT = 64
"""Descriptors of folders that are kept open."""
PRIVATE = 0o700
"""The mode of a folder while it is being filled."""
FULL = (errno.ENOSPC, errno.EDQUOT)
_NAMES = frozenset((b"", b".", b".."))


class InTheWayError(OSError):
    """A link, or another thing that is no folder, stands where a folder should be."""


def split(path: bytes) -> tuple[bytes, bytes]:
    """The folder that something is in, and its name there.

    Raises ``OSError`` for a name that no file can have: no path of an image should hold one.
    """
    folder, _, name = path.rpartition(b"/")
    if name in _NAMES or b"\0" in name:
        raise OSError(errno.EINVAL, "no name that a file can have")
    return folder, name


class TargetFolder:
    """The folder to put files into. Paths are those of the image; the folder itself is ``b""``.

    It is made, with those above it, where there is none. Raises :class:`TargetError`.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = os.fspath(directory)
        self._open: OrderedDict[bytes, int] = OrderedDict()
        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
            self._root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileExistsError as error:
            raise TargetError(self.directory, "it is no folder", "name one with -C") from error
        except (OSError, ValueError) as error:
            raise broken(self.directory, error) from error

    def folder(self, path: bytes) -> int:
        """A descriptor of a folder, good until the next call.

        Raises ``OSError``, :class:`InTheWayError` among them.
        """
        missing: list[bytes] = []
        descriptor = self._root
        while path:
            kept = self._open.get(path)
            if kept is not None:
                self._open.move_to_end(path)
                descriptor = kept
                break
            missing.append(path)
            path = path.rpartition(b"/")[0]
        for one in reversed(missing):
            descriptor = self._enter(descriptor, one)
        return descriptor

    def _enter(self, above: int, path: bytes) -> int:
        name = split(path)[1]
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=above)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            there = os.stat(name, dir_fd=above, follow_symlinks=False)
            raise in_the_way(there) from error
        self._open[path] = descriptor
        if len(self._open) > _KEPT:
            os.close(self._open.popitem(last=False)[1])
        return descriptor

    def look(self, path: bytes) -> os.stat_result | None:
        """What is at a path, no link followed; None for nothing, and for what nobody can see."""
        try:
            folder, name = split(path)
            return os.stat(name, dir_fd=self.folder(folder), follow_symlinks=False)
        except OSError:
            return None

    def make_folder(self, path: bytes) -> bool:
        """Make a folder that only its owner can use; False where there was one. Raises OSError."""
        folder, name = split(path)
        try:
            os.mkdir(name, PRIVATE, dir_fd=self.folder(folder))
        except FileExistsError:
            self.folder(path)
            return False
        return True

    def close(self) -> None:
        """Close what is open."""
        for descriptor in (*self._open.values(), self._root):
            os.close(descriptor)
        self._open.clear()

    def __enter__(self) -> TargetFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def in_the_way(there: os.stat_result) -> InTheWayError:
    """What is said of a thing that is no folder, where a folder should be."""
    what = "a symbolic link" if stat.S_ISLNK(there.st_mode) else "something that is no folder"
    return InTheWayError(errno.ENOTDIR, f"{what} is in the way")


def broken(directory: str, error: OSError | ValueError) -> TargetError:
    """What is said where the folder itself cannot be used."""
    problem = getattr(error, "strerror", None) or str(error)
    return TargetError(directory, f"it cannot be written to: {problem}")


def check_room(
    directory: str | os.PathLike[str], sizes: Iterable[int], others: int, freed: int
) -> None:
    """Raise :class:`NoSpaceError` where what is to be written cannot fit onto the folder's disk.

    ``sizes`` are bytes of files, which take whole blocks; ``others`` is how many folders and links
    there are beside them; ``freed`` are the bytes of what is replaced. A disk that does not tell of
    its blocks, or of the files it has room for, is taken at its word.
    """
    shown = os.fspath(directory)
    place = Path(os.path.abspath(directory))  # noqa: PTH100 (which follows no links)
    # Path.exists() raises where it may not look.
    while not os.path.exists(place) and place != place.parent:  # noqa: PTH110
        place = place.parent
    try:
        disk = os.statvfs(place)
    except OSError as error:
        raise broken(shown, error) from error
    block = disk.f_frsize or 1
    needed = count = 0
    for size in sizes:
        needed += (size + block - 1) // block * block
        count += 1
    free = (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail) * block + freed
    if disk.f_blocks and needed > free:
        raise NoSpaceError(shown, f"{needed:,} bytes do not fit: {free:,} are free on its disk")
    if disk.f_files and not freed and count + others > disk.f_favail:
        problem = f"{count + others:,} files and folders do not fit"
        raise NoSpaceError(shown, f"{problem}: its disk has room for {disk.f_favail:,}")
