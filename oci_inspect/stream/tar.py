"""Tar headers: ustar, pax, GNU and v7, from blocks of 512 bytes to one header an entry.

Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Extended Header"; the GNU tar manual,
"Basic Tar Format"; where readers differ, Go's archive/tar, since docker, containerd and podman
unpack with it. A difference that could hide a file from somebody is noted as ``tar-ambiguous``.

:class:`HeaderReader` holds what lasts from block to block (extension headers, global pax records);
who owns the bytes feeds it blocks and the payloads it asks for. Nothing here reads or seeks.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from oci_inspect.errors import LimitExceededError, OciInspectError
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.compression import adler32
from oci_inspect.stream.pax import parse_pax, pax_number, pax_time, pax_xattrs

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
LARGEST_SIZE = 2**63 - 1
_LARGEST_OCTAL_SIZE = 0o77777777777

# name mode uid gid size mtime checksum type linkname magic+version devmajor devminor prefix
FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s64x8s8s155s12x")

_HEADER_ONLY = frozenset(b"123456")
_KNOWN_TYPES = frozenset(b"\x000123456" + b"7S" + b"D" + b"VMN")
_EXTENSIONS = frozenset(b"xgLKX")


class TarHeaderError(OciInspectError):
    """A block that should be a header is none; ``rule`` is the finding it makes."""

    def __init__(self, rule: str, problem: str) -> None:
        self.rule = rule
        self.problem = problem
        super().__init__(problem)


class TarHeader(NamedTuple):
    """One entry's header with its extensions applied.

    ``type`` is the ASCII code of the type flag (``0`` for v7's NUL, ``5`` for its folders).
    ``stored_size`` bytes follow in the tar, padded to a block; ``size`` is the file's, larger for a
    sparse one. ``mapped`` says that a map tells where they belong, so that they are not its content
    even where they are as many. ``mtime`` is in seconds, ``mtime_ns`` what is beyond,
    in nanoseconds.
    """

    name: bytes
    type: int
    mode: int
    uid: int
    gid: int
    size: int
    stored_size: int
    mtime: int
    mtime_ns: int
    linkname: bytes
    device: tuple[int, int]
    xattrs: tuple[tuple[bytes, bytes], ...]
    mapped: bool = False


class Note(NamedTuple):
    """Something odd about a header: the rule, the entry's name as far as known, a sentence."""

    rule: str
    name: bytes
    message: str


def checksum_matches(block: bytes, field: bytes) -> bool:
    """Whether the header's own checksum holds.

    The low half of Adler-32 is the sum of the bytes plus one, modulo 65521: the whole sum in one
    call, where the bytes are ASCII (their sum is less). The checksum field itself counts as eight
    spaces.
    """
    stored = parse_number(field)
    if stored is None:
        return False
    total = ((adler32(block) & 0xFFFF) - 1) % 65521 if block.isascii() else sum(block)
    if stored == total - sum(field) + 256:
        return True
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 256
    return stored == signed


def parse_number(field: bytes) -> int | None:
    """An octal or base-256 number of a header: 0 for a blank field, None for no number."""
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big", signed=False)
        bits = 8 * len(field)
        if first & 0x40:
            return value - (1 << bits)
        return value - (1 << (bits - 1))
    text = field.lstrip(b" ").partition(b"\0")[0].rstrip(b" ")
    if not text:
        return 0
    if not text.isdigit() or b"8" in text or b"9" in text:
        return None
    return int(text, 8)


def until_nul(field: bytes) -> bytes:
    """A text field up to its NUL."""
    return field.partition(b"\0")[0]


class HeaderReader:
    """Makes entries of header blocks; one for each tar.

    :meth:`header` takes a block and gives a header, or the number of payload bytes it wants; then
    :meth:`payload` takes those and gives a header, another number, or None: "the next header".
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.notes: list[Note] = []
        """Oddities since the owner last looked; the owner empties it."""
        self._globals: dict[bytes, bytes] = {}
        self._global_xattrs: tuple[tuple[bytes, bytes], ...] = ()
        self._pax: dict[bytes, bytes] | None = None
        self._long_name: bytes | None = None
        self._long_link: bytes | None = None
        self._in_row = 0
        self._wanted = 0
        self._sparse_block: bytes | None = None
        self._sparse_regions = 0

    @property
    def plain(self) -> bool:
        """True where no extension waits: a fast reader may take the next header by itself."""
        return self._in_row == 0 and not self._globals

    @property
    def pending(self) -> bool:
        """True where extension headers still wait for their entry."""
        return self._in_row > 0

    def header(self, block: bytes) -> TarHeader | int:
        """Take one header block. Raises :class:`TarHeaderError`, :class:`LimitExceededError`."""
        fields = FIELDS.unpack(block)
        if not checksum_matches(block, fields[6]):
            raise TarHeaderError("tar-header-checksum", "a header whose checksum does not hold")
        kind = fields[7][0]
        if kind in _EXTENSIONS:
            return self._extension(kind, fields[4])
        if kind == 0x53:  # S: GNU sparse, whose map may go on in blocks of its own
            self._sparse_regions = 4
            if block[482]:
                self._sparse_block = block
                self._wanted = kind
                return BLOCK
        return self._entry(block, fields)

    def payload(self, data: bytes) -> TarHeader | int | None:
        """Take the payload that was asked for."""
        kind = self._wanted
        if kind == 0x53:
            self._sparse_regions += 21
            if self._sparse_regions > self.limits.sparse_regions:
                raise LimitExceededError(
                    "sparse_regions",
                    self.limits.sparse_regions,
                    self._sparse_regions,
                    "sparse map",
                )
            if data[504]:
                return BLOCK
            block, self._sparse_block = self._sparse_block, None
            assert block is not None
            return self._entry(block, FIELDS.unpack(block))
        if kind == 0x4C:
            self._once(self._long_name, "name")
            self._long_name = until_nul(data)
            if self._pax is not None and b"size" in self._pax:
                self._note("tar-ambiguous", self._long_name, "a pax size before a GNU long name")
        elif kind == 0x4B:
            self._once(self._long_link, "link")
            self._long_link = until_nul(data)
        else:
            records, problem = parse_pax(data)
            if problem:
                self._note("tar-header-invalid", b"", problem)
            if kind == 0x67:
                self._take_globals(records)
            else:
                if self._pax is not None:
                    self._note("tar-ambiguous", b"", "two pax headers in front of one entry")
                self._pax = records
        return None

    def _once(self, before: bytes | None, what: str) -> None:
        if before is not None:  # tarfile takes the first, all others the last
            self._note("tar-ambiguous", before, f"two GNU long {what}s in front of one entry")

    def _take_globals(self, records: dict[bytes, bytes]) -> None:
        """Keep what a global header says of all entries behind it, but not of their names.

        GNU tar would give every entry that name; Go's reader, and so docker's, does not.
        """
        for key in (b"path", b"linkpath", b"size"):
            if records.get(key):
                self._note("tar-ambiguous", b"", f"a {key.decode()} in a global pax header")
        if any(key.startswith(b"GNU.sparse.") for key in records):
            self._note("tar-ambiguous", b"", "a sparse file's records in a global pax header")
        for key, value in records.items():
            if key in (b"uid", b"gid", b"mtime") or b".xattr." in key:
                if value:
                    self._globals[key] = value
                else:
                    self._globals.pop(key, None)
        self._global_xattrs = self._xattrs(self._globals)

    def _extension(self, kind: int, size_field: bytes) -> int:
        size = parse_number(size_field)
        if size is None or not 0 <= size <= LARGEST_SIZE:
            raise TarHeaderError("tar-header-invalid", "an extension header of no valid size")
        limits = self.limits
        if size > limits.header_bytes:
            raise LimitExceededError("header_bytes", limits.header_bytes, size, "extension header")
        self._in_row += 1
        if self._in_row > limits.headers_in_row:
            raise LimitExceededError(
                "headers_in_row", limits.headers_in_row, self._in_row, "extension headers"
            )
        self._wanted = 0x78 if kind == 0x58 else kind  # Solaris wrote X for x
        return size

    def _entry(self, block: bytes, fields: tuple[bytes, ...]) -> TarHeader:
        (raw_name, mode_f, uid_f, gid_f, size_f, mtime_f, _, type_f, raw_link, magic) = fields[:10]
        kind = type_f[0]
        name = until_nul(raw_name)
        if magic[:6] == b"ustar\0" and fields[12][0]:
            name = until_nul(fields[12]) + b"/" + name
        numbers = []
        for field, what in (
            (mode_f, "mode"),
            (uid_f, "owner"),
            (gid_f, "group"),
            (mtime_f, "time"),
        ):
            number = parse_number(field)
            if number is None or abs(number) > LARGEST_SIZE:
                self._note("tar-header-invalid", name, f"its {what} is no number")
                number = 0
            numbers.append(number)
        mode, uid, gid, mtime = numbers
        size = parse_number(size_f)
        if size is None or not 0 <= size <= LARGEST_SIZE:
            shown = "no number" if size is None else f"{size:,}"
            raise TarHeaderError("tar-header-invalid", f"a header whose size is {shown}")
        real_size = size
        if kind == 0x53:
            real_size = self._checked(parse_number(block[483:495]), size, name, "real size")
            if real_size < size:
                self._note("tar-ambiguous", name, "a sparse file that stores more than it has")
        link = until_nul(raw_link)
        own_name = name
        nanoseconds = 0
        xattrs: tuple[tuple[bytes, bytes], ...] = ()
        mapped = kind == 0x53
        device = (0, 0)
        if kind in b"34":
            device = (parse_number(fields[10]) or 0, parse_number(fields[11]) or 0)
        if self._in_row or self._globals:
            if self._long_name is not None:
                name = self._long_name
            if self._long_link is not None:
                link = self._long_link
            records = {**self._globals, **(self._pax or {})}
            for key in _FIELD_KEYS & records.keys():
                if not records[key]:
                    del records[key]  # as if it were not there: the header's own field counts
            if records:
                if b"path" in records:
                    if self._long_name is None:
                        name = self._text(records[b"path"], name, "path")
                    elif records[b"path"] != name:
                        self._note("tar-ambiguous", name, "a GNU long name and another pax path")
                if b"linkpath" in records:
                    if self._long_link is None:
                        link = self._text(records[b"linkpath"], name, "link target")
                    elif records[b"linkpath"] != link:
                        self._note(
                            "tar-ambiguous", name, "a GNU long link and another pax linkpath"
                        )
                if b"size" in records:
                    pax_size = self._checked(pax_number(records[b"size"]), -1, name, "size")
                    differs = 0 <= pax_size <= _LARGEST_OCTAL_SIZE and pax_size != size
                    if differs and kind in b"\x0007":
                        self._note(
                            "tar-ambiguous",
                            name,
                            f"its header says {size:,} bytes, its pax record {pax_size:,}",
                        )
                    if pax_size >= 0:
                        size = pax_size
                        if kind != 0x53:  # whose real size is in its header
                            real_size = pax_size
                if b"uid" in records:
                    uid = self._checked(pax_number(records[b"uid"]), uid, name, "owner")
                if b"gid" in records:
                    gid = self._checked(pax_number(records[b"gid"]), gid, name, "group")
                if b"mtime" in records:
                    time = pax_time(records[b"mtime"])
                    if time is None:
                        self._note("tar-header-invalid", name, "its pax time is no number")
                    else:
                        mtime, nanoseconds = time
                if self._long_name not in (None, records.get(b"GNU.sparse.name", self._long_name)):
                    self._note("tar-ambiguous", name, "a GNU long name and another sparse name")
                name, real_size = self._sparse(records, name, real_size)
                mapped |= not _MAP_KEYS.isdisjoint(records)
                if kind in _HEADER_ONLY and any(key.startswith(b"GNU.sparse.") for key in records):
                    self._note("tar-ambiguous", name, f"a {_TYPE_NAMES[kind]} that is sparse")
                # One value for all entries that have nothing but the global ones.
                xattrs = self._global_xattrs
                if self._pax and any(b".xattr." in key for key in self._pax):
                    xattrs = self._xattrs(records)
            self._pax = self._long_name = self._long_link = None
            self._in_row = 0
        if not kind and own_name.endswith(b"/") and not name.endswith(b"/"):
            self._note("tar-ambiguous", name, "a folder by its header's name alone")
        if name.endswith(b"/") and kind in b"\x0007":
            if kind or size:
                self._note("tar-ambiguous", name, "a file with a folder's name")
            kind = kind or 0x35  # v7 knew folders by the slash
        if kind in b"\x007":
            kind = 0x30
        elif kind == 0x44:
            kind = 0x35  # GNU's dumpdir: a folder whose content is a listing
            return TarHeader(
                name, kind, mode, uid, gid, 0, size, mtime, nanoseconds, link, device, xattrs
            )
        if kind in _HEADER_ONLY and size:
            if kind != 0x35:
                self._note("tar-ambiguous", name, f"a {_TYPE_NAMES[kind]} with a body")
            size = real_size = 0
        if type_f[0] not in _KNOWN_TYPES:
            self._note("tar-ambiguous", name, f"its type {type_f!r} is unknown: taken for a file")
        return TarHeader(
            name,
            kind,
            mode,
            uid,
            gid,
            real_size,
            size,
            mtime,
            nanoseconds,
            link,
            device,
            xattrs,
            mapped and kind in b"0S",
        )

    def _xattrs(self, records: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
        found = pax_xattrs(records)
        size = sum(len(name) + len(value) for name, value in found)
        if size > self.limits.xattr_bytes:
            raise LimitExceededError("xattr_bytes", self.limits.xattr_bytes, size, "an entry")
        return found

    def _sparse(self, records: dict[bytes, bytes], name: bytes, size: int) -> tuple[bytes, int]:
        """GNU.sparse 0.0, 0.1 and 1.0: the real name and the real size."""
        real = records.get(b"GNU.sparse.realsize", records.get(b"GNU.sparse.size"))
        if real is not None:
            size = self._checked(pax_number(real), size, name, "real size")
        regions = pax_number(records.get(b"GNU.sparse.numblocks", b"0")) or 0
        if regions > self.limits.sparse_regions:
            raise LimitExceededError(
                "sparse_regions", self.limits.sparse_regions, regions, "sparse map"
            )
        return records.get(b"GNU.sparse.name", name), size

    def _checked(self, number: int | None, otherwise: int, name: bytes, what: str) -> int:
        if number is None or not 0 <= number <= LARGEST_SIZE:
            self._note("tar-header-invalid", name, f"its {what} is no number in range")
            return otherwise
        return number

    def _text(self, value: bytes, name: bytes, what: str) -> bytes:
        if b"\0" in value:
            self._note("tar-header-invalid", name, f"a NUL in its pax {what}")
            return until_nul(value)
        return value

    def _note(self, rule: str, name: bytes, message: str) -> None:
        if len(self.notes) < 1000:
            self.notes.append(Note(rule, name, message))


_FIELD_KEYS = frozenset((b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"))
"""The pax records that stand for a field of the header."""

_MAP_KEYS = frozenset((b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.offset"))
"""The pax records of a sparse file that come with a map."""

_TYPE_NAMES = {
    0x31: "hard link",
    0x32: "symbolic link",
    0x33: "character device",
    0x34: "block device",
    0x35: "folder",
    0x36: "FIFO",
}
