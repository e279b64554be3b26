"""The Containerfile: what is in it makes the program, and its examples read what docker saved."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.runners import ROOT


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


def test_the_image_runs_the_program_and_not_as_root() -> None:
    found = instructions()
    assert {name for name, _ in found} <= {"FROM", "WORKDIR", "COPY", "RUN", "ENV"} | {
        "USER",
        "ENTRYPOINT",
        "CMD",
    }
    last = dict(found)
    assert json.loads(last["ENTRYPOINT"]) == ["oci-inspect"]
    assert json.loads(last["CMD"]) == ["--help"]
    user, group = last["USER"].split(":")
    assert int(user) > 0 and int(group) > 0
    bases = {value.split(" ")[0] for name, value in found if name == "FROM"}
    assert len(bases) == 1 and re.fullmatch(r".*/python:3\.\d+-slim", bases.pop())


def test_the_image_is_given_all_that_the_build_needs() -> None:
    copied: set[str] = set()
    for name, value in instructions():
        if name == "COPY" and not value.startswith("--from"):
            copied |= {one.rstrip("/") for one in value.split()[:-1]}
    assert all((ROOT / one).exists() for one in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"pyproject.toml", project["project"]["readme"], "LICENSE", *wheel["packages"]} == copied


def test_the_commands_of_the_image_are_shell() -> None:
    for name, value in instructions():
        if name == "RUN":
            done = subprocess.run(["sh", "-n"], input=value, text=True, check=False)
            assert done.returncode == 0


def test_what_is_copied_into_the_image_makes_a_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed here")
    from hatchling.builders.wheel import WheelBuilder

    for name, value in instructions():
        if name == "COPY" and not value.startswith("--from"):
            for one in value.split()[:-1]:
                source, target = ROOT / one, tmp_path / one
                copy = shutil.copytree if source.is_dir() else shutil.copyfile
                copy(source, target)
    (wheel,) = WheelBuilder(str(tmp_path)).build(directory=str(tmp_path / "dist"))
    assert Path(wheel).name.startswith("oci_inspect-")


def test_the_image_has_what_rules_of_dive_need() -> None:
    (install,) = (value for name, value in instructions() if name == "RUN")
    assert shlex.split(install)[-1] == ".[dive]"


def test_the_examples_that_read_a_folder_run_as_its_owner() -> None:
    """`docker save --output` makes files with mode 0600, and the image has a user of its own."""
    lines = (ROOT / "Containerfile").read_text("utf-8").partition("\nFROM")[0]
    text = re.sub(r"\\\n# +", "", lines)
    mounted = [shlex.split(line[1:]) for line in text.splitlines() if "--volume" in line]
    assert [words[0] for words in mounted] == ["podman", "docker"]
    for words in mounted:
        assert words[words.index("--user") + 1] == "$(id -u):$(id -g)"
        assert ("--userns" in words) is (words[0] == "podman")
