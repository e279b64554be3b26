"""Digests: of the layers' tars, of the config by its name, and what a digest may be."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from support.images import Archive, ImageBuilder, blob_name, docker_archive, hex_of, oci_layout
from support.tars import END, TarBuilder, entry
from test_findings import Built, Cases, Make, app, check, fires, quiet, stack

cases = Cases()

ZEROS = "sha256:" + "0" * 64


def two() -> ImageBuilder:
    return stack(TarBuilder().file("a", b"one"), TarBuilder().file("b", b"two!"))


def digested(algorithm: str, encoded: str) -> tuple[Archive, ImageBuilder]:
    """An image whose layer goes by the digest of another algorithm."""
    image = app()
    image.patch_manifest(lambda one: one["layers"][0].update(digest=f"{algorithm}:{encoded}"))
    archive = oci_layout(image)
    return archive.rename(blob_name(image.layers[0].blob), f"blobs/{algorithm}/{encoded}"), image


# The digests of the tars


@cases("diff-id-mismatch")
def a_diff_id_of_another_tar() -> Built:
    image = two()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(1, ZEROS))
    return fires(oci_layout(image), image.layers[1].digest)


@cases("diff-id-mismatch")
def a_diff_id_that_is_the_digest_of_the_blob() -> Built:
    image = app(compression="gzip")
    blob = image.layers[0].digest
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=[blob]))
    return fires(oci_layout(image), blob)


@cases("diff-id-mismatch")
def a_tar_with_something_behind_its_end_mark() -> Built:
    """estargz: what lies behind the end mark is not listed but counts into the diff_id."""
    toc = TarBuilder().file("a", b"1").build() + entry(b"stargz.index.json", b"{}") + END
    return quiet(oci_layout(stack(toc)))


@cases("diff-id-mismatch")
def a_diff_id_that_is_a_sha512() -> Built:
    image = app()
    diff_id = "sha512:" + hashlib.sha512(image.layers[0].tar).hexdigest()
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=[diff_id]))
    return quiet(oci_layout(image))


@cases("layer-order")
def two_layers_exchanged() -> Built:
    image = two()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].reverse())
    return fires(oci_layout(image), image.layers[0].digest)


@cases("layer-order")
def two_layers_exchanged_and_one_of_them_another() -> Built:
    image = two()
    claimed = [image.layers[1].diff_id, ZEROS]
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=claimed))
    return quiet(oci_layout(image), also="diff-id-mismatch")


@cases("layer-order")
def one_layer_twice() -> Built:
    layer = TarBuilder().file("a", b"one")
    return quiet(oci_layout(stack(layer, TarBuilder().file("b"), layer)))


@cases("layer-count-mismatch")
def one_layer_fewer_in_the_manifest() -> Built:
    image = two().patch_manifest(lambda one: one["layers"].pop())
    return fires(oci_layout(image), image.image_id, also="history-mismatch blob-unreferenced")


@cases("layer-count-mismatch")
def one_layer_more_in_a_docker_archive() -> Built:
    image = two()
    archive = docker_archive(image, style="skopeo")
    archive.edit("manifest.json", lambda all_: all_[0]["Layers"].append(all_[0]["Layers"][0]))
    return fires(archive, image.image_id, also="history-mismatch")


@cases("layer-count-mismatch")
def an_empty_layer_counts() -> Built:
    return quiet(oci_layout(stack(TarBuilder().file("a"), END)))


@cases("layer-count-mismatch")
def no_layers_and_no_diff_ids() -> Built:
    return quiet(docker_archive(ImageBuilder("a:1")))


@cases("image-id-mismatch")
def a_config_that_is_not_what_it_is_called() -> Built:
    image = app()
    name = f"{hex_of(image.image_id)}.json"
    archive = docker_archive(image).replace(name, image.config.replace(b"linux", b"linus"))
    return fires(archive, image.image_id)


@cases("image-id-mismatch")
def a_config_that_is_not_called_by_a_digest() -> Built:
    return quiet(docker_archive(app(), style="jib"))


@cases("image-id-mismatch")
def a_config_called_by_its_digest_with_the_algorithm() -> Built:
    return quiet(docker_archive(app(compression="gzip"), style="kaniko"))


# What a digest may be


@cases("digest-invalid")
def a_digest_that_is_a_path() -> Built:
    image = app()
    image.patch_manifest(lambda one: one["layers"][0].update(digest="sha256:../../etc/passwd"))
    return fires(oci_layout(image), image.manifest_digest, also="blob-unreferenced")


@cases("digest-invalid")
def a_digest_in_upper_case() -> Built:
    image = app()
    shouted = "sha256:" + hex_of(image.layers[0].digest).upper()
    assert shouted != image.layers[0].digest
    image.patch_manifest(lambda one: one["layers"][0].update(digest=shouted))
    return fires(oci_layout(image), image.manifest_digest, also="blob-unreferenced")


@cases("digest-invalid")
def a_diff_id_one_digit_short() -> Built:
    image = app()
    short = image.layers[0].diff_id[:-1]
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=[short]))
    return fires(oci_layout(image), image.image_id)


@cases("digest-invalid")
def a_digest_of_an_algorithm_nobody_knows() -> Built:
    return quiet(digested("x-new+b64u", "Az09_-=")[0], also="digest-unsupported")


@cases("digest-unsupported")
def a_layer_called_by_its_blake3() -> Built:
    archive, image = digested("blake3", "1" * 64)
    return fires(archive, image.manifest_digest)


@cases("digest-unsupported")
def a_diff_id_that_is_a_blake3() -> Built:
    image = app()
    image.patch_config(lambda one: one["rootfs"].update(diff_ids=["blake3:" + "1" * 64]))
    return fires(oci_layout(image), image.image_id)


@cases("digest-unsupported")
def a_layer_called_by_its_sha384() -> Built:
    return quiet(digested("sha384", hashlib.sha384(app().layers[0].blob).hexdigest())[0])


@cases("data-mismatch")
def embedded_data_of_another_digest() -> Built:
    image = app()
    data = base64.b64encode(image.config + b" ").decode()
    image.patch_manifest(lambda one: one["config"].update(data=data))
    return fires(oci_layout(image), image.manifest_digest)


@cases("data-mismatch")
def embedded_data_that_is_no_base64() -> Built:
    image = app().patch_manifest(lambda one: one["config"].update(data="{}"))
    return fires(oci_layout(image), image.manifest_digest)


@cases("data-mismatch")
def embedded_data_of_the_right_digest() -> Built:
    image = app()
    data = base64.b64encode(image.config).decode()
    image.patch_manifest(lambda one: one["config"].update(data=data))
    return quiet(oci_layout(image))


# Other algorithms than sha256


@cases("blob-digest-mismatch")
def a_layer_called_by_its_sha512() -> Built:
    encoded = hashlib.sha512(app().layers[0].blob).hexdigest()
    return quiet(digested("sha512", encoded)[0])


@cases("blob-digest-mismatch")
def a_layer_that_is_not_its_sha512() -> Built:
    archive, _ = digested("sha512", "0" * 128)
    return fires(archive, "sha512:" + "0" * 128)


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
