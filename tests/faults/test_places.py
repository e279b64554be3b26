"""Where nothing is as usual: no home, no account, no working folder, a locale without UTF-8."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.conftest import SLOW
from support.commands import ALL_FORMATS, APP, FILE, READERS, words_of
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import ScanCache, analyze
from oci_inspect.cli import run as run_command_line

HOMELESS = ("HOME", "XDG_CACHE_HOME", "OCI_INSPECT_CACHE_DIR", "TMPDIR", "USER", "LOGNAME")
SOME = READERS if SLOW else ("analyze", "check", "cat", "export", "extract", "df")

IN_ONE_PROCESS = """
import os, sys
from oci_inspect.cli import run
if os.environ.get("WITHOUT_FOLDER"):
    os.rmdir(os.getcwd())
for line in sys.stdin.buffer.read().split(b"\\n"):
    words = [os.fsdecode(one) for one in line.split(b"\\0")]
    sys.stdout.flush()
    print("=#= ", words[0], words[-1].isascii(), flush=True)
    print("exit", run(words), flush=True)
"""
"""Runs a command line for each line of standard input; a start of Python is all that it takes."""


def all_of(
    command_lines: list[list[str]], environment: dict[str, str], **more: object
) -> subprocess.CompletedProcess[bytes]:
    text = b"\n".join(b"\0".join(map(os.fsencode, words)) for words in command_lines)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    root = str(Path(__file__).parent.parent.parent)
    return subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS],
        input=text,
        capture_output=True,
        env={"PYTHONPATH": root, **kept, **environment},
        check=False,
        **more,  # type: ignore[call-overload]
    )


@pytest.fixture(name="readable")
def _readable() -> Iterator[Path]:
    """A folder that everybody can read, with an archive in it; pytest's own are its user's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(APP, folder / "image.tar")
        (folder / "image.tar").chmod(0o644)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize("command", SOME)
def test_a_user_without_account_home_or_right_to_write(forks, readable, command):
    """As in a container that runs under some number: uid 65533 is nobody at all."""
    if not os.access(sys.executable, os.X_OK):
        pytest.skip("nobody else can run this Python")
    usual = forks.run(*words_of(command, readable / "image.tar", out=readable / "mine"))
    more = {"unset": HOMELESS, "uid": 65_533, "folder": readable}
    done = forks.run(*words_of(command, readable / "image.tar", out=readable / "theirs"), **more)
    if command == "extract":
        assert done.code == 2
        assert "cannot be written to: Permission denied" in done.problem
        assert not (readable / "theirs").exists()
        return
    assert (done.code, done.err, done.out) == (0, usual.err, usual.out)
    done = forks.run(*words_of(command, "image.tar"), "-o", readable / "out", **more)
    assert done.code == 2
    assert done.problem == f"{readable}/out: it cannot be written: Permission denied"


@pytest.mark.parametrize("command", READERS if SLOW else ("extract", "export", "ls"))
def test_a_working_folder_that_is_gone(tmp_path, command):
    folder = tmp_path / "gone"
    folder.mkdir()
    words = words_of(command, APP, out=tmp_path / "out")
    report = words_of(command, APP, out=tmp_path / "other")
    lines = [words, [*report, "-o", str(tmp_path / "report")], ["analyze", "image.tar"]]
    done = all_of(lines, {"WITHOUT_FOLDER": "1"}, cwd=folder)
    assert done.returncode == 0 and not folder.exists()
    assert b"Traceback" not in done.stderr
    assert codes(done) == [0, 0, 3]
    assert (tmp_path / "report").stat().st_size


@pytest.mark.parametrize(
    "words",
    [
        ["check", str(APP), "--max-size", "1GB"],  # which looks for a rules file
        ["check", str(APP), "--init"],
        ["extract", str(APP), FILE],
        ["ls", str(APP), "-o", "here"],
    ],
)
def test_what_needs_the_working_folder_says_that_it_is_gone(tmp_path, words):
    folder = tmp_path / "gone"
    folder.mkdir()
    done = all_of([words], {"WITHOUT_FOLDER": "1"}, cwd=folder)
    told = done.stderr.decode()
    assert told.startswith("oci-inspect: ") and told.count("\n") == 1
    assert "the working folder is gone" in told or "No such file or directory" in told
    assert list(tmp_path.iterdir()) == []


def codes(done: subprocess.CompletedProcess[bytes]) -> list[int]:
    return [int(one) for one in re.findall(rb"exit (\d+)\n", done.stdout)]


# A locale without UTF-8


@pytest.fixture(name="foreign")
def _foreign(tmp_path: Path) -> Path:
    """An archive whose name, image, paths and contents are beyond ASCII, and not even UTF-8."""
    image = ImageBuilder("example/app:1", run={"Labels": {"a": "日本語 ünï"}})
    layer = TarBuilder().file("site/index.html", "ünï\n".encode())
    layer.dir("grün").file("grün/日本", b"1").file(b"no\xff\xfe", b"2").symlink("l", "grün")
    image.layer(layer, created_by="RUN echo ünï > grün")
    image.layer(TarBuilder().whiteout("grün/日本").file("grün/neu", b"2"), created_by="RUN é")
    return docker_archive(image).write_file(
        tmp_path / os.fsdecode("bild-ünï-".encode() + b"\xff.tar")
    )


TEXT = ("table", "")
LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
}


@pytest.mark.parametrize("name", LOCALES)
def test_a_locale_without_utf_8_changes_tables_and_nothing_else(foreign, tmp_path, name):
    folders = {}

    def lines_of(out: Path) -> list[list[str]]:
        lines = []
        for command, format in ALL_FORMATS:
            words = words_of(command, foreign, format, out / f"{format}")
            words = [one for one in words if not one.startswith(str(APP.parent))]
            if command == "compare":
                words = ["compare", str(foreign), str(APP), "--format", format]
            lines.append([*words, "--no-cache"])
        lines += [["cat", str(foreign), os.fsdecode(b"no\xff\xfe")], ["ls", str(foreign), "grün"]]
        return [*lines, ["analyze", str(foreign) + "ü"], ["cat", str(foreign), "fehlt-ü"]]

    done = {}
    for one, environment in (("utf-8", {"PYTHONUTF8": "1"}), (name, LOCALES[name])):
        folders[one] = tmp_path / one
        done[one] = all_of(lines_of(folders[one]), environment)
        assert done[one].returncode == 0, done[one].stderr
        assert b"Traceback" not in done[one].stderr
        assert done[one].stderr.count(b"\n") == 2  # the two that are not there
    told, usual = (
        done[one].stdout.replace(os.fsencode(folders[one]), b"") for one in (name, "utf-8")
    )
    told, usual = told.split(b"=#= "), usual.split(b"=#= ")
    assert len(told) == len(usual)
    for (command, format), mine, plain in zip(
        [*ALL_FORMATS, *[("", "")] * 4], told[1:], usual[1:], strict=True
    ):
        assert mine.split(b"\n")[-2] == plain.split(b"\n")[-2], command  # the exit code
        if format not in TEXT:
            assert mine == plain, (command, format)
        elif format and command != "dockerfile" and name != "latin-1":  # that is a document too
            assert mine.isascii(), command
    assert {path.name for path in (folders[name] / "table").iterdir()} == {
        path.name for path in (folders["utf-8"] / "table").iterdir()
    }


# The cache, taken away in the middle


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"mine")


def a_link_to_nowhere(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.with_name("nowhere"))


def a_link_to_itself(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.name)


def writable_by_all(folder: Path) -> None:
    folder.chmod(0o777)


def read_only(folder: Path) -> None:
    folder.chmod(0o500)


def full_of_folders(folder: Path) -> None:
    for one in folder.glob("*.scan"):
        one.unlink()
        one.mkdir()


WAYS: list[Callable[[Path], None]] = [
    *(removed, a_file, a_link_to_nowhere, a_link_to_itself),
    *(writable_by_all, read_only, full_of_folders),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("step", ["get", "put"])
def test_a_cache_that_is_taken_away_during_the_run(tmp_path, monkeypatch, capsysbinary, way, step):
    folder = tmp_path / "cache"
    assert run_command_line(["analyze", str(APP), "--no-cache"]) == 0
    usual = capsysbinary.readouterr().out
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(folder))
    first = docker_archive(ImageBuilder("a:1").layer(TarBuilder().file("a"))).write_file(
        tmp_path / "first.tar"
    )
    assert run_command_line(["analyze", str(first)]) == 0  # now there is a folder
    capsysbinary.readouterr()
    real = getattr(ScanCache, step)
    calls = []

    def taken_away(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            way(folder)
        return real(*arguments)

    monkeypatch.setattr(ScanCache, step, taken_away)
    if step == "get":  # which is asked where there is something
        analyze(APP, cache=ScanCache(folder), jobs=1)
    assert run_command_line(["analyze", str(APP), "--jobs", "1"]) == 0
    told = capsysbinary.readouterr()
    assert (told.out, told.err) == (usual, b"")
    assert len(calls) >= 2
    if way is a_file:
        assert folder.read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "where", ["oci_inspect.layer.scan.scan_layer", "oci_inspect.render.render"]
)
def test_no_memory_left_is_one_line(monkeypatch, capsysbinary, where):
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(where, none_left)
    monkeypatch.setattr("oci_inspect.scanning.scan_layer", none_left, raising=False)
    assert run_command_line(["analyze", str(APP), "--no-cache"]) == 3
    told = capsysbinary.readouterr()
    assert told.out == b"" and told.err.startswith(b"oci-inspect: out of memory: ")
    assert told.err.count(b"\n") == 1
