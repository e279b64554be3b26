"""A terminal of our own, to see what someone who watches would."""

from __future__ import annotations

import os
import signal

import pytest


def open_terminal() -> tuple[int, int]:
    """Both ends of a new terminal; skips the test where the system gives none."""
    try:
        return os.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error}")


def heed_interrupts() -> None:
    """Undo what a shell does to what it runs behind itself: there Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
