"""Looking into an archive: one small file, a listing of all, the whole tree as one tar."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import OURS, Bench
from benchmarks.datasets import layer_names
from benchmarks.rows import Goal, Row, compare
from benchmarks.timing import process
from oci_inspect import open_archive

SMALL = 1_000
"""Bytes of the file that is printed, at most."""
SECONDS = Goal(0.3, absolute=True)
_UNPACK = {"none": ["cat"], "gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def files(bench: Bench) -> Iterator[Row]:
    """The commands as processes, without a cache, against pipes of tar and a decompressor.

    A pipe finds the layer and the file by names that it is given: it does not know which layer has
    the last word. Beside ``export`` it unpacks all layers and throws them away.
    """
    for name, how in [*bench.wanted("base"), *bench.wanted("one", "small", only=("none",))]:
        archive, what = bench.data.archive(name, how), bench.what(name, how)
        if shutil.which("tar") is None or shutil.which(_UNPACK[how][0]) is None:
            yield Row(what, note=f"no tar or no {_UNPACK[how][0]}")
            continue
        path, layer = _small_file(archive)
        layers = layer_names(archive)
        series = bench.turns(
            {
                "cat": process([*OURS, "cat", "--no-cache", archive, path]),
                "tar": process(
                    _pipe([_extract(archive, layers[layer], how, ["tar", "-xO", path])])
                ),
            }
        )
        goal = SECONDS if how == "none" and name != "small" else None
        yield compare(f"cat, {what}", series["cat"], series["tar"], goal=goal)
        all_layers = [_extract(archive, one, how, ["cat"]) for one in layers]
        commands = {
            "ls -lR": [*OURS, "ls", "-lR", "--no-cache", archive, "-o", "/dev/null"],
            "export": [*OURS, "export", "--no-cache", archive, "-o", "/dev/null"],
        }
        series = bench.turns(
            {
                **{title: process(command) for title, command in commands.items()},
                "tar": process(_pipe(all_layers)),
            },
            bench.few,
        )
        for title in commands:
            yield compare(f"{title}, {what}", series[title], series["tar"])


def _small_file(archive: Path) -> tuple[str, int]:
    """The last small file of the tree, without a slash in front, and the layer it is in."""
    with open_archive(archive) as opened:
        tree = opened.tree()
        found = None
        for one in tree.walk():
            entry = tree.entry(one.node)
            if entry is not None and one.layer_index is not None and 0 < entry.size <= SMALL:
                found = one.path.decode(), one.layer_index
    assert found is not None
    return found


def _extract(archive: Path, layer: str, how: str, then: list[str]) -> str:
    """A layer out of the archive, decompressed, and given to a command."""
    steps = [["tar", "-xOf", str(archive), layer], _UNPACK[how], then]
    return " | ".join(shlex.join(step) for step in steps if step != ["cat"] or step is then)


def _pipe(lines: list[str]) -> list[object]:
    script = "; ".join(f"{line} > /dev/null" for line in lines)
    return ["sh", "-c", script]
