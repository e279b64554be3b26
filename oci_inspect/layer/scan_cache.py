"""Scans kept on disk under the digests of their blobs, so that no blob is scanned twice.

What a cache gives back must be safe to trust: it is bound to the digest that was asked for, to the
limits and to the rules of this program, and what is damaged is dropped in silence. A cache never
stands in the way: what goes wrong with its folder or its files ends in "not kept", never in an
error.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from oci_inspect._version import __version__
from oci_inspect.layer.scan import LayerScan
from oci_inspect.layer.scan_record import RECORD_VERSION, RecordError, decode, encode
from oci_inspect.limits import KIB, MIB, Limits

SCAN_VERSION = 3
"""Of the scanner's rules: raise it when the same blob gives another scan than before.

Scans of another version, or of another release of this program, are not found any more.
"""

MOST_BYTES = 512 * MIB
"""The default bound of a cache: scans of some thirty million tar entries."""

_LARGEST_RECORD = 256 * MIB
_BLOCK = 4 * KIB
"""What a file is counted in: a small one takes as much of a disk."""

_TOUCHED_AFTER = 600
"""Seconds after which a use is written down again."""

_ABANDONED_AFTER = 3600
"""Seconds after which nobody writes on at an unfinished file: its process was killed."""

_FREED_SHARE = 10
"""One part in this many is freed beyond what must go, so that not every scan has to make room."""

_TAG = "CACHEDIR.TAG"
_TAG_TEXT = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of oci-inspect (https://bford.info/cachedir/): backups need not have it.
"""

_NAME = re.compile(r"[0-9a-f]{64}-[0-9a-f]{16}\.scan")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}-[0-9a-f]{16}\.scan\.[0-9a-f]{16}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")

_NOT_ASKED = frozenset(
    {
        *("json_bytes", "json_depth", "json_memory", "kept_bytes"),
        *("members", "index_nodes", "index_depth", "metadata_bytes"),
        *("implied_folders", "layers", "links", "link_bytes"),
        *("extracted_file_bytes", "extracted_bytes"),
    }
)
"""The limits that no scan of a layer depends on."""


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """What lies in a cache, or went from it.

    ``bytes`` are counted in blocks of 4 KiB, as disks do, and hold unfinished files as well;
    ``most_bytes`` is the bound. ``problem`` says why the cache is not used, or not all was removed;
    None where all is well.
    """

    folder: Path
    entries: int
    bytes: int
    most_bytes: int
    problem: str | None = None


class ScanCache:
    """A folder of scans, shared by threads and by processes.

    Up to ``most_bytes`` are kept; what was not used for longest goes first. The folder is made when
    the first scan is kept. One that belongs to somebody else, or that others can write to, is not
    used: whoever writes into a cache decides what is read from it.
    """

    def __init__(self, folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes
        self._keeping = True
        self._lock = threading.Lock()
        self._bytes: int | None = None  # at most so many, but for what others put there meanwhile

    def get(self, digest: str, limits: Limits) -> LayerScan | None:
        """The scan of the blob with this sha256 digest under these limits, if it was kept."""
        name = _entry_name(digest, limits)
        if name is None:
            return None
        with suppress(OSError), self._opened() as folder:
            try:
                scan = decode(self._read(folder, name), limits.entries)
            except RecordError:
                os.unlink(name, dir_fd=folder)
                return None
            if scan.digest == digest:
                return scan
            os.unlink(name, dir_fd=folder)
        return None

    def holds(self, digest: str, limits: Limits) -> bool:
        """Whether there is an entry for this blob; it may turn out to be damaged."""
        name = _entry_name(digest, limits)
        if name is None:
            return False
        try:
            with self._opened() as folder:
                return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def put(self, scan: LayerScan, limits: Limits) -> None:
        """Keep a scan. One that was cut short is not kept.

        What is said of a damaged layer depends on the libraries that read it.
        """
        name = _entry_name(scan.digest, limits)
        if not (self._keeping and scan.complete and scan.listed) or name is None:
            return
        try:
            record = encode(scan)
        except RecordError:
            return
        if _on_disk(len(record)) > min(self.most_bytes, _LARGEST_RECORD):
            return
        try:
            with self._opened(make=True) as folder:
                _write(folder, name, record)
                self._bound(folder, _on_disk(len(record)))
        except IsADirectoryError:
            return  # somebody's folder stands in the place of this entry alone
        except OSError:
            self._keeping = False  # a full disk, a folder that cannot be written: not tried again

    def usage(self) -> CacheUsage:
        """What lies there."""
        entries = size = 0
        problem = None
        try:
            with self._opened() as folder:
                for one in _files(folder):
                    entries += not one.unfinished
                    size += one.size
                if not os.access(".", os.W_OK, dir_fd=folder):
                    problem = "the folder cannot be written"
        except FileNotFoundError:
            pass  # nothing was kept yet
        except OSError as error:
            problem = error.strerror or str(error)
        return CacheUsage(self.folder, entries, size, self.most_bytes, problem)

    def clear(self) -> CacheUsage:
        """Remove all entries, and nothing else that lies in the folder; return what went."""
        entries = size = 0
        problem = None
        try:
            with self._opened() as folder:
                for one in _files(folder):
                    if _remove(folder, one.name):
                        entries += not one.unfinished
                        size += one.size
                    else:
                        problem = "not all of it can be removed"
        except FileNotFoundError:
            pass
        except OSError as error:
            problem = error.strerror or str(error)
        with self._lock:
            self._bytes = None
        return CacheUsage(self.folder, entries, size, self.most_bytes, problem)

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[int]:
        """The folder as it is now, for all that is done in it. Raises :class:`OSError`."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            folder = os.open(self.folder, flags)
        except FileNotFoundError:
            if not make:
                raise
            _make_folder(self.folder)
            folder = os.open(self.folder, flags)
        try:
            info = os.fstat(folder)
            if info.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "the folder belongs to somebody else")
            if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(errno.EPERM, "others can write to the folder")
            yield folder
        finally:
            os.close(folder)

    def _read(self, folder: int, name: str) -> bytes:
        """An entry's bytes, used now. Raises :class:`RecordError` for what can be none."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(name, flags, dir_fd=folder), "rb", buffering=0) as file:  # noqa: PTH123
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_size > _LARGEST_RECORD:
                raise RecordError("it is no file of ours")
            if abs(time.time() - info.st_mtime) > _TOUCHED_AFTER:
                with suppress(OSError):
                    os.utime(file.fileno())
            return file.read(info.st_size)

    def _bound(self, folder: int, added: int) -> None:
        """Make room where there is too much.

        The folder is listed at the first scan that this process keeps, and then only when what it
        found there and what it added are too much together.
        """
        with self._lock:
            if self._bytes is not None:
                self._bytes += added
            if self._bytes is None or self._bytes > self.most_bytes:
                self._bytes = _make_room(folder, self.most_bytes)


@dataclass(frozen=True, slots=True, order=True)
class _File:
    """One of our files; the first in order is the one that was not used for longest."""

    used: int
    name: str
    size: int
    unfinished: bool


def _files(folder: int) -> list[_File]:
    """Our files in the folder, and nobody else's."""
    found: list[_File] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            unfinished = _UNFINISHED.fullmatch(entry.name) is not None
            if not unfinished and not _NAME.fullmatch(entry.name):
                continue
            with suppress(FileNotFoundError):  # another process was faster
                info = entry.stat(follow_symlinks=False)
                size = _on_disk(info.st_size)
                found.append(_File(info.st_mtime_ns, entry.name, size, unfinished))
    return found


def _make_room(folder: int, most: int) -> int:
    """Sweep up what killed processes left; then let go of what was not used for longest.

    Return the bytes that stay. Several processes may do so at once: they choose the same files.
    """
    now = time.time_ns()
    files: list[_File] = []
    for one in sorted(_files(folder)):
        abandoned = one.unfinished and abs(now - one.used) > _ABANDONED_AFTER * 10**9
        if not (abandoned and _remove(folder, one.name)):
            files.append(one)
    left = sum(one.size for one in files)
    if left > most:
        for one in files:
            if left <= most - most // _FREED_SHARE:
                break
            if not one.unfinished and _remove(folder, one.name):
                left -= one.size
    return left


def _remove(folder: int, name: str) -> bool:
    """Remove a file; True as well where another process did."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _write(folder: int, name: str, data: bytes) -> None:
    """Write an entry beside its place and rename it: it is there whole or not at all.

    It is not synced: what a crash of the machine leaves of it does not pass the checksum.
    """
    unfinished = f".{name}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # Made in here: Ctrl-C may come as soon as the file is there.
        file = os.open(unfinished, flags, 0o600, dir_fd=folder)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        finally:
            os.close(file)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        # The first call here is the unlink itself: a signal is heeded only behind a call.
        try:  # noqa: SIM105
            os.unlink(unfinished, dir_fd=folder)
        except OSError:
            pass
        raise


def _make_folder(path: Path) -> None:
    """Make the folder, for its owner alone, and mark it as a cache for those who make backups."""
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            with suppress(FileExistsError):  # another process was faster
                folder.mkdir(0o700)
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path / _TAG, flags, 0o600)
        try:
            os.write(file, _TAG_TEXT)
        finally:
            os.close(file)


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _entry_name(digest: str, limits: Limits) -> str | None:
    """The file of a blob's scan: all that the scan depends on. None for no sha256 digest."""
    match = _DIGEST.fullmatch(digest)
    return f"{match[1]}-{_rules(limits)}.scan" if match else None


@lru_cache(maxsize=8)
def _rules(limits: Limits) -> str:
    """What a scan depends on beside its blob, in sixteen digits."""
    told = [f"{__version__} {SCAN_VERSION} {RECORD_VERSION}"]
    told += [
        f"{one.name}={getattr(limits, one.name)}"
        for one in fields(limits)
        if one.name not in _NOT_ASKED
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
