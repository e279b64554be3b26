"""action.yml: its scripts run, with a stub of the program and with the program itself."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support.checks import commands
from support.runners import (
    APP,
    EXAMPLES,
    ROOT,
    STUB,
    Runner,
    bash,
    pairs,
    real_program,
    write_program,
)

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}


def inputs_as_env(step: dict, **given: str) -> dict[str, str]:
    """The environment of a step, with the inputs put in as GitHub does."""
    values = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    assert given.keys() <= values.keys()
    values |= given
    env = {}
    for name, text in step["env"].items():
        match = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", text)
        assert match, text
        env[name] = values[match[1]]
    return env


def check(
    runner: Runner, exit_code: int = 0, error: str | None = None, **given: str
) -> subprocess.CompletedProcess[str]:
    step = STEPS["check"]
    env = inputs_as_env(step, **given)
    if error is not None:
        env["STUB_ERROR"] = error
    return runner.run(step["shell"], step["run"], STUB_EXIT=str(exit_code), **env)


def outputs(runner: Runner) -> dict[str, str]:
    lines = (runner.folder / "output").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_action_has_what_github_asks_for() -> None:
    assert ACTION["name"] and ACTION["description"]
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
    for one in ACTION["inputs"].values():
        assert one["description"]
        assert one.get("required") or isinstance(one.get("default"), str)
    for name, one in ACTION["outputs"].items():
        assert one["value"] == f"${{{{ steps.check.outputs.{name} }}}}"


def test_no_input_is_put_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    used = {text for step in STEPS.values() for text in step["env"].values()}
    assert used == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}


@bash
@pytest.mark.parametrize("name", STEPS)
def test_the_scripts_of_the_action_are_bash(name: str) -> None:
    done = subprocess.run(["bash", "-n"], input=STEPS[name]["run"], text=True, check=False)
    assert done.returncode == 0


@bash
def test_the_action_checks_and_says_where_the_reports_are(runner: Runner) -> None:
    done = check(
        runner,
        archive="a.tar\n-b c.tar\n",
        config="rules.toml",
        baseline="base.json",
        args="--image\n@0\n",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "::notice::stub\n", "")
    ((program, command, *rest),) = runner.calls()
    assert (program, command) == ("oci-inspect", "check")
    cut = rest.index("--")
    assert rest[cut + 1 :] == ["a.tar", "-b c.tar"]
    assert rest[cut - 4 : cut] == [
        "--config=rules.toml",
        "--baseline=base.json",
        "--image",
        "@0",
    ]
    reports = runner.temp / "oci-inspect-reports"
    told = outputs(runner)
    assert pairs(rest) == [
        ("github", "-"),
        ("markdown", told["markdown"]),
        ("sarif", told["sarif"]),
        ("junit", told["junit"]),
        ("json", told["json"]),
    ]
    assert {Path(told[name]).parent for name in ("markdown", "sarif", "junit")} == {reports}
    assert all(Path(told[name]).is_file() for name in told if name != "exit-code")
    assert told.keys() == ACTION["outputs"].keys()
    assert (runner.folder / "summary").read_text() == "report\n"


@bash
def test_the_action_fails_with_the_check_and_reports_all_the_same(runner: Runner) -> None:
    (runner.folder / "summary").write_text("before\n")
    done = check(runner, exit_code=1, archive="a.tar")
    assert done.returncode == 1
    assert outputs(runner)["exit-code"] == "1"
    assert (runner.folder / "summary").read_text() == "before\nreport\n"
    ((_, _, *rest),) = runner.calls()
    assert not any(one.startswith(("--config", "--baseline")) for one in rest)


EVIL = "$(touch evil); `touch evil`; \"; touch evil; #' ${IFS}* --output"


@bash
def test_nothing_in_an_input_is_run(runner: Runner) -> None:
    done = check(
        runner, archive=EVIL, config=EVIL, baseline=EVIL, args=EVIL, reports="r $(touch evil)"
    )
    assert done.returncode == 0, done.stderr
    ((_, _, *rest),) = runner.calls()
    assert rest[-5:] == [f"--config={EVIL}", f"--baseline={EVIL}", EVIL, "--", EVIL]
    assert not list(runner.folder.rglob("evil"))
    assert (runner.folder / "r $(touch evil)" / "oci-inspect.sarif").is_file()


@bash
def test_the_action_refuses_what_it_cannot_do(runner: Runner) -> None:
    done = check(runner, archive="\n\n")
    assert (done.returncode, done.stdout) == (
        2,
        "::error title=oci-inspect::no archive is given\n",
    )
    assert check(runner, archive="a.tar", reports="a\nexit-code=0").returncode == 2
    assert runner.calls() == []
    assert outputs(runner) == {"exit-code": "2"}
    assert "no archive is given" in (runner.folder / "summary").read_text()


@bash
@pytest.mark.parametrize("code", [2, 3, 137])
@pytest.mark.parametrize(
    "error", ["", "oci-inspect: 5%0A of it\r\n::warning::x,y\n", "a\n\n# b", "a\r# b"]
)
def test_where_nothing_is_checked_the_action_says_why_and_names_no_reports(
    runner: Runner, code: int, error: str
) -> None:
    (runner.folder / "summary").write_text("- an earlier list\n")
    done = check(runner, exit_code=code, error=error, archive="a.tar")
    assert (done.returncode, done.stderr) == (code, error)
    assert outputs(runner) == {"exit-code": str(code)}
    first, line, rest = done.stdout.split("\n")
    ((name, properties, message),) = commands(line)
    assert (first, rest) == ("::notice::stub", "") and "\r" not in line
    assert (name, properties) == ("error", {"title": "oci-inspect"})
    assert message == (error.rstrip("\n") or "it said nothing")
    summary = (runner.folder / "summary").read_bytes().decode()
    assert "\r" not in summary
    _, above, head, below, *quoted = summary.rstrip("\n").split("\n")
    assert f"exit code {code}" in head and above == below == ""
    # Indented by four it is code for Markdown, whatever it is.
    assert quoted and all(one.startswith("    ") for one in quoted)


@bash
def test_the_reports_of_a_check_that_met_a_limit_are_named(runner: Runner) -> None:
    done = check(runner, exit_code=3, archive="a.tar")
    assert done.returncode == 3
    assert outputs(runner).keys() == ACTION["outputs"].keys()
    assert (runner.folder / "summary").read_text().startswith("report\n\n")


@bash
def test_reports_of_an_earlier_run_are_not_named(runner: Runner) -> None:
    check(runner, archive="a.tar")
    (runner.folder / "output").unlink()
    check(runner, exit_code=2, error="no", archive="a.tar")
    assert outputs(runner) == {"exit-code": "2"}


@bash
@pytest.mark.parametrize(
    ("config", "passed"),
    [("", []), ("none", ["--no-config"]), ("./none", ["--config=./none"])],
)
def test_the_rules_are_found_named_or_none(runner: Runner, config: str, passed: list[str]) -> None:
    assert check(runner, archive="a.tar", config=config).returncode == 0
    (call,) = runner.calls()
    assert [one for one in call if "config" in one] == passed


def install(runner: Runner, **given: str) -> subprocess.CompletedProcess[str]:
    """The step with a Python that makes a folder whose pip is a stub."""
    pip = runner.temp / "oci-inspect" / "bin" / "pip"
    write_program(runner.folder / "pip-stub", STUB)
    script = (
        f'#!/bin/sh\n[ "$1" = -m ] && cp "{runner.folder}/pip-stub" "{pip}"\nexit $PYTHON_EXIT\n'
    )
    write_program(runner.folder / "bin" / "python3", script)
    step = STEPS["install"]
    return runner.run(
        step["shell"],
        step["run"],
        **{"PYTHON_EXIT": "0", **inputs_as_env(step, **given)},
    )


@bash
@pytest.mark.parametrize(
    ("version", "wanted"),
    [("", f"{ROOT}[dive]"), ("1.2.3", "oci-inspect[dive]==1.2.3"), ("; a", None)],
)
def test_the_action_installs_itself_or_a_version(
    runner: Runner, version: str, wanted: str | None
) -> None:
    assert install(runner, version=version).returncode == 0
    (call,) = runner.calls()
    assert call[:2] == ["pip", "install"]
    assert call[-2:] == ["--", wanted or "oci-inspect[dive]==; a"]


@bash
def test_the_action_says_which_python_it_needs(runner: Runner) -> None:
    write_program(runner.folder / "bin" / "old", "#!/bin/sh\nexit 1\n")
    done = install(runner, python="old")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stdout


def test_the_example_workflow_uses_what_the_action_has() -> None:
    path = EXAMPLES / "github-workflow.yml"
    workflow = yaml.safe_load(path.read_text("utf-8"))
    steps = workflow["jobs"]["check"]["steps"]
    (ours,) = (step for step in steps if "/oci-inspect@" in step.get("uses", ""))
    assert ours["with"].keys() <= ACTION["inputs"].keys()
    used = set(re.findall(r"steps\.image\.outputs\.([a-z-]+)", path.read_text("utf-8")))
    assert used and used <= ACTION["outputs"].keys()


@bash
@pytest.mark.parametrize(("limit", "code"), [("92499", 0), ("92498", 1)])
def test_the_action_with_the_program_itself(runner: Runner, limit: str, code: int) -> None:
    """The application has 92,499 bytes of content (tests/test_real_archives.py)."""
    real_program(runner)
    config = runner.folder / ".oci-inspect.toml"
    config.write_text(f"max-size = {limit}\n", "utf-8")
    done = check(
        runner,
        archive=str(APP),
        config=str(config),
    )
    assert (done.returncode, done.stderr) == (code, "")
    told = outputs(runner)
    assert told["exit-code"] == str(code)
    report = json.loads(Path(told["json"]).read_text("utf-8"))
    assert report["ok"] is (code == 0)
    assert ("::error" in done.stdout) is (code == 1)
    assert "max-size" in (runner.folder / "summary").read_text("utf-8")
    assert json.loads(Path(told["sarif"]).read_text("utf-8"))["version"] == "2.1.0"


@bash
@pytest.mark.parametrize(("config", "code"), [("", 1), ("none", 0)])
def test_a_file_of_rules_that_is_found_counts_unless_there_is_to_be_none(
    runner: Runner, config: str, code: int
) -> None:
    real_program(runner)
    (runner.folder / ".oci-inspect.toml").write_text("max-size = 1\n", "utf-8")
    assert check(runner, archive=str(APP), config=config).returncode == code


@bash
@pytest.mark.parametrize(
    ("rules", "archive", "code", "why"),
    [("max-sise = 1\n", str(APP), 2, "max-sise"), ("", "none.tar", 3, "none.tar")],
)
def test_the_program_itself_says_why_it_could_not_check(
    runner: Runner, rules: str, archive: str, code: int, why: str
) -> None:
    real_program(runner)
    (runner.folder / ".oci-inspect.toml").write_text(rules, "utf-8")
    done = check(runner, archive=archive)
    assert done.returncode == code
    ((_, _, message),) = commands(done.stdout)
    assert why in message
    assert why in (runner.folder / "summary").read_text()
    assert outputs(runner) == {"exit-code": str(code)}
