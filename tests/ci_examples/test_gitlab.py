"""The job for GitLab: its scripts run, with a stub of the program and with the program itself."""

from __future__ import annotations

import shutil

import pytest
import yaml
from support.runners import APP, EXAMPLES, STUB, Runner, pairs, real_program, write_program

GITLAB = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text("utf-8"))


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


@pytest.mark.parametrize(
    "wanted", ["./a wheel.whl", "oci-inspect[dive] @ https://example.org/a.tgz"]
)
def test_the_gitlab_job_installs_what_it_is_told(runner: Runner, wanted: str) -> None:
    write_program(runner.folder / "bin" / "pip", STUB)
    job = GITLAB["check-image"]
    variables = {**job["variables"], "OCI_INSPECT": wanted}
    done = runner.run("sh", "\n".join(job["before_script"]), **variables)
    assert done.returncode == 0
    assert runner.calls()[0][-2:] == ["--", wanted]


def test_the_gitlab_job_installs_nothing_by_a_name_that_anyone_may_take(runner: Runner) -> None:
    write_program(runner.folder / "bin" / "pip", STUB)
    job = GITLAB["check-image"]
    done = runner.run("sh", "\n".join(job["before_script"]), **job["variables"])
    assert done.returncode == 2
    assert done.stderr.startswith("OCI_INSPECT is not set: ")
    assert runner.calls() == []


def test_the_gitlab_job_with_the_program_itself(runner: Runner) -> None:
    real_program(runner)
    shutil.copy(APP, runner.folder / "image.tar")
    (runner.folder / ".oci-inspect.toml").write_text('max-waste = "10kB"\n', "utf-8")
    variables = GITLAB["check-image"]["variables"]
    done = runner.run("sh", gitlab_script(), **variables)
    assert (done.returncode, done.stderr) == (1, "")
    assert "max-waste FAILED" in done.stdout
    named = GITLAB["check-image"]["artifacts"]["paths"]
    assert all((runner.folder / name).stat().st_size for name in named)
