"""Extracting from layers that a test makes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tars import TarBuilder
from support.trees import opened

from oci_inspect import Extraction, extract

Take = Callable[..., Extraction]


@pytest.fixture(autouse=True)
def _usual_mask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path):
    """What is a thousand folders deep is too deep for Python to remove it later."""
    yield
    subprocess.run(["rm", "-rf", str(tmp_path / "out"), str(tmp_path / "around")], check=False)


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """The folder that is extracted to; nobody made it yet."""
    return tmp_path / "out"


@pytest.fixture(name="take")
def _take(tmp_path: Path, out: Path) -> Take:
    """Extract ``paths`` of an image of some layers to ``out``."""

    def run(
        *layers: TarBuilder | bytes,
        paths: list[str | bytes] | None = None,
        compression: str = "none",
        layer: int | None = None,
        up_to: int | None = None,
        **options: Any,
    ) -> Extraction:
        with opened(tmp_path / "in", *layers, compression=compression) as (_, stack):
            tree = stack.tree(layer=layer, up_to=up_to)
            assert not stack.problems
            return extract(tree, out, paths, **options)

    return run
