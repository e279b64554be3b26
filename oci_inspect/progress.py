"""How far the reading has come: counted by the threads that read, looked at by who shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from oci_inspect.stream.source import SkippingSource, Source


@dataclass(slots=True)
class Part:
    """One blob that is being read; ``size`` and ``done`` are in bytes."""

    label: str
    size: int
    done: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where the reading stands at one moment.

    ``done`` and ``total`` are bytes as stored; ``total`` is None where nobody knows it (a pipe).
    ``parts`` are the blobs in hand, the longest begun first.
    """

    done: int
    total: int | None
    parts: tuple[Part, ...]


class Progress:
    """Give one to :func:`~oci_inspect.open_archive` or :func:`~oci_inspect.analyze`, and
    :meth:`look` at it from another thread, as often as you like.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = 0
        self._total: int | None = None
        self._parts: list[Part] = []

    def look(self) -> Position:
        """Where the reading stands now."""
        with self._lock:
            parts = tuple(Part(one.label, one.size, one.done) for one in self._parts)
            total = self._total
            return Position(self._done if total is None else min(self._done, total), total, parts)

    def expect(self, size: int) -> None:
        """Say how many bytes there are still to read, beside those that were read."""
        with self._lock:
            self._total = self._done + size

    def counted(self, source: Source) -> Source:
        """A source whose bytes count as done."""
        return _Counted(source, self, None)

    @contextmanager
    def part(self, label: str, size: int, *, inside: bool = False) -> Iterator[_Reading]:
        """A blob that is being read for as long as the context lasts.

        ``inside`` says that its bytes come out of a source that is counted already.
        """
        part = Part(label, size)
        with self._lock:
            self._parts.append(part)
        try:
            yield _Reading(self, part, inside)
        finally:
            with self._lock:
                self._parts = [one for one in self._parts if one is not part]

    def _add(self, size: int, part: Part | None, *, inside: bool) -> None:
        with self._lock:
            if part is not None:
                part.done += size
            if not inside:
                self._done += size


class _Reading:
    """Makes sources whose bytes count for one part."""

    def __init__(self, progress: Progress, part: Part, inside: bool) -> None:
        self._progress = progress
        self._part = part
        self._inside = inside

    def counted(self, source: Source) -> Source:
        return _Counted(source, self._progress, self._part, inside=self._inside)

    def skipping(self, source: SkippingSource) -> SkippingSource:
        """The same for a source that can go forward: what is passed over counts as well."""
        return _CountedSkipping(source, self._progress, self._part)


class _Counted:
    def __init__(
        self, source: Source, progress: Progress, part: Part | None, *, inside: bool = False
    ) -> None:
        self._source = source
        self._progress = progress
        self._part = part
        self._inside = inside

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._progress._add(len(data), self._part, inside=self._inside)
        return data


class _CountedSkipping:
    def __init__(self, source: SkippingSource, progress: Progress, part: Part) -> None:
        self._source = source
        self.peek = source.peek
        self._progress = progress
        self._part = part

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._progress._add(len(data), self._part, inside=False)
        return data

    def skip(self, size: int, /) -> None:
        self._source.skip(size)
        self._progress._add(size, self._part, inside=False)
