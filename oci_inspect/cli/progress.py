"""A line on the terminal that tells how far the reading has come, while somebody watches."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from oci_inspect.progress import Part, Position, Progress

PATIENCE = 0.4
"""Seconds of silence: what is done by then needs no line."""
INTERVAL = 0.1
_WINDOW = 5.0
"""Seconds over which the speed is taken."""


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[Progress]:
    """A :class:`Progress` whose state is shown on standard error as long as the context lasts.

    Nothing is written where standard error is no terminal, or cannot take a line back.
    """
    progress = Progress()
    if quiet or not _watched():
        yield progress
        return
    ended = threading.Event()
    painter = threading.Thread(target=_paint, args=(progress, ended), daemon=True)
    try:
        painter.start()
    except RuntimeError:  # the system gives no more threads
        yield progress
        return
    try:
        yield progress
    finally:
        ended.set()
        painter.join()


def _watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _paint(progress: Progress, ended: threading.Event) -> None:
    speed = Speed()
    drawn = False
    if not ended.wait(PATIENCE):
        encoding = (getattr(sys.stderr, "encoding", None) or "").lower()
        while True:
            position = progress.look()
            rate = speed.update(time.monotonic(), position.done)
            line = describe(position, rate, _columns() - 1, fine=encoding.startswith("utf"))
            if not _write("\r" + line + "\x1b[K"):
                return
            drawn = True
            if ended.wait(INTERVAL):
                break
    if drawn:
        _write("\r\x1b[K")


def _write(text: str) -> bool:
    """Write to the terminal; False where it went away."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return False
    return True


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


class Speed:
    """Bytes a second, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def update(self, now: float, done: int) -> float:
        """Take note of where the reading is; return the speed, from the first byte on."""
        if not done:
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _WINDOW:
            self._seen.popleft()
        begun, before = self._seen[0]
        return (done - before) / (now - begun) if now > begun else 0.0


def describe(position: Position, rate: float, width: int, *, fine: bool) -> str:
    """One line of at most ``width`` columns; where they are few, what matters less is left out.

    ``rate`` is in bytes a second; ``fine`` says that the terminal has more than ASCII.
    """
    from oci_inspect.render.escape import terminal
    from oci_inspect.render.measure import cut_end, display_width
    from oci_inspect.render.sizes import human_size

    total, part = position.total, position.parts[0] if position.parts else None
    if total and position.done >= total and part is None:
        return "putting the layers together"[:width]
    count, speed = "", f"{human_size(int(rate))}/s" if rate else ""
    if total:
        count = f"{int(100 * position.done / total):3d}%  {human_size(position.done)} of"
        count += f" {human_size(total)}"
        left = _left(total - position.done, rate)
    else:
        count = f"{human_size(position.done)} read"
        left = _left(part.size - part.done, rate) if part else ""
    label = terminal(_part(part, known=bool(total)), ascii_only=not fine) if part else ""
    dot = " \u00b7 " if fine else ", "
    # From the fullest line to the barest.
    for facts in (
        (count, label, speed, left),
        (count, label, left),
        (count, left),
        (count,),
    ):
        text = dot.join(fact for fact in facts if fact)
        if display_width(text) <= width:
            break
    bar = 30 if width >= 98 else 16
    if total and display_width(text) + 2 + bar <= width:
        text = f"{_bar(position.done / total, bar, fine=fine)}  {text}"
    return cut_end(text, width, "\u2026" if fine else "...")


def _part(part: Part, *, known: bool) -> str:
    """What is being read; where the whole is not known, how far this is."""
    from oci_inspect.render.sizes import human_size

    if known:
        return part.label
    return f"{part.label}: {human_size(part.done)} of {human_size(part.size)}"


def _left(size: int, rate: float) -> str:
    """The time for the rest, in words that do not pretend."""
    if rate <= 0:
        return ""
    seconds = size / rate
    if seconds < 60:
        return f"{max(1, round(seconds))}s left"
    minutes = round(seconds / 60)
    return f"{minutes}min left" if minutes < 120 else f"{round(seconds / 3600)}h left"


def _bar(share: float, width: int, *, fine: bool) -> str:
    full = int(share * width)
    if fine:
        return "\u2588" * full + "\u2591" * (width - full)
    return "[" + "#" * full + "." * (width - full) + "]"
