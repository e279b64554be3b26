"""What a fuzzing process tells the one that watches it: a small file that both have mapped.

It holds the count of executions and, before each, the input itself, so that neither a hang nor the
death of the process loses what caused it.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_HEAD = struct.Struct("<QQQQI")
_ROOM = 1 << 20


class Board:
    """Counters and the input that is being tried."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        if make:
            path.write_bytes(bytes(_HEAD.size + _ROOM))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _HEAD.size + _ROOM)

    def begin(self, executions: int, refused: int, crashes: int, data: bytes) -> None:
        """Tell what is tried now; ``executions`` counts it."""
        data = data[:_ROOM]
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._map, 0, executions, refused, crashes, 1, len(data))

    def end(self, executions: int, refused: int, crashes: int) -> None:
        """Tell that the input came to its end."""
        _HEAD.pack_into(self._map, 0, executions, refused, crashes, 0, 0)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Executions, those refused in a documented way, crashes."""
        executions, refused, crashes, _, _ = _HEAD.unpack_from(self._map)
        return executions, refused, crashes

    @property
    def trying(self) -> bytes | None:
        """The input that is being tried; None between two."""
        *_, busy, size = _HEAD.unpack_from(self._map)
        return bytes(self._map[_HEAD.size : _HEAD.size + size]) if busy else None
