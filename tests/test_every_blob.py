"""No silent success: every blob that goes by its digest is hashed, a layer of an image or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.archives import delivered
from support.images import (
    OCI_LAYER,
    ImageBuilder,
    blob_name,
    compress,
    docker_archive,
    oci_layout,
    sha256,
)
from support.tars import TarBuilder

from oci_inspect import LimitExceededError, Limits, analyze, open_archive

IMAGE = ImageBuilder("a:1").layer(TarBuilder().file("a", b"1" * 200_000))


@pytest.mark.parametrize("form", ["file", "folder", "stdin", "gzip"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_blob_that_no_image_needs_is_hashed(form: str, size: int, tmp_path: Path) -> None:
    """Small ones are kept of a stream, large ones pass by."""
    good, bad = b"g" * size, b"b" * size
    archive = oci_layout(IMAGE).add(blob_name(good), good).add(blob_name(bad), good)
    with delivered(archive, form, tmp_path) as path:
        found = analyze(path)
    wrong = [one.subject for one in found.findings if one.rule == "blob-digest-mismatch"]
    assert wrong == [sha256(bad)]
    assert found.images[0].verified
    assert not found.ok


def test_damaged_attestation_fails_the_archive(tmp_path: Path) -> None:
    archive = oci_layout(IMAGE, attestations=True)
    ours = {blob_name(IMAGE.manifest), blob_name(IMAGE.config)}
    ours |= {blob_name(layer.blob) for layer in IMAGE.layers}
    assert analyze(archive.write_file(tmp_path / "good.tar")).ok
    for number, name in enumerate(archive.names()):
        if name.startswith("blobs/") and name not in ours:
            broken = oci_layout(IMAGE, attestations=True).replace(name, b"damage")
            found = analyze(broken.write_file(tmp_path / f"{number}.tar"))
            assert not found.ok, name


def test_blobs_of_other_images_are_left_alone_when_one_is_chosen(tmp_path: Path) -> None:
    other = ImageBuilder("b:1").layer(TarBuilder().file("b", b"2"))
    archive = oci_layout(IMAGE, other).replace(blob_name(other.layers[0].blob), b"damage")
    path = archive.write_file(tmp_path / "x.tar")
    assert analyze(path, image="a:1").ok
    assert not analyze(path).ok


def test_encrypted_layer_has_no_diff_id_and_no_size_unpacked(tmp_path: Path) -> None:
    image = ImageBuilder("a:1")
    for name in "abc":
        image.layer(TarBuilder().file(name, b"1"))
    secret = b"\x93secret"
    image.layers[1] = replace(image.layers[1], blob=secret, media_type=OCI_LAYER + "+encrypted")
    (found,) = analyze(oci_layout(image).write_file(tmp_path / "x.tar")).images
    layer = found.layers[1]
    assert (layer.digest, layer.size) == (sha256(secret), 7)
    assert (layer.diff_id, layer.uncompressed_size, layer.compression) == (None, None, None)
    assert [one.chain_id is None for one in found.layers] == [False, True, True]


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
def test_archive_that_expands_too_far_is_a_limit_with_its_name(how: str, tmp_path: Path) -> None:
    zeros = ImageBuilder("a:1").layer(TarBuilder().file("zeros", bytes(20_000_000)))
    path = tmp_path / "bomb"
    path.write_bytes(compress(docker_archive(zeros).tar(), how))
    limits = Limits(expansion_floor=1_000_000)
    with pytest.raises(LimitExceededError, match="expansion_ratio") as caught:
        analyze(path, limits=limits)
    assert str(caught.value).startswith(str(path))
    assert analyze(path).ok


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_size_of_a_compressed_archive_is_what_was_read(how: str, tmp_path: Path) -> None:
    data = compress(docker_archive(IMAGE).tar(), how)
    for form in ("file", "stdin", "fifo"):
        with delivered(data, form, tmp_path) as path, open_archive(path) as archive:
            assert archive.info.size == len(data), form


def test_garbage_behind_a_compressed_archive_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(compress(docker_archive(IMAGE).tar(), "gzip") + b"garbage")
    found = analyze(path)
    assert {one.rule for one in found.findings} == {"archive-trailing-data"}
    assert found.ok


def test_folder_and_tar_of_one_archive_are_the_same(tmp_path: Path) -> None:
    """Layers may lie in any folder that manifest.json names."""
    archive = docker_archive(IMAGE, style="skopeo")
    (layer,) = (name for name in archive.names() if name.endswith(".tar"))
    manifest = archive["manifest.json"].replace(layer.encode(), b"layers/deep/l1.tar")
    archive.replace("manifest.json", manifest).add("layers/deep/l1.tar", IMAGE.layers[0].blob)
    archive.drop(layer)
    for form in ("file", "folder", "stdin"):
        with delivered(archive, form, tmp_path) as path:
            assert analyze(path).ok, form
