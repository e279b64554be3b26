"""Many tar headers at once, where they need nothing special: the tight loop of the whole program.

Headers that follow each other are found by their size fields, cut out, and held together against
everything that a plain header must be: each check is one call over all of them. Where it fails,
they are halved until those in front of the one that is not plain are left; that one belongs to
:class:`~oci_inspect.stream.tar.HeaderReader`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK, SYMLINK
from oci_inspect.layer.field_memo import ADLERS, OWNERS, TIMES
from oci_inspect.layer.names import PRINTABLE
from oci_inspect.stream.compression import adler32
from oci_inspect.stream.tar import BLOCK, until_nul

_FIELDS = struct.Struct("100s24s12s12s8s356x")
# Name, mode with both owners, size, time, checksum.
_SIZE = slice(124, 135)
_TYPE = 156
_LINK = slice(157, 257)
_MAGIC = slice(257, 263)
_PREFIX = slice(345, 500)
_ENDS = b"\0 "
_MOST = 1 << 12


def _kinds() -> bytes:
    table = bytearray(256)
    known = {b"0": FILE, b"\0": FILE, b"1": HARDLINK, b"2": SYMLINK, b"5": DIRECTORY}
    for flag, kind in known.items():
        table[flag[0]] = kind
    return bytes(table)


_KINDS = _kinds()
# Type flags that a plain header may have, translated; 0 for all others.


class Headers(NamedTuple):
    """Columns of headers that follow each other, one value a header.

    ``starts`` are their positions in the piece, ``end`` that behind the last one's content and
    padding, which may lie behind the piece. ``names`` have no slash at their end, and ``tidy`` says
    that each of them is a path as it is. ``targets`` are what the links among them name.
    """

    starts: list[int]
    names: list[bytes]
    tidy: bool
    kinds: bytes
    sizes: list[int]
    owners: list[tuple[int, int, int]]
    times: list[int]
    targets: dict[int, bytes]
    end: int

    def first(self, count: int) -> Headers:
        """The first ``count`` of them."""
        return Headers(
            self.starts[:count],
            self.names[:count],
            self.tidy,
            self.kinds[:count],
            self.sizes[:count],
            self.owners[:count],
            self.times[:count],
            self.targets,
            self.starts[count],
        )


class PlainHeaders:
    """Takes plain headers out of pieces of a tar."""

    def __init__(self) -> None:
        self._most = 16
        self._odd_next = False

    def take(self, data: bytes, position: int, most: int) -> Headers | None:
        """The plain headers from ``position`` on, up to ``most``; None where the first is not.

        They follow each other, and each lies whole in ``data``; the last one's content need not.
        """
        if self._odd_next:
            self._odd_next = False
            return None
        starts, sizes, end = _walk(data, position, min(most, self._most))
        if not starts:
            return None
        blocks = [data[start : start + BLOCK] for start in starts]
        found = self.columns(blocks, starts, sizes, end)
        if found is not None:
            self._most = min(_MOST, 2 * self._most)
            return found
        # How many in front are plain is found by halves. What is tried next is about as long,
        # so that a tar of odd headers is not looked at again and again.
        low, high = 0, len(starts)
        while high - low > 1:
            middle = (low + high) // 2
            part = self.columns(blocks[:middle], starts[:middle], sizes[:middle], starts[middle])
            if part is None:
                high = middle
            else:
                low, found = middle, part
        self._most = 2 * low + 2
        self._odd_next = found is not None
        return found

    def columns(
        self, blocks: list[bytes], starts: list[int], sizes: list[int], end: int
    ) -> Headers | None:
        """The columns of ``blocks`` where each is a plain header, else None.

        ``sizes`` are as :func:`probable_size` tells them, ``end`` is behind the last.
        """
        joined = b"".join(blocks)
        if not joined.isascii():
            return None
        name_fields, owners, octals, times, sums = zip(*_FIELDS.iter_unpack(joined), strict=True)
        if ADLERS.all(sums) != [one & 0xFFFF for one in map(adler32, blocks)]:
            return None
        digits = b"".join(octals)
        if digits[11::12].strip(_ENDS) or not digits.translate(None, _ENDS).isdigit():
            return None
        triples, seconds = OWNERS.all(owners), TIMES.all(times)
        if triples is None or seconds is None:
            return None
        kinds = joined[_TYPE::BLOCK].translate(_KINDS)
        others = [i for i, kind in enumerate(kinds) if kind != FILE]
        if others and any(sizes[i] for i in others):
            return None
        names = [field.rstrip(b"\0") for field in name_fields]
        if not all(names):
            return None
        for i in others:
            names[i] = names[i].rstrip(b"/")
        together = b"\n" + b"\n".join(names) + b"\n"
        if b"\0" in together or (b"/\n" in together and any(name.endswith(b"/") for name in names)):
            return None  # only what is no file may end in a slash
        tidy = not (
            b"/." in together
            or b"//" in together
            or b"\n." in together
            or b"\n/" in together
            or b"\n\n" in together
            or len(together.translate(None, PRINTABLE)) != len(names) + 1
        )
        if joined[_PREFIX.start :: BLOCK].strip(b"\0"):
            names = [_prefixed(name, block) for name, block in zip(names, blocks, strict=True)]
            tidy = False
        targets = {
            i: until_nul(blocks[i][_LINK]) for i in others if kinds[i] in (SYMLINK, HARDLINK)
        }
        return Headers(starts, names, tidy, kinds, sizes, triples, seconds, targets, end)


def probable_size(block: bytes) -> int | None:
    """The size that a header block gives, before it was looked at whether it is one."""
    if not _KINDS[block[_TYPE]]:
        return None
    try:
        size = int(block[_SIZE], 8)
    except ValueError:
        return None
    return size if size >= 0 else None


def _walk(data: bytes, position: int, most: int) -> tuple[list[int], list[int], int]:
    """Where headers stand, as far as their sizes can be believed before they were looked at.

    Returns their positions, their sizes, and the position behind the last.
    """
    starts: list[int] = []
    sizes: list[int] = []
    kinds = _KINDS
    last = len(data) - BLOCK
    try:
        while position <= last and kinds[data[position + 156]]:
            size = int(data[position + 124 : position + 135], 8)
            if size < 0:
                break
            starts.append(position)
            sizes.append(size)
            position += size + 1023 & -512
            if len(starts) == most:
                break
    except ValueError:
        pass
    return starts, sizes, position


def _prefixed(name: bytes, block: bytes) -> bytes:
    """A name with the prefix that POSIX headers may have (pax, ustar Interchange Format)."""
    if block[_PREFIX.start] and block[_MAGIC] == b"ustar\0":
        return (until_nul(block[_PREFIX]) + b"/" + name).rstrip(b"/")
    return name
