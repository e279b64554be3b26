"""``ls``, ``tree``, ``find``, ``diff``, ``log`` and ``cat``: what they share as commands."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from support.archives import delivered
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import TarBuilder
from wcwidth import wcswidth

from oci_inspect.cli import FILE_COMMANDS, cli

from .test_inputs import make_bad_inputs

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
FORMATS = {
    "ls": ("table", "json", "jsonl", "csv"),
    "tree": ("table", "json"),
    "find": ("table", "json", "jsonl", "csv"),
    "diff": ("table", "json", "csv"),
    "log": ("table", "json", "markdown", "csv"),
    "cat": (),
}
PATHS = {"log": ("/etc/app.conf",), "cat": ("/etc/app.conf",)}
"""What commands want beside the archive."""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
LOOKING = tuple(FORMATS)


def test_these_are_all_commands_and_formats():
    assert set(FORMATS) <= set(FILE_COMMANDS)
    for name, formats in FORMATS.items():
        command = cli.get_command(None, name)
        option = [one for one in command.params if one.name == "format"]
        assert tuple(option[0].type.choices if option else ()) == formats


@pytest.mark.parametrize("command", LOOKING)
def test_every_format_is_what_it_is_called(run, app, command):
    for format in FORMATS[command]:
        result = run(command, app, *PATHS.get(command, ()), "--format", format)
        assert (result.code, result.err) == (0, "")
        assert result.out.endswith(b"\n")
        if format == "json":
            assert result.json["schema"] == f"oci-inspect/{command}"
        elif format == "jsonl":
            entries = [json.loads(line) for line in result.text.splitlines()]
            assert entries == run(command, app, "--format", "json").json["entries"]
        elif format == "csv":
            rows = list(csv.reader(io.StringIO(result.text)))
            assert len({len(row) for row in rows}) == 1
            assert len(rows) > 2


@pytest.mark.parametrize("command", LOOKING)
def test_a_bad_input_is_one_line_and_exit_3(run, tmp_path, command):
    for name, (path, words) in make_bad_inputs(tmp_path).items():
        result = run(command, path, *PATHS.get(command, ()))
        assert result.code == 3, name
        assert words in result.problem, name


@pytest.mark.parametrize("way", ["file", "stdin", "fifo", "gzip", "zstd", "folder"])
@pytest.mark.parametrize("command", LOOKING)
def test_every_form_of_an_archive_shows_the_same(run, app, command, way, tmp_path):
    more = PATHS.get(command, ())
    wanted = run(command, app, *more)
    assert wanted.code == 0
    if way in ("stdin", "fifo"):
        with delivered(app.read_bytes(), way, tmp_path) as path:
            assert run(command, path, *more) == wanted
        return
    path = tmp_path / "image"
    if way == "folder":
        path.mkdir()
        subprocess.run(["tar", "-xf", app, "-C", path], check=True)
    elif way == "file":
        path.write_bytes(app.read_bytes())
    else:
        from support.images import compress

        path.write_bytes(compress(app.read_bytes(), way))
    assert run(command, path, *more) == wanted


@pytest.mark.parametrize("command", LOOKING)
def test_a_file_holds_what_would_have_been_printed(run, app, tmp_path, command):
    more = PATHS.get(command, ())
    printed = run(command, app, *more)
    path = tmp_path / "out"
    written = run(command, app, *more, "-o", path)
    assert (written.code, written.out, written.err) == (0, b"", "")
    assert path.read_bytes() == printed.out
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("command", sorted({*LOOKING} - {"cat"}))
def test_colour_only_where_it_is_asked_for(run, app, command):
    more = PATHS.get(command, ())
    plain = run(command, app, *more)
    assert b"\x1b" not in plain.out
    colored = run(command, app, *more, "--color", "always")
    assert "\x1b[" in colored.text
    assert ANSI.sub("", colored.text) == plain.text


@pytest.mark.parametrize("columns", [40, 80])
def test_tree_and_log_keep_to_the_width(run, app, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (["tree", app], ["log", app, "etc/app.conf"]):
        lines = run(*arguments).text.split("\n")
        assert max(map(wcswidth, lines)) <= columns


@pytest.mark.parametrize("command", LOOKING)
def test_several_images_must_be_chosen_from(run, command):
    path = REAL / "docker26-two-images.tar"
    result = run(command, path, *PATHS.get(command, ()))
    assert result.code == 2
    assert "choose one with --image" in result.err
    assert run(command, path, *PATHS.get(command, ()), "--image", "@0").code == 0


# Images of which not all can be seen


def broken(tmp_path: Path, *, compression: str = "none") -> Path:
    """The second of three layers is cut; what the others hold can be seen."""
    image = (
        ImageBuilder("example/app:1")
        .layer(TarBuilder().file("etc/app.conf", b"below"), compression=compression)
        .layer(TarBuilder().file("cut", b"x" * 5000), compression=compression)
        .layer(TarBuilder().file("top", b"above"), compression=compression)
    )
    archive = oci_layout(image)
    blob = image.layers[1].blob
    return archive.replace(blob_name(blob), blob[: len(blob) // 2]).write_file(tmp_path / "i.tar")


@pytest.mark.parametrize("command", sorted({*LOOKING} - {"cat"}))
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_damaged_layer_is_told_and_is_exit_3(run, tmp_path, command, compression):
    path = broken(tmp_path, compression=compression)
    result = run(command, path, *PATHS.get(command, ()))
    assert result.code == 3
    assert "layer 1: " in result.err and "incomplete" in result.err
    assert result.out
    if "json" in FORMATS[command]:
        document = run(command, path, *PATHS.get(command, ()), "--format", "json").json
        assert document["complete"] is False


def test_a_layer_alone_does_not_care_for_the_others(run, tmp_path):
    path = broken(tmp_path)
    result = run("ls", path, "--layer", "2")
    assert (result.code, result.text, result.err) == (0, "top\n", "")
    result = run("cat", path, "/top", "--layer", "2")
    assert (result.code, result.out) == (0, b"above")


def test_a_digest_that_is_seen_not_to_hold_is_told(run, tmp_path):
    image = ImageBuilder("a:1").layer(TarBuilder().file("f", b"abc"), compression="gzip")
    archive = oci_layout(image)
    other = ImageBuilder("a:1").layer(TarBuilder().file("f", b"xyz"), compression="gzip")
    archive.replace(blob_name(image.layers[0].blob), other.layers[0].blob)
    path = archive.write_file(tmp_path / "image.tar")
    result = run("cat", path, "f")
    assert (result.code, result.out) == (0, b"xyz")
    assert "layer 0: its bytes hash to sha256:" in result.err and "'verify'" in result.err


@pytest.mark.parametrize("limit", ["entries=3", "layers=2", "layer_bytes=1024", "path_bytes=5"])
def test_a_limit_is_exit_3(run, app, limit):
    result = run("ls", app, "--limit", limit)
    assert result.code == 3
    assert limit.partition("=")[0].replace("_", " ") in result.err


def test_hostile_names_drive_no_terminal(run, tmp_path):
    names = [b"a\x1b[31mb", b"new\nline", b"\xff\xfe", "\u202egnp".encode(), b"::error::x"]
    tar = TarBuilder()
    for name in names:
        tar.file(name, b"1")
        tar.symlink(b"to-" + name, name)
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    for arguments in (
        *(["ls", path], ["ls", "-l", path], ["find", path], ["tree", path], ["diff", path]),
        *(["ls", "-lR", "--layer", "0", path], ["diff", "-q", path], ["ls", "-q", path]),
        *(["find", "-l", path], ["log", path, "\udcff\udcfe"], ["ls", "--format", "csv", path]),
    ):
        result = run(*arguments)
        assert result.code == 0
        for line in result.text.splitlines():
            assert line.isprintable(), (arguments, line)
            assert not line.startswith("::")
    raw = run("find", "-0", path).out
    assert raw.count(b"\0") == 2 * len(names) + 1  # the root
    assert b"/\xff\xfe\0" in raw and b"/new\nline\0" in raw
