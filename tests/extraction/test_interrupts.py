"""Stopped at any moment: no file under its name is half written, and nothing is left over."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder
from support.terminals import heed_interrupts
from support.trees import opened, snapshot

from oci_inspect import NoSpaceError, Outcome, TargetError, extract

SIZE = 300_000
COUNT = 150


def content(i: int) -> bytes:
    return random.Random(i).randbytes(1_000) * (SIZE // 1_000)


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory) -> Path:
    layer = TarBuilder()
    for i in range(COUNT):
        layer.file(f"d{i % 5}/{i}", content(i), mode=0o640, mtime=i).hardlink(
            f"h/{i}", f"d{i % 5}/{i}"
        )
    image = docker_archive(ImageBuilder("a:1").layer(layer, compression="gzip"))
    return image.write_file(tmp_path_factory.mktemp("image") / "image.tar")


def stopped(image: Path, out: Path, number: int, delay: float, *more: str) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "oci_inspect", "extract", str(image), "-C", str(out), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    )
    until = time.monotonic() + 20
    while not out.exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert b"Traceback" not in err
    return process.returncode


def check(out: Path) -> list[bytes]:
    """Every file under a name of the image is whole; returns the names that are not of it."""
    left = []
    for path, thing in snapshot(out).items():
        name = path.rpartition(b"/")[2]
        if name.startswith(b".oci-inspect."):
            left.append(path)
        elif str(thing[0]).startswith("-"):
            place = out / os.fsdecode(path)
            assert place.read_bytes() == content(int(name)), path
            assert thing[0] == "-rw-r-----"
            assert place.stat().st_mtime == int(name)
    return left


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_at_any_moment(image, tmp_path, number, force):
    seed = random.Random(number + force)
    codes = set()
    for i in range(6):
        out = tmp_path / "out" / str(i)
        out.parent.mkdir(exist_ok=True)
        codes.add(stopped(image, out, number, seed.uniform(0, 0.25), *(("--force",) * force)))
        left = check(out)
        assert len(left) <= (2 if number == signal.SIGKILL else 0)
    # After all is done SIGTERM is what it ever was, and ends us while Python takes itself apart.
    ways = {signal.SIGINT: {130, 0}, signal.SIGTERM: {143, -15, 0}, signal.SIGKILL: {-9, 0}}
    assert codes <= ways[number]
    assert codes != {0}


def test_ctrl_c_in_the_middle_of_a_file(tmp_path, out, monkeypatch):
    from oci_inspect.extraction import writing

    def interrupt(descriptor, data):
        os.write(descriptor, data[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_write", interrupt)
    with (
        opened(tmp_path / "in", TarBuilder().file("d/a", bytes(99))) as (_, stack),
        pytest.raises(KeyboardInterrupt),
    ):
        extract(stack, out)
    assert set(snapshot(out)) == {b"", b"d"}
    assert (out / "d").stat().st_mode & 0o777 == 0o700


def three() -> TarBuilder:
    return TarBuilder().dir("d", mode=0o711, mtime=3).file("d/a", b"1").file("d/b", b"2" * 99)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stops_at_once_and_keeps_what_is_complete(take, out, monkeypatch, number):
    from oci_inspect.extraction import writing

    real = writing._write

    def full(descriptor, data):
        if len(data) > 50:
            os.write(descriptor, data[:10])
            raise OSError(number, os.strerror(number))
        real(descriptor, data)

    monkeypatch.setattr(writing, "_write", full)
    with pytest.raises(NoSpaceError, match="no space left at /d/b"):
        take(three().file("z", b"3"))
    found = snapshot(out)
    assert set(found) == {b"", b"d", b"d/a"}
    assert found[b"d"][0] == "drwx--x--x" and found[b"d"][3] == 3 * 10**9


def test_a_disk_that_is_really_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        from support.tars import gnu_sparse

        regions = [(i * 40_960, 1) for i in range(400)]  # a page each, a byte as stored
        holes = gnu_sparse(b"holes", regions, b"x" * 400, 400 * 40_960)
        with (
            opened(tmp_path / "in", TarBuilder().file("a", b"1").raw(holes)) as (_, stack),
            pytest.raises(NoSpaceError, match="no space left at /holes"),
        ):
            extract(stack, disk / "out")
        assert set(snapshot(disk / "out")) == {b"", b"a"}
        with (
            opened(tmp_path / "in", TarBuilder().file("b", bytes(1 << 20))) as (_, stack),
            pytest.raises(NoSpaceError, match="do not fit"),
        ):
            extract(stack, disk / "out")
        assert set(snapshot(disk / "out")) == {b"", b"a"}
        # and with holes that no disk could fill
        holes = gnu_sparse(b"eib", [(4096, 3)], b"xyz", (1 << 63) - 1)
        with opened(tmp_path / "in", TarBuilder().raw(holes)) as (_, stack):
            from oci_inspect import Limits

            stack.files._limits = Limits(layer_bytes=1 << 63)
            assert extract(stack, disk / "out").ok
        assert (disk / "out/eib").stat().st_size == (1 << 63) - 1
        (disk / "out/eib").unlink()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENAMETOOLONG, errno.EROFS])
def test_other_errors_are_told_and_the_rest_is_done(take, out, monkeypatch, number):
    from oci_inspect.extraction import writing

    written = writing._write

    def refuse(descriptor, data):
        if len(data) > 50:
            raise OSError(number, os.strerror(number))
        written(descriptor, data)

    monkeypatch.setattr(writing, "_write", refuse)
    result = take(three().hardlink("e", "d/b").file("z", b"3"))
    assert [(one.path, one.reason) for one in result.of(Outcome.FAILED)] == [
        (b"d/b", os.strerror(number)),
        (b"e", os.strerror(number)),
    ]
    assert set(snapshot(out)) == {b"", b"d", b"d/a", b"z"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_without_being_root(tmp_path):
    layer = TarBuilder().dir("a", mode=0, uid=5).dir("a/b", mode=0o100).file("a/b/c", b"1", mode=0)
    layer.char("null", 1, 3).symlink("l", "a")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    try:
        with opened(tmp_path / "in", layer) as (_, stack):
            os.seteuid(65534)
            try:
                with pytest.raises(TargetError, match="only root"):
                    extract(stack, folder / "out", same_owner=True)
                with pytest.raises(TargetError, match="cannot be written to: Permission denied"):
                    extract(stack, "/root/out" if Path("/").stat().st_uid == 0 else "/out")
                result = extract(stack, folder / "out", special=True)
            finally:
                os.seteuid(0)
        assert [one.path for one in result.of(Outcome.FAILED)] == [b"null"]
        assert (result.files, result.folders, result.symlinks) == (1, 2, 1)
        found = snapshot(folder / "out")
        assert found[b"a/b/c"][0] == "----------" and found[b"a"][0] == "d---------"
        assert {thing[1] for thing in found.values()} == {65534}
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
