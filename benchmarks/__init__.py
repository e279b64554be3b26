"""Benchmarks: ``python -m benchmarks``; docs/performance.md explains what they show."""

from __future__ import annotations

from pathlib import Path

MIB = 1 << 20
ROOT = Path(__file__).resolve().parents[1]
"""Where ``python -m benchmarks.floors`` and its like are run."""
