"""Compressed streams: told by their first bytes, read in bounded pieces, checked to their end.

The only module that knows isal and zstandard. One shape for every compression: :func:`decompress`
gives a source; reading it raises :class:`CorruptStreamError` where the stream is damaged, ends
early, or has anything but padding behind its end. Several gzip members, xz streams or zstd frames
in a row are one stream (RFC 1952 section 2.2; RFC 8878 section 3.1, skippable frames included).
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import CHUNK, Source, read_exactly
from oci_inspect.stream.zstd_frames import FrameWalker

if TYPE_CHECKING:
    import zstandard

igzip_lib: Any
isal_zlib: Any
try:
    from isal import igzip_lib, isal_zlib
    from isal.isal_zlib import adler32, crc32
except ImportError:  # no wheel for this machine: slower, the same results
    igzip_lib = isal_zlib = None
    from zlib import adler32, crc32

__all__ = [
    "MAGIC_BYTES",
    "WINDOWED",
    "Packer",
    "adler32",
    "crc32",
    "decompress",
    "detect",
    "unpack",
]

WINDOWED = frozenset({"zstd", "xz"})
"""Compressions whose reader keeps as much as the stream asks for."""

MAGIC_BYTES = 10
"""How many first bytes :func:`detect` wants to see."""

_SMALL_PIECE = 1 << 16
_SMALLEST_FEED = 4096
_RAW = 1 << 20
_LONGEST_GZIP_HEADER = 256 * 1024


def detect(head: bytes) -> str:
    """Name the compression that ``head`` begins: ``gzip``, ``zstd``, ``xz``, ``bzip2``, ``none``.

    bzip2 must show the magic number of its first block as well: a tar whose first file is called
    ``BZh...`` is a tar.
    """
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        return "zstd"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "bzip2"
    return "none"


def decompress(compression: str, source: Source, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Return a source of the uncompressed bytes of ``source``; ``none`` gives it back as it is.

    Its ``read(n)`` gives at most ``n`` bytes, whatever the stream expands to. Raises
    :class:`CorruptStreamError` and, for a window over the limit, :class:`LimitExceededError`.
    """
    if compression == "none":
        return source
    if compression == "zstd":
        return _ZstdSource(source, limits)
    factory, errors = _MEMBER_READERS[compression]
    if compression == "xz":
        return _XzSource(source, limits)
    return _MemberSource(compression, factory, errors, source)


class _MemberReader(Protocol):
    """What igzip_lib, bz2 and lzma all offer for one member of a stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _ZlibMember:
    """zlib in the shape of the others, for machines without isal."""

    def __init__(self, wbits: int = 31) -> None:
        self._member = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.eof and not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        tail = self._member.unconsumed_tail
        return self._member.decompress(tail + data if tail else data, max_length)


class _GzipMember:
    """A gzip member whose header is read here, and handed on without its optional fields.

    igzip gets a header wrong that has several of them and is cut between two reads, and lets
    reserved flags pass, which RFC 1952 section 2.3.1.2 forbids.
    """

    def __init__(self, body: _MemberReader) -> None:
        self._body = body
        self._head: bytes | None = b""

    @property
    def eof(self) -> bool:
        return self._body.eof

    @property
    def needs_input(self) -> bool:
        return self._head is not None or self._body.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._body.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._head is not None:
            data = self._head + data if self._head else data
            length = _gzip_header(data)
            if not length:
                self._head = data
                return b""
            if length > 10:
                data = data[:3] + b"\0" + data[4:10] + data[length:]
            self._head = None
        return self._body.decompress(data, max_length)


def _gzip_header(data: bytes) -> int:
    """The length of a gzip header (RFC 1952 section 2.3), 0 where more of it must come.

    Raises :class:`zlib.error`.
    """
    if len(data) < 10:
        return 0
    flags = data[3]
    if not flags:
        return 10
    if flags & 0xE0:
        raise zlib.error("a header with reserved flags")
    end = 10
    if flags & 4:
        end += 2 + int.from_bytes(data[10:12], "little")
    for text in (8, 16):
        if flags & text:
            end = data.find(b"\0", end) + 1
            if not end:
                break
    else:
        if flags & 2:
            stored = data[end : end + 2]
            if len(stored) == 2 and int.from_bytes(stored, "little") != crc32(data[:end]) & 0xFFFF:
                raise zlib.error("a header whose checksum does not hold")
            end += 2
        if end <= len(data):
            return end
    if len(data) > _LONGEST_GZIP_HEADER:
        raise zlib.error("a header without an end")
    return 0


def _gzip_member() -> _MemberReader:
    if igzip_lib is None:
        return _GzipMember(_ZlibMember())
    return _GzipMember(igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


def _xz_member(memory: int = DEFAULT_LIMITS.xz_memory) -> _MemberReader:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=memory)


_GZIP_ERRORS: tuple[type[Exception], ...] = (zlib.error, OverflowError)
if igzip_lib is not None:
    _GZIP_ERRORS += (igzip_lib.error,)

_MEMBER_READERS: dict[str, tuple[Callable[..., _MemberReader], tuple[type[Exception], ...]]] = {
    "gzip": (_gzip_member, _GZIP_ERRORS),
    "xz": (_xz_member, (lzma.LZMAError, EOFError)),
    "bzip2": (bz2.BZ2Decompressor, (OSError, EOFError)),
}


class _MemberSource:
    """Reads a stream of one or more members, with zero padding allowed behind the last."""

    def __init__(
        self,
        compression: str,
        factory: Callable[[], _MemberReader],
        errors: tuple[type[Exception], ...],
        source: Source,
    ) -> None:
        self._compression = compression
        self._factory = factory
        self._errors = errors
        self._source = source
        self._member = factory()
        self._input = b""
        self._position = 0
        self._taken = 0
        self._member_input = 0
        # A member's unused input is copied by the library: where members are small (estargz has
        # one for each file) large feeds would make the time quadratic in the feed.
        self._feed = CHUNK
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            if self._member.eof and not self._next_member():
                break
            data = b""
            if self._member.needs_input:
                data = self._take(self._feed)
                if not data:
                    raise self._corrupt("it ends early")
            try:
                out = self._member.decompress(data, size)
            except self._errors as error:
                raise self._corrupt(_clean(error)) from error
            if out:
                return out
        return b""

    def _take(self, size: int) -> bytes:
        if self._position >= len(self._input):
            self._input = self._source.read(_RAW)
            self._position = 0
        piece = self._input[self._position : self._position + size]
        self._position += len(piece)
        self._taken += len(piece)
        self._member_input += len(piece)
        return piece

    def _next_member(self) -> bool:
        """Go to the next member; False at a clean end of the stream."""
        unused = len(self._member.unused_data)
        self._position -= unused
        self._taken -= unused
        length = self._member_input - unused
        self._feed = max(_SMALLEST_FEED, min(CHUNK, 2 * length))
        self._member_input = 0
        padded = False
        while byte := self._take(1):
            if byte != b"\0":
                break
            padded = True
            self._skip_zeros()
        if not byte:
            self._ended = True
            return False
        self._position -= 1
        self._taken -= 1
        self._member_input = 0
        head = self._input[self._position : self._position + MAGIC_BYTES]
        if len(head) < MAGIC_BYTES:
            head += read_exactly(self._source, MAGIC_BYTES - len(head))
            self._input, self._position = head, 0
        if padded or detect(head[:MAGIC_BYTES]) != self._compression:
            raise self._corrupt("garbage behind its end", trailing=True)
        self._member = self._factory()
        return True

    def _skip_zeros(self) -> None:
        rest = self._input[self._position :]
        zeros = len(rest) - len(rest.lstrip(b"\0"))
        self._position += zeros
        self._taken += zeros

    def _corrupt(self, problem: str, *, trailing: bool = False) -> CorruptStreamError:
        return CorruptStreamError(self._compression, problem, self._taken, trailing=trailing)


class _XzSource(_MemberSource):
    """Reads xz streams; one that asks for too much memory meets a limit."""

    def __init__(self, source: Source, limits: Limits) -> None:
        factory, errors = _MEMBER_READERS["xz"]
        self._most = limits.xz_memory
        super().__init__("xz", partial(factory, self._most), errors, source)

    def read(self, size: int, /) -> bytes:
        try:
            return super().read(size)
        except CorruptStreamError as error:
            if "emory usage limit" not in error.problem:
                raise
            # How much it asks for the library does not tell.
            raise LimitExceededError(
                "xz_memory", self._most, self._most + 1, "xz stream"
            ) from error


class _ZstdSource:
    """Reads zstd frames; :class:`FrameWalker` sees what the library does not tell.

    The library's reader ends in silence where a frame is cut, and names no window size. What it
    reads from must not lead back here: it could never be freed.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        import zstandard

        self._walker = FrameWalker()
        self._error = zstandard.ZstdError
        self._ended = False
        self._failed: CorruptStreamError | None = None
        self._given = 0
        tapped = _Tapped(source, self._walker, limits)
        self._reader: zstandard.ZstdDecompressionReader = zstandard.ZstdDecompressor(
            # The library has bounds of its own; the walker knows the right one.
            max_window_size=min(max(limits.zstd_window, 1 << 10), 1 << zstandard.WINDOWLOG_MAX)
        ).stream_reader(cast("IO[bytes]", tapped), read_size=_RAW, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        if self._failed is not None:
            raise self._failed
        if self._ended or not size:
            return b""
        pieces: list[bytes] = []
        left = size
        try:
            # Its read() would fill up to the size, and lose all of that to an error on the way.
            while left and (out := self._reader.read1(left)):
                pieces.append(out)
                left -= len(out)
        except self._error as error:
            corrupt = CorruptStreamError("zstd", _clean(error), self._walker.taken)
            self._failed = self._garbage() if self._walker.garbage else corrupt
            self._failed.__cause__ = error
            if not pieces:
                raise self._failed from error
        if not pieces:
            self._ended = True
            if self._walker.garbage:
                raise self._garbage()
            if not self._walker.between_frames:
                raise CorruptStreamError("zstd", "it ends early", self._walker.taken)
            # The library looks at that itself, but not where the last block of a frame is empty
            # and the frame came in pieces.
            if self._walker.content not in (None, self._given):
                problem = "its frames hold another number of bytes than they say"
                raise CorruptStreamError("zstd", problem, self._walker.taken)
        self._given += size - left
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _garbage(self) -> CorruptStreamError:
        taken = self._walker.taken
        return CorruptStreamError("zstd", "garbage behind its end", taken, trailing=True)


class _Tapped:
    """The compressed bytes, looked at by the walker as they pass."""

    def __init__(self, source: Source, walker: FrameWalker, limits: Limits) -> None:
        self._source = source
        self._walker = walker
        self._most = limits.zstd_window

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self._walker.feed(data)
        if self._walker.largest_window > self._most:
            raise LimitExceededError(
                "zstd_window", self._most, self._walker.largest_window, "zstd stream"
            )
        return data


class Packer:
    """Compresses ``size`` bytes that we keep for ourselves: zlib format, quick before small."""

    def __init__(self) -> None:
        self.size = 0
        self._stream: Any = (zlib if igzip_lib is None else isal_zlib).compressobj(1)
        self._waiting = bytearray()
        self._packed: list[bytes] = []

    def put(self, data: bytes) -> None:
        """Go on by ``data``: small pieces together, a large one without a copy."""
        self.size += len(data)
        if len(data) < _SMALL_PIECE:
            self._waiting += data
            data = b""
        if data or len(self._waiting) >= _SMALL_PIECE:
            self._packed += (self._stream.compress(self._waiting), self._stream.compress(data))
            self._waiting = bytearray()

    def finish(self) -> bytes:
        """All that was put in, compressed."""
        self._packed += (self._stream.compress(self._waiting), self._stream.flush())
        return b"".join(self._packed)


def unpack(data: bytes, size: int) -> bytes:
    """Undo :class:`Packer`, where exactly ``size`` bytes come out and nothing stands behind.

    Never more than one byte beyond ``size`` is made, and beyond some megabytes memory grows with
    what comes out, not with ``size``. Raises :class:`CorruptStreamError`.
    """
    member: _MemberReader = (
        _ZlibMember(zlib.MAX_WBITS)
        if igzip_lib is None
        else igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
    )
    try:
        out = member.decompress(data, size + 1)
    except _GZIP_ERRORS as error:
        raise CorruptStreamError("zlib", _clean(error), len(data)) from error
    if len(out) != size or not member.eof or member.unused_data:
        raise CorruptStreamError("zlib", f"it is not of {size:,} bytes", len(data))
    return out


def _clean(error: Exception) -> str:
    """The library's own words, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
