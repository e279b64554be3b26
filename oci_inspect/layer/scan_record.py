"""A layer scan as bytes, and back: what the scan cache keeps.

A record is a head (magic, version, size of the body, SHA-256 of all the rest) and a packed body.
Nothing in it is a length that is trusted, a name that is looked up, or an object that is called.

The body has the scalars first, then the columns of the table. A column lies there byte plane by
byte plane, the lowest bytes of all values first; a plane of one value only is that value. So the
numbers of a layer, most of whose bytes are zero, take a third of their room and as little time
(docs/decisions/0008-scans-are-kept-as-byte-planes.md has the figures).
"""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from collections.abc import Callable, Collection
from operator import ge
from typing import TypeVar

from oci_inspect.errors import CorruptStreamError
from oci_inspect.findings import RULES, Finding, Severity
from oci_inspect.layer.entries import TYPE_NAMES, EntryTable
from oci_inspect.layer.path_column import PathColumn
from oci_inspect.layer.row_values import RowValues
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, GIB
from oci_inspect.stream.compression import Packer, unpack

RECORD_VERSION = 2
"""Of the format; a record of another version is none."""

MOST_BODY = 1 * GIB
"""Bytes of an unpacked body: ten million entries and more."""

MOST_RATIO = 64
"""Bytes of a body to one as packed. Layers have some 4; a small hostile file must stay small."""

_MAGIC = b"OCISCAN\n"
_HEAD = struct.Struct("<8sIQ")
_CHECKSUM_SIZE = 32
_NUMBER = struct.Struct("<q")
_KINDS = bytes(TYPE_NAMES)
_COMPLETE, _LISTED = 1, 2
_NATURAL = ("sizes", "offsets")
_COLUMNS = ("sizes", "modes", "uids", "gids", "mtimes", "fingerprints", "offsets")

V = TypeVar("V")


class RecordError(ValueError):
    """A scan that cannot be kept, or bytes that are no whole record of this version."""


def encode(scan: LayerScan) -> bytes:
    """The record of a scan. Raises :class:`RecordError` for one that does not fit the format."""
    packer = Packer()
    try:
        _write_scan(_Writer(packer.put), scan)
    except (struct.error, OverflowError, UnicodeEncodeError) as error:
        raise RecordError(f"a value does not fit: {error}") from error
    packed = packer.finish()
    _check_sizes(packer.size, len(packed))
    head = _HEAD.pack(_MAGIC, RECORD_VERSION, packer.size)
    return b"".join((head, _checksum(head, packed), packed))


def decode(data: bytes, most_entries: int = DEFAULT_LIMITS.entries) -> LayerScan:
    """The scan of a record of up to ``most_entries`` rows.

    Raises :class:`RecordError` for anything else, and nothing but that. Memory grows with the bytes
    that are there, never with what they claim.
    """
    start = _HEAD.size + _CHECKSUM_SIZE
    if len(data) < start:
        raise RecordError("it ends early")
    magic, version, size = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != RECORD_VERSION:
        raise RecordError("it is no record of this version")
    packed = data[start:]
    if _checksum(data[: _HEAD.size], packed) != data[_HEAD.size : start]:
        raise RecordError("its checksum does not hold")
    _check_sizes(size, len(packed))
    try:
        body = _Reader(unpack(packed, size))
        scan = _read_scan(body, most_entries)
    except (CorruptStreamError, UnicodeDecodeError) as error:
        raise RecordError(str(error)) from error
    body.close()
    return scan


def _check_sizes(plain: int, packed: int) -> None:
    if plain > min(MOST_BODY, MOST_RATIO * packed):
        raise RecordError(f"{plain:,} bytes, {packed:,} packed, are out of proportion")


def _checksum(head: bytes, packed: bytes) -> bytes:
    checksum = hashlib.sha256(head)
    checksum.update(packed)
    return checksum.digest()


def _write_scan(body: _Writer, scan: LayerScan) -> None:
    body.number(_COMPLETE * scan.complete | _LISTED * scan.listed)
    body.text(scan.compression)
    body.number(scan.size)
    body.number(scan.uncompressed_size)
    for digests in (scan.digests, scan.diff_ids):
        body.number(len(digests))
        for algorithm, digest in digests.items():
            body.text(algorithm)
            body.text(digest)
    body.number(len(scan.findings))
    for found in scan.findings:
        for text in (found.rule, found.severity.value, found.subject, found.message):
            body.text(text)
        body.number(found.count)
    body.number(scan.excess)
    _write_table(body, scan.table)


def _read_scan(body: _Reader, most_entries: int) -> LayerScan:
    flags = body.number()
    compression = body.text()
    size, uncompressed_size = body.number(), body.number()
    digests = {body.text(): body.text() for _ in range(body.count())}
    diff_ids = {body.text(): body.text() for _ in range(body.count())}
    if "sha256" not in digests:
        raise RecordError("it names no blob")
    findings = tuple(_read_finding(body) for _ in range(body.count()))
    excess = body.number()
    if excess < 0:
        raise RecordError("a size below zero")
    return LayerScan(
        digests=digests,
        size=size,
        diff_ids=diff_ids,
        uncompressed_size=uncompressed_size,
        compression=compression,
        table=_read_table(body, most_entries),
        findings=findings,
        complete=bool(flags & _COMPLETE),
        listed=bool(flags & _LISTED),
        excess=excess,
    )


def _read_finding(body: _Reader) -> Finding:
    rule, severity = body.text(), body.text()
    if rule not in RULES or severity not in _SEVERITIES:
        raise RecordError("a finding of no known rule")
    return Finding(rule, _SEVERITIES[severity], body.text(), body.text(), body.number())


_SEVERITIES = {severity.value: severity for severity in Severity}


def _write_table(body: _Writer, table: EntryTable) -> None:
    paths = table.paths
    body.number(len(table))
    body.names(paths.names)
    body.number(len(paths.folders))
    body.names(paths.folders)
    body.column(paths.places)
    body.column(array("B", table.types))
    for name in _COLUMNS:
        body.column(getattr(table, name))
    body.rows(table.linknames)
    body.names(table.linknames.values())
    body.rows(table.devices)
    for part in (0, 1):
        body.column(array("q", [device[part] for device in table.devices.values()]))
    for numbers in (table.mtime_ns, table.stored_sizes):
        body.rows(numbers)
        body.column(array("q", numbers.values()))
    # What a global header gives to all entries of a layer is one value, and stays one.
    places: dict[tuple[tuple[bytes, bytes], ...], int] = {}
    body.rows(table.xattrs)
    body.column(array("I", [places.setdefault(one, len(places)) for one in table.xattrs.values()]))
    body.number(len(places))
    for pairs in places:
        body.number(len(pairs))
        for xattr, value in pairs:
            body.block(xattr)
            body.block(value)


def _read_table(body: _Reader, most_entries: int) -> EntryTable:
    length = body.count(most_entries)
    table = EntryTable(paths=_read_paths(body, length))
    table.types = bytearray(body.column("B", length).tobytes())
    if table.types.translate(None, _KINDS):
        raise RecordError("an entry of no known type")
    for name in _COLUMNS:
        code = getattr(table, name).typecode
        setattr(table, name, body.column(code, length, natural=name in _NATURAL))
    rows = body.rows(length)
    table.linknames = RowValues(rows, body.names(len(rows)))
    rows = body.rows(length)
    majors, minors = (body.column("q", len(rows)) for _ in range(2))
    table.devices = RowValues(rows, list(zip(majors, minors, strict=True)))
    rows = body.rows(length)
    table.mtime_ns = RowValues(rows, body.column("q", len(rows), natural=True))
    rows = body.rows(length)
    table.stored_sizes = RowValues(rows, body.column("q", len(rows), natural=True))
    rows = body.rows(length)
    places = body.column("I", len(rows))
    values = [
        tuple((body.block(), body.block()) for _ in range(body.count()))
        for _ in range(body.count())
    ]
    if places and max(places) >= len(values):
        raise RecordError("xattrs that are not there")
    table.xattrs = RowValues(rows, [values[place] for place in places])
    return table


def _read_paths(body: _Reader, length: int) -> PathColumn:
    names = body.names(length)
    if any(b"/" in name for name in names):
        raise RecordError("a name with a slash")
    folders = body.names(body.count(length))
    places = body.column("I", length)
    if places and max(places) >= len(folders):
        raise RecordError("folders that are not there")
    return PathColumn.of_parts(folders, places, names)


class _Writer:
    """Puts the parts of a body, one after the other."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put

    def number(self, value: int) -> None:
        self._put(_NUMBER.pack(value))

    def block(self, data: bytes) -> None:
        self.number(len(data))
        self._put(data)

    def text(self, text: str) -> None:
        self.block(text.encode("utf-8"))

    def names(self, names: Collection[bytes]) -> None:
        """Names that hold no NUL, which stands between them. How many is told elsewhere."""
        if not names:
            return
        joined = b"\0".join(names)
        if joined.count(b"\0") != len(names) - 1:
            raise RecordError("a name with a NUL")
        self.block(joined)

    def rows(self, values: RowValues[V]) -> None:
        """The rows that few entries have a value in."""
        self.number(len(values))
        self.column(values.rows())

    def column(self, values: array[int]) -> None:
        """Byte planes: which are of one value, that value, and the other planes."""
        if not values:
            return
        data, width, length = values.tobytes(), values.itemsize, len(values)
        same, first = bytearray(width), bytearray(width)
        planes: list[bytes] = []
        for i, at in enumerate(_places(width)):
            plane = data[at::width]
            if plane == plane[:1] * length:
                same[i], first[i] = 1, plane[0]
            else:
                planes.append(plane)
        for part in (bytes(same), bytes(first), *planes):
            self._put(part)


class _Reader:
    """Takes a body apart, and believes nothing of it."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0

    def close(self) -> None:
        """All of it must have been taken."""
        if self._position != len(self._data):
            raise RecordError("there is more of it than it says")

    def take(self, size: int) -> memoryview:
        end = self._position + size
        if size < 0 or end > len(self._data):
            raise RecordError("it ends early")
        data = self._data[self._position : end]
        self._position = end
        return data

    def number(self) -> int:
        return int(_NUMBER.unpack(self.take(_NUMBER.size))[0])

    def count(self, most: int | None = None) -> int:
        """How many there are: no more than ``most``, nor than there are bytes."""
        count = self.number()
        if not 0 <= count <= (len(self._data) if most is None else most):
            raise RecordError("more than can be")
        return count

    def block(self) -> bytes:
        return bytes(self.take(self.number()))

    def text(self) -> str:
        return str(self.take(self.number()), "utf-8")

    def names(self, length: int) -> list[bytes]:
        names = self.block().split(b"\0") if length else []
        if len(names) != length:
            raise RecordError("another number of names")
        return names

    def rows(self, length: int) -> array[int]:
        rows = self.column("I", self.count(length))
        if rows and (rows[-1] >= length or any(map(ge, rows, rows[1:]))):
            raise RecordError("rows that are not there, or out of order")
        return rows

    def column(self, code: str, length: int, *, natural: bool = False) -> array[int]:
        """``length`` is that of names which were there, or less: it may be allocated."""
        column = array(code)
        if not length:
            return column
        width = column.itemsize
        same, first = bytes(self.take(width)), bytes(self.take(width))
        values = bytearray(length * width)
        for i, at in enumerate(_places(width)):
            if not same[i]:
                values[at::width] = self.take(length)
            elif first[i]:
                values[at::width] = first[i : i + 1] * length
        column.frombytes(values)
        if natural and not values[_places(width)[-1] :: width].isascii():
            raise RecordError("a size below zero")
        return column


def _places(width: int) -> range:
    """Where the bytes of a number of this machine lie, the lowest first."""
    return range(width) if sys.byteorder == "little" else range(width - 1, -1, -1)
