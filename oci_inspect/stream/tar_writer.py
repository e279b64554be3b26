"""Tar headers to be written: ustar with pax records where a field is too small.

Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Extended Header"; the GNU tar manual,
"Storing Sparse Files" (version 1.0); for what POSIX leaves open, what GNU tar, libarchive, Python's
tarfile and Go's archive/tar all read back. Nothing here reads or writes: a header is bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oci_inspect.stream.sparse import Region
from oci_inspect.stream.tar import BLOCK, FIELDS, ZERO_BLOCK

END = 2 * ZERO_BLOCK
"""What stands behind the last entry."""

IS_FILE, IS_HARDLINK, IS_SYMLINK, IS_CHAR, IS_BLOCK, IS_FOLDER, IS_FIFO = b"0123456"

_IS_PAX = 0x78
_TEXTS = frozenset((b"path", b"linkpath", b"GNU.sparse.name"))
_NAME = 100
_PREFIX = 155
_LARGEST_SIZE = 8**11 - 1
_LARGEST_ID = 8**7 - 1


class SparseMap(NamedTuple):
    """Which parts of a sparse file are stored.

    ``runs`` are offsets and lengths in the file, all lengths but the last one whole blocks: GNU tar
    begins each run at a block, Go where the one before ends. ``fillers`` are the zeros to be
    stored, for that, behind each of the regions that the runs were made of.
    """

    runs: tuple[Region, ...]
    fillers: tuple[int, ...]


class NewEntry(NamedTuple):
    """An entry to be written.

    ``type`` is the ASCII code of the type flag. ``size`` is a file's in bytes, 0 for all else;
    ``sparse`` tells what is stored of a sparse file, None of one that is stored as a whole.
    ``mtime`` is in seconds, ``mtime_ns`` what is beyond, in nanoseconds.
    """

    path: bytes
    type: int
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    mtime_ns: int = 0
    linkname: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    sparse: SparseMap | None = None

    @property
    def stored_size(self) -> int:
        """Bytes of data that follow the header and, of a sparse file, the map."""
        if self.sparse is None:
            return self.size
        return sum(length for _, length in self.sparse.runs)


def sparse_map(regions: Sequence[Region]) -> SparseMap:
    """The map of a sparse file with these runs of data, in order and apart."""
    runs: list[Region] = []
    fillers: list[int] = []
    for i, (offset, length) in enumerate(regions):
        start, before = runs[-1] if runs else (0, 0)
        if runs and start + before == offset:
            runs[-1] = start, before + length
        else:
            runs.append((offset, length))
        start, stored = runs[-1]
        filler = 0
        if i + 1 < len(regions):
            filler = min(-stored % BLOCK, regions[i + 1][0] - start - stored)
        fillers.append(filler)
        runs[-1] = start, stored + filler
    return SparseMap(tuple(runs), tuple(fillers))


def header(entry: NewEntry) -> bytes:
    """All that stands in front of an entry's data: its blocks, and a sparse file's map.

    The data of a file follows, filled up by :func:`padding`.
    """
    path = entry.path + b"/" if entry.type == IS_FOLDER else entry.path
    records = _records(entry, path)
    size, lines = entry.stored_size, b""
    if entry.sparse is not None:
        lines = _map_lines(entry.sparse.runs, entry.size)
        size += len(lines)
        folder, slash, name = path.rpartition(b"/")
        records += [
            (b"GNU.sparse.major", b"1"),
            (b"GNU.sparse.minor", b"0"),
            (b"GNU.sparse.name", path),
            (b"GNU.sparse.realsize", b"%d" % entry.size),
        ]
        # What a reader shows that knows nothing of sparse files, as GNU tar has it.
        path = folder + slash + b"GNUSparseFile.0/" + name
    if size > _LARGEST_SIZE:
        records.append((b"size", b"%d" % size))
    return _extended(entry.path, records) + _block(path, entry, size) + lines


def padding(stored: int) -> bytes:
    """What fills ``stored`` bytes of data up to whole blocks."""
    return bytes(-stored % BLOCK)


def _records(entry: NewEntry, path: bytes) -> list[tuple[bytes, bytes]]:
    """What does not fit the fields of a header, but for sizes."""
    records: list[tuple[bytes, bytes]] = []
    if entry.sparse is None and (_split(path) is None or _is_wide(path)):
        records.append((b"path", path))
    if len(entry.linkname) > _NAME or _is_wide(entry.linkname):
        records.append((b"linkpath", entry.linkname))
    for key, number in ((b"uid", entry.uid), (b"gid", entry.gid)):
        if number > _LARGEST_ID:
            records.append((key, b"%d" % number))
    if entry.mtime_ns or not 0 <= entry.mtime <= _LARGEST_SIZE:
        records.append((b"mtime", _time(entry.mtime, entry.mtime_ns)))
    for name, value in entry.xattrs:
        if name and b"\0" not in name:  # no file system has such a name
            # GNU tar's way with what would end the keyword.
            records.append((b"SCHILY.xattr." + name.replace(b"=", b"%3D"), value))
    return records


def _is_wide(text: bytes) -> bool:
    """Whether a text is UTF-8 beyond ASCII: pax says so, while in a field it has no encoding."""
    return not text.isascii() and _is_utf8(text)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _time(seconds: int, nanoseconds: int) -> bytes:
    """A pax time: a decimal number, whose fraction goes away from zero where it is negative."""
    if not nanoseconds:
        return b"%d" % seconds
    sign = b""
    if seconds < 0:
        sign, seconds, nanoseconds = b"-", -seconds - 1, 10**9 - nanoseconds
    return sign + (b"%d.%09d" % (seconds, nanoseconds)).rstrip(b"0")


def _map_lines(regions: Sequence[Region], size: int) -> bytes:
    """A sparse map in whole blocks: decimal lines, their number in front.

    A hole at the end is told by an empty run behind it, or GNU tar would make the file too short.
    """
    told = list(regions)
    if not told or sum(told[-1]) < size:
        told.append((size, 0))
    lines = b"%d\n" % len(told) + b"".join(b"%d\n%d\n" % one for one in told)
    return lines + padding(len(lines))


def _split(path: bytes) -> tuple[bytes, bytes] | None:
    """A path as the fields ``prefix`` and ``name`` hold it; None for one that they cannot."""
    if len(path) <= _NAME:
        return b"", path
    slash = path.find(b"/", len(path) - _NAME - 1, len(path) - 1)
    return (path[:slash], path[slash + 1 :]) if 0 < slash <= _PREFIX else None


def _extended(path: bytes, records: list[tuple[bytes, bytes]]) -> bytes:
    """A pax header with these records, sorted; nothing where there are none."""
    if not records:
        return b""
    if not all(_is_utf8(value) for key, value in records if key in _TEXTS):
        # libarchive wants to be told; GNU tar says that it does not know the word, and goes on.
        records.append((b"hdrcharset", b"BINARY"))
    data = b"".join(_record(key, value) for key, value in sorted(records))
    name = (b"PaxHeaders.0/" + path.rpartition(b"/")[2])[:_NAME]
    return _block(name, NewEntry(name, _IS_PAX, 0o644), len(data)) + data + padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    r"""``"LENGTH KEY=VALUE\n"``, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    return b"%d %s=%s\n" % (rest + len(str(length)), key, value)


def _block(path: bytes, entry: NewEntry, size: int) -> bytes:
    """One header block; what does not fit a field is cut, or 0: a pax record has it."""
    prefix, name = _split(path) or (b"", path[:_NAME])
    mtime = entry.mtime
    block = FIELDS.pack(
        name,
        b"%07o" % (entry.mode & 0o7777),
        _id(entry.uid),
        _id(entry.gid),
        b"%011o" % (size if size <= _LARGEST_SIZE else 0),
        b"%011o" % (mtime if 0 <= mtime <= _LARGEST_SIZE else 0),
        b" " * 8,
        bytes([entry.type]),
        entry.linkname[:_NAME],
        b"ustar\x0000",
        _device(entry.device[0]),
        _device(entry.device[1]),
        prefix,
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _id(number: int) -> bytes:
    """A number of a user or a group. A negative one fits no pax record, but GNU's binary form."""
    if number < 0:
        return number.to_bytes(8, "big", signed=True)
    return b"%07o" % (number if number <= _LARGEST_ID else 0)


def _device(number: int) -> bytes:
    """Half of a device's number, in GNU's binary form where octal digits are too few."""
    if 0 <= number <= _LARGEST_ID:
        return b"%07o" % number
    binary = number.to_bytes(8, "big", signed=True)
    return binary if number < 0 else bytes([binary[0] | 0x80]) + binary[1:]
