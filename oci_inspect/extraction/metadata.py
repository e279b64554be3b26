"""Modes, times, owners and extended attributes of what is made.

In this order: owner, since changing it clears set-user-ID; mode; attributes, since changing the
owner clears security.capability; times, since all else changes them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from oci_inspect.filesystem.tree import IMPLIED
from oci_inspect.layer.entries import Entry

_SET_IDS = stat.S_ISUID | stat.S_ISGID
_IMPLIED_MODE = 0o755
"""What engines give to folders that no entry describes."""
_MAX_ID = 2**32 - 2
"""The largest owner: the number above it means "as it is" to chown(2)."""
_OVERLAY = (b"trusted.overlay.", b"user.overlay.")
"""Attributes that speak to the kernel's overlay file system: in a lower folder they hide files."""

SET_ID_DROPPED = "its set-user-ID or set-group-ID bit is left out (--special keeps it)"


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be done beyond the harmless.

    ``force`` replaces files and links that are there, ``special`` makes devices and FIFOs and keeps
    set-user-ID bits of files, ``same_owner`` restores owners, those bits and extended attributes.
    """

    force: bool = False
    special: bool = False
    same_owner: bool = False


class Metadata:
    """Gives what was made its metadata; each method returns what could not be done, in words."""

    def __init__(self, options: Options) -> None:
        self._same_owner = options.same_owner
        self._set_ids = options.special or options.same_owner
        mask = os.umask(0o077)
        os.umask(mask)
        self._parent_mode = 0o777 & ~mask

    def dress_file(self, descriptor: int, entry: Entry) -> list[str]:
        """Dress a regular file."""
        problems: list[str] = []
        mode = entry.mode & 0o7777
        if mode & _SET_IDS and not self._set_ids:
            mode &= ~_SET_IDS
            problems.append(SET_ID_DROPPED)
        if not self._own(descriptor, entry, problems):
            mode &= ~_SET_IDS  # of whoever runs this it would be another's right
        _try(problems, "mode", lambda: os.fchmod(descriptor, mode))
        self._attributes(descriptor, entry, problems)
        _try(problems, "time", lambda: os.utime(descriptor, ns=_times(entry)))
        return problems

    def dress_folder(self, descriptor: int, reference: int, entry: Entry | None) -> list[str]:
        """Dress a folder: one that no entry describes, or that is not asked for, gets a mode."""
        if entry is None:
            mode = _IMPLIED_MODE if reference == IMPLIED else self._parent_mode
            problems: list[str] = []
            _try(problems, "mode", lambda: os.fchmod(descriptor, mode))
            return problems
        problems = []
        self._own(descriptor, entry, problems)
        _try(problems, "mode", lambda: os.fchmod(descriptor, entry.mode & 0o7777))
        self._attributes(descriptor, entry, problems)
        _try(problems, "time", lambda: os.utime(descriptor, ns=_times(entry)))
        return problems

    def dress_other(self, folder: int, name: bytes, entry: Entry) -> list[str]:
        """Dress a link, a device or a FIFO, by its name: it cannot, or must not, be opened."""
        problems: list[str] = []
        if self._same_owner and _has_owner(entry, problems):
            _try(
                problems,
                "owner",
                lambda: os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False),
            )
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            self._attributes(b"/proc/self/fd/%d/%b" % (folder, name), entry, problems)
        else:
            _try(problems, "mode", lambda: _chmod(folder, name, entry.mode & 0o1777))
        _try(
            problems,
            "time",
            lambda: os.utime(name, ns=_times(entry), dir_fd=folder, follow_symlinks=False),
        )
        return problems

    def _own(self, descriptor: int, entry: Entry, problems: list[str]) -> bool:
        """Whether the owner is as it should be."""
        if not self._same_owner:
            return True
        return _has_owner(entry, problems) and _try(
            problems, "owner", lambda: os.fchown(descriptor, entry.uid, entry.gid)
        )

    def _attributes(self, place: int | bytes, entry: Entry, problems: list[str]) -> None:
        if not (self._same_owner and entry.xattrs):
            return
        for name, value in entry.xattrs:
            if name.startswith(_OVERLAY):
                problems.append("attributes of an overlay file system are left out")
                continue
            _try(problems, "attributes", lambda n=name, v=value: _set(place, n, v))  # type: ignore[misc]


def _set(place: int | bytes, name: bytes, value: bytes) -> None:
    if isinstance(place, int):
        os.setxattr(place, name, value)
    else:
        os.setxattr(place, name, value, follow_symlinks=False)


def _has_owner(entry: Entry, problems: list[str]) -> bool:
    if 0 <= entry.uid <= _MAX_ID and 0 <= entry.gid <= _MAX_ID:
        return True
    problems.append("its owner is no number that an owner can have")
    return False


def _times(entry: Entry) -> tuple[int, int]:
    moment = entry.mtime * 10**9 + entry.mtime_ns
    return moment, moment


def _chmod(folder: int, name: bytes, mode: int) -> None:
    """Set the mode of what is neither opened nor, should it be a link by now, followed."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", mode)  # noqa: PTH101
    finally:
        os.close(descriptor)


def _try(problems: list[str], what: str, action: Callable[[], None]) -> bool:
    try:
        action()
    except (OSError, OverflowError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "out of range"
        text = f"its {what} could not be set: {reason}"
        if text not in problems:
            problems.append(text)
        return False
    return True
