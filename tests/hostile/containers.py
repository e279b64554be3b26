"""What is no archive, archives that are cut, members that mislead; HOSTILE.md, "Container"."""

from __future__ import annotations

import io
import zipfile

from hostile.cases import Archive, Theme, below, docker, oci
from support.images import (
    OCI_LAYER,
    ImageBuilder,
    blob_name,
    compress,
    docker_archive,
    hybrid,
    oci_layout,
    sha256,
    skopeo_dir,
    to_json,
    v1_chain,
)
from support.tars import END, GNU, TarBuilder, base256, entry, gnu_sparse, header, pax

add = Theme("containers")

# What is none


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("manifest.json"), "[]")
    return out.getvalue()


add("empty", lambda: b"", says="empty")
add("511-bytes", lambda: b"x" * 511, says="511 bytes")
add("a-zero", lambda: b"\0", says="zeros")
add("zeros", lambda: bytes(10240), says="empty tar")
add("zip", zipped, says="zip")
add("png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(600), says="PNG")
add("elf", lambda: b"\x7fELF" + bytes(600), says="program")
add("json", lambda: to_json({"schemaVersion": 2, "manifests": []}), says="JSON")
add("text", lambda: b"hello\n" * 200, says="not a tar archive")
add("text-in-gzip", lambda: compress(b"hello\n" * 200, "gzip"), says="gzip")
add("nothing-in-gzip", lambda: compress(b"", "gzip"), says="no file")
add("nothing-in-zstd", lambda: compress(b"", "zstd"), says="no file")
add("end-mark-alone", lambda: END, says="empty tar")
add(
    "rootfs",
    lambda: TarBuilder().dir("etc").file("etc/passwd", b"root").dir("usr").build(),
    says="docker save",
)
add("archive-in-archive", lambda: entry(b"image.tar", docker().tar()) + END, says="no image")
add("gzip-in-gzip", lambda: compress(compress(docker().tar(), "gzip"), "gzip"), says="no tar")
add("dot", lambda: header(b".", type=b"5") + header(b"./", type=b"5") + END, says="empty tar")

# Cut: a tar that holds all of its members may lack its end mark only

SMALL = docker_archive(ImageBuilder("a:1").layer(TarBuilder().file("a", b"1")), style="skopeo")
LENGTH = len(SMALL.tar(b""))
for at in range(512, LENGTH, 512):
    # Which of the two depends on where its manifest.json lies; it is never well.
    add(f"cut-at-{at}", lambda at=at: SMALL.tar()[:at], code=(1, 3))
    add(f"cut-in-{at}", lambda at=at: SMALL.tar()[: at + 100], code=(1, 3))
add("cut-at-its-end-mark", lambda: SMALL.tar(b""), "tar-no-end-mark", code=0)
add("cut-in-gzip", lambda: compress(SMALL.tar(), "gzip")[:-9], code=(1, 3))
add("cut-in-zstd", lambda: compress(SMALL.tar(), "zstd")[:-9], code=(1, 3))
add("cut-in-xz", lambda: compress(SMALL.tar(), "xz")[:-9], code=(1, 3))
add("garbage-behind", lambda: docker().tar() + b"garbage" * 99, "archive-trailing-data", code=0)
add(
    "garbage-behind-gzip",
    lambda: compress(docker().tar(), "gzip") + b"garbage",
    "archive-trailing-data",
    code=0,
)

# Headers of the outer tar


def led_by(data: bytes) -> bytes:
    return data + docker().tar()


def with_garbage_in_the_middle() -> bytes:
    first, *others = docker().members
    return Archive([first]).tar(b"") + b"A" * 512 + Archive(others).tar()


for text, field in {
    "-512": base256(-512, 12),
    "-1": base256(-1, 12),
    "2-to-the-64": base256(2**64, 12),
    "minus-in-octal": b"-0000000512\0",
}.items():
    add(
        f"member-of-{text}-bytes", lambda field=field: led_by(header(b"x", size=field)), code=(1, 3)
    )
for text, field in {"2-to-the-62": base256(2**62, 12), "8-GiB": b"77777777777\0"}.items():
    add(
        f"member-of-{text}-bytes",
        lambda field=field: led_by(header(b"x", size=field)),
        says="cut short",
    )
add("garbage-for-a-header", with_garbage_in_the_middle, code=(1, 3))
add("pax-of-200-MB", lambda: led_by(header(b"x", type=b"x", size=200 << 20)), code=(1, 3))
add("2000-pax-headers", lambda: led_by(pax({b"a": b"b"}) * 2000), code=(1, 3))
add("digits", lambda: led_by(pax(b"1" * 400_000 + b" path=x\n") + header(b"x")), code=(0, 1, 3))
add(
    "sparse-manifest",
    lambda: (
        gnu_sparse(b"manifest.json", [(0, 2), (2**40, 0)], b"[]", 2**40)
        + docker(lambda one: one.drop("manifest.json")).tar()
    ),
    code=(1, 3),
)

# Members

for at in ("first", "last"):
    add(
        f"manifest-twice-{at}",
        lambda at=at: docker(
            lambda one: one.duplicate("manifest.json", b"[]", first=at == "first")
        ),
        "archive-duplicate-member",
        code=(0, 1, 3) if at == "first" else 3,
        **({"says": "image"} if at == "last" else {}),
    )
add(
    "blob-twice",
    lambda: oci(lambda one: one.duplicate(layer_name(), b"other")),
    "archive-duplicate-member blob-digest-mismatch",
)


def layer_name() -> str:
    return blob_name(below().layers[0].blob)


def docker_layer() -> str:
    return below().layers[0].diff_id.removeprefix("sha256:") + ".tar"


for path in ("../../etc/passwd", "/etc/passwd", "", ".", "..", "a\0b", "\ud800", "x" * 5000, "d/"):
    add(
        f"layer-at-{path[:16]!a}",
        lambda path=path: docker(
            lambda one: one.edit("manifest.json", lambda all_: all_[0].update(Layers=[path]))
        ),
        "blob-missing",
        hides="root:x:0:0",
    )
    add(
        f"config-at-{path[:16]!a}",
        lambda path=path: docker(
            lambda one: one.edit("manifest.json", lambda all_: all_[0].update(Config=path))
        ),
        "blob-missing" if path else "json-invalid",
        hides="root:x:0:0",
    )
for target in ("../../../../../../etc/passwd", "/etc/passwd", "nowhere", "SELF", ".", "", "d" * 99):
    for hard in (False, True):
        add(
            f"layer-is-a-{'hard ' if hard else ''}link-to-{target[:12]!a}".replace(" ", "-"),
            lambda target=target, hard=hard: docker(
                lambda one: one.replace_link(
                    docker_layer(), target.replace("SELF", docker_layer()), hard=hard
                )
            ),
            "blob-missing",
            hides="root:x:0:0",
        )


def ring(archive: Archive) -> None:
    archive.replace_link(docker_layer(), "one")
    for i in range(50):
        archive.add_link(f"ring{i}", f"ring{(i + 1) % 50}")
    archive.add_link("one", "ring0")


def chain(archive: Archive) -> None:
    archive.rename(docker_layer(), "link60")
    archive.add_link(docker_layer(), "link0")
    for i in range(60):
        archive.add_link(f"link{i}", f"link{i + 1}")


add("layer-is-a-ring-of-links", lambda: docker(ring), "blob-missing")
add("layer-is-behind-60-links", lambda: docker(chain), "blob-missing", code=(1, 3))
for kind, what in {b"3": "device", b"4": "disk", b"5": "folder", b"6": "FIFO", b"Z": "Z"}.items():
    add(
        f"layer-is-a-{what}",
        lambda kind=kind: docker(
            lambda one: one.drop(docker_layer()), lambda one: one.add_special(docker_layer(), kind)
        ),
        code=(0, 1, 3),
    )
    add(
        f"manifest-is-a-{what}",
        lambda kind=kind: docker(
            lambda one: one.drop("manifest.json"),
            lambda one: one.add_special("manifest.json", kind),
        ),
        code=3,
    )
add(
    "manifest-is-a-link-out",
    lambda: docker(lambda one: one.replace_link("manifest.json", "/etc/passwd")),
    code=3,
    hides="root:x:0:0",
)
add("members-out-of-the-archive", lambda: docker().prefixed("../"), says="image")
add("members-at-the-root", lambda: docker().prefixed("/"), code=(0, 3))
add("members-with-bytes", lambda: docker(lambda one: one.add("\x1b[2J\u202e\n::x", b"")), code=0)
add(
    "a-million-slashes", lambda: led_by(pax({b"path": b"/" * 10**6}) + header(b"x")), code=(0, 1, 3)
)

# Images that are not what they seem

SAME = to_json({"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})


def same_blob() -> Archive:
    image = below().layer(SAME)
    image.patch_manifest(lambda one: one["config"].update(digest=sha256(SAME), size=len(SAME)))
    return oci_layout(image)


def foreign() -> Archive:
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    image = below().patch_manifest(
        lambda one: one["layers"][0].update(mediaType=kind, urls=["http://127.0.0.1:9/layer"])
    )
    return oci_layout(image).drop(layer_name())


def two_tales() -> Archive:
    archive = hybrid(below().layer(TarBuilder().file("more", b"")))
    return archive.edit("manifest.json", lambda all_: all_[0]["Layers"].reverse())


HTML = b"<html><script>alert(1)</script></html>" * 20
add("config-is-a-layer", same_blob, "layer-count-mismatch")
add("layer-of-html", lambda: oci_layout(below().layer(HTML, media_type="text/html")), code=(0, 1))
add("layer-that-is-html", lambda: oci_layout(below().layer(HTML)), "tar-header-checksum")
add("foreign-layer", foreign, "blob-missing", shows="foreign")
add("hybrid-of-two-tales", two_tales, "manifests-disagree")
add(
    "flipped-bit", lambda: oci(lambda one: one.flip_bit(layer_name(), 1000)), "blob-digest-mismatch"
)
add("without-its-layer", lambda: oci(lambda one: one.drop(layer_name())), "blob-missing")
add("600-layers", lambda: docker_archive(many(600), style="skopeo"), "limit-exceeded")
add(
    "encrypted",
    lambda: oci_layout(below().layer(b"?", media_type=OCI_LAYER + "+encrypted")),
    code=1,
)
add("kaniko", lambda: docker_archive(below(), style="kaniko").reverse(), code=(0, 1))
add("dir-of-skopeo", lambda: skopeo_dir(below()).shuffle(7), code=0)
add("chain-of-docker-1.9", lambda: v1_chain(below()), "archive-legacy")
add("no-layers", lambda: oci_layout(ImageBuilder("a:1")), code=0)
add("magic-of-nobody", lambda: docker().tar().replace(b"ustar\x0000", GNU), code=(1, 3))


def many(count: int) -> ImageBuilder:
    image = ImageBuilder("a:1")
    for number in range(count):
        image.layer(TarBuilder().file(str(number), b""))
    return image


def ring_of_parents() -> Archive:
    archive = v1_chain(below().layer(TarBuilder().file("b", b"")))
    first, second = (name for name in archive.names() if name.endswith("/json"))
    parent = second.partition("/")[0]
    return archive.edit(first, lambda one: one.update(parent=parent))


add("parents-in-a-ring", ring_of_parents, code=(0, 1, 3))
