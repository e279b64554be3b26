"""Paths inside images: bytes without an encoding, made text only where they are shown."""

from __future__ import annotations

import os
import re

_UNDECODED = re.compile("[\udc80-\udcff]")


def path_text(path: bytes) -> str:
    r"""The path as text; bytes that are not UTF-8 become ``\xNN``."""
    return path.decode("utf-8", "backslashreplace")


def path_bytes(path: str | bytes) -> bytes:
    """A path as bytes: text as UTF-8, but for what the system could not decode."""
    return path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")


def file_text(path: str) -> str:
    r"""The name of a file of this system as text; bytes that are not UTF-8 become ``\xNN``.

    Python holds what it could not decode as surrogates (PEP 383), which are no characters to be
    shown; in a locale without UTF-8 that is everything beyond ASCII, whatever it is.
    """
    try:
        return path_text(os.fsencode(path))
    except UnicodeEncodeError:  # no name that the system gave
        return _UNDECODED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", path)


def shown_path(path: bytes) -> str:
    """A path of the image as a person reads it, from the root."""
    return "/" + path_text(path).lstrip("/")


def normalise(name: bytes) -> tuple[bytes, bool]:
    """A tar name as a path from the root, and whether a ``..`` part was in it.

    Leading ``/`` and ``./``, empty and ``.`` parts and the trailing slash are dropped; ``..`` is
    clamped at the root, as containerd and umoci do. The root itself is ``b""``.
    """
    parts: list[bytes] = []
    unsafe = False
    for part in name.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            unsafe = True
            if parts:
                parts.pop()
            continue
        parts.append(part)
    return b"/".join(parts), unsafe
