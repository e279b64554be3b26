"""What only a process of its own can show: signals, closed pipes, full disks, other locales."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from support.terminals import heed_interrupts

from oci_inspect.cli import EXIT_INTERRUPTED, EXIT_PIPE

PROGRAM = [sys.executable, "-m", "oci_inspect"]


def complete(words: list[object], **more) -> subprocess.CompletedProcess:
    # The environment by name: readline, which pytest loads, adds COLUMNS behind Python's back.
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": dict(os.environ)} | more
    return subprocess.run(words, check=False, **more)


def test_a_command_is_a_process_like_any_other(spawn, app):
    result = spawn("verify", app)
    assert (result.code, result.err) == (0, "")
    assert result.text.endswith(")\n") and "1 of 1 image verified" in result.text
    assert spawn("nope").code == 2
    assert spawn("analyze", "/nope").code == 3
    assert spawn("analyze", "/nope").problem


def test_the_installed_program_is_the_same(spawn, app):
    program = Path(sys.executable).parent / "oci-inspect"
    if not program.exists():
        pytest.skip("it is not installed beside this Python")
    done = complete([program, "verify", app])
    assert (done.returncode, done.stdout) == (0, spawn("verify", app).out)


@pytest.mark.parametrize("way", ["pipe", "fifo"])
@pytest.mark.parametrize("command", ["analyze", "inspect"])
def test_ctrl_c_in_the_middle_of_a_stream_is_130_and_one_line(app, tmp_path, way, command):
    data = app.read_bytes()[:140_000]
    if way == "fifo":
        path = tmp_path / "fifo"
        os.mkfifo(path)
        process = started(command, str(path), "-o", str(tmp_path / "out"))
        stream = path.open("wb", buffering=0)
    else:
        process = started(command, "-", "-o", str(tmp_path / "out"), stdin=subprocess.PIPE)
        stream = process.stdin
    # A pipe holds 64 KiB: when this comes back the rest was read, and more is waited for.
    stream.write(data)
    stream.flush()
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    err = process.stderr.read()
    for one in (stream, process.stdout, process.stderr):
        one.close()
    assert process.returncode == EXIT_INTERRUPTED == 130
    assert err == b"oci-inspect: interrupted\n"
    assert not [one.name for one in tmp_path.iterdir() if one.name != "fifo"]


def started(*arguments: str, **more) -> subprocess.Popen:
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        preexec_fn=heed_interrupts,
        **more,
    )


@pytest.mark.parametrize("arguments", [("--help",), ("analyze", "APP"), ("verify", "APP")])
def test_a_reader_that_goes_away_is_met_with_silence(app, arguments):
    """As with `| head -1`: nothing is said, and it is neither a pass nor a no."""
    reader, writer = os.pipe()
    os.close(reader)
    arguments = tuple(str(app) if one == "APP" else one for one in arguments)
    done = complete([*PROGRAM, *arguments], stdout=writer)
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == EXIT_PIPE == 128 + signal.SIGPIPE


def test_head_takes_what_it_wants(app):
    script = '"$0" -m oci_inspect history --no-trunc "$1" | head -n 1'
    done = complete(["sh", "-c", script, sys.executable, app])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"IMAGE ")


def with_redirection(app: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess:
    words = " ".join(arguments)
    script = f'"$0" -m oci_inspect {words} {redirection}'
    return complete(["sh", "-c", script, sys.executable, app])


def test_a_closed_standard_input_is_a_bad_input(app):
    done = with_redirection(app, "<&-", "analyze", "-")
    assert done.returncode == 3
    assert done.stderr.decode() == (
        "oci-inspect: standard input: it is closed: pipe an archive into it\n"
    )


def test_a_closed_or_full_standard_output_is_told_in_one_line(app):
    closed = with_redirection(app, ">&-", "analyze", '"$1"')
    assert closed.returncode == 2
    assert closed.stderr == b"oci-inspect: standard output is closed: use --output FILE\n"
    for words in (("analyze", '"$1"'), ("--help",)):
        full = with_redirection(app, ">/dev/full", *words)
        assert full.returncode == 3
        assert full.stderr.count(b"\n") == 1
        assert b"No space left on device" in full.stderr


def test_closed_streams_do_not_matter_to_who_writes_a_file(app, tmp_path):
    done = with_redirection(app, "<&- >&-", "analyze", '"$1"', "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"example/app" in (tmp_path / "out").read_bytes()


SCRIPT = textwrap.dedent(
    """
    import sys
    from oci_inspect.cli import run
    archive, jobs = sys.argv[1:]
    for words in (
        "analyze", "analyze --format json", "analyze --format markdown", "images --format csv",
        "inspect", "inspect --format json", "history --no-human", "history --format csv",
        "dockerfile", "layers", "layers --format json", "verify -v", "waste --all",
        "waste --format json",
    ):
        assert run([*words.split(), archive, "--jobs", jobs]) == 0
    """
)


def all_outputs(
    archive: Path, environment: dict[str, str], jobs: str = "2", folder: str = "/"
) -> bytes:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    words = [sys.executable, "-c", SCRIPT, archive, jobs]
    done = complete(words, env={**kept, **environment}, cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_the_same_archive_gives_the_same_bytes_wherever_and_whenever(app, tmp_path):
    told = all_outputs(app, {"HOME": "/"})
    assert b"example/app:1.2.3" in told
    for environment in (
        {"TZ": "Asia/Kolkata"},
        {"TZ": "America/St_Johns", "LANG": "C"},
        {"LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "4242"},
        {"LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "0", "HOME": "/nonexistent"},
    ):
        assert all_outputs(app, environment) == told, environment
    for jobs in ("1", "8"):
        assert all_outputs(app, {}, jobs) == told, jobs
    assert all_outputs(app, {}, folder=str(tmp_path)) == told


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["PYTHONIOENCODING", "C"],
)
def test_without_utf_8_text_is_ascii_and_documents_are_what_they_always_are(
    app, environment, spawn
):
    for command in ("analyze", "history", "waste"):
        result = spawn(command, app, environment=environment)
        assert result.code == 0 and result.err == ""
        assert result.out.isascii() and result.out != b""
    for words in (("layers", "--format", "json"), ("history", "--format", "csv")):
        assert spawn(*words, app, environment=environment).out == spawn(*words, app).out
    problem = spawn("analyze", "/nope/ünï", environment=environment)
    assert problem.code == 3
    assert problem.err.count("\n") == 1 and "Traceback" not in problem.err


def test_a_name_that_is_no_text_is_a_name(spawn, app, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe.tar"
    Path(os.fsdecode(path)).write_bytes(app.read_bytes())
    for command in ("analyze", "inspect"):
        result = spawn(command, os.fsdecode(path))
        assert (result.code, result.err) == (0, ""), command
    result = spawn("analyze", os.fsdecode(path), "--format", "json")
    assert result.json["archive"]["path"].endswith(".tar")
    assert spawn("analyze", os.fsdecode(path) + "x").code == 3
