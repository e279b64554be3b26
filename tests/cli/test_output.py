"""Where the output goes and how it looks there: files, colours, widths, limits, wrong options."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import fields

import pytest
from cli.conftest import REAL
from support.terminals import open_terminal
from wcwidth import wcswidth

from oci_inspect.cli import ARCHIVE_COMMANDS
from oci_inspect.cli.options import parse_size
from oci_inspect.limits import Limits

COMMANDS = (*ARCHIVE_COMMANDS, "df")

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    "name", ["ring", "ring/out", "/dev/fd/" + "9" * 17, "/dev/fd/" + "9" * 4_900]
)
def test_an_output_that_leads_nowhere_is_one_line(run, app, tmp_path, name):
    (tmp_path / "ring").symlink_to("ring")
    result = run("verify", app, "-o", tmp_path / name)
    assert result.code == 2
    assert ": it cannot be written: " in result.problem


@pytest.mark.parametrize("command", (*COMMANDS, "report"))
def test_a_file_holds_what_would_have_been_printed(run, app, tmp_path, command):
    path = tmp_path / "out"
    printed = run(command, app)
    written = run(command, app, "-o", path)
    assert (written.code, written.out, written.err) == (0, b"", "")
    assert path.read_bytes() == printed.out
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert run(command, app, "--output", "-") == printed


def test_a_file_keeps_its_rights_and_a_new_one_gets_those_of_the_umask(run, app, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("before")
    old.chmod(0o600)
    before = os.umask(0o027)
    try:
        run("images", app, "-o", old)
        run("images", app, "-o", new)
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert old.read_bytes() == new.read_bytes()


def test_a_link_stays_a_link_and_a_device_a_device(run, app, tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    assert run("images", app, "-o", link).code == 0
    assert link.is_symlink() and b"example/app" in target.read_bytes()
    assert run("images", app, "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_a_failure_leaves_the_old_file_alone(run, tmp_path):
    path = tmp_path / "out"
    path.write_text("before")
    (tmp_path / "bad.tar").touch()
    assert run("analyze", tmp_path / "bad.tar", "-o", path).code == 3
    assert path.read_text() == "before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bad.tar", "out"]


@pytest.mark.parametrize("step", ["os.fsync", "os.fchmod", "pathlib.Path.replace"])
def test_a_write_that_fails_at_any_step_leaves_the_old_file_alone(
    run, app, tmp_path, monkeypatch, step
):
    path = tmp_path / "out"
    path.write_text("before")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    result = run("analyze", app, "-o", path)
    assert result.code == 2
    assert result.problem == f"{path}: it cannot be written: No space left on device"
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written(run, app, tmp_path):
    for path in (tmp_path / "missing" / "out", tmp_path, "/dev/full"):
        result = run("analyze", app, "-o", path)
        assert result.code == 2
        assert str(path) in result.problem


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"dockerfile"}))
def test_colour_only_where_it_is_asked_for(run, app, command, monkeypatch):
    plain = run(command, app)
    assert b"\x1b" not in plain.out
    colored = run(command, app, "--color", "always")
    assert "\x1b[" in colored.text
    assert ANSI.sub("", colored.text) == plain.text
    assert run(command, app, "--color", "never") == plain
    assert run(command, app, "--color", "always", "--format", "json") == run(
        command, app, "--format", "json"
    )


def in_a_terminal(arguments: list[str], environment: dict[str, str], columns: int = 80) -> str:
    """What a command prints where someone watches."""
    import fcntl
    import struct
    import subprocess
    import sys
    import termios

    leader, follower = open_terminal()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    unset = {"COLUMNS": "", "NO_COLOR": "", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "oci_inspect", *arguments],
        stdout=follower,
        stderr=subprocess.DEVNULL,  # a busy machine draws a progress bar there
        stdin=subprocess.DEVNULL,
        env={**os.environ, **unset, **environment},
    )
    os.close(follower)
    data = b""
    while True:
        try:
            part = os.read(leader, 65_536)
        except OSError:
            break
        if not part:
            break
        data += part
    os.close(leader)
    assert process.wait(30) == 0
    return data.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colour_and_its_own_width(app):
    text = in_a_terminal(["analyze", str(app)], {}, columns=72)
    assert "\x1b[1mexample/app:1.2.3\x1b[0m" in text
    widths = [wcswidth(line) for line in ANSI.sub("", text).split("\n")]
    assert 60 < max(widths) <= 72


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colour_gets_none(app, environment):
    assert "\x1b" not in in_a_terminal(["analyze", str(app)], environment)


def test_a_terminal_that_knows_ascii_alone_gets_it(app):
    for command in ("analyze", "dockerfile", "history", "waste"):
        environment = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
        assert in_a_terminal([command, str(app)], environment).isascii(), command


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_width_is_that_of_columns(run, app, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in COMMANDS:
        if command != "dockerfile":
            lines = run(command, app).text.split("\n")
            assert max(map(wcswidth, lines)) <= columns, command


def test_without_columns_and_terminal_the_width_is_200(run, app, monkeypatch):
    found = {command: run(command, app).out for command in COMMANDS}
    for told in ("", "0", "²", "x", "-5", "9" * 5_000):
        monkeypatch.setenv("COLUMNS", told)
        assert run("layers", app).out == found["layers"], told
    monkeypatch.setenv("COLUMNS", "200")
    assert {command: run(command, app).out for command in COMMANDS} == found
    monkeypatch.setenv("COLUMNS", "1")
    assert max(map(wcswidth, run("layers", app).text.split("\n"))) <= 40


@pytest.mark.parametrize(
    "setting", ["entries=3", "entries=3B", "layers=2", "layer_bytes=2kB", "json-bytes=4kB"]
)
def test_a_limit_that_is_met_is_exit_3_and_no_pass(run, app, setting):
    name = setting.partition("=")[0].replace("-", "_")
    for command in ("verify", "analyze", "waste"):
        result = run(command, app, "--limit", setting)
        assert result.code == 3, command
    assert f"--limit {name}=N" in run("verify", app, "--limit", setting).text
    (image,) = run("analyze", app, "--limit", setting, "--format", "json").json["images"]
    assert (image["verified"], image["complete"]) == (False, False)


def test_a_limit_that_is_large_enough_changes_nothing(run, app):
    plain = run("analyze", app)
    assert run("analyze", app, "--limit", "layer_bytes=2TiB", "--limit", "layers=1k") == plain


@pytest.mark.parametrize(
    "setting",
    [
        *("entries", "entries=", "entries=0", "entries=-1", "entries=x", "entries=1XB"),
        *("entries=1e3", "entries=nan", "entries=inf", "entries=..", "entries=" + "9" * 400),
        *("entries=-0", "entries=1.5e", "entries=0.4", "entries=\x1b[31m", "entries=5 5"),
        *("nope=1", "=1", "_=1", "ENTRIES=1"),
    ],
)
def test_a_limit_that_makes_no_sense(run, app, setting):
    result = run("analyze", app, "--limit", setting)
    assert result.code == 2
    assert "--limit" in result.problem


def test_a_limit_given_twice_is_a_mistake(run, app):
    for first in ("layers=9", "layers=8"):
        result = run("analyze", app, "--limit", first, "--limit", "layers=9")
        assert result.code == 2
        assert "layers is given twice" in result.problem
    assert run("analyze", app, "--limit", "json-bytes=1MB", "--limit", "json_bytes=1MB").code == 2


def test_limits_beyond_all_bounds_change_nothing(run, app):
    plain = run("verify", app, "--no-cache")
    huge = [f"{one.name}={'9' * 250}" for one in fields(Limits)]
    words = [word for one in huge for word in ("--limit", one)]
    assert run("verify", app, "--no-cache", *words) == plain
    zstd = REAL / "skopeo-oci-zstd.tar"
    assert run("verify", zstd, "--no-cache", *words) == run("verify", zstd, "--no-cache")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500),
        ("20MiB", 20 * 2**20),
        ("1.5GB", 1_500_000_000),
        ("2 TiB", 2 * 2**40),
        ("3k", 3_000),
        ("7B", 7),
        ("1_000", 1_000),
    ],
)
def test_sizes_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze",),
        ("nope", "image.tar"),
        ("analyze", "a", "b"),
        ("analyze", "--nope", "a"),
        ("analyze", "--format", "xml", "a"),
        ("analyze", "--color", "red", "a"),
        ("analyze", "--jobs", "0", "a"),
        ("analyze", "--jobs", "x", "a"),
        ("waste", "--top", "0", "a"),
        ("dockerfile", "--format", "csv", "a"),
        ("--nope",),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(run, arguments):
    result = run(*arguments)
    assert result.code == 2
    assert "--help" in result.problem


def test_an_archive_in_the_place_of_a_command_is_met_with_advice(run, app):
    result = run(app)
    assert result.code == 2
    assert f"oci-inspect analyze {app}" in result.problem


def test_output_to_an_open_file_of_the_shell_goes_on_where_it_is(app, tmp_path):
    log = tmp_path / "log"
    command = f"{sys.executable} -m oci_inspect waste -q -o /dev/stdout {app}"
    with log.open("wb") as out:
        subprocess.run(["sh", "-c", f"echo one; {command}; echo two"], stdout=out, check=True)
    assert log.read_bytes() == b"one\n69109\ntwo\n"
    piped = subprocess.run(["sh", "-c", f"{command} | cat"], capture_output=True, check=True)
    assert piped.stdout == b"69109\n"
