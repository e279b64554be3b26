"""Changes of a layer against ``docker diff`` of the container that it was committed from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from oci_inspect import open_archive
from oci_inspect.filesystem.changes import Change, Kind
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.entries import DIRECTORY

FOLDER = Path(__file__).parents[2] / "fixtures" / "real" / "diff"
NAMES = sorted(path.name.removesuffix(".diff") for path in FOLDER.glob("*.diff"))


def as_docker_tells(changes: Sequence[Change], tree: UnionTree) -> set[str]:
    """The lines that docker would print.

    It tells every folder above a change as changed, does not look at the times of folders, and is
    silent about a file that is as it was, though a layer holds it once more.
    """
    lines: dict[bytes, str] = {}
    for one in changes:
        why = set(one.why)
        if one.kind is Kind.CHANGED and tree.kind_of(one.after) == DIRECTORY:
            why.discard("time")
        if why or one.kind is not Kind.CHANGED:
            lines[one.path] = one.kind.letter
    for path in list(lines):
        while path := path.rpartition(b"/")[0]:
            lines.setdefault(path, "C")
    return {f"{letter} /{path.decode()}" for path, letter in lines.items()}


def test_there_are_some() -> None:
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_last_layer_changed_what_docker_diff_said(name: str) -> None:
    with open_archive(FOLDER / f"{name}.tar.gz", keep=True) as opened:
        stack = opened.look(contents=True)
        assert stack.problems == [] and stack.doubts == ()
        tree, changes = stack.changes([len(stack) - 1])
    told = (FOLDER / f"{name}.diff").read_text().splitlines()
    assert as_docker_tells(changes[len(stack) - 1], tree) == set(told)
