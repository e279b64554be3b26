"""Indexes, references and what in an archive is told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.images import (
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Archive,
    ImageBuilder,
    add_attestation,
    add_manifest,
    blob_name,
    descriptor,
    docker_archive,
    hybrid,
    oci_layout,
    sha256,
    to_json,
    v1_chain,
)
from support.tars import TarBuilder
from test_findings import Built, Cases, Make, app, check, fires, quiet

from oci_inspect import Limits

cases = Cases()

ABSENT = "sha256:" + "a" * 64


def point_at(archive: Archive, *manifests: Any) -> Archive:
    return archive.edit("index.json", lambda index: index.update(manifests=list(manifests)))


def artifact(subject: str) -> tuple[Archive, bytes]:
    """A layout with an image and an artifact that has a subject."""
    image = app()
    archive = oci_layout(image)
    about = {"mediaType": OCI_MANIFEST, "digest": subject, "size": len(image.manifest)}
    more = {"artifactType": "application/x-notes", "subject": about}
    manifest = add_manifest(archive, OCI_EMPTY, b"{}", [("text/plain", b"note")], more)
    point_at(
        archive,  # what has a subject may stand in front of it
        descriptor(OCI_MANIFEST, manifest),
        descriptor(OCI_MANIFEST, image.manifest),
    )
    return archive, manifest


# Indexes


@cases("index-cycle")
def an_index_that_names_itself() -> Built:
    image = app()
    digest = "sha256:" + "1" * 64
    own = {"mediaType": OCI_INDEX, "digest": digest, "size": 9}
    below = {"schemaVersion": 2, "manifests": [own, descriptor(OCI_MANIFEST, image.manifest)]}
    archive = oci_layout(image).add_json("blobs/sha256/" + "1" * 64, below)
    return fires(
        point_at(archive, own), digest, on=None, also="blob-digest-mismatch blob-size-mismatch"
    )


@cases("index-cycle")
def a_chain_of_layers_that_is_its_own_parent() -> Built:
    archive = v1_chain(app())
    name = next(name for name in archive.names() if name.endswith("/json"))
    folder = name.partition("/")[0]
    archive.edit(name, lambda value: value.update(parent=folder))
    return fires(archive, folder, also="archive-legacy")


@cases("index-cycle")
def an_index_that_is_named_twice() -> Built:
    image = app()
    inner = to_json({"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, image.manifest)]})
    outer = to_json({"schemaVersion": 2, "manifests": [descriptor(OCI_INDEX, inner)] * 2})
    archive = oci_layout(image).add_blob(inner).add_blob(outer)
    return quiet(point_at(archive, descriptor(OCI_INDEX, outer), descriptor(OCI_INDEX, inner)))


@cases("limit-exceeded")
def one_manifest_too_many() -> Built:
    second = app("b:1", content=b"second")
    archive = oci_layout(app(), second)
    limits = Limits(index_nodes=1)
    return fires(archive, second.manifest_digest, on=None, also="blob-unreferenced", limits=limits)


@cases("limit-exceeded")
def one_index_too_deep() -> Built:
    archive, inner = deep()
    return fires(archive, inner, on=None, also="blob-unreferenced", limits=Limits(index_depth=1))


@cases("limit-exceeded")
def manifests_and_indexes_just_at_the_limits() -> Built:
    return quiet(deep()[0], limits=Limits(index_depth=2, index_nodes=3))


def deep() -> tuple[Archive, str]:
    """An image in index.json, and another one in an index below."""
    first, second = app(), app("b:1", content=b"second")
    inner = to_json({"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, second.manifest)]})
    archive = oci_layout(first, second).add_blob(inner)
    point_at(archive, descriptor(OCI_MANIFEST, first.manifest), descriptor(OCI_INDEX, inner))
    return archive, sha256(inner)


@cases("attestation-target-missing")
def an_attestation_of_nothing_that_is_here() -> Built:
    image = app()
    archive = oci_layout(image)
    attestation = add_attestation(archive, ABSENT)
    point_at(archive, descriptor(OCI_MANIFEST, image.manifest), attestation)
    return fires(archive, attestation["digest"], on=None)


@cases("attestation-target-missing")
def an_attestation_in_front_of_its_image() -> Built:
    image = app()
    archive = oci_layout(image)
    attestation = add_attestation(archive, image.manifest_digest)
    return quiet(point_at(archive, attestation, descriptor(OCI_MANIFEST, image.manifest)))


@cases("subject-dangling")
def an_artifact_about_nothing_that_is_here() -> Built:
    archive, manifest = artifact(ABSENT)
    return fires(archive, sha256(manifest), on=None)


@cases("subject-dangling")
def an_image_about_nothing_that_is_here() -> Built:
    about = {"mediaType": OCI_MANIFEST, "digest": ABSENT, "size": 2}
    image = app().patch_manifest(lambda one: one.update(subject=about))
    return fires(oci_layout(image), image.manifest_digest, on=None)


@cases("subject-dangling")
def an_artifact_about_the_image_behind_it() -> Built:
    return quiet(artifact(app().manifest_digest)[0])


# References


@cases("reference-duplicate")
def one_tag_for_two_images() -> Built:
    archive = oci_layout(app("a:1"), app("a:1", content=b"other"))
    return fires(archive, "a:1", on=None)


@cases("reference-duplicate")
def one_tag_for_two_images_of_a_docker_archive() -> Built:
    archive = docker_archive(app("a:1", "b:1"), app("a:1", content=b"other"))
    return fires(archive, "a:1", on=None)


@cases("reference-duplicate")
def one_tag_for_two_platforms() -> Built:
    arm = ImageBuilder("a:1", architecture="arm64").layer(TarBuilder().file("a", b"arm"))
    return quiet(oci_layout(app("a:1"), arm, platforms=True))


@cases("reference-duplicate")
def one_image_that_is_told_twice() -> Built:
    return quiet(docker_archive(app("a:1"), app("a:1"), style="skopeo"))


@cases("reference-invalid")
def a_tag_in_upper_case() -> Built:
    return fires(docker_archive(app("Example/App:1"), style="skopeo"), "Example/App:1")


@cases("reference-invalid")
def a_ref_name_with_a_line_break() -> Built:
    return fires(oci_layout(app("a:1\n")), "a:1\n", on=None)


@cases("reference-invalid")
def every_form_of_a_tag() -> Built:
    names = ("localhost:5000/a/b__c/d.e-f:V1.2-x_y", "a:" + "x" * 128, "127.0.0.1/a:_")
    return quiet(docker_archive(app(*names), style="skopeo"))


@cases("reference-invalid")
def every_form_of_a_ref_name() -> Built:
    second, third = app("v1.0_RC-1", content=b"2"), app("path/To+it:v1@x", content=b"3")
    return quiet(oci_layout(app("latest"), second, third))


# One image told twice


@cases("manifests-disagree")
def layers_in_another_order() -> Built:
    image = app().layer(TarBuilder().file("b", b"second"))
    archive = hybrid(image).edit("manifest.json", lambda all_: all_[0]["Layers"].reverse())
    return fires(archive, image.manifest_digest)


@cases("manifests-disagree")
def another_config_under_one_name() -> Built:
    image = app()
    archive = hybrid(image)
    other = image.config.replace(b"2024", b"2025")
    archive.add_blob(other)
    archive.edit("manifest.json", lambda all_: all_[0].update(Config=blob_name(other)))
    return fires(archive, image.manifest_digest)


@cases("manifests-disagree")
def an_oci_manifest_without_layers() -> Built:
    """docker 25's release candidates (moby 47065): what manifest.json says is analysed."""
    image = app()
    bare = to_json({**Archive().add("m", image.manifest).json("m"), "layers": []})
    archive = hybrid(image).add_blob(bare).drop(blob_name(image.manifest))
    archive.edit(
        "index.json",
        lambda index: index["manifests"][0].update(digest=sha256(bare), size=len(bare)),
    )
    return fires(archive, sha256(bare))


@cases("manifests-disagree")
def an_index_that_names_only_one_of_two_images() -> Built:
    """docker names only the first of several untagged images there (moby 51389)."""
    first, second = app(), app(content=b"second")
    first.references = second.references = ()
    archive = hybrid(first, second)
    archive.edit("index.json", lambda index: index["manifests"].pop() and None)
    archive.drop(blob_name(second.manifest))
    return quiet(archive)


@cases("manifests-disagree")
def an_index_whose_manifests_are_null() -> Built:
    """docker 25.0.2 (moby 47210)."""
    image = app()
    archive = hybrid(image).edit("index.json", lambda index: index.update(manifests=None))
    return quiet(archive.drop(blob_name(image.manifest)))


@cases("manifests-disagree")
def paths_with_a_dot_in_front() -> Built:
    image = app()
    layers = ["./" + blob_name(image.layers[0].blob)]
    archive = hybrid(image)
    return quiet(archive.edit("manifest.json", lambda all_: all_[0].update(Layers=layers)))


@cases("json-invalid")
def an_index_without_manifests_beside_docker_s() -> Built:
    """``manifests`` must be there (image-index.md); docker 25.0.2 wrote null, nobody nothing."""
    image = app()
    archive = hybrid(image).replace("index.json", to_json({"schemaVersion": 2}))
    return fires(archive.drop(blob_name(image.manifest)), "index.json", on=None)


@cases("json-invalid")
def an_index_of_none() -> Built:
    image = app()
    archive = hybrid(image).edit("index.json", lambda index: index.update(manifests=[]))
    return quiet(archive.drop(blob_name(image.manifest)))


@cases("media-type-mismatch")
def a_manifest_that_the_index_gives_an_unknown_type() -> Built:
    """docker's manifest.json still leads to the image: nothing else would tell."""
    image = app()
    unknown = OCI_MANIFEST.replace("v1", "v0")
    archive = hybrid(image)
    archive.edit("index.json", lambda index: index["manifests"][0].update(mediaType=unknown))
    return fires(archive, image.manifest_digest, on=None)


@cases("media-type-mismatch")
def something_of_an_unknown_type_that_is_no_document() -> Built:
    archive = hybrid(app()).add_blob(b"no JSON")
    other = descriptor("text/x-unknown", b"no JSON")
    return quiet(archive.edit("index.json", lambda index: index["manifests"].append(other)))


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
