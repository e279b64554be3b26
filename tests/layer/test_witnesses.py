"""GNU tar and Python's tarfile list well-formed archives of our own as the scanners do.

They have nothing in common with this program: what three readers say alike is right.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from layer.agreement import Seen, agreed, fast
from layer.test_properties import builders
from support.tars import (
    END,
    GNU,
    V7,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    pax,
)

Listing = list[tuple[str, str, int, str]]
"""Type as ``ls`` prints it, name, size, target."""

GNU_TAR = shutil.which("tar")
WITNESS_TYPES = {"f": "-", "d": "d", "l": "l", "h": "h", "c": "c", "b": "b", "p": "p"}

needs_gnu_tar = pytest.mark.skipif(
    GNU_TAR is None
    or b"GNU tar" not in subprocess.run([GNU_TAR, "--version"], capture_output=True).stdout,
    reason="GNU tar is not here",
)


NAME = "d/" * 40 + "n" * 175
SPANS = [(at, 512) for at in range(0, 30720, 1024)]


def long_names(form: str) -> bytes:
    builder = TarBuilder(form)
    for size in (99, 100, 101, 155, 200, 255):
        builder.file(NAME[:size], b"x" * size, mode=0o600, mtime=size)
    return builder.symlink("s", "t/" * 80 + "t").hardlink("h", NAME[:101]).build()


SAMPLES = {
    "all types": TarBuilder()
    .dir("d", mode=0o1777)
    .file("d/f", b"content", mode=0o4755, uid=1000, gid=100, mtime=1_700_000_000)
    .symlink("d/s", "../x y")
    .hardlink("h", "d/f")
    .char("null", 1, 3)
    .block("sda", 8, 0)
    .fifo("p")
    .build(),
    "pax names": long_names("pax"),
    "gnu names": long_names("gnu"),
    "split names": TarBuilder("ustar").file("p" * 120 + "/" + "n" * 90, b"1").build(),
    "v7": entry(b"old", b"data", type=b"\0", magic=V7) + header(b"d/", type=b"\0", magic=V7) + END,
    "large numbers": TarBuilder().file("a", uid=2**31 - 1, gid=2**31 - 1, mtime=2**33 + 5).build(),
    "before 1970": entry(b"a", b"1", mtime=base256(-100, 12), magic=GNU) + END,
    "pax time": pax({b"mtime": b"1700000000.75"}) + entry(b"a", b"1") + END,
    "pax size": pax({b"size": b"3"}) + entry(b"a", b"123") + entry(b"b") + END,
    "global": pax({b"comment": b"x"}, type=b"g") + entry(b"a", b"1") + END,
    "long link": gnu_long(b"K", b"t" * 300) + header(b"l", type=b"2", magic=GNU) + END,
    "old sparse": gnu_sparse(b"s", SPANS, b"x" * 512 * 30, 40960) + entry(b"next", b"1") + END,
    "sparse 1.0": pax(
        {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.name": b"real",
            b"GNU.sparse.realsize": b"99999",
        }
    )
    + entry(b"GNUSparseFile.0/real", b"1\n0\n5\n".ljust(512, b"\0") + b"12345")
    + entry(b"next", b"1")
    + END,
    "full blocks": b"".join(entry(b"f%d" % n, b"c" * n) for n in (0, 1, 511, 512, 513, 1024)) + END,
    "empty": END,
    "no end": entry(b"a", b"1"),
    "record": entry(b"a", b"1") + bytes(10240 - 1024),
    "utf-8": TarBuilder().file("größe/日本 x", b"1").build(),
}


def ours(seen: Seen) -> Listing:
    return [
        (WITNESS_TYPES[chr(row.type)], row.path.decode(), row.size, row.linkname.decode())
        for row in seen.rows
    ]


def by_tarfile(tar: bytes) -> Listing:
    kinds = {
        tarfile.SYMTYPE: "l",
        tarfile.LNKTYPE: "h",
        tarfile.CHRTYPE: "c",
        tarfile.BLKTYPE: "b",
        tarfile.DIRTYPE: "d",
        tarfile.FIFOTYPE: "p",
    }
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [
            (kinds.get(one.type, "-"), one.name, one.size, one.linkname if one.linkname else "")
            for one in archive
        ]


LINE = re.compile(r"(.)\S{9} +\d+/\d+ +([\d,]+) \S+ \S+ (.*)")


def by_gnu_tar(tar: bytes, folder: Path) -> Listing:
    path = folder / "sample.tar"
    path.write_bytes(tar)
    assert GNU_TAR is not None
    done = subprocess.run(
        [GNU_TAR, "--numeric-owner", "--quoting-style=literal", "-tvf", path],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC0", "TAR_OPTIONS": ""},
        timeout=20,
    )
    found = []
    for line in done.stdout.decode().splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        kind, size, name = match.groups()
        name, _, target = name.partition(" -> " if kind == "l" else " link to ")
        numbers = "," in size
        found.append((kind, name.rstrip("/"), 0 if numbers else int(size), target))
    return found


@pytest.mark.parametrize("tar", SAMPLES.values(), ids=SAMPLES)
def test_tarfile_lists_the_same(tar: bytes) -> None:
    assert ours(agreed(tar)) == by_tarfile(tar)


@needs_gnu_tar
@pytest.mark.parametrize("tar", SAMPLES.values(), ids=SAMPLES)
def test_gnu_tar_lists_the_same(tar: bytes, tmp_path: Path) -> None:
    assert ours(agreed(tar)) == by_gnu_tar(tar, tmp_path)


@pytest.mark.parametrize("name", ["all types", "pax names", "gnu names", "pax time", "before 1970"])
def test_tarfile_reads_the_same_modes_owners_and_times(name: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(SAMPLES[name])) as archive:
        expected = [(one.mode, one.uid, one.gid, one.mtime, one.offset_data) for one in archive]
    rows = agreed(SAMPLES[name]).rows
    assert [
        (row.mode, row.uid, row.gid, row.mtime + row.mtime_ns / 1e9, row.offset) for row in rows
    ] == expected


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_tarfile_writes_is_read(form: int) -> None:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=form, pax_headers={"comment": "ours"}
    ) as archive:
        for number, name in enumerate(["a", "d/" * 40 + "x" * 90, "é" * 40, "z" * 100]):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode, info.uid = number * 300, number, 0o640, number
            archive.addfile(info, io.BytesIO(b"c" * info.size))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "t" * 99
        archive.addfile(link)
    seen = agreed(out.getvalue())
    assert ours(seen) == by_tarfile(out.getvalue())
    assert len(seen.rows) == 5
    assert seen.rules == set()


@needs_gnu_tar
@pytest.mark.parametrize("form", ["v7", "ustar", "gnu", "oldgnu", "pax"])
def test_what_gnu_tar_writes_is_read(form: str, tmp_path: Path) -> None:
    """A real tree, with links, long names where the form has them, and a sparse file."""
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "f").write_bytes(b"content" * 300)
    (tree / "d" / "s").symlink_to("f")
    (tree / "h").hardlink_to(tree / "d" / "f")
    os.mkfifo(tree / "p") if form != "v7" else None
    os.utime(tree / "d" / "f", ns=(5, 1_700_000_000_123_456_789))
    with (tree / "sparse").open("wb") as file:
        file.write(b"x")
        file.truncate(1 << 22)
        file.seek((1 << 22) - 1)
        file.write(b"y")
    if form not in ("v7", "ustar"):
        (tree / ("n" * 180)).write_bytes(b"long")
    path = tmp_path / "out.tar"
    assert GNU_TAR is not None
    sparse = ["--sparse"] if form not in ("v7", "ustar") else []
    command = [GNU_TAR, "--sort=name", f"--format={form}", *sparse, "-C", tree, "-cf", path, "."]
    subprocess.run(command, check=True, timeout=20)
    data = path.read_bytes()
    seen = fast(data)
    assert seen.answer() == agreed(data, steps=(777,)).answer()
    assert seen.rules == set()
    by_path = {row.path: row for row in seen.rows}
    assert {b"", b"d", b"d/f", b"d/s", b"h", b"sparse"} <= by_path.keys()
    assert by_path[b"sparse"].size == 1 << 22
    assert by_path[b"d/f"].size == 2100
    assert by_path[b"h"].linkname == b"d/f"
    assert by_path[b"d/f"].mtime == 1_700_000_000
    assert by_path[b"d/f"].mtime_ns == (123_456_789 if form == "pax" else 0)
    if sparse:
        assert by_path[b"sparse"].stored_size < 1 << 20
        assert by_path[b"n" * 180].size == 4


@given(builders())
@settings(max_examples=60)
def test_tarfile_lists_random_tars_as_we_do(builder: TarBuilder) -> None:
    tar = builder.build()
    with tarfile.open(
        fileobj=io.BytesIO(tar), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        expected = [
            (one.name.encode("utf-8", "surrogateescape").strip(b"/"), one.size, one.mode, one.uid)
            for one in archive
        ]
    rows = fast(tar).rows
    assert [(row.size, row.mode, row.uid) for row in rows] == [one[1:] for one in expected]
    for row, (name, *_) in zip(rows, expected, strict=True):
        if b".." not in name and b"./" not in name:
            assert row.path == name
