"""The outline of a zstd stream, RFC 8878 section 3.1, against frames of known make."""

import pytest
import zstandard
from stream.pieces import DATA, skippable, unpacked

from oci_inspect.errors import CorruptStreamError
from oci_inspect.stream.zstd_frames import FrameWalker

SIZED = zstandard.ZstdCompressor(write_checksum=True).compress(DATA)
PLAIN = zstandard.ZstdCompressor(write_content_size=False).compress(DATA)
EMPTY = zstandard.ZstdCompressor().compress(b"")


def walk(data: bytes, step: int = 1 << 20) -> FrameWalker:
    walker = FrameWalker()
    for at in range(0, len(data), step):
        walker.feed(data[at : at + step])
    return walker


@pytest.mark.parametrize("step", [1 << 20, 1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"", 0),
        (SIZED, 1),
        (PLAIN, 1),
        (EMPTY, 1),
        (SIZED + PLAIN + EMPTY, 3),
        (skippable(b""), 0),
        (skippable(b"x" * 5000, 15) + SIZED + skippable(b"y") * 3 + EMPTY, 2),
    ],
)
def test_whole_frames_are_counted_and_end_where_a_stream_may_end(
    data: bytes, frames: int, step: int
) -> None:
    walker = walk(data, step)
    assert (walker.frames, walker.between_frames, walker.garbage) == (frames, True, False)
    assert walker.taken == len(data)


@pytest.mark.parametrize("frame", [SIZED[:2000], EMPTY, skippable(b"abcdef")])
def test_no_stream_ends_inside_a_frame(frame: bytes) -> None:
    whole = walk(frame).between_frames
    for size in range(1, len(frame)):
        for step in (1 << 20, 1):
            assert not walk(frame[:size], step).between_frames
    assert whole is (frame != SIZED[:2000])


@pytest.mark.parametrize("step", [1 << 20, 1, 3])
@pytest.mark.parametrize("junk", [b"junk", bytes(4), b"\x28\xb5\x2f\xfc", b"\x60\x2a\x4d\x18"])
def test_what_is_no_magic_is_garbage(junk: bytes, step: int) -> None:
    assert walk(junk, step).garbage
    walker = walk(EMPTY + junk + EMPTY * 9, step)
    assert (walker.garbage, walker.frames) == (True, 1)


@pytest.mark.parametrize("log", [10, 15, 20, 23, 27])
def test_window_is_the_one_that_the_writer_set(log: int) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=log, write_content_size=0)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compress(b"x" * 5_000)
    assert walk(frame).largest_window == zstandard.get_frame_parameters(frame).window_size


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65791, 65792, 1_000_000])
def test_window_of_a_single_segment_is_its_content(size: int) -> None:
    """Its size takes one, two, four or eight bytes, two of them counted from 256."""
    frame = zstandard.ZstdCompressor(level=1).compress(bytes(size))
    if frame[4] & 0x20:
        assert walk(frame).largest_window == size
    assert walk(frame).largest_window == zstandard.get_frame_parameters(frame).window_size


@pytest.mark.parametrize(("exponent", "mantissa"), [(0, 0), (0, 7), (17, 0), (21, 4), (31, 7)])
def test_window_descriptor_is_a_base_and_eighths(exponent: int, mantissa: int) -> None:
    """RFC 8878 section 3.1.1.1.2."""
    walker = walk(b"\x28\xb5\x2f\xfd\x00" + bytes([exponent << 3 | mantissa]) + b"\x01\x00\x00")
    assert walker.largest_window == 2 ** (10 + exponent) * (8 + mantissa) // 8
    assert walker.between_frames


def test_largest_of_several_windows_is_kept() -> None:
    frames = [b"\x28\xb5\x2f\xfd\x00" + bytes([e << 3]) + b"\x01\x00\x00" for e in (3, 9, 1)]
    assert walk(b"".join(frames)).largest_window == 1 << 19


def test_run_length_block_holds_one_byte() -> None:
    """RFC 8878 section 3.1.1.2.2: type 1, whatever size it stands for."""
    block = (1000 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"x"
    frame = b"\x28\xb5\x2f\xfd\x00\x00" + block
    assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == b"x" * 1000
    assert walk(frame + EMPTY).frames == 2


def test_bytes_that_frames_say_they_hold_are_added_up() -> None:
    assert walk(SIZED + EMPTY + SIZED).content == 2 * len(DATA)
    assert walk(skippable(b"x") + SIZED, 1).content == len(DATA)
    assert walk(PLAIN + SIZED).content is None
    short = zstandard.ZstdCompressor().compress(b"x" * 255)
    middle = zstandard.ZstdCompressor().compress(b"x" * 256)  # two bytes that count from 256
    assert (walk(short).content, walk(middle).content) == (255, 256)


EMPTY_BLOCK = (1).to_bytes(3, "little")
CLAIMS_249 = b"\x28\xb5\x2f\xfd\x20\xf9" + EMPTY_BLOCK


@pytest.mark.parametrize("step", [1, 2, 5, 8, 1 << 20])
def test_frame_that_holds_less_than_it_says_is_refused_however_it_comes(step: int) -> None:
    """The library tells where it gets the frame at once, and not where it comes in pieces."""
    with pytest.raises(CorruptStreamError):
        unpacked(CLAIMS_249, "zstd", step)
    with pytest.raises(CorruptStreamError):
        unpacked(SIZED + CLAIMS_249, "zstd", step)
