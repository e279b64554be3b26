"""An input that changes while it is read, or cannot be read to its end: told, never verified."""

from __future__ import annotations

import errno
import gzip
import io
import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.conftest import SLOW
from support.commands import APP, READERS, words_of
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import (
    ArchiveError,
    OciInspectError,
    analyze,
    compare,
    disk_usage,
    export_tar,
    open_archive,
)
from oci_inspect.cli import run as run_command_line
from oci_inspect.layer.scan import scan_layer
from oci_inspect.stream.source import BytesSource

MB = 1 << 20
MOMENTS = [1, MB + MB // 2, 2 * MB + MB // 2] if SLOW else [MB + MB // 2]
"""Bytes that were read when it happens."""
STREAMED = ("analyze", "cat", "export")
"""The commands that read a compressed stream as well here."""


def image() -> ImageBuilder:
    made = ImageBuilder("a:1")
    for number in range(3):
        made.layer(TarBuilder().file(f"f{number}", os.urandom(MB)).file(f"g{number}", b"1"))
    return made


def written(kind: str, folder: Path) -> Path:
    if kind == "tar":
        return docker_archive(image()).write_file(folder / "image.tar")
    if kind == "gzip":
        return docker_archive(image()).write_file(folder / "image.tar.gz", "gzip")
    if kind == "oci":
        return oci_layout(image()).write_file(folder / "image.tar")
    return oci_layout(image()).write_folder(folder / "layout")


def file_of(path: Path, which: str) -> Path:
    """The file to change: of a folder one of those in it."""
    if path.is_file():
        return path
    if which == "index":
        return path / "index.json"
    return max(
        (path / "blobs" / "sha256").iterdir(), key=lambda one: (one.stat().st_size, one.name)
    )


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"changed!")


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-8] + b"changed!")
    other.replace(path)


def overwrite_and_set_back(path: Path) -> None:
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[Callable[[Path], None]] = [
    *(grow, shrink, empty, overwrite, overwrite_and_set_back, touch, replace)
]


class Meanwhile:
    """Does something to a file when so many bytes of the input were read, whoever reads them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int, change: Callable[[], None]):
        self._left = after
        self._change = change
        self.done = False
        for name in ("read", "pread"):
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))
        real = io.FileIO.read

        class Counted(io.FileIO):
            def read(own, size: int = -1, /) -> bytes:
                return self._count(real(own, size))

        monkeypatch.setattr(
            os, "fdopen", lambda fd, mode, buffering=-1: Counted(fd, mode.replace("b", ""))
        )

    def _counting(self, real: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda *arguments: self._count(real(*arguments))

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left <= 0 and not self.done:
            self.done = True
            self._change()
        return data


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("after", MOMENTS)
@pytest.mark.parametrize("kind", ["tar", "oci", "gzip", "folder"])
def test_what_changes_while_it_is_read_is_told(tmp_path, monkeypatch, kind, after, change):
    path = written(kind, tmp_path)
    target = file_of(path, "blob")
    assert analyze(path).ok
    change_it = Meanwhile(monkeypatch, after, lambda: change(target))
    try:
        found = analyze(path, jobs=1)
    except ArchiveError as error:
        told = str(error)
        assert "changed while it was read" in told or "cut" in told or "empty" in told, told
        assert change_it.done
        return
    assert change_it.done
    # Who holds the old file open has read it as it was; and in a folder a file that was not opened
    # yet is what it is then. What it is called is told by its bytes.
    assert found.ok == (change is (touch if kind == "folder" else replace))


@pytest.mark.parametrize("change", [*CHANGES, Path.unlink], ids=lambda one: one.__name__)
@pytest.mark.parametrize("which", ["index", "blob"])
def test_a_folder_that_changes_behind_the_back_is_told(tmp_path, change, which):
    """Between the documents and the layers, and between the layers and the answer."""
    path = written("folder", tmp_path)
    shutil.copytree(path, tmp_path / "second")
    with open_archive(path) as archive:
        archive.analyze()
        change(file_of(path, which))
        with pytest.raises(ArchiveError, match="changed while it was read"):
            archive.analyze()
    with open_archive(tmp_path / "second") as archive:
        stack = archive.look()
        tree = stack.tree()
        change(file_of(tmp_path / "second", which))
        with pytest.raises(OciInspectError, match=r"changed while it was read|No such file"):
            for number in range(3):
                with tree.open(b"g%d" % number) as content:
                    content.read(1)
            archive.check_unchanged()


@pytest.mark.parametrize("command", READERS)
def test_every_command_tells_that_the_archive_changed(tmp_path, monkeypatch, capsysbinary, command):
    path = tmp_path / "image.tar"
    shutil.copy(APP, path)
    changed = Meanwhile(monkeypatch, 60_000, lambda: touch(path))
    code = run_command_line([*words_of(command, path, out=tmp_path / "out"), "--no-cache"])
    told = capsysbinary.readouterr()
    if not changed.done:
        assert command == "inspect"  # which reads documents alone
        return
    assert code == 3
    assert b"changed while it was read" in told.err
    assert told.err.count(b"\n") == 1


# Errors of the medium


class Failing:
    """A source that fails at a byte."""

    def __init__(self, data: bytes, at: int) -> None:
        self._source = BytesSource(data[:at])

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        if not data:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd", "bzip2", "xz"])
def test_a_scan_does_not_swallow_an_error_of_its_source(compression):
    from support.images import compress

    data = compress(TarBuilder().file("a", os.urandom(MB)).build(), compression)
    for at in (0, 1, 511, 512, 100_000, len(data) - 1):
        with pytest.raises(OSError, match="Input/output error"):
            scan_layer(Failing(data, at))


@pytest.mark.parametrize("kind", ["tar", "gzip", "folder"])
@pytest.mark.parametrize("after", [1, *MOMENTS])
def test_a_read_error_in_the_middle_is_one_line(tmp_path, monkeypatch, capsysbinary, kind, after):
    path = written(kind, tmp_path)

    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    failing = Meanwhile(monkeypatch, after, fail)
    code = run_command_line(["analyze", str(path), "--no-cache"])
    told = capsysbinary.readouterr()
    assert failing.done and code == 3
    assert told.out == b"" and told.err.count(b"\n") == 1
    assert b"Input/output error" in told.err
    assert told.err.startswith(b"oci-inspect: ")


@pytest.mark.parametrize("use", ["analyze", "compare", "df", "export"])
@pytest.mark.parametrize("kind", ["tar", "gzip", "folder"])
def test_the_library_tells_of_a_read_error_by_an_error_of_its_own(tmp_path, monkeypatch, kind, use):
    path = written(kind, tmp_path)

    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    failing = Meanwhile(monkeypatch, MB + MB // 2, fail)
    with pytest.raises(OciInspectError, match="Input/output error"):
        if use == "analyze":
            analyze(path)
        elif use == "compare":
            compare(path, path)
        elif use == "df":
            disk_usage([path])
        else:
            with open_archive(path, keep=True) as archive:
                export_tar(archive.look().tree(), lambda data: None)
    assert failing.done


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no /proc here")
@pytest.mark.parametrize(
    ("command", "compressed"),
    [
        *((one, False) for one in READERS if one != "compare" and (SLOW or one in STREAMED)),
        *((one, True) for one in STREAMED),
    ],
)
def test_a_real_read_error_in_the_middle_is_one_line(forks, tmp_path, command, compressed):
    """The memory of a process as a file: where no page is, the kernel says EIO."""
    data = APP.read_bytes()[:120_000]
    if compressed:
        data = gzip.compress(APP.read_bytes())[:-300]
    size = -(-len(data) // mmap.PAGESIZE) * mmap.PAGESIZE
    with mmap.mmap(-1, size + 16 * mmap.PAGESIZE) as memory:
        memory.resize(size)  # behind it nothing is left
        memory[size - len(data) :] = data
        memory_map = Path("/proc/self/maps").read_text().split("\n")
        ranges = [
            [int(one, 16) for one in line.split()[0].split("-")]
            for line in memory_map
            if line and "[" not in line
        ]
        begin = address_of(memory)
        assert any(low <= begin < high for low, high in ranges)
        if any(low == begin + size for low, _ in ranges):
            pytest.skip("something else lies behind it")
        try:
            file = os.open("/proc/self/mem", os.O_RDONLY)
        except OSError:
            pytest.skip("nobody may read memory here")
        try:
            os.lseek(file, begin + size - len(data), os.SEEK_SET)
            words = words_of(command, "-", out=tmp_path / "out")
            done = forks.run(*words, stdin=file)
        finally:
            os.close(file)
    assert done.code == 3
    assert done.problem == "standard input: Input/output error"
    assert not (tmp_path / "out").exists()


def address_of(memory: mmap.mmap) -> int:
    import ctypes

    view = (ctypes.c_char * len(memory)).from_buffer(memory)
    try:
        return ctypes.addressof(view)
    finally:
        del view
