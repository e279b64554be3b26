"""The slow scanner: the contract of ``oci_inspect.layer.scan.scan_layer``, written to be read.

The whole blob lies in memory, is decompressed in one go, and its tar is walked by position. It
shares the result types and the vocabulary of rules with the package and no code that reads: not
for compression, not for numbers, checksums, pax records, names or hashes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

import zstandard

from oci_inspect.findings import Finding, finding
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import Source

TOC = b"stargz.index.json"
MOST = 2**63 - 1


class Damaged(Exception):
    """The compressed stream cannot be read to its end."""


class OverLimit(Exception):
    """A limit of the listing was met: digests can still be told."""


class BadHeader(Exception):
    """A block that should be a header is none; ``args[0]`` is the rule."""


@dataclass(frozen=True)
class Row:
    """One entry."""

    path: bytes
    kind: str
    size: int = 0
    stored_size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    mtime_ns: int = 0
    fingerprint: int = 1 << 32
    offset: int = 0
    linkname: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


@dataclass
class Listing:
    """What a tar has in it, and what is odd about it."""

    rows: list[Row] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    cut_by_limit: bool = False

    def say(self, rule: str, subject: bytes | str = b"") -> None:
        """Note a problem."""
        text = subject if isinstance(subject, str) else shown(subject)
        if (rule, text) not in self.problems:
            self.problems.append((rule, text))


def scan_reference(
    source: Source,
    limits: Limits = DEFAULT_LIMITS,
    algorithms: Sequence[str] = ("sha256",),
) -> LayerScan:
    """Read a layer blob to its end and return its scan."""
    blob = b""
    while piece := source.read(1 << 20):
        blob += piece
    compression = kind_of(blob)
    found: list[Finding] = []
    complete = True
    readable = True
    tar = b""
    try:
        tar = uncompress(blob, compression)
    except Damaged:
        found.append(finding("layer-corrupt", "", "damaged"))
        complete = readable = False
    too_large = len(tar) > limits.layer_bytes
    if compression != "none" and len(tar) > limits.expansion_floor:
        too_large |= len(tar) > limits.expansion_ratio * len(blob)
    if too_large:
        found.append(finding("limit-exceeded", "", "too large"))
        complete = readable = False
    listing = read_tar(tar, limits) if readable else Listing()
    found += [finding(rule, subject, "") for rule, subject in listing.problems]
    return LayerScan(
        digests=digests(blob, algorithms),
        size=len(blob),
        diff_ids=digests(tar, algorithms) if readable else {},
        uncompressed_size=len(tar),
        compression=compression,
        table=table_of(listing.rows),
        findings=tuple(found),
        complete=complete and not listing.cut_by_limit,
    )


def digests(data: bytes, algorithms: Sequence[str]) -> dict[str, str]:
    """The digests of ``data``."""
    return {name: f"{name}:{hashlib.new(name, data).hexdigest()}" for name in algorithms}


# Compression


def kind_of(blob: bytes) -> str:
    """The compression that a blob begins with."""
    if blob.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if blob.startswith(b"\x28\xb5\x2f\xfd") or re.match(rb"[\x50-\x5f]\x2a\x4d\x18", blob, re.S):
        return "zstd"
    return "none"


def uncompress(blob: bytes, compression: str) -> bytes:
    """The tar in a blob. Raises :class:`Damaged`."""
    if compression == "gzip":
        return gunzip(blob)
    if compression == "zstd":
        return unzstd(blob)
    return blob


def gunzip(blob: bytes) -> bytes:
    """Every member; only zeros may follow the last."""
    out = b""
    while blob.strip(b"\0"):
        member = zlib.decompressobj(wbits=31)
        try:
            out += member.decompress(blob)
        except zlib.error as error:
            raise Damaged from error
        if not member.eof:
            raise Damaged
        blob = member.unused_data
    return out


def unzstd(blob: bytes) -> bytes:
    """Every frame; skippable ones are passed over."""
    out = b""
    while blob:
        if len(blob) >= 8 and blob[1:4] == b"\x2a\x4d\x18" and blob[0] >> 4 == 5:
            (length,) = struct.unpack("<I", blob[4:8])
            if len(blob) < 8 + length:
                raise Damaged
            blob = blob[8 + length :]
            continue
        if not blob.startswith(b"\x28\xb5\x2f\xfd"):
            raise Damaged
        frame = zstandard.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
        try:
            out += frame.decompress(blob)
        except zstandard.ZstdError as error:
            raise Damaged from error
        if not frame.eof:
            raise Damaged
        blob = frame.unused_data
    return out


# Tar


def read_tar(tar: bytes, limits: Limits) -> Listing:
    """List a tar."""
    listing = Listing()
    try:
        _Walk(tar, limits, listing).run()
    except OverLimit:
        listing.say("limit-exceeded")
        listing.cut_by_limit = True
    return listing


class _Walk:
    def __init__(self, tar: bytes, limits: Limits, listing: Listing) -> None:
        self.tar = tar
        self.limits = limits
        self.listing = listing
        self.at = 0
        self.shared: dict[bytes, bytes] = {}
        self.own: dict[bytes, bytes] = {}
        self.pax_seen = False
        self.long_name: bytes | None = None
        self.long_link: bytes | None = None
        self.in_row = 0
        self.map_read = False

    def run(self) -> None:
        lost = False
        zero = False
        while True:
            block = self.tar[self.at : self.at + 512]
            if len(block) < 512:
                if block.strip(b"\0"):
                    self.listing.say("tar-truncated")
                elif self.in_row:
                    self.listing.say("tar-header-invalid")
                else:
                    self.listing.say("tar-no-end-mark")
                return
            where = self.at
            self.at += 512
            if block == bytes(512):
                if zero:
                    if self.in_row:
                        self.listing.say("tar-header-invalid")
                    self.behind_the_end()
                    return
                zero = True
                continue
            if zero:
                zero = False
                if not lost:
                    self.listing.say("tar-ambiguous")
            self.map_read = False
            try:
                if not self.header(block):
                    return
                lost = False
            except BadHeader as bad:
                if not lost or self.map_read:  # that far it was a header
                    self.listing.say(bad.args[0], f"byte {where:,}")
                lost = True

    def header(self, block: bytes) -> bool:
        """Take a header and what belongs to it; False where the tar ends inside."""
        if not checksum_holds(block):
            raise BadHeader("tar-header-checksum")
        kind = block[156:157]
        size = number(block[124:136])
        if kind in (b"x", b"g", b"L", b"K", b"X"):
            return self.extension(kind, size)
        sparse_blocks = 0
        if kind == b"S" and block[482]:
            more = True
            while more:
                extension = self.tar[self.at : self.at + 512]
                if len(extension) < 512:
                    self.listing.say("tar-truncated")
                    return False
                self.at += 512
                sparse_blocks += 1
                if 4 + 21 * sparse_blocks > self.limits.sparse_regions:
                    raise OverLimit
                more = extension[504] != 0
            self.map_read = True
        return self.entry(block, kind, size)

    def extension(self, kind: bytes, size: int | None) -> bool:
        if size is None or not 0 <= size <= MOST:
            raise BadHeader("tar-header-invalid")
        if size > self.limits.header_bytes:
            raise OverLimit
        self.in_row += 1
        if self.in_row > self.limits.headers_in_row:
            raise OverLimit
        data = self.tar[self.at : self.at + size]
        if len(data) < size:
            self.listing.say("tar-truncated")
            return False
        self.at += size + -size % 512
        if kind == b"L":
            if self.long_name is not None:
                self.listing.say("tar-ambiguous", self.long_name)
            self.long_name = data.split(b"\0")[0]
            if b"size" in self.own:
                self.listing.say("tar-ambiguous", self.long_name)
        elif kind == b"K":
            if self.long_link is not None:
                self.listing.say("tar-ambiguous", self.long_link)
            self.long_link = data.split(b"\0")[0]
        else:
            records, good = pax_records(data)
            if not good:
                self.listing.say("tar-header-invalid")
            if kind == b"g":
                if any(key.startswith(b"GNU.sparse.") for key in records) or any(
                    records.get(key) for key in (b"path", b"linkpath", b"size")
                ):
                    self.listing.say("tar-ambiguous")
                for key, value in records.items():
                    if key in (b"uid", b"gid", b"mtime") or b".xattr." in key:
                        self.shared[key] = value
                self.shared = {k: v for k, v in self.shared.items() if v}
            else:
                if self.pax_seen:
                    self.listing.say("tar-ambiguous")
                self.pax_seen = True
                self.own = records
        return True

    def entry(self, block: bytes, kind: bytes, size: int | None) -> bool:
        say = self.listing.say
        name = block[:100].split(b"\0")[0]
        prefix = block[345:500].split(b"\0")[0]
        if block[257:263] == b"ustar\0" and prefix:
            name = prefix + b"/" + name
        link = block[157:257].split(b"\0")[0]
        values = []
        for start, end in ((100, 108), (108, 116), (116, 124), (136, 148)):
            value = number(block[start:end])
            if value is None or abs(value) > MOST:
                say("tar-header-invalid", name)
                value = 0
            values.append(value)
        mode, uid, gid, mtime = values
        if size is None or not 0 <= size <= MOST:
            raise BadHeader("tar-header-invalid")
        apparent = size
        if kind == b"S":
            real = number(block[483:495])
            if real is None or not 0 <= real <= MOST:
                say("tar-header-invalid", name)
            else:
                apparent = real
                if real < size:
                    say("tar-ambiguous", name)
        own_name = name
        records = {**self.shared, **self.own}
        for key in (b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"):
            if records.get(key) == b"":
                del records[key]
        if self.long_name is not None:
            name = self.long_name
            if records.pop(b"path", name) != name:
                say("tar-ambiguous", name)
        if self.long_link is not None:
            link = self.long_link
            if records.pop(b"linkpath", link) != link:
                say("tar-ambiguous", name)
        sparse_name = records.get(b"GNU.sparse.name", self.long_name)
        if self.long_name is not None and sparse_name != self.long_name:
            say("tar-ambiguous", name)
        self.own, self.long_name, self.long_link, self.in_row = {}, None, None, 0
        self.pax_seen = False
        if b"path" in records:
            if b"\0" in records[b"path"]:
                say("tar-header-invalid", name)
            name = records[b"path"].split(b"\0")[0]
        if b"linkpath" in records:
            if b"\0" in records[b"linkpath"]:
                say("tar-header-invalid", name)
            link = records[b"linkpath"].split(b"\0")[0]
        if b"size" in records:
            pax_size = decimal(records[b"size"])
            if pax_size is None:
                say("tar-header-invalid", name)
            else:
                if pax_size != size and pax_size < 8**11 and kind in (b"0", b"\0", b"7"):
                    say("tar-ambiguous", name)
                size = pax_size
                if kind != b"S":
                    apparent = pax_size
        for key in (b"uid", b"gid"):
            if key in records:
                value = decimal(records[key])
                if value is None:
                    say("tar-header-invalid", name)
                elif key == b"uid":
                    uid = value
                else:
                    gid = value
        nanoseconds = 0
        if b"mtime" in records:
            time = pax_time(records[b"mtime"])
            if time is None:
                say("tar-header-invalid", name)
            else:
                mtime, nanoseconds = time
        for key in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
            if key in records:
                value = decimal(records[key])
                if value is None:
                    say("tar-header-invalid", name)
                else:
                    apparent = value
                break
        if (decimal(records.get(b"GNU.sparse.numblocks", b"0")) or 0) > self.limits.sparse_regions:
            raise OverLimit
        name = records.get(b"GNU.sparse.name", name)
        if kind in b"1 2 3 4 5 6".split() and any(k.startswith(b"GNU.sparse.") for k in records):
            say("tar-ambiguous", name)
        letter = {b"1": "h", b"2": "l", b"3": "c", b"4": "b", b"5": "d", b"6": "p", b"D": "d"}.get(
            kind, "f"
        )
        if kind == b"\0" and own_name.endswith(b"/") and not name.endswith(b"/"):
            say("tar-ambiguous", name)
        if kind in (b"0", b"\0", b"7") and name.endswith(b"/"):
            if kind != b"\0" or size:
                say("tar-ambiguous", name)
            if kind == b"\0":
                letter = "d"
        if kind == b"D":
            apparent = 0
        elif letter in "hlcbdp" and size:
            if letter != "d":
                say("tar-ambiguous", name)
            size = apparent = 0
        if kind not in b"\x00 0 1 2 3 4 5 6 7 S D V M N".split(b" "):
            say("tar-ambiguous", name)
        device = (0, 0)
        if letter in "cb":
            device = (number(block[329:337]) or 0, number(block[337:345]) or 0)
        row = Row(
            path=self.path(name),
            kind=letter,
            size=apparent,
            stored_size=size,
            mode=mode & 0o7777,
            uid=uid,
            gid=gid,
            mtime=mtime,
            mtime_ns=nanoseconds,
            offset=self.at,
            linkname=self.target(name, link) if letter == "h" else link if letter == "l" else b"",
            device=device,
            xattrs=xattrs(records),
        )
        self.listing.rows.append(row)
        if len(self.listing.rows) > self.limits.entries:
            self.listing.rows[-1] = replace(row, size=0, stored_size=0)
            raise OverLimit
        content = self.tar[self.at : self.at + size]
        if len(content) < size:
            there = len(content)
            self.listing.rows[-1] = replace(row, size=there, stored_size=there, fingerprint=0)
            say("tar-truncated", row.path)
            return False
        self.listing.rows[-1] = replace(row, fingerprint=fingerprint(content))
        self.at += size + -size % 512
        return True

    def path(self, name: bytes) -> bytes:
        """The name made plain, and what there is to say about it."""
        path, unsafe = plain(name)
        if unsafe:
            self.listing.say("path-unsafe", name.rstrip(b"/"))
        parts = path.split(b"/")
        too_long = len(path) > self.limits.path_bytes or len(parts) > self.limits.path_depth
        if too_long or max(map(len, parts)) > self.limits.path_part_bytes:
            raise OverLimit
        try:
            text = path.decode()
        except UnicodeDecodeError:
            self.listing.say("path-encoding", path)
        else:
            if UNSEEN.search(text):
                self.listing.say("path-encoding", text.encode("unicode_escape"))
        return path

    def target(self, name: bytes, link: bytes) -> bytes:
        path, unsafe = plain(link)
        if unsafe:
            self.listing.say("path-unsafe", plain(name)[0])
        return path

    def behind_the_end(self) -> None:
        """Another reader that goes on here would find entries."""
        for at in range(self.at, len(self.tar) - 511, 512):
            block = self.tar[at : at + 512]
            if block == bytes(512) or not checksum_holds(block):
                continue
            name = block[:100].split(b"\0")[0]
            if name != TOC:
                extension = block[156:157] in (b"x", b"g", b"L", b"K", b"X")
                self.listing.say("tar-ambiguous", b"" if extension else name)
                return


UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters and the marks that turn the direction of text."""


def shown(path: bytes) -> str:
    """A path as text."""
    return path.decode("utf-8", "backslashreplace")


def plain(name: bytes) -> tuple[bytes, bool]:
    """A name from the root, and whether it had a ``..`` part."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            parts = parts[:-1]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts), b".." in name.split(b"/")


def checksum_holds(block: bytes) -> bool:
    """The sum of all bytes, or of all signed bytes, with spaces for the checksum itself."""
    stored = number(block[148:156])
    counted = block[:148] + b" " * 8 + block[156:]
    return stored in (sum(counted), sum(struct.unpack("512b", counted)))


def number(field: bytes) -> int | None:
    """Octal text, or GNU's binary form where the first bit is set."""
    if field[0] >= 0x80:
        bits = "".join(f"{byte:08b}" for byte in field)[1:]
        return int(bits, 2) - (2 ** len(bits) if bits[0] == "1" else 0)
    match = re.fullmatch(rb" *([0-7]*) *(?:\0.*)?", field, re.S)
    if match is None:
        return None
    return int(match[1] or b"0", 8)


def pax_records(data: bytes) -> tuple[dict[bytes, bytes], bool]:
    """The records up to the first bad one, and whether there was none."""
    records: dict[bytes, bytes] = {}
    while data.strip(b"\0"):
        match = re.match(rb"(\d{1,19}) ", data)
        if match is None:
            return records, False
        length = int(match[1])
        record, data = data[:length], data[length:]
        key, equals, value = record[match.end() :].partition(b"=")
        if len(record) < length or not record.endswith(b"\n") or not equals or not key:
            return records, False
        records[key] = value[:-1]
    return records, True


def decimal(text: bytes) -> int | None:
    """A number of a pax record."""
    if not re.fullmatch(rb"[0-9]{1,20}", text) or int(text) > MOST:
        return None
    return int(text)


def pax_time(text: bytes) -> tuple[int, int] | None:
    """Seconds, and nanoseconds beyond them."""
    match = re.fullmatch(rb"(-?)([0-9]{1,18})(?:\.([0-9]*))?", text)
    if match is None or len(text) > 64:
        return None
    whole = int(match[2]) * 10**9 + int((match[3] or b"")[:9].ljust(9, b"0"))
    return divmod(-whole if match[1] else whole, 10**9)


def xattrs(records: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Extended attributes; star's plain form counts before libarchive's base64."""
    found = {}
    for key, value in records.items():
        if key.startswith(b"LIBARCHIVE.xattr."):
            try:
                decoded = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
            except binascii.Error:
                decoded = value
            found[unquote_to_bytes(key[len(b"LIBARCHIVE.xattr.") :])] = decoded
    for key, value in records.items():
        if key.startswith(b"SCHILY.xattr."):
            found[key[len(b"SCHILY.xattr.") :]] = value
    return tuple(sorted(found.items()))


def fingerprint(content: bytes) -> int:
    """Adler-32 above CRC-32."""
    crc = zlib.crc32(content)
    return crc if len(content) > 5 * 1024 else zlib.adler32(content) << 32 | crc


def table_of(rows: Sequence[Row]) -> EntryTable:
    """The rows as the package keeps them."""
    table = EntryTable()
    for i, row in enumerate(rows):
        table.paths.add(row.path)
        table.types.append(ord(row.kind))
        table.sizes.append(row.size)
        table.modes.append(row.mode)
        table.uids.append(row.uid)
        table.gids.append(row.gid)
        table.mtimes.append(row.mtime)
        table.fingerprints.append(row.fingerprint)
        table.offsets.append(row.offset)
        if row.kind in "hl":
            table.linknames[i] = row.linkname
        if row.kind in "cb":
            table.devices[i] = row.device
        if row.xattrs:
            table.xattrs[i] = row.xattrs
        if row.mtime_ns:
            table.mtime_ns[i] = row.mtime_ns
        if row.stored_size != row.size:
            table.stored_sizes[i] = row.stored_size
    return table
