"""SECURITY.md names tests that are there, a test for each promise, and is found from elsewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", TEXT)
PROMISES = re.split(r"\n(?=\d\. \*\*)", TEXT.partition("## What is not promised")[0])[1:]


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "function"), sorted(set(NAMED)))
def test_every_test_that_is_named_is_there(file, function):
    path = ROOT / file
    if not path.parent.is_dir():
        pytest.skip("that part of the tests is not here")
    names = functions(path)
    assert any(name.startswith("test_") for name in names)
    assert not function or function in names


def test_there_are_eight_promises_and_each_has_a_test():
    assert [one[0] for one in PROMISES] == list("12345678")
    for promise in PROMISES:
        first = re.search(r"`(tests/[\w/.]+\.py)::\w+`", promise)
        assert first and first[1] == "tests/hostile/test_promises.py", promise


@pytest.mark.parametrize(("page", "link"), [("README.md", ""), ("docs/limits.md", "../")])
def test_it_is_linked(page, link):
    assert f"({link}SECURITY.md)" in (ROOT / page).read_text("utf-8")


def test_the_limits_of_its_advice_are_there():
    from oci_inspect.cli.options import parse_limits

    settings = re.findall(r"--limit (\w+=\w+)", TEXT)
    assert len(settings) == 3
    parse_limits(tuple(settings))


def test_the_limits_that_it_names_are_there():
    from dataclasses import fields

    from oci_inspect import Limits

    names = set(re.findall(r"`(\w+_(?:bytes|memory|window|ratio|depth|nodes))`", TEXT))
    assert "metadata_bytes" in names
    assert names <= {field.name for field in fields(Limits)}
