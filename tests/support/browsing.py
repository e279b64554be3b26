"""Waiting for a page in a browser."""

from __future__ import annotations

from typing import Any


def until(page: Any, expression: str) -> None:
    """Wait for what is true of a page; fails after ten seconds.

    Playwright's own ``wait_for_function`` uses ``eval`` in the page, which its
    Content-Security-Policy rightly forbids.
    """
    for _ in range(500):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never so: {expression}")
