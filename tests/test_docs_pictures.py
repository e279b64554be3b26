"""The pictures in docs/pictures are what their script makes of the fixtures."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "docs" / "build_pictures.py"
    spec = importlib.util.spec_from_file_location("build_pictures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_up_to_date(script):
    made = script.cards()
    assert {path.name for path in PICTURES.glob("*.svg")} == set(made)
    for name, svg in made.items():
        assert (PICTURES / name).read_text() == svg, "run: python docs/build_pictures.py"


def test_pictures_name_nothing_of_the_machine_that_made_them(script):
    for svg in script.cards().values():
        assert str(ROOT) not in svg and "fixtures" not in svg


def test_readme_shows_a_picture_that_is_there():
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert "docs/pictures/docker26-app.svg" in shown
    for path in shown:
        assert (ROOT / path).is_file(), path
