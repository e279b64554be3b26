"""JSON about archives that are broken, or made to mislead, keeps to the schemas as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.images import (
    OCI_LAYER,
    OCI_MANIFEST,
    Archive,
    ImageBuilder,
    blob_name,
    descriptor,
    docker_archive,
    hybrid,
    oci_layout,
    skopeo_dir,
    v1_chain,
)
from support.tars import TarBuilder
from test_schema import VALIDATORS, Printed, choose

from oci_inspect.cli import ARCHIVE_COMMANDS

COMMANDS = (*ARCHIVE_COMMANDS, "df", "check")


@pytest.fixture
def printed(capsysbinary: pytest.CaptureFixture[bytes]) -> Printed:
    return Printed(capsysbinary)


def two() -> ImageBuilder:
    return (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("d/a", bytes(900)).file("d/b", b"22"), compression="gzip")
        .layer(TarBuilder().whiteout("d/a").hardlink("c", "d/b"))
        .empty("CMD sh")
    )


def first_blob(image: ImageBuilder) -> str:
    return blob_name(image.layers[0].blob)


def without_its_config() -> Archive:
    image = two()
    return oci_layout(image).drop(blob_name(image.config))


def docker_without_its_config() -> Archive:
    return docker_archive(two(), style="jib").drop("config.json")


def without_a_layer() -> Archive:
    image = two()
    return oci_layout(image).drop(first_blob(image))


def without_a_docker_layer() -> Archive:
    archive = docker_archive(two(), style="docker")
    return archive.drop(next(name for name in archive.names() if name.endswith("layer.tar")))


def with_a_corrupt_layer() -> Archive:
    image = two()
    return oci_layout(image).flip_bit(first_blob(image), 40)


def with_layers_that_are_no_tars() -> Archive:
    html = b"<html>" * 200
    return oci_layout(two().layer(html).layer(html, media_type="text/html"))


def with_an_encrypted_layer() -> Archive:
    return oci_layout(two().layer(b"\x93", media_type=OCI_LAYER + "+gzip+encrypted"))


def under_digests_that_are_none() -> Archive:
    image = two()
    image.patch_manifest(lambda one: one["layers"][0].update(digest="sha256:../../etc/passwd"))
    image.patch_manifest(lambda one: one["layers"][1].update(digest="blake3:" + "1" * 64, size=-1))
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=["", "sha256:\x1b[2J"]))
    return oci_layout(image)


def with_a_manifest_that_is_not_here() -> Archive:
    gone = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "a" * 64, "size": 7}
    about = {**gone, "digest": "sha256:" + "b" * 64, "platform": {"os": "linux"}}
    unreadable = {**gone, "digest": "no digest", "annotations": {"a": "b"}}
    cache = descriptor("application/vnd.buildkit.cacheconfig.v0", b"{}")
    more = [gone, about, unreadable, cache, descriptor(OCI_LAYER, two().layers[0].blob)]
    return oci_layout(two(), more=more, attestations=True)


def with_fields_of_wrong_types() -> Archive:
    wrong = {
        "created": 7,
        "author": ["x"],
        "os": None,
        "history": [{"created": [], "created_by": {}, "comment": 1, "empty_layer": "yes"}, 5],
        "config": {"Env": "A=1", "Labels": ["x"], "Cmd": {"a": 1}},
    }
    image = two().patch_config(lambda one: one.update(wrong))
    return oci_layout(image.patch_manifest(lambda one: one.update(annotations=["x"])))


def with_paths_and_words_of_all_bytes() -> Archive:
    word = "".join(map(chr, range(1, 256))) + "\u202e\u2028</script>\ud800"
    everything = bytes(one for one in range(1, 256) if one != 0x2F)
    layer = (
        TarBuilder().file(everything[:120], b"1").file(everything[120:], b"2").hardlink("c", "d")
    )
    return docker_archive(
        ImageBuilder(word[10:40])
        .layer(layer, created_by=word)
        .layer(TarBuilder().whiteout(everything[120:]), created_by="RUN \udcff")
        .patch_config(lambda one: one.update(author=word, config={"Labels": {word: word}})),
        style="skopeo",
    )


def that_tells_two_tales() -> Archive:
    image = two()
    return hybrid(image).edit("manifest.json", lambda all_: all_[0]["Layers"].reverse())


def older_than_manifests() -> Archive:
    return v1_chain(two())


def of_skopeo() -> Archive:
    return skopeo_dir(two())


def of_an_image_without_layers() -> Archive:
    return docker_archive(ImageBuilder())


SYNTHETIC = (
    without_its_config,
    docker_without_its_config,
    without_a_layer,
    without_a_docker_layer,
    with_a_corrupt_layer,
    with_layers_that_are_no_tars,
    with_an_encrypted_layer,
    under_digests_that_are_none,
    with_a_manifest_that_is_not_here,
    with_fields_of_wrong_types,
    with_paths_and_words_of_all_bytes,
    that_tells_two_tales,
    older_than_manifests,
    of_skopeo,
    of_an_image_without_layers,
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", SYNTHETIC, ids=lambda make: make.__name__)
def test_documents_of_broken_archives(
    make: Callable[[], Archive], command: str, printed: Printed, tmp_path: Path
) -> None:
    path = make().write_file(tmp_path / "image.tar")
    document = printed(command, path, *choose(command))
    VALIDATORS[command].validate(document)
    assert len(document["images"]) == 1
    if command not in ("verify", "check"):
        assert printed.code == 0


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("limit", ["layer_bytes=100", "entries=1", "layers=1", "json_bytes=500"])
def test_documents_of_an_archive_that_meets_a_limit(
    limit: str, command: str, printed: Printed, tmp_path: Path
) -> None:
    image = two().patch_config(lambda one: one.update(padding="x" * 900))
    path = docker_archive(image, style="skopeo").write_file(tmp_path / "image.tar")
    document = printed(command, path, "--limit", limit)
    VALIDATORS[command].validate(document)
    (told,) = document["images"]
    if command != "inspect":  # it reads no layer
        assert printed.code == 3
    assert not told.get("verified") and not told.get("complete")
    if "findings" in told and command != "inspect":
        assert "limit-exceeded" in {one["rule"] for one in told["findings"]}


@pytest.mark.parametrize("form", ["gzip", "zstd", "xz", "bzip2", "folder"])
@pytest.mark.parametrize("command", COMMANDS)
def test_documents_of_an_archive_in_other_forms(
    form: str, command: str, printed: Printed, tmp_path: Path
) -> None:
    archive, path = oci_layout(two()), tmp_path / "image"
    if form == "folder":
        archive.write_folder(path)
    else:
        archive.write_file(path, form)
    document = printed(command, path)
    VALIDATORS[command].validate(document)
    assert printed.code == 0
    (opened,) = document.get("archives") or [document["archive"]]
    assert opened["path"] == str(path)
    assert opened["compression"] == (None if form == "folder" else form)
    assert opened["kind"] == ("oci-layout" if form == "folder" else "oci-archive")
