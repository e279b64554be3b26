"""Bombs around the layers: members of the outer archive, documents that are large once read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from hostile.bombs import BOMBS, MIB, bomb, gzip_of, noise, wide, wide_tar
from hostile.cases import below
from support.images import OCI_LAYER, Archive, ImageBuilder, docker_archive, oci_layout
from support.tars import END, TarBuilder, entry, gnu_long, header

from oci_inspect.limits import Limits
from oci_inspect.spec.weight import json_weight

__all__ = ["BOMBS"]

COUNT = 980_000
"""Members of an archive, a few below the limit."""

# Members


def image_of_few() -> bytes:
    return docker_archive(below()).tar()


def members(pieces: Iterable[bytes], rest: Callable[[], bytes] = image_of_few) -> Iterator[bytes]:
    """An archive with so many members in front of an image; they go through gzip in a moment."""
    yield from pieces
    yield rest()


def joined(pieces: Iterable[bytes]) -> bytes:
    return b"".join(pieces)


def links(kind: bytes, count: int = COUNT) -> Iterator[bytes]:
    """Links, the names and targets of which are as long as may be for nothing."""
    return (header(b"%07d" % i + b"n" * 43, type=kind, linkname=b"t" * 50) for i in range(count))


def folded() -> Iterator[bytes]:
    """An archive in a folder, whose members are all of them in it."""
    archive = docker_archive(below())
    for one in archive.members:
        yield entry(b"folder/" + one.name.encode(), one.data)
    for i in range(COUNT):
        yield header(b"folder/%07d" % i + b"n" * 80)
    yield END


def blobs(count: int, name: Callable[[int], bytes] = lambda i: b"%064x" % i) -> Iterator[bytes]:
    """Blobs that no image needs, and that do not hash to their names."""
    return (header(b"blobs/sha256/" + name(i)) for i in range(count))


def long_names(count: int, kind: bytes) -> Iterator[bytes]:
    for i in range(count):
        name = b"%07d/" % i + b"/".join([b"q" * 250] * 15)
        yield gnu_long(b"L" if kind == b"0" else b"K", name)
        yield header(b"%07d" % i, type=kind, linkname=b"x")


bomb("outer-symlinks", lambda: joined(members(links(b"2"))), COUNT)
bomb("outer-hard-links-in-gzip", lambda: gzip_of(members(links(b"1"))), COUNT, large=True)
bomb("outer-in-a-folder-in-gzip", lambda: gzip_of(folded()), COUNT, large=True)
bomb("outer-blobs", lambda: joined(members(blobs(COUNT))), COUNT, large=True)
bomb("outer-same-name", lambda: joined(members(header(b"a") for _ in range(COUNT))), COUNT)
bomb("outer-long-names", lambda: gzip_of(members(long_names(100_000, b"0"))), 100_000)
bomb("outer-long-links", lambda: gzip_of(members(long_names(100_000, b"2"))), 100_000, large=True)
bomb(
    "outer-small-members-in-gzip",
    lambda: gzip_of(members(entry(b"%07d" % i, b"%07d" % i) for i in range(COUNT))),
    COUNT,
    large=True,
)
bomb(
    "outer-members-passing-by",
    lambda: gzip_of(members(entry(b"%07d" % i, b"%0999d" % i) for i in range(200_000))),
    200_000,
    large=True,
)

# Documents that are as heavy as may be


class _Filled(ImageBuilder):
    """An image with a text in its documents that stands for a large value."""

    value = b""

    @property
    def config(self) -> bytes:
        return super().config.replace(json.dumps("\0").encode(), self.value)

    @property
    def manifest(self) -> bytes:
        return super().manifest.replace(json.dumps("\0").encode(), self.value)


def heaviest(open_: str, one: str, close: str) -> bytes:
    """An array or object of as many items as fit; ``one`` may have a number in it."""
    limits = Limits()

    def of(count: int) -> bytes:
        items = (one.replace("#", f"{i:x}") for i in range(count))
        return (open_ + ",".join(items) + close).encode()

    low, high = 1, limits.json_bytes
    while high - low > 1000:
        middle = (low + high) // 2
        value = of(middle)
        fits = json_weight(value) < limits.json_memory - 50_000
        if fits and len(value) < limits.json_bytes - 5_000:
            low = middle
        else:
            high = middle
    return of(low)


def filled(place: str, value: bytes, layer: bytes | None = None, *more: bytes) -> Archive:
    image = _Filled("a:1").layer(TarBuilder().file("a", b"1"))
    for blob in more:
        image.layer(END)
        image.layers[-1] = replace(image.layers[-1], blob=blob, media_type=f"{OCI_LAYER}+gzip")
    if layer is not None:
        image.layer(END)
        image.layers[-1] = replace(image.layers[-1], blob=layer, media_type=f"{OCI_LAYER}+zstd")
    image.value = value
    if place == "annotations":
        image.patch_manifest(lambda one: one.update(annotations="\0"))
    elif place == "diff_ids":
        image.patch_config(lambda one: one["rootfs"].update(diff_ids="\0"))
    elif place in ("history", "config"):
        image.patch_config(lambda one: one.update({place: "\0"}))
    else:
        image.patch_config(lambda one: one.setdefault("config", {}).update({place: "\0"}))
    return oci_layout(image)


def tagged(value: bytes) -> Archive:
    archive = docker_archive(below())
    archive.edit("manifest.json", lambda all_: all_[0].update(RepoTags="\0"))
    told = archive["manifest.json"].replace(json.dumps("\0").encode(), value)
    return archive.replace("manifest.json", told)


LABELS = ("{", '"#":""', "}")
HEAVY = {
    "history": ("[", "{}", "]"),
    "diff_ids": ("[", '"#"', "]"),
    "Labels": LABELS,
    "Env": ("[", '"#="', "]"),
    "ExposedPorts": ("{", '"#":{}', "}"),
    "annotations": LABELS,
    "config": LABELS,
}
for _place, _parts in HEAVY.items():
    bomb(
        f"heavy-{_place}",
        lambda place=_place, parts=_parts: filled(place, heaviest(*parts)),
        large=_place not in ("diff_ids", "Env"),
    )
bomb("heavy-tags", lambda: tagged(heaviest("[", '"a:#"', "]")), large=True)


def beside_a_window() -> Archive:
    """A heavy document, and a layer with the largest window."""
    return filled("Labels", heaviest(*LABELS), wide(wide_tar(160 * MIB, 1), 27))


def behind_a_window() -> bytes:
    """All that is kept of a stream with the largest window, and then a layer with one."""
    kept = [entry(b"small%d" % i, b"{" + noise(250_000, i)) for i in range(49)]
    kept += [entry(b"large%d" % i, b"{" + noise(4 * MIB - 10, i)) for i in range(3)]
    layer = wide(wide_tar(80 * MIB, 1), 26)
    rest = filled("Labels", b'{"a":"b"}', layer).tar()
    return wide(entry(b"noise", noise(MIB, 9) * 130) + b"".join(kept) + rest, 27)


bomb("heavy-beside-a-window", beside_a_window, large=True)
bomb("kept-behind-a-window", behind_a_window, large=True)
