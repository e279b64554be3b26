"""Writing the file that ``--output`` names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click


def write_whole(path: str, data: bytes) -> None:
    """Write a file so that it appears whole or not at all; see :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """A file to write to, which appears whole or not at all: written beside it, synced, renamed.

    A device or a FIFO is written to, never replaced; behind a link it is the file that is. What
    stands for an open file of ours (``/dev/stdout``) is written to where it is. What the caller
    raises is passed on, and leaves nothing behind.
    """
    name = ""
    try:
        with _failing(path):
            if (number := _open_file(path)) is not None:
                file = os.fdopen(os.dup(number), "wb", buffering=0)
            else:
                target = Path(path).resolve()
                known = target.stat().st_mode if target.exists() else None
                if known is not None and not stat.S_ISREG(known):
                    file = target.open("wb", buffering=0)
                else:
                    # Its name is known before it is made: an interrupt finds it to be removed.
                    name = str(target.parent / f".oci-inspect.{os.urandom(8).hex()}")
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                    file = os.fdopen(os.open(name, flags, 0o600), "wb", buffering=0)
        with file:
            watched = _Watched(path, file)
            yield cast("BinaryIO", watched)
            with _failing(path):
                if name:
                    os.fsync(file.fileno())
                    mode = _new_mode() if known is None else stat.S_IMODE(known)
                    os.fchmod(file.fileno(), mode)
        if name:
            with _failing(path):
                Path(name).replace(target)
    finally:
        if name:
            # The first call here is the unlink itself: a signal is heeded only behind a call.
            try:  # noqa: SIM105
                os.unlink(name)  # noqa: PTH108
            except FileNotFoundError:
                pass


class _Watched:
    """A file whose errors name it as the user did; what is read meanwhile has errors of its own.

    It has no buffer: what cannot be written is told at once, not when the file is closed.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def write(self, data: bytes, /) -> int:
        with _failing(self._path), memoryview(data) as view:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])
            return done


@contextmanager
def _failing(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, RuntimeError) as error:  # Python's own for links that lead in a ring
        problem = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise click.ClickException(f"{path}: it cannot be written: {problem}") from error


def _open_file(path: str) -> int | None:
    """The descriptor that a path like ``/dev/stdout`` or ``/dev/fd/3`` stands for."""
    named = {"/dev/stdout": "1", "/dev/stderr": "2"}
    plain = os.path.normpath(path)
    number = named.get(plain) or plain.removeprefix("/proc/self/fd/").removeprefix("/dev/fd/")
    plain_number = number.isascii() and number.isdigit() and len(number) < 10
    return int(number) if plain_number and plain[:1] == "/" else None


def _new_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
