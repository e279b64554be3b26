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

    A device or a FIFO is written to, never replaced; behind a link it is the file that is.
    """
    name = ""
    try:
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


def _new_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
