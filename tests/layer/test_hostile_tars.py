"""Tars made to mislead or to exhaust; HOSTILE.md, "Tar". Each ends in a finding, and soon."""

import time
from collections.abc import Callable, Iterator

import pytest
from layer.agreement import Seen, agreed
from support.tars import (
    BLOCK,
    END,
    GNU,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    octal,
    padded,
    pax,
    pax_record,
)

from oci_inspect.limits import Limits

Scan = Callable[..., Seen]
FIRST, NEXT = entry(b"first", b"1"), entry(b"next", b"2")


@pytest.fixture(autouse=True)
def in_a_moment() -> Iterator[None]:
    """None of these may take long: far above what they need, far below a hang."""
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 20


# Sizes


@pytest.mark.parametrize(
    "field",
    [
        base256(-512, 12),
        base256(-1, 12),
        base256(-(2**62), 12),
        base256(2**63, 12),
        base256(2**64, 12),
        b"\x80" + b"\xff" * 11,
        b"\xff" * 12,
        b"-0000000512\0",
        b"00000000009\0",
        b"zzz",
    ],
    ids=["-512", "-1", "-2^62", "2^63", "2^64", "2^88", "all ones", "-512 in text", "a 9", "zzz"],
)
@pytest.mark.parametrize("flag", [b"0", b"5", b"1", b"S", b"x", b"L"])
def test_size_out_of_range_is_told_and_the_next_entry_is_found(
    scan: Scan, field: bytes, flag: bytes
) -> None:
    """tarfile loops for ever on the first of these (CVE-2025-8194)."""
    seen = scan(FIRST + header(b"bad", type=flag, size=field) + NEXT + END)
    assert seen.paths == [b"first", b"next"]
    assert seen.found == {("tar-header-invalid", "byte 1,024")}


@pytest.mark.parametrize(
    "field",
    [base256(2**62, 12), base256(2**63 - 1, 12), base256(2**63 - 512, 12), octal(8**11 - 1, 12)],
    ids=["2^62", "2^63-1", "2^63-512", "8 GiB"],
)
def test_size_beyond_the_end_of_the_tar_is_a_truncated_file(scan: Scan, field: bytes) -> None:
    seen = scan(FIRST + header(b"large", size=field) + NEXT + END)
    assert seen.paths == [b"first", b"large"]
    assert seen.found == {("tar-truncated", "large")}


@pytest.mark.parametrize(
    "text", [b"9223372036854775808", b"18446744073709551616", b"-1", b"-512", b"9" * 5000]
)
def test_pax_size_out_of_range_is_told_and_the_headers_own_is_taken(
    scan: Scan, text: bytes
) -> None:
    seen = scan(FIRST + pax({b"size": text}) + entry(b"a", b"abc") + NEXT + END)
    assert [(row.path, row.size) for row in seen.rows[1:]] == [(b"a", 3), (b"next", 1)]
    assert seen.found == {("tar-header-invalid", "a")}


@pytest.mark.parametrize("value", [2**62, 2**63 - 1])
def test_pax_size_beyond_the_end_of_the_tar_is_a_truncated_file(scan: Scan, value: int) -> None:
    seen = scan(FIRST + pax({b"size": b"%d" % value}) + header(b"a", size=0) + NEXT + END)
    assert seen.found == {("tar-truncated", "a")}
    assert seen.rows[-1].size == len(NEXT + END)


# Pax records


@pytest.mark.parametrize(
    "payload",
    [
        b"0 path=evil\n",
        b"1 path=evil\n",
        b"2 path=evil\n",
        b"99 path=evil\n",
        b"11 path=evil\n",
        b"12 path=evil\n",
        b"14 path=evil\n",
        b"999999999999999999 path=evil\n",
        b"1" * 400_000 + b" path=evil\n",
        b"9" * 19 + b" path=evil\n",
        b"9" * 20 + b" path=evil\n",
        b"-12 path=evil\n",
        b"+12 path=evil\n",
        b" 12 path=evil\n",
        b"path=evil\n",
        b"12path=evil\n",
        b"x path=evil\n",
        b"7 path\n",
        b"4 =\n",
        b"9 =evil \n",
        b"13 path=evil ",
        b"12",
        b"12 ",
        b"\xb2 path=evil\n",
        b"\n",
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_bad_pax_record_is_told_and_does_not_count(scan: Scan, payload: bytes) -> None:
    """A run of digits takes tarfile time in the square of its length (CVE-2024-6232)."""
    good = pax_record(b"uid", b"5")
    seen = scan(FIRST + pax(good + payload) + entry(b"a") + NEXT + END)
    assert seen.paths == [b"first", b"a", b"next"]
    assert seen.rows[1].uid == 5
    assert seen.rules == {"tar-header-invalid"}


def test_nul_in_a_pax_path_is_told_and_ends_it(scan: Scan) -> None:
    """A file named ``x.sh`` for one reader may be ``x`` for another."""
    records = {b"path": b"good\0evil", b"linkpath": b"t\0u"}
    seen = scan(pax(records) + header(b"x", type=b"2") + END)
    assert (seen.only.path, seen.only.linkname) == (b"good", b"t")
    assert seen.rules == {"tar-header-invalid"}


def test_pax_header_over_the_limit_is_told(scan: Scan) -> None:
    limits = Limits(header_bytes=1000)
    for size, told in ((999, False), (1001, True)):
        record = pax_record(b"a", b"x" * (993 if told else 992))
        assert len(record) == size
        seen = scan(FIRST + pax(record) + NEXT + END, limits)
        assert ("limit-exceeded" in seen.rules) is told
        assert seen.paths == ([b"first"] if told else [b"first", b"next"])
        assert seen.scan.diff_id is not None


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_extension_header_that_claims_200_mb_is_told_before_it_is_read(
    scan: Scan, kind: bytes
) -> None:
    seen = scan(FIRST + header(b"x", type=kind, size=200 << 20) + NEXT + END)
    assert "limit-exceeded" in seen.rules
    assert seen.paths == [b"first"]
    assert not seen.scan.complete


# Extension headers


@pytest.mark.parametrize(
    "one",
    [pax({b"a": b"b"}), pax({b"a": b"b"}, type=b"g"), gnu_long(b"L", b"n"), gnu_long(b"K", b"n")],
    ids=["x", "g", "L", "K"],
)
def test_two_thousand_extension_headers_in_a_row_are_a_limit(scan: Scan, one: bytes) -> None:
    """They end in RecursionError elsewhere."""
    seen = scan(FIRST + one * 2000 + NEXT + END)
    assert "limit-exceeded" in seen.rules
    assert seen.paths == [b"first"]


@pytest.mark.parametrize(("count", "fits"), [(4, True), (5, False)])
def test_four_extension_headers_in_front_of_an_entry_fit(
    scan: Scan, count: int, fits: bool
) -> None:
    row = [pax({b"uid": b"1"}, type=b"g"), pax({b"gid": b"2"})]
    row += [gnu_long(b"L", b"n"), gnu_long(b"K", b"l"), pax({b"mtime": b"3"})]
    seen = scan(b"".join(row[:count]) + entry(b"x") + END)
    assert ("limit-exceeded" in seen.rules) is not fits
    assert seen.paths == ([b"n"] if fits else [])


@pytest.mark.parametrize("end", [b"", END], ids=["cut", "end mark"])
@pytest.mark.parametrize(
    "one", [pax({b"path": b"evil"}), gnu_long(b"L", b"evil"), pax({b"a": b"b"}, type=b"g")]
)
def test_extension_header_as_the_last_thing_is_told(scan: Scan, one: bytes, end: bytes) -> None:
    seen = scan(FIRST + one + end)
    assert seen.paths == [b"first"]
    assert seen.found == {("tar-header-invalid", "")}


def test_extension_headers_without_a_body_change_nothing(scan: Scan) -> None:
    empty = b"".join(header(b"x", type=kind, size=0) for kind in (b"x", b"g"))
    assert scan(FIRST + empty + NEXT + END).paths == [b"first", b"next"]


# Headers that are none


@pytest.mark.parametrize("blocks", [1, 2, 7])
@pytest.mark.parametrize("fill", [b"\xff", b"A", b"0", b" "])
def test_garbage_for_a_header_is_told_and_the_entry_behind_it_is_found(
    scan: Scan, fill: bytes, blocks: int
) -> None:
    """tarfile ends in silence here; GNU tar and bsdtar show the file behind."""
    seen = scan(FIRST + fill * BLOCK * blocks + NEXT + END)
    assert seen.paths == [b"first", b"next"]
    assert seen.found == {("tar-header-checksum", "byte 1,024")}


def test_each_run_of_garbage_is_told(scan: Scan) -> None:
    tar = FIRST + b"A" * BLOCK + NEXT + b"B" * BLOCK * 2 + NEXT + END
    seen = scan(tar)
    assert seen.paths == [b"first", b"next", b"next"]
    assert seen.subjects("tar-header-checksum") == ["byte 1,024", f"byte {5 * BLOCK:,}"]


def test_garbage_up_to_the_end_is_told(scan: Scan) -> None:
    assert scan(b"A" * BLOCK * 9).rules == {"tar-header-checksum", "tar-no-end-mark"}


def test_garbage_findings_by_the_thousand_are_counted_not_listed() -> None:
    seen = agreed((b"A" * BLOCK + entry(b"a")) * 3000 + END, steps=(1 << 20,))
    assert len(seen.rows) == 3000


@pytest.mark.parametrize("flag", [b"1", b"2", b"3", b"4", b"6"])
def test_body_of_what_has_none_is_told(scan: Scan, flag: bytes) -> None:
    """GNU tar skips it, bsdtar and Go do not: what lies in it is listed here, and told."""
    body = header(b"inside")
    seen = scan(FIRST + header(b"odd", type=flag, linkname=b"first", size=512) + body + NEXT + END)
    assert seen.paths == [b"first", b"odd", b"inside", b"next"]
    assert seen.rows[1].size == 0
    assert seen.subjects("tar-ambiguous") == ["odd"]


@pytest.mark.parametrize("flag", [b"1", b"2", b"6"])
def test_body_by_way_of_a_pax_size_is_told(scan: Scan, flag: bytes) -> None:
    seen = scan(pax({b"size": b"512"}) + header(b"odd", type=flag) + header(b"inside") + END)
    assert seen.paths == [b"odd", b"inside"]
    assert "odd" in seen.subjects("tar-ambiguous")


# Names


def limited(name: bytes) -> bytes:
    return FIRST + pax({b"path": name}) + header(b"x") + NEXT + END


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        (b"p" * 255, True),
        (b"p" * 256, False),
        (b"d/" * 10 + b"p" * 256, False),
        ((b"p" * 127 + b"/") * 31 + b"p" * 128, True),
        ((b"p" * 127 + b"/") * 31 + b"p" * 129, False),
        (b"d/" * 1023 + b"f", True),
        (b"d/" * 1024 + b"f", False),
        (b"./" * 2000 + b"f", True),
        (b"d/" * 100_000 + b"f", False),
        (b"/" * 5000 + b"f", True),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,
)
def test_path_that_is_too_long_or_too_deep_is_a_limit(scan: Scan, name: bytes, fits: bool) -> None:
    seen = scan(limited(name))
    assert ("limit-exceeded" in seen.rules) is not fits
    assert len(seen.rows) == (3 if fits else 1)
    assert seen.scan.complete is fits
    assert seen.scan.diff_id is not None


def test_long_path_that_fits_no_header_of_its_own_is_a_limit_too(scan: Scan) -> None:
    """100 bytes of name and 155 of prefix make 256."""
    seen = scan(FIRST + header(b"n" * 100, prefix=b"p" * 155) + NEXT + END, Limits(path_bytes=255))
    assert (len(seen.rows), seen.rules) == (1, {"limit-exceeded"})


@pytest.mark.parametrize(
    "limits", [Limits(path_bytes=4), Limits(path_part_bytes=2), Limits(path_depth=1)]
)
def test_limits_on_paths_can_be_lowered(scan: Scan, limits: Limits) -> None:
    seen = scan(header(b"d") + header(b"d/abc") + header(b"e") + END, limits)
    assert (seen.paths, seen.rules) == ([b"d"], {"limit-exceeded"})


@pytest.mark.parametrize("first", [entry(b"a"), entry(b"a", b"x" * 600), pax({}) + entry(b"a")])
def test_entries_over_the_limit_are_a_limit(scan: Scan, first: bytes) -> None:
    fits = scan(first * 5 + END, Limits(entries=5))
    assert (len(fits.rows), fits.rules) == (5, set())
    above = scan(first * 9 + END, Limits(entries=5))
    assert above.rules == {"limit-exceeded"}
    assert 5 <= len(above.rows) <= 6
    assert not above.scan.complete
    assert above.scan.diff_id is not None


# Sparse


def test_sparse_map_that_never_ends_is_a_limit(scan: Scan) -> None:
    block = bytes(504) + b"\1" + bytes(7)
    tar = header(b"s", type=b"S", magic=GNU, patch={482: b"\1"}) + block * 4000 + NEXT + END
    seen = scan(FIRST + tar)
    assert "limit-exceeded" in seen.rules
    assert seen.paths == [b"first"]


def test_sparse_file_that_claims_eight_exbibytes_tells_both_sizes(scan: Scan) -> None:
    seen = scan(gnu_sparse(b"s", [(2**63 - 2, 1)], b"x", 2**63 - 1) + END)
    assert (seen.only.size, seen.only.stored_size) == (2**63 - 1, 1)


# Time grows in step


@pytest.mark.parametrize(
    "make",
    [
        lambda n: entry(b"a") * n + END,
        lambda n: (pax({b"path": b"./a"}) + header(b"x")) * n + END,
        lambda n: b"A" * BLOCK * n,
        lambda n: bytes(1024) + entry(b"a") * n,
        lambda n: pax(b"".join(pax_record(b"k%d" % i, b"") for i in range(n))) + entry(b"a"),
        lambda n: padded(header(b"l", type=b"L", size=n * 50) + b"/" * n * 50) + entry(b"a"),
    ],
    ids=["entries", "pax", "garbage", "behind the end", "records", "slashes"],
)
def test_four_times_the_tar_is_not_twelve_times_the_time(make: Callable[[int], bytes]) -> None:
    from layer.agreement import fast

    def best(data: bytes) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            fast(data)
            times.append(time.process_time() - start)
        return min(times)

    assert best(make(8000)) < 12 * best(make(2000)) + 0.01
