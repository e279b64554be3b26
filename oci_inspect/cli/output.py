"""Writing the file that ``--output`` names."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import click


def write_whole(path: str, data: bytes) -> None:
    """Write a file so that it appears whole or not at all: beside it, synced, renamed.

    A device or a FIFO is written to, never replaced; behind a link it is the file that is. What
    stands for an open file of ours (``/dev/stdout``) is written to where it is.
    """
    name = ""
    try:
        if (number := _open_file(path)) is not None:
            with os.fdopen(os.dup(number), "wb") as stream:
                stream.write(data)
            return
        target = Path(path).resolve()
        known = target.stat().st_mode if target.exists() else None
        if known is not None and not stat.S_ISREG(known):
            target.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(prefix=".oci-inspect.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _new_mode() if known is None else stat.S_IMODE(known))
        Path(name).replace(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise click.ClickException(f"{path}: it cannot be written: {problem}") from error
    finally:
        if name:
            with suppress(FileNotFoundError):
                Path(name).unlink()


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
