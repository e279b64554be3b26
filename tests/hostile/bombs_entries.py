"""Bombs of entries: very many, each with as much as it may have for nothing, or with more."""

from __future__ import annotations

from collections.abc import Iterator

from hostile.bombs import BOMBS, MIB, bomb, gzip_of, layers, long_path, wide, wide_tar
from hostile.bombs_outer import HEAVY, filled, heaviest
from support.images import Archive
from support.tars import END, TarBuilder, header, pax

__all__ = ["BOMBS"]

COUNT = 1_000_000
USTAR = b"ustar\x0000"
FOLDER = b"p" * 150


def in_a_folder(count: int) -> Iterator[bytes]:
    """Names of 97 bytes in a folder of 150."""
    for i in range(count):
        yield header(b"%07d" % i + b"n" * 90, magic=USTAR, patch={345: FOLDER})
    yield END


def short_links(count: int) -> Iterator[bytes]:
    """A hundred bytes of name and target together: all that each may have for nothing."""
    for i in range(count):
        yield header(b"%07d" % i + b"n" * 33, type=b"2", linkname=b"t" * 60)
    yield END


def links(count: int) -> Iterator[bytes]:
    for i in range(count):
        target = b"%07d" % i + b"t" * 92
        yield header(b"%07d" % i + b"n" * 90, type=b"2", linkname=target)
    yield END


def names_of_250(count: int) -> Iterator[bytes]:
    for i in range(count):
        more = {b"path": b"%07d" % i + b"n" * 243, b"mtime": b"%d.%09d" % (i, i + 1)}
        yield pax(more) + header(b"x")
    yield END


def moments(count: int) -> Iterator[bytes]:
    """What few entries have is a column of its own: here all of them have it."""
    for i in range(count):
        yield pax({b"mtime": b"%d.%09d" % (i, i + 1)}) + header(b"%07d" % i)
    yield END


def folders(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield header(b"%07d/" % i, type=b"5")
    yield END


def deep_folders(count: int) -> Iterator[bytes]:
    """Folders in folders, forty deep, each of them a folder's path of its own."""
    for i in range(count // 40):
        for depth in range(40):
            yield header(b"%05d/" % i + b"d/" * depth, type=b"5")
    yield END


def files(count: int, mark: bytes = b"") -> Iterator[bytes]:
    for i in range(count):
        yield header(b"d/pkg%05d/modules/file%07d%s.py" % (i // 20, i, mark))
    yield END


def capitals(count: int) -> Iterator[bytes]:
    """Names of one folder that differ in their case alone: each is looked at by itself."""
    for i in range(count // 2):
        yield header(b"%07d" % i + b"n" * 90)
        yield header(b"%07d" % i + b"N" * 90)
    yield END


def lost_names(count: int) -> Iterator[bytes]:
    """Inodes with many names, which they lose one by one to files."""
    for i in range(count // 4):
        yield header(b"a%07d" % i)
        yield header(b"b%07d" % i, type=b"1", linkname=b"a%07d" % i)
        name = {b"path": long_path(i % 1000)}
        yield pax(name) + header(b"x", type=b"1", linkname=b"a%07d" % i)
        yield pax(name) + header(b"x")
    yield END


def small_targets(layer: int, count: int) -> Iterator[bytes]:
    for i in range(count):
        target = b"%d/%d/" % (layer, i) + b"t" * 4000
        yield pax({b"linkpath": target}) + header(b"%d-%d" % (layer, i), type=b"2")
    yield END


def short_in_long(count: int) -> Iterator[bytes]:
    """Names of 87 bytes in a folder of 3,765: its path is kept once, until all are written out."""
    folder = b"/".join([b"q" * 250] * 15)
    for i in range(count):
        yield pax({b"path": folder + b"/%07d" % i + b"n" * 80}) + header(b"x")
    yield END


bomb(
    "short-in-long",
    lambda: layers(gzip_of(short_in_long(60_000)), gzip_of([TarBuilder().opaque("").build()])),
    60_001,
)
bomb("in-a-long-folder", lambda: layers(gzip_of(in_a_folder(COUNT))), COUNT)
bomb("short-links", lambda: layers(gzip_of(short_links(COUNT))), COUNT, large=True)
bomb("links", lambda: layers(gzip_of(links(COUNT))), COUNT, large=True)
bomb("names-of-250", lambda: layers(gzip_of(names_of_250(COUNT // 4))), COUNT // 4)
bomb("moments", lambda: layers(gzip_of(moments(COUNT // 2))), COUNT // 2, large=True)
bomb("folders", lambda: layers(gzip_of(folders(COUNT))), COUNT, large=True)
bomb("folders-in-folders", lambda: layers(gzip_of(deep_folders(COUNT // 2))), COUNT // 2)
bomb("capitals", lambda: layers(gzip_of(capitals(COUNT))), COUNT, large=True)
bomb("lost-names", lambda: layers(gzip_of(lost_names(200_000))), 200_000)
bomb(
    "all-dead",
    lambda: layers(gzip_of(files(COUNT)), gzip_of([TarBuilder().opaque("d").build()])),
    COUNT + 1,
)
bomb(
    "overwritten",
    lambda: layers(*(gzip_of(files(COUNT // 4)) for _ in range(4))),
    COUNT,
    large=True,
)
bomb(
    "layers-of-targets",
    lambda: layers(*(gzip_of(small_targets(i, 100)) for i in range(300))),
    30_000,
)


def everything() -> Archive:
    """A heavy document, entries that spend nearly all they may, and the largest window."""
    window = wide(wide_tar(160 * MIB, 1), 27)
    return filled("history", heaviest(*HEAVY["history"]), window, gzip_of(small_targets(0, 6_000)))


bomb("everything-at-once", everything, 6_000, large=True)
