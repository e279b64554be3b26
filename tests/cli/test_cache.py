"""The cache from the command line: where it is, what switches it off, many processes at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli.conftest import PROGRAM

from oci_inspect.cli import ARCHIVE_COMMANDS
from oci_inspect.layer.scan_record import decode

ONE_IMAGE = {"inspect", "history", "dockerfile", "layers", "waste"}


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.scan"))


def ended(
    command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A process at its end. Its environment is os.environ: readline changes the real one."""
    return subprocess.run(
        command,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test alone, named by the variable for it."""
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(tmp_path / "scans"))
    return tmp_path / "scans"


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, and no variable that names a cache."""
    for name in ("OCI_INSPECT_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# The three commands


def test_info_dir_and_clear_tell_of_one_folder(run, app, folder):
    assert run("cache", "dir").text == f"{folder}\n"
    assert not folder.exists()
    empty = run("cache", "info").text
    assert str(folder) in empty and "yes" in empty
    assert run("analyze", app).code == 0
    assert run("cache", "info", "--format", "json").json["entries"] == 11
    assert run("cache", "info").text.split()[-6:-4] != empty.split()[-6:-4]
    result = run("cache", "clear")
    assert (result.code, result.text) == (0, "removed 11 scans, 45.1kB\n")
    assert entries(folder) == []
    assert run("cache", "clear").text == "removed 0 scans, 0B\n"
    assert run("cache", "info").text == empty


def test_info_says_why_nothing_is_kept(run, app, folder):
    assert run("analyze", app).code == 0
    folder.chmod(0o777)
    assert "no: others can write to the folder" in run("cache", "info").text
    assert run("analyze", app).err == ""
    assert run("cache", "clear").problem == f"{folder}: others can write to the folder"
    assert len(entries(folder)) == 11


def test_a_path_that_would_drive_a_terminal_is_escaped(run, tmp_path, monkeypatch):
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", f"{tmp_path}/\x1b[31mred")
    assert "\x1b" not in run("cache", "info").text
    assert run("cache", "dir").out == f"{tmp_path}/\x1b[31mred\n".encode()  # for scripts


@pytest.mark.parametrize("command", ["dir", "clear"])
def test_without_a_cache_there_is_nothing_to_name_or_clear(run, monkeypatch, command):
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", "")
    result = run("cache", command)
    assert (result.code, result.problem) == (2, "there is no cache: OCI_INSPECT_CACHE_DIR is empty")
    assert "no: OCI_INSPECT_CACHE_DIR is empty" in run("cache", "info").text


# Who keeps, and who does not


@pytest.mark.parametrize("command", (*ARCHIVE_COMMANDS, "report"))
def test_every_command_that_scans_keeps_scans_unless_told_not_to(run, app, folder, command):
    more = ("--format", "docker") if command == "inspect" else ()
    cold = run(command, app, "--no-cache", *more)
    assert cold.code == 0
    assert not folder.exists()
    assert run(command, app, *more).out == cold.out
    assert len(entries(folder)) == 11
    assert run(command, app, *more).out == cold.out
    for path in entries(folder):
        path.write_bytes(b"damaged")
    assert run(command, app, "--no-cache", *more).out == cold.out
    assert {path.read_bytes() for path in entries(folder)} == {b"damaged"}


def test_inspect_reads_no_layer_and_needs_no_cache(run, app, folder):
    assert run("inspect", app).code == 0
    assert not folder.exists()


def test_verify_finds_what_changed_after_it_was_kept(run, app, folder, tmp_path):
    copy = tmp_path / "image.tar"
    shutil.copy(app, copy)
    assert run("verify", copy, "--quiet").code == 0
    data = bytearray(copy.read_bytes())
    at = data.index(b"ustar") + 600  # in the content of a layer's first file, or in a header
    data[at] ^= 1
    copy.write_bytes(data)
    warm = run("verify", copy)
    assert warm.code == 1
    assert warm.out == run("verify", copy, "--no-cache").out
    assert len(entries(folder)) >= 11


def test_a_stream_is_kept_and_a_compressed_file_as_well(spawn, folder, tmp_path):
    import random
    import tarfile

    from support.images import ImageBuilder, docker_archive
    from support.tars import TarBuilder

    layer = TarBuilder().file("a", random.Random(1).randbytes(100_000))
    archive = docker_archive(ImageBuilder("a:1").layer(layer), style="skopeo")
    data = archive.tar()
    assert spawn("verify", "-", input=data).code == 0
    assert len(entries(folder)) == 1
    path = tmp_path / "image.tar"
    path.write_bytes(data)
    assert tarfile.is_tarfile(path)
    before = entries(folder)[0].stat().st_ino
    assert spawn("verify", path).code == 0
    assert entries(folder)[0].stat().st_ino == before


def test_silence_about_a_damaged_entry(run, app, folder):
    plain = run("analyze", app)
    for i, path in enumerate(entries(folder)):
        data = path.read_bytes()
        path.write_bytes([data[:-1], b"", data + b"x", b"\0" * 100][i % 4])
    again = run("analyze", app)
    assert (again.code, again.out, again.err) == (0, plain.out, "")
    for path in entries(folder):
        decode(path.read_bytes())


# Bounds


def test_the_bound_is_a_size_as_people_write_it(run, app, folder, monkeypatch):
    for text, size in (("64KiB", 65_536), ("1.5GB", 1_500_000_000), ("", 512 << 20)):
        monkeypatch.setenv("OCI_INSPECT_CACHE_SIZE", text)
        assert run("cache", "info", "--format", "json").json["most_bytes"] == size
    monkeypatch.setenv("OCI_INSPECT_CACHE_SIZE", "20KiB")
    assert run("analyze", app).code == 0
    assert 0 < len(entries(folder)) <= 5


@pytest.mark.parametrize("text", ["lots", "0", "-5", "1 apple", "\x1b[31m"])
@pytest.mark.parametrize("arguments", [("analyze", "APP"), ("cache", "info"), ("cache", "clear")])
def test_a_bound_that_is_no_size_is_one_line(run, app, folder, monkeypatch, text, arguments):
    monkeypatch.setenv("OCI_INSPECT_CACHE_SIZE", text)
    result = run(*(app if one == "APP" else one for one in arguments))
    assert result.code == 2
    assert "OCI_INSPECT_CACHE_SIZE" in result.problem
    assert "is not a number of 1 or more" in result.problem
    assert run("analyze", app, "--no-cache").code == 0


# Where it is


def test_by_default_it_lies_where_the_xdg_specification_says(run, app, home):
    assert run("analyze", app).code == 0
    assert len(entries(home / ".cache" / "oci-inspect")) == 11
    assert run("cache", "dir").text == f"{home}/.cache/oci-inspect\n"
    assert (home / ".cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform == "darwin", reason="there it is in Library/Caches")
def test_xdg_cache_home_is_obeyed_where_it_is_absolute(run, home, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert run("cache", "dir").text == f"{tmp_path}/elsewhere/oci-inspect\n"
    for ignored in ("relative", "./relative", "~/relative", ""):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert run("cache", "dir").text == f"{home}/.cache/oci-inspect\n"


def test_the_variable_of_ours_comes_first_and_may_be_relative(
    run, app, home, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", "mine")
    assert run("analyze", app).code == 0
    assert len(entries(tmp_path / "mine")) == 11
    assert run("cache", "dir").text == f"{tmp_path}/mine\n"
    assert list(home.iterdir()) == []


def test_an_empty_variable_switches_it_off(run, app, home, monkeypatch):
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", "")
    assert run("analyze", app).code == 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("value", [None, "", "relative", "/nonexistent/home", "/dev/null"])
def test_no_home_is_no_trouble(spawn, app, home, monkeypatch, tmp_path, value):
    """Without HOME the password file tells; here it tells of a folder that nobody can make."""
    if value is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", value)
    plain = spawn("layers", app, "--no-cache")
    monkeypatch.chdir(tmp_path)
    code = (
        "import os, pwd, sys\n"
        "class Entry: pw_dir = '/proc/nowhere'\n"
        "pwd.getpwuid = lambda uid: Entry\n"
        "from oci_inspect.cli import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    for arguments in (["layers", str(app)], ["cache", "info"]):
        done = ended([sys.executable, "-c", code, *arguments])
        assert (done.returncode, done.stderr) == (0, b"")
        if arguments[0] == "layers":
            assert done.stdout == plain.out
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home"]


def test_a_user_without_any_home_is_no_trouble(app, home, monkeypatch, tmp_path):
    monkeypatch.delenv("HOME")
    monkeypatch.chdir(tmp_path)
    code = (
        "import pwd, sys\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "from oci_inspect.cli import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )

    def call(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return ended([sys.executable, "-c", code, *arguments])

    assert call("analyze", str(app)).returncode == 0
    assert b"no: there is no home folder" in call("cache", "info").stdout
    named = call("cache", "dir")
    assert (named.returncode, named.stdout, named.stderr.count(b"\n")) == (2, b"", 1)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home"]


def test_a_working_folder_that_is_no_more_is_no_trouble(spawn, app, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys\n"
        "os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "os.environ['OCI_INSPECT_CACHE_DIR'] = 'relative'\n"
        "from oci_inspect.cli import run\n"
        "sys.exit(run(sys.argv[2:]))\n"
    )
    done = ended([sys.executable, "-c", code, str(gone), "layers", str(app)])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == spawn("layers", app, "--no-cache").out


@pytest.mark.parametrize("place", ["file", "file/below", "/dev/null/x", "/proc/self/x", "x" * 300])
def test_a_folder_that_cannot_be_is_no_trouble(run, app, tmp_path, monkeypatch, place):
    (tmp_path / "file").write_bytes(b"mine")
    plain = run("analyze", app, "--no-cache")
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(tmp_path / place))
    result = run("analyze", app)
    assert (result.code, result.out, result.err) == (0, plain.out, "")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert run("cache", "info").code == 0


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs mounts")
@pytest.mark.parametrize("options", ["ro", "size=8k"])
def test_a_mounted_folder_that_is_full_or_read_only(app, tmp_path, options):
    """A file system of its own: no pretence, as root can write where nobody else can."""
    scans = tmp_path / "scans"
    scans.mkdir()
    script = (
        f"mount -t tmpfs -o {options},mode=700 none {scans} || exit 99\n"
        f"{' '.join(PROGRAM)} analyze {app} || exit 1\n"
        f"{' '.join(PROGRAM)} cache info 1>&2\n"
        f"ls -A {scans} | grep -c '^[.]' 1>&2\n"
        "exit 0\n"
    )
    done = ended(["unshare", "--mount", "sh", "-c", script], {"OCI_INSPECT_CACHE_DIR": str(scans)})
    if done.returncode == 99 or b"unshare" in done.stderr:
        pytest.skip("no mounts here")
    plain = ended([*PROGRAM, "analyze", str(app), "--no-cache"])
    assert (done.returncode, done.stdout) == (0, plain.stdout)
    told = done.stderr.decode().split("\n")
    assert told[-2] == "0"  # nothing unfinished is left
    used = "no: the folder cannot be written" if options == "ro" else "yes"
    assert used in done.stderr.decode()


# Many at once


def test_eight_processes_on_one_archive_and_one_empty_cache(app, folder):
    arguments = [*PROGRAM, "verify", str(app), "--format", "json"]
    plain = ended([*arguments, "--no-cache"])
    running = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")
        assert out == plain.stdout
    assert len(entries(folder)) == 11
    for path in entries(folder):
        assert decode(path.read_bytes()).digest.endswith(path.name[:64])
    assert [one.name for one in folder.iterdir() if one.name.startswith(".")] == []


def test_killed_runs_leave_a_cache_that_works(spawn, app, folder):
    plain = spawn("analyze", app, "--no-cache")
    for delay in (0.08, 0.1, 0.12, 0.14):
        process = subprocess.Popen(
            [*PROGRAM, "analyze", str(app)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(delay)
        process.kill()
        process.wait(60)
        for path in entries(folder):
            decode(path.read_bytes())
    assert spawn("analyze", app).out == plain.out


@pytest.mark.parametrize("command", ["info", "clear", "dir"])
def test_no_room_for_the_answer_is_one_line(command: str, folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, "cache", command], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr == b"oci-inspect: standard output: No space left on device\n"
    shell = ["sh", "-c", '"$@" >&-', "sh", *PROGRAM, "cache", command]
    done = subprocess.run(shell, capture_output=True)
    assert done.returncode == 2
    assert b"standard output is closed" in done.stderr
