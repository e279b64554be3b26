"""The outline of a zstd stream: frames, blocks and windows, without decompressing.

RFC 8878 section 3.1. A block is at most 128 KiB uncompressed, so walking costs a few instructions
for each of them.
"""

from __future__ import annotations

_FRAME = 0xFD2FB528
_SKIPPABLE = 0x184D2A50


class FrameWalker:
    """Follows a zstd stream as it passes by, in pieces of any size."""

    __slots__ = (
        "_buffer",
        "_checksum",
        "_skip",
        "_state",
        "content",
        "frames",
        "garbage",
        "largest_window",
        "taken",
    )

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0
        self._state = "magic"
        self._checksum = 0
        self.taken = 0
        """Bytes seen."""
        self.frames = 0
        """Frames begun, skippable ones not counted."""
        self.garbage = False
        """True once something stood where a frame must begin; nothing is followed from there."""
        self.largest_window = 0
        """Bytes of the largest window that a frame asked for."""
        self.content: int | None = 0
        """Bytes that the frames say they hold; None once one does not say."""

    @property
    def between_frames(self) -> bool:
        """True where the stream may end."""
        return self._state == "magic" and not self._buffer and not self._skip

    def feed(self, data: bytes) -> None:
        """Go on by ``data``."""
        self.taken += len(data)
        if self.garbage:
            return
        if self._skip >= len(data) and not self._buffer:
            self._skip -= len(data)
            return
        buffer = self._buffer + data if self._buffer else data
        position = self._skip
        size = len(buffer)
        while position < size:
            used = self._step(buffer, position, size - position)
            if used < 0:
                self.garbage = True
                return
            if used == 0:
                break
            position += used
        if position > size:
            self._skip = position - size
            self._buffer = b""
        else:
            self._skip = 0
            self._buffer = buffer[position:]

    def _step(self, buffer: bytes, position: int, available: int) -> int:
        """Take one header at ``position``; return the bytes to go on by.

        0 means that more input is wanted, -1 that no frame begins here.
        """
        if self._state == "block":
            if available < 3:
                return 0
            header = int.from_bytes(buffer[position : position + 3], "little")
            if header & 1:
                self._state = "magic"
            length = 1 if (header >> 1) & 3 == 1 else header >> 3
            return 3 + length + (self._checksum if header & 1 else 0)
        if available < 4:
            return 0
        magic = int.from_bytes(buffer[position : position + 4], "little")
        if magic & 0xFFFFFFF0 == _SKIPPABLE:
            if available < 8:
                return 0
            return 8 + int.from_bytes(buffer[position + 4 : position + 8], "little")
        if magic != _FRAME:
            return -1
        return self._frame_header(buffer, position + 4, available - 4)

    def _frame_header(self, buffer: bytes, position: int, available: int) -> int:
        if available < 1:
            return 0
        descriptor = buffer[position]
        single_segment = descriptor >> 5 & 1
        content_flag = descriptor >> 6
        dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
        content_bytes = (single_segment, 2, 4, 8)[content_flag]
        window_bytes = 1 - single_segment
        length = 1 + window_bytes + dictionary_bytes + content_bytes
        if available < length:
            return 0
        start = position + length - content_bytes
        content = int.from_bytes(buffer[start : start + content_bytes], "little")
        content += 256 if content_bytes == 2 else 0
        if not content_bytes:
            self.content = None
        elif self.content is not None:
            self.content += content
        if single_segment:
            window = content
        else:
            exponent, mantissa = buffer[position + 1] >> 3, buffer[position + 1] & 7
            base = 1 << (10 + exponent)
            window = base + (base >> 3) * mantissa
        self.largest_window = max(self.largest_window, window)
        self.frames += 1
        self._checksum = 4 if descriptor >> 2 & 1 else 0
        self._state = "block"
        return 4 + length
