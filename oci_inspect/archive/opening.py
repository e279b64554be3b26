"""Finding out what an input is, by its content, and opening the store that fits."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from oci_inspect.archive.folder_store import FolderStore
from oci_inspect.archive.outer_tar import BEHIND_END, OuterTar, StreamCursor
from oci_inspect.archive.store import MARKERS, Store, TarFileStore, Visitor, WatchedFile
from oci_inspect.archive.stream_store import StreamStore
from oci_inspect.errors import ArchiveError, CorruptStreamError, LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.progress import Progress
from oci_inspect.stream.compression import WINDOWED, decompress, detect
from oci_inspect.stream.source import (
    BoundedSource,
    CountedSource,
    PrefixedSource,
    Source,
    read_exactly,
)

T = TypeVar("T")

FIFO_PATIENCE = 10
_HEAD = 512
_SAVE = "save an image with 'docker save', 'podman save' or 'skopeo copy'"

_OTHER_FILES = (
    (b"PK\x03\x04", "a zip file"),
    (b"PK\x05\x06", "an empty zip file"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"hsqs", "a squashfs file system"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"!<arch>\n", "a Debian package or ar archive"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"SIF_MAGIC", "a Singularity image"),
)
_ROOTFS = frozenset({"bin", "etc", "usr", "lib", "sbin", "var", "root", "home", "proc", "sys"})


class _Visitors(NamedTuple, Generic[T]):
    plain: Visitor[T] | None
    inside: Visitor[T] | None


def open_store(
    path: str,
    visitor: Visitor[T] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    *,
    keep: bool = False,
    inside: Visitor[T] | None = None,
) -> Store[T]:
    """Open a file, a folder, or ``-`` for standard input.

    ``visitor`` is given the members of a stream as they pass by, ``inside`` instead where the
    stream keeps a window of its own meanwhile; ``progress`` is told of its bytes. With ``keep`` a
    stream is written, uncompressed, to a temporary file without a name, and can be read at any
    place. Raises :class:`ArchiveError` where the input is no image archive, with what it is instead
    and what to do.
    """
    store: Store[T]
    called = "standard input" if path == "-" else path
    visitors = _Visitors(visitor, inside if inside is not None else visitor)
    try:
        if path == "-":
            _widen(0)
            store = _open_source(called, _watched(0, progress), visitors, limits, keep)
        else:
            store = _open_path(path, visitors, limits, progress, keep)
    except LimitExceededError as error:
        raise LimitExceededError(
            error.limit, error.maximum, error.actual, f"{called}: {error.subject}"
        ) from error
    except OSError as error:
        raise ArchiveError(called, error.strerror or "it cannot be read") from error
    try:
        _find_root(store)
    except BaseException:
        store.close()
        raise
    return store


def _widen(fd: int) -> None:
    """Let a pipe hold a MiB instead of 64 KiB, where the system can: half the time to pass it."""
    command = getattr(fcntl, "F_SETPIPE_SZ", None)
    if command is not None:
        with suppress(OSError):  # no pipe, or more than this user may have
            fcntl.fcntl(fd, command, 1 << 20)


class _Descriptor:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read(self, size: int, /) -> bytes:
        return os.read(self._fd, size)


def _watched(fd: int, progress: Progress | None) -> Source:
    """What a descriptor gives, counted; of a file it is known how much that will be."""
    source = _Descriptor(fd)
    if progress is None:
        return source
    known = os.fstat(fd)
    if stat.S_ISREG(known.st_mode):
        progress.expect(max(0, known.st_size - os.lseek(fd, 0, os.SEEK_CUR)))
    return progress.counted(source)


def _open_path(
    path: str, visitors: _Visitors[T], limits: Limits, progress: Progress | None, keep: bool
) -> Store[T]:
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116
        if stat.S_ISDIR(kind):
            return FolderStore(path, limits)
        if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
            raise ArchiveError(path, "it is a device or a socket", "name a file or a folder")
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:
        raise ArchiveError(ascii(path), "no file has such a name") from error
    taken = False
    try:
        if stat.S_ISFIFO(kind):
            _wait_for_writer(path, fd)
            _widen(fd)
        watched = WatchedFile(path, fd)
        head = os.pread(fd, _HEAD, 0) if stat.S_ISREG(kind) else b""
        if stat.S_ISREG(kind) and head and detect(head) == "none":
            _refuse_other_files(path, head)
            try:
                store: Store[T] = TarFileStore(path, fd, limits)
            except ArchiveError as error:
                raise _not_a_tar(path, head) from error
            taken = True
            _check(watched, store)
            return store
        store = _open_source(path, _watched(fd, progress), visitors, limits, keep)
        if stat.S_ISREG(kind):
            _check(watched, store)
        return store
    finally:
        if not taken:
            os.close(fd)


def _check(watched: WatchedFile, store: Store[T]) -> None:
    try:
        watched.check()
    except ArchiveError:
        store.close()
        raise


def _wait_for_writer(path: str, fd: int) -> None:
    """A FIFO that nobody writes to must not hold the program for ever."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(FIFO_PATIENCE * 1000):
        raise ArchiveError(path, f"a FIFO that nobody wrote to for {FIFO_PATIENCE} seconds")
    os.set_blocking(fd, True)


def _open_source(
    path: str, source: Source, visitors: _Visitors[T], limits: Limits, keep: bool
) -> Store[T]:
    head = read_exactly(source, _HEAD)
    if not head:
        raise ArchiveError(
            path, "it is empty", "was the download cut, or the pipe's command wrong?"
        )
    compression = detect(head)
    if compression == "none":
        _refuse_other_files(path, head)
    raw = CountedSource(PrefixedSource(head, source))
    plain = decompress(compression, raw, limits)
    ending = None
    if compression != "none":
        plain = BoundedSource(plain, raw, limits, "its compression")
        ending = partial(raw.expect_end, BEHIND_END, compression)
    store: Store[T]
    copy = _copy(path, plain, ending, limits) if keep else None
    try:
        if copy is not None:
            store = _kept(path, *copy, limits)
        else:
            visitor = visitors.inside if compression in WINDOWED else visitors.plain
            store = StreamStore(path, plain, visitor, limits, ending)
    except ArchiveError as error:
        if compression == "none":
            raise _not_a_tar(path, head) from error
        raise ArchiveError(path, f"what is inside the {compression} is no tar archive") from error
    store.compression = None if compression == "none" else compression
    store.size = None if store.endless or raw.endless else raw.size
    return store


class _Written:
    """A source whose bytes are written to a file as they are read."""

    def __init__(self, path: str, source: Source, fd: int) -> None:
        self._path = path
        self._source = source
        self._fd = fd

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        left = memoryview(data)
        with _room(self._path):
            while left:
                left = left[os.write(self._fd, left) :]
        return data


def _copy(
    path: str, source: Source, ending: Callable[[], None] | None, limits: Limits
) -> tuple[int, CorruptStreamError | None]:
    """Write a stream to a file that goes with the process, as far as a tar is in it.

    With it what ended it early. Whatever is wrong with the tar is told by who reads the copy.
    """
    fd = -1
    try:
        with _room(path), tempfile.TemporaryFile(prefix="oci-inspect.", buffering=0) as file:
            fd = os.dup(file.fileno())
        cursor = StreamCursor(_Written(path, source, fd), ending)
        for _ in OuterTar(cursor, FindingCollector(), limits).entries():
            pass
    except CorruptStreamError as error:
        return fd, error
    except BaseException as error:
        if isinstance(error, ArchiveError) and not error.path:  # no tar: that is told as well
            return fd, None
        if fd >= 0:
            os.close(fd)
        raise
    return fd, None


@contextmanager
def _room(path: str) -> Iterator[None]:
    """Tell errors of the copy from those of the input."""
    try:
        yield
    except OSError as error:
        where = f"{path}: its copy in {tempfile.tempdir or 'the temporary folder'}"
        problem = error.strerror or "it cannot be written"
        raise ArchiveError(where, problem, "set TMPDIR to a folder with room for it") from error


def _kept(path: str, fd: int, problem: CorruptStreamError | None, limits: Limits) -> Store[T]:
    """A store over the copy of a stream; ``problem`` is what ended it early."""
    try:
        store: Store[T] = TarFileStore(path, fd, limits)
    except BaseException:
        os.close(fd)
        raise
    if problem is not None and problem.trailing:
        store.findings.add("archive-trailing-data", "archive", str(problem))
    elif problem is not None:
        store.truncated = True
        store.findings.add("tar-truncated", "archive", str(problem))
    return store


def _refuse_other_files(path: str, head: bytes) -> None:
    for magic, what in _OTHER_FILES:
        if head.startswith(magic) or (magic == b"SIF_MAGIC" and magic in head[:64]):
            raise ArchiveError(path, f"it is {what}, not an image archive", _SAVE)


def _not_a_tar(path: str, head: bytes) -> ArchiveError:
    if not head.strip(b"\0"):
        return ArchiveError(path, "it begins with zeros: no tar archive", _SAVE)
    if head.lstrip()[:1] in (b"{", b"["):
        return ArchiveError(
            path,
            "it is a JSON document, not an image archive",
            "name the archive or the folder that holds it",
        )
    if len(head) < _HEAD:
        return ArchiveError(
            path,
            f"it is not a tar archive: {len(head)} bytes are less than one header of it",
            _SAVE,
        )
    return ArchiveError(path, "it is not a tar archive, nor compressed in a known way", _SAVE)


def _find_root(store: Store[T]) -> None:
    """Find where the image's documents lie: at the top, or in one folder that holds everything."""
    names = store.members.names
    if any(store.find(marker) for marker in MARKERS):
        return
    top = next(names(), "").partition("/")[0]
    if (
        not store.is_folder
        and any(store.find(f"{top}/{marker}") for marker in MARKERS)
        and all(name.partition("/")[0] == top for name in names())
    ):
        store.enter_folder(top)
        return
    if not store.truncated and any(
        name.endswith("/json") and name.count("/") == 1 for name in names()
    ):
        return  # docker before 1.10, saved by image ID: no document at the top at all
    raise _no_image(store)


def _no_image(store: Store[T]) -> ArchiveError:
    path = store.path
    count = len(store.members)
    if store.is_folder:
        return ArchiveError(
            path,
            "this folder holds no image (no manifest.json, index.json or oci-layout)",
            "name an OCI layout, an unpacked 'docker save' or a skopeo 'dir'",
        )
    if store.truncated:
        cut = [found.message for found in store.findings if found.rule == "tar-truncated"]
        detail = f" ({cut[-1]})" if cut else ""
        return ArchiveError(
            path,
            f"the archive is cut short before its manifest.json or index.json{detail}",
            "fetch or save it again",
        )
    if not count:
        if any(found.rule == "tar-no-end-mark" for found in store.findings):
            problem = "the archive is cut short: it holds no file, and has no end mark"
            return ArchiveError(path, problem, "fetch or save it again")
        return ArchiveError(path, "an empty tar archive", _SAVE)
    tops = (name.partition("/")[0] for name in store.members.names())
    if len({top for top in tops if top in _ROOTFS}) >= 2:
        return ArchiveError(
            path,
            "it is a plain file system (from 'docker export', or a layer), not a saved image",
            "use 'docker save' instead",
        )
    return ArchiveError(
        path,
        f"a tar archive of {count:,} member{'s' if count > 1 else ''}, but no image"
        " (no manifest.json, index.json or oci-layout)",
        _SAVE,
    )
