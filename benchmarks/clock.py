"""What a measured program says of itself: the seconds of its work, start-up apart."""

from __future__ import annotations

import json
import time
from types import TracebackType


class Clock:
    """Wall and processor time of ``with`` blocks, all threads together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu = 0.0

    def __enter__(self) -> Clock:
        self._start = (time.perf_counter(), time.process_time())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.seconds += time.perf_counter() - self._start[0]
        self.cpu += time.process_time() - self._start[1]

    def tell(self, pieces: int = 1) -> None:
        """Print the times, of each of ``pieces``, where :mod:`benchmarks.timing` reads them."""
        print(json.dumps({"seconds": self.seconds / pieces, "cpu": self.cpu / pieces}))
