"""Inputs that are no image archive: one line that says what they are and what to do."""

import io
import os
import threading
import time
import zipfile
from pathlib import Path

import pytest
from support.archives import delivered, open_archive, open_path
from support.images import (
    ImageBuilder,
    compress,
    docker_archive,
    oci_layout,
    to_json,
)
from support.tars import TarBuilder

from oci_inspect.archive import opening
from oci_inspect.errors import ArchiveError, OciInspectError


def refused(path: str | Path) -> str:
    """The one line of the error."""
    with pytest.raises(ArchiveError) as caught:
        open_path(path)
    line = str(caught.value)
    assert line
    assert "\n" not in line
    assert line.startswith(caught.value.path)
    return line


def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", "[]")
    return out.getvalue()


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(100))
ROOTFS = TarBuilder().dir("etc").file("etc/passwd", b"root").dir("usr").file("bin/sh", b"").build()
IMAGE = ImageBuilder("a:1").layer(TarBuilder().file("a", b"1"))

INPUTS = {
    "empty": (b"", "empty"),
    "zip": (zip_file(), "zip"),
    "png": (PNG, "PNG"),
    "png-large": (PNG * 20, "PNG"),
    "zeros-511": (bytes(511), ""),
    "zeros-512": (bytes(512), ""),
    "zeros-many": (bytes(10240), ""),
    "bytes-511": (b"x" * 511, "tar"),
    "bytes-513": (b"x" * 513, "tar"),
    "text": (b"hello\n", "tar"),
    "rootfs": (ROOTFS, "docker export"),
    "json": (to_json({"schemaVersion": 2, "manifests": []}), "JSON"),
    "json-large": (to_json({"a": "b" * 1000}), "JSON"),
    "json-list": (to_json([{"Config": "x", "RepoTags": None, "Layers": []}] * 30), "JSON"),
    "tar-without-image": (TarBuilder().file("README", b"hello").build(), "no image"),
    "tar-of-a-tar": (
        TarBuilder().file("image.tar", docker_archive(IMAGE).tar()).build(),
        "no image",
    ),
    "elf": (b"\x7fELF" + bytes(1000), "program"),
    "empty-manifest": (TarBuilder().file("manifest.json", b"[]").build(), ""),
    "manifest-number": (TarBuilder().file("manifest.json", b"5").build(), ""),
    "manifest-text": (TarBuilder().file("manifest.json", b'"x"').build(), ""),
    "manifest-garbage": (TarBuilder().file("manifest.json", b"\xff\xfe[").build(), ""),
    "index-garbage": (
        TarBuilder().file("oci-layout", b"{}").file("index.json", b"}").build(),
        "index.json",
    ),
    "layout-alone": (
        TarBuilder().file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}').build(),
        "index.json",
    ),
    "no-manifests": (oci_layout().tar(), ""),
    "nulls": (TarBuilder().file("manifest.json", b"null").build(), ""),
    "null-index": (TarBuilder().file("index.json", b"null").build(), ""),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("form", ["file", "fifo", "stdin", "gzip"])
def test_what_is_no_image_is_refused_in_one_line(name: str, form: str, tmp_path: Path) -> None:
    data, word = INPUTS[name]
    with delivered(data, form, tmp_path) as path:
        line = refused(path)
    if form == "file":
        assert word in line


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
def test_compressed_something_else_is_refused(how: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(compress(b"just text " * 200, how))
    assert how in refused(path)


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
def test_damaged_compression_is_refused(how: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(compress(docker_archive(IMAGE).tar(), how)[:30])
    refused(path)


def test_gzip_of_a_gzip_is_not_unpacked_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(compress(compress(docker_archive(IMAGE).tar(), "gzip"), "gzip"))
    assert "gzip" in refused(path)


@pytest.mark.parametrize(
    "head", [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh91AY&SY"]
)
def test_magic_numbers_alone_are_refused(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(head)
    refused(path)
    path.write_bytes(head + b"\xff" * 600)
    with pytest.raises(OciInspectError) as caught:
        open_path(path)
    assert "\n" not in str(caught.value)


def test_archive_cut_before_its_manifest_says_so(tmp_path: Path) -> None:
    archive = docker_archive(ImageBuilder("a:1").layer(TarBuilder().file("big", b"x" * 100_000)))
    path = tmp_path / "cut.tar"
    path.write_bytes(archive.tar()[:50_000])
    assert "cut short" in refused(path)


def test_manifest_list_without_its_blobs_says_so(tmp_path: Path) -> None:
    image = ImageBuilder("a:1", architecture="riscv64").layer(TarBuilder().file("a", b"1"))
    archive = oci_layout(image, platforms=True)
    archive.drop(*(name for name in archive.names() if name.startswith("blobs/")))
    for form in ("file", "folder"):
        with pytest.raises(ArchiveError) as caught:
            open_archive(archive, tmp_path, form)
        assert "riscv64" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_folder_without_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("x = 1")
    assert "folder" in refused(tmp_path)


def test_folder_that_is_the_parent_of_a_layout_is_refused(tmp_path: Path) -> None:
    oci_layout(IMAGE).write_folder(tmp_path / "images" / "layout")
    refused(tmp_path / "images")


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path)


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.tar")


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000])
def test_path_that_can_be_none_is_refused(path: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        open_path(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/full"])
def test_device_is_refused_and_not_read(path: str) -> None:
    assert "device" in refused(path)


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        refused("s")


def test_fifo_that_nobody_writes_to_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "FIFO_PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    assert "FIFO" in refused(tmp_path / "pipe")


def test_fifo_whose_writer_comes_late_and_writes_slowly_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    data = docker_archive(IMAGE).tar()

    def write() -> None:
        time.sleep(0.1)
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            for start in range(0, len(data), 700):
                pipe.write(data[start : start + 700])

    thread = threading.Thread(target=write)
    thread.start()
    assert open_path(tmp_path / "pipe").image.references == ("a:1",)
    thread.join()


def test_fifo_whose_writer_leaves_at_once_is_empty(tmp_path: Path) -> None:
    with delivered(b"", "fifo", tmp_path) as path:
        refused(path)


def test_standard_input_that_is_closed_is_refused(tmp_path: Path) -> None:
    kept = os.dup(0)
    os.close(0)
    try:
        refused_line = None
        try:
            open_path("-")
        except ArchiveError as error:
            refused_line = str(error)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert refused_line is not None
    assert "\n" not in refused_line


def test_standard_input_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    kept, folder = os.dup(0), os.open(tmp_path, os.O_RDONLY)
    os.dup2(folder, 0)
    try:
        with pytest.raises(ArchiveError) as caught:
            open_path("-")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_and_file_without_rights_are_refused(tmp_path: Path) -> None:
    folder = oci_layout(IMAGE).write_folder(tmp_path / "layout")
    folder.chmod(0)
    refused(folder)
    folder.chmod(0o755)
    file = docker_archive(IMAGE).write_file(tmp_path / "a.tar")
    file.chmod(0)
    refused(file)


@pytest.mark.parametrize("name", ["evil\nname", "a\x1b[31mb", "\u202ex"])
def test_names_from_the_archive_do_not_break_the_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(TarBuilder().file(name, b"1").build()[:512])
    refused(path)
    tar = TarBuilder().file("manifest.json", to_json([{"Config": name, "Layers": [name]}])).build()
    path.write_bytes(tar)
    try:
        open_path(path)
    except ArchiveError as error:
        assert "\n" not in str(error)


def test_platform_text_from_the_archive_does_not_break_the_line(tmp_path: Path) -> None:
    archive = oci_layout(ImageBuilder(architecture="a\nb", os="x\ny"), platforms=True)
    archive.drop(*(name for name in archive.names() if name.startswith("blobs/")))
    refused(archive.write_file(tmp_path / "x.tar"))
