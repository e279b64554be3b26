"""The hooks of pre-commit, called as pre-commit calls them."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest
import yaml
from support.runners import EXAMPLES, ROOT, Runner

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


def test_the_hooks_have_what_pre_commit_asks_for() -> None:
    assert [hook["id"] for hook in HOOKS] == ["oci-inspect-check", "oci-inspect-check-built"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    for hook in HOOKS:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        assert hook["language"] == "python"
        assert shlex.split(hook["entry"])[0] in scripts
        assert shlex.split(hook["entry"])[1] == "check"


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("image.tar", True),
        ("a/b.tar.gz", True),
        ("a.tar.zst", True),
        ("a.tart", False),
        ("tar", False),
        ("a.tar.gz.sig", False),
    ],
)
def test_the_hook_takes_archives(name: str, taken: bool) -> None:
    assert (re.search(HOOKS[0]["files"], name) is not None) is taken


def test_the_example_of_pre_commit_names_our_hooks(runner: Runner) -> None:
    path = EXAMPLES / "pre-commit-config.yaml"
    (repo,) = yaml.safe_load(path.read_text("utf-8"))["repos"]
    hooks = {hook["id"]: hook for hook in HOOKS}
    assert {hook["id"] for hook in repo["hooks"]} == set(hooks)
    for hook in repo["hooks"]:
        entry = hooks[hook["id"]]
        files = [] if entry.get("pass_filenames") is False else ["a.tar"]
        # As pre-commit calls it: the entry, the arguments, the files.
        command = [*shlex.split(entry["entry"]), *hook["args"], *files]
        assert runner.run("sh", shlex.join(command)).returncode == 0
    assert [call[-1] for call in runner.calls()] == ["a.tar", "build/image.tar"]


def test_the_hooks_have_what_rules_of_dive_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for hook in HOOKS:
        assert hook["additional_dependencies"] == project["optional-dependencies"]["dive"]
