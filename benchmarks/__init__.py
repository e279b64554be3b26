"""Benchmarks: ``python -m benchmarks``; docs/performance.md explains what they show."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1 << 20
ROOT = Path(__file__).resolve().parents[1]
"""Where ``python -m benchmarks.floors`` and its like are run."""


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
