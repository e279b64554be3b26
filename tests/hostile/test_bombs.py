"""Memory stays below 256 MiB and 400 bytes for each tar entry, by the kernel's account (promise 3).

By default a few bombs, one of each kind; with ``OCI_INSPECT_SLOW=1`` all of them, by all commands.
``python -m tests.hostile.measure`` prints what each takes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.bombs_entries import BOMBS
from hostile.cases import docker
from hostile.measure import COMMANDS, Taken, highest, markdown, promised, take, words
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
    "garbage": "report",
    "long-owners": "compare-html",
    "outer-long-names": "verify",
    "in-a-long-folder": "verify",
    "names-of-250": "ls",
    "layers-of-targets": "analyze",
    "lost-names": "waste",
    "short-in-long": "diff",
    "heavy-diff_ids": "analyze",
    "heavy-Env": "compare",
}
RUNS = [(name, command) for name in BOMBS for command in COMMANDS] if SLOW else list(FEW.items())


@pytest.mark.parametrize(("name", "command"), RUNS)
def test_memory_is_what_was_promised(name: str, command: str, tmp_path: Path) -> None:
    bomb = BOMBS[name]
    path = bomb.write(tmp_path)
    taken = take(words(command, path, tmp_path))
    assert taken.code in (0, 1, 3), taken
    assert "Traceback" not in taken.err
    assert taken.peak < promised(bomb.entries, command), taken


def test_what_is_measured_is_what_a_process_takes(tmp_path: Path) -> None:
    """A run that is known to take memory: a window of 128 MiB, however large this one is."""
    ballast = bytearray(300 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    small = take(["--version"])
    large = take(words("verify", BOMBS["heavy-beside-a-window"].write(tmp_path), tmp_path))
    assert small.peak < 100 << 20 < 128 << 20 < large.peak
    assert large.cores > small.cores > 0
    del ballast


def test_the_table_tells_the_command_that_takes_most() -> None:
    def taken(peak: int) -> Taken:
        return Taken(peak << 20, 1.0, 1.0, 0, "")

    rows = [
        highest("few", 0, {"ls": taken(64), "report": taken(128)}),
        highest("many", 1 << 20, {"ls": taken(590), "report": taken(100)}),  # of 656 MiB
    ]
    assert markdown(rows).splitlines()[2:] == [
        "| `many` | 1,048,576 | 590 MiB | `ls` | 90% |",
        "| `few` | 0 | 128 MiB | `report` | 50% |",
    ]


def test_the_commands_that_are_measured_read_an_honest_archive(tmp_path: Path) -> None:
    """Each to its end: what is refused takes no memory at all. Pages go to a file."""
    path = tmp_path / "image.tar"
    path.write_bytes(docker().tar())
    for command in COMMANDS:
        taken = take(words(command, path, tmp_path))
        assert taken.code == 0, (command, taken)
    assert (tmp_path / "page").read_bytes().startswith(b"<!DOCTYPE html>")
