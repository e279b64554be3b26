"""Paths inside images: bytes without an encoding, made text only where they are shown."""

from __future__ import annotations


def path_text(path: bytes) -> str:
    r"""The path as text; bytes that are not UTF-8 become ``\xNN``."""
    return path.decode("utf-8", "backslashreplace")


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
