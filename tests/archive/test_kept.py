"""Streams that are kept: written down uncompressed, to be read at any place."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.archives import FORMS, delivered
from support.disk import Tree, tree_of
from support.images import Archive, ImageBuilder, compress, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import open_archive
from oci_inspect.errors import ArchiveError, LimitExceededError, OciInspectError
from oci_inspect.limits import Limits

COMPRESSED = ("gzip", "gzip-members", "zstd", "xz", "bzip2")
STREAMS = tuple(form for form in FORMS if form not in ("file", "folder"))


@pytest.fixture(name="scratch", autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder: nothing is ever to be seen in it, and no descriptor is left open."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    yield folder
    assert list(folder.iterdir()) == []
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def image() -> ImageBuilder:
    noise = random.Random(3).randbytes(200_000)
    low = TarBuilder().dir("d").file("d/noise", noise).file("d/f", b"1" * 5000).symlink("s", "d/f")
    high = TarBuilder().whiteout("d/f").hardlink("h", "d/noise").file("n", b"new")
    return ImageBuilder("example/app:1").layer(low, compression="gzip").layer(high)


def archives() -> dict[str, Archive]:
    return {"oci": oci_layout(image()), "docker": docker_archive(image(), style="podman")}


def seen(path: str) -> tuple[Tree, Tree, list[str]]:
    """The merged tree and the lowest layer with all contents, and the rules that fired."""
    with open_archive(path, keep=True) as opened:
        stack = opened.look()
        assert stack.problems == []
        tree, low = stack.tree(), stack.tree(up_to=0)
        return tree_of(tree), tree_of(low), sorted(one.rule for one in opened.findings)


@pytest.mark.parametrize("kind", archives())
@pytest.mark.parametrize("form", STREAMS)
def test_kept_stream_shows_the_same_tree_and_files_as_the_plain_archive(
    form: str, kind: str, tmp_path: Path
) -> None:
    archive = archives()[kind]
    with delivered(archive, "file", tmp_path) as path:
        plain = seen(path)
    assert {b"d/noise", b"h", b"n"} <= plain[0].keys() and b"d/f" in plain[1]
    with delivered(archive, form, tmp_path) as path:
        assert seen(path) == plain


@pytest.mark.parametrize("form", ["gzip", "stdin"])
def test_kept_stream_is_analysed_as_the_plain_archive(form: str, tmp_path: Path) -> None:
    archive = oci_layout(image())
    told = []
    for one in ("file", form):
        with delivered(archive, one, tmp_path) as path, open_archive(path, keep=True) as opened:
            analysis = opened.analyze()
            told.append((analysis.images, analysis.other, analysis.findings))
            assert opened.info.compression == ("gzip" if one == "gzip" else None)
    assert told[0] == told[1]


def test_stream_that_is_not_kept_cannot_be_looked_into_twice(tmp_path: Path) -> None:
    with delivered(oci_layout(image()), "gzip", tmp_path) as path, open_archive(path) as opened:
        tree = opened.tree()
        with pytest.raises(ArchiveError, match="passed by in the stream"):
            tree.open("d/noise")


@pytest.mark.parametrize("form", ["file", "folder", "gzip"])
def test_closed_archive_opens_no_files(form: str, tmp_path: Path) -> None:
    with delivered(oci_layout(image()), form, tmp_path) as path:
        with open_archive(path, keep=True) as opened:
            tree = opened.tree()
        with pytest.raises(ArchiveError):
            tree.open("n")


def test_nothing_is_left_while_the_archive_is_open(tmp_path: Path, scratch: Path) -> None:
    with delivered(oci_layout(image()), "zstd", tmp_path) as path, open_archive(path, keep=True):
        assert list(scratch.iterdir()) == []


def test_files_and_folders_are_never_copied(tmp_path: Path, scratch: Path) -> None:
    scratch.chmod(0)
    try:
        for form in ("file", "folder"):
            with delivered(oci_layout(image()), form, tmp_path) as path:
                assert seen(path)
    finally:
        scratch.chmod(0o700)


# Damage


@pytest.mark.parametrize("compression", COMPRESSED)
def test_cut_stream_tells_it(compression: str, tmp_path: Path) -> None:
    # What is cut is no padding, and lies behind the archive by more than a block of bzip2.
    noise = random.Random(5).randbytes(1_000_000)
    packed = compress(oci_layout(image()).tar() + noise, compression)
    path = tmp_path / "cut"
    path.write_bytes(packed[:-900])
    with open_archive(path, keep=True) as opened:
        assert "tar-truncated" in {one.rule for one in opened.findings}
        assert tree_of(opened.tree())[b"n"].text == b"new"


@pytest.mark.parametrize("compression", COMPRESSED)
def test_stream_that_is_cut_early_is_an_error_or_told(compression: str, tmp_path: Path) -> None:
    packed = compress(oci_layout(image()).tar(), compression)
    path = tmp_path / "cut"
    for left in (1, 30, len(packed) // 3, len(packed) // 2, len(packed) - 3):
        path.write_bytes(packed[:left])
        try:
            with open_archive(path, keep=True) as opened:
                assert "tar-truncated" in {one.rule for one in opened.findings}
        except OciInspectError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("compression", COMPRESSED)
def test_garbage_behind_the_stream_tells_it_and_hides_nothing(
    compression: str, keep: bool, tmp_path: Path
) -> None:
    path = tmp_path / "trailing"
    path.write_bytes(compress(oci_layout(image()).tar(), compression) + b"garbage" * 99)
    with open_archive(path, keep=keep) as opened:
        rules = {one.rule for one in opened.findings}
        assert "archive-trailing-data" in rules and "tar-truncated" not in rules
        if keep:
            with opened.tree().open("n") as stream:
                assert stream.read() == b"new"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_damaged_streams_end_in_an_error_of_ours_or_tell_it(
    compression: str, tmp_path: Path
) -> None:
    packed = compress(oci_layout(image()).tar(), compression)
    path = tmp_path / "damaged"
    for seed in range(25):
        chance = random.Random(seed)
        damaged = bytearray(packed)
        damaged[chance.randrange(8, len(packed))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            with open_archive(path, keep=True) as opened:
                opened.look()
        except OciInspectError as error:
            assert str(error).isprintable()


def test_what_is_no_archive_is_said_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(compress(b"just a text\n" * 999, "gzip"))
    with pytest.raises(ArchiveError) as kept:
        open_archive(path, keep=True)
    with pytest.raises(ArchiveError) as passed:
        open_archive(path)
    assert str(kept.value) == str(passed.value)


def test_bomb_is_a_limit_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(compress(oci_layout(image()).tar() + bytes(40_000_000), "gzip"))
    limits = Limits(expansion_floor=1_000_000, expansion_ratio=20)
    with pytest.raises(LimitExceededError, match="expansion ratio"):
        open_archive(path, limits=limits, keep=True)


# Where there is no room

HINT = "set TMPDIR to a folder with room for it"

OPEN = """
import resource, signal, sys, tempfile
from oci_inspect import open_archive
from oci_inspect.errors import ArchiveError
tempfile.tempdir = sys.argv[2]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    open_archive(sys.argv[1], keep=True)
except ArchiveError as error:
    print(error)
"""


def problem(path: Path, folder: Path, *most: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", OPEN, str(path), str(folder), *most], capture_output=True, text=True
    )
    assert ran.stderr == ""
    return ran.stdout.strip()


@pytest.fixture(name="packed")
def _packed(tmp_path: Path) -> Path:
    return oci_layout(image()).write_file(tmp_path / "packed", "gzip")


@pytest.mark.parametrize("most", [0, 1, 1000, 100_000, 200_000])
def test_file_that_may_not_grow_is_one_error(packed: Path, scratch: Path, most: int) -> None:
    assert hasattr(resource, "RLIMIT_FSIZE")
    assert problem(packed, scratch, str(most)) == (
        f"{packed}: its copy in {scratch}: File too large: {HINT}"
    )


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root may mount")
@pytest.mark.parametrize("size", ["4k", "64k", "200k"])
def test_full_disk_is_one_error(packed: Path, tmp_path: Path, size: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        told = problem(packed, small)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert told == f"{packed}: its copy in {small}: No space left on device: {HINT}"


def test_folder_that_is_not_there_is_one_error(packed: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    told = f"{packed}: its copy in {none}: No such file or directory: {HINT}"
    assert problem(packed, none) == told
