"""Compressed layers and archives that are damaged or mislead; HOSTILE.md, "Compression".

What expands to gigabytes is in :mod:`hostile.bombs`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from dataclasses import replace

import zstandard
from hostile.cases import Archive, Theme, below, docker
from support.images import COMPRESSIONS, OCI_LAYER, compress, oci_layout, skippable
from support.tars import TarBuilder

add = Theme("compression")

TAR = TarBuilder().file("top", b"content " * 300).build()


def blob(data: bytes, kind: str = "gzip", tar: bytes = TAR) -> Archive:
    """A layer stored as these bytes, said to be of this compression and to hold this tar."""
    image = below().layer(tar)
    image.layers[1] = replace(image.layers[1], blob=data, media_type=f"{OCI_LAYER}+{kind}")
    return oci_layout(image)


def changed(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


for how in COMPRESSIONS:
    kind = how.partition("-")[0]
    # No spec has a media type for xz or bzip2: the digests hold, the type is unknown.
    code = 0 if kind in ("gzip", "zstd") else 1
    add(f"layer-{how}", lambda how=how, kind=kind: blob(compress(TAR, how), kind), code=code)
    add(f"archive-{how}", lambda how=how: compress(docker().tar(), how), code=0)

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "head": lambda data: data[:11],
    "garbage-behind": lambda data: data + b"garbage",
    "flip-at-the-end": lambda data: changed(data, -1),
    "flip-in-its-checksum": lambda data: changed(data, -3),
    "flip-in-the-middle": lambda data: changed(data, len(data) // 2),
    "flip-in-its-header": lambda data: changed(data, 4),
}
for kind, pack in PACKED.items():
    for what, damage in DAMAGE.items():
        # bzip2's header ends with a checksum that is made of padding bits in part, gzip's fifth
        # byte is a time: the digest tells of those.
        add(
            f"layer-{kind}-{what}",
            lambda pack=pack, damage=damage, kind=kind: blob(damage(pack(TAR)), kind),
            code=(0, 1),
        )
        add(
            f"archive-{kind}-{what}",
            lambda pack=pack, damage=damage: damage(pack(docker().tar())),
            code=(0, 1, 3),
        )
    add(
        f"layer-{kind}-told-as-it-was",
        lambda pack=pack, kind=kind: damaged_after(pack, kind),
        "blob-digest-mismatch",
    )
    add(f"{kind}-in-itself", lambda pack=pack, kind=kind: blob(pack(pack(TAR)), kind))
    add.cases[-1:] = [replace(add.cases[-1], codes=(1,))]


def damaged_after(pack: Callable[[bytes], bytes], kind: str) -> Archive:
    archive = blob(pack(TAR), kind)
    name = next(one.name for one in archive.members if one.data == pack(TAR))
    return archive.flip_bit(name, 20)


add("type-says-zstd", lambda: blob(compress(TAR, "gzip"), "zstd"), "media-type-mismatch", code=0)
add("type-says-gzip", lambda: blob(TAR, "gzip"), "media-type-mismatch", code=0)
add("type-says-nothing", lambda: blob(compress(TAR, "zstd"), "x"), "media-type-unknown")


def frame(window_log: int, data: bytes = b"\1\0\0") -> bytes:
    """A zstd frame that asks for a window of 2^n bytes (RFC 8878 section 3.1.1.1.2)."""
    return struct.pack("<IBB", 0xFD2FB528, 0, window_log - 10 << 3) + data


for log in (28, 30, 31, 41):
    add(f"window-of-2-to-the-{log}", lambda log=log: blob(frame(log), "zstd"), "limit-exceeded")
    add(f"archive-window-of-2-to-the-{log}", lambda log=log: frame(log) * 99, says="window")
add("window-of-2-to-the-27", lambda: blob(frame(27), "zstd"), code=1)
add(
    "window-of-2-to-the-31-behind-a-good-frame",
    lambda: blob(compress(TAR, "zstd") + frame(31), "zstd"),
    "limit-exceeded",
)
add(
    "content-size-of-2-to-the-62",
    lambda: blob(struct.pack("<IBQ", 0xFD2FB528, 0xC0 | 0x20, 1 << 62) + b"\1\0\0", "zstd"),
    code=(1, 3),
)
add("a-dictionary", lambda: blob(struct.pack("<IBB", 0xFD2FB528, 0x21, 7) + b"\0\1\0\0", "zstd"))
add.cases[-1:] = [replace(add.cases[-1], codes=(1,))]
add(
    "skippable-of-4-GiB",
    lambda: blob(b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + b"x" * 99, "zstd"),
    "layer-corrupt",
)
add("skippable-frames-alone", lambda: blob(skippable(b"x") * 500, "zstd"), code=(0, 1))
add(
    "5000-skippable-frames",
    lambda: blob(skippable(b"") * 5000 + compress(TAR, "zstd"), "zstd"),
    code=0,
)
add(
    "5000-empty-members",
    lambda: blob(gzip.compress(b"", mtime=0) * 5000 + compress(TAR, "gzip")),
    code=0,
)
add(
    "gzip-name-without-an-end",
    lambda: blob(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 10**6),
    "layer-corrupt",
)
add("gzip-reserved-flags", lambda: blob(b"\x1f\x8b\x08\xe0" + bytes(99)), "layer-corrupt")
add("gzip-of-a-method-unknown", lambda: blob(b"\x1f\x8b\x07" + bytes(999)), code=(0, 1))
add(
    "gzip-then-zstd",
    lambda: blob(compress(TAR[:600], "gzip") + compress(TAR[600:], "zstd")),
    "layer-corrupt",
)
add(
    "xz-that-asks-for-4-GiB",
    lambda: blob(xz_of_a_large_dictionary(), "xz"),
    code=(1, 3),
)


def xz_of_a_large_dictionary() -> bytes:
    """The header of a block whose filter wants 4 GiB - 1, its checksums right."""
    import zlib

    flags = b"\x00\x00"
    head = b"\xfd7zXZ\x00" + flags + struct.pack("<I", zlib.crc32(flags))
    block = b"\x02\x00\x21\x01\x28\x00\x00\x00"
    return head + block + struct.pack("<I", zlib.crc32(block)) + bytes(99)


add("lzma-alone", lambda: blob(lzma.compress(TAR, lzma.FORMAT_ALONE), "xz"), code=1)
add(
    "30-MB-of-zeros",
    lambda: blob(gzip.compress(TAR[:-1024] + bytes(30 << 20), 9, mtime=0), tar=b""),
    code=1,
)
