"""docs/cli.md is what the program says of itself, and the examples in it work."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oci_inspect.cli import ARCHIVE_COMMANDS, COMMANDS, FILE_COMMANDS, SEVERAL_COMMANDS, cli

ROOT = Path(__file__).parent.parent
APP = ROOT / "fixtures" / "real" / "docker26-app.tar"


def build() -> str:
    spec = importlib.util.spec_from_file_location("build_cli", ROOT / "docs" / "build_cli.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert page == build(), "run: python docs/build_cli.py > docs/cli.md"


def test_the_page_does_not_depend_on_who_builds_it(monkeypatch):
    before = build()
    monkeypatch.setenv("COLUMNS", "47")
    assert build() == before
    assert not re.search(r"[ \t]$", before, re.MULTILINE)


def test_every_command_and_every_option_is_on_the_page():
    page = build()
    for name in COMMANDS:
        command = cli.get_command(None, name)
        _, _, section = page.partition(f"\n## oci-inspect {name}\n")
        section = section.partition("\n## ")[0]
        for parameter in command.params:
            for word in (*parameter.opts, *parameter.secondary_opts):
                assert word.startswith("-") is False or word in section, f"{name}: {word}"


def examples() -> dict[str, str]:
    found = {}
    for name in COMMANDS:
        epilog = cli.get_command(None, name).epilog or ""
        _, _, found[name] = epilog.partition("Example:  ")
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_every_command_works(name, tmp_path):
    example = examples()[name]
    named = name in (*ARCHIVE_COMMANDS, *SEVERAL_COMMANDS, *FILE_COMMANDS)
    about = r".*\bimage\.tar\b" if named else r"\w+"
    assert re.match(rf"oci-inspect {name} {about}", example), example
    shutil.copy(APP, tmp_path / "image.tar")
    shutil.copy(APP.with_name("docker20-app.tar"), tmp_path / "old.tar")
    program = tmp_path / "bin" / "oci-inspect"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m oci_inspect "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    done = subprocess.run(
        ["sh", "-c", example],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    made = [one for one in tmp_path.iterdir() if one.name not in ("image.tar", "old.tar", "bin")]
    assert done.stdout or [one for one in made if one.stat().st_size]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_for_newcomers(name):
    """A sentence, an example, and an explanation of every option."""
    command = cli.get_command(None, name)
    assert command.help and command.help.strip().partition("\n")[0].endswith(".")
    assert command.short_help and len(command.short_help) < 100
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help and "." in parameter.help, parameter.name
