"""What the fields of tar headers mean, remembered: the same few stand in thousands of headers."""

from __future__ import annotations

from typing import TypeVar

from oci_inspect.stream.tar import parse_number

V = TypeVar("V")

_MOST = 1 << 14


class FieldMemo:
    """Mode with both owners, times and checksums, by the bytes they are written as."""

    def __init__(self) -> None:
        self.owners: dict[bytes, tuple[int, int, int]] = {}
        self.times: dict[bytes, int] = {}
        self.checksums: dict[bytes, int] = {}
        """The low half of Adler-32 that a header with this checksum field must have."""

    def learn(self, owner: bytes, time: bytes, summed: bytes) -> bool:
        """Remember what the fields of a header mean: mode and owners, time, checksum.

        False where there was nothing to learn, or the slow way must look at the header.
        """
        new = False
        if owner not in self.owners:
            numbers = [parse_number(owner[start : start + 8]) for start in (0, 8, 16)]
            mode, uid, gid = (-1 if number is None else number for number in numbers)
            if mode < 0 or uid < 0 or gid < 0:
                return False
            _remember(self.owners, owner, (mode & 0o7777, uid, gid))
            new = True
        if time not in self.times:
            number = parse_number(time)
            if number is None or not 0 <= number < 1 << 60:
                return False
            _remember(self.times, time, number)
            new = True
        if summed not in self.checksums:
            stored = parse_number(summed)
            if stored is None or not 0 <= stored < 65521:
                return False
            # Adler-32 begins at 1, and the checksum's own field counts as eight spaces. It counts
            # modulo 65521, which no header of ASCII reaches: others go the slow way.
            _remember(self.checksums, summed, (stored + sum(summed) - 8 * 32 + 1) % 65521)
            new = True
        return new


def _remember(memo: dict[bytes, V], field: bytes, value: V) -> None:
    if len(memo) >= _MOST:
        memo.clear()
    memo[field] = value
