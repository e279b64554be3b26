"""What comes behind the scans takes time in step with the entries (HOSTILE: promise 4).

Counted, not timed: calls, and children of folders that are looked at. The stacks are those of
``python -m benchmarks.trees``, small; twice as many entries may take a little more than twice as
many steps, where a step over the whole tree for each whiteout would take four times as many.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from support.counting import CountingFolder, calls

from oci_inspect.analysis.census import take_census
from oci_inspect.analysis.results import Analysis, ArchiveInfo
from oci_inspect.analysis.waste import roll_up
from oci_inspect.filesystem import additions
from oci_inspect.filesystem import merge as merging
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.render import render
from oci_inspect.render.json import analysis_document, dumps, waste_document
from oci_inspect.render.views import analyze_view, waste_view

sys.path.append(str(Path(__file__).parent.parent))  # the benchmarks are in no installed package
try:
    stacks = importlib.import_module("benchmarks.stacks")
    trees = importlib.import_module("benchmarks.trees")
finally:
    sys.path.pop()

CASES = sorted(set(stacks.CASES) - {"chains"})
"""What ``chains`` takes does not depend on its size: tests/filesystem/test_merge_bounds.py."""
SIZES = {"standard": 20_000, "deep": 2_020}
"""Entries of cases that are no smaller copies of themselves with fewer."""
ENTRIES = 3_000
MORE = 2.25


@pytest.mark.parametrize("case", CASES)
def test_steps_grow_as_the_entries_do(case: str) -> None:
    def steps(entries: int) -> int:
        tables = list(stacks.CASES[case](entries))
        return calls(lambda: trees.fold(tables))

    size = SIZES.get(case, ENTRIES)
    steps(50)  # what is imported or remembered at the first time
    assert steps(2 * size) <= MORE * steps(size)


@pytest.mark.parametrize("case", CASES)
def test_children_looked_at_grow_as_the_entries_do(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(additions, "Folder", CountingFolder)
    monkeypatch.setattr(merging, "UnionTree", lambda: UnionTree(root=CountingFolder()))

    def touched(entries: int) -> int:
        CountingFolder.touched = 0
        findings = FindingCollector()
        take_census(merging.merge(stacks.CASES[case](entries), findings).tree, findings)
        return CountingFolder.touched

    size = SIZES.get(case, ENTRIES)
    assert touched(2 * size) <= MORE * touched(size)


@pytest.mark.parametrize("case", ["children", "forget", "rewritten"])
def test_telling_of_many_dead_files_takes_steps_as_they_are_many(case: str) -> None:
    def steps(entries: int) -> int:
        image = trees.fold(stacks.CASES[case](entries))
        analysis = Analysis(ArchiveInfo("x.tar", "docker-archive", None, 1), (image,), (), ())

        def tell() -> None:
            dumps(analysis_document(analysis))
            dumps(waste_document(analysis))
            for format in ("table", "markdown"):
                render(analyze_view(analysis, verbose=True, quiet=False), format)
                render(waste_view(image, None), format)

        return calls(tell)

    steps(100)
    assert steps(2 * ENTRIES) <= MORE * steps(ENTRIES)


def test_depth_of_a_dead_file_costs_no_steps_in_rolling_up() -> None:
    def steps(depth: int) -> int:
        paths = [b"%d/" % i + b"d/" * depth + b"f" for i in range(4)]
        waste = [Dead((path,), 0, 1, 10, Reason.DELETED) for path in paths]
        return calls(lambda: roll_up(waste, (), ()))

    assert steps(500) == steps(5)


def test_folder_that_is_asked_for_again_is_remembered_though_others_are_removed() -> None:
    """Whiteouts of folders in turn with files far down: one walk, not one for each file."""

    def steps(depth: int) -> int:
        far = b"/".join([b"d"] * depth)
        lower, upper = stacks.Rows(0), stacks.Rows(1)
        for i in range(50):
            lower.folder(b"x/%d" % i)
            lower.file(far + b"/%d" % i)
            upper.whiteout(b"x/%d" % i)
            upper.whiteout(far + b"/%d" % i)
        tables = [lower.table, upper.table]
        return calls(lambda: merging.merge(tables, FindingCollector()))

    # Each of 200 folders more is made once, in a dozen calls; fifty walks would be fifty each.
    assert steps(300) - steps(100) < 20 * 200
