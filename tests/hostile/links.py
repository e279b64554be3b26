"""Whiteouts and links that lead astray; HOSTILE.md, "Links and whiteouts"."""

from __future__ import annotations

from hostile.cases import Archive, Theme, below, layer
from support.images import oci_layout
from support.tars import TarBuilder

add = Theme("links")


def stack(*tars: TarBuilder) -> Archive:
    image = below()
    for one in tars:
        image.layer(one)
    return oci_layout(image)


# Whiteouts

for name in (".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh..."):
    add(f"whiteout-{name}", lambda name=name: layer(TarBuilder().file(name)), "whiteout-invalid")
for i, name in enumerate(
    (
        ".wh./x",
        ".wh.d/x",
        "/.wh.d",
        "./.wh.d",
        "d/../.wh.a",
        ".wh..wh.a",
        ".wh..wh..wh..opq",
        ".wh.\xff",
    )
):
    add(f"whiteout-{i}", lambda name=name: layer(TarBuilder().file(name)), code=(0, 1))
add(
    "whiteout-that-is-a-folder",
    lambda: layer(TarBuilder().dir(".wh.d").file(".wh.d/x")),
    "whiteout-not-empty",
    code=(0, 1),
)
add(
    "whiteout-with-bytes",
    lambda: layer(TarBuilder().file(".wh.a", b"evil")),
    "whiteout-not-empty",
    code=0,
)
add(
    "whiteout-that-is-a-link",
    lambda: layer(TarBuilder().symlink(".wh.a", "/etc/passwd")),
    "whiteout-not-empty",
    code=0,
)
add(
    "whiteout-that-is-a-hard-link",
    lambda: layer(TarBuilder().hardlink(".wh.a", "d/honest")),
    code=(0, 1),
)
add(
    "whiteout-of-nothing",
    lambda: layer(TarBuilder().whiteout("nowhere/x")),
    "whiteout-dangling",
    code=0,
)
add("whiteout-of-itself", lambda: layer(TarBuilder().file(".wh..wh.a").file(".wh.a")), code=(0, 1))
add(
    "whiteout-of-what-comes-behind-it",
    lambda: layer(TarBuilder().whiteout("x").file("x").whiteout("x")),
    code=0,
)
add(
    "whiteout-behind-a-link",
    lambda: stack(TarBuilder().symlink("l", "d"), TarBuilder().whiteout("l/honest")),
    code=(0, 1),
)
add("opaque-root", lambda: layer(TarBuilder().opaque().file("alone")), code=0)
add("opaque-file", lambda: layer(TarBuilder().opaque("a")), code=(0, 1))
add(
    "opaque-link",
    lambda: stack(TarBuilder().symlink("l", "d"), TarBuilder().opaque("l")),
    code=(0, 1),
)
add("opaque-deep-in-nothing", lambda: layer(TarBuilder().opaque("x/" * 200 + "y")), code=0)
add(
    "aufs-metadata",
    lambda: layer(TarBuilder().file(".wh..wh.aufs").dir(".wh..wh.plnk")),
    "aufs-metadata",
    code=0,
)
add("200-opaque-folders", lambda: stack(many_folders(200), TarBuilder().raw(opaque(200))), code=0)


def many_folders(count: int) -> TarBuilder:
    tar = TarBuilder()
    for i in range(count):
        tar.file(f"f{i}/x", b"1").file(f"f{i}/y", b"1")
    return tar


def opaque(count: int) -> bytes:
    tar = TarBuilder()
    for i in range(count):
        tar.opaque(f"f{i}")
    return tar.build(b"")


# Hard links

for what, target in {
    "itself": "h",
    "later": "z",
    "a-folder": "d",
    "nothing": "nowhere",
    "the-root": "",
    "dots": "../../../../etc/passwd",
    "absolute": "/etc/passwd",
    "dot": ".",
    "behind-a-link": "out/passwd",
    "a-link": "up",
    "deeper-than-a-file": "a/b/c",
}.items():
    add(
        f"hard-link-to-{what}",
        lambda target=target: stack(
            TarBuilder().symlink("out", "/etc").symlink("up", "../../.."),
            TarBuilder().hardlink("h", target).file("h2", b"x").file("z", b"1"),
        ),
        code=(0, 1),
        hides="root:x:0:0",
    )
add(
    "hard-links-in-a-ring",
    lambda: layer(TarBuilder().hardlink("x", "y").hardlink("y", "x")),
    "hardlink-dangling",
    code=(0, 1),
)
add(
    "hard-link-across-layers",
    lambda: layer(TarBuilder().hardlink("h", "a")),
    "hardlink-across-layers",
    code=0,
)
add("300-hard-links-of-each-other", lambda: layer(chain_of_hard_links(300)), code=0)


def chain_of_hard_links(count: int) -> TarBuilder:
    tar = TarBuilder().file("h0", b"x" * 100)
    for i in range(count):
        tar.hardlink(f"h{i + 1}", f"h{i}")
    return tar


# Symbolic links

for name, target in {
    ".": "/tmp",
    "./": "..",
    "/": "..",
    "self": "self",
    "empty": "",
    "out": "../" * 50 + "etc/passwd",
    "absolute": "/etc/passwd",
    "long": "d/../" * 700 + "a",
    "esc": "\x1b[2J\u202e",
}.items():
    add(
        f"symbolic-link-{name!a}",
        lambda name=name, target=target: layer(TarBuilder().symlink(name, target).file("x", b"1")),
        code=(0, 1),
        hides="root:x:0:0",
    )
add(
    "link-and-then-a-file-below-it",
    lambda: layer(TarBuilder().symlink("l", "/tmp").file("l/evil", b"evil")),
    code=(0, 1),
)
add(
    "link-of-a-lower-layer-as-a-parent",
    lambda: stack(TarBuilder().symlink("l", "d"), TarBuilder().file("l/evil", b"x")),
    "path-through-symlink",
    code=0,
)
add(
    "folder-for-a-link",
    lambda: stack(TarBuilder().symlink("l", "d"), TarBuilder().dir("l").file("l/x")),
    "directory-replaces-symlink",
    code=0,
)
add(
    "links-in-a-ring",
    lambda: layer(TarBuilder().symlink("x", "y").symlink("y", "x").file("x/z", b"1")),
    code=(0, 1),
)
add("60-links-in-a-row", lambda: layer(row_of_links(60)), code=0)
add("2-to-the-20-steps-of-links", lambda: layer(doubling(20)), code=0)


def row_of_links(count: int) -> TarBuilder:
    tar = TarBuilder()
    for i in range(count):
        tar.symlink(f"l{i}", f"l{i + 1}")
    return tar.file(f"l{count}", b"x")


def doubling(count: int) -> TarBuilder:
    """Each link goes twice through the one before it."""
    tar = TarBuilder().symlink("s0", "d")
    for i in range(count):
        tar.symlink(f"s{i + 1}", f"s{i}/../s{i}")
    return tar


add(
    "file-over-a-folder",
    lambda: layer(TarBuilder().file("d", b"x").file("d/more", b"y")),
    code=(0, 1),
)
add("folder-over-a-file", lambda: layer(TarBuilder().dir("a").file("a/more", b"y")), code=0)
add(
    "everything-at-the-root",
    lambda: layer(TarBuilder().file(".", b"x").fifo(".").hardlink(".", "a").dir(".")),
    code=(0, 1),
)
add(
    "unsafe-paths",
    lambda: layer(TarBuilder().file("../x").file("a/../../x").hardlink("h", "../a")),
    "path-unsafe",
    code=0,
)
