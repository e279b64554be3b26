"""Small tars with everything in them, to begin with."""

from __future__ import annotations

from support.tars import BLOCK, END, GNU, V7, TarBuilder, entry, gnu_long, gnu_sparse, header, pax

SPARSE_0_0 = pax(
    b"22 GNU.sparse.size=10\n" + b"26 GNU.sparse.numblocks=1\n" + b"23 GNU.sparse.offset=2\n"
    b"25 GNU.sparse.numbytes=5\n"
) + entry(b"s00", b"12345")
SPARSE_0_1 = pax(
    {b"GNU.sparse.size": b"10", b"GNU.sparse.numblocks": b"1", b"GNU.sparse.map": b"2,5"}
) + entry(b"s01", b"12345")
SPARSE_1_0 = pax(
    {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": b"real",
        b"GNU.sparse.realsize": b"99",
    }
) + entry(b"GNUSparseFile.0/real", b"1\n3\n5\n".ljust(BLOCK, b"\0") + b"12345")
OLD_SPARSE = gnu_sparse(b"sparse", [(i * 3, 1) for i in range(9)], b"y" * 9, 4000)


def seed_tars() -> list[bytes]:
    """Tars of a few blocks."""
    rich = TarBuilder().dir("d", mode=0o1777).file("d/a", b"a" * 700, uid=1000, mtime=1_700_000_000)
    rich.symlink("s", "d/a").hardlink("h", "d/a").char("c", 1, 3).fifo("p").whiteout("gone").opaque(
        "d"
    )
    rich.file("n" * 150, b"long", xattrs={b"user.a": b"value"})
    gnu = TarBuilder("gnu").file("g" * 120, b"1").symlink("l", "t" * 130)
    return [
        rich.build(),
        gnu.build(),
        OLD_SPARSE + entry(b"next", b"1") + END,
        SPARSE_0_0 + SPARSE_0_1 + END,
        SPARSE_1_0 + entry(b"next") + END,
        entry(b"old", b"data", type=b"\0", magic=V7) + header(b"d/", type=b"\0", magic=V7) + END,
        pax({b"mtime": b"1.5", b"SCHILY.xattr.user.x": b"1"}, type=b"g")
        + entry(b"a")
        + entry(b"b")
        + END,
        pax({b"size": b"3"}) + gnu_long(b"L", b"x" * 101) + entry(b"a", b"123", magic=GNU) + END,
        b"".join(entry(b"f%d" % i, b"x" * i) for i in range(20)) + END + entry(b"behind"),
        END,
        entry(b"no-end", b"1"),
    ]


def seed_layers() -> list[bytes]:
    """Layers whose merge has something to do."""
    lower = (
        TarBuilder().dir("etc").file("etc/a", b"1").file("etc/b", b"22").symlink("lib", "usr/lib")
    )
    lower.hardlink("etc/c", "etc/a")
    upper = TarBuilder().whiteout("etc/a").file("lib/x", b"3").opaque("etc").file("etc/b", b"22")
    return [lower.build(), upper.build()]
