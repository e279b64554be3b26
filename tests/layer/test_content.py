"""Files read out of a layer: what they hold, and how little is read for it."""

from __future__ import annotations

import io
import random
from functools import lru_cache

import pytest
from layer.test_listing import Counting
from support.images import COMPRESSIONS
from support.images import compress as compress_now
from support.scans import Stack
from support.tars import END, TarBuilder, entry, gnu_sparse, header, pax

from oci_inspect.errors import ArchiveError, CorruptStreamError, LimitExceededError, OciInspectError
from oci_inspect.layer.content import FileContent, FileStream, LayerFiles, TarBytes
from oci_inspect.layer.entries import FILE
from oci_inspect.layer.scan import scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from oci_inspect.stream.source import BytesSource

compress = lru_cache(50)(compress_now)
EVERY = pytest.mark.parametrize("compression", COMPRESSIONS)


def files_of(blob: bytes, limits: Limits = DEFAULT_LIMITS, *, step: int = 1 << 30) -> LayerFiles:
    table = scan_layer(BytesSource(blob)).table
    return LayerFiles(table, lambda: Counting(blob, step), limits)


def read(content: FileContent, step: int = 1 << 20) -> bytes:
    return b"".join(iter(lambda: content.read(step), b""))


def sample() -> tuple[bytes, dict[bytes, bytes]]:
    """A tar of files of many sizes, and what they hold."""
    chance = random.Random(0)
    contents = {
        b"f%d" % size: chance.randbytes(size)
        for size in (0, 1, 511, 512, 513, 1023, 4096, 65_536, 300_000, 1_048_577)
    }
    tar = TarBuilder().dir("d").symlink("s", "f1")
    for name, content in contents.items():
        tar.file(name, content, xattrs={b"user.a": b"v"} if len(content) % 2 else None)
        tar.hardlink(b"h" + name, name)
    contents[b"sparse"] = bytes(700) + b"s" * 300 + bytes(100_000)
    tar.raw(gnu_sparse(b"sparse", [(700, 300), (101_000, 0)], b"s" * 300, 101_000))
    tar.file("n" * 200, b"last")
    contents[b"n" * 200] = b"last"
    return tar.build(), contents


TAR, CONTENTS = sample()


@EVERY
def test_every_file_is_read_back(compression: str) -> None:
    files = files_of(compress(TAR, compression), step=70_001)
    for name, content in CONTENTS.items():
        opened = files.open(files.table.paths.index(name))
        assert opened.size == len(content)
        assert read(opened, 100_000) == content, name
        assert opened.read(1) == b""
    assert files.tar().compression == compression.partition("-")[0]


@EVERY
def test_one_pass_reads_all_files_or_some_of_them(compression: str) -> None:
    files = files_of(compress(TAR, compression), step=70_001)
    rows = [row for row, kind in enumerate(files.table.types) if kind == FILE]
    for chosen in (rows[::2], rows[-1:]):
        tar = files.tar()
        for row in chosen:
            assert files.start(row) >= tar.position
            content = CONTENTS[files.table.paths[row]]
            half = files.open(row, tar).read(len(content) // 2)  # and what is left is passed over
            assert content.startswith(half)
    tar = files.tar()
    assert [read(files.open(row, tar)) for row in rows] == list(CONTENTS.values())


@pytest.mark.parametrize("compression", ["gzip", "gzip-members", "zstd", "xz", "bzip2"])
def test_of_a_compressed_layer_no_more_is_read_than_up_to_the_file(compression: str) -> None:
    noise = random.Random(1).randbytes(700 * KIB)  # nothing makes it smaller
    tar = b"".join(entry(b"%d" % i, noise) for i in range(8)) + END
    blob = compress(tar, compression)
    table = scan_layer(BytesSource(blob)).table
    for row in (0, 5):
        source = Counting(blob)
        files = LayerFiles(table, lambda source=source: source)
        assert read(files.open(row)) == noise
        end = table.offsets[row] + len(noise)
        block = MIB if compression == "bzip2" else 0  # comes out as a whole
        assert source.read_bytes <= end * len(blob) / len(tar) + 1.25 * MIB + block


def test_of_a_plain_layer_nothing_but_the_file_is_read() -> None:
    tar = b"".join(entry(b"%d" % i, b"%d" % i * MIB) for i in range(5)) + END
    table = scan_layer(BytesSource(tar)).table
    source = Counting(tar)
    assert read(LayerFiles(table, lambda: source).open(3)) == b"3" * MIB
    assert source.read_bytes <= MIB + 100


def test_of_a_plain_layer_a_sparse_file_takes_its_headers_and_its_data() -> None:
    large = entry(b"large", b"1" * MIB)
    tar = large + gnu_sparse(b"s", [(i * MIB, 9) for i in range(40)], b"d" * 360, 40 * MIB) + END
    table = scan_layer(BytesSource(tar)).table
    source = Counting(tar)
    content = LayerFiles(table, lambda: source).open(1)
    assert content.sparse and len(content.regions) == 40
    assert sum(len(data) for data in iter(lambda: content.read_data(100), b"")) == 360
    assert source.read_bytes < 5 * KIB


def test_empty_file_needs_no_layer() -> None:
    files = LayerFiles(scan_layer(BytesSource(TAR)).table, lambda: pytest.fail("it was opened"))
    opened = files.open(files.table.paths.index(b"f0"))
    assert (opened.size, opened.regions, opened.sparse, opened.read(9)) == (0, (), False, b"")


def test_ordinary_file_is_one_region() -> None:
    files = files_of(TAR)
    opened = files.open(files.table.paths.index(b"f513"))
    assert (opened.regions, opened.sparse) == (((0, 513),), False)


# Damage


@EVERY
def test_layer_that_ends_before_the_file_does_is_an_error(compression: str) -> None:
    blob = compress(TAR, compression)
    files = files_of(blob)
    row = files.table.paths.index(b"f1048577")
    cut = LayerFiles(files.table, lambda: BytesSource(blob[: len(blob) // 2]))
    with pytest.raises(CorruptStreamError):
        read(cut.open(row))


@pytest.mark.parametrize("compression", ["gzip", "zstd", "xz", "bzip2"])
def test_damaged_layer_gives_an_error_or_what_the_file_holds_so_far(compression: str) -> None:
    tar = b"".join(entry(b"%d" % i, random.Random(i).randbytes(3000)) for i in range(9)) + END
    blob = compress(tar, compression)
    table = scan_layer(BytesSource(blob)).table
    for seed in range(60):
        chance = random.Random(seed)
        damaged = bytearray(blob)
        damaged[chance.randrange(12, len(blob) * 3 // 4)] ^= 1 << chance.randrange(8)
        files = LayerFiles(table, lambda damaged=bytes(damaged): BytesSource(damaged))
        try:
            got = read(files.open(8))
        except OciInspectError:
            continue
        assert len(got) == 3000  # the checksum stands behind what was read


def test_compression_bomb_in_front_of_a_file_is_a_limit() -> None:
    tar = entry(b"bomb", bytes(8 * MIB)) + entry(b"f", b"1") + END
    blob = compress(tar, "gzip")
    limits = Limits(expansion_floor=MIB, expansion_ratio=100)
    files = LayerFiles(scan_layer(BytesSource(blob)).table, lambda: BytesSource(blob), limits)
    with pytest.raises(LimitExceededError, match="expansion ratio"):
        files.open(1)


def test_file_larger_than_a_layer_may_be_is_a_limit() -> None:
    files = LayerFiles(
        scan_layer(BytesSource(TAR)).table, lambda: BytesSource(TAR), Limits(layer_bytes=1000)
    )
    with pytest.raises(LimitExceededError, match="layer bytes"):
        files.open(files.table.paths.index(b"f1023"))


def test_file_that_the_end_of_its_tar_cuts_has_what_there_is() -> None:
    tar = entry(b"a", b"1") + header(b"cut", size=5000) + b"2" * 700
    files = files_of(tar)
    assert read(files.open(1)) == b"2" * 700


def test_files_behind_damaged_headers_and_odd_ones_lie_where_they_lie() -> None:
    tar = entry(b"a", b"1" * 600) + b"A" * 1536 + pax({b"mtime": b"1"}) * 2 + entry(b"b", b"22")
    tar += header(b"dump", type=b"D", size=600) + b"l" * 1024 + entry(b"c", b"333") + END
    files = files_of(tar)
    got = {files.table.paths[row]: read(files.open(row)) for row in (0, 1, 3)}
    assert got == {b"a": b"1" * 600, b"b": b"22", b"c": b"333"}


# As streams


def test_stream_is_one_of_pythons() -> None:
    files = files_of(compress(TAR, "gzip"))
    stream = FileStream(files.open(files.table.paths.index(b"f65536")))
    assert stream.readable() and not stream.writable() and not stream.seekable()
    buffered = io.BufferedReader(stream, 1000)
    content = CONTENTS[b"f65536"]
    assert buffered.peek(1)[:1] == content[:1]
    assert buffered.read(10) + buffered.read1(7) + buffered.read() == content
    assert buffered.read() == b""


@EVERY
def test_asking_for_nothing_gives_nothing_and_loses_nothing(compression: str) -> None:
    files = files_of(compress(TAR, compression))
    for name in (b"f511", b"sparse"):
        opened = files.open(files.table.paths.index(name))
        assert opened.read(0) == opened.read_data(0) == FileStream(opened).read(0) == b""
        assert FileStream(opened).readinto(bytearray()) == 0
        assert read(opened) == CONTENTS[name]


def test_stream_reads_into_any_buffer() -> None:
    files = files_of(TAR)
    stream = FileStream(files.open(files.table.paths.index(b"f511")))
    buffer = memoryview(bytearray(100)).cast("H")
    assert stream.readinto(buffer) == 100
    assert bytes(buffer) == CONTENTS[b"f511"][:100]


def test_tar_can_be_read_itself_and_knows_where_it_is() -> None:
    for compression in ("none", "zstd"):
        blob = compress(TAR, compression)
        tar = TarBytes(BytesSource(blob))
        assert tar.read(4) == TAR[:4]
        tar.skip_to(7)
        tar.skip_to(7)
        assert (tar.read(3), tar.position) == (TAR[7:10], 10)
        tar.skip_to(512_000)
        assert tar.read(100) == TAR[512_000:512_100]


def test_tree_without_an_archive_opens_nothing() -> None:
    tree = Stack(TarBuilder().file("a", b"1")).merged.tree
    with pytest.raises(ArchiveError, match="closed, or was not opened"):
        tree.open("a")
