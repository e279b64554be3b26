"""Writing the file that ``--output`` names."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click


def write_whole(path: str, data: bytes) -> None:
    """Write a file at once, as :func:`whole_file` does."""
    with whole_file(path) as write:
        write(data)


@contextmanager
def whole_file(path: str) -> Iterator[Callable[[bytes], object]]:
    """Write a file so that it appears whole or not at all: beside it, synced, renamed.

    What the context gives takes bytes. Where the context ends with an error, nothing appears. A
    device or a FIFO is written to, never replaced; behind a link it is the file that is. What
    stands for an open file of ours (``/dev/stdout``) is written to where it is.
    """
    name = ""
    try:
        with _telling(path):
            stream, target, name, mode = _opened(path)
        with stream:
            yield _Writing(path, stream).write
            if name:
                with _telling(path):
                    os.fsync(stream.fileno())
                    os.fchmod(stream.fileno(), mode)
        if name:
            with _telling(path):
                Path(name).replace(target)
    finally:
        if name:
            with suppress(FileNotFoundError):
                Path(name).unlink()


def _opened(path: str) -> tuple[BinaryIO, Path, str, int]:
    """A file to write to, unbuffered.

    With it what it is to become: the target, the name it has meanwhile, and its mode. The name is
    empty where what is written is there already.
    """
    target = Path(path)
    if (number := _open_file(path)) is not None:
        return os.fdopen(os.dup(number), "wb", buffering=0), target, "", 0
    target = target.resolve()
    known = target.stat().st_mode if target.exists() else None
    if known is not None and not stat.S_ISREG(known):
        return target.open("wb", buffering=0), target, "", 0
    mode = _new_mode() if known is None else stat.S_IMODE(known)
    handle, name = tempfile.mkstemp(prefix=".oci-inspect.", dir=target.parent)
    return os.fdopen(handle, "wb", buffering=0), target, name, mode


@contextmanager
def _telling(path: str) -> Iterator[None]:
    """What the system has against writing is an error of the command line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise click.ClickException(f"{path}: it cannot be written: {problem}") from error


class _Writing:
    """Writes all of what it is given, however little the system takes at a time."""

    def __init__(self, path: str, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream

    def write(self, data: bytes) -> None:
        with _telling(self._path), memoryview(data) as view:
            done = 0
            while done < len(view):
                done += self._stream.write(view[done:])


def _open_file(path: str) -> int | None:
    """The descriptor that a path like ``/dev/stdout`` or ``/dev/fd/3`` stands for."""
    named = {"/dev/stdout": "1", "/dev/stderr": "2"}
    plain = os.path.normpath(path)
    number = named.get(plain) or plain.removeprefix("/proc/self/fd/").removeprefix("/dev/fd/")
    return int(number) if number.isascii() and number.isdigit() and plain[:1] == "/" else None


def _new_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
