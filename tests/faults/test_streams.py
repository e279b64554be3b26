"""Standard streams that are closed, full or gone in the middle, for every command and format."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faults.conftest import SLOW
from support.commands import ALL_FORMATS, APP, READERS, formats_of, words_of

from oci_inspect.cli import EXIT_PIPE

FORMATS = ALL_FORMATS if SLOW else [(name, formats_of(name)[-1]) for name in READERS]
"""With little time one format of each command."""
LONG = ("ls", "find", "diff", "export", "tree", "analyze")
"""Commands that tell more of a large image than a pipe holds."""


@pytest.mark.parametrize(("command", "format"), FORMATS)
def test_a_reader_that_is_gone_is_met_with_silence(forks, tmp_path, command, format):
    reader, writer = os.pipe()
    os.close(reader)
    done = forks.run(*words_of(command, APP, format, tmp_path / "out"), stdout=writer)
    os.close(writer)
    assert (done.code, done.err) == (EXIT_PIPE, "")
    assert EXIT_PIPE == 128 + signal.SIGPIPE


@pytest.mark.parametrize(
    ("command", "format"),
    [one for one in ALL_FORMATS if one[0] in LONG and (SLOW or one[1] not in ("csv", "jsonl"))],
)
def test_a_reader_that_goes_in_the_middle_is_met_with_silence(
    forks, busy, tmp_path, command, format
):
    """As ``head -c 10`` does: more than a pipe holds is on its way by then."""
    whole = forks.run(*words_of(command, busy, format, tmp_path / "out"))
    assert whole.code == 0
    reader, writer = os.pipe()
    process = forks.start(*words_of(command, busy, format, tmp_path / "out"), stdout=writer)
    os.close(writer)
    assert os.read(reader, 10) == whole.out[:10]
    os.close(reader)
    done = process.end()
    assert done.err == ""
    assert done.code == EXIT_PIPE or (len(whole.out) < 1 << 16 and done.code == 0)


@pytest.mark.parametrize(("command", "format"), FORMATS)
def test_a_full_standard_output_is_one_line(forks, tmp_path, command, format):
    full = os.open("/dev/full", os.O_WRONLY)
    done = forks.run(*words_of(command, APP, format, tmp_path / "out"), stdout=full)
    os.close(full)
    assert done.code == 3
    assert done.problem == "standard output: No space left on device"


@pytest.mark.parametrize("command", READERS)
def test_a_closed_standard_output_is_one_line(forks, tmp_path, command):
    done = forks.run(*words_of(command, APP, out=tmp_path / "out"), closed=[1])
    assert done.code == 2
    assert done.problem == "standard output is closed: use --output FILE"


@pytest.mark.parametrize("command", READERS[:: 1 if SLOW else 4])
def test_a_closed_standard_input_does_not_matter_to_who_reads_a_file(forks, tmp_path, command):
    words = words_of(command, APP, out=tmp_path / "out")
    usual = forks.run(*words)
    assert (usual.code, usual.err) == (0, "")
    words = words_of(command, APP, out=tmp_path / "other")
    closed = forks.run(*words, closed=[0])
    assert (closed.code, closed.err) == (0, "")
    if command != "extract":  # which names its folder
        assert closed.out == usual.out


@pytest.mark.parametrize("command", READERS[:: 1 if SLOW else 4])
@pytest.mark.parametrize("how", ["closed", "full"])
def test_where_nothing_can_be_said_the_exit_code_still_tells(forks, tmp_path, command, how):
    full = os.open("/dev/full", os.O_WRONLY)
    more = {"closed": [2]} if how == "closed" else {"stderr": full}
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"no archive")
    done = forks.run(*words_of(command, bad, out=tmp_path / "out"), **more)
    wrong = forks.run(command, "--nope", **more)
    good = forks.run(*words_of(command, APP, out=tmp_path / "out"), **more)
    os.close(full)
    assert (done.code, wrong.code, good.code) == (3, 2, 0)
    assert done.out == b"" and good.out != b""
    assert done.err == wrong.err == good.err == ""


def test_warnings_that_cannot_be_told_do_not_end_the_work(forks, tmp_path):
    """A layer that is damaged is told on standard error by those that look into an image."""
    data = bytearray(APP.read_bytes())
    position = data.rindex(b"ustar", 0, data.index(b"site/index.html"))
    data[position - 100] ^= 1
    bad = tmp_path / "bad.tar"
    bad.write_bytes(data)
    told = forks.run("ls", bad)
    assert "Traceback" not in told.err
    full = os.open("/dev/full", os.O_WRONLY)
    for more in ({"closed": [2]}, {"stderr": full}):
        done = forks.run("ls", bad, **more)
        assert (done.code, done.out) == (told.code, told.out)
    os.close(full)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_is_cut_short_is_never_success(busy, unbuffered):
    """With PYTHONUNBUFFERED a write takes what fits, and says nothing of the rest."""
    words = [sys.executable, "-m", "oci_inspect", "tree", busy, "--format", "json"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, bufsize=0) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
    assert process.returncode == EXIT_PIPE


def test_nobody_is_left_to_hear(forks, tmp_path):
    out = tmp_path / "out"
    done = forks.run("analyze", APP, "-o", out, closed=[0, 1, 2])
    assert done.code == 0
    assert b"example/app" in Path(out).read_bytes()
