"""Listing a layer without reading it: the rows of a scan, but for what only contents tell."""

from __future__ import annotations

from contextlib import ExitStack
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer.test_properties import ENDS, PIECES, SAMPLE, builders, mutated
from support.tars import BLOCK, END, TarBuilder, base256, entry, gnu_long, gnu_sparse, header, pax

from oci_inspect.layer.entries import Entry
from oci_inspect.layer.listing import LayerListing, list_layer
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from oci_inspect.stream.source import BytesSource


class Counting:
    """A source that counts what is read of it, and may give little at a time."""

    def __init__(self, data: bytes, step: int = 1 << 30) -> None:
        self._data = data
        self._step = step
        self._position = 0
        self.read_bytes = 0
        self.reads = 0

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._position : self._position + min(size, self._step)]
        self._position += len(piece)
        self.read_bytes += len(piece)
        self.reads += 1
        return piece

    def skip(self, size: int, /) -> None:
        assert size >= 0
        self._position += size

    def peek(self, offset: int, size: int, /) -> bytes:
        start = self._position + offset
        piece = self._data[start : start + size]
        self.read_bytes += len(piece)
        self.reads += 1
        return piece


def rows(of: LayerListing | LayerScan) -> list[Entry]:
    return [of.table.row(i)._replace(fingerprint=0) for i in range(len(of.table))]


def listed(
    data: bytes, limits: Limits = DEFAULT_LIMITS, step: int = 1 << 30, worth: int | None = None
) -> LayerListing:
    """The listing of a tar; ``worth`` is how much content is worth passing over.

    With it headers are read one by one wherever that is possible at all.
    """
    with ExitStack() as stack:
        if worth is not None:
            stack.enter_context(patch("oci_inspect.layer.listing._WORTH", worth))
            stack.enter_context(patch("oci_inspect.layer.listing._SMALLEST", 512))
            stack.enter_context(patch("oci_inspect.layer.listing._FAR", 1))
            stack.enter_context(patch("oci_inspect.layer.listing._FEW", 2))
        return list_layer(Counting(data, step), len(data), limits)


def same(data: bytes, limits: Limits = DEFAULT_LIMITS) -> LayerListing:
    """The listing of a tar, after it was found to be that of a scan, however it is read."""
    scan = scan_layer(BytesSource(data), limits)
    for step, worth in ((1 << 30, None), (1 << 30, 1), (700, 1), (513, 600)):
        found = listed(data, limits, step, worth)
        assert rows(found) == rows(scan), (step, worth)
        assert [(one.rule, one.subject, one.message) for one in found.findings] == [
            (one.rule, one.subject, one.message) for one in scan.findings
        ], (step, worth)
        assert found.listed == (scan.listed and scan.complete), (step, worth)
        for i, row in enumerate(rows(found)[:-1]):
            empty = not row.stored_size
            assert found.table.fingerprints[i] == (scan.table.fingerprints[i] if empty else 0)
    return found


@given(builders(), ENDS)
@settings(max_examples=80)
def test_listing_of_a_random_tar_has_the_rows_of_a_scan(builder: TarBuilder, end: bytes) -> None:
    same(builder.build(end))


@given(st.lists(PIECES, max_size=9).map(b"".join))
@settings(max_examples=120)
def test_listing_of_odd_headers_has_the_rows_of_a_scan(tar: bytes) -> None:
    same(tar, Limits(sparse_regions=100))


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=200)
def test_listing_of_a_damaged_tar_has_the_rows_of_a_scan(seed: int, mend: bool) -> None:
    same(mutated(SAMPLE, seed, mend=mend))


@given(st.binary(max_size=3000))
@settings(max_examples=30)
def test_listing_of_any_bytes_has_the_rows_of_a_scan(data: bytes) -> None:
    same(b"\0" + data)  # what begins like a compressed layer is never listed


@pytest.mark.parametrize("more", [0, 1, 511])
def test_listing_of_a_cut_tar_has_the_rows_of_a_scan(more: int) -> None:
    for cut in range(more, len(SAMPLE) + 1, BLOCK):
        same(SAMPLE[:cut])


@pytest.mark.parametrize(
    "tar",
    [
        b"",
        END,
        END * 20,
        bytes(BLOCK) + entry(b"a"),
        entry(b"a") + END + entry(b"hidden"),
        b"A" * BLOCK * 7 + entry(b"a") + END,
        header(b"a", size=2**62) + entry(b"b") + END,
        header(b"a", size=base256(-512, 12)) + entry(b"b") + END,
        pax({b"size": b"9" * 18}) + entry(b"a", b"1") + END,
        gnu_long(b"L", b"n" * 300) + entry(b"a", b"1" * 999) + END,
        header(b"x", type=b"x", size=200 << 20) + entry(b"a") + END,
        gnu_sparse(b"s", [(i * 9, 1) for i in range(90)], b"y" * 90, 4000) + entry(b"a") + END,
        header(b"d", type=b"D", size=600) + b"l" * 1024 + entry(b"a") + END,
        header(b"link", type=b"1", linkname=b"a", size=512) + entry(b"in") + END,
        pax({b"path": b"p" * 5000}) + entry(b"a") + END,
        pax({b"path": b"d/" * 2000}) + entry(b"a"),
    ],
    ids=range(16),
)
def test_listing_of_a_hostile_tar_has_the_rows_of_a_scan(tar: bytes) -> None:
    same(entry(b"first", b"f" * 700) + tar)
    same(tar)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(entries=3),
        Limits(path_bytes=8),
        Limits(path_part_bytes=3),
        Limits(path_depth=1),
        Limits(header_bytes=10),
        Limits(xattr_bytes=2),
        Limits(metadata_bytes=2),
        Limits(sparse_regions=5),
    ],
    ids=range(8),
)
def test_listing_under_a_limit_has_the_rows_of_a_scan(limits: Limits) -> None:
    assert not same(SAMPLE, limits).listed


def test_layer_over_the_limit_of_bytes_is_listed_up_to_it_and_says_so() -> None:
    tar = b"".join(entry(b"%d" % i, b"1" * 600) for i in range(9)) + END
    found = listed(tar, Limits(layer_bytes=3000))
    assert [(row.path, row.size) for row in rows(found)] == [(b"0", 600), (b"1", 600)]
    assert not found.listed
    assert [one.rule for one in found.findings] == ["limit-exceeded"]


# Little is read


def test_contents_of_large_files_are_not_read() -> None:
    tar = b"".join(entry(b"%d" % i, b"1" * (8 * MIB + i)) for i in range(4)) + END
    source = Counting(tar)
    found = list_layer(source, len(tar))
    assert [row.size for row in rows(found)] == [8 * MIB + i for i in range(4)]
    assert found.listed and found.findings == ()
    assert source.read_bytes < 200 * KIB


def test_the_more_large_files_there_are_the_less_is_read_for_each() -> None:
    tar = b"".join(entry(b"%d" % i, b"1" * (512 * KIB)) for i in range(64)) + END
    source = Counting(tar)
    assert len(list_layer(source, len(tar)).table) == 64
    assert source.read_bytes < 64 * 8 * KIB


def test_headers_in_a_row_are_read_in_few_large_pieces() -> None:
    tar = entry(b"a") * 20_000 + END
    source = Counting(tar)
    assert len(list_layer(source, len(tar)).table) == 20_000
    assert source.reads < 20


def test_large_sparse_file_behind_its_header_is_passed_over_by_what_is_stored() -> None:
    regions = [(i * 2 * MIB, MIB) for i in range(8)]
    tar = gnu_sparse(b"s", regions, b"1" * 8 * MIB, 16 * MIB) + entry(b"a") + END
    source = Counting(tar)
    found = list_layer(source, len(tar))
    assert [(row.path, row.size, row.stored_size) for row in rows(found)] == [
        (b"s", 16 * MIB, 8 * MIB),
        (b"a", 0, 0),
    ]
    assert source.read_bytes < 200 * KIB


def test_file_that_claims_more_than_there_is_ends_with_the_blob() -> None:
    tar = entry(b"a") + header(b"large", size=2**40) + bytes(300_000)
    source = Counting(tar)
    found = list_layer(source, len(tar))
    assert [row.size for row in rows(found)] == [0, 300_000]
    assert not found.listed
    assert source.read_bytes <= 64 * KIB + 1  # the last byte, to see that it is there


def test_headers_that_are_far_from_each_other_are_read_by_themselves() -> None:
    """20 kB from one to the next: some pieces at first, then 512 bytes for each."""
    tar = TarBuilder()
    for i in range(2_000):
        tar.file(f"d/{i:06}", bytes(20_000))
    data = tar.build()
    source = Counting(data)
    found = list_layer(source, len(data))
    assert len(found.table) == 2_000 and found.listed
    assert source.read_bytes < len(data) // 10
    assert rows(found) == rows(scan_layer(BytesSource(data)))


def test_headers_that_are_near_to_each_other_are_read_in_pieces() -> None:
    tar = TarBuilder()
    for i in range(5_000):
        tar.file(f"d/{i:06}", b"x" * 1_000)
    data = tar.build()
    source = Counting(data)
    assert len(list_layer(source, len(data)).table) == 5_000
    assert source.reads < 40


def test_odd_headers_among_far_ones_do_not_make_it_look_again_and_again() -> None:
    tar = TarBuilder()
    for i in range(1_000):
        tar.file(f"d/{i:06}" if i % 3 else "d/" + "é" * 60 + str(i), bytes(30_000))
    data = tar.build()
    source = Counting(data)
    found = list_layer(source, len(data))
    assert rows(found) == rows(scan_layer(BytesSource(data)))
    assert source.reads < 20 * 1_000
    assert source.read_bytes < 1.2 * len(data)
