"""One command line in this process, with a limit on time that ends it."""

from __future__ import annotations

import faulthandler
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from oci_inspect.cli import run as run_command_line

SECONDS = 10
"""Seconds of the cores that a case may take: a hundred times what any takes."""
WAITING = 60
"""Seconds of the clock, for what waits and does nothing."""
BEYOND_HELP = 120
"""Seconds after which the whole process is ended, where the first limit did not help."""

_STDERR = os.fdopen(os.dup(2), "w")
# Where a traceback goes whatever stands for standard error then.


class HangError(BaseException):
    """It took too long. Not an ``Exception``: nothing may catch it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command line came to; ``crash`` is the traceback of what nobody expected."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: str
    seconds: float
    crash: str = ""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise :class:`HangError` in the main thread after a time; end the process much later.

    The time is that of the cores: other programs on the machine must not make a test fail.
    """

    def ring(number: int, _frame: FrameType | None) -> None:
        clock = "waited" if number == signal.SIGALRM else "computed"
        raise HangError(f"it {clock} for more than {seconds} seconds")

    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, seconds),
        signal.SIGALRM: (signal.ITIMER_REAL, max(WAITING, seconds)),
    }
    before = {number: signal.signal(number, ring) for number in timers}
    faulthandler.dump_traceback_later(max(BEYOND_HELP, 2 * seconds), exit=True, file=_STDERR)
    for timer, limit in timers.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()
        for number, handler in before.items():
            signal.signal(number, handler)


def run(words: Sequence[str]) -> Outcome:
    """Run it; whatever is raised ends up in the outcome."""
    out, err = io.BytesIO(), io.BytesIO()
    kept = sys.stdout, sys.stderr
    sys.stdout = io.TextIOWrapper(out, "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True)
    code, crash, start = -1, "", time.monotonic()
    try:
        with within(SECONDS):
            code = run_command_line(list(words))
            sys.stdout.flush()
    except (Exception, HangError, SystemExit):  # noqa: BLE001 - that is what is looked for
        crash = traceback.format_exc()
    finally:
        mine = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = kept
        seconds = time.monotonic() - start
        told = Outcome(tuple(words), code, out.getvalue(), err.getvalue().decode(), seconds, crash)
        for one in mine:
            one.detach()
    return told
