"""Sparse files in tars: where their data belongs (GNU tar manual, "Storing Sparse Files").

Four ways of writing the map: GNU's old type ``S`` with regions in the header and blocks behind it;
pax 0.0 (a pair of records a region), 0.1 (one record) and 1.0 (lines in front of the data).
"""

from __future__ import annotations

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.limits import Limits
from oci_inspect.stream.pax import pax_number, pax_records
from oci_inspect.stream.source import Source, read_exactly
from oci_inspect.stream.tar import BLOCK, FIELDS, checksum_matches, parse_number

Region = tuple[int, int]
"""Where a run of data begins in the file, and its length, in bytes."""

_EXTENSIONS = b"xXgLK"


class SparseMapReader:
    """Finds the map of one sparse file, from the headers in front of its data."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers: list[int | None] | None = None
        self._in_front = False

    def read(self, source: Source, length: int, size: int, stored: int) -> tuple[Region, ...]:
        """The regions of a file of ``size`` bytes, of which ``stored`` are in the tar.

        ``source`` stands at the first header of its entry; ``length`` bytes of headers follow. What
        of the map stands in front of the data is read as well. Raises :class:`CorruptStreamError`.
        """
        while length >= BLOCK:
            block = read_exactly(source, BLOCK)
            length -= BLOCK
            if len(block) < BLOCK:
                break
            fields = FIELDS.unpack(block)
            if not checksum_matches(block, fields[6]):
                continue
            kind = fields[7]
            payload = parse_number(fields[4]) if kind in _EXTENSIONS else None
            if payload is not None:
                padded = min(length, max(0, payload) + 511 & -512)
                data = self._payload(source, padded)[:payload]
                length -= padded
                if kind in b"xX":
                    self._take_records(data)
            elif kind == b"S":
                length -= self._take_old(source, block)
        if self._in_front:
            stored -= self._take_lines(source)
        return self._regions(size, stored)

    def _payload(self, source: Source, size: int) -> bytes:
        if size > self._limits.header_bytes + BLOCK:
            raise _corrupt("an extension header that is too long")
        return read_exactly(source, size)

    def _take_records(self, data: bytes) -> None:
        records, _ = pax_records(data)
        last = dict(records)
        self._in_front = last.get(b"GNU.sparse.major") == b"1"
        if b"GNU.sparse.map" in last:
            self._numbers = [pax_number(one) for one in last[b"GNU.sparse.map"].split(b",") if one]
        else:
            keys = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
            self._numbers = [pax_number(value) for key, value in records if key in keys]

    def _take_old(self, source: Source, block: bytes) -> int:
        """GNU's old form; returns how many bytes of further map followed."""
        fields = [block[386 + 12 * i : 398 + 12 * i] for i in range(8)]
        more, taken = block[482], 0
        while more:
            block = read_exactly(source, BLOCK)
            taken += BLOCK
            if len(block) < BLOCK:
                raise _corrupt("a sparse map that is cut")
            fields += [block[12 * i : 12 * i + 12] for i in range(42)]
            more = block[504]
            self._check(len(fields) // 2)
        self._numbers = [parse_number(one) for one in fields]
        # Unused slots are blank.
        while self._numbers[-2:] == [0, 0] and not any(b"".join(fields[-2:]).strip(b"\0 ")):
            del self._numbers[-2:], fields[-2:]
            if not fields:
                break
        return taken

    def _take_lines(self, source: Source) -> int:
        """Take decimal lines (pax 1.0), padded to blocks; returns how many bytes that were."""
        text = b""
        taken = 0
        wanted = 1
        numbers: list[int | None] = []
        while len(numbers) < wanted:
            block = read_exactly(source, BLOCK)
            taken += len(block)
            if len(block) < BLOCK:
                raise _corrupt("a sparse map that is cut")
            *lines, text = (text + block).split(b"\n")
            if len(text) > BLOCK:
                raise _corrupt("a sparse map that is no numbers")
            for line in lines:
                if len(numbers) < wanted:
                    numbers.append(pax_number(line))
                    if len(numbers) == 1:
                        count = numbers[0]
                        if count is None:
                            raise _corrupt("a sparse map without a count")
                        self._check(count)
                        wanted = 1 + 2 * count
        self._numbers = numbers[1:]
        return taken

    def _check(self, regions: int) -> None:
        most = self._limits.sparse_regions
        if regions > most:
            raise LimitExceededError("sparse_regions", most, regions, "sparse map")

    def _regions(self, size: int, stored: int) -> tuple[Region, ...]:
        numbers = self._numbers
        if numbers is None or len(numbers) % 2:
            raise _corrupt("a sparse file without its map")
        regions: list[Region] = []
        end = total = 0
        self._check(len(numbers) // 2)
        for offset, length in zip(numbers[::2], numbers[1::2], strict=True):
            if offset is None or length is None or offset < end or length < 0:
                raise _corrupt("a sparse map that goes backwards, or is no numbers")
            end = offset + length
            total += length
            if length:
                regions.append((offset, length))
        if end > size or total != stored:
            raise _corrupt("a sparse map that does not fit its file")
        return tuple(regions)


def _corrupt(problem: str) -> CorruptStreamError:
    return CorruptStreamError("tar", problem, 0)
