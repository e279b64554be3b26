"""What can be read, and what cannot: one line that says what it is and what to do, exit 3."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import zipfile
from pathlib import Path

import pytest
from support.archives import FORMS, delivered
from support.images import Archive, ImageBuilder, oci_layout
from support.tars import TarBuilder
from support.terminals import open_terminal

from oci_inspect.cli import ARCHIVE_COMMANDS

COMMANDS = (*ARCHIVE_COMMANDS, "df", "report")

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
SENTENCES = {
    "analyze": ("json", "table", "markdown"),
    "images": ("json", "csv"),
    "inspect": ("json",),
    "history": ("json", "csv"),
    "dockerfile": ("json", "table"),
    "layers": ("json", "csv", "table"),
    "verify": ("json", "table"),
    "waste": ("json", "csv", "table"),
}


@pytest.fixture(name="layout")
def _layout() -> Archive:
    image = (
        ImageBuilder("example/app:1")
        .layer(TarBuilder().file("a", b"1" * 5_000).file("b", b"2"), compression="gzip")
        .layer(TarBuilder().whiteout("a"), created_by="RUN rm /a")
    )
    return oci_layout(image)


def without_facts_of_the_input(text: bytes, path: str) -> object:
    """Everything but how the archive lay there: its path, kind, compression and size."""
    try:
        document = json.loads(text)
    except ValueError:
        lines = text.decode().replace(path if path != "-" else "\0", "PATH").split("\n")
        return [line for line in lines if not line.lstrip("- ").startswith("Archive")]
    document.pop("archive")
    return document


@pytest.mark.parametrize("form", [form for form in FORMS if form != "file"])
def test_the_way_in_makes_no_difference(run, layout, form, tmp_path):
    def all_outputs(form: str) -> list[object]:
        found: list[object] = []
        for command, formats in SENTENCES.items():
            for format in formats:
                folder = tmp_path / f"{form}-{command}-{format}"
                folder.mkdir()
                with delivered(layout, form, folder) as path:
                    result = run(command, path, "--format", format)
                assert result.code == 0, result.err
                found.append(without_facts_of_the_input(result.out, path))
        return found

    assert all_outputs(form) == all_outputs("file")


def test_the_facts_of_the_input_are_told(run, layout, tmp_path):
    for form, kind, compression in (
        ("file", "oci-archive", None),
        ("folder", "oci-layout", None),
        ("stdin", "oci-archive", None),
        ("zstd", "oci-archive", "zstd"),
        ("xz", "oci-archive", "xz"),
        ("bzip2", "oci-archive", "bzip2"),
        ("gzip", "oci-archive", "gzip"),
    ):
        with delivered(layout, form, tmp_path) as path:
            archive = run("images", path, "--format", "json").json["archive"]
        assert (archive["kind"], archive["compression"]) == (kind, compression), form
        if form == "stdin":
            assert archive["size"] == len(layout.tar())
        elif form == "folder":
            assert archive["size"] == sum(len(one.data) for one in layout.members)
        else:
            assert archive["size"] == Path(path).stat().st_size


def test_an_unpacked_docker_save_is_read(run, app, tmp_path):
    subprocess.run(["tar", "-xf", app, "-C", tmp_path], check=True)
    assert run("verify", tmp_path).code == 0


def make_bad_inputs(folder: Path) -> dict[str, tuple[str, str]]:
    """Inputs by name: the path to give, and words that must be in the one line."""
    app = (REAL / "docker20-app.tar").read_bytes()
    (folder / "folder" / "inside").mkdir(parents=True)
    (folder / "empty").touch()
    (folder / "zeros").write_bytes(bytes(10_240))
    (folder / "short").write_bytes(b"x" * 511)
    (folder / "text").write_bytes(b"hello\n" * 500)
    (folder / "json").write_bytes(b'{"schemaVersion": 2}')
    (folder / "rootfs").write_bytes((REAL / "docker26-app.rootfs.tar").read_bytes())
    (folder / "cut").write_bytes(app[:20_000])
    (folder / "cut.gz").write_bytes((REAL / "docker26-app.tar.gz").read_bytes()[:3_000])
    (folder / "other").write_bytes(TarBuilder().file("readme", b"hi").build())
    with zipfile.ZipFile(folder / "zip", "w") as archive:
        archive.writestr("a", "b")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    nothing = oci_layout(ImageBuilder("a:1").layer(TarBuilder().file("a", b"1")))
    nothing.drop(*(name for name in nothing.names() if name.startswith("blobs/")))
    nothing.write_file(folder / "no-blobs")
    names = {
        "folder": "folder",
        "empty": "empty",
        "zeros": "zeros",
        "short": "tar",
        "text": "not a tar",
        "json": "JSON",
        "rootfs": "docker save",
        "cut": "cut short",
        "cut.gz": "ends early",
        "no-blobs": "not in it",
        "other": "no image",
        "zip": "zip",
        "missing": "docker save",
        "dangling": "No such file",
        "socket": "device or a socket",
        "a\x1b[31mb\nc": "\\x1b[31mb\\nc",
        "x" * 300: "",
    }
    inputs = {name: (str(folder / name), words) for name, words in names.items()}
    inputs["device"] = ("/dev/zero", "device")
    inputs["read error"] = ("/proc/self/mem", "Input/output error")
    return inputs


@pytest.fixture(scope="module", name="bad_inputs")
def _bad_inputs(tmp_path_factory):
    return make_bad_inputs(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_input_is_one_line_and_exit_3(run, bad_inputs, command):
    for name, (path, words) in bad_inputs.items():
        result = run(command, path)
        assert result.code == 3, name
        assert words in result.problem, name
        assert result.problem.isprintable(), name


def test_a_file_without_rights(run, spawn, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "secret.tar"
    path.write_bytes(b"x")
    path.chmod(0)
    assert run("analyze", path).code == 3
    assert "Permission denied" in run("analyze", path).problem


def test_a_stream_that_is_cut_or_empty(run, app, tmp_path):
    with delivered(b"", "stdin", tmp_path):
        result = run("analyze", "-")
    assert result.code == 3 and "empty" in result.problem
    with delivered(app.read_bytes()[:1_000], "stdin", tmp_path):
        result = run("analyze", "-")
    assert result.code == 3 and "standard input" in result.problem


@pytest.mark.parametrize("arguments", [(), ("--platform", "x/y")])
def test_standard_input_that_is_a_terminal_is_not_waited_for(spawn, arguments):
    leader, follower = open_terminal()
    try:
        result = spawn("images", "-", *arguments, stdin=follower)
    finally:
        os.close(leader)
        os.close(follower)
    assert result.code == 2
    assert "standard input is a terminal" in result.problem


def test_names_of_registries_are_met_with_advice(run):
    for name in ("alpine:3.20", "docker://alpine", "ghcr.io/example/app@sha256:00"):
        result = run("analyze", name)
        assert result.code == 3
        assert "docker save" in result.problem
