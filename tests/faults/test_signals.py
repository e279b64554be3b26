"""Signals at any moment: what was there is whole, what is new is whole, nothing else is left.

Moments are drawn by a seed, over the time that the command takes undisturbed. A few in every run,
fifty of each kind for each command in the slow mode.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
from faults.conftest import SLOW
from support.commands import WRITERS, formats_of, words_of
from support.moments import CODES, Place
from support.trees import snapshot

MOMENTS = 50 if SLOW else 2
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP)
CASES = [
    (command, number)
    for i, command in enumerate(WRITERS)
    for j, number in enumerate(NUMBERS)
    if SLOW or j == i % 4 or (j < 3 and command in ("analyze", "compare", "export", "report"))
]
"""With little time one signal for a command, three for those that write most."""
IGNORED = re.compile(
    r"Exception ignored in: <function _get_module_lock.*?(?:KeyboardInterrupt: ?|Ended: [0-9]+)\n",
    re.DOTALL,
)
every_signal = pytest.mark.parametrize(
    "number", NUMBERS if SLOW else NUMBERS[:3], ids=lambda one: one.name
)


@pytest.mark.parametrize(("command", "number"), CASES)
def test_an_output_is_the_old_file_or_the_new_one(forks, busy, tmp_path, command, number):
    place = Place(forks, tmp_path)
    path = place.out / "out"
    formats = formats_of(command)
    words = [*words_of(command, busy, formats[min(1, len(formats) - 1)], tmp_path / "files")]
    words += ["-o", str(path), *["--force"] * (command == "extract")]
    lasts, done = place.undisturbed(words)
    assert (done.code, done.err) == (0, "")
    whole = path.read_bytes()
    seen = set()
    draw = random.Random(f"{command} {number}")
    for _ in range(MOMENTS):
        path.write_bytes(b"before")
        done = place.ended_by(number, words, draw.uniform(0, lasts * 1.1))
        seen.add(done.code)
        told = path.read_bytes()
        # what extract tells of its files may be of another time: some were there already
        assert told in (b"before", whole) or (command == "extract" and told.endswith(b"}\n"))
        if done.code == 0:
            assert told != b"before"
        left = [one.name for one in place.out.iterdir() if one.name != "out"]
        assert left == [] or number == signal.SIGKILL
        for name in left:
            assert name.startswith(".oci-inspect.")
            (place.out / name).unlink()
    if SLOW:
        assert seen & CODES[number]


@every_signal
def test_several_outputs_are_each_the_old_file_or_the_new_one(forks, busy, tmp_path, number):
    place = Place(forks, tmp_path)
    formats = formats_of("check")
    words = ["check", str(busy), "--no-config", "--max-size", "1B"]
    paths = [place.out / one for one in formats]
    for one, path in zip(formats, paths, strict=True):
        words += ["--format", one, "-o", str(path)]
    lasts, done = place.undisturbed(words)
    assert (done.code, done.err) == (1, "")
    whole = [one.read_bytes() for one in paths]
    draw = random.Random(number)
    for _ in range(MOMENTS):
        for path in paths:
            path.write_bytes(b"before")
        place.ended_by(number, words, draw.uniform(lasts * 0.4, lasts))
        for path, new in zip(paths, whole, strict=True):
            assert path.read_bytes() in (b"before", new)
        for left in place.out.glob(".*"):
            assert number == signal.SIGKILL
            left.unlink()


@every_signal
def test_files_that_are_extracted_are_whole_or_not_there(forks, busy, tmp_path, number):
    place = Place(forks, tmp_path)
    want = tmp_path / "want"
    lasts, done = place.undisturbed(["extract", str(busy), "-C", str(want)])
    assert done.code == 0
    whole = {path: thing[4] for path, thing in snapshot(want).items() if thing[0][0] == "-"}
    draw = random.Random(f"extract {number}")
    for i in range(MOMENTS):
        out = place.out / str(i)
        words = ["extract", str(busy), "-C", str(out)]
        place.ended_by(number, words, draw.uniform(lasts * 0.3, lasts))
        left = []
        for path, thing in (snapshot(out) if out.exists() else {}).items():
            if path.rpartition(b"/")[2].startswith(b".oci-inspect."):
                left.append(path)
            elif thing[0][0] == "-":
                assert thing[4] == whole[path], path
                assert thing[0] == ("-rw-r-----" if b"folder" in path else "-rw-r--r--")
        assert len(left) <= (2 if number == signal.SIGKILL else 0)


@pytest.mark.skipif(not SLOW, reason="what Python's own start may say is too many-sided: slow mode")
@pytest.mark.parametrize("command", ["analyze", "extract"])
def test_signals_in_a_burst_show_no_traceback(busy, tmp_path, command):
    """Keys are pressed twice where nothing seems to happen."""
    draw = random.Random(command)
    words = [sys.executable, "-m", "oci_inspect", command, str(busy), "--no-cache"]
    words += ["-C", str(tmp_path / "out"), "--force"] * (command == "extract")
    for _ in range(10 * MOMENTS):
        program = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(draw.uniform(0.05, 0.4))
        for number in draw.choices([signal.SIGINT, signal.SIGTERM], k=4):
            program.send_signal(number)
            time.sleep(draw.choice([0, 0, 0.001, 0.005]))
        said = program.communicate()[1].decode()
        coming = program.returncode in (-signal.SIGINT, -signal.SIGTERM)
        if coming and ", in main\n" not in said:
            continue  # while Python itself was coming, as SECURITY.md says
        if "oci_inspect" not in said and "oci-inspect" not in said:
            continue  # even before it looked for us
        # Where a signal falls into a callback of Python's imports, Python says so and goes on.
        said = IGNORED.sub("", said)
        assert "Traceback" not in said, said
        assert program.returncode in {0, *CODES[signal.SIGINT], *CODES[signal.SIGTERM]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["-", "gz"])
def test_a_stream_leaves_no_copy_behind(forks, busy, tmp_path, number, form):
    """export copies a stream to the temporary folder, under no name at all."""
    place = Place(forks, tmp_path)
    out = place.out / "out"
    path = busy
    if form == "gz":
        path = tmp_path / "busy.tar.gz"
        path.write_bytes(gzip.compress(busy.read_bytes(), 1))
    draw = random.Random(f"{form} {number}")
    for _ in range(MOMENTS):
        with path.open("rb") as file:
            given = file.fileno() if form == "-" else None
            named = "-" if form == "-" else path
            more = {"stdin": given, "environment": place.environment}
            running = forks.start("export", named, "-o", out, "--no-cache", **more)
            time.sleep(draw.uniform(0, 0.3))
            running.kill(number)
            done = running.end()
        assert "Traceback" not in done.err, done.err
        assert done.code in CODES[number] | {0}
        assert list(place.temp.iterdir()) == []
        assert [one.name for one in place.out.iterdir()] in ([], ["out"])


INTERRUPTED_IMPORT = """
import os, signal, sys
name, number, *words = sys.argv[1:]

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), int(number))

class Interrupts:
    def find_spec(self, wanted, path=None, target=None):
        if wanted == name:
            sys.meta_path.remove(self)
            WHAT

sys.meta_path.insert(0, Interrupts())
sys.argv = ["oci-inspect", *words]
from oci_inspect.__main__ import main
main()
"""
AT_ONCE = INTERRUPTED_IMPORT.replace("WHAT", "os.kill(os.getpid(), int(number))")
WHILE_A_CLASS_IS_MADE = INTERRUPTED_IMPORT.replace("WHAT", "type('Data', (), {'field': Field()})")
"""Python 3.11 makes a RuntimeError of what is raised there."""


@pytest.mark.parametrize("script", [AT_ONCE, WHILE_A_CLASS_IS_MADE], ids=["at once", "in a class"])
@pytest.mark.parametrize(
    "module",
    [
        *("click", "oci_inspect.cli", "oci_inspect.cli.verify", "oci_inspect.inspection"),
        *("oci_inspect.layer.scan", "zstandard", "oci_inspect.render.views", "tabulate"),
    ],
)
def test_ctrl_c_while_a_module_is_loaded_is_130_and_one_line(busy, module, script):
    """From the first module of ours on; what comes before is Python's own start."""
    words = [sys.executable, "-c", script, module, str(int(signal.SIGINT))]
    words += ["verify", str(busy), "--no-cache"]
    done = subprocess.run(words, capture_output=True, env=dict(os.environ), check=False)
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"oci-inspect: interrupted\n"


@pytest.mark.parametrize("script", [AT_ONCE, WHILE_A_CLASS_IS_MADE], ids=["at once", "in a class"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_what_nohup_ignores_stays_ignored(busy, number, script):
    """And a signal that is not ignored ends it with 128 and its number."""

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    words = [sys.executable, "-c", script, "oci_inspect.layer.scan", str(int(number))]
    words += ["verify", str(busy), "--no-cache"]
    more = {"capture_output": True, "env": dict(os.environ), "check": False}
    done = subprocess.run(words, preexec_fn=ignore, **more)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run(words, **more)
    assert (done.returncode, done.stdout) == (128 + number, b"")
    assert done.stderr.decode() == f"oci-inspect: ended by {number.name}\n"
