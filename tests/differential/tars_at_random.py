"""Tars by number: well-formed ones in every form, and others that were changed."""

from __future__ import annotations

from random import Random

from support.from_root import beside
from support.tars import END, TarBuilder

NAMES = (b"a", b"b", b"c d", b"\xc3\xa9", b"x" * 60, b"usr", b".wh.a", b"\xff", b"n\nl")


def well_formed(number: int) -> bytes:
    """Entries of every type, long names and large numbers in one of three forms."""
    chance = Random(f"well formed {number}")
    form = chance.choice(("pax", "gnu", "ustar"))
    builder = TarBuilder(form)
    for _ in range(chance.randrange(12)):
        parts = [chance.choice(NAMES) for _ in range(chance.choice((1, 1, 2, 3, 5)))]
        name = b"/".join(parts)
        if form == "ustar" and (len(name) > 100 or len(name) > 90):
            name = name[-90:].lstrip(b"/")
        name = chance.choice((b"", b"", b"./", b"/")) + name if len(name) < 90 else name
        kind = chance.randrange(9)
        if kind < 4:
            size = chance.choice((0, 1, 511, 512, 513, 3000))
            owner = chance.choice((0, 1000, 2**21, 2**31 - 1))
            time = chance.choice((0, 1_700_000_000, 2**33 + 1))
            builder.file(name, chance.randbytes(size), mode=0o4755, uid=owner, mtime=time)
        elif kind == 4:
            builder.dir(name)
        elif kind == 5:
            builder.symlink(name, chance.choice((b"../t", b"/abs", b"t" * 120, name[-80:])))
        elif kind == 6:
            builder.hardlink(name, chance.choice((b"a", b"./a", b"u" * 120)))
        elif kind == 7:
            builder.char(name, 1, 3)
        else:
            builder.fifo(name)
    return builder.build(chance.choice((END, END * 10)))


def changed(number: int) -> bytes:
    """A small tar changed in one to three rounds, its checksums mostly mended."""
    chance = Random(f"changed {number}")
    seeds: list[bytes] = beside("fuzz.seed_tars").seed_tars()
    mutate = beside("fuzz.mutate_tar").mutate_tar
    tar = chance.choice((*seeds, well_formed(number)))
    for _ in range(chance.choice((1, 1, 2, 3))):
        tar = mutate(tar, chance)
    return tar[: 1 << 16]
