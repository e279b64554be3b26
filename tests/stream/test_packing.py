"""What is packed for ourselves comes out as it was, within its bound, or not at all."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.errors import CorruptStreamError
from oci_inspect.stream import compression
from oci_inspect.stream.compression import Packer, unpack


def pack(*parts: bytes) -> bytes:
    packer = Packer()
    for part in parts:
        packer.put(part)
    assert packer.size == sum(map(len, parts))
    return packer.finish()


DATA = random.Random(7).randbytes(3_000) + b"and again " * 20_000


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both libraries, one after the other."""
    kept = compression.igzip_lib
    if request.param == "isal" and kept is None:
        pytest.skip("isal is not here")
    if request.param == "zlib":
        compression.igzip_lib = None
    yield request.param
    compression.igzip_lib = kept


def test_it_is_zlib_s_format() -> None:
    """RFC 1950, as the standard library reads and writes it."""
    assert zlib.decompress(pack(DATA)) == DATA
    assert unpack(zlib.compress(DATA, 9), len(DATA)) == DATA
    assert unpack(pack(b""), 0) == b""


@given(st.lists(st.binary(max_size=200) | st.just(DATA), max_size=8))
def test_parts_come_back_as_one(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert unpack(pack(*parts), len(data)) == data


@given(st.binary(max_size=2_000))
def test_anything_comes_back(data: bytes) -> None:
    packed = pack(data)
    assert unpack(packed, len(data)) == data
    for size in (len(data) - 1, len(data) + 1, 2 * len(data) + 5):
        if size >= 0:
            with pytest.raises(CorruptStreamError):
                unpack(packed, size)


def test_a_stream_that_is_cut_changed_or_followed_by_something_is_refused() -> None:
    packed = pack(DATA[:4_000])
    wrong = [packed[:-cut] for cut in range(1, len(packed))]
    wrong += [packed + more for more in (b"\0", b"x", packed)]
    wrong += [packed[:-1] + bytes([packed[-1] ^ 1]), b"\x79" + packed[1:]]
    for data in wrong:
        with pytest.raises(CorruptStreamError):
            unpack(data, 4_000)


def test_no_more_is_made_than_was_asked_for_and_no_size_is_believed() -> None:
    bomb = zlib.compress(bytes(1 << 26), 9)
    for data, size in ((bomb, 1_000), (pack(DATA), 1 << 50), (pack(DATA), (1 << 62) - 1)):
        tracemalloc.start()
        with pytest.raises(CorruptStreamError):
            unpack(data, size)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 1 << 25  # isal begins with up to 16 MiB, whatever the claim
