"""Sources: bytes once from front to end, in pieces of any size."""

import io

import pytest
from stream.pieces import Pieces, read_all

from oci_inspect.stream.source import (
    CHUNK,
    BytesSource,
    PrefixedSource,
    drain,
    read_exactly,
    read_some,
)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_bytes_come_once_and_in_order(size: int) -> None:
    assert read_all(BytesSource(b"abcdefg"), size) == b"abcdefg"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("head", [b"", b"a", b"abc"])
def test_what_was_read_ahead_comes_first(head: bytes, size: int) -> None:
    assert read_all(PrefixedSource(head, BytesSource(b"rest")), size) == head + b"rest"


@pytest.mark.parametrize("step", [1, 3, 100])
def test_exact_read_goes_on_until_it_has_all(step: int) -> None:
    source = Pieces(b"abcdefgh", step)
    assert read_exactly(source, 5) == b"abcde"
    assert read_exactly(source, 5) == b"fgh"
    assert read_exactly(source, 5) == b""


def test_claimed_size_is_never_asked_for_at_once() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.largest = max(self.largest, size or 0)
            return super().read(size)

    source = Watched(b"few bytes")
    assert read_some(source, 1 << 60) == b"few bytes"
    assert source.largest <= CHUNK


@pytest.mark.parametrize("step", [1, 3, 100])
def test_some_are_at_most_what_was_asked_for(step: int) -> None:
    assert read_some(Pieces(b"abcdefgh", step), 5) == b"abcde"
    assert read_some(Pieces(b"abc", step), 0) == b""


def test_draining_counts_what_is_left() -> None:
    source = Pieces(b"abcdefgh", 3)
    source.read(2)
    assert drain(source) == 6
    assert drain(source) == 0
