"""Making things beside where they go, under a name of their own, before they get their names.

So each is there whole or not at all, and nobody's file is opened, followed or cut. A plain link(2)
never replaces anything; rename(2), with force, replaces in one step, and never a folder.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections import deque
from collections.abc import Callable, Sequence

from oci_inspect.extraction.target import TargetFolder, split

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)

Outcomes = list[tuple[bytes, OSError | None]]


def temporary_name() -> bytes:
    """A name that nobody can foresee."""
    return b".oci-inspect." + secrets.token_hex(8).encode()


class Placing:
    """Puts things into a target folder."""

    def __init__(self, target: TargetFolder, *, force: bool) -> None:
        self._target = target
        self._force = force

    def put(self, paths: Sequence[bytes], make: Callable[[int, bytes], None]) -> Outcomes:
        """Make one thing and give it all its names.

        ``make`` is given a descriptor of a folder and a name for the thing there. Returns each path
        with the error that kept it from being made, None where it was. Other errors of ``make``
        than ``OSError`` are its caller's; nothing is left behind.
        """
        outcomes: Outcomes = []
        left = deque(paths)
        home = self._home(left, outcomes)
        if home is None:
            return outcomes
        temporary = temporary_name()
        try:
            try:
                make(home, temporary)
            except (OSError, ValueError, OverflowError) as error:
                return outcomes + [(path, _os_error(error)) for path in left]
            while left:
                path = left.popleft()
                try:
                    self._name(home, temporary, path, last=not left)
                except OSError as error:
                    outcomes.append((path, _explained(error)))
                else:
                    outcomes.append((path, None))
            return outcomes
        finally:
            # The first call here is the unlink itself: a signal is heeded only behind a call.
            try:  # noqa: SIM105
                os.unlink(temporary, dir_fd=home)
            except OSError:  # it is not there, or nobody may touch it
                pass
            os.close(home)

    def _home(self, left: deque[bytes], outcomes: Outcomes) -> int | None:
        """The folder of the first path whose folder is there; those before it have failed."""
        while left:
            try:
                return os.dup(self._target.folder(split(left[0])[0]))
            except OSError as error:
                outcomes.append((left.popleft(), _explained(error)))
        return None

    def _name(self, home: int, temporary: bytes, path: bytes, *, last: bool) -> None:
        folder, name = split(path)
        there = self._target.folder(folder)
        if not self._force:
            self._link(home, temporary, there, name)
        elif last:
            os.rename(temporary, name, src_dir_fd=home, dst_dir_fd=there)
        else:
            second = temporary_name()
            try:
                _link(home, temporary, there, second)
                os.rename(second, name, src_dir_fd=there, dst_dir_fd=there)
            finally:
                try:  # noqa: SIM105
                    os.unlink(second, dir_fd=there)
                except OSError:
                    pass

    def _link(self, home: int, temporary: bytes, there: int, name: bytes) -> None:
        try:
            _link(home, temporary, there, name)
        except OSError as error:
            if error.errno not in _NO_LINKS or _exists(there, name):
                raise
            # A file system without hard links: the first name takes the file away.
            try:
                os.rename(temporary, name, src_dir_fd=home, dst_dir_fd=there)
            except FileNotFoundError:
                raise error from None


def _link(home: int, old: bytes, there: int, new: bytes) -> None:
    os.link(old, new, src_dir_fd=home, dst_dir_fd=there, follow_symlinks=False)


def _exists(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _os_error(error: OSError | ValueError | OverflowError) -> OSError:
    if isinstance(error, OSError):
        return error
    return OSError(errno.EINVAL, str(error))


def _explained(error: OSError) -> OSError:
    """The error in words that say what is the matter here."""
    said = {
        errno.EISDIR: "a folder is in the way",
        errno.ENOTEMPTY: "a folder is in the way",
        errno.EEXIST: "something is there already",
        errno.ENOENT: "its folder is not there",
    }.get(error.errno or 0)
    return OSError(error.errno, said) if said else error


def is_folder(there: os.stat_result | None) -> bool:
    """Whether what was looked at is a folder."""
    return there is not None and stat.S_ISDIR(there.st_mode)
