"""No room, in every place that something is written to: nothing half written, one line, no pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.conftest import SLOW
from support.commands import APP, WRITERS, formats_of, words_of
from support.trees import snapshot

from oci_inspect.cli import EXIT_USAGE

OUTPUTS = [
    (name, format)
    for name in WRITERS
    for format in (formats_of(name) if SLOW else formats_of(name)[-1:])
]


@pytest.mark.parametrize(("command", "format"), OUTPUTS)
def test_a_file_that_may_not_grow_leaves_the_old_one_alone(forks, tmp_path, command, format):
    """RLIMIT_FSIZE: a write beyond it takes a part, the next one nothing (EFBIG)."""
    out = tmp_path / "out"
    out.mkdir()
    path = out / "report"
    path.write_text("before")
    words = [*words_of(command, APP, format, tmp_path / "files"), "-o", path, "--no-cache"]
    limit = 0 if command == "extract" or format == "gitlab" else 10
    done = forks.run(*words, limits={"RLIMIT_FSIZE": limit})
    assert done.code == EXIT_USAGE
    assert done.problem == f"{path}: it cannot be written: File too large"
    assert path.read_text() == "before"
    assert [one.name for one in out.iterdir()] == ["report"]


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_device_is_told_by_its_name(forks, tmp_path, command):
    done = forks.run(*words_of(command, APP, out=tmp_path / "files"), "-o", "/dev/full")
    assert done.code == EXIT_USAGE
    assert done.problem == "/dev/full: it cannot be written: No space left on device"


def test_one_of_several_outputs_that_cannot_be_written_spoils_no_other(forks, tmp_path):
    first, last = tmp_path / "first.json", tmp_path / "last.xml"
    words = ["check", APP, "--no-config", "--max-size", "1GB"]
    words += ["--format", "json", "-o", first, "--format", "sarif", "-o", "/dev/full"]
    words += ["--format", "junit", "-o", last]
    done = forks.run(*words)
    assert done.code == EXIT_USAGE
    assert done.problem == "/dev/full: it cannot be written: No space left on device"
    for path, end in ((first, b"}\n"), (last, b">\n")):
        assert not path.exists() or path.read_bytes().endswith(end)
    assert {one.name for one in tmp_path.iterdir()} <= {"first.json", "last.xml"}


def test_a_file_that_is_too_large_to_extract_is_told_and_the_rest_is_done(forks, busy, tmp_path):
    out = tmp_path / "out"
    done = forks.run("extract", busy, "-C", out, "--no-cache", limits={"RLIMIT_FSIZE": 100_000})
    assert done.code == 1
    assert "failed      3  File too large  large0, large1, large2" in done.out.decode()
    found = {path.rpartition(b"/")[2]: thing for path, thing in snapshot(out).items()}
    assert not [name for name in found if name.startswith((b"large", b".oci-inspect"))]
    assert found[b"index.html"][4][0] == 1 and len(found) > 2_000


def test_a_cache_that_cannot_grow_is_nobody_s_trouble(forks, busy, tmp_path):
    usual = forks.run("analyze", busy, "--no-cache")
    environment = {"OCI_INSPECT_CACHE_DIR": str(tmp_path / "cache")}
    done = forks.run("analyze", busy, environment=environment, limits={"RLIMIT_FSIZE": 1_000})
    assert (done.code, done.err, done.out) == (0, "", usual.out)
    # Its tag is small enough; of the scans no part is left.
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["CACHEDIR.TAG"]
    done = forks.run("analyze", busy, environment=environment)
    assert done.out == usual.out and len(list((tmp_path / "cache").iterdir())) == 4


# A real file system without room


SCRIPT = """
set -u
disk=$1 app=$2 busy=$3; shift 3
mount -t tmpfs -o size=64k,mode=700 none "$disk" || exit 99
for step in file export extract stream cache; do
    rm -rf "$disk"/*; mkdir "$disk/t" "$disk/out"
    echo "== $step"
    case $step in
    file) echo before > "$disk/out/a"
          "$@" ls "$busy" --format json -o "$disk/out/a" --no-cache; echo "exit $?"
          cat "$disk/out/a";;
    export) "$@" export "$busy" -o "$disk/out/a" --no-cache; echo "exit $?";;
    extract) "$@" extract "$busy" -C "$disk/out/x" --no-cache; echo "exit $?";;
    stream) TMPDIR=$disk/t "$@" cat - site/index.html --no-cache < "$busy"; echo "exit $?";;
    cache) head -c 63000 /dev/zero > "$disk/filler"
           OCI_INSPECT_CACHE_DIR=$disk/out/c "$@" verify "$app" -q; echo "exit $?";;
    esac
    find "$disk/t" "$disk/out" -type f -name '*oci-inspect.*' -o -name '.*.scan.*'
done 2>&1
"""


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs mounts")
def test_a_disk_that_is_really_full(busy, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", disk, APP, busy]
    done = subprocess.run(
        [*words, sys.executable, "-m", "oci_inspect"],
        capture_output=True,
        env=dict(os.environ),
        check=False,
    )
    if done.returncode == 99 or b"unshare" in done.stderr:
        pytest.skip("nothing can be mounted here")
    steps = dict(one.split("\n", 1) for one in done.stdout.decode().split("== ")[1:])
    room = "No space left on device"
    assert steps["file"] == (
        f"oci-inspect: {disk}/out/a: it cannot be written: {room}\nexit 2\nbefore\n"
    )
    assert steps["export"] == f"oci-inspect: {disk}/out/a: it cannot be written: {room}\nexit 2\n"
    told = steps["extract"].split("\n")
    assert len(told) == 3 and told[1:] == ["exit 3", ""]
    assert "do not fit" in told[0]
    assert steps["stream"].endswith("exit 3\n") and steps["stream"].count("\n") == 2
    assert f"its copy in {disk}/t: {room}" in steps["stream"]
    assert steps["cache"] == "exit 0\n"
    assert list(Path(disk).iterdir()) == []
