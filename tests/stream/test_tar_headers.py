"""The small parts of tar: numbers, checksums, pax records, and the reader that puts them together.

What archives say as a whole is shown in tests/layer, on two scanners.
"""

import pytest
from support.tars import (
    GNU,
    base256,
    checksum_of,
    gnu_long,
    gnu_sparse,
    header,
    octal,
    pax,
    pax_record,
    signed_checksum_of,
)

from oci_inspect.errors import LimitExceededError
from oci_inspect.limits import Limits
from oci_inspect.stream.pax import parse_pax
from oci_inspect.stream.tar import (
    BLOCK,
    HeaderReader,
    TarHeader,
    TarHeaderError,
    checksum_matches,
    parse_number,
    until_nul,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000000\0", 0),
        (b"0000644\0", 0o644),
        (b"7777777\0", 0o7777777),
        (b"77777777", 0o77777777),
        (b"  644 \0\0", 0o644),
        (b"644\0\xff\xff\xff\xff", 0o644),
        (b"\0" * 8, 0),
        (b" " * 8, 0),
        (b"\0  644\0\0", 0),
        (b"8       ", None),
        (b"0000 644", None),
        (b"-000644\0", None),
        (b"+000644\0", None),
        (b"0o644\0\0\0", None),
        (b"6_4\0\0\0\0\0", None),
        (b"abc\0\0\0\0\0", None),
        (b"\x7f\0\0\0\0\0\0\0", None),
        (b"\x80" + bytes(6) + b"\x05", 5),
        (b"\x80" + b"\xff" * 7, 2**56 - 1),
        (b"\xbf" + b"\xff" * 7, 2**62 - 1),
        (b"\xff" * 8, -1),
        (b"\xff" * 7 + b"\xfe", -2),
        (b"\xc0" + bytes(7), -(2**62)),
    ],
)
def test_numbers_are_octal_or_base_256(field: bytes, value: int | None) -> None:
    assert parse_number(field) == value


@pytest.mark.parametrize("value", [0, 1, 511, 2**33, 2**63 - 1, 2**64, -1, -512, -(2**62)])
def test_base_256_of_twelve_bytes_comes_back(value: int) -> None:
    assert parse_number(base256(value, 12)) == value


@pytest.mark.parametrize("name", [b"a", b"n" * 100, b"\xff" * 100, b"\x80" * 99])
def test_checksum_holds_unsigned_and_signed(name: bytes) -> None:
    block = header(name)
    for right in (checksum_of(block), signed_checksum_of(block)):
        if right >= 0:
            field = octal(right, 8)
            assert checksum_matches(block[:148] + field + block[156:], field)
    for wrong in (checksum_of(block) + 1, checksum_of(block) + 65521, 0):
        field = octal(wrong, 8)
        assert not checksum_matches(block[:148] + field + block[156:], field)


def test_every_single_bit_of_a_header_counts() -> None:
    block = header(b"name", size=5, mtime=1)
    for at in range(BLOCK):
        if not 148 <= at < 156:
            changed = bytearray(block)
            changed[at] ^= 4
            assert not checksum_matches(bytes(changed), bytes(changed[148:156]))


def test_text_ends_at_its_nul() -> None:
    assert until_nul(b"abc\0def\0") == b"abc"
    assert until_nul(b"abc") == b"abc"
    assert until_nul(b"\0abc") == b""


@pytest.mark.parametrize(
    ("data", "records", "good"),
    [
        (b"", {}, True),
        (b"6 a=b\n", {b"a": b"b"}, True),
        (b"6 a=b\n6 c=d\n", {b"a": b"b", b"c": b"d"}, True),
        (b"6 a=b\n6 a=c\n", {b"a": b"c"}, True),
        (b"5 a=\n", {b"a": b""}, True),
        (b"8 a=b=c\n", {b"a": b"b=c"}, True),
        (b"8 a=b\nc\n", {b"a": b"b\nc"}, True),
        (b"06 a=b\n", {}, False),
        (b"07 a=b\n", {b"a": b"b"}, True),
        (b"6 a=b\n\0\0\0", {b"a": b"b"}, True),
        (b"6 a=b\njunk", {b"a": b"b"}, False),
        (b"6 a=b\n0 c=d\n", {b"a": b"b"}, False),
        (b"6 a=b\n7 c=d\n", {b"a": b"b"}, False),
        (b"6 a=b\n5 c=d\n", {b"a": b"b"}, False),
        (b"4 a\n", {}, False),
        (b"5 =b\n", {}, False),
        (b"6 a=bX", {}, False),
        (b"1" * 400_000, {}, False),
        (b"1" * 400_000 + b" a=b\n", {}, False),
        (b"99999999999999999999 a=b\n", {}, False),
        (b"-6 a=b\n", {}, False),
        (b" 6 a=b\n", {}, False),
        (b"6\ta=b\n", {}, False),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_pax_records_are_read_up_to_the_first_bad_one(
    data: bytes, records: dict[bytes, bytes], good: bool
) -> None:
    found, problem = parse_pax(data)
    assert found == records
    assert (problem is None) is good


@pytest.mark.parametrize("size", [1, 3, 4, 90, 91, 92, 93, 988, 990, 991, 992, 9980, 9987, 99_980])
def test_length_of_a_record_counts_its_own_digits(size: int) -> None:
    record = pax_record(b"key", b"v" * size)
    assert record.startswith(b"%d " % len(record))
    assert parse_pax(record) == ({b"key": b"v" * size}, None)


# The reader


def read(data: bytes, limits: Limits | None = None) -> tuple[list[TarHeader], list[str]]:
    """Feed a row of headers and their payloads; give the entries and the rules of the notes."""
    reader = HeaderReader(limits or Limits())
    entries, rules, position = [], [], 0
    while position < len(data):
        result: TarHeader | int | None = reader.header(data[position : position + BLOCK])
        position += BLOCK
        while isinstance(result, int):
            size, start = result, position
            position += size + -size % BLOCK
            result = reader.payload(data[start : start + size])
        rules += [note.rule for note in reader.notes]
        reader.notes.clear()
        if result is not None:
            entries.append(result)
    return entries, rules


def test_reader_asks_for_payloads_and_gives_one_header_an_entry() -> None:
    tar = pax({b"path": b"long", b"mtime": b"1.5"}) + header(b"x", size=0, uid=3) + header(b"y")
    entries, rules = read(tar)
    assert [(one.name, one.mtime, one.mtime_ns, one.uid) for one in entries] == [
        (b"long", 1, 500_000_000, 3),
        (b"y", 0, 0, 0),
    ]
    assert rules == []


def test_reader_is_plain_between_entries_and_pending_behind_an_extension() -> None:
    reader = HeaderReader()
    assert (reader.plain, reader.pending) == (True, False)
    long = gnu_long(b"L", b"name")
    assert reader.header(long[:BLOCK]) == 5
    reader.payload(long[BLOCK : BLOCK + 5])
    assert (reader.plain, reader.pending) == (False, True)
    assert isinstance(reader.header(header(b"x")), TarHeader)
    assert (reader.plain, reader.pending) == (True, False)
    shared = pax({b"uid": b"1"}, type=b"g")
    wanted = reader.header(shared[:BLOCK])
    assert isinstance(wanted, int)
    reader.payload(shared[BLOCK : BLOCK + wanted])
    reader.header(header(b"x"))
    assert (reader.plain, reader.pending) == (False, False)


def test_bad_pax_size_leaves_both_sizes_of_a_sparse_file() -> None:
    sparse = gnu_sparse(b"s", [(i, 1) for i in range(9)], b"", 1 << 20)
    entries, rules = read(pax({b"size": b"-1"}) + sparse)
    assert [(one.size, one.stored_size) for one in entries] == [(1 << 20, 0)]
    assert rules == ["tar-header-invalid"]


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (header(b"a", checksum=b"0000000\0"), "tar-header-checksum"),
        (b"x" * BLOCK, "tar-header-checksum"),
        (header(b"a", size=base256(-512, 12)), "tar-header-invalid"),
        (header(b"a", size=b"nonsense"), "tar-header-invalid"),
        (header(b"a", type=b"x", size=base256(-1, 12)), "tar-header-invalid"),
    ],
)
def test_block_that_is_no_header_is_an_error_with_its_rule(block: bytes, rule: str) -> None:
    with pytest.raises(TarHeaderError) as caught:
        HeaderReader().header(block)
    assert caught.value.rule == rule
    assert str(caught.value).isprintable()


MAP_OF_21 = pax({b"GNU.sparse.numblocks": b"21"}) + header(b"x")


@pytest.mark.parametrize(
    ("data", "limits", "name"),
    [
        (header(b"x", type=b"x", size=1025), Limits(header_bytes=1024), "header_bytes"),
        (gnu_long(b"L", b"a") * 3, Limits(headers_in_row=2), "headers_in_row"),
        (gnu_sparse(b"s", [(0, 1)] * 9, b"", 9), Limits(sparse_regions=20), "sparse_regions"),
        (MAP_OF_21, Limits(sparse_regions=20), "sparse_regions"),
    ],
    ids=["header_bytes", "headers_in_row", "old map", "pax map"],
)
def test_limits_of_headers_name_themselves(data: bytes, limits: Limits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        read(data, limits)
    assert caught.value.limit == name


def test_oddities_by_the_thousand_are_not_kept() -> None:
    reader = HeaderReader()
    for _ in range(3000):
        reader.header(header(b"a", mode=b"zz", magic=GNU))
    assert len(reader.notes) == 1000
