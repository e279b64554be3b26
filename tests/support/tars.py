"""Tars of our own making: right ones with little effort, wrong ones block by block.

Nothing here uses :mod:`tarfile` or the package under test. :func:`header` writes one block and lets
every field be anything; :class:`TarBuilder` writes whole archives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BLOCK = 512
ZERO = bytes(BLOCK)
END = ZERO * 2
"""The end mark."""

USTAR = b"ustar\x0000"
GNU = b"ustar  \x00"
V7 = bytes(8)

Number = int | bytes
"""A number field: a number to be written well, or the bytes of the field as they are to be."""


def padded(data: bytes) -> bytes:
    """``data`` filled up with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def octal(value: int, width: int) -> bytes:
    """Zero-padded octal digits and a NUL."""
    return b"%0*o\0" % (width - 1, value)


def base256(value: int, width: int) -> bytes:
    """GNU's binary form: the high bit set, then a two's complement number."""
    if value < 0:
        return value.to_bytes(width, "big", signed=True)
    return bytes([0x80]) + value.to_bytes(width - 1, "big")


def number(value: Number, width: int) -> bytes:
    """A number field: octal where it fits, base-256 where it does not, bytes as they are."""
    if isinstance(value, bytes):
        return value.ljust(width, b"\0")[:width]
    if 0 <= value < 8 ** (width - 1):
        return octal(value, width)
    return base256(value, width)


def checksum_of(block: bytes) -> int:
    """The sum of a header's bytes, its checksum field counted as spaces."""
    return sum(block[:148]) + 8 * 32 + sum(block[156:])


def signed_checksum_of(block: bytes) -> int:
    """The same with signed bytes, as old Sun tars summed."""
    return sum(b - 256 if b > 127 else b for b in block[:148] + block[156:]) + 8 * 32


def header(
    name: bytes,
    *,
    type: bytes = b"0",
    size: Number = 0,
    mode: Number = 0o644,
    uid: Number = 0,
    gid: Number = 0,
    mtime: Number = 0,
    linkname: bytes = b"",
    magic: bytes = USTAR,
    uname: bytes = b"",
    gname: bytes = b"",
    devmajor: Number = b"",
    devminor: Number = b"",
    prefix: bytes = b"",
    checksum: bytes | None = None,
    patch: Mapping[int, bytes] | None = None,
) -> bytes:
    """One header block. ``patch`` writes over its bytes before the checksum is computed."""
    block = bytearray(BLOCK)

    def put(offset: int, width: int, data: bytes) -> None:
        if len(data) > width:
            raise ValueError(f"{data!r} does not fit into {width} bytes")
        block[offset : offset + len(data)] = data

    put(0, 100, name)
    put(100, 8, number(mode, 8))
    put(108, 8, number(uid, 8))
    put(116, 8, number(gid, 8))
    put(124, 12, number(size, 12))
    put(136, 12, number(mtime, 12))
    put(156, 1, type)
    put(157, 100, linkname)
    put(257, 8, magic)
    put(265, 32, uname)
    put(297, 32, gname)
    put(329, 8, number(devmajor, 8))
    put(337, 8, number(devminor, 8))
    put(345, 155, prefix)
    for offset, data in (patch or {}).items():
        block[offset : offset + len(data)] = data
    if checksum is None:
        checksum = b"%06o\0 " % checksum_of(bytes(block))
    put(148, 8, checksum)
    return bytes(block)


def entry(name: bytes, content: bytes = b"", **fields: object) -> bytes:
    """A header of any kind with its content behind it, padded."""
    fields.setdefault("size", len(content))
    return header(name, **fields) + padded(content)  # type: ignore[arg-type]


def mend_checksum(block: bytes) -> bytes:
    """The block with the right checksum."""
    return block[:148] + b"%06o\0 " % checksum_of(block) + block[156:]


def pax_record(key: bytes, value: bytes) -> bytes:
    """``"LENGTH KEY=VALUE\\n"``, the length counting itself."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def pax(
    records: Mapping[bytes, bytes] | bytes, *, type: bytes = b"x", size: Number | None = None
) -> bytes:
    """A pax header (``x``) or a global one (``g``); bytes are taken as the payload itself."""
    if isinstance(records, bytes):
        payload = records
    else:
        payload = b"".join(pax_record(key, value) for key, value in records.items())
    return header(
        b"PaxHeaders/entry", type=type, size=len(payload) if size is None else size
    ) + padded(payload)


def gnu_long(kind: bytes, text: bytes) -> bytes:
    """A GNU long name (``L``) or long link (``K``), its text ended with a NUL."""
    payload = text + b"\0"
    return header(b"././@LongLink", type=kind, size=len(payload), magic=GNU) + padded(payload)


def gnu_sparse(
    name: bytes,
    regions: Iterable[tuple[int, int]],
    stored: bytes,
    real_size: int,
    *,
    mode: Number = 0o644,
    mtime: Number = 0,
) -> bytes:
    """GNU's old sparse form (``S``): four regions in the header, 21 in each block behind it."""
    todo = [number(offset, 12) + number(length, 12) for offset, length in regions]
    first, rest = todo[:4], todo[4:]
    head = header(
        name,
        type=b"S",
        size=len(stored),
        mode=mode,
        mtime=mtime,
        magic=GNU,
        patch={386: b"".join(first), 482: b"\1" if rest else b"\0", 483: number(real_size, 12)},
    )
    blocks = [head]
    while rest:
        part, rest = rest[:21], rest[21:]
        blocks.append(b"".join(part).ljust(504, b"\0") + (b"\1" if rest else b"\0") + bytes(7))
    return b"".join(blocks) + padded(stored)


class TarBuilder:
    """Writes a well-formed tar, entry by entry; each method returns the builder.

    ``form`` says how a name or link target that does not fit its field is written: ``pax``, ``gnu``
    or ``ustar`` (split into prefix and name, an error where that cannot be).
    """

    def __init__(self, form: str = "pax") -> None:
        self._parts: list[bytes] = []
        self._form = form

    def raw(self, data: bytes) -> TarBuilder:
        """Add bytes as they are."""
        self._parts.append(data)
        return self

    def file(
        self,
        name: str | bytes,
        content: bytes = b"",
        *,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
        xattrs: Mapping[bytes, bytes] | None = None,
    ) -> TarBuilder:
        """Add a regular file."""
        return self._add(
            name, b"0", content=content, mode=mode, uid=uid, gid=gid, mtime=mtime, xattrs=xattrs
        )

    def dir(
        self,
        name: str | bytes,
        *,
        mode: int = 0o755,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
        xattrs: Mapping[bytes, bytes] | None = None,
    ) -> TarBuilder:
        """Add a folder."""
        raw = _bytes(name).rstrip(b"/") + b"/"
        return self._add(raw, b"5", mode=mode, uid=uid, gid=gid, mtime=mtime, xattrs=xattrs)

    def symlink(
        self, name: str | bytes, target: str | bytes, *, mode: int = 0o777, mtime: int = 0
    ) -> TarBuilder:
        """Add a symbolic link."""
        return self._add(name, b"2", linkname=target, mode=mode, mtime=mtime)

    def hardlink(
        self, name: str | bytes, target: str | bytes, *, mode: int = 0o644, mtime: int = 0
    ) -> TarBuilder:
        """Add a hard link."""
        return self._add(name, b"1", linkname=target, mode=mode, mtime=mtime)

    def char(self, name: str | bytes, major: int, minor: int, *, mode: int = 0o600) -> TarBuilder:
        """Add a character device."""
        return self._add(name, b"3", mode=mode, device=(major, minor))

    def block(self, name: str | bytes, major: int, minor: int, *, mode: int = 0o600) -> TarBuilder:
        """Add a block device."""
        return self._add(name, b"4", mode=mode, device=(major, minor))

    def fifo(self, name: str | bytes, *, mode: int = 0o600, mtime: int = 0) -> TarBuilder:
        """Add a FIFO."""
        return self._add(name, b"6", mode=mode, mtime=mtime)

    def whiteout(self, path: str | bytes) -> TarBuilder:
        """Add the whiteout that deletes ``path``."""
        folder, slash, name = _bytes(path).rpartition(b"/")
        return self.file(folder + slash + b".wh." + name)

    def opaque(self, folder: str | bytes = b"") -> TarBuilder:
        """Add the whiteout that makes a folder opaque."""
        raw = _bytes(folder)
        return self.file((raw + b"/" if raw else b"") + b".wh..wh..opq")

    def build(self, end: bytes = END) -> bytes:
        """The whole tar with ``end`` behind it."""
        return b"".join(self._parts) + end

    def _add(
        self,
        name: str | bytes,
        type: bytes,
        *,
        content: bytes = b"",
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
        linkname: str | bytes = b"",
        device: tuple[int, int] | None = None,
        xattrs: Mapping[bytes, bytes] | None = None,
    ) -> TarBuilder:
        raw, link, prefix = _bytes(name), _bytes(linkname), b""
        records = {b"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
        if len(raw) > 100:
            if self._form == "pax":
                records[b"path"] = raw
                raw = raw[:100]
            elif self._form == "gnu":
                self._parts.append(gnu_long(b"L", raw))
                raw = raw[:100]
            else:
                prefix, raw = _split(raw)
        if len(link) > 100:
            if self._form == "gnu":
                self._parts.append(gnu_long(b"K", link))
            else:
                records[b"linkpath"] = link
            link = link[:100]
        if records:
            self._parts.append(pax(records))
        major, minor = device or (b"", b"")
        self._parts.append(
            header(
                raw,
                type=type,
                size=len(content),
                mode=mode,
                uid=uid,
                gid=gid,
                mtime=mtime,
                linkname=link,
                prefix=prefix,
                devmajor=major,
                devminor=minor,
                magic=GNU if self._form == "gnu" else USTAR,
            )
            + padded(content)
        )
        return self


def _split(name: bytes) -> tuple[bytes, bytes]:
    """A long name as ustar has it: at most 155 bytes of prefix, a slash, at most 100 of name."""
    for at in range(min(155, len(name) - 2), 0, -1):
        if name[at : at + 1] == b"/" and len(name) - at - 1 <= 100:
            return name[:at], name[at + 1 :]
    raise ValueError(f"{name!r} cannot be written as ustar")


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
