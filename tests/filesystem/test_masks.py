"""Masks over the rows of a table."""

import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.filesystem.masks import both, octet, rows_of, selector

MASKS = st.lists(st.booleans(), max_size=40).map(bytes)


def test_selector_makes_a_mask_of_a_column() -> None:
    assert bytearray(b"fdlfh").translate(selector(b"fh")) == b"\1\0\0\1\1"


def test_rows_of_a_mask_are_told_in_order() -> None:
    assert list(rows_of(b"\0\1\1\0\1")) == [1, 2, 4]
    assert list(rows_of(b"")) == list(rows_of(b"\0\0")) == []


@pytest.mark.parametrize("order", ["little", "big"])
def test_octets_of_a_column_are_told_from_the_lowest(
    order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    column = array("Q", [0x0102, 0x0304, 0xFF << 56])
    if order != sys.byteorder:
        column.byteswap()
        monkeypatch.setattr(sys, "byteorder", order)
    assert octet(column, 0) == b"\x02\x04\0"
    assert octet(column, 1) == b"\x01\x03\0"
    assert octet(column, 7) == b"\0\0\xff"


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=40))
def test_both_is_each_row_that_is_in_all(rows: list[tuple[bool, bool, bool]]) -> None:
    masks = [bytes(row[i] for row in rows) for i in range(3)]
    assert both(*masks) == bytes(all(row) for row in rows)
    assert both(bytearray(masks[0]), masks[1]) == bytes(row[0] and row[1] for row in rows)


@given(MASKS)
def test_rows_of_a_mask_are_those_that_it_has(mask: bytes) -> None:
    assert list(rows_of(mask)) == [row for row, held in enumerate(mask) if held]
