"""Random changes of tars that leave them tars: fields, entries and records, their sums mended.

A flipped byte in a header is told by its checksum and gets no further: so most headers get theirs
right again, pax records their lengths, and entries come and go whole.
"""

from __future__ import annotations

from random import Random

from support.tars import (
    BLOCK,
    END,
    GNU,
    USTAR,
    V7,
    ZERO,
    base256,
    checksum_of,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    mend_checksum,
    padded,
    pax,
    pax_record,
)

from fuzz.mutate import havoc

FIELDS = {
    "name": (0, 100),
    "mode": (100, 8),
    "uid": (108, 8),
    "gid": (116, 8),
    "size": (124, 12),
    "mtime": (136, 12),
    "type": (156, 1),
    "linkname": (157, 100),
    "magic": (257, 8),
    "devmajor": (329, 8),
    "devminor": (337, 8),
    "prefix": (345, 155),
    "sparse": (386, 109),
}
_NUMBERS = (
    *(base256(n, 12) for n in (-512, -1, 1, 512, 2**62, 2**63 - 1, 2**63, 2**64)),
    *(b"%011o\0" % n for n in (0, 1, 511, 512, 513, 1024, 8**11 - 1)),
    *(
        b"77777777777\0",
        b" " * 12,
        bytes(12),
        b"8",
        b"-1",
        b"1000 ",
        b" 12\0",
        b"\x80",
        b"\xff" * 12,
    ),
)
_NAMES = (
    *(
        b"a",
        b"a/",
        b"/",
        b"",
        b".",
        b"..",
        b"../x",
        b"./a/../b",
        b"//a//b",
        b".wh.a",
        b".wh..wh..opq",
    ),
    *(
        b"manifest.json",
        b"index.json",
        b"\xff",
        b"\xc3\xa9",
        b"\x1b[2J",
        b"d/" * 49 + b"e",
        b"x" * 100,
    ),
)
_TYPES = b"0123456\x007SDVMNxgXLKZA "
_KEYS = tuple(
    b"path linkpath size uid gid mtime atime hdrcharset comment SCHILY.xattr.user.a "
    b"LIBARCHIVE.xattr.user.b GNU.sparse.major GNU.sparse.minor GNU.sparse.name GNU.sparse.map "
    b"GNU.sparse.realsize GNU.sparse.size GNU.sparse.numblocks GNU.sparse.offset "
    b"GNU.sparse.numbytes".split()
)
_VALUES = (
    *(
        b"",
        b"0",
        b"1",
        b"512",
        b"-1",
        b"-1.5",
        b"1700000000.123456789",
        b"9" * 30,
        b"70000",
        b"AA==",
    ),
    *(
        b"a/b",
        b"../x",
        b"a\0b",
        b"a/",
        b"0,1,5,1",
        b"1,1,0,1",
        b"2\n0\n1\n5\n1\n",
        b"9223372036854775807",
    ),
)


def is_header(block: bytes) -> bool:
    """Whether a block looks like a header, its checksum perhaps broken."""
    return len(block) == BLOCK and (block[257:262] == b"ustar" or sums_up(block))


def sums_up(block: bytes) -> bool:
    """Whether a block has the checksum of a header, written as everybody writes it."""
    field = block[148:154]
    return field.isdigit() and not field.strip(b"01234567") and int(field, 8) == checksum_of(block)


def random_records(chance: Random) -> bytes:
    """The payload of a pax header: records mostly of right lengths."""
    out = b""
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        record = pax_record(chance.choice(_KEYS), chance.choice(_VALUES))
        out += record if chance.random() < 0.9 else havoc(record, chance)
    return out


def random_piece(chance: Random) -> bytes:
    """An entry, an extension or something else that may stand between two entries."""
    kind = chance.randrange(10)
    if kind < 3:
        body = bytes([chance.randrange(256)]) * chance.choice((0, 1, 100, 511, 512, 513, 1400))
        return entry(
            chance.choice(_NAMES),
            body,
            type=bytes([chance.choice(_TYPES)]),
            linkname=chance.choice(_NAMES),
            magic=chance.choice((USTAR, GNU, V7)),
            prefix=chance.choice((b"", b"", b"p", b"p" * 155)),
        )
    if kind < 5:
        return pax(random_records(chance), type=chance.choice((b"x", b"x", b"x", b"g", b"X")))
    if kind == 5:
        return gnu_long(chance.choice((b"L", b"K")), chance.choice(_NAMES) * chance.choice((1, 3)))
    if kind == 6:
        spans = [
            (i * 700, chance.choice((0, 1, 512))) for i in range(chance.choice((0, 3, 4, 5, 30)))
        ]
        if chance.random() < 0.2:
            chance.shuffle(spans)
        size = sum(length for _, length in spans)
        return gnu_sparse(b"s", spans, b"y" * size, chance.choice((21_000, size, 0, 2**40)))
    if kind == 7:
        lines = b"2\n0\n5\n100\n5\n".ljust(BLOCK, b"\0")
        records = {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.realsize": b"105",
        }
        return pax(records) + entry(b"s", lines + b"12345" * 2)
    return chance.choice((ZERO, ZERO, END, b"junk" * 128, b"short", header(b"plain")))


def mutate_tar(data: bytes, chance: Random) -> bytes:
    """A tar with some changes; headers get their checksums right again, nine times in ten."""
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    heads = [i for i, block in enumerate(blocks) if is_header(block)]
    touched: set[int] = set()
    tail = b""
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        kind = chance.randrange(12)
        if not heads:
            return random_piece(chance) + data
        i = chance.choice(heads)
        if kind < 5:
            blocks[i] = _with_field(blocks[i], chance)
            touched.add(i)
        elif kind == 5:
            blocks[i] = havoc(blocks[i], chance)[:BLOCK].ljust(BLOCK, b"\0")
            touched.add(i)
        elif kind == 6 and i + 1 < len(blocks):
            if blocks[i][156:157] in (b"x", b"g") and chance.random() < 0.8:
                payload = random_records(chance)[: 4 * BLOCK]
                blocks[i + 1] = padded(payload)
                size = b"%011o\0" % len(payload)
                blocks[i] = blocks[i][:124] + size + blocks[i][136:]
                touched.add(i)
            else:
                blocks[i + 1] = havoc(blocks[i + 1], chance)[:BLOCK].ljust(BLOCK, b"\0")
        elif kind < 9:
            blocks[i] = random_piece(chance) + blocks[i] if i not in touched else blocks[i]
        elif kind == 9:
            blocks[i] = b""
        elif kind == 10:
            j = chance.choice(heads)
            blocks[i], blocks[j] = blocks[j], blocks[i]
        else:
            tail = chance.choice((b"", b"x", random_piece(chance), END))
    if chance.random() < 0.9:
        for i in touched:
            if len(blocks[i]) == BLOCK:
                blocks[i] = mend_checksum(blocks[i])
    out = b"".join(blocks) + tail
    if chance.random() < 0.08 and out:
        out = out[: chance.randrange(len(out))]
    return out


def _with_field(block: bytes, chance: Random) -> bytes:
    name = chance.choice(list(FIELDS))
    start, width = FIELDS[name]
    if name == "type":
        value = bytes([chance.choice(_TYPES)])
    elif name in ("name", "linkname", "prefix"):
        value = chance.choice(_NAMES)
    elif name == "magic":
        value = chance.choice((USTAR, GNU, V7, b"ustar\0  ", b"junkjunk"))
    elif name == "sparse":
        value = b"".join(chance.choice(_NUMBERS).ljust(12, b"\0")[:12] for _ in range(8)) + b"\1"
    else:
        value = chance.choice(_NUMBERS)
    value = value.ljust(width, b"\0")[:width]
    return (block[:start] + value + block[start + width :])[:BLOCK]
