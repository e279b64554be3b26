"""Extended headers: POSIX.1-2017, "pax Extended Header"; star's and libarchive's attributes."""

import base64
from collections.abc import Callable

import pytest
from layer.agreement import Seen
from support.tars import END, TarBuilder, base256, entry, header, pax, pax_record

Scan = Callable[..., Seen]


def test_path_and_linkpath_replace_what_the_header_says(scan: Scan) -> None:
    long = b"d/" * 120 + b"name"
    tar = pax({b"path": long, b"linkpath": b"t" * 300}) + header(b"short", type=b"2", linkname=b"t")
    row = scan(tar + END).only
    assert (row.path, row.linkname) == (long, b"t" * 300)


def test_path_of_a_pax_header_is_made_plain_too(scan: Scan) -> None:
    seen = scan(pax({b"path": b"/./a//../b/"}) + header(b"x", type=b"5") + END)
    assert seen.paths == [b"b"]
    assert seen.rules == {"path-unsafe"}


def test_linkpath_of_a_hard_link_becomes_a_path(scan: Scan) -> None:
    seen = scan(
        entry(b"a") + pax({b"linkpath": b"./a"}) + header(b"h", type=b"1", linkname=b"") + END
    )
    assert seen.rows[1].linkname == b"a"


def test_numbers_of_a_pax_header_replace_those_of_the_header(scan: Scan) -> None:
    records = {b"uid": b"4294967294", b"gid": b"1099511627776", b"mtime": b"1700000000"}
    row = scan(pax(records) + header(b"a", uid=7, gid=7, mtime=7) + END).only
    assert (row.uid, row.gid, row.mtime) == (4294967294, 1 << 40, 1_700_000_000)


def test_size_of_a_pax_header_is_the_one_that_counts(scan: Scan) -> None:
    """As writers do beyond 8 GiB: nothing, or nonsense, in the header's own field."""
    tar = pax({b"size": b"700"}) + header(b"a", size=700) + b"x" * 700 + bytes(324)
    seen = scan(tar + entry(b"b") + END)
    assert [(row.path, row.size) for row in seen.rows] == [(b"a", 700), (b"b", 0)]
    assert seen.rules == set()


@pytest.mark.parametrize(("in_header", "in_pax"), [(0, 512), (512, 0), (1024, 512), (5, 512)])
def test_sizes_that_disagree_are_told(scan: Scan, in_header: int, in_pax: int) -> None:
    """Readers that know no pax would list other files; the pax size is the one that counts."""
    hidden = header(b"hidden")
    tar = pax({b"size": b"%d" % in_pax}) + header(b"a", size=in_header) + hidden
    seen = scan(tar + entry(b"b") + END)
    assert seen.paths == ([b"a", b"b"] if in_pax else [b"a", b"hidden", b"b"])
    assert seen.subjects("tar-ambiguous") == ["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0", (0, 0)),
        (b"1700000000", (1_700_000_000, 0)),
        (b"1700000000.5", (1_700_000_000, 500_000_000)),
        (b"1700000000.", (1_700_000_000, 0)),
        (b"1.000000001", (1, 1)),
        (b"1.0000000019", (1, 1)),
        (b"1.123456789123456789", (1, 123_456_789)),
        (b"-1", (-1, 0)),
        (b"-1.5", (-2, 500_000_000)),
        (b"-0.25", (-1, 750_000_000)),
        (b"-86400.999999999", (-86401, 1)),
        (b"0.0", (0, 0)),
    ],
)
def test_times_have_fractions_and_may_be_negative(
    scan: Scan, text: bytes, expected: tuple[int, int]
) -> None:
    """The time is ``mtime + mtime_ns / 10^9``: -1.5 is half a second after -2."""
    row = scan(pax({b"mtime": text}) + header(b"a", mtime=99) + END).only
    assert (row.mtime, row.mtime_ns) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"x",
        b"1e9",
        b"--1",
        b"1.5.5",
        b"1,5",
        b" 1",
        b"+1",
        b".5",
        b"-",
        b"9" * 19,
        b"1." + b"0" * 99,
    ],
)
def test_time_that_is_none_leaves_the_headers_own_and_is_told(scan: Scan, text: bytes) -> None:
    seen = scan(pax({b"mtime": text}) + header(b"a", mtime=99) + END)
    assert (seen.only.mtime, seen.only.mtime_ns) == (99, 0)
    assert seen.found == {("tar-header-invalid", "a")}


@pytest.mark.parametrize("key", [b"uid", b"gid", b"size"])
@pytest.mark.parametrize(
    "text", [b"-1", b"-512", b"x", b"0x10", b"1_0", b"9" * 19, b"9" * 5000, b" 1", b"1.0", b"\xb2"]
)
def test_number_that_is_none_leaves_the_headers_own_and_is_told(
    scan: Scan, key: bytes, text: bytes
) -> None:
    tar = pax({key: text}) + entry(b"a", b"12345", uid=5, gid=5) + entry(b"b")
    seen = scan(tar + END)
    assert (seen.rows[0].uid, seen.rows[0].gid, seen.rows[0].size) == (5, 5, 5)
    assert seen.paths == [b"a", b"b"]
    assert seen.found == {("tar-header-invalid", "a")}


def test_xattrs_are_bytes_sorted_by_name(scan: Scan) -> None:
    records = {
        b"SCHILY.xattr.user.z": b"1",
        b"SCHILY.xattr.security.capability": b"\x01\0\0\x02\0 =\n\xff",
        b"SCHILY.xattr.user.empty": b"",
        b"SCHILY.acl.access": b"user::rwx",
        b"comment": b"no attribute",
    }
    assert scan(pax(records) + header(b"a") + END).only.xattrs == (
        (b"security.capability", b"\x01\0\0\x02\0 =\n\xff"),
        (b"user.empty", b""),
        (b"user.z", b"1"),
    )


def test_xattrs_in_the_form_of_libarchive_are_read(scan: Scan) -> None:
    """Base64, often without its padding; the name in percent-encoding."""
    value = b"\0\x01binary\xff"
    records = {
        b"LIBARCHIVE.xattr.user.a%20b": base64.b64encode(value).rstrip(b"="),
        b"LIBARCHIVE.xattr.user.both": base64.b64encode(b"other"),
        b"SCHILY.xattr.user.both": b"this",
    }
    assert scan(pax(records) + header(b"a") + END).only.xattrs == (
        (b"user.a b", value),
        (b"user.both", b"this"),
    )


def test_records_last_for_one_entry_only(scan: Scan) -> None:
    records = {b"path": b"one", b"uid": b"5", b"mtime": b"1.5", b"SCHILY.xattr.user.a": b"1"}
    rows = scan(pax(records) + header(b"x") + header(b"two") + END).rows
    assert [(r.path, r.uid, r.mtime, r.mtime_ns, r.xattrs) for r in rows] == [
        (b"one", 5, 1, 500_000_000, ((b"user.a", b"1"),)),
        (b"two", 0, 0, 0, ()),
    ]


def test_the_last_of_two_records_of_one_key_counts(scan: Scan) -> None:
    payload = pax_record(b"path", b"first") + pax_record(b"path", b"last")
    assert scan(pax(payload) + header(b"x") + END).paths == [b"last"]


def test_unknown_records_and_line_feeds_in_values_are_passed_over(scan: Scan) -> None:
    records = {b"hdrcharset": b"BINARY", b"VENDOR.x": b"1\n20 path=evil\n", b"path": b"good"}
    seen = scan(pax(records) + header(b"x") + END)
    assert seen.paths == [b"good"]
    assert seen.rules == set()


def test_solaris_header_x_is_a_pax_header(scan: Scan) -> None:
    assert scan(pax({b"path": b"solaris"}, type=b"X") + header(b"x") + END).paths == [b"solaris"]


def test_pax_header_without_records_changes_nothing(scan: Scan) -> None:
    seen = scan(pax(b"") + entry(b"a", b"1") + END)
    assert (seen.paths, seen.rules) == ([b"a"], set())


def test_zeros_behind_the_records_are_padding(scan: Scan) -> None:
    seen = scan(pax(pax_record(b"path", b"p") + bytes(40)) + header(b"x") + END)
    assert (seen.paths, seen.rules) == ([b"p"], set())


def test_pax_header_longer_than_a_read_is_read(scan: Scan) -> None:
    value = bytes(range(256)) * 2000
    seen = scan(pax({b"SCHILY.xattr.user.big": value}) + entry(b"a", b"x") + END)
    assert seen.only.xattrs == ((b"user.big", value),)


# Global headers


def test_global_header_makes_no_entry_and_lasts(scan: Scan) -> None:
    tar = pax({b"comment": b"4b825dc6", b"uid": b"9", b"SCHILY.xattr.user.g": b"1"}, type=b"g")
    seen = scan(tar + entry(b"a", b"1") + entry(b"b", b"2") + END)
    assert [(row.path, row.uid, row.xattrs) for row in seen.rows] == [
        (b"a", 9, ((b"user.g", b"1"),)),
        (b"b", 9, ((b"user.g", b"1"),)),
    ]
    assert seen.rules == set()


def test_own_record_goes_before_the_global_one(scan: Scan) -> None:
    tar = pax({b"uid": b"9", b"gid": b"9"}, type=b"g") + pax({b"uid": b"5"}) + header(b"a")
    rows = scan(tar + header(b"b") + END).rows
    assert [(row.uid, row.gid) for row in rows] == [(5, 9), (9, 9)]


def test_later_global_header_replaces_keys_and_an_empty_value_ends_one(scan: Scan) -> None:
    tar = pax({b"uid": b"1", b"gid": b"1"}, type=b"g") + header(b"a", uid=7, gid=7)
    tar += pax({b"uid": b"2", b"gid": b""}, type=b"g") + header(b"b", uid=7, gid=7)
    assert [(row.uid, row.gid) for row in scan(tar + END).rows] == [(1, 1), (2, 7)]


def test_global_header_with_nothing_behind_it_but_the_end_is_told(scan: Scan) -> None:
    seen = scan(entry(b"a") + pax({b"comment": b"x"}, type=b"g") + END)
    assert (seen.paths, seen.rules) == ([b"a"], {"tar-header-invalid"})


# Beside other forms


def test_pax_path_behind_a_gnu_long_name_is_told(scan: Scan) -> None:
    """GNU tar and bsdtar take different ones."""
    long = header(b"././@LongLink", type=b"L", size=5) + b"long\0".ljust(512, b"\0")
    seen = scan(long + pax({b"path": b"pax"}) + header(b"x") + END)
    assert seen.rules == {"tar-ambiguous"}
    assert len(seen.paths) == 1


def test_pax_path_that_is_the_gnu_long_name_is_no_oddity(scan: Scan) -> None:
    long = header(b"././@LongLink", type=b"L", size=5) + b"long\0".ljust(512, b"\0")
    seen = scan(long + pax({b"path": b"long"}) + header(b"x") + END)
    assert (seen.paths, seen.rules) == ([b"long"], set())


def test_pax_size_in_front_of_a_gnu_long_name_is_told(scan: Scan) -> None:
    """Some readers apply it to the long name, others to the file."""
    long = header(b"././@LongLink", type=b"L", size=5) + b"long\0".ljust(512, b"\0")
    seen = scan(pax({b"size": b"512"}) + long + header(b"x", size=512) + bytes(512) + END)
    assert seen.rules == {"tar-ambiguous"}
    assert [(row.path, row.size) for row in seen.rows] == [(b"long", 512)]


def test_pax_numbers_go_before_base_256(scan: Scan) -> None:
    row = scan(pax({b"uid": b"12"}) + header(b"a", uid=base256(2**40, 8)) + END).only
    assert row.uid == 12


def test_builders_long_names_and_attributes_come_back(scan: Scan) -> None:
    """Names of 99 to 101 bytes and around 255: where writers change the form."""
    builder = TarBuilder()
    names = [b"d/" + b"x" * (size - 2) for size in (99, 100, 101, 254, 255, 257)]
    for name in names:
        builder.file(name, b"1", xattrs={b"user.n": b"%d" % len(name)})
    rows = scan(builder.build()).rows
    assert [row.path for row in rows] == names
    assert [row.xattrs[0][1] for row in rows] == [b"%d" % len(name) for name in names]


@pytest.mark.parametrize("key", [b"path", b"linkpath", b"size"])
def test_name_or_size_in_a_global_header_counts_for_no_entry_and_is_told(
    scan: Scan, key: bytes
) -> None:
    """Go's archive/tar leaves global records to its caller, docker drops them; GNU tar obeys."""
    tar = pax({key: b"5"}, type=b"g") + header(b"a") + header(b"l", type=b"2", linkname=b"t") + END
    seen = scan(tar)
    assert [(row.path, row.size, row.linkname) for row in seen.rows] == [
        (b"a", 0, b""),
        (b"l", 0, b"t"),
    ]
    assert seen.rules == {"tar-ambiguous"}


def test_empty_value_of_a_field_leaves_the_header_its_own(scan: Scan) -> None:
    records = dict.fromkeys((b"path", b"size", b"uid", b"gid", b"mtime"), b"")
    seen = scan(pax(records) + entry(b"a", b"12345", uid=3) + END)
    assert (seen.only.path, seen.only.size, seen.only.uid) == (b"a", 5, 3)
    assert seen.rules == set()


def test_of_two_headers_in_front_of_an_entry_the_last_counts_and_it_is_told(scan: Scan) -> None:
    seen = scan(pax({b"path": b"one"}) + pax({b"uid": b"5"}) + header(b"x") + END)
    assert (seen.only.path, seen.only.uid, seen.rules) == (b"x", 5, {"tar-ambiguous"})
