"""The documentation says what is true: examples run, names are all there, links lead somewhere."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import oci_inspect
from oci_inspect.cli import cli
from oci_inspect.findings import RULES
from oci_inspect.limits import DEFAULT_LIMITS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("fixtures/*.md")])


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def table_rows(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_examples_of_the_api_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "api.md"), module_relative=False)
    assert tried > 20
    assert failed == 0


def test_example_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", page("README.md"), re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == "example/app:1.2.3 True 69109\n"


CONSOLE = {
    "docs/files.md": 5,
    "docs/base.md": 3,
    "docs/compare.md": 3,
    "docs/df.md": 4,
    "docs/ci.md": 2,
}
"""Pages that show what commands print, and how many they show at least."""


@pytest.mark.parametrize("name", CONSOLE)
def test_what_a_page_shows_is_what_is_printed(name: str) -> None:
    blocks = re.findall(r"^```console\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)
    shown = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(shown) >= CONSOLE[name]
    for part in shown:
        command, _, wanted = part.partition("\n")
        program = f'"{sys.executable}" -m oci_inspect'
        done = subprocess.run(
            ["sh", "-c", command.replace("oci-inspect", program, 1)],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        assert (done.stdout, done.stderr) == (wanted, ""), command


def test_every_public_name_is_in_the_api_page() -> None:
    text = page("docs/api.md")
    for name in oci_inspect.__all__:
        assert name == "__version__" or re.search(rf"\b{name}\b", text), name


def test_every_rule_is_documented_with_its_severity() -> None:
    told = {row[0].strip("`"): row[1] for row in table_rows(page("docs/findings.md"))}
    assert told == {rule: severity.value for rule, severity in RULES.items()}


def test_every_rule_of_check_is_documented_with_an_example_that_a_file_may_have() -> None:
    from oci_inspect.rules.catalogue import CATALOGUE
    from oci_inspect.rules.values import parse_value

    told = {row[0].strip("`"): row[1:] for row in table_rows(page("docs/ci.md"))}
    assert list(told) == list(CATALOGUE)
    for name, (example, text) in told.items():
        rule = CATALOGUE[name]
        assert text.replace("`", "") == rule.help
        value = tomllib.loads(example.strip("`"))[name]
        assert value == tomllib.loads(f"x = {rule.example}")["x"]
        assert parse_value(rule, value)


def test_every_limit_is_documented_with_its_default() -> None:
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
    told = {}
    for row in table_rows(page("docs/limits.md")):
        number, _, unit = row[1].partition(" ")
        told[row[0].strip("`")] = int(number.replace(",", "")) * units.get(unit, 1)
    assert told == {one.name: getattr(DEFAULT_LIMITS, one.name) for one in fields(DEFAULT_LIMITS)}


@pytest.mark.parametrize("name", ["README.md", "docs/cli.md"])
def test_every_command_is_documented(name: str) -> None:
    text = page(name)
    for command in cli.list_commands(None):  # type: ignore[arg-type]
        assert re.search(rf"\b{command}\b", text), command


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_the_version_is_in_the_changelog() -> None:
    text = page("CHANGELOG.md")
    assert f"[{oci_inspect.__version__}]" in text or "[Unreleased]" in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_have_no_machine_paths(path: Path) -> None:
    assert not re.search(r"/(work|home|root|tmp)/", path.read_text("utf-8"))
