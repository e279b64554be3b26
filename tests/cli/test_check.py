"""``check``: exit codes, one pass, files that are written, what is printed where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect.rules.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "fixtures" / "real"
TWO = REAL / "docker20-two-images.tar"


@pytest.fixture(name="here", autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder of a repository of its own: no rules file above it counts."""
    folder = tmp_path / "here"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def rules(here: Path, text: str) -> None:
    (here / ".oci-inspect.toml").write_text(text, "utf-8")


# Exit codes


def test_kept_broken_wrong_unreadable(run, app, corrupt, here):
    assert run("check", app, "--max-size", "92499").code == 0
    assert run("check", app, "--max-size", "92498").code == 1
    assert run("check", app, "--max-size", "92498", "--level", "max-size=warning").code == 0
    assert run("check", corrupt, "--max-size", "1GB").code == 1  # not verified
    assert run("check", app, "--max-size", "x").code == 2
    (here / "garbage").write_bytes(b"no archive")
    assert run("check", here / "garbage").code == 3
    assert run("check", here / "none").code == 3
    assert run("check", app, "--limit", "layers=4").code == 3


@pytest.mark.parametrize(
    "text",
    ["max-sise = 1\n", "max-size = \n", "max-size = 'x'\n", "[[images]]\nmax-size = 1\n", "\udcff"],
)
@pytest.mark.parametrize("broken", [False, True])
def test_a_broken_rules_file_never_passes_a_build(run, app, here, text, broken):
    (here / ".oci-inspect.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("check", app, *(["--max-size", "1"] if broken else []))
    assert result.code == 2
    assert re.match(r"\.oci-inspect\.toml:\d+: ", result.problem)
    assert run("check", app, "--config", ".oci-inspect.toml").code == 2
    assert run("check", app, "--no-config").code == 0


def test_the_rules_file_is_read_before_the_archive(run, here):
    rules(here, "x = 1\ny = 2\n")
    result = run("check", "no-such-archive.tar")
    assert (result.code, result.out) == (2, b"")
    assert result.err.splitlines() == [
        "oci-inspect: .oci-inspect.toml:1: unknown key 'x'",
        "oci-inspect: .oci-inspect.toml:2: unknown key 'y'",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--max-size", "1", "--max-size", "2"], "--max-size: it is given twice"),
        (["--max-waste-percent", "10"], "write '10%'"),
        (["--level", "max-size"], "RULE=LEVEL"),
        (["--level", "max-sise=off"], "did you mean 'max-size'?"),
        (["--level", "max-size=warning"], "no rule max-size is asked for"),
        (["--max-size", "1", "--level", "max-size=x"], "no level: error, warning or off"),
        (["--config", "a", "--no-config"], "exclude each other"),
        (["--config", "none.toml"], "No such file"),
        (["--allow-setuid", "/a", "--forbid-paths", "a"], "both name '/a'"),
        (["--format", "json", "--format", "table"], "standard output can have one format"),
        (["-o", "a", "-o", "b"], "which is for which"),
        (["--format", "json", "--format", "table", "-o", "a", "-o", "a"], "a can have one format"),
        (["--init", "--max-size", "1"], "--init takes archives"),
        (["--write-baseline", "-"], "the name of a file"),
        (["--baseline", "-", "-"], "standard input can be read once"),
        (["--forbid-paths", "/"], "the root"),
    ],
)
def test_wrong_command_lines(run, app, here, arguments, told):
    result = run("check", app, *arguments)
    assert result.code == 2 and told in result.problem
    assert not (here / "a").exists()


# In a pipe


@pytest.mark.parametrize("name", ["docker20-app.tar", "docker26-app.tar", "podman-docker.tar"])
def test_standard_input_is_read_in_one_pass(spawn, name):
    asked = ["--forbid-paths-in-layers", "**/*.key", "--max-waste", "1kB", "--allow-setuid", ""]
    path = REAL / name
    ours = {"PYTHONPATH": str(ROOT)}
    whole = spawn("check", path, *asked, "--format", "json", "--no-cache", environment=ours)
    # A pipe cannot be read twice, and nobody can write a copy of it to /proc.
    piped = spawn(
        "check",
        "-",
        *asked,
        *("--format", "json", "--no-cache"),
        input=path.read_bytes(),
        environment={"TMPDIR": "/proc", **ours},
    )
    assert (whole.code, piped.code) == (1, 1) and piped.err == ""
    assert piped.json["images"] == whole.json["images"]
    broken = [one["rule"] for one in piped.json["images"][0]["verdicts"] if one["fails"]]
    assert broken == ["max-waste", "forbid-paths-in-layers", "allow-setuid"]


# Files and levels


def test_rules_of_a_file_are_found_from_a_folder_below(run, app, here, monkeypatch):
    rules(here, "max-size = 1\n")
    (here / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(here / "a" / "b")
    document = run("check", app, "--format", "json").json
    (found,) = [one for one in document["images"][0]["verdicts"] if one["rule"] == "max-size"]
    assert found["source"] == {"path": "../../.oci-inspect.toml", "line": 1}


def test_the_command_line_wins_over_the_file(run, app, here):
    rules(here, "max-size = 1\n[[images]]\nmatch = '*'\nmax-size = 2\n")
    assert run("check", app).code == 1
    assert run("check", app, "--max-size", "1GB").code == 0
    assert run("check", app, "--level", "max-size=warning").code == 0
    assert run("check", app, "--level", "max-size=off").code == 0
    assert run("check", app, "--no-config").code == 0


def test_sections_are_for_images_that_fit(run, here):
    rules(
        here,
        "max-layers = 3\n[[images]]\nmatch = '*/app:*'\nmax-layers = 11\n"
        "[[images]]\nmatch = '*/worker:*'\nmax-layers = 1\n",
    )
    result = run("check", TWO)
    assert result.code == 0
    assert result.err == (
        "oci-inspect: .oci-inspect.toml:6: no image here fits '*/worker:*': its rules were not"
        " used\n"
    )
    rules(here, "max-layers = 3\n")
    result = run("check", TWO)
    assert result.code == 1 and result.text.endswith("\n1 of 2 images failed\n")


def test_an_image_that_is_not_verified_passes_only_where_that_is_asked_for(run, corrupt, here):
    assert run("check", corrupt).code == 1
    assert run("check", corrupt, "--level", "require-verified=warning").code == 0
    rules(here, "require-verified = false\n")
    assert run("check", corrupt).code == 0
    assert run("check", corrupt, "--require-verified").code == 1


@pytest.mark.parametrize("level", ["error", "warning", "off"])
def test_an_image_that_could_not_be_read_never_passes(run, here, level):
    base = TarBuilder().file("f", bytes(10))
    image = ImageBuilder("a:1").layer(base).layer(TarBuilder().file("g", b"1"))
    path = oci_layout(image).drop(blob_name(base.build())).write_file(here / "a.tar")
    result = run("check", path, "--level", f"require-verified={level}", "--max-layers", "9")
    assert result.code == 1
    if level != "error":
        told = run("check", path, "--level", f"require-verified={level}", "--format", "json").json
        assert [one["rule"] for one in told["images"][0]["verdicts"] if one["fails"]] == [
            "complete"
        ]


def test_a_level_on_the_command_line_reaches_images_of_no_section(run, corrupt, here):
    rules(here, '[[images]]\nmatch = "zzz*"\nrequire-verified = true\n')
    assert run("check", corrupt).code == 1
    assert run("check", corrupt, "--level", "require-verified=off").code == 0


def test_a_baseline_is_written_whatever_may_grow(run, app, here):
    rules(here, 'max-growth = "10%"\n')
    assert run("check", app).code == 1  # nothing to compare with
    assert run("check", app, "--write-baseline", "b.json").code == 0
    assert run("check", app, "--baseline", "b.json").code == 0


def test_outputs_never_replace_rules_or_each_other(run, app, here):
    rules(here, 'max-size = "1MB"\n')
    (here / "dive").write_text("rules:\n  lowestEfficiency: 0\n", "utf-8")
    for arguments in (
        ["-o", ".oci-inspect.toml"],
        ["--dive-ci", "dive", "-o", "./dive"],
        ["-o", "x", "--write-baseline", "./x"],
        ["--format", "json", "-o", "x", "--format", "sarif", "-o", "./x"],
    ):
        assert run("check", app, *arguments).code == 2, arguments
    assert (here / ".oci-inspect.toml").read_text("utf-8") == 'max-size = "1MB"\n'
    assert not (here / "x").exists()


def test_reports_are_there_though_nobody_reads_standard_output(spawn, app, here):
    import subprocess
    import sys

    root = str(ROOT)
    command = [sys.executable, "-m", "oci_inspect", "check", str(app), "--format", "github"]
    command += ["-o", "-", "--format", "sarif", "-o", "o.sarif", "--max-size", "1"]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env={"PYTHONPATH": root}, check=False
        )
    assert done.returncode == 3
    assert json.loads((here / "o.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_without_rules_it_says_so(run, app):
    result = run("check", app)
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert "no rules are set" in result.err


def test_every_option_of_every_rule_is_taken(run, app):
    for rule in CATALOGUE.values():
        values = json.loads(rule.example)
        given = values if isinstance(values, list) else [values]
        arguments = [f"--{rule.name}"]
        if values is not True:
            arguments = [part for one in given for part in (f"--{rule.name}", str(one))]
        document = run("check", app, *arguments, "--format", "json").json
        assert rule.name in [one["rule"] for one in document["images"][0]["verdicts"]]


# Several archives and outputs


def test_several_archives_are_checked_each(run, app):
    result = run("check", app, TWO, "--max-layers", "10")
    assert result.code == 1
    assert result.text.endswith("\n2 of 3 images failed\n")
    document = run("check", app, TWO, "--max-layers", "10", "--format", "json").json
    assert [(one["archive"], one["ok"]) for one in document["images"]] == [
        (0, False),
        (1, False),
        (1, True),
    ]
    assert run("check", app, f"{TWO}:base:1", "--max-layers", "11").text.count("passed\n") > 2
    assert run("check", app, TWO, "--image", "base:1", "--max-layers", "3").code == 0
    assert run("check", app, TWO, "--image", "none:1").code == 2


def test_an_archive_without_an_image_is_no_pass(run, app, tmp_path):
    image = ImageBuilder("a:1").layer(TarBuilder().file("f", b"1"))
    image.patch_manifest(lambda manifest: manifest.update(artifactType="application/x"))
    image.patch_manifest(
        lambda manifest: manifest["config"].update(mediaType="application/vnd.oci.empty.v1+json")
    )
    path = oci_layout(image).write_file(tmp_path / "artifact.tar")
    listed = run("images", path, "--format", "json")
    assert (listed.code, listed.json["images"]) == (0, [])
    result = run("check", app, path)
    assert (result.code, result.out) == (3, b"") and "nothing to check" in result.err


def test_formats_go_to_their_outputs(run, app, here):
    result = run("check", app, "--format", "json", "-o", "a.json", "--format", "table")
    assert result.text.startswith("example/app:1.2.3\n")
    assert json.loads((here / "a.json").read_text())["schema"] == "oci-inspect/check"
    result = run("check", app, "--format", "table", "--format", "json", "-o", "t.txt", "-o", "-")
    assert result.json["ok"] is True and (here / "t.txt").read_text().startswith("example/app")
    assert run("check", app, "-o", app).code == 2  # what is read is never written


def test_quiet_leaves_a_line_for_each_broken_rule(run, app):
    result = run("check", "-q", app, "--max-size", "1", "--max-waste", "1", "--max-layers", "11")
    assert (result.code, result.err) == (1, "")
    assert [line.split(": ")[:3] for line in result.text.splitlines()] == [
        ["example/app:1.2.3", "max-size", "FAILED"],
        ["example/app:1.2.3", "max-waste", "FAILED"],
    ]
    assert run("check", "-q", app).out == b""


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_screen(run, app, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    asked = [f"--{name}=1" for name, one in CATALOGUE.items() if one.kind in ("size", "count")]
    asked += ["--forbid-paths-in-layers=**", "--allow-setuid=", "--require-labels=x"]
    asked += ["--max-growth=1%", "--allow-base=x", "--forbid-root", "--forbid-findings=info"]
    result = run("check", app, *asked, "--verbose")
    assert max(map(len, result.text.split("\n"))) <= columns
    for word in ("passed", "FAILED", "NOT JUDGED"):
        assert word in result.text


def test_text_of_an_image_cannot_drive_a_terminal(run, tmp_path):
    evil = "\x1b[2Jx\n"
    image = ImageBuilder("a:1").layer(TarBuilder().file(evil, b"1"), created_by=f"RUN {evil}")
    image.patch_config(lambda config: config["config"].update(User=f"0:{evil}", Labels={"a": evil}))
    path = docker_archive(image).write_file(tmp_path / "evil.tar")
    asked = ["--forbid-paths", "**", "--forbid-root", "--require-labels", "a=b", "--max-size", "0"]
    for more in ([], ["-q"], ["--format", "json"]):
        result = run("check", path, *asked, *more)
        assert result.code == 1 and b"\x1b" not in result.out + result.err.encode()
        assert b"\nx" not in result.out


# --init and --write-baseline


def test_init_writes_a_file_that_the_image_keeps_to(run, app, here):
    result = run("check", "--init", app)
    assert (result.code, result.out) == (0, b"")
    text = (here / ".oci-inspect.toml").read_text()
    assert 'max-size = "110kB"' in text  # 92,499 and a tenth, to two digits
    assert run("check", app).code == 0
    again = run("check", "--init", app)
    assert again.code == 2 and "--force replaces it" in again.problem
    assert run("check", "--init", "--force", TWO).code == 0
    assert (here / ".oci-inspect.toml").read_text() != text
    assert run("check", "--init", app, "-o", "-").text == text
    assert run("check", "--init", app, "-o", "other.toml").code == 0
    assert (here / "other.toml").read_text() == text
    assert run("check", "--init", app, "-o", app, "--force").code == 2
    assert run("check", "--init", app, "--limit", "layers=4", "-o", "x").code == 3
    assert not (here / "x").exists()


def test_init_does_not_hide_rules_of_a_project(run, app, here):
    (here / "pyproject.toml").write_text("[tool.oci-inspect]\nmax-layers = 11\n")
    assert run("check", "--init", app).code == 2
    assert not (here / ".oci-inspect.toml").exists()


def test_a_baseline_is_written_and_held_against(run, app, here):
    old = REAL / "docker26-containerd-base.tar"
    assert run("check", old, "--write-baseline", "b.json").code == 0
    schema = json.loads((ROOT / "docs" / "schema" / "baseline.schema.json").read_bytes())
    document = json.loads((here / "b.json").read_bytes())
    Draft202012Validator(schema).validate(document)
    whole = run("analyze", old, "--format", "json").json["images"][0]
    assert document["images"][0]["totals"] == whole["totals"]
    (here / "a.json").write_text(json.dumps(run("analyze", old, "--format", "json").json))
    # 88,642 bytes before, 92,499 now: 3,857 more, 4.35%
    for baseline in ("b.json", "a.json", old):
        for limit, code in (("3857", 0), ("3856", 1), ("4.4%", 0), ("4.3%", 1)):
            result = run("check", app, "--baseline", baseline, "--max-growth", limit)
            assert result.code == code, (baseline, limit)
    assert run("check", app, "--write-baseline", "b.json").code == 2
    assert run("check", app, "--write-baseline", "b.json", "--force").code == 0
    assert run("check", app, "--write-baseline", "n.json", "--limit", "layers=4").code == 3
    assert not (here / "n.json").exists()


def test_a_baseline_that_is_none(run, app, here):
    (here / "broken.json").write_text('{"schema": ')
    assert run("check", app, "--baseline", "broken.json").code == 3
    (here / "waste.json").write_text(json.dumps(run("waste", app, "--format", "json").json))
    result = run("check", app, "--baseline", "waste.json")
    assert result.code == 2 and "'oci-inspect/waste'" in result.problem
    assert run("check", app, "--baseline", "none.json").code == 3
    (here / "empty").write_bytes(b"")
    assert run("check", app, "--baseline", "empty").code == 3


def test_the_base_may_be_named(run):
    app = REAL / "docker26-containerd-app.tar"
    base = REAL / "docker26-containerd-base.tar"
    asked = ["--max-own-waste", "2395", "--allow-base", "example/base:1"]
    assert run("check", app, *asked).code == 1  # nothing tells its name
    assert run("check", app, *asked, "--base", base).code == 0
    assert "not built on" in run("check", base, "--base", app).err
