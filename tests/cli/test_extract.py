"""``oci-inspect extract``: words, documents, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder, gnu_sparse
from support.trees import snapshot

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "schema" / "extract.schema.json"


def checked(result):
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(result.json)
    return result.json


@pytest.fixture(name="odd")
def _odd(tmp_path):
    layer = (
        TarBuilder()
        .file("su", b"12", mode=0o4755)
        .symlink("out\x1b[2J", "/etc/\n::error::")
        .fifo("pipe\n")
        .char(b"nu\xffll", 1, 3)
        .char("tty", 5, 0)
        .char("zero", 1, 5)
    )
    return docker_archive(ImageBuilder("a:1").layer(layer)).write_file(tmp_path / "odd.tar")


def test_the_summary(run, app, tmp_path):
    result = run("extract", app, "-C", tmp_path / "out")
    assert (result.code, result.err) == (0, "")
    assert result.text.startswith(f"11 files, 8 folders, 1 link, 23.4kB into {tmp_path / 'out'}\n")
    assert "site/pipe" in result.text and "--special" in result.text
    again = run("extract", app, "-C", tmp_path / "out")
    assert again.code == 2
    assert again.problem == (
        f"{tmp_path / 'out'}: in the way: bin/step, cache/four, data/keep and 9 more: nothing was"
        " written; --force replaces files and links"
    )
    assert run("extract", app, "-C", tmp_path / "out", "--force", "-q").out == b""


def test_the_current_folder_is_the_default_with_a_path(run, app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("extract", app, "site/*.html", "/data").code == 0
    assert {path for path in snapshot(tmp_path) if b"/" in path} == {
        *(b"site/hard.html", b"site/index.html", b"site/soft.html", b"data/keep"),
    }
    assert "-C DIR" in run("extract", app).problem
    assert run("extract", app).code == 2


def test_text_of_the_image_is_escaped(run, odd, tmp_path):
    result = run("extract", odd, "-C", tmp_path / "o")
    assert result.code == 0
    assert b"\x1b" not in result.out and b"pipe\\n" in result.out and b"nu\\xffll" in result.out
    assert "4  devices" in result.text and ", ..." in result.text
    document = checked(run("extract", odd, "-C", tmp_path / "p", "--format", "json"))
    assert document["files"] == 1 and document["symlinks"] == 1 and document["bytes"] == 2
    assert [one["path"] for one in document["skipped"]] == ["nu\\xffll", "pipe\n", "tty", "zero"]
    assert "path_bytes" in document["skipped"][0]
    assert [one["path"] for one in document["altered"]] == ["su"]
    assert [one["path"] for one in document["links_leading_out"]] == ["out\x1b[2J"]
    assert document["complete"] is True


def test_what_fails_is_exit_1_and_said_even_when_quiet(run, app, tmp_path):
    (tmp_path / "out/data/keep").mkdir(parents=True)
    result = run("extract", app, "data", "-C", tmp_path / "out", "--force", "--quiet")
    assert result.code == 1
    assert "a folder is in the way" in result.text and "data/keep" in result.text
    document = checked(
        run("extract", app, "data", "-C", tmp_path / "out", "--force", "--format", "json")
    )
    assert document["complete"] is False
    assert document["failed"] == [{"path": "data/keep", "reason": "a folder is in the way"}]


@pytest.mark.parametrize("path", ["nope", "*.nope", "data/keep/x", ""])
def test_a_path_that_is_not_there_is_exit_1_and_writes_nothing(run, app, tmp_path, path):
    result = run("extract", app, path, "data", "-C", tmp_path / "out")
    assert result.code == 1 and result.problem
    assert not (tmp_path / "out").exists()


def test_layers(run, app, tmp_path):
    assert run("extract", app, "data/big", "-C", tmp_path / "a").code == 1
    assert run("extract", app, "data/big", "-C", tmp_path / "a", "--layer", "2").code == 0
    assert (tmp_path / "a/data/big").stat().st_size == 60_000
    assert run("extract", app, "data/big", "-C", tmp_path / "b", "--up-to", "2").code == 0
    assert run("extract", app, "-C", tmp_path / "c", "--layer", "99").code == 2
    assert run("extract", app, "-C", tmp_path / "c", "--up-to", "99").code == 2
    both = run("extract", app, "-C", tmp_path / "c", "--up-to", "1", "--layer", "1")
    assert (both.code, "exclude each other" in both.problem) == (2, True)
    assert not (tmp_path / "c").exists()


def test_an_image_that_cannot_be_read_is_refused_but_for_its_good_layers(run, tmp_path):
    image = ImageBuilder("a:1").layer(TarBuilder().file("good", b"1"), compression="gzip")
    image.layer(TarBuilder().file("bad", bytes(9_999)), compression="gzip")
    archive = oci_layout(image)
    name = "blobs/sha256/" + image.layers[1].digest.partition(":")[2]
    archive.replace(name, archive[name][:-20])
    path = archive.write_file(tmp_path / "image.tar")
    result = run("extract", path, "-C", tmp_path / "out")
    assert result.code == 3 and "layer 1" in result.problem
    assert "--layer N" in result.problem
    assert not (tmp_path / "out").exists()
    assert run("extract", path, "-C", tmp_path / "out", "--layer", "1").code == 3
    assert run("extract", path, "-C", tmp_path / "out", "--layer", "0").code == 0
    assert run("extract", path, "-C", tmp_path / "out2", "--up-to", "0").code == 0


def test_a_corrupt_file_is_exit_3_and_is_not_made(run, tmp_path):
    wrong = gnu_sparse(b"wrong", [(8192, 4096), (0, 4096)], b"x" * 8192, 1 << 20)
    image = ImageBuilder("a:1").layer(TarBuilder().raw(wrong).file("good", b"1"))
    path = docker_archive(image).write_file(tmp_path / "image.tar")
    result = run("extract", path, "-C", tmp_path / "out")
    assert result.code == 3
    assert "wrong" in result.text and "sparse map" in result.text
    assert set(snapshot(tmp_path / "out")) == {b"", b"good"}


def test_limits(run, app, tmp_path):
    for limit in ("extracted_file_bytes=100", "extracted-bytes=20kB"):
        result = run("extract", app, "-C", tmp_path / "out", "--limit", limit)
        assert result.code == 3
        assert f"--limit {limit.partition('=')[0].replace('-', '_')}=N" in result.problem
    assert not (tmp_path / "out").exists()
    limit = "extracted_bytes=24kB"
    assert run("extract", app, "-C", tmp_path / "out", "--limit", limit).code == 0


def test_a_target_that_is_no_folder_is_exit_2(run, app, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    result = run("extract", app, "-C", tmp_path / "file")
    assert (result.code, result.problem) == (
        2,
        f"{tmp_path / 'file'}: it is no folder: name one with -C",
    )


def test_a_stream(spawn, app, tmp_path):
    result = spawn("extract", "-", "data", "-C", tmp_path / "out", input=app.read_bytes())
    assert (result.code, result.err) == (0, "")
    assert (tmp_path / "out/data/keep").stat().st_size == 800


def test_several_images_must_be_chosen_from(run, two_images, tmp_path):
    assert run("extract", two_images, "-C", tmp_path / "out").code == 2
    assert run("extract", two_images, "-C", tmp_path / "out", "--image", "@0").code == 0
