"""Where the time of one analysis goes: ``python -m benchmarks.stages ARCHIVE ...``.

One thread, processor time, the best of some runs. Each stage is timed by a wrapper around the
function that does it, which costs a few microseconds a piece of a layer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from oci_inspect import folding, inspection
from oci_inspect.layer import scan
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.stream.source import BoundedSource

RUNS = 7

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("hashing", scan._Hasher, "update"),
    ("reading and hashing blobs", scan._HashedSource, "read"),
    ("all of that, and decompressing", BoundedSource, "read"),
    ("headers and fingerprints", TarScanner, "feed"),
    ("fold", folding, "analyze_image"),
)


def measure(path: str) -> tuple[float, dict[str, float]]:
    """Seconds in all, and in each of :data:`STAGES`; stages may lie in each other."""
    seconds: dict[str, float] = dict.fromkeys((one[0] for one in STAGES), 0.0)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **more)
            finally:
                seconds[name] += time.process_time() - begun

        return call

    patches = [
        patch.object(owner, name, timed(stage, getattr(owner, name)))
        for stage, owner, name in STAGES
    ]
    for one in patches:
        one.start()
    try:
        begun = time.process_time()
        inspection.analyze(path, jobs=1)
        total = time.process_time() - begun
    finally:
        for one in patches:
            one.stop()
    return total, seconds


def split(total: float, seconds: dict[str, float]) -> dict[str, float]:
    """The same as parts that lie side by side."""
    raw, plain = seconds[STAGES[1][0]], seconds[STAGES[2][0]]
    headers, fold = seconds[STAGES[3][0]], seconds[STAGES[4][0]]
    hashing = seconds[STAGES[0][0]]
    parts: dict[str, float] = {
        "sha256": hashing,
        "decompressing": max(0.0, plain - raw) if plain else 0.0,
        "headers and fingerprints": headers,
        "fold": fold,
    }
    parts["reading, and the rest"] = total - sum(parts.values())
    return parts


def main() -> None:
    for path in sys.argv[1:]:
        inspection.analyze(path, jobs=1)
        total, seconds = min((measure(path) for _ in range(RUNS)), key=lambda one: one[0])
        print(f"{path}: {total:.3f} s")
        for name, part in split(total, seconds).items():
            print(f"  {name:26} {part:6.3f} s  {part / total:4.0%}")


if __name__ == "__main__":
    main()
