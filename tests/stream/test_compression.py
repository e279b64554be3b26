"""Compressed streams: RFC 1952 (gzip), RFC 8878 (zstd), and what no stream may do."""

import gzip
import struct
import zlib
from collections.abc import Callable

import pytest
import zstandard
from stream.pieces import COMPRESSORS, DATA, Pieces, gz, read_all, skippable, unpacked, zstd

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.limits import MIB, Limits
from oci_inspect.stream.compression import MAGIC_BYTES, decompress, detect

EACH = pytest.mark.parametrize("compression", COMPRESSORS)


# Told by the first bytes


@EACH
def test_compression_is_told_by_its_first_bytes(compression: str) -> None:
    for data in (b"", b"x", DATA):
        assert detect(COMPRESSORS[compression](data)[:MAGIC_BYTES]) == compression


@pytest.mark.parametrize("kind", range(16))
def test_skippable_frame_begins_a_zstd_stream(kind: int) -> None:
    assert detect(skippable(b"any", kind)[:MAGIC_BYTES]) == "zstd"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x1f",
        b"\x1f\x8b",
        b"\x1f\x8b\x07" + bytes(7),
        b"\x28\xb5\x2f",
        b"\x4f\x2a\x4d\x18",
        b"\x60\x2a\x4d\x18",
        b"BZh9notreal",
        b"BZh",
        b"\xfd7zXZ",
        b"usr/bin/sh",
        bytes(10),
        b"PK\x03\x04",
    ],
)
def test_anything_else_is_no_compression(head: bytes) -> None:
    assert detect(head) == "none"


def test_no_compression_gives_the_source_back() -> None:
    source = Pieces(b"abc")
    assert decompress("none", source) is source


# Whole streams


@EACH
@pytest.mark.parametrize("step", [1 << 20, 1000, 7])
@pytest.mark.parametrize("size", [1 << 20, 4096, 100])
def test_stream_comes_back_whatever_the_sizes_of_the_reads(
    compression: str, step: int, size: int
) -> None:
    assert unpacked(COMPRESSORS[compression](DATA), compression, step, size) == DATA


@EACH
def test_stream_of_nothing_is_nothing(compression: str) -> None:
    assert unpacked(COMPRESSORS[compression](b""), compression) == b""


@EACH
@pytest.mark.parametrize("step", [1 << 20, 1, 2, 5])
def test_several_members_are_one_stream(compression: str, step: int) -> None:
    pack = COMPRESSORS[compression]
    blob = pack(b"one, ") + pack(b"") + pack(b"two, ") + pack(b"three") + pack(b"")
    assert unpacked(blob, compression, step) == b"one, two, three"


@pytest.mark.parametrize("step", [1 << 20, 1, 100])
def test_thousands_of_small_members_are_one_stream(step: int) -> None:
    parts = [b"%d," % i for i in range(2000)]
    assert unpacked(b"".join(map(gz, parts)), "gzip", step) == b"".join(parts)


@pytest.mark.parametrize("compression", ["gzip", "xz", "bzip2"])
@pytest.mark.parametrize("step", [1 << 20, 1, 512])
@pytest.mark.parametrize("zeros", [1, 511, 5000])
def test_zeros_behind_the_end_are_padding(compression: str, step: int, zeros: int) -> None:
    assert unpacked(COMPRESSORS[compression](b"abc") + bytes(zeros), compression, step) == b"abc"


def header_fields(flags: int) -> bytes:
    """A gzip header with the optional fields of RFC 1952 section 2.3, as ``flags`` say."""
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\0\xff"
    if flags & 4:
        head += struct.pack("<H", 300) + b"SG" + struct.pack("<H", 296) + b"e" * 296
    if flags & 8:
        head += b"name of the file\0"
    if flags & 16:
        head += b"comment\0"
    if flags & 2:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    return head


@pytest.mark.parametrize("flags", [0, 1, 2, 4, 8, 16, 2 | 4, 4 | 8 | 16, 31])
@pytest.mark.parametrize("step", [1 << 20, 1, 3])
def test_gzip_header_may_have_fields_of_any_kind(flags: int, step: int) -> None:
    """estargz has an extra field in its last member."""
    body = gz(b"content")[10:]
    blob = gz(b"first, ") + header_fields(flags) + body
    assert gzip.decompress(blob) == b"first, content"
    assert unpacked(blob, "gzip", step) == b"first, content"


@pytest.mark.parametrize("step", [1 << 20, 1, 9])
def test_skippable_frames_are_skipped_wherever_they_stand(step: int) -> None:
    blob = skippable(b"x" * 300) + zstd(b"one, ") + skippable(b"") * 2 + zstd(b"two")
    assert unpacked(blob + skippable(b"toc" * 50, 15), "zstd", step) == b"one, two"


def test_stream_of_skippable_frames_alone_is_nothing() -> None:
    assert unpacked(skippable(b"abc") * 3, "zstd") == b""


@pytest.mark.parametrize("step", [1 << 20, 1, 100])
def test_frame_without_a_content_size_is_read(step: int) -> None:
    blob = zstandard.ZstdCompressor(write_content_size=False).compress(DATA)
    assert zstandard.get_frame_parameters(blob).content_size == zstandard.CONTENTSIZE_UNKNOWN
    assert unpacked(blob, "zstd", step) == DATA


def test_hundred_thousand_skippable_frames_take_a_moment() -> None:
    assert unpacked(skippable(b"x") * 100_000 + zstd(b"end"), "zstd") == b"end"


# Damage


def flipped(blob: bytes, at: int) -> bytes:
    at %= len(blob)
    return blob[:at] + bytes([blob[at] ^ 0x41]) + blob[at + 1 :]


def refused(blob: bytes, compression: str, step: int = 1 << 20) -> CorruptStreamError:
    with pytest.raises(CorruptStreamError) as caught:
        unpacked(blob, compression, step)
    error = caught.value
    assert error.compression == compression
    assert str(error).isprintable()
    assert 0 <= error.offset <= len(blob)
    return error


@EACH
def test_stream_cut_anywhere_is_an_error(compression: str) -> None:
    blob = COMPRESSORS[compression](b"some content that is squeezed" * 3)
    for size in range(1, len(blob)):
        for step in (1 << 20, 1):
            refused(blob[:size], compression, step)


@EACH
def test_second_member_cut_anywhere_is_an_error(compression: str) -> None:
    first = COMPRESSORS[compression](b"first")
    blob = first + COMPRESSORS[compression](b"second")
    for size in range(len(first) + 1, len(blob)):
        refused(blob[:size], compression)
        refused(blob[:size], compression, 1)


@EACH
@pytest.mark.parametrize(
    "garbage", [b"g", b"garbage", b"\x1f\x8b", b"\xff" * 4000, b"\x1f\x8b\x09"]
)
@pytest.mark.parametrize("step", [1 << 20, 1])
def test_garbage_behind_the_end_is_an_error(compression: str, garbage: bytes, step: int) -> None:
    refused(COMPRESSORS[compression](b"content") + garbage, compression, step)


@pytest.mark.parametrize("compression", ["gzip", "xz", "bzip2"])
@pytest.mark.parametrize("step", [1 << 20, 1])
def test_anything_behind_the_padding_is_an_error(compression: str, step: int) -> None:
    whole = COMPRESSORS[compression](b"content")
    for behind in (b"g", whole):
        refused(whole + bytes(600) + behind, compression, step)


def test_zeros_behind_a_zstd_frame_are_garbage() -> None:
    """The format has skippable frames for padding."""
    assert "garbage" in refused(zstd(b"content") + bytes(16), "zstd").problem


@EACH
def test_member_of_another_compression_behind_is_an_error(compression: str) -> None:
    for other, pack in COMPRESSORS.items():
        if other != compression:
            refused(COMPRESSORS[compression](b"one") + pack(b"two"), compression)


@pytest.mark.parametrize("at", range(-8, 0))
def test_wrong_crc_and_wrong_length_of_gzip_are_errors(at: int) -> None:
    """RFC 1952: four bytes of CRC-32, four of the length modulo 2^32."""
    blob = gz(b"content" * 100)
    refused(flipped(blob, at), "gzip")
    refused(flipped(blob, at) + gz(b"more"), "gzip", 3)
    with pytest.raises((gzip.BadGzipFile, EOFError)):
        gzip.decompress(flipped(blob, at))


@pytest.mark.parametrize("at", range(-4, 0))
def test_wrong_checksum_of_a_zstd_frame_is_an_error(at: int) -> None:
    refused(flipped(zstd(DATA), at), "zstd")


def test_wrong_block_type_of_deflate_is_an_error() -> None:
    head = gz(b"")[:10]
    refused(head + b"\x07" + bytes(20), "gzip")


def test_reserved_flags_of_gzip_and_other_methods_are_errors() -> None:
    """RFC 1952 section 2.3.1.2: a reader must refuse reserved bits that are set."""
    blob = gz(b"content")
    refused(blob[:2] + b"\x07" + blob[3:], "gzip")
    refused(b"PK" + blob[2:], "gzip")


def test_dictionary_that_is_not_here_is_an_error() -> None:
    pool = [b"sample %d of a dictionary" % i * 20 for i in range(200)]
    dictionary = zstandard.train_dictionary(4096, pool)
    refused(zstandard.ZstdCompressor(dict_data=dictionary).compress(pool[0]), "zstd")


def test_error_says_where() -> None:
    blob = gz(DATA)
    error = refused(blob + b"garbage", "gzip")
    assert error.offset == len(blob)
    assert refused(blob[:-5], "gzip").offset == len(blob) - 5


def test_what_was_read_before_the_damage_comes_out() -> None:
    blob = gz(DATA, 1)
    source = decompress("gzip", Pieces(blob[: len(blob) // 2], 1000))
    found = b""
    with pytest.raises(CorruptStreamError):
        while piece := source.read(500):
            found += piece
    assert 0 < len(found) < len(DATA)
    assert DATA.startswith(found)


# Bombs


@pytest.mark.parametrize("compression", ["gzip", "zstd", "xz", "bzip2"])
def test_read_never_gives_more_than_was_asked_for(compression: str) -> None:
    zeros = bytes(8 * MIB)
    source = decompress(compression, Pieces(COMPRESSORS[compression](zeros)))
    assert len(source.read(100)) <= 100
    assert len(read_all(source, 65536)) >= 8 * MIB - 100


def frame(window_descriptor: int, block: bytes = b"\x01\x00\x00") -> bytes:
    """A frame with a window and one empty, last, raw block (RFC 8878 section 3.1.1)."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([window_descriptor]) + block


@pytest.mark.parametrize(
    ("exponent", "mantissa", "window"),
    [(0, 0, 1 << 10), (17, 0, 128 * MIB), (17, 1, 144 * MIB), (21, 0, 2 << 30), (31, 7, 15 << 38)],
)
@pytest.mark.parametrize("before", [b"", zstd(b"first"), skippable(b"x" * 40)])
def test_window_above_the_limit_is_told_with_its_size(
    exponent: int, mantissa: int, window: int, before: bytes
) -> None:
    blob = before + frame(exponent << 3 | mantissa)
    if window <= 128 * MIB:
        assert unpacked(blob, "zstd") in (b"", b"first")
        return
    with pytest.raises(LimitExceededError) as caught:
        unpacked(blob, "zstd")
    error = caught.value
    assert (error.limit, error.maximum, error.actual) == ("zstd_window", 128 * MIB, window)


def test_limit_on_windows_can_be_lowered_and_raised() -> None:
    blob = frame(17 << 3 | 1)
    with pytest.raises(LimitExceededError):
        unpacked(blob, "zstd")
    assert read_all(decompress("zstd", Pieces(blob), Limits(zstd_window=256 * MIB))) == b""
    with pytest.raises(LimitExceededError):
        read_all(decompress("zstd", Pieces(frame(0)), Limits(zstd_window=1023)))


@pytest.mark.parametrize("wrap", [gz, zstd])
def test_compression_in_a_compression_is_left_alone(wrap: Callable[[bytes], bytes]) -> None:
    assert unpacked(gz(wrap(b"content")), "gzip") == wrap(b"content")
