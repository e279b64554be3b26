"""Walking the outer tar: header by header, over a file that can seek or a stream that cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Protocol

from oci_inspect.errors import ArchiveError, LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, MIB, Limits
from oci_inspect.paths import path_text
from oci_inspect.stream.source import CHUNK, Source, read_exactly, read_some
from oci_inspect.stream.tar import BLOCK, ZERO_BLOCK, HeaderReader, TarHeader, TarHeaderError

BEHIND_END = 64 * MIB
"""Bytes behind the end mark that are read to see whether there is more than padding.

Tar pads to records of 10 KiB, disks and tapes to more; a pipe may go on for ever.
"""


class Cursor(Protocol):
    """A place in the outer tar that moves forward."""

    position: int

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes and go on by them."""
        ...

    def skip(self, size: int, /) -> int:
        """Go on by ``size`` bytes; return how many there were."""
        ...

    def expect_end(self) -> None:
        """Be told that all was read which is needed."""
        ...


class FileCursor:
    """A cursor over a file descriptor; skipping costs nothing."""

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self._size = size
        self.position = 0

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes."""
        data = os.pread(self._fd, size, self.position)
        self.position += len(data)
        return data

    def skip(self, size: int, /) -> int:
        """Go on by ``size`` bytes, at most to the end."""
        step = max(0, min(size, self._size - self.position))
        self.position += step
        return step

    def expect_end(self) -> None:
        """A file has one."""


class StreamCursor:
    """A cursor over a stream; skipping reads. ``ending`` is called once no more is needed."""

    def __init__(self, source: Source, ending: Callable[[], None] | None = None) -> None:
        self._source = source
        self._ending = ending
        self.position = 0

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes."""
        data = self._source.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int, /) -> int:
        """Read ``size`` bytes and forget them."""
        left = size
        while left > 0 and (data := self.read(min(left, CHUNK))):
            left -= len(data)
        return size - left

    def expect_end(self) -> None:
        """What gives the bytes may go on for ever."""
        if self._ending is not None:
            self._ending()


class OuterTar:
    """Iterates over the entries; between two, the content of the first may be read.

    ``truncated`` is set where the tar ends inside an entry, ``endless`` where so much stands behind
    its end that it was not read to the end of that. A damaged header is a finding, and the
    walk goes on at the next block that is one.
    """

    def __init__(
        self, cursor: Cursor, findings: FindingCollector, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._cursor = cursor
        self._findings = findings
        self._limits = limits
        self._left = 0
        self.truncated = False
        self.endless = False

    def read(self, size: int, /) -> bytes:
        """Read the content of the entry that was last given."""
        data = self._cursor.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def entries(self) -> Iterator[TarHeader]:
        """Give the entries. Raises :class:`ArchiveError` where the first block is no header."""
        headers = HeaderReader(self._limits)
        count = zeros = 0
        lost = False
        while True:
            block = read_exactly(self._cursor, BLOCK)
            if len(block) < BLOCK:
                if block and not count and not zeros:
                    raise ArchiveError("", "it is not a tar archive")
                self._end_without_mark(block, zeros)
                return
            if block == ZERO_BLOCK:
                zeros += 1
                if zeros == 2:
                    self._look_behind_end()
                    return
                continue
            zeros = 0
            start = self._cursor.position - BLOCK
            try:
                step = headers.header(block)
                while isinstance(step, int):
                    payload = read_some(self._cursor, step)
                    if len(payload) < step:
                        raise TarHeaderError("tar-truncated", "it ends in the middle of a header")
                    self._cursor.skip(-step % BLOCK)
                    again = headers.payload(payload)
                    if again is None:
                        break
                    step = again
                for note in headers.notes:
                    self._findings.add(note.rule, path_text(note.name), note.message)
                headers.notes.clear()
            except TarHeaderError as error:
                if not count and error.rule == "tar-header-checksum":
                    raise ArchiveError("", "it is not a tar archive") from error
                cut = error.rule == "tar-truncated"
                if not lost or cut:
                    self._findings.add(error.rule, f"archive, byte {start:,}", error.problem)
                self.truncated |= cut
                lost = True
                continue
            if not isinstance(step, TarHeader):
                continue
            lost = False
            count += 1
            if count > self._limits.members:
                raise LimitExceededError("members", self._limits.members, count, "the archive")
            self._left = step.stored_size
            yield step
            if not self._finish(step):
                return

    def _finish(self, header: TarHeader) -> bool:
        """Pass over what was not read of an entry; False where the tar ends there."""
        missing = self._left - self._cursor.skip(self._left)
        self._left = 0
        if missing:
            self.truncated = True
            self._findings.add(
                "tar-truncated",
                "archive",
                f"it ends {missing:,} bytes before the end of {path_text(header.name)}",
            )
            return False
        self._cursor.skip(-header.stored_size % BLOCK)
        return True

    def _end_without_mark(self, rest: bytes, zeros: int) -> None:
        if rest.strip(b"\0"):
            self.truncated = True
            self._findings.add("tar-truncated", "archive", "it ends in the middle of a header")
        else:
            mark = "only one zero block" if zeros else "no zero blocks"
            self._findings.add("tar-no-end-mark", "archive", f"{mark} at its end")

    def _look_behind_end(self) -> None:
        cursor = self._cursor
        cursor.expect_end()
        start = cursor.position
        padding = True
        while padding and cursor.position - start <= BEHIND_END and (data := cursor.read(CHUNK)):
            padding = not data.strip(b"\0")
        cursor.skip(max(0, start + BEHIND_END + 1 - cursor.position))
        size = cursor.position - start
        self.endless = size > BEHIND_END
        if self.endless or not padding:
            told = f"more than {BEHIND_END:,}" if self.endless else f"{size:,}"
            self._findings.add(
                "archive-trailing-data",
                "archive",
                f"{told} bytes behind its end at byte {start:,} are not looked at",
            )
