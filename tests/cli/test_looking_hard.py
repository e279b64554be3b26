"""Looking into images that are cut, hostile or odd: what is told, and what it may cost."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
import zlib
from pathlib import Path

import pytest
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import TarBuilder, gnu_sparse
from support.terminals import open_terminal

from oci_inspect import extract, open_archive

from .conftest import PROGRAM


def written(folder: Path, *layers: TarBuilder | bytes, compression: str = "none") -> Path:
    image = ImageBuilder("a:1")
    for layer in layers:
        image.layer(layer, compression=compression)
    return oci_layout(image).write_file(folder / "image.tar")


# Not all is there


@pytest.fixture(name="cut")
def _cut(tmp_path: Path) -> Path:
    """The documents stand in front; the file ends inside a large content of the only layer."""
    tar = TarBuilder().file("first", b"1").file("large", bytes(3_000_000)).file("last", b"2")
    archive = oci_layout(ImageBuilder("a:1").layer(tar))
    archive.members.sort(key=lambda one: len(one.data))
    path = archive.write_file(tmp_path / "image.tar")
    os.truncate(path, 2_000_000)
    return path


@pytest.mark.parametrize("command", ["ls", "find", "tree"])
def test_an_archive_that_ends_inside_a_content_is_not_complete(run, cut, command):
    result = run(command, cut)
    assert result.code == 3
    assert "layer 0: " in result.err and "ends before" in result.err
    assert run(command, cut, "--format", "json").json["complete"] is False


def test_nothing_is_made_of_an_archive_that_is_cut(run, cut, tmp_path):
    assert run("export", cut, "-o", tmp_path / "out.tar").code == 3
    assert run("extract", cut, "-C", tmp_path / "out").code == 3
    assert sorted(os.listdir(tmp_path)) == ["image.tar"]  # noqa: PTH208
    result = run("cat", cut, "/last")
    assert result.code == 3
    assert "ends before" in result.err and "no such file" in result.err


def test_what_cannot_be_known_is_no_no(run, tmp_path):
    image = ImageBuilder("a:1").layer(TarBuilder().file("f", os.urandom(9_000)), compression="gzip")
    blob = image.layers[0].blob
    path = oci_layout(image).replace(blob_name(blob), blob[:300]).write_file(tmp_path / "i.tar")
    for arguments in (["cat", path, "c"], ["ls", path, "c"], ["log", path, "c"]):
        result = run(*arguments)
        assert result.code == 3, arguments
        assert "layer 0: " in result.err


def test_a_layer_beyond_the_limit_is_told_so(run, tmp_path):
    path = written(tmp_path, *(TarBuilder().file(f"f{i}", b"x") for i in range(3)))
    for arguments in (
        ["ls", path, "--layer", "1"],
        ["cat", path, "f1", "--layer", "1"],
        ["diff", path, "--layers", "1..2"],
        ["diff", path, "--layer", "2"],
        ["ls", path, "--up-to", "-1"],
    ):
        result = run(*arguments, "--limit", "layers=1")
        assert result.code == 3, arguments
        assert "over the limit of 1 for layers" in result.err


def test_the_depth_of_a_tree_has_an_end(run, tmp_path):
    path = written(tmp_path, TarBuilder().file("/".join("d" * 900) + "/f", b"x"))
    assert run("tree", path, "--depth", "200", "--format", "json").code == 0
    assert run("tree", path, "--depth", "200").code == 0
    assert "--depth" in run("tree", path, "--depth", "201").problem


def test_links_are_followed_as_far_as_the_limit_says(run, tmp_path):
    tar = TarBuilder().file("l0", b"end")
    for i in range(50):
        tar.symlink(f"l{i + 1}", f"l{i}")
    path = written(tmp_path, tar)
    result = run("cat", path, "l50")
    assert result.code == 3
    assert "41 is over the limit of 40 for links (raise it with --limit links=N)" in result.problem
    assert run("cat", path, "l50", "--limit", "links=50").out == b"end"


def test_what_has_no_place_in_the_tree_is_told(run, tmp_path):
    tar = TarBuilder().file("f", b"1").hardlink("h", "nothing").dir("d").hardlink("g", "d")
    path = written(tmp_path, tar)
    result = run("extract", path, "-C", tmp_path / "out")
    assert result.code == 0
    assert "left out: h: " in result.err and "left out: g: " in result.err
    result = run("export", path, "-o", tmp_path / "out.tar")
    assert "left out: h: " in result.err


# What it says


def test_changes_of_sparse_files_are_seen(run, tmp_path):
    data = b"x" * 65_536
    layers = [gnu_sparse(b"s", [(at, len(data))], data, 1 << 20) for at in (0, 131_072, 131_072)]
    end = TarBuilder().build()
    path = written(tmp_path, *(one + end for one in layers))
    (first,) = run("diff", path, "--layer", "1", "--format", "json").json["changes"]
    assert (first["why"], first["bytes"]) == (["content"], 65_536)
    (second,) = run("diff", path, "--layer", "2", "--format", "json").json["changes"]
    assert (second["why"], second["copied"]) == ([], True)
    assert run("cat", path, "s", "--layer", "0").out != run("cat", path, "s", "--layer", "1").out


def test_what_still_has_a_name_is_not_unreachable(run, tmp_path):
    low = TarBuilder().file("a", bytes(1_000)).hardlink("b", "a").file("c", bytes(500))
    path = written(
        tmp_path, low.hardlink("d", "c"), TarBuilder().whiteout("b").whiteout("c").whiteout("d")
    )
    tree = run("tree", path, "--deleted", "--format", "json").json["tree"]
    assert tree["size"] == 500
    assert (
        tree["size"]
        == run("waste", path, "--format", "json").json["images"][0]["totals"]["wasted_bytes"]
    )


def test_an_owner_is_known_by_name_on_standard_input_too(tmp_path):
    tar = TarBuilder().file("etc/passwd", b"bob:x:7:8::/:\n").file("mine", b"x" * 100_000, uid=7)
    path = written(tmp_path, tar)
    with path.open("rb") as stream:
        done = subprocess.run(
            [*PROGRAM, "find", "-", "--user", "bob"], stdin=stream, capture_output=True, check=True
        )
    assert done.stdout == b"/mine\n"


def test_names_as_they_are_are_for_pipes(app):
    leader, follower = open_terminal()
    done = subprocess.run(
        [*PROGRAM, "find", app, "-0"], stdout=follower, stderr=subprocess.PIPE, check=False
    )
    os.close(follower)
    os.close(leader)
    assert done.returncode == 2
    assert b"not for a terminal" in done.stderr


# What it may cost


def test_a_file_with_many_names_is_made_under_all_of_them(tmp_path):
    tar = TarBuilder().file("f0", b"x")
    for i in range(1, 3_000):
        tar.hardlink(f"f{i}", "f0")
    path = written(tmp_path, tar)
    with open_archive(path) as archive:
        result = extract(archive.tree(), tmp_path / "out")
    assert (result.files, result.hardlinks) == (1, 2_999)
    assert (tmp_path / "out" / "f0").stat().st_nlink == 3_000


def test_contents_forged_to_a_checksum_of_zero_are_not_read_again(tmp_path, monkeypatch):
    contents = [(data := bytes([i]) * 6_000) + _patch(data) for i in range(2)]
    assert [zlib.crc32(one) for one in contents] == [0, 0]
    layers = [TarBuilder().file("f", one) for one in contents]
    path = written(tmp_path, *layers, compression="gzip")
    with open_archive(path) as archive:
        stack = archive.look(contents=True)
        monkeypatch.setattr(type(stack.files), "open", None)
        stack.net_changes(0, 1)
        stack.changes()


def _patch(data: bytes) -> bytes:
    """Four bytes behind ``data`` with which its CRC-32 is 0."""
    tops: dict[int, int] = {}
    table: list[int] = []
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
        table.append(crc)
        tops[crc >> 24] = i
    # The register must end as all ones (its complement is 0): go backwards by four bytes.
    register = zlib.crc32(data) ^ 0xFFFFFFFF
    wanted = 0xFFFFFFFF
    chosen = []
    for _ in range(4):
        index = tops[wanted >> 24]
        chosen.append(index)
        wanted = ((wanted ^ table[index]) << 8) & 0xFFFFFFFF
    patch = bytearray()
    for index in reversed(chosen):
        patch.append((register ^ index) & 0xFF)
        register = (register >> 8) ^ table[(register ^ patch[-1]) & 0xFF]
    return bytes(patch)


def test_many_files_printed_at_once_hold_one_decompressor(tmp_path):
    tar = TarBuilder()
    for i in range(40):
        tar.file(f"f{i}", b"x" * 1_000)
    archive = oci_layout(ImageBuilder("a:1").layer(tar, compression="zstd"))
    folder = archive.write_folder(tmp_path / "layout")

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))

    done = subprocess.run(
        [*PROGRAM, "cat", folder, *(f"f{i}" for i in range(40))],
        capture_output=True,
        preexec_fn=few,
        check=True,
    )
    assert len(done.stdout) == 40_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_part_of_an_output(tmp_path, number):
    tar = TarBuilder()
    for i in range(3_000):
        tar.file(f"f{i:05}", b"x" * 20_000)
    path = written(tmp_path, tar)
    out = tmp_path / "out"
    out.mkdir()
    process = subprocess.Popen(
        [*PROGRAM, "export", path, "-o", out / "rootfs.tar"], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not os.listdir(out) and process.poll() is None and time.monotonic() < deadline:  # noqa: PTH208
        time.sleep(0.001)
    process.send_signal(number)
    process.wait(20)
    assert os.listdir(out) in ([], ["rootfs.tar"])  # noqa: PTH208


def test_docker_archive_is_cut_too(run, tmp_path):
    """docker's own order: layers first, so that a cut archive has no documents and is refused."""
    tar = TarBuilder().file("large", bytes(3_000_000))
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "image.tar")
    os.truncate(path, path.stat().st_size // 2)
    assert run("ls", path).code == 3
