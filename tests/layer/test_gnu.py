"""GNU's own forms: long names, sparse files, base-256 (GNU tar manual, "Basic Tar Format")."""

from collections.abc import Callable

import pytest
from layer.agreement import Seen
from support.tars import (
    END,
    GNU,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    pax,
    pax_record,
)

from oci_inspect.limits import Limits

Scan = Callable[..., Seen]


@pytest.mark.parametrize("size", [1, 99, 100, 101, 511, 512, 513, 1023])
def test_long_name_and_long_link_replace_the_headers_own(scan: Scan, size: int) -> None:
    name, link = (b"n/" * 600)[:size], (b"/l" * 600)[:size]
    if name.endswith(b"/"):
        name = name[:-1] + b"n"
    tar = gnu_long(b"K", link) + gnu_long(b"L", name)
    tar += header(name[:100], type=b"2", linkname=link[:100], magic=GNU)
    seen = scan(tar + entry(b"next") + END)
    assert seen.paths == [name, b"next"]
    assert seen.rows[0].linkname == link
    assert seen.rules == set()


def test_long_name_and_long_link_come_in_any_order(scan: Scan) -> None:
    tar = gnu_long(b"L", b"n" * 200) + gnu_long(b"K", b"l" * 200)
    row = scan(tar + header(b"n", type=b"1", linkname=b"l", magic=GNU) + END).only
    assert (row.path, row.linkname) == (b"n" * 200, b"l" * 200)


def test_long_name_lasts_for_one_entry(scan: Scan) -> None:
    tar = gnu_long(b"L", b"n" * 200) + header(b"n") + header(b"short")
    assert scan(tar + END).paths == [b"n" * 200, b"short"]


def test_long_name_ends_at_its_nul_or_where_its_size_ends(scan: Scan) -> None:
    cut = header(b"././@LongLink", type=b"L", size=8) + b"ab\0cdefg".ljust(512, b"\0")
    bare = header(b"././@LongLink", type=b"L", size=3) + b"abcdef".ljust(512, b"\0")
    assert scan(cut + header(b"x") + bare + header(b"x") + END).paths == [b"ab", b"abc"]


def test_long_name_with_a_slash_at_the_end_is_a_folder(scan: Scan) -> None:
    seen = scan(gnu_long(b"L", b"n" * 150 + b"/") + header(b"n" * 100, magic=GNU, type=b"\0") + END)
    assert (seen.paths, seen.kinds) == ([b"n" * 150], "d")


def test_long_name_goes_before_a_pax_path_as_in_go(scan: Scan) -> None:
    """docker and containerd read with Go's archive/tar; GNU tar takes the pax path."""
    for first, second in (
        (pax({b"path": b"pax"}), gnu_long(b"L", b"long")),
        (gnu_long(b"L", b"long"), pax({b"path": b"pax"})),
    ):
        seen = scan(first + second + header(b"x") + END)
        assert (seen.paths, seen.subjects("tar-ambiguous")) == ([b"long"], ["long"])
    same = scan(gnu_long(b"L", b"long") + pax({b"path": b"long"}) + header(b"x") + END)
    assert (same.paths, same.rules) == ([b"long"], set())


def test_long_link_goes_before_a_pax_linkpath_as_in_go(scan: Scan) -> None:
    tar = pax({b"linkpath": b"pax"}) + gnu_long(b"K", b"long") + header(b"l", type=b"2") + END
    seen = scan(tar)
    assert (seen.only.linkname, seen.subjects("tar-ambiguous")) == (b"long", ["l"])


def test_builder_in_gnu_form_is_read_as_the_one_in_pax_form() -> None:
    from layer.agreement import agreed

    def build(form: str) -> list[tuple[bytes, int, bytes]]:
        builder = TarBuilder(form).file("a/" * 80 + "f", b"1").symlink("s" * 120, "t" * 120)
        builder.hardlink("h", "a/" * 80 + "f").dir("d" * 150)
        return [(row.path, row.type, row.linkname) for row in agreed(builder.build()).rows]

    assert build("gnu") == build("pax")


def test_dumpdir_is_a_folder_whose_listing_is_passed_over(scan: Scan) -> None:
    """Type D of incremental archives: its body is a list of names."""
    tar = entry(b"d/", b"Ya\0Nb\0\0", type=b"D", magic=GNU) + entry(b"d/a", b"1")
    seen = scan(entry(b"first") + tar + END)
    assert (seen.paths, seen.kinds) == ([b"first", b"d", b"d/a"], "fdf")
    assert [row.size for row in seen.rows] == [0, 0, 1]
    assert seen.rules == set()


# Sparse files


@pytest.mark.parametrize("regions", [0, 1, 4, 5, 25, 26, 100])
def test_old_sparse_file_has_two_sizes(scan: Scan, regions: int) -> None:
    """Four regions in the header, 21 in each block behind it."""
    spans = [(4096 * i, 10) for i in range(regions)]
    tar = gnu_sparse(b"s", spans, b"x" * 10 * regions, 1 << 40) + entry(b"next", b"1")
    seen = scan(entry(b"first") + tar + END)
    assert seen.paths == [b"first", b"s", b"next"]
    row = seen.rows[1]
    assert (row.size, row.stored_size, chr(row.type)) == (1 << 40, 10 * regions, "f")
    blocks = -(-max(0, regions - 4) // 21)
    assert row.offset == 512 + 512 + 512 * blocks
    assert seen.rules == set()


def test_old_sparse_file_under_a_long_name(scan: Scan) -> None:
    tar = gnu_long(b"L", b"n" * 200) + gnu_sparse(b"n", [(9, 1)] * 6, b"x" * 6, 1000)
    row = scan(tar + END).only
    assert (row.path, row.size, row.stored_size) == (b"n" * 200, 1000, 6)


@pytest.mark.parametrize(("limit", "listed"), [(67, True), (66, False)])
def test_old_sparse_map_is_read_up_to_the_limit(scan: Scan, limit: int, listed: bool) -> None:
    """4 regions and 3 blocks of 21: 67."""
    tar = gnu_sparse(b"s", [(i, 1) for i in range(60)], b"x" * 60, 60) + entry(b"b")
    seen = scan(tar + END, Limits(sparse_regions=limit))
    assert seen.paths == ([b"s", b"b"] if listed else [])
    assert ("limit-exceeded" in seen.rules) is not listed


def sparse_00() -> bytes:
    """As GNU tar 1.14 wrote: the map in repeated records."""
    payload = pax_record(b"GNU.sparse.size", b"1048576") + pax_record(b"GNU.sparse.numblocks", b"2")
    for offset in (0, 524288):
        payload += pax_record(b"GNU.sparse.offset", b"%d" % offset)
        payload += pax_record(b"GNU.sparse.numbytes", b"4")
    return pax(payload) + entry(b"sparse", b"headtail")


def sparse_01() -> bytes:
    """GNU tar 1.15: the map in one record, the name apart."""
    records = {
        b"GNU.sparse.size": b"1048576",
        b"GNU.sparse.numblocks": b"2",
        b"GNU.sparse.name": b"sparse",
        b"GNU.sparse.map": b"0,4,524288,4",
    }
    return pax(records) + entry(b"GNUSparseFile.1/sparse", b"headtail")


def sparse_10() -> bytes:
    """GNU tar 1.16 and later: the map in front of the content."""
    records = {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": b"sparse",
        b"GNU.sparse.realsize": b"1048576",
    }
    stored = b"2\n0\n4\n524288\n4\n".ljust(512, b"\0") + b"headtail"
    return pax(records) + entry(b"GNUSparseFile.1/sparse", stored)


@pytest.mark.parametrize(("write", "stored"), [(sparse_00, 8), (sparse_01, 8), (sparse_10, 520)])
def test_sparse_file_in_pax_form_has_its_name_and_two_sizes(
    scan: Scan, write: Callable[[], bytes], stored: int
) -> None:
    seen = scan(write() + entry(b"next", b"1") + END)
    assert seen.paths == [b"sparse", b"next"]
    row = seen.rows[0]
    assert (row.size, row.stored_size, chr(row.type)) == (1 << 20, stored, "f")
    assert seen.rules == set()


def test_sparse_map_of_ten_million_regions_is_over_the_limit(scan: Scan) -> None:
    records = {b"GNU.sparse.size": b"1", b"GNU.sparse.numblocks": b"10000000"}
    seen = scan(pax(records) + entry(b"s") + END)
    assert "limit-exceeded" in seen.rules
    assert not seen.scan.complete
    assert seen.scan.diff_id is not None


@pytest.mark.parametrize(
    "spans",
    [[(100, 10), (0, 10)], [(0, 10), (5, 10)], [(2**62, 2**62)], [(0, 0)] * 4, [(2**33 - 1, 20)]],
    ids=["backwards", "overlapping", "at the end of the world", "empty", "past the real size"],
)
def test_odd_sparse_map_costs_nothing_and_the_next_entry_is_found(
    scan: Scan, spans: list[tuple[int, int]]
) -> None:
    tar = gnu_sparse(b"s", spans, b"x" * 20, 2**63 - 1) + entry(b"next")
    seen = scan(tar + END)
    assert [(row.path, row.size, row.stored_size) for row in seen.rows] == [
        (b"s", 2**63 - 1, 20),
        (b"next", 0, 0),
    ]


@pytest.mark.parametrize("real", [b"zz", base256(-1, 12), base256(2**63, 12)])
def test_real_size_that_is_none_is_told_and_the_stored_one_is_taken(
    scan: Scan, real: bytes
) -> None:
    tar = header(b"s", type=b"S", size=5, magic=GNU, patch={483: real}) + b"12345".ljust(512, b"\0")
    seen = scan(tar + entry(b"next") + END)
    assert [(row.path, row.size) for row in seen.rows] == [(b"s", 5), (b"next", 0)]
    assert seen.found == {("tar-header-invalid", "s")}


def test_sparse_header_of_no_valid_size_with_a_map_behind_it_is_told(scan: Scan) -> None:
    good = gnu_sparse(b"s", [(i, 1) for i in range(9)], b"", 9)
    patch = {386: good[386:482], 482: b"\1", 483: good[483:495]}
    bad = header(b"s", type=b"S", size=base256(-512, 12), magic=GNU, patch=patch) + good[512:]
    seen = scan(entry(b"first") + bad + entry(b"next") + END)
    assert seen.paths == [b"first", b"next"]
    assert seen.found == {("tar-header-invalid", "byte 512")}


def test_sparse_map_that_is_cut_is_told(scan: Scan) -> None:
    whole = gnu_sparse(b"s", [(i, 1) for i in range(60)], b"", 60)
    for cut in (512, 600, 1024, 1500):
        seen = scan(entry(b"first") + whole[:cut])
        assert (seen.paths, seen.rules) == ([b"first"], {"tar-truncated"})


@pytest.mark.parametrize("size", [2**36, 2**40])
def test_base_256_sizes_are_read(scan: Scan, size: int) -> None:
    """A sparse file may well be that large and store nothing."""
    row = scan(gnu_sparse(b"s", [], b"", size) + END).only
    assert (row.size, row.stored_size) == (size, 0)


def test_base_256_size_of_a_small_file_is_as_good_as_octal(scan: Scan) -> None:
    tar = entry(b"a", b"12345", size=base256(5, 12)) + entry(b"b")
    assert [(row.path, row.size) for row in scan(tar + END).rows] == [(b"a", 5), (b"b", 0)]


@pytest.mark.parametrize("key", [b"GNU.sparse.map", b"GNU.sparse.offset", b"GNU.sparse.realsize"])
def test_sparse_records_of_what_is_no_file_are_ambiguous(key: bytes, scan: Scan) -> None:
    """libarchive ends its listing there: what comes behind is seen by others only."""
    records = pax({key: b"1"})
    for kind in (b"5", b"2", b"1", b"6"):
        tar = records + entry(b"d", type=kind, linkname=b"t") + entry(b"behind") + END
        seen = scan(tar)
        assert "tar-ambiguous" in seen.rules, kind
        assert seen.paths == [b"d", b"behind"]
    assert "tar-ambiguous" not in scan(pax({b"comment": b"1"}) + entry(b"d", type=b"5") + END).rules


LONG = b"n" * 120
MAPPED = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"5"}


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        (gnu_long(b"L", b"first") + gnu_long(b"L", LONG), gnu_long(b"L", LONG)),
        (
            gnu_long(b"K", b"first") + gnu_long(b"K", LONG),
            gnu_long(b"K", LONG) + gnu_long(b"L", LONG),
        ),
        (gnu_sparse(b"s", [(0, 1)], b"xyz", 2), gnu_sparse(b"s", [(0, 3)], b"xyz", 3)),
        (
            gnu_long(b"L", LONG) + header(b"d/", type=b"\0"),
            gnu_long(b"L", LONG + b"/") + header(b"d/", type=b"\0"),
        ),
        (pax({b"GNU.sparse.size": b"9"}, type=b"g"), pax({b"comment": b"GNU.sparse."}, type=b"g")),
        (
            gnu_long(b"L", b"one") + pax({**MAPPED, b"GNU.sparse.name": b"other"}),
            gnu_long(b"L", b"one") + pax({**MAPPED, b"GNU.sparse.name": b"one"}),
        ),
    ],
    ids=[
        "two names",
        "two links",
        "too much",
        "half a folder",
        "global sparse",
        "two sparse names",
    ],
)
def test_what_other_readers_take_otherwise_is_ambiguous(
    scan: Scan, odd: bytes, plain: bytes
) -> None:
    """tests/differential found each of them: tarfile, libarchive or GNU tar list another entry."""
    behind = entry(b"f", b"1\n0\n5\n".ljust(512, b"\0") + b"12345") + END
    assert "tar-ambiguous" in scan(odd + behind).rules
    assert scan(plain + behind).rules == set()
