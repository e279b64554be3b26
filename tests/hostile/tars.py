"""Tars of layers that mislead or exhaust; HOSTILE.md, "Tar"."""

from __future__ import annotations

from hostile.cases import Theme, layer
from support.tars import (
    BLOCK,
    END,
    GNU,
    V7,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    octal,
    pax,
    pax_record,
)

add = Theme("tars")

FIRST, NEXT = entry(b"first", b"1"), entry(b"next", b"2")


def between(*parts: bytes, end: bytes = END) -> object:
    """A layer with something between two honest entries."""
    return layer(FIRST + b"".join(parts) + NEXT + end)


# Sizes

OUT_OF_RANGE = {
    "-512": base256(-512, 12),
    "-1": base256(-1, 12),
    "2-to-the-64": base256(2**64, 12),
    "all-ones": b"\xff" * 12,
    "-512-in-octal": b"-0000000512\0",
    "a-9-in-octal": b"00000000009\0",
    "letters": b"zzz",
}
for what, field in OUT_OF_RANGE.items():
    for flag in (b"0", b"5", b"1", b"S", b"x", b"L"):
        add(
            f"size-{what}-of-{flag.decode()}",
            lambda flag=flag, field=field: between(header(b"bad", type=flag, size=field)),
            "tar-header-invalid",
        )
for what, field in {
    "2-to-the-62": base256(2**62, 12),
    "2-to-the-63-less-1": base256(2**63 - 1, 12),
    "8-GiB": octal(8**11 - 1, 12),
}.items():
    add(f"size-{what}", lambda field=field: between(header(b"b", size=field)), "tar-truncated")
for text in (b"9223372036854775808", b"18446744073709551616", b"-1", b"-512", b"9" * 5000, b"1e3"):
    add(
        f"pax-size-{text[:20].decode()}",
        lambda text=text: between(pax({b"size": text}), entry(b"a", b"abc")),
        "tar-header-invalid",
    )
add(
    "pax-size-over-the-header-s",
    lambda: between(pax({b"size": b"700"}), entry(b"a", b"b")),
    code=(0, 1),
)
add(
    "pax-size-under-the-header-s",
    lambda: between(pax({b"size": b"0"}), entry(b"a", b"b" * 700)),
    "tar-ambiguous",
    code=(0, 1),
)
add(
    "pax-size-before-L",
    lambda: between(pax({b"size": b"3"}), gnu_long(b"L", b"long"), entry(b"s", b"abc")),
    "tar-ambiguous",
    code=0,
)
add(
    "L-and-then-a-pax-path",
    lambda: between(gnu_long(b"L", b"long"), pax({b"path": b"pax"}), entry(b"s")),
    "tar-ambiguous",
    code=0,
)

# Pax records

RECORDS = {
    "length-0": b"0 path=evil\n",
    "length-1": b"1 path=evil\n",
    "too-long": b"99 path=evil\n",
    "too-short": b"11 path=evil\n",
    "beyond-64-bits": b"999999999999999999999 path=evil\n",
    "400-KB-of-digits": b"1" * 400_000 + b" path=evil\n",
    "negative": b"-12 path=evil\n",
    "without-an-equals-sign": b"7 path\n",
    "without-a-key": b"4 =\n",
    "without-a-newline": b"13 path=evil ",
    "digits-of-unicode": b"\xb2 path=evil\n",
}
for what, payload in RECORDS.items():
    add(
        f"pax-record-{what}",
        lambda payload=payload: between(pax(pax_record(b"uid", b"5") + payload), entry(b"a")),
        "tar-header-invalid",
    )
add(
    "nul-in-a-pax-path",
    lambda: between(pax({b"path": b"good\0evil"}), entry(b"x")),
    "tar-header-invalid",
)
for flag in (b"x", b"g", b"L", b"K"):
    add(
        f"{flag.decode()}-of-200-MB",
        lambda flag=flag: between(header(b"x", type=flag, size=200 << 20)),
        "limit-exceeded",
    )
    add(
        f"2000-times-{flag.decode()}",
        lambda flag=flag: between(
            (gnu_long(flag, b"n") if flag in b"LK" else pax({b"a": b"b"}, type=flag)) * 2000
        ),
        "limit-exceeded",
    )
    add(
        f"{flag.decode()}-as-the-last-thing",
        lambda flag=flag: layer(
            FIRST + (gnu_long(flag, b"n") if flag in b"LK" else pax({b"a": b"b"}, type=flag)) + END
        ),
        "tar-header-invalid",
    )
add(
    "50000-pax-records",
    lambda: between(pax(b"".join(pax_record(b"k%d" % i, b"") for i in range(50_000))), entry(b"a")),
    code=0,
)
add(
    "xattrs-of-2-MiB",
    lambda: between(
        pax({b"SCHILY.xattr.user.a": b"x" * 900_000}),
        pax({b"SCHILY.xattr.user.b": b"x" * 900_000}, type=b"g"),
        entry(b"f"),
    ),
    "limit-exceeded",
    code=(1, 3),
)

# Headers that are none

add("garbage-and-an-entry-behind-it", lambda: between(b"A" * BLOCK), "tar-header-checksum")
add("garbage-alone", lambda: layer(b"\xff" * BLOCK * 20), "tar-header-checksum")
add(
    "garbage-3000-times",
    lambda: layer((b"A" * BLOCK + entry(b"a")) * 3000 + END),
    "tar-header-checksum",
)
add("wrong-checksum", lambda: between(header(b"bad", checksum=b"000001\0 ")), "tar-header-checksum")
add(
    "checksum-of-letters",
    lambda: between(header(b"bad", checksum=b"abcdefgh")),
    "tar-header-checksum",
)
for flag in (b"Z", b"\x7f", b"\xff", b"\x1b", b"7", b"D", b"M", b"V", b"N", b"X", b"A"):
    add(
        f"type-{flag.hex()}", lambda flag=flag: between(entry(b"odd", b"x", type=flag)), code=(0, 1)
    )
add("no-ustar-magic", lambda: between(entry(b"v7", b"1", magic=V7)), code=0)
add("magic-of-nobody", lambda: between(entry(b"m", b"1", magic=b"\x1b[2Jabcd")), code=(0, 1))
add(
    "spaces-for-zeros",
    lambda: between(entry(b"s", b"x", mode=b"   644 \0", mtime=b"          1\0")),
    code=0,
)
add(
    "times-at-the-edge",
    lambda: between(
        entry(b"t", mtime=base256(-(2**62), 12)),
        entry(b"u", mtime=base256(2**63 - 1, 12)),
        pax({b"mtime": b"9" * 400 + b".5"}),
        entry(b"v"),
    ),
    code=(0, 1),
)
add(
    "owners-at-the-edge",
    lambda: between(
        entry(b"t", uid=base256(2**31, 8), gid=b"\xff" * 8),
        pax({b"uid": b"-1", b"gid": b"9" * 99}),
        entry(b"v"),
    ),
    code=(0, 1),
)
add(
    "modes-at-the-edge",
    lambda: between(entry(b"t", mode=b"7777777\0"), entry(b"u", mode=b"\xff" * 8)),
    code=(0, 1),
)
add(
    "devices-at-the-edge",
    lambda: between(entry(b"t", type=b"3", devmajor=b"7777777\0", devminor=b"\xff" * 8)),
    code=(0, 1),
)
add("entries-behind-the-end-mark", lambda: layer(FIRST + END + NEXT + END), "tar-ambiguous", code=0)
add("no-end-mark", lambda: between(end=b""), "tar-no-end-mark", code=0)
add("only-an-end-mark", lambda: layer(END), code=0)
add("nothing-at-all", lambda: layer(b""), code=(0, 1))
add("one-byte", lambda: layer(b"x"), code=1)
add("cut-in-a-file", lambda: layer(entry(b"big", bytes(2000))[:1000]), "tar-truncated")
add("cut-in-a-header", lambda: layer(FIRST + header(b"x")[:300]), "tar-truncated")
for flag in (b"1", b"2", b"3", b"4", b"6"):
    add(
        f"body-of-a-{flag.decode()}",
        lambda flag=flag: between(
            header(b"odd", type=flag, linkname=b"first", size=512) + header(b"inside")
        ),
        "tar-ambiguous",
        code=0,
    )
add("folder-with-a-body", lambda: between(entry(b"dir/", b"x" * 600, type=b"5")), code=(0, 1))

# Sparse: a map that goes wrong is told where the content is asked for (tests/stream/test_sparse.py)

add(
    "sparse-of-8-EiB",
    lambda: between(gnu_sparse(b"s", [(2**63 - 2, 1)], b"x", 2**63 - 1)),
    code=(0, 1),
)
add(
    "sparse-backwards",
    lambda: between(gnu_sparse(b"s", [(1000, 5), (0, 5)], b"x" * 10, 2000)),
    code=0,
)
add(
    "sparse-overlapping",
    lambda: between(gnu_sparse(b"s", [(0, 10), (5, 10)], b"x" * 20, 2000)),
    code=0,
)
add(
    "sparse-beyond-its-size",
    lambda: between(gnu_sparse(b"s", [(0, 10), (5000, 10)], b"x" * 20, 20)),
    code=0,
)
add(
    "sparse-more-than-stored",
    lambda: between(gnu_sparse(b"s", [(0, 5000)], b"x" * 20, 5000)),
    code=(0, 1),
)
add(
    "sparse-of-70000-regions",
    lambda: between(gnu_sparse(b"s", [(i * 2, 0) for i in range(70_000)], b"", 200_000)),
    "limit-exceeded",
)
for what, records in {
    "0.0": {b"GNU.sparse.size": b"99999999999999999999", b"GNU.sparse.numblocks": b"-1"},
    "0.1": {b"GNU.sparse.map": b"1,2,3", b"GNU.sparse.size": b"9"},
    "0.1-long": {b"GNU.sparse.map": b",".join([b"0,0"] * 60_000), b"GNU.sparse.size": b"9"},
    "1.0": {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"9"},
    "9.9": {b"GNU.sparse.major": b"9", b"GNU.sparse.minor": b"9", b"GNU.sparse.name": b"../n"},
}.items():
    for content in (b"", b"10000000\n0\n1\n", b"9" * 511 + b"\n", b"\xff" * 600):
        add(
            f"sparse-{what}-{content[:2].hex() or 'empty'}",
            lambda records=records, content=content: between(pax(records), entry(b"s", content)),
            code=(0, 1, 3),
        )

# Names

for what, name in {
    "part-of-256-bytes": b"p" * 256,
    "path-of-4097-bytes": (b"p" * 127 + b"/") * 31 + b"p" * 129,
    "100000-folders-deep": b"d/" * 100_000 + b"f",
}.items():
    add(
        f"name-{what}",
        lambda name=name: between(pax({b"path": name}), entry(b"x")),
        "limit-exceeded",
    )
for i, name in enumerate(
    (
        b"../up",
        b"a/../../up",
        b"/abs",
        b"//abs",
        b"./.",
        b"",
        b"/",
        b".",
        b"..",
        b"d/..",
        b"a//b",
        b"./a/./b/",
    )
):
    add(f"name-{i}-{name.decode()!a}", lambda name=name: between(entry(name, b"evil")), code=(0, 1))
for i, name in enumerate(
    (
        b"C:..\\x",
        b"CON",
        b"a:b",
        b"nul.txt",
        b"dot.",
        b"blank ",
        b"a\\b",
        b"\\\\server\\share",
        b"x?*<>|",
    )
):
    add(f"name-of-windows-{i}", lambda name=name: between(entry(name)), code=0)
add("path-twice", lambda: between(FIRST, FIRST), "path-duplicate", code=0)
add(
    "path-twice-of-other-kinds",
    lambda: layer(TarBuilder().file("x", b"1").dir("x").file("x/y").symlink("x", "d").file("x")),
    code=(0, 1),
)
add(
    "names-that-differ-by-case",
    lambda: layer(TarBuilder().file("Makefile").file("makefile").dir("D").file("D/a")),
    "path-collision",
    code=0,
)
add(
    "names-that-differ-by-form",
    lambda: layer(TarBuilder().file("caf\u00e9").file("cafe\u0301")),
    "path-collision",
    code=0,
)
add(
    "names-of-all-bytes",
    lambda: layer(
        TarBuilder().file(bytes(i for i in range(1, 256) if i != 47)[:200]).file(b"\xff\xfe")
    ),
    "path-encoding",
    code=0,
)
add(
    "link-target-of-5000-bytes",
    lambda: between(pax({b"linkpath": b"t/" * 3000}), entry(b"l", type=b"2")),
    "limit-exceeded",
)
add(
    "30000-implied-folders",
    lambda: layer(
        TarBuilder().file("/".join(["i"] * 900) + "/f").file("/".join(["j"] * 900) + "/f")
    ),
    code=0,
)
add(
    "setuid-and-devices",
    lambda: layer(
        TarBuilder().file("su", b"x", mode=0o6777).char("null", 1, 3).block("sda", 8, 0).fifo("p")
    ),
    code=0,
)
add(
    "5000-entries-of-one-path",
    lambda: layer(entry(b"a/b/c") * 5000 + END),
    "path-duplicate",
    code=0,
)
add(
    "gnu-magic-with-a-prefix",
    lambda: between(header(b"x", magic=GNU, patch={345: b"12345678901\0" * 4})),
    code=(0, 1),
)
