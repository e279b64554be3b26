"""Files that look the same and are not: a CRC-32 proves nothing."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import Comparison, compare
from oci_inspect.cli import run

LARGE = 20_000
"""Larger than what has a second checksum beside its CRC-32."""


def with_crc(data: bytes, wanted: int) -> bytes:
    """``data`` with four bytes behind it, so that its CRC-32 is the wanted one.

    The table of CRC-32 is run backwards: each value of its highest byte stands there once.
    """
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    at = {entry >> 24: i for i, entry in enumerate(table)}
    state = wanted ^ 0xFFFFFFFF
    places = []
    for _ in range(4):
        place = at[state >> 24]
        places.append(place)
        state = ((state ^ table[place]) << 8) & 0xFFFFFFFF
    now = zlib.crc32(data) ^ 0xFFFFFFFF
    tail = bytearray()
    for place in reversed(places):
        tail.append((now & 0xFF) ^ place)
        now = table[place] ^ (now >> 8)
    return data + bytes(tail)


GOOD = bytes(LARGE)
FORGED = with_crc(b"x" * (LARGE - 4), zlib.crc32(GOOD))


def archive(folder: Path, name: str, content: bytes, how: str) -> Path:
    image = ImageBuilder("a:1").layer(
        TarBuilder().file("bin/sh", content).file("z", b"1"), compression=how
    )
    if how == "none":
        return docker_archive(image).write_file(folder / f"{name}.tar")
    return oci_layout(image).write_file(folder / f"{name}.tar")


def compared(folder: Path, how: str) -> Comparison:
    return compare(archive(folder, "a", GOOD, how), archive(folder, "b", FORGED, how))


def test_the_forgery_is_one() -> None:
    assert len(FORGED) == len(GOOD) and FORGED != GOOD
    assert zlib.crc32(FORGED) == zlib.crc32(GOOD)


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_forged_file_is_different(tmp_path: Path, how: str) -> None:
    found = compared(tmp_path, how)
    assert [(one.path, one.why) for one in found.files.differences] == [(b"bin/sh", ("content",))]
    assert not found.same_filesystem and found.proven
    assert run(["compare", "-q", "--exit-code", *map(str, sorted(tmp_path.iterdir()))]) == 1


def test_same_files_in_another_order_are_read_and_are_the_same(tmp_path: Path) -> None:
    files = [("a", GOOD), ("b", b"2" * LARGE), ("c", b"3")]
    paths = []
    for name, order in (("one", files), ("other", files[::-1])):
        tar = TarBuilder()
        for path, content in order:
            tar.file(path, content)
        image = ImageBuilder("a:1").layer(tar, compression="gzip")
        paths.append(oci_layout(image).write_file(tmp_path / f"{name}.tar"))
    found = compare(*paths)
    assert not found.same_layers
    assert found.same_filesystem and found.proven


def test_stream_cannot_be_read_again_and_is_no_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = archive(tmp_path, "a", GOOD, "none")
    packed = tmp_path / "b.tar.gz"
    packed.write_bytes(gzip.compress(archive(tmp_path, "b", FORGED, "none").read_bytes()))
    assert run(["compare", "-q", "--exit-code", str(plain), str(packed)]) == 1
    told = capsys.readouterr().out
    assert told == (
        "same filesystem, same config, by size and CRC-32 alone: a stream cannot be read again\n"
    )
