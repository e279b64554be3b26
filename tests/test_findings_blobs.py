"""Blobs: their digests and sizes, and whether they are there at all."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from support.images import (
    DOCKER_LAYER,
    OCI_LAYER,
    ImageBuilder,
    blob_name,
    compress,
    docker_archive,
    hex_of,
    oci_layout,
    sha256,
)
from support.tars import TarBuilder
from test_findings import Built, Cases, Make, app, check, fires, quiet, stack, with_blob

from oci_inspect import Limits

cases = Cases()

ZEROS = "sha256:" + "0" * 64
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


def two() -> ImageBuilder:
    return stack(TarBuilder().file("a", b"one"), TarBuilder().file("b", b"two!"))


# Digest and size of a blob


@cases("blob-digest-mismatch")
def one_bit_of_a_layer() -> Built:
    image = app()
    archive = oci_layout(image).flip_bit(blob_name(image.layers[0].blob), 512)
    return fires(archive, image.layers[0].digest, also="diff-id-mismatch")


@cases("blob-digest-mismatch")
def one_bit_of_a_config() -> Built:
    image = app()
    archive = oci_layout(image)
    changed = image.config.replace(b"2024-02-03", b"2024-02-04")
    return fires(archive.replace(blob_name(image.config), changed), image.image_id)


@cases("blob-digest-mismatch")
def one_bit_of_a_manifest() -> Built:
    image = app()
    archive = oci_layout(image)
    changed = image.manifest.replace(b'"schemaVersion":2,', b'"schemaversion":2,')
    return fires(archive.replace(blob_name(image.manifest), changed), image.manifest_digest)


@cases("blob-digest-mismatch")
def a_docker_layer_that_is_not_what_it_is_called() -> Built:
    image = app()
    archive = docker_archive(image, style="skopeo")
    name = f"{hex_of(image.layers[0].diff_id)}.tar"
    return fires(archive.flip_bit(name, 512), image.layers[0].diff_id, also="diff-id-mismatch")


@cases("blob-digest-mismatch")
def a_compressed_docker_layer_called_by_its_tar() -> Built:
    return quiet(docker_archive(app(compression="gzip"), style="skopeo"))


@cases("blob-size-mismatch")
def a_descriptor_that_counts_one_too_many() -> Built:
    image = app()
    size = len(image.layers[0].blob) + 1
    image.patch_manifest(lambda one: one["layers"][0].update(size=size))
    return fires(oci_layout(image), image.layers[0].digest)


@cases("blob-size-mismatch")
def a_descriptor_of_a_config_that_counts_one_too_few() -> Built:
    image = app()
    size = len(image.config) - 1
    image.patch_manifest(lambda one: one["config"].update(size=size))
    return fires(oci_layout(image), image.image_id)


@cases("blob-size-mismatch")
def padding_behind_the_gzip_counts_as_well() -> Built:
    return quiet(oci_layout(app(compression="gzip-padded")))


# Blobs that are not there


@cases("blob-missing")
def a_layer_left_out() -> Built:
    image = two()
    archive = oci_layout(image).drop(blob_name(image.layers[1].blob))
    return fires(archive, image.layers[1].digest)


@cases("blob-missing")
def a_config_left_out() -> Built:
    image = app()
    return fires(oci_layout(image).drop(blob_name(image.config)), image.image_id)


@cases("blob-missing")
def a_layer_of_a_docker_archive_that_is_a_link_to_nothing() -> Built:
    image = app()
    archive = docker_archive(image, style="skopeo")
    name = f"{hex_of(image.layers[0].diff_id)}.tar"
    return fires(archive.replace_link(name, "elsewhere/layer.tar"), image.layers[0].diff_id)


@cases("blob-missing")
def a_manifest_left_out() -> Built:
    here, gone = app(), app("b:1", content=b"gone")
    archive = oci_layout(here, gone)
    archive.drop(blob_name(gone.manifest), blob_name(gone.config), blob_name(gone.layers[0].blob))
    return fires(archive, gone.manifest_digest, on=None)


@cases("blob-missing")
def the_manifest_of_another_platform_left_out() -> Built:
    here = app()
    gone = ImageBuilder("a:1", architecture="arm64").layer(TarBuilder().file("a", b"gone"))
    archive = oci_layout(here, gone, platforms=True)
    archive.drop(blob_name(gone.manifest), blob_name(gone.config), blob_name(gone.layers[0].blob))
    return fires(archive, gone.manifest_digest, on=None, severity="info")


@cases("blob-missing")
def a_foreign_layer_left_out() -> Built:
    image = app(compression="gzip")
    with_blob(image, image.layers[0].blob, FOREIGN)
    archive = oci_layout(image).drop(blob_name(image.layers[0].blob))
    return fires(archive, image.layers[0].digest, severity="info")


@cases("blob-missing")
def a_layer_of_a_docker_archive_that_is_a_link_to_its_blob() -> Built:
    image = app()
    archive = docker_archive(image, style="podman")
    link = next(one.name for one in archive.members if one.kind == b"2")
    return quiet(archive.edit("manifest.json", lambda all_: all_[0].update(Layers=[link])))


@cases("blob-missing")
def a_config_that_is_embedded_in_its_descriptor() -> Built:
    image = app()
    data = base64.b64encode(image.config).decode()
    image.patch_manifest(lambda one: one["config"].update(data=data))
    return quiet(oci_layout(image).drop(blob_name(image.config)))


@cases("blob-unreferenced")
def a_file_that_no_image_needs() -> Built:
    archive = oci_layout(app()).add_blob(b"nobody's")
    return fires(archive, blob_name(b"nobody's"), on=None)


@cases("blob-unreferenced")
def what_docker_puts_beside_its_layers() -> Built:
    archive = docker_archive(app())
    assert {name.rpartition("/")[2] for name in archive.names()} >= {"VERSION", "json", ""}
    return quiet(archive)


@cases("blob-unreferenced")
def the_blobs_of_an_attestation() -> Built:
    return quiet(oci_layout(app(), platforms=True, attestations=True))


# What a layer's bytes are


@cases("layer-corrupt")
def a_gzip_cut_short() -> Built:
    image = app(content=bytes(range(256)) * 40, compression="gzip")
    with_blob(image, image.layers[0].blob[:-9])
    return fires(oci_layout(image), image.layers[0].digest)


@cases("layer-corrupt")
def a_zstd_with_garbage_behind_it() -> Built:
    image = app(compression="zstd")
    with_blob(image, image.layers[0].blob + b"garbage that is no frame")
    return fires(oci_layout(image), image.layers[0].digest)


@cases("layer-corrupt")
def a_gzip_with_a_wrong_checksum() -> Built:
    image = app(compression="gzip")
    blob = image.layers[0].blob
    with_blob(image, blob[:-8] + bytes([blob[-8] ^ 1]) + blob[-7:])
    return fires(oci_layout(image), image.layers[0].digest)


@cases("layer-corrupt")
def zeros_behind_a_gzip_of_several_members() -> Built:
    image = app(content=bytes(9000), compression="gzip-members")
    return quiet(oci_layout(with_blob(image, image.layers[0].blob + bytes(1000))))


@cases("media-type-mismatch")
def gzip_under_a_type_that_promises_none() -> Built:
    image = app()
    with_blob(image, compress(image.layers[0].tar, "gzip"), OCI_LAYER)
    return fires(oci_layout(image), image.layers[0].digest)


@cases("media-type-mismatch")
def a_manifest_that_calls_itself_otherwise_than_its_descriptor() -> Built:
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    image = app().patch_manifest(lambda one: one.update(mediaType=docker))
    return fires(oci_layout(image), image.manifest_digest)


@cases("media-type-mismatch")
def gzip_where_no_type_promises_anything() -> Built:
    return quiet(docker_archive(app(compression="gzip"), style="docker"))


@cases("media-type-mismatch")
def a_manifest_that_says_nothing_of_itself() -> Built:
    return quiet(oci_layout(app().patch_manifest(lambda one: one.pop("mediaType"))))


@cases("media-type-unknown")
def a_layer_of_html() -> Built:
    image = app().layer(b"<html>", media_type="text/html")
    return fires(oci_layout(image), image.layers[1].digest)


@cases("media-type-unknown")
def an_encrypted_layer_and_one_of_docker_s_own_type() -> Built:
    image = app(compression="gzip")
    with_blob(image, image.layers[0].blob, DOCKER_LAYER + ".gzip")
    image.layer(b"\x93 no tar at all", media_type=OCI_LAYER + "+gzip+encrypted")
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(1, sha256(b"the tar")))
    return quiet(oci_layout(image))


@cases("limit-exceeded")
def a_layer_one_byte_over_the_limit() -> Built:
    image = app()
    limits = Limits(layer_bytes=len(image.layers[0].tar) - 1)
    return fires(oci_layout(image), image.layers[0].digest, limits=limits)


@cases("limit-exceeded")
def a_layer_of_one_entry_too_many() -> Built:
    image = stack(TarBuilder().file("a").file("b"))
    # of the layer, whose listing ends there, but not its digests; and of the image
    limits = Limits(entries=1)
    return fires(oci_layout(image), image.layers[0].digest, "a:1", limits=limits)


@cases("limit-exceeded")
def a_config_one_byte_over_the_limit() -> Built:
    image = app()
    image.patch_config(lambda one: one.update(padding="x" * 2000))
    limits = Limits(json_bytes=len(image.config) - 1)
    return fires(oci_layout(image), image.image_id, also="json-invalid", limits=limits)


@cases("limit-exceeded")
def layers_and_documents_just_at_the_limit() -> Built:
    image = app().patch_config(lambda one: one.update(padding="x" * 2000))
    limits = Limits(
        layer_bytes=len(image.layers[0].tar), json_bytes=len(image.config), entries=1, layers=1
    )
    return quiet(oci_layout(image), limits=limits)


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
