"""Maps of sparse files: in every way that GNU tar writes them, and broken ones."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from support.scans import table_of
from support.tars import END, GNU, TarBuilder, entry, gnu_sparse, header, padded, pax, pax_record

from oci_inspect.errors import CorruptStreamError, LimitExceededError, OciInspectError
from oci_inspect.layer.content import FileContent, FileStream, LayerFiles
from oci_inspect.limits import DEFAULT_LIMITS, KIB, Limits
from oci_inspect.stream.source import BytesSource

WAYS = {
    "gnu": ["--format=gnu"],
    "pax 0.0": ["--format=pax", "--sparse-version=0.0"],
    "pax 0.1": ["--format=pax", "--sparse-version=0.1"],
    "pax 1.0": ["--format=pax", "--sparse-version=1.0"],
}
GNU_TAR = shutil.which("tar")


def files_of(tar: bytes, limits: Limits = DEFAULT_LIMITS) -> LayerFiles:
    return LayerFiles(table_of(tar), lambda: BytesSource(tar), limits)


def read(content: FileContent) -> bytes:
    return FileStream(content).readall() or b""


def row_of(files: LayerFiles, path: bytes) -> int:
    return files.table.paths.index(path)


def write_sparse(path: Path, chance: random.Random, regions: int) -> bytes:
    """A file with holes; a region at its end or a hole, and sometimes no data at all."""
    block = 4 * KIB
    with path.open("wb") as file:
        at = chance.choice((0, 1, 3)) * block
        for _ in range(regions):
            file.seek(at)
            data = chance.randbytes(chance.choice((1, 700, block, 2 * block)))
            file.write(data)
            at += (len(data) + block - 1) // block * block + chance.choice((1, 1, 2, 9)) * block
        file.truncate(max(file.tell(), at + chance.choice((-block, 0, 5, 1000 * block))))
    return path.read_bytes()


@pytest.mark.skipif(GNU_TAR is None, reason="no tar here")
@pytest.mark.parametrize("way", WAYS)
def test_what_gnu_tar_writes_is_read_back(way: str, tmp_path: Path) -> None:
    version = subprocess.run(["tar", "--version"], capture_output=True, check=True).stdout
    if b"GNU tar" not in version:
        pytest.skip("the tar here is not GNU's")
    contents = {}
    for i, regions in enumerate((0, 1, 2, 3, 4, 5, 6, 24, 25, 26, 46, 47, 100)):
        name = f"sparse{i}" + "n" * chance_of_length(i)
        contents[name] = write_sparse(tmp_path / name, random.Random(i), regions)
        contents[f"{i}plain"] = b"p" * i * 300
        (tmp_path / f"{i}plain").write_bytes(contents[f"{i}plain"])
    written = subprocess.run(
        ["tar", "--sparse", *WAYS[way], "-cf", "-", *contents],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    files = files_of(written.stdout)
    tar = files.tar()
    sparse = 0
    for name, content in contents.items():
        row = row_of(files, name.encode())
        assert files.table.sizes[row] == len(content)
        assert read(files.open(row)) == content, name
        again = files.open(row, tar)  # one pass over all of them
        assert read(again) == content, name
        sparse += again.sparse
        data = [content[offset : offset + length] for offset, length in again.regions]
        stored = files.open(row)
        assert stored.read_data(1 << 30) == (data[0] if data else b"")
        assert len(content) == again.size
    assert sparse > 5


def chance_of_length(i: int) -> int:
    """Some names need an extension header of their own."""
    return 150 if i % 3 == 0 else 0


# Ways of our own making

Map = list[tuple[int, int]]


def old(regions: Map, stored: bytes, size: int) -> bytes:
    return gnu_sparse(b"s", regions, stored, size)


def pax_00(regions: Map, stored: bytes, size: int) -> bytes:
    records = pax_record(b"GNU.sparse.size", b"%d" % size)
    records += pax_record(b"GNU.sparse.numblocks", b"%d" % len(regions))
    for offset, length in regions:
        records += pax_record(b"GNU.sparse.offset", b"%d" % offset)
        records += pax_record(b"GNU.sparse.numbytes", b"%d" % length)
    return pax(records) + entry(b"s", stored)


def pax_01(regions: Map, stored: bytes, size: int) -> bytes:
    numbers = b",".join(b"%d,%d" % region for region in regions)
    return pax(
        {
            b"GNU.sparse.size": b"%d" % size,
            b"GNU.sparse.numblocks": b"%d" % len(regions),
            b"GNU.sparse.name": b"s",
            b"GNU.sparse.map": numbers,
        }
    ) + entry(b"GNUSparseFile.0/s", stored)


def lines(text: bytes, stored: bytes, size: int) -> bytes:
    return pax(
        {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.name": b"s",
            b"GNU.sparse.realsize": b"%d" % size,
        }
    ) + entry(b"GNUSparseFile.0/s", padded(text) + stored)


def pax_10(regions: Map, stored: bytes, size: int) -> bytes:
    text = b"".join(b"%d\n%d\n" % region for region in regions)
    return lines(b"%d\n" % len(regions) + text, stored, size)


MAKERS = {"old": old, "0.0": pax_00, "0.1": pax_01, "1.0": pax_10}
WAY = pytest.mark.parametrize("way", MAKERS)


def opened(tar: bytes, limits: Limits = DEFAULT_LIMITS) -> FileContent:
    files = files_of(entry(b"before", b"b" * 600) + tar + entry(b"after", b"after") + END, limits)
    return files.open(row_of(files, b"s"))


@WAY
@pytest.mark.parametrize("count", [0, 1, 4, 5, 25, 26, 300])
def test_every_way_of_writing_a_map_is_read(way: str, count: int) -> None:
    chance = random.Random(count)
    regions, stored, content = [], b"", b""
    for _ in range(count):
        content += bytes(chance.choice((1, 600, 5000)))
        data = chance.randbytes(chance.choice((1, 512, 700)))
        regions.append((len(content), len(data)))
        content += data
        stored += data
    content += bytes(3000)
    regions.append((len(content), 0))
    made = opened(MAKERS[way](regions, stored, len(content)))
    assert made.sparse and made.size == len(content)
    assert made.regions == tuple(regions[:-1])
    assert read(made) == content


@WAY
def test_sparse_file_that_takes_as_much_room_as_it_has_bytes_is_still_sparse(way: str) -> None:
    """With its map, what pax 1.0 stores can be as long as the file."""
    data = b"d" * 512
    content = bytes(512) + data
    assert read(opened(MAKERS[way]([(512, 512)], data, 1024))) == content


def test_pax_size_of_an_old_sparse_file_is_that_of_what_is_stored() -> None:
    tar = pax({b"size": b"5"}) + old([(3, 5)], b"abcde", 10)
    assert read(opened(tar)) == b"\0\0\0abcde\0\0"


@WAY
def test_sparse_file_that_is_cut_is_an_error_and_no_file_as_it_is(way: str) -> None:
    tar = MAKERS[way]([(512, 2048)], b"d" * 2048, 4096)
    for left in (1, 512, 1024, 1536):
        files = files_of(tar[:-left])
        with pytest.raises(CorruptStreamError):
            read(files.open(0))


@WAY
def test_map_without_holes_is_the_file(way: str) -> None:
    data = b"d" * 700
    assert read(opened(MAKERS[way]([(0, 700)], data, 700))) == data


@WAY
@pytest.mark.parametrize(
    ("regions", "size"),
    [
        ([(0, 10), (5, 10)], 100),
        ([(50, 10), (0, 10)], 100),
        ([(0, 10), (95, 10)], 100),
        ([(0, 10), (100, 10)], 100),
        ([(0, 19)], 100),
        ([(0, 21)], 100),
        ([(0, 10)], 100),
        ([(0, 20), (50, 1)], 100),
        ([], 100),
        ([(2**63, 20)], 100),
        ([(0, 2**62), (2**62, 20)], 100),
        ([(101, 0), (0, 20)], 100),
    ],
)
def test_map_that_does_not_fit_its_file_is_an_error(way: str, regions: Map, size: int) -> None:
    with pytest.raises(CorruptStreamError, match="sparse"):
        read(opened(MAKERS[way](regions, b"d" * 20, size)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"x\n",
        b"-1\n0\n20\n",
        b"1\n0\n",
        b"1\n0\n20",
        b"1\n0\n2x\n",
        b"1\n 0\n20\n",
        b"2\n0\n20\n",
        b"1\n\n20\n",
        b"9" * 400,
        b"1\n" + b"0" * 600 + b"\n20\n",
        b"1\n" + b"0" * 30 + b"\n20\n",
    ],
)
def test_lines_that_are_no_map_are_an_error(text: bytes) -> None:
    with pytest.raises(CorruptStreamError, match="sparse"):
        read(opened(lines(text, b"d" * 20, 100)))


@pytest.mark.parametrize("numbers", [b"", b"0", b"0,20,5", b"a,b", b"0;20", b"0,-20", b"0,2 0"])
def test_list_that_is_no_map_is_an_error(numbers: bytes) -> None:
    records = {b"GNU.sparse.size": b"100", b"GNU.sparse.map": numbers}
    with pytest.raises(CorruptStreamError, match="sparse"):
        read(opened(pax(records) + entry(b"s", b"d" * 20)))


def test_file_that_claims_another_size_and_has_no_map_is_an_error() -> None:
    with pytest.raises(CorruptStreamError, match="does not fit"):
        read(opened(pax({b"GNU.sparse.realsize": b"100"}) + entry(b"s", b"d" * 20)))


@WAY
@pytest.mark.parametrize("most", [4, 5])
def test_map_of_more_regions_than_the_limit_is_a_limit(way: str, most: int) -> None:
    regions = [(i * 10, 1) for i in range(5)]
    tar = MAKERS[way](regions, b"d" * 5, 100) + END
    # Listed under wide limits, read under narrow ones: the reader has its own eyes.
    files = LayerFiles(table_of(tar), lambda: BytesSource(tar), Limits(sparse_regions=most))
    if most < 5 or way == "old":  # whose map is counted by whole blocks
        with pytest.raises(LimitExceededError):
            files.open(0)
    else:
        assert read(files.open(0))[40:42] == b"d\0"


def test_count_of_lines_over_the_limit_is_a_limit_before_they_are_read() -> None:
    with pytest.raises(LimitExceededError):
        opened(lines(b"%d\n" % 10**9, b"d" * 20, 100))


def test_file_of_eight_exbibytes_is_refused_by_the_limit() -> None:
    tar = gnu_sparse(b"s", [(2**63 - 2, 1)], b"x", 2**63 - 1)
    with pytest.raises(LimitExceededError, match="layer bytes"):
        opened(tar)


def test_file_of_a_tebibyte_is_opened_and_its_data_found_without_its_holes() -> None:
    content = opened(gnu_sparse(b"s", [(2**40 - 1, 1)], b"x", 2**40))
    assert content.read_data(100) == b"x"
    assert content.read_data(100) == b""


def test_line_without_an_end_is_an_error_before_the_layer_is_read_through() -> None:
    tar = lines(b"9" * 3_000_000, b"", 100) + END

    class Counting(BytesSource):
        taken = 0

        def read(self, size: int, /) -> bytes:
            data = super().read(size)
            Counting.taken += len(data)
            return data

    files = LayerFiles(table_of(tar), lambda: Counting(tar))
    with pytest.raises(CorruptStreamError):
        files.open(0)
    assert Counting.taken < 20_000


@WAY
def test_other_sparse_files_and_damage_in_front_change_nothing(way: str) -> None:
    other = b"".join(make([(5, 3)], b"abc", 10) for make in MAKERS.values())
    one = MAKERS[way]([(1, 2), (7, 1)], b"xyz", 9)
    globals_ = pax({b"GNU.sparse.major": b"1", b"mtime": b"5"}, type=b"g")
    for front in (other, b"A" * 1024, globals_, pax({b"path": b"q"}) * 2, bytes(512)):
        tar = TarBuilder().file("f", b"1").raw(front + one).build()
        files = files_of(tar)
        rows = [row for row in range(len(files.table)) if files.table.sizes[row] == 9]
        assert [read(files.open(row)) for row in rows] == [b"\0xy\0\0\0\0z\0"]


@WAY
def test_damaged_maps_end_in_an_error_or_in_a_file_of_the_right_size(way: str) -> None:
    one = MAKERS[way]([(i * 100, 9) for i in range(30)], b"d" * 270, 4000)
    for seed in range(250):
        chance = random.Random(seed)
        damaged = bytearray(entry(b"f", b"1") + one + END)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(512, len(damaged))] = chance.choice(b"\0\x01 019,\n\xff")
        if chance.random() < 0.2:
            del damaged[chance.randrange(600, len(damaged)) :]
        files = files_of(bytes(damaged))
        for row, kind in enumerate(files.table.types):
            if kind != ord("f") or files.table.sizes[row] > 10**8:
                continue
            try:
                content = files.open(row)
                assert len(read(content)) == files.table.sizes[row] == content.size
            except OciInspectError:
                pass


def test_old_map_is_cut() -> None:
    block = header(b"s", type=b"S", size=5, magic=GNU, patch={482: b"\1", 483: b"00000000144\0"})
    tar = block + b"\0" * 504 + b"\1" + bytes(7)
    files = files_of(tar)
    assert len(files.table) == 0  # the listing did not come to it


@pytest.mark.skipif(not hasattr(os, "SEEK_HOLE"), reason="no holes here")
def test_reading_gives_holes_and_data_in_order_whatever_is_asked_for() -> None:
    content = bytes(700) + b"x" * 300 + bytes(2_000_000) + b"y"
    regions = [(700, 300), (len(content) - 1, 1)]
    for step in (1, 7, 512, 1 << 20):
        one = opened(pax_10(regions, b"x" * 300 + b"y", len(content)))
        if step > 100:
            got = b"".join(iter(lambda one=one, step=step: one.read(step), b""))
            assert got == content
        else:
            got = b"".join(one.read(step) for _ in range(1500 // step))
            assert got == content[: len(got)] and len(got) > 1000


SWAPPED = [(1, 1), (0, 1)]


@pytest.mark.parametrize(
    "tar",
    [
        gnu_sparse(b"s", SWAPPED, b"ab", 2) + END,
        pax({b"GNU.sparse.size": b"2", b"GNU.sparse.map": b"1,1,0,1"}) + entry(b"s", b"ab") + END,
        pax(
            pax_record(b"GNU.sparse.size", b"2")
            + b"".join(
                pax_record(b"GNU.sparse.offset", b"%d" % at)
                + pax_record(b"GNU.sparse.numbytes", b"1")
                for at, _ in SWAPPED
            )
        )
        + entry(b"s", b"ab")
        + END,
    ],
    ids=["gnu", "pax 0.1", "pax 0.0"],
)
def test_map_of_a_file_that_is_stored_as_long_as_it_is_counts_too(tar: bytes) -> None:
    """GNU tar and libarchive refuse it: taken for a plain file it would be another than theirs."""
    files = files_of(tar)
    with pytest.raises(CorruptStreamError):
        read(files.open(row_of(files, b"s")))


def test_sparse_file_without_a_hole_is_read() -> None:
    files = files_of(gnu_sparse(b"s", [(0, 2)], b"ab", 2) + END)
    assert read(files.open(row_of(files, b"s"))) == b"ab"
