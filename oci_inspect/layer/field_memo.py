"""What the fields of tar headers mean, remembered: the same few stand in thousands of headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from oci_inspect.stream.tar import parse_number

V = TypeVar("V")

_MOST = 1 << 14


class FieldMemo(Generic[V]):
    """What ``meaning`` makes of a field, asked once for each way it is written.

    ``meaning`` gives None for a field that no plain header has.
    """

    def __init__(self, meaning: Callable[[bytes], V | None]) -> None:
        self._meaning = meaning
        self._known: dict[bytes, V] = {}

    def all(self, fields: Sequence[bytes]) -> list[V] | None:
        """What each of ``fields`` means; None where one of them has no plain meaning."""
        known = self._known
        try:
            return [known[field] for field in fields]
        except KeyError:
            unknown = set(fields).difference(known)
        if len(known) + len(unknown) > _MOST:
            self._known = known = {}  # another thread may be looking things up in the old one
            unknown = set(fields)
        for field in unknown:
            value = self._meaning(field)
            if value is None:
                return None
            known[field] = value
        return [known[field] for field in fields]


def owners(field: bytes) -> tuple[int, int, int] | None:
    """Permissions, uid and gid, of the 24 bytes that hold them."""
    mode, uid, gid = (parse_number(field[start : start + 8]) for start in (0, 8, 16))
    if mode is None or uid is None or gid is None or min(mode, uid, gid) < 0:
        return None
    return mode & 0o7777, uid, gid


def time(field: bytes) -> int | None:
    """Seconds since 1970."""
    seconds = parse_number(field)
    return seconds if seconds is not None and 0 <= seconds < 1 << 60 else None


def adler(field: bytes) -> int | None:
    """The low half of Adler-32 that a header with this checksum field must have.

    Adler-32 begins at 1, and the checksum's own field counts as eight spaces. It counts modulo
    65521, which no header of ASCII reaches.
    """
    stored = parse_number(field)
    if stored is None or not 0 <= stored < 65521:
        return None
    return (stored + sum(field) - 8 * 32 + 1) % 65521


OWNERS = FieldMemo(owners)
TIMES = FieldMemo(time)
ADLERS = FieldMemo(adler)
"""One of each for all layers: their fields are much the same."""
