"""Several threads at one list of work, stopped together.

Not ``concurrent.futures``: it loads logging at every start of the program, its threads cannot be
stopped in the middle of a layer of many gigabytes, and the thread that waits does nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from oci_inspect.lanes import LANES, NOBODY, Helpers, StoppedError
from oci_inspect.stream.source import Source

K = TypeVar("K")
V = TypeVar("V")


class Crew(Generic[K, V]):
    """``work(key)`` for each key, at most ``size`` at a time, the first keys first.

    Threads that have no key, or none any more, are ``helpers`` of the others.
    """

    def __init__(self, work: Callable[[K], V], size: int) -> None:
        self._work = work
        self._size = size
        self._waiting: deque[K] = deque()
        self._done: dict[K, V] = {}
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self.helpers = NOBODY

    def run(self, keys: Iterable[K], first: Callable[[], None] | None = None) -> dict[K, V]:
        """Do all the work and return its results; the first failure of any thread is raised.

        The calling thread does ``first`` before it helps with the keys.
        """
        self._waiting.extend(keys)
        total = len(self._waiting)
        streams = min(self._size, total)
        threads = min(self._size, total + (first is not None))
        self.helpers = Helpers(min(self._size - threads, LANES * streams), streams)
        started: list[threading.Thread] = []
        try:
            for _ in range(threads - 1):
                thread = threading.Thread(target=self._labour, args=(total,), daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system gives no more threads: those there are will do
                    break
                started.append(thread)
            if first is not None:
                first()
            self._labour(total)
        except BaseException:  # Ctrl-C: the others stop at their next read
            self._end()
            raise
        finally:
            self.helpers.dismiss()
            for thread in started:
                thread.join()
        if self._failure is not None:
            raise self._failure
        return self._done

    def watched(self, source: Source) -> Source:
        """A source whose reading ends, by an exception, when the crew is stopped."""
        return _Watched(source, self._stop)

    def _end(self) -> None:
        """Have every thread stop at its next piece."""
        self._stop.set()
        self.helpers.stopped = True

    def _labour(self, total: int) -> None:
        while not self._stop.is_set():
            try:
                key = self._waiting.popleft()
            except IndexError:
                break
            try:
                self._done[key] = self._work(key)
            except StoppedError:
                break
            except Exception as error:  # noqa: BLE001 - raised again in run()
                if self._failure is None:
                    self._failure = error
                self._end()
            except BaseException:
                self._end()
                raise
        if self._stop.is_set() or len(self._done) == total:
            self.helpers.dismiss()
        else:
            self.helpers.serve()


class _Watched:
    def __init__(self, source: Source, stop: threading.Event) -> None:
        self._source = source
        self._stop = stop

    def read(self, size: int, /) -> bytes:
        if self._stop.is_set():
            raise StoppedError
        return self._source.read(size)
