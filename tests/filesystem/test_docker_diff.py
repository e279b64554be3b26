"""Changes of a layer against ``docker diff`` of the container that it was committed from."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_inspect import open_archive
from oci_inspect.render.views.diff import docker_lines

FOLDER = Path(__file__).parents[2] / "fixtures" / "real" / "diff"
NAMES = sorted(path.name.removesuffix(".diff") for path in FOLDER.glob("*.diff"))


def test_there_are_some() -> None:
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_last_layer_changed_what_docker_diff_said(name: str) -> None:
    with open_archive(FOLDER / f"{name}.tar.gz", keep=True) as opened:
        stack = opened.look(contents=True)
        assert stack.problems == [] and stack.doubts == ()
        tree, changes = stack.changes([len(stack) - 1])
    told = (FOLDER / f"{name}.diff").read_text().splitlines()
    lines = list(docker_lines(changes[len(stack) - 1], tree))
    assert set(lines) == set(told)
    assert len(lines) == len(told)
