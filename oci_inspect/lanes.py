"""Lanes: what must happen in order to the pieces of one stream, done by whoever has time.

The thread that reads a stream puts each piece into the lanes that want it (a hash, the headers).
Where no other thread is free it does their work itself, at once, while the piece is in the cache.
Where one is free, the lanes of a single large layer keep it busy as well.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

DEPTH = 4
"""Pieces that may wait in a lane, where few streams are read at a time."""

LANES = 3
"""Lanes that a stream has at most: hashes of the blob and of the tar, and the headers."""

PATIENCE = 0.1
"""Seconds after which a thread that waits for its turn looks whether all work is to end."""

WORTH = 1 << 18
"""Bytes of a piece from which on it is worth waking another thread."""


class StoppedError(Exception):
    """All work is to end, and this was in the middle of it."""


class Lane:
    """Gives the pieces that were put in, one after the other, to one function.

    One thread puts; any thread may work. ``turns`` is a lock that several lanes may share: work at
    one of them then excludes work at the others. ``beside`` are lanes that the same thread feeds.
    Nobody is asked for help before ``together`` pieces wait: waking a thread takes a while.
    """

    def __init__(
        self,
        take: Callable[[bytes], None],
        helpers: Helpers,
        beside: Sequence[Lane] = (),
        turns: threading.Lock | None = None,
        together: int = 1,
    ) -> None:
        self.offered = False
        self._take = take
        self._helpers = helpers
        self._beside = beside
        self._together = together
        self._turns = turns or threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._failure: Exception | None = None

    def put(self, piece: bytes) -> None:
        """Add a piece. It is worked at now or later; more than a few never wait.

        Raises :class:`StoppedError` where all work is to end, and what was raised at work.
        """
        helpers = self._helpers
        if helpers.stopped:
            raise StoppedError
        self._waiting.append(piece)
        if helpers.present and len(piece) >= WORTH:
            if not self.offered and len(self._waiting) >= self._together:
                self.offered = True
                helpers.offer(self)
        else:
            while self._waiting and self.work():
                pass
        while len(self._waiting) > helpers.depth:
            if not (self.work() or any(lane.work() for lane in self._beside)):
                self.work(wait=True)
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Return when all that was put in has been worked at."""
        while self._waiting:
            self.work(wait=True)
        self._enter(wait=True)  # the last piece may be in another thread's hands
        self._turns.release()
        if self._failure is not None:
            raise self._failure

    def work(self, *, wait: bool = False) -> bool:
        """Work at one piece; False where another thread is at it, or there is none."""
        if not self._enter(wait=wait):
            return False
        try:
            if not self._waiting:
                return False
            piece = self._waiting.popleft()
            if self._failure is None:
                self._take(piece)
        except Exception as error:
            self._failure = error  # it is the putting thread's, whoever was at work
            raise
        except BaseException:  # Ctrl-C is this thread's own, but its piece is lost
            self._failure = StoppedError()
            raise
        finally:
            self._turns.release()
        return True

    def _enter(self, *, wait: bool) -> bool:
        """Take the turn. Waiting for it ends with all work: an interrupt may have left it taken."""
        if not wait:
            return self._turns.acquire(blocking=False)
        while not self._turns.acquire(timeout=PATIENCE):
            if self._helpers.stopped:
                raise StoppedError
        return True


class Helpers:
    """Threads with nothing of their own to do, for lanes that could use them.

    Up to ``most`` are started when they are first wanted; others come by themselves
    (:meth:`serve`). ``streams`` is how many streams are read at a time: together their lanes hold
    a bounded number of pieces.
    """

    def __init__(self, most: int = 0, streams: int = 1) -> None:
        self.turns = threading.Lock()
        """For lanes whose work is not to be done by two threads at a time."""
        self.stopped = False
        """Set it, and every stream ends at its next piece."""
        self.depth = max(1, min(DEPTH, 16 // max(1, streams)))
        self._most = most
        self._offers: SimpleQueue[Lane | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._serving = 0
        self._dismissed = False

    @property
    def present(self) -> bool:
        """Whether there is anybody to offer work to."""
        return self._serving > 0 or len(self._threads) < self._most

    def offer(self, lane: Lane) -> None:
        """Ask for help with a lane."""
        self._offers.put(lane)
        with self._lock:
            if len(self._threads) < self._most:
                thread = threading.Thread(target=self.serve, daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system gives no more threads
                    self._most = len(self._threads)
                else:
                    self._threads.append(thread)

    def serve(self) -> None:
        """Help until dismissed."""
        with self._lock:
            if self._dismissed:
                return
            self._serving += 1
        while (lane := self._offers.get()) is not None:
            lane.offered = False
            self._help(lane)

    def dismiss(self) -> None:
        """Send everybody home, and wait for those that were started here."""
        with self._lock:
            self._dismissed = True
            for _ in range(self._serving):
                self._offers.put(None)
        for thread in self._threads:
            thread.join()

    @staticmethod
    def _help(lane: Lane) -> None:
        try:
            while lane.work():
                pass
        except Exception:  # noqa: BLE001 - the lane keeps it for the thread that puts
            pass


NOBODY = Helpers()
"""For a thread that works alone."""
