"""Archives that are small and ask for much: written piece by piece, as some expand to gigabytes.

Each is a function that writes into a folder and returns the path. ``entries`` is how many tar
entries it has, for which memory may be taken (HOSTILE.md, promise 3).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import zstandard
from hostile.cases import below
from support.images import (
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Archive,
    ImageBuilder,
    descriptor,
    docker_archive,
    oci_layout,
    skippable,
    to_json,
)
from support.tars import BLOCK, END, GNU, ZERO, TarBuilder, entry, header, octal, pax

MIB = 1 << 20
GIB = 1 << 30
JSON_BYTES = 4 * MIB


@dataclass(frozen=True, slots=True)
class Bomb:
    """An archive that asks for much. ``large`` ones are written in the slow mode alone."""

    name: str
    write: Callable[[Path], Path]
    entries: int = 0
    large: bool = False


BOMBS: dict[str, Bomb] = {}


def bomb(
    name: str, make: Callable[[], Archive | bytes], entries: int = 0, *, large: bool = False
) -> None:
    """File a bomb; ``make`` gives an archive, or the bytes of a file."""

    def write(folder: Path) -> Path:
        made = make()
        path = folder / "bomb.tar"
        path.write_bytes(made if isinstance(made, bytes) else made.tar())
        return path

    BOMBS[name] = Bomb(name, write, entries, large)


def layers(*blobs: bytes, kind: str = "gzip") -> Archive:
    """An image with these blobs for layers; nobody says what is in them."""
    image = below()
    for blob in blobs:
        image.layer(END)
        image.layers[-1] = replace(image.layers[-1], blob=blob, media_type=f"{OCI_LAYER}+{kind}")
    return oci_layout(image)


# Streams that expand


def gzip_of(pieces: Iterable[bytes]) -> bytes:
    """A gzip member of pieces, one after the other."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def zeros_in_gzip(size: int) -> bytes:
    """A gzip member of zeros."""
    return gzip_of_the_same(bytes(MIB), size // MIB)


def gzip_of_the_same(piece: bytes, times: int, last: bytes = b"") -> bytes:
    """A gzip member of one piece over and over, quickly: it is compressed once."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(times):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(last, crc)
    end = packer.compress(last) + packer.flush()
    size = (len(piece) * times + len(last)) % (1 << 32)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + packed * times + end + struct.pack("<II", crc, size)


def zeros_in_zstd(size: int, window_log: int = 20) -> bytes:
    """A frame of RLE blocks, four bytes for 128 KiB (RFC 8878 section 3.1.1.2)."""
    block = 128 << 10
    head = struct.pack("<IBB", 0xFD2FB528, 0, window_log - 10 << 3)
    one = struct.pack("<I", block << 3 | 1 << 1)[:3] + b"\0"
    return head + one * (size // block) + b"\1\0\0"


FILE = header(b"zeros", size=8 * GIB)
"""What makes a file of the zeros behind it."""


def behind(compressed: bytes, pack: Callable[[bytes], bytes]) -> bytes:
    return pack(FILE) + compressed


pack_gzip = partial(gzip.compress, mtime=0)
pack_zstd = zstandard.ZstdCompressor().compress

bomb("gzip", lambda: layers(behind(zeros_in_gzip(2 * GIB), pack_gzip)))
bomb("gzip-members", lambda: layers(behind(zeros_in_gzip(64 * MIB) * 32, pack_gzip)))
bomb("zstd", lambda: layers(behind(zeros_in_zstd(4 * GIB), pack_zstd), kind="zstd"))
bomb("zstd-frames", lambda: layers(behind(zeros_in_zstd(MIB) * 4096, pack_zstd), kind="zstd"))
bomb("bzip2", lambda: layers(bz2.compress(FILE) + bz2.compress(bytes(64 * MIB)) * 32), large=True)
bomb("xz", lambda: layers(lzma.compress(FILE) + lzma.compress(bytes(64 * MIB)) * 32), large=True)
bomb("archive-in-gzip", lambda: behind(zeros_in_gzip(2 * GIB), pack_gzip))
bomb("archive-in-zstd", lambda: behind(zeros_in_zstd(4 * GIB), pack_zstd))
bomb("skippable-frames", lambda: layers(skippable(b"") * 1_000_000, kind="zstd"))
bomb("skippable-archive", lambda: skippable(b"") * 1_000_000)
bomb("empty-members", lambda: layers(pack_gzip(b"") * 1_000_000))
bomb("gzip-header", lambda: layers(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (64 * MIB)))

# Windows: what a decoder keeps


def wide(data: bytes, log: int) -> bytes:
    """A zstd frame that asks for a window of 2^log bytes, and fills it."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(data) + packer.flush()


def noise(size: int, seed: int) -> bytes:
    """Bytes that do not shrink, the same each time."""
    return hashlib.shake_128(b"%d" % seed).digest(size)


def wide_tar(size: int, seed: int) -> bytes:
    return entry(b"noise", noise(MIB, seed) * (size // MIB)) + END


def large_xz(data: bytes) -> bytes:
    """xz whose dictionary is 64 MiB, as of ``xz -9``."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 96 * MIB}]
    return lzma.compress(data, filters=filters)


bomb(
    "wide-layers",
    lambda: layers(*(wide(wide_tar(160 * MIB, i), 27) for i in range(4)), kind="zstd"),
)
bomb("xz-layers", lambda: layers(*(large_xz(wide_tar(128 * MIB, i)) for i in range(4)), kind="xz"))
bomb(
    "wide-in-wide",
    lambda: wide(
        entry(b"noise", noise(MIB, 9) * 160) + layers(wide(wide_tar(160 * MIB, 1), 27)).tar(), 27
    ),
)
bomb(
    "xz-in-xz",
    lambda: large_xz(
        entry(b"noise", noise(MIB, 9) * 128) + layers(large_xz(wide_tar(128 * MIB, 1))).tar()
    ),
)

# Tars

PART = b"p" * 250


def long_path(number: int) -> bytes:
    """A path of 4,000 bytes."""
    return b"%08d/" % number + (PART + b"/") * 15 + b"f" * 200


LONG_PATHS = b"".join(pax({b"path": long_path(number)}) + header(b"x") for number in range(1000))
"""A thousand entries; the same paths again are other objects."""


def entries(names: Iterable[bytes]) -> Iterator[bytes]:
    for name in names:
        yield pax({b"path": name}) + header(b"x") if len(name) > 100 else header(name)
    yield END


def numbered(count: int) -> Iterator[bytes]:
    return (b"%d" % i for i in range(count))


bomb("pax-200-MB", lambda: layers(gzip_of(pax_of(200 * MIB))))


def pax_of(size: int) -> Iterator[bytes]:
    yield header(b"x", type=b"x", size=size) + b"%d path=" % size
    yield from (b"x" * MIB for _ in range(size // MIB))
    yield bytes(BLOCK) + END


def sparse(blocks: int) -> Iterator[bytes]:
    yield header(b"s", type=b"S", magic=GNU, patch={482: b"\1"})
    full = (octal(1, 12) * 42)[:504] + b"\1" + bytes(7)
    yield from (full * 1000 for _ in range(blocks // 1000))
    yield ZERO + END


bomb("sparse-regions", lambda: layers(gzip_of(sparse(476_000))))
bomb("entries", lambda: layers(gzip_of(entries(numbered(1_000_001)))), 1_000_001)
bomb("all-entries", lambda: layers(gzip_of(entries(numbered(4_000_001)))), 4_000_001, large=True)
bomb("long-paths", lambda: layers(gzip_of_the_same(LONG_PATHS, 150, END)), 150_000)
bomb("long-links", lambda: layers(gzip_of(long_links(150_000))), 150_000)
bomb("long-owners", lambda: layers(gzip_of(owners(100_000))), 100_000)
bomb("deep", lambda: layers(gzip_of(entries([b"d/" * 100_000 + b"f"]))), 1)
bomb(
    "deep-folders",
    lambda: layers(gzip_of(entries(b"%d/" % i + b"d/" * 1000 + b"f" for i in range(2000)))),
    2000,
)
bomb("opaque", lambda: two_layers(100_000, 50_000), 150_000)
bomb("attributes", lambda: layers(gzip_of(attributes(2_000))), 2_000)
bomb("small-attributes", lambda: layers(gzip_of(small_attributes(300_000))), 300_000)
bomb(
    "garbage",
    lambda: layers(gzip_of((b"A" * BLOCK + entry(b"a")) * 1000 for _ in range(200))),
    200_000,
)
bomb(
    "odd-names",
    lambda: layers(gzip_of(entries(b"\xff\x1b../%d/../x" % i for i in range(200_000)))),
    200_000,
)


def long_links(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield pax({b"linkpath": long_path(i)}) + header(b"%d" % i, type=b"2")
    yield END


def owners(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield pax({b"uname": b"u%d" % i + b"u" * 4000}) + header(b"%d" % i)
    yield END


def attributes(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield pax({b"SCHILY.xattr.user.a": b"%d" % i + b"x" * 200_000}) + header(b"%d" % i)
    yield END


def small_attributes(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield pax({b"SCHILY.xattr.user.%d" % i: b"%d" % i}) + header(b"%d" % i)
    yield END


def two_layers(files: int, opaque: int) -> Archive:
    one, two = TarBuilder(), TarBuilder()
    for i in range(files):
        one.file(f"{i % opaque}/{i}")
    for i in range(opaque):
        two.opaque(str(i))
    return layers(gzip_of([one.build()]), gzip_of([two.build()]))


# The outer tar


def many_members(count: int) -> bytes:
    rest = below()
    return b"".join(header(b"%d" % i) for i in range(count)) + docker_archive(rest).tar()


bomb("members", lambda: many_members(900_000), 900_000)
bomb("members-in-gzip", lambda: pack_gzip(many_members(900_000)), 900_000)
bomb("small-members-in-gzip", lambda: gzip_of(small_members(2000)), 2000)


def small_members(count: int) -> Iterator[bytes]:
    for i in range(count):
        yield entry(b"%d" % i, b"{%d" % i + b" " * 60_000)
    yield docker_archive(below()).tar()


# Documents


FILLINGS = {
    "objects": "{}",
    "arrays": "[]",
    "objects-of-one": '{"a":{}}',
    "objects-of-two": '{"a":1,"b":2}',
    "numbers": "1e9",
    "large-numbers": "-9000000000000000000",
    "nothing": "0",
    "strings": '"\\u4e00"',
}
PLACES = ("config", "label", "manifest", "index", "manifest.json")


def document(place: str, value: bytes) -> Archive:
    """An image one document of which has this JSON in it."""
    mark = "\0value"

    def put(data: bytes) -> bytes:
        return data.replace(json.dumps(mark).encode(), value)

    if place == "manifest.json":
        archive = docker_archive(below())
        archive.edit("manifest.json", lambda all_: all_[0].update(x=mark))
        return archive.replace("manifest.json", put(archive["manifest.json"]))
    if place == "index":
        archive = oci_layout(below())
        archive.edit("index.json", lambda one: one.update(manifests=[*one["manifests"], mark]))
        data = archive["index.json"].replace(b"," + json.dumps(mark).encode(), b"," + value[1:-1])
        return archive.replace("index.json", data)
    image = _Patched(put)
    image.layer(TarBuilder().file("a", b"1"))
    if place == "config":
        image.patch_config(lambda one: one.update(x=mark))
    elif place == "label":
        image.patch_config(lambda one: one.update(history=mark))
    else:
        image.patch_manifest(lambda one: one.update(layers=mark))
    return oci_layout(image)


class _Patched(ImageBuilder):
    """An image whose documents are changed as text, before they are digested."""

    def __init__(self, put: Callable[[bytes], bytes]) -> None:
        super().__init__("a:1")
        self._put = put

    @property
    def config(self) -> bytes:
        return self._put(super().config)

    @property
    def manifest(self) -> bytes:
        return self._put(super().manifest)


for _place in PLACES:
    for _what, _text in FILLINGS.items():
        bomb(
            f"json-{_what}-in-{_place}",
            lambda place=_place, text=_text: document(place, fitting(text)),
            large=(_place, _what)
            not in {
                ("config", "objects"),
                ("manifest.json", "objects-of-one"),
                ("index", "objects"),
            },
        )


def fitting(text: str) -> bytes:
    """An array that leaves room for the rest of its document."""
    one = text.encode() + b","
    return b"[" + one * ((JSON_BYTES - 4000) // len(one)) + b"0]"


bomb("json-brackets", lambda: document("config", b"[" * (JSON_BYTES - 4000)))
bomb(
    "json-text",
    lambda: document("config", json.dumps("\U0001f600" + "x" * (JSON_BYTES - 9000)).encode()),
)
bomb("json-keys", lambda: document("config", keys(180_000)))
bomb("json-many", lambda: many_documents(40, fitting("{}")))
bomb("json-many-texts", lambda: many_documents(60, json.dumps("x" * (JSON_BYTES - 9000)).encode()))
bomb("images", lambda: many_images(9_000), 9_000, large=True)


def keys(count: int) -> bytes:
    return to_json({f"key number {i}": i for i in range(count)})


def many_documents(count: int, value: bytes) -> Archive:
    """As many images, each with a config of 4 MiB."""
    archive = Archive().add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    manifests: list[dict[str, Any]] = []
    for i in range(count):
        image = _Patched(lambda data: data.replace(b'"\\u0000value"', value))
        image.layer(TarBuilder().file("a", b"%d" % i))
        image.patch_config(lambda one: one.update(x="\0value"))
        archive.add_blob(image.layers[0].blob).add_blob(image.config).add_blob(image.manifest)
        manifests.append(descriptor(OCI_MANIFEST, image.manifest))
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return archive.add_json("index.json", index)


def many_images(count: int) -> Archive:
    """One image under as many names, each an image of its own in manifest.json."""
    archive = docker_archive(below(), style="skopeo")
    return archive.edit(
        "manifest.json", lambda one: [one[0] | {"RepoTags": [f"a:{i}"]} for i in range(count)]
    )
