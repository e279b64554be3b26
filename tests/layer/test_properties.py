"""Random tars and random damage: the scanners agree, and nothing but our own errors comes out."""

from __future__ import annotations

import gzip
import random

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from layer.agreement import Seen, agreed, fast, slow
from support.tars import (
    BLOCK,
    END,
    GNU,
    USTAR,
    V7,
    ZERO,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    mend_checksum,
    pax,
)

from oci_inspect.errors import OciInspectError
from oci_inspect.limits import Limits

PARTS = st.sampled_from([b"a", b"b", b".wh.a", b"usr", b"\xc3\xa9", b"\xff", b"x" * 60, b" "])
PLAIN = st.lists(PARTS, min_size=1, max_size=6).map(b"/".join)
NAMES = PLAIN | st.tuples(st.sampled_from([b"./", b"/", b"../", b""]), PLAIN).map(b"".join)
TIMES = st.integers(-(2**40), 2**40)
IDS = st.integers(0, 2**50)
CONTENTS = st.binary(max_size=40) | st.integers(500, 1100).map(lambda size: b"c" * size)
XATTRS = st.dictionaries(st.sampled_from([b"user.a", b"user.b"]), st.binary(max_size=9), max_size=2)


@st.composite
def builders(draw: st.DrawFn) -> TarBuilder:
    """A well-formed tar."""
    builder = TarBuilder(draw(st.sampled_from(["pax", "gnu"])))
    for _ in range(draw(st.integers(0, 8))):
        name = draw(NAMES)
        kind = draw(st.sampled_from("fffdlhcbp"))
        owner = {"uid": draw(IDS), "gid": draw(IDS), "mtime": draw(TIMES)}
        if kind == "f":
            mode = draw(st.integers(0, 0o7777))
            builder.file(name, draw(CONTENTS), mode=mode, xattrs=draw(XATTRS), **owner)
        elif kind == "d":
            builder.dir(name, xattrs=draw(XATTRS), **owner)
        elif kind in "lh":
            (builder.symlink if kind == "l" else builder.hardlink)(name, draw(NAMES))
        elif kind in "cb":
            device = draw(st.integers(0, 2**20)), draw(st.integers(0, 2**20))
            (builder.char if kind == "c" else builder.block)(name, *device)
        else:
            builder.fifo(name)
    return builder


ENDS = st.sampled_from([END, END, END * 10, ZERO, b"", END + entry(b"hidden"), END + b"x" * 9])


@given(builders(), ENDS, st.integers(1, 2000))
def test_random_tars_give_the_same_rows_from_both(
    builder: TarBuilder, end: bytes, step: int
) -> None:
    agreed(builder.build(end), steps=(1 << 20, step))


@given(builders(), st.sampled_from(["gzip", "zstd"]), st.integers(1, 3000))
@settings(max_examples=40)
def test_compressing_a_tar_changes_none_of_its_rows(
    builder: TarBuilder, compression: str, cut: int
) -> None:
    tar = builder.build()
    squeeze = zstandard.ZstdCompressor().compress
    if compression == "gzip":
        blob = gzip.compress(tar[:cut], 6, mtime=0) + gzip.compress(tar[cut:], 6, mtime=0)
    else:
        blob = squeeze(tar[:cut]) + squeeze(tar[cut:])
    seen, plain = agreed(blob, steps=(1 << 20, 37)), slow(tar)
    assert (seen.rows, seen.found) == (plain.rows, plain.found)
    assert seen.scan.diff_id == plain.scan.digest


FIELD = st.binary(min_size=12, max_size=12) | st.sampled_from(
    [base256(n, 12) for n in (-512, -1, 2**62, 2**63 - 1, 2**63, 2**64, 512)]
    + [b"77777777777\0", b"            ", bytes(12), b"1", b"8", b"-1", b"1000 ", b" 12"]
)
KEYS = """
path linkpath size uid gid mtime hdrcharset SCHILY.xattr.user.a LIBARCHIVE.xattr.user.b
GNU.sparse.name GNU.sparse.realsize GNU.sparse.size GNU.sparse.numblocks
"""
RECORDS = st.dictionaries(
    st.sampled_from(KEYS.encode().split()),
    st.sampled_from([b"0", b"512", b"-1.5", b"a/b", b"../x", b"a\0b", b"9" * 30, b"70000", b"AA=="])
    | st.binary(min_size=1, max_size=9),
    max_size=4,
)


@st.composite
def odd_headers(draw: st.DrawFn) -> bytes:
    """One header with right checksum and anything in it, often with a body."""
    flag = draw(
        st.sampled_from([b"0", b"\0", b"5", b"1", b"2", b"6", b"7", b"S", b"D", b"Z", b"x"])
    )
    content = draw(CONTENTS)
    fields = {
        "size": draw(st.just(len(content)) | FIELD),
        "magic": draw(st.sampled_from([USTAR, GNU, V7, b"junkjunk"])),
        "prefix": draw(st.sampled_from([b"", b"p", b"p" * 155])),
        "mtime": draw(st.integers(0, 99) | FIELD),
        "uid": draw(st.integers(0, 99) | FIELD.map(lambda field: field[:8])),
        "linkname": draw(st.sampled_from([b"", b"a", b"../a"])),
        "patch": {386: draw(st.binary(max_size=110))} if flag == b"S" else {},
    }
    return entry(draw(NAMES)[:100], content, type=flag, **fields)


EXTENSIONS = [gnu_long(b"L", b"l" * 150), gnu_long(b"K", b"k" * 150), pax(b"9 path=a")]
OTHERS = [ZERO, END, b"junk" * 128, b"short", header(b"plain"), entry(b"f", b"f" * 700)]
SPARSE = gnu_sparse(b"s", [(i, 1) for i in range(30)], b"y" * 30, 999)
PIECES = (
    odd_headers()
    | RECORDS.map(pax)
    | RECORDS.map(lambda records: pax(records, type=b"g"))
    | st.sampled_from([*EXTENSIONS, *OTHERS, SPARSE])
)


@given(st.lists(PIECES, max_size=9).map(b"".join), st.integers(300, 1500))
@settings(max_examples=250)
def test_any_row_of_odd_headers_gives_the_same_from_both(tar: bytes, step: int) -> None:
    agreed(tar, Limits(sparse_regions=100), steps=(1 << 20, step), subjects=False)


# Damage


def sample() -> bytes:
    builder = TarBuilder().dir("d").file("d/a", b"a" * 700).symlink("s", "d/a").hardlink("h", "d/a")
    builder.file("n" * 150, b"long", xattrs={b"user.a": b"value"}).char("c", 1, 3)
    builder.raw(gnu_long(b"L", b"g" * 120) + entry(b"g", b"1"))
    builder.raw(gnu_sparse(b"sparse", [(i, 1) for i in range(9)], b"y" * 9, 4000))
    return builder.file("last", b"l").build()


SAMPLE = sample()
INTERESTING = [0, 1, 0x20, 0x2F, 0x30, 0x35, 0x37, 0x38, 0x7F, 0x80, 0xC0, 0xFF]


def is_header(block: bytes) -> bool:
    return block[257:262] == b"ustar"


def mutated(data: bytes, seed: int, *, mend: bool) -> bytes:
    """``data`` with a few bytes changed; headers get their checksum right again if so wished."""
    chance = random.Random(seed)
    damaged = bytearray(data)
    headers = [at for at in range(0, len(data), BLOCK) if is_header(data[at : at + BLOCK])]
    for _ in range(chance.randint(1, 6)):
        start = chance.choice(headers)
        at = chance.choice(
            [
                start + chance.randrange(BLOCK),
                start + 124 + chance.randrange(12),
                start + 156,
                chance.randrange(len(data)),
            ]
        )
        damaged[at] = chance.choice(INTERESTING)
    if mend:
        for at in headers:
            damaged[at : at + BLOCK] = mend_checksum(bytes(damaged[at : at + BLOCK]))
    if chance.random() < 0.2:
        del damaged[chance.randrange(len(damaged)) :]
    return bytes(damaged)


def survives(data: bytes) -> Seen | None:
    try:
        return fast(data, Limits(), 1000)
    except OciInspectError as error:
        assert str(error).isprintable()
        return None


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=500)
def test_damaged_tars_raise_only_errors_of_ours_and_both_agree(seed: int, mend: bool) -> None:
    data = mutated(SAMPLE, seed, mend=mend)
    if survives(data) is not None:
        agreed(data, steps=(1 << 20,))


@given(st.integers(0, 2**32), st.sampled_from(["gzip", "zstd"]))
@settings(max_examples=300)
def test_damaged_compression_is_never_taken_for_good(seed: int, compression: str) -> None:
    """Either the tar comes out as it was (gzip's header has bytes that mean nothing), or told."""
    if compression == "gzip":
        blob = gzip.compress(SAMPLE, 6, mtime=0)
    else:
        blob = zstandard.ZstdCompressor(write_checksum=True).compress(SAMPLE)
    chance = random.Random(seed)
    damaged = bytearray(blob)
    for _ in range(chance.randint(1, 3)):
        damaged[chance.randrange(4, len(blob))] ^= chance.randint(1, 255)
    if chance.random() < 0.3:
        del damaged[chance.randrange(4, len(damaged)) :]
    seen = survives(bytes(damaged))
    assert seen is not None
    plain = slow(SAMPLE)
    if seen.scan.complete:
        assert seen.scan.diff_id == plain.scan.digest
        assert seen.rows == plain.rows
    else:
        assert seen.rules & {"layer-corrupt", "limit-exceeded"}
        assert seen.scan.diff_ids == {}


@given(st.binary(max_size=3000))
@settings(max_examples=100)
def test_any_bytes_end_in_a_scan(data: bytes) -> None:
    for blob in (data, b"\x1f\x8b\x08" + data, b"\x28\xb5\x2f\xfd" + data):
        seen = survives(blob)
        assert seen is not None
        assert seen.answer() == slow(blob).answer() or "limit-exceeded" in seen.rules
