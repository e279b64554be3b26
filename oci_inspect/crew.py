"""Several threads at one list of work, stopped together.

Not ``concurrent.futures``: it loads logging at every start of the program, its threads cannot be
stopped in the middle of a layer of many gigabytes, and the thread that waits does nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from oci_inspect.stream.source import Source

K = TypeVar("K")
V = TypeVar("V")


class Crew(Generic[K, V]):
    """``work(key)`` for each key, at most ``size`` at a time, the first keys first."""

    def __init__(self, work: Callable[[K], V], size: int) -> None:
        self._work = work
        self._size = size
        self._waiting: deque[K] = deque()
        self._done: dict[K, V] = {}
        self._failure: BaseException | None = None
        self._stop = threading.Event()

    def run(self, keys: Iterable[K]) -> dict[K, V]:
        """Do all the work and return its results; the first failure of any thread is raised."""
        self._waiting.extend(keys)
        started: list[threading.Thread] = []
        try:
            for _ in range(min(self._size, len(self._waiting)) - 1):
                thread = threading.Thread(target=self._labour, daemon=True)
                thread.start()
                started.append(thread)
            self._labour()
            for thread in started:
                thread.join()
        except BaseException:  # Ctrl-C: the others stop at their next read
            self._stop.set()
            for thread in started:
                thread.join()
            raise
        if self._failure is not None:
            raise self._failure
        return self._done

    def watched(self, source: Source) -> Source:
        """A source whose reading ends, by an exception, when the crew is stopped."""
        return _Watched(source, self._stop)

    def _labour(self) -> None:
        while not self._stop.is_set():
            try:
                key = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._done[key] = self._work(key)
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - raised again in run()
                if self._failure is None:
                    self._failure = error
                self._stop.set()
            except BaseException:
                self._stop.set()
                raise


class _StoppedError(Exception):
    """The crew was stopped."""


class _Watched:
    def __init__(self, source: Source, stop: threading.Event) -> None:
        self._source = source
        self._stop = stop

    def read(self, size: int, /) -> bytes:
        if self._stop.is_set():
            raise _StoppedError
        return self._source.read(size)
