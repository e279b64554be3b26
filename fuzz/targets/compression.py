"""Decompression: the same bytes as the libraries give in one go, or a refusal where they refuse."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterable
from random import Random

import zstandard
from support import reference_scanner as twin

from fuzz.mutate import havoc
from fuzz.target import Found, Target, check, same
from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.limits import Limits
from oci_inspect.stream.compression import decompress, detect
from oci_inspect.stream.zstd_frames import FrameWalker

LIMITS = Limits(zstd_window=1 << 23)
MOST = 1 << 22
KINDS = ("gzip", "zstd", "bzip2", "xz")


class _Pieces:
    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step, self._at = data, step, 0

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._at : self._at + min(size, self._step)]
        self._at += len(piece)
        return piece


def run(data: bytes) -> None:
    """Two bytes say how much is fed and asked for at a time."""
    step, ask = (1 << 20, 1, 7, 512)[(data[:1] or b"\0")[0] % 4], (65536, 100, 4096)[len(data) % 3]
    blob = data[1:]
    kind = detect(blob[:512])
    if kind == "none":
        return
    source = decompress(kind, _Pieces(blob, step), LIMITS)
    out = bytearray()
    failed = False
    try:
        while piece := source.read(ask):
            check(len(piece) <= ask, f"{len(piece)} bytes where {ask} were asked for")
            out += piece
            if len(out) > MOST:
                return
        check(source.read(ask) == b"", "something behind the end")
    except LimitExceededError:
        return
    except CorruptStreamError as error:
        failed = True
        check(0 <= error.offset <= len(blob), f"byte {error.offset} of {len(blob)}")
    if kind in ("gzip", "zstd"):
        _with_twin(kind, blob, bytes(out), failed=failed)
    elif not failed:
        theirs = bz2.decompress(blob) if kind == "bzip2" else _xz(blob)
        same(bytes(out), theirs, kind)


def _xz(blob: bytes) -> bytes:
    # Zeros behind it are padding here however many; the specification wants four at a time.
    return lzma.decompress(blob.rstrip(b"\0"), format=lzma.FORMAT_XZ)


def _with_twin(kind: str, blob: bytes, out: bytes, *, failed: bool) -> None:
    try:
        expected = twin.uncompress(blob, kind)
    except twin.Damaged:
        check(failed, f"damaged {kind} taken for good")
        return
    except MemoryError:
        return
    if failed:
        raise Found(f"good {kind} taken for damaged")
    same(out, expected, kind)


def run_frames(data: bytes) -> None:
    """The walker over zstd frames takes any bytes, in any pieces, with one outcome."""
    told = []
    for step in (len(data) or 1, 1, 13):
        walker = FrameWalker()
        for at in range(0, len(data), step):
            walker.feed(data[at : at + step])
        told.append((walker.garbage or walker.between_frames, walker.garbage, walker.taken))
    same(told[1:], told[:1] * 2, "frames in pieces")


_DATA = b"".join(b"%d bottles, " % i for i in range(60)) + bytes(300)
_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
    "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def _skippable(payload: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18" + len(payload).to_bytes(4, "little") + payload


def mutate(data: bytes, chance: Random) -> bytes:
    """Put members and frames together, pad them, or damage them."""
    first, blob = data[:1] or b"\0", data[1:]
    kind = chance.randrange(7)
    if kind == 0:
        blob += chance.choice(list(_PACK.values()))(chance.randbytes(chance.choice((0, 3, 200))))
    elif kind == 1:
        blob += bytes(chance.choice((1, 4, 8, 512)))
    elif kind == 2:
        blob = _skippable(chance.randbytes(chance.choice((0, 5, 300)))) + blob
    elif kind == 3:
        blob += _skippable(b"x" * chance.choice((0, 5, 300)))
    elif kind == 4:
        level = chance.choice((1, 3, 19))
        packer = zstandard.ZstdCompressor(level=level, write_content_size=chance.random() < 0.5)
        blob = packer.compress(chance.randbytes(30) * chance.choice((1, 100)))
    else:
        blob = havoc(blob, chance)
    return first + blob


def seeds() -> Iterable[bytes]:
    """One stream of each kind, and rows of them."""
    for number, pack in enumerate(_PACK.values()):
        yield bytes([number]) + pack(_DATA)
        yield bytes([number]) + pack(_DATA[:100]) + pack(_DATA[100:])
        yield bytes([number]) + pack(b"")


def frame_seeds() -> Iterable[bytes]:
    """Frames of zstd, with and without sizes, checksums, and skippable ones between."""
    for with_size in (True, False):
        for with_sum in (True, False):
            packer = zstandard.ZstdCompressor(write_content_size=with_size, write_checksum=with_sum)
            yield packer.compress(_DATA) + _skippable(b"abc") + packer.compress(b"")


TARGETS = (
    Target("compression", run, seeds, mutate, most=4096),
    Target("zstd_frames", run_frames, frame_seeds, most=2048),
)
