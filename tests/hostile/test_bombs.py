"""Memory stays below 256 MiB and 400 bytes for each tar entry, by the kernel's account (promise 3).

By default a few bombs, one of each kind; with ``OCI_INSPECT_SLOW=1`` all of them, by all commands.
``python -m tests.hostile.measure`` prints what each takes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.bombs import BOMBS
from hostile.measure import COMMANDS, promised, take, words
from hostile.test_corpus import SLOW

FEW = {
    "zstd": "analyze",
    "archive-in-zstd": "verify",
    "pax-200-MB": "ls",
    "sparse-regions": "export",
    "skippable-archive": "verify",
    "long-paths": "verify",
    "json-objects-in-config": "inspect",
    "deep-folders": "compare",
    "opaque": "check",
}
RUNS = [(name, command) for name in BOMBS for command in COMMANDS] if SLOW else list(FEW.items())


@pytest.mark.parametrize(("name", "command"), RUNS)
def test_memory_is_what_was_promised(name: str, command: str, tmp_path: Path) -> None:
    bomb = BOMBS[name]
    path = bomb.write(tmp_path)
    taken = take(words(command, path, tmp_path))
    assert taken.code in (0, 1, 3), taken
    assert "Traceback" not in taken.err
    assert taken.peak < promised(bomb.entries), taken


def test_what_is_measured_is_what_a_process_takes(tmp_path: Path) -> None:
    """A run that is known to take memory: half a million objects, however large this one is."""
    ballast = bytearray(300 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    small = take(["--version"])
    large = take(
        words("verify", BOMBS["json-objects-of-one-in-manifest.json"].write(tmp_path), tmp_path)
    )
    assert small.peak < 100 << 20 < large.peak
    assert large.cores > small.cores > 0
    del ballast
