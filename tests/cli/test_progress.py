"""The line that tells how far the reading is: what it says, to whom, and how it ends."""

from __future__ import annotations

import gzip
import os
import select
import signal
import subprocess
import sys
import time

import pytest
from support.tars import END, entry, header
from support.terminals import heed_interrupts, open_terminal

from oci_inspect.cli.progress import PATIENCE, Speed, describe
from oci_inspect.progress import Part, Position, Progress
from oci_inspect.render.measure import display_width
from oci_inspect.stream.source import BytesSource

MB = 10**6
HALF = Position(250 * MB, 500 * MB, (Part("layer 3 of 12", 300 * MB, 100 * MB),))
PIPE = Position(3 * MB, None, (Part("0123456789ab", 20_000 * MB, 2 * MB),))


def test_a_known_whole_has_share_bytes_layer_speed_and_time_left():
    line = describe(HALF, 50 * MB, 120, fine=True)
    assert line.endswith(" 50%  250MB of 500MB · layer 3 of 12 · 50MB/s · 5s left")
    bar = line.split("  ")[0]
    assert bar == "█" * 15 + "░" * 15


def test_a_pipe_has_the_bytes_read_and_how_far_its_layer_is():
    # 19,998 MB at 100 MB/s are 200 s.
    line = describe(PIPE, 100 * MB, 120, fine=True)
    assert line == "3MB read · 0123456789ab: 2MB of 20GB · 100MB/s · 3min left"


def test_where_ascii_is_all_there_is_ascii_is_all_there_is_shown():
    line = describe(HALF, 50 * MB, 120, fine=False)
    assert line.isascii()
    assert line.startswith("[###############...............]")


@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("position", [HALF, PIPE, Position(0, None, ()), Position(0, 9, ())])
def test_no_line_is_wider_than_the_terminal(position, fine):
    for width in range(1, 200):
        assert display_width(describe(position, 7.0, width, fine=fine)) <= width


def test_a_name_from_the_archive_cannot_talk_to_the_terminal():
    hostile = Position(1, 9, (Part("\x1b]0;x\x07\r\nlayer", 9, 1),))
    line = describe(hostile, 1.0, 150, fine=True)
    assert line.isprintable()
    assert "layer" in line


def test_the_whole_is_read_and_the_rest_is_said():
    assert describe(Position(9, 9, ()), 1.0, 80, fine=True) == "putting the layers together"


def test_speed_is_of_the_last_seconds():
    speed = Speed()
    now = time.monotonic()
    for second in range(1, 11):
        speed.update(now + second, second * 100)
    for second in range(11, 21):
        rate = speed.update(now + second, 1000 + (second - 10) * 10)
    assert rate == pytest.approx(10, rel=0.01)


def test_what_was_waited_for_the_first_byte_is_no_part_of_the_speed():
    speed = Speed()
    now = time.monotonic()
    for second in range(1, 5):
        assert speed.update(now + second, 0) == 0.0
    assert speed.update(now + 5, 100) == pytest.approx(100)


def test_progress_counts_bytes_and_what_is_in_hand():
    progress = Progress()
    progress.expect(100)
    with progress.part("one", 60) as part:
        source = part.counted(BytesSource(bytes(60)))
        assert len(source.read(40)) == 40
        assert progress.look() == Position(40, 100, (Part("one", 60, 40),))
    assert progress.look() == Position(40, 100, ())
    progress.expect(10)  # beside the 40
    assert progress.look().total == 50


def test_what_is_inside_of_something_counted_counts_once():
    progress = Progress()
    outer = progress.counted(BytesSource(bytes(100)))
    with progress.part("inner", 30, inside=True) as part:
        part.counted(outer).read(30)
        assert progress.look() == Position(30, None, (Part("inner", 30, 30),))


def test_a_second_look_at_some_bytes_is_no_more_than_the_whole():
    progress = Progress()
    progress.expect(5)
    progress.counted(BytesSource(bytes(10))).read(10)
    assert progress.look().done == 5


PROGRAM = [sys.executable, "-m", "oci_inspect"]


class Watched:
    """A command whose standard error is a terminal."""

    def __init__(self, *arguments: str, **more) -> None:
        self._master, slave = open_terminal()
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=slave,
            bufsize=0,
            preexec_fn=heed_interrupts,
            **more,
        )
        os.close(slave)
        self.text = ""

    def until(self, words: str) -> None:
        """Read what comes to the terminal until ``words`` are there."""
        while words not in self.text:
            assert select.select([self._master], [], [], 20)[0], f"waited for {words!r}"
            self.text += os.read(self._master, 4096).decode()

    def end(self) -> int:
        """Read to the end; return the exit code."""
        try:
            while data := os.read(self._master, 4096):
                self.text += data.decode()
        except OSError:  # the other end is closed
            pass
        os.close(self._master)
        return self.process.wait(20)


@pytest.fixture
def endless(tmp_path):
    """An archive with a layer of 64 GB of zeros in some 64 MB: it takes a while."""
    size = 64 << 30
    member = gzip.compress(bytes(16 << 20), 9, mtime=0)
    path = tmp_path / "endless.tar"
    count = size // (16 << 20)
    layer = gzip.compress(header(b"zeros", size=size), mtime=0) + member * count
    manifest = b'[{"Config":"c.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]'
    config = b'{"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' % (b"0" * 64)
    path.write_bytes(
        entry(b"layer.tar", layer)
        + entry(b"c.json", config)
        + entry(b"manifest.json", manifest)
        + END
    )
    return path


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_in_the_middle_of_a_layer_takes_the_line_back(endless, jobs):
    watched = Watched("analyze", str(endless), "--jobs", jobs, "--limit", "expansion_ratio=1000000")
    watched.until("layer 1 of 1")
    watched.process.send_signal(signal.SIGINT)
    assert watched.end() == 130
    assert watched.text.endswith("\r\x1b[K" + "oci-inspect: interrupted\r\n")
    assert "Traceback" not in watched.text


def test_a_pipe_is_watched_and_its_line_goes_when_the_answer_comes(app):
    data = app.read_bytes()
    watched = Watched("analyze", "-", stdin=subprocess.PIPE)
    watched.process.stdin.write(data[:140_000])
    watched.until("kB read")
    watched.process.stdin.write(data[140_000:])
    watched.process.stdin.close()
    assert watched.end() == 0
    assert watched.text.endswith("\r\x1b[K")
    assert "\n" not in watched.text


@pytest.mark.parametrize("silent", ["quiet", "dumb", "no terminal"])
def test_nothing_is_drawn_for_nobody(app, silent):
    more = {"env": {**os.environ, "TERM": "dumb"}} if silent == "dumb" else {}
    arguments = ["analyze", "-", *(["--quiet"] if silent == "quiet" else [])]
    if silent == "no terminal":
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    else:
        watched = Watched(*arguments, stdin=subprocess.PIPE, **more)
        process = watched.process
    data = app.read_bytes()
    process.stdin.write(data[:140_000])
    time.sleep(PATIENCE + 0.3)
    process.stdin.write(data[140_000:])
    process.stdin.close()
    if silent == "no terminal":
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(20) == 0
    else:
        assert watched.end() == 0
        assert watched.text == ""
