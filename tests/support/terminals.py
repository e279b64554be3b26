"""A terminal of our own, to see what someone who watches would."""

from __future__ import annotations

import os

import pytest


def open_terminal() -> tuple[int, int]:
    """Both ends of a new terminal; skips the test where the system gives none."""
    try:
        return os.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error}")
