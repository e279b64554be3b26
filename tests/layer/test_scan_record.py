"""A scan as bytes and back: all of it survives, and nothing else passes for it."""

from __future__ import annotations

import hashlib
import random
import struct
import tracemalloc
import zlib
from array import array
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tars import TarBuilder, entry, gnu_sparse, pax

from oci_inspect import analyze
from oci_inspect.archive.opening import open_store
from oci_inspect.errors import OciInspectError
from oci_inspect.filesystem.merge import merge
from oci_inspect.findings import RULES, Finding, FindingCollector, Severity, finding
from oci_inspect.layer import scan_record
from oci_inspect.layer.entries import TYPE_NAMES, EntryTable
from oci_inspect.layer.path_column import PathColumn
from oci_inspect.layer.row_values import RowValues
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.layer.scan_record import RecordError, decode, encode
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.stream import compression
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
HEAD = 8 + 4 + 8
START = HEAD + 32


def everything() -> TarBuilder:
    """Something for every column."""
    builder = TarBuilder().dir("d", mode=0o1777).file("d/a", b"a" * 6000).symlink("s", "d/a")
    builder.hardlink("h", "d/a").char("c", 1, 3).file("x", b"1", xattrs={b"user.a": b"v\0"})
    builder.raw(pax({b"mtime": b"-1.25"}) + entry(b"t", b"3"))
    builder.raw(gnu_sparse(b"sparse", [(0, 1)], b"y", 4000))
    return builder.file(b"caf\xe9/../up", b"2")


def scan_of(tar: TarBuilder | bytes, algorithms: tuple[str, ...] = ("sha256",)) -> LayerScan:
    data = tar if isinstance(tar, bytes) else tar.build()
    return scan_layer(BytesSource(data), DEFAULT_LIMITS, algorithms)


def same(one: LayerScan, other: LayerScan) -> None:
    """Equal in every field and every column, and of the same types."""
    assert other == one
    assert list(other.digests) == list(one.digests)
    assert list(other.diff_ids) == list(one.diff_ids)
    assert all(isinstance(found.severity, Severity) for found in other.findings)
    for field in fields(EntryTable):
        before, after = getattr(one.table, field.name), getattr(other.table, field.name)
        assert type(after) is type(before), field.name
        assert after == before, field.name
        if isinstance(before, array):
            assert after.typecode == before.typecode, field.name


# All of it survives


def test_a_scan_with_something_in_every_column() -> None:
    scan = scan_of(everything(), ("sha256", "sha512"))
    for field in fields(EntryTable):
        assert getattr(scan.table, field.name), field.name
    assert scan.findings
    same(scan, decode(encode(scan)))


def test_an_empty_layer() -> None:
    scan = scan_of(TarBuilder())
    assert len(scan.table) == 0
    same(scan, decode(encode(scan)))


@pytest.mark.parametrize("path", sorted(REAL.glob("*.tar")), ids=lambda path: path.name)
def test_every_member_of_every_archive_that_an_engine_wrote(path: Path) -> None:
    """Layers, and documents as well: they are damaged tars, whose scans are records too."""
    store = open_store(str(path)) if not path.name.endswith(".rootfs.tar") else None
    if store is None:
        same(scan := scan_of(path.read_bytes()), decode(encode(scan)))
        return
    for _, member in store.members.files():
        source = store.open(member)
        assert source is not None
        scan = scan_layer(source)
        same(scan, decode(encode(scan)))
    store.close()


SMALL_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NATURAL = st.integers(0, 2**63 - 1) | st.integers(0, 300)
SIGNED = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
NAMES = st.binary(max_size=9).map(lambda name: name.replace(b"\0", b""))
XATTRS = st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=5)), max_size=3).map(tuple)
DIGESTS = st.dictionaries(st.sampled_from(["sha512", "sha384"]), SMALL_TEXTS).map(
    lambda more: {"sha256": "sha256:" + "0" * 64, **more}
)


@st.composite
def tables(draw: Callable[..., Any]) -> EntryTable:
    length = draw(st.integers(0, 12))

    def column(code: str, numbers: st.SearchStrategy[int]) -> array[int]:
        one_value = draw(st.booleans())
        if one_value:
            return array(code, [draw(numbers)] * length)
        return array(code, draw(st.lists(numbers, min_size=length, max_size=length)))

    def some_rows(values: st.SearchStrategy[Any]) -> RowValues[Any]:
        rows = sorted(draw(st.sets(st.integers(0, length - 1)))) if length else []
        return RowValues(rows, [draw(values) for _ in rows])

    return EntryTable(
        paths=PathColumn(draw(st.lists(NAMES, min_size=length, max_size=length))),
        types=bytearray(column("B", st.sampled_from(sorted(TYPE_NAMES)))),
        sizes=column("q", NATURAL),
        modes=column("I", st.integers(0, 2**32 - 1)),
        uids=column("q", SIGNED),
        gids=column("q", SIGNED),
        mtimes=column("q", SIGNED),
        fingerprints=column("Q", st.integers(0, 2**64 - 1)),
        offsets=column("q", NATURAL),
        linknames=some_rows(NAMES),
        devices=some_rows(st.tuples(SIGNED, SIGNED)),
        xattrs=some_rows(XATTRS),
        mtime_ns=some_rows(st.integers(1, 10**9 - 1)),
        stored_sizes=some_rows(NATURAL),
    )


FINDINGS = st.builds(
    Finding,
    st.sampled_from(sorted(RULES)),
    st.sampled_from(list(Severity)),
    SMALL_TEXTS,
    SMALL_TEXTS,
    NATURAL,
)
SCANS = st.builds(
    LayerScan,
    digests=DIGESTS,
    size=NATURAL,
    diff_ids=DIGESTS | st.just({}),
    uncompressed_size=NATURAL,
    compression=st.sampled_from(["none", "gzip", "zstd"]),
    table=tables(),
    findings=st.lists(FINDINGS, max_size=4).map(tuple),
    complete=st.booleans(),
    listed=st.booleans(),
    excess=NATURAL,
)


@given(SCANS)
@settings(max_examples=300)
def test_any_scan_survives_in_every_field_and_column(scan: LayerScan) -> None:
    same(scan, decode(encode(scan)))


def test_what_all_entries_share_stays_one_value() -> None:
    """A global header gives a megabyte of xattrs to each of a million entries."""
    pairs = ((b"user.a", b"v" * 1000), (b"user.b", b""))
    scan = scan_of(TarBuilder().file("a", b"").file("b", b"").file("c", b""))
    for row, value in enumerate((pairs, pairs, ((b"user.c", b""),))):
        scan.table.xattrs[row] = value
    table = decode(encode(scan)).table
    assert table.xattrs[0] == pairs
    assert table.xattrs[0] is table.xattrs[1]
    assert encode(scan).count(b"v" * 1000) == 0
    assert len(body_of(encode(scan))) < 2000 + len(body_of(encode(scan_of(TarBuilder()))))


# The format


def body_of(record: bytes) -> bytes:
    return zlib.decompress(record[START:])


def signed(body: bytes, *, magic: bytes = b"OCISCAN\n", version: int = 2, size: int = -1) -> bytes:
    """A record around a body, as the format has it."""
    packed = zlib.compress(body, 1)
    head = struct.pack("<8sIQ", magic, version, len(body) if size < 0 else size)
    return head + hashlib.sha256(head + packed).digest() + packed


def number(value: int) -> bytes:
    return struct.pack("<q", value)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return number(len(data)) + data


def test_a_record_worked_by_hand() -> None:
    """Two rows: columns of one value take two bytes a plane, the others a byte a row beside."""
    digest = "sha256:" + "ab" * 32
    table = EntryTable(
        paths=PathColumn([b"d", b"d/f"]),
        types=bytearray(b"df"),
        sizes=array("q", [0, 0x0102]),
        modes=array("I", [0o755, 0o644]),
        uids=array("q", [0, 0]),
        gids=array("q", [-1, -1]),
        mtimes=array("q", [5, 5]),
        fingerprints=array("Q", [1 << 32, 7]),
        offsets=array("q", [512, 1024]),
        mtime_ns=RowValues([1], [9]),
    )
    scan = LayerScan(
        digests={"sha256": digest},
        size=10,
        diff_ids={"sha256": digest},
        uncompressed_size=20,
        compression="gzip",
        table=table,
        findings=(finding("path-unsafe", "ä", "b"),),
        complete=True,
        listed=False,
        excess=300,
    )
    one, three = b"\1", b"\1\1\1"
    body = number(1) + text("gzip") + number(10) + number(20)
    body += (number(1) + text("sha256") + text(digest)) * 2
    body += number(1) + text("path-unsafe") + text("warning") + text("ä") + text("b") + number(1)
    body += number(300)
    body += number(2) + text(b"d\0f")
    body += number(2) + text(b"\0d") + b"\0" + three + bytes(4) + b"\0\1"  # folders, and whose
    body += b"\0" + b"\0" + b"df"  # types: their one plane has two values
    body += b"\0\0" + one * 6 + bytes(8) + b"\x00\x02" + b"\x00\x01"  # sizes
    body += b"\0" + three + b"\0\1\0\0" + b"\xed\xa4"  # modes: 0x1ed and 0x1a4
    body += one * 8 + bytes(8)  # uids
    body += one * 8 + b"\xff" * 8  # gids
    body += one * 8 + b"\5" + bytes(7)  # mtimes
    body += b"\0" + three + b"\0" + three + bytes(8) + b"\0\7" + b"\1\0"  # fingerprints
    body += one + b"\0" + one * 6 + bytes(8) + b"\2\4"  # offsets
    body += number(0) + number(0)  # link names, devices
    body += number(1) + one * 4 + b"\1\0\0\0" + one * 8 + b"\t" + bytes(7)  # mtime_ns: row 1 has 9
    body += number(0) + number(0) + number(0)  # stored sizes, xattrs and their values
    assert body_of(encode(scan)) == body
    same(scan, decode(signed(body)))
    assert encode(scan)[:HEAD] == signed(body)[:HEAD]


@pytest.mark.parametrize("folder", ["d/", ""])
def test_a_machine_with_the_other_order_of_bytes_writes_and_reads_the_same(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns as they lie in the memory of such a machine: each number turned around."""
    scan = scan_of(TarBuilder().dir("d").file(folder + "a", b"a" * 6000).file("b", b"b"))
    places = scan.table.paths.places[:]
    places.byteswap()
    paths = parts(scan.table.paths, places=places)
    turned = replace(scan, table=EntryTable(paths=paths, types=scan.table.types))
    columns = [
        one.name for one in fields(EntryTable) if isinstance(getattr(scan.table, one.name), array)
    ]
    for name in columns:
        column = getattr(scan.table, name)[:]
        column.byteswap()
        setattr(turned.table, name, column)
    record = encode(scan)
    monkeypatch.setattr(
        scan_record.sys, "byteorder", {"little": "big", "big": "little"}[scan_record.sys.byteorder]
    )
    assert encode(turned) == record
    if not folder:  # this machine would take the place of another folder for a wrong one
        same(turned, decode(record))


@pytest.mark.skipif(compression.igzip_lib is None, reason="isal is not here")
def test_records_of_isal_and_of_zlib_are_read_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = scan_of(everything())
    by_isal = encode(scan)
    monkeypatch.setattr(compression, "igzip_lib", None)
    by_zlib = encode(scan)
    same(scan, decode(by_isal))
    monkeypatch.undo()
    same(scan, decode(by_zlib))


# What does not fit is not kept


@pytest.mark.parametrize(
    "spoil",
    [
        lambda scan: scan.table.paths.names.__setitem__(0, b"a\0b"),
        lambda scan: scan.table.paths.folders.__setitem__(0, b"a\0b"),
        lambda scan: scan.table.linknames.__setitem__(0, b"\0"),
        lambda scan: scan.table.devices.__setitem__(0, (1 << 63, 0)),
        lambda scan: scan.digests.__setitem__("sha512", "\udcff"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(spoil: Callable[[LayerScan], None]) -> None:
    scan = scan_of(everything())
    spoil(scan)
    with pytest.raises(RecordError):
        encode(scan)


def test_a_layer_that_packs_too_well_is_refused_as_its_record_would_be() -> None:
    scan = scan_of(TarBuilder())
    scan.table.paths.extend([b"a"] * 400_000)
    scan.table.types += b"d" * 400_000
    for name in ("sizes", "modes", "uids", "gids", "mtimes", "fingerprints", "offsets"):
        getattr(scan.table, name).frombytes(bytes(400_000 * getattr(scan.table, name).itemsize))
    with pytest.raises(RecordError, match="proportion"):
        encode(scan)


# Damage


def test_every_changed_byte_is_noticed() -> None:
    record = encode(scan_of(everything()))
    for at in range(len(record)):
        for change in (1, 0x80, 0xFF):
            damaged = bytearray(record)
            damaged[at] ^= change
            with pytest.raises(RecordError):
                decode(bytes(damaged))


def test_every_cut_and_everything_behind_the_end_is_noticed() -> None:
    record = encode(scan_of(everything()))
    for length in range(len(record)):
        with pytest.raises(RecordError):
            decode(record[:length])
    for more in (b"\0", b"x", record):
        with pytest.raises(RecordError):
            decode(record + more)


def test_a_body_with_more_in_it_than_it_says_is_no_record() -> None:
    body = body_of(encode(scan_of(everything())))
    for more in (b"\0", number(0), body):
        with pytest.raises(RecordError):
            decode(signed(body + more))


def test_another_version_or_kind_of_file_is_no_record() -> None:
    body = body_of(encode(scan_of(everything())))
    decode(signed(body))
    for other in (
        signed(body, version=1),
        signed(body, version=3),
        signed(body, version=0),
        signed(body, magic=b"OCISCAN\0"),
    ):
        with pytest.raises(RecordError):
            decode(other)
    for foreign in (b"", b"{}", b"PK\x03\x04" * 30, bytes(500), everything().build()):
        with pytest.raises(RecordError):
            decode(foreign)


# Hostile records: the checksum holds, the rest lies


def allocated(record: bytes) -> int:
    """The most bytes that decoding took at a time; it must end in an error of ours."""
    tracemalloc.start()
    try:
        with pytest.raises(RecordError):
            decode(record)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def front(findings: int = 0, *, digests: bytes | None = None) -> bytes:
    """The part of a body before its table."""
    named = number(1) + text("sha256") + text("sha256:" + "0" * 64)
    start = number(3) + text("none") + number(1) * 2 + (digests or named) + named
    return start + (number(findings) if findings else number(0) + number(0))  # no excess


@pytest.mark.parametrize("count", [1 << 20, 1 << 40, (1 << 63) - 1, -1])
def test_no_count_is_believed(count: int) -> None:
    body = front()
    decode(signed(body + number(0) * 8))
    for hostile in (
        body + number(count),
        body + number(count) + text(b"a\0b"),
        front(count),
        front(digests=number(count)),
        number(3) + number(count) + b"none",
        body + number(0) + number(count),
        body + number(1) + text(b"a") + number(count),
        body + number(0) * 2 + number(count),
        body + number(0) * 7 + number(count),
        body + number(0) * 7 + number(1) + number(count),
        body + number(0) * 7 + number(1) + number(1) + number(count),
    ):
        assert allocated(signed(hostile)) < 1 << 20


def test_no_size_of_a_body_is_believed() -> None:
    body = body_of(encode(scan_of(everything())))
    for size in (0, len(body) - 1, len(body) + 1, 1 << 30, 1 << 50, (1 << 64) - 1):
        assert allocated(signed(body, size=size)) < 1 << 20
    bomb = signed(bytes(1 << 24))
    assert len(bomb) < 1 << 17
    assert allocated(bomb) < 1 << 20


def test_more_rows_than_the_limit_are_not_taken() -> None:
    record = encode(scan_of(everything()))
    rows = len(decode(record).table)
    assert len(decode(record, rows).table) == rows
    with pytest.raises(RecordError):
        decode(record, rows - 1)


def rebuilt(change: Callable[[LayerScan], object]) -> bytes:
    scan = scan_of(everything())
    change(scan)
    return encode(scan)


@pytest.mark.parametrize(
    "change",
    [
        lambda scan: scan.table.types.__setitem__(0, ord("z")),
        lambda scan: scan.table.sizes.__setitem__(0, -1),
        lambda scan: scan.table.offsets.__setitem__(0, -(1 << 63)),
        lambda scan: scan.table.stored_sizes.__setitem__(0, -5),
        lambda scan: scan.table.linknames.__setitem__(len(scan.table), b"beyond"),
        lambda scan: scan.digests.pop("sha256"),
    ],
)
def test_values_that_no_scan_has_are_refused(change: Callable[[LayerScan], object]) -> None:
    with pytest.raises(RecordError):
        decode(rebuilt(change))


@pytest.mark.parametrize(
    "one", [Finding("no-such-rule", Severity.INFO, "", ""), ("setuid", "grave", "", "", 1)]
)
def test_findings_of_no_known_rule_are_refused(one: Any) -> None:
    told = (one.rule, one.severity.value, "", "", 1) if isinstance(one, Finding) else one
    body = front(1) + b"".join(map(text, told[:4])) + number(1) + number(0) * 9
    with pytest.raises(RecordError):
        decode(signed(body))


@pytest.mark.parametrize("other", [b"\1\1", b"\2\1"])
def test_rows_told_twice_or_out_of_order_are_refused(other: bytes) -> None:
    sizes = RowValues([1, 2], [5, 5])
    body = body_of(rebuilt(lambda scan: setattr(scan.table, "stored_sizes", sizes)))
    rows = b"\0\1\1\1" + bytes(4) + b"\1\2"
    assert body.count(rows) == 1
    decode(signed(body))
    with pytest.raises(RecordError):
        decode(signed(body.replace(rows, rows[:-2] + other)))


def parts(paths: PathColumn, **changed: Any) -> PathColumn:
    """The same column, some part of which lies."""
    known = {"folders": paths.folders, "places": paths.places, "names": paths.names}
    return PathColumn.of_parts(**(known | changed))


@pytest.mark.parametrize(
    "lie",
    [
        lambda paths: parts(paths, names=[b"a/b", *paths.names[1:]]),
        lambda paths: parts(paths, places=array("I", [99, *paths.places[1:]])),
        lambda paths: parts(paths, folders=[]),
        lambda paths: parts(paths, folders=[*paths.folders, *[b"more"] * len(paths)]),
    ],
    ids=range(4),
)
def test_paths_whose_parts_do_not_fit_are_refused(lie: Callable[[PathColumn], PathColumn]) -> None:
    def spoil(scan: LayerScan) -> None:
        scan.table.paths = lie(scan.table.paths)

    record = rebuilt(spoil)
    with pytest.raises(RecordError):
        decode(record)


def changed(body: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    damaged = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(damaged))
        if chance.random() < 0.3:
            damaged[at : at + 8] = number(chance.choice([0, 1, 2, 7, 1 << 31, 1 << 62, -1]))
        elif chance.random() < 0.2:
            del damaged[at : at + chance.randint(1, 9)]
        else:
            damaged[at] = chance.choice(
                [0, 1, 2, 0x2E, 0x2F, 0x7F, 0x80, 0xFF, chance.randrange(256)]
            )
    return bytes(damaged)


@given(st.integers(0, 2**32))
@settings(max_examples=1500)
def test_a_lying_record_ends_in_its_own_error_or_in_a_scan_that_can_be_merged(seed: int) -> None:
    body = changed(body_of(encode(scan_of(everything(), ("sha256", "sha512")))), seed)
    try:
        scan = decode(signed(body))
    except RecordError:
        return
    assert scan.digest
    assert (
        len({len(getattr(scan.table, name)) for name in ("paths", "types", "sizes", "offsets")})
        == 1
    )
    with_base = [scan_of(TarBuilder().dir("d").file("d/a", b"old")).table, scan.table, scan.table]
    findings = FindingCollector()
    try:
        merged = merge(with_base, findings)
    except OciInspectError:
        return
    assert sum(one.size for one in merged.dead) >= 0


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_body_ends_in_an_error_of_its_own(body: bytes) -> None:
    for start in (b"", front(), front() + number(1) + text(b"a")):
        try:
            decode(signed(start + body))
        except RecordError:
            continue


def test_the_analysis_of_real_layers_is_the_same_from_their_records() -> None:
    """The merge reads tables: of records it makes the same tree."""
    path = REAL / "docker26-app.tar"
    tree = analyze(str(path)).images[0].tree
    expected = [(one.path, one.layer_index) for one in tree.walk()]
    store = open_store(str(path))
    image = analyze(str(path)).images[0].image
    tables = []
    for layer in image.layers:
        assert layer.member is not None
        member = store.find(layer.member)
        assert member is not None
        source = store.open(member)
        assert source is not None
        tables.append(decode(encode(scan_layer(source))).table)
    store.close()
    merged = merge(tables, FindingCollector())
    assert [(one.path, one.layer_index) for one in merged.tree.walk()] == expected
