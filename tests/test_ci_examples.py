"""What is ready to use in a CI: it parses, and its commands run, with a stub of the program.

The stub writes its arguments down, and a line into each file that ``--output`` names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((ROOT / "docs" / "examples" / "gitlab-ci.yml").read_text("utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}

STUB = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(json.dumps([os.path.basename(sys.argv[0]), *arguments]) + "\\n")
for option, value in zip(arguments, arguments[1:]):
    if option == "--output" and value != "-":
        with open(value, "w") as out:
            out.write("report\\n")
print("::notice::stub")
sys.exit(int(os.environ.get("STUB_EXIT", "0")))
"""

bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Runner:
    """A machine of a CI: a folder, programs that are stubs, the files that GitHub gives a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temp = folder / "temp"
        self.log = folder / "stub.log"
        write_program(self.temp / "oci-inspect" / "bin" / "oci-inspect", STUB)
        write_program(folder / "bin" / "oci-inspect", STUB)

    def run(self, shell: str, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "script"
        path.write_text(script, "utf-8")
        # As GitHub and GitLab start a shell.
        command = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "sh": ["sh", "-e"]}
        return subprocess.run(
            [*command[shell], str(path)],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                "GITHUB_ACTION_PATH": str(ROOT),
                "STUB_LOG": str(self.log),
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[list[str]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def pairs(call: list[str]) -> list[tuple[str, str]]:
    """Formats with their outputs: the n-th output belongs to the n-th format."""
    formats = [call[i + 1] for i, one in enumerate(call) if one == "--format"]
    outputs = [call[i + 1] for i, one in enumerate(call) if one == "--output"]
    assert len(formats) == len(outputs)
    return list(zip(formats, outputs, strict=True))


# The action


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


def check(runner: Runner, exit_code: int = 0, **given: str) -> subprocess.CompletedProcess[str]:
    step = STEPS["check"]
    env = inputs_as_env(step, **given)
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
    ("version", "wanted"), [("", str(ROOT)), ("1.2.3", "oci-inspect==1.2.3"), ("; a", None)]
)
def test_the_action_installs_itself_or_a_version(
    runner: Runner, version: str, wanted: str | None
) -> None:
    assert install(runner, version=version).returncode == 0
    (call,) = runner.calls()
    assert call[:2] == ["pip", "install"]
    assert call[-2:] == ["--", wanted or "oci-inspect==; a"]


@bash
def test_the_action_says_which_python_it_needs(runner: Runner) -> None:
    write_program(runner.folder / "bin" / "old", "#!/bin/sh\nexit 1\n")
    done = install(runner, python="old")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stdout


def test_the_example_workflow_uses_what_the_action_has() -> None:
    path = ROOT / "docs" / "examples" / "github-workflow.yml"
    workflow = yaml.safe_load(path.read_text("utf-8"))
    steps = workflow["jobs"]["check"]["steps"]
    (ours,) = (step for step in steps if "/oci-inspect@" in step.get("uses", ""))
    assert ours["with"].keys() <= ACTION["inputs"].keys()
    used = set(re.findall(r"steps\.image\.outputs\.([a-z-]+)", path.read_text("utf-8")))
    assert used and used <= ACTION["outputs"].keys()


# GitLab


def gitlab_script() -> str:
    return "\n".join(GITLAB["check-image"]["script"]) + "\n"


@pytest.mark.parametrize("baseline", ["", "old base.json"])
def test_the_gitlab_job_runs_and_writes_the_reports_that_it_names(
    runner: Runner, baseline: str
) -> None:
    job = GITLAB["check-image"]
    variables = {**job["variables"], "BASELINE": baseline, "ARCHIVE": "my image.tar"}
    done = runner.run("sh", gitlab_script(), STUB_EXIT="1", **variables)
    assert (done.returncode, done.stderr) == (1, "")
    ((_, command, *rest),) = runner.calls()
    assert command == "check"
    assert rest[-2:] == ["--", "my image.tar"]
    assert ("--baseline" in rest) is bool(baseline)
    assert not baseline or rest[rest.index("--baseline") + 1] == baseline
    written = {name: path for name, path in pairs(rest) if path != "-"}
    reports = job["artifacts"]["reports"]
    assert reports == {
        "junit": written["junit"],
        "codequality": written["gitlab"],
        "metrics": written["openmetrics"],
    }
    assert reports["junit"].endswith(".xml")
    assert sorted(job["artifacts"]["paths"]) == sorted(written.values())
    assert all((runner.folder / path).is_file() for path in written.values())
    assert job["artifacts"]["when"] == "always"


def test_the_gitlab_job_installs_what_it_is_told(runner: Runner) -> None:
    write_program(runner.folder / "bin" / "pip", STUB)
    job = GITLAB["check-image"]
    done = runner.run("sh", "\n".join(job["before_script"]), **job["variables"])
    assert done.returncode == 0
    assert runner.calls()[0][-1] == "oci-inspect"


# pre-commit


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
    path = ROOT / "docs" / "examples" / "pre-commit-config.yaml"
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


# The image


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


# With the program itself


def real_program(runner: Runner) -> None:
    """Put the program in the place of the stub."""
    import sys

    text = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m oci_inspect "$@"\n'
    for path in (runner.temp / "oci-inspect" / "bin", runner.folder / "bin"):
        write_program(path / "oci-inspect", text)


@bash
@pytest.mark.parametrize(("limit", "code"), [("92499", 0), ("92498", 1)])
def test_the_action_with_the_program_itself(runner: Runner, limit: str, code: int) -> None:
    """The application has 92,499 bytes of content (tests/test_real_archives.py)."""
    real_program(runner)
    config = runner.folder / ".oci-inspect.toml"
    config.write_text(f"max-size = {limit}\n", "utf-8")
    done = check(
        runner,
        archive=str(ROOT / "fixtures" / "real" / "docker26-app.tar"),
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


def test_the_gitlab_job_with_the_program_itself(runner: Runner) -> None:
    real_program(runner)
    shutil.copy(ROOT / "fixtures" / "real" / "docker26-app.tar", runner.folder / "image.tar")
    (runner.folder / ".oci-inspect.toml").write_text('max-waste = "10kB"\n', "utf-8")
    variables = GITLAB["check-image"]["variables"]
    done = runner.run("sh", gitlab_script(), **variables)
    assert (done.returncode, done.stderr) == (1, "")
    assert "max-waste FAILED" in done.stdout
    named = GITLAB["check-image"]["artifacts"]["paths"]
    assert all((runner.folder / name).stat().st_size for name in named)
