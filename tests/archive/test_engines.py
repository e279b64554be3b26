"""What real engines got wrong, and what an index holds besides images; FORMATS.md section 1."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.archives import Opened, open_archive
from support.images import (
    COSIGN,
    IMAGE_NAME,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    REF_NAME,
    Archive,
    ImageBuilder,
    add_image,
    add_manifest,
    blob_name,
    descriptor,
    docker_archive,
    hybrid,
    oci_layout,
    sha256,
    skopeo_dir,
    to_json,
)
from support.tars import TarBuilder


def app(*references: str, content: bytes = b"one", **more: Any) -> ImageBuilder:
    return (
        ImageBuilder(*references, **more)
        .layer(TarBuilder().file("a", content))
        .layer(TarBuilder().file("b", b"two"))
    )


def digests(image: ImageBuilder) -> list[str]:
    return [layer.digest for layer in image.layers]


def layers_of(opened: Opened) -> list[str]:
    return [str(layer.digest) for layer in opened.image.layers]


# The hybrid: one image told twice


def test_docker_25_0_0_with_oci_layers_in_wrong_order_is_read_by_manifest_json(
    tmp_path: Path,
) -> None:
    """moby 47150."""
    right = app("a:1")
    wrong = app("a:1").patch_manifest(lambda value: value["layers"].reverse())
    archive = oci_layout(wrong)
    archive.add("manifest.json", hybrid(right)["manifest.json"])
    opened = open_archive(archive, tmp_path)
    assert layers_of(opened) == digests(right)
    assert "manifests-disagree" in opened.errors


def test_wrong_order_in_manifest_json_is_read_by_the_oci_manifest(tmp_path: Path) -> None:
    image = app("a:1")
    archive = hybrid(image).edit("manifest.json", lambda value: value[0]["Layers"].reverse())
    opened = open_archive(archive, tmp_path)
    assert layers_of(opened) == digests(image)
    assert "manifests-disagree" in opened.errors


def test_docker_25_0_2_with_manifests_null_is_read_by_manifest_json(tmp_path: Path) -> None:
    """moby 47210."""
    image = app("a:1")
    archive = hybrid(image).edit("index.json", lambda value: value.update(manifests=None))
    opened = open_archive(archive, tmp_path)
    assert opened.image.references == ("a:1",)
    assert layers_of(opened) == digests(image)


def test_release_candidates_without_oci_layers_are_read_by_manifest_json(tmp_path: Path) -> None:
    """moby 47065."""
    empty = app("a:1").patch_manifest(lambda value: value.update(layers=[]))
    archive = oci_layout(empty)
    add_image(archive, app("a:1"))
    archive.add("manifest.json", hybrid(app("a:1"))["manifest.json"])
    opened = open_archive(archive, tmp_path)
    assert layers_of(opened) == digests(app("a:1"))
    assert "manifests-disagree" in opened.errors


def test_untagged_images_that_the_index_forgets_are_all_there(tmp_path: Path) -> None:
    """moby 51389: index.json names only the first of several untagged images."""
    first, second = app(content=b"1"), app(content=b"2")
    archive = hybrid(first, second)
    archive.edit("index.json", lambda value: value["manifests"].pop())
    opened = open_archive(archive, tmp_path)
    assert {image.image_id for image in opened.images} == {first.image_id, second.image_id}


def test_both_tellings_that_agree_make_one_image_without_findings(tmp_path: Path) -> None:
    image = app("a:1", "a:2")
    opened = open_archive(hybrid(image), tmp_path)
    assert opened.image.references == ("a:1", "a:2")
    assert opened.image.manifest_digest == image.manifest_digest
    assert opened.findings == ()


def test_another_config_under_one_name_disagrees(tmp_path: Path) -> None:
    archive = hybrid(app("a:1"))
    other = app("a:1", content=b"other")
    add_image(archive, other)
    archive.replace("manifest.json", hybrid(other)["manifest.json"])
    opened = open_archive(archive, tmp_path)
    assert "manifests-disagree" in opened.errors
    assert len(opened.images) == 1


def test_missing_blob_of_one_telling_makes_the_other_count(tmp_path: Path) -> None:
    image = app("a:1")
    archive = hybrid(image)
    gone = "blobs/sha256/" + "0" * 64
    archive.edit("manifest.json", lambda value: value[0]["Layers"].__setitem__(0, gone))
    opened = open_archive(archive, tmp_path)
    assert layers_of(opened) == digests(image)
    assert "manifests-disagree" in opened.errors


def test_index_json_alone_of_a_hybrid_that_lost_its_layout_file_is_still_read(
    tmp_path: Path,
) -> None:
    opened = open_archive(oci_layout(app("a:1")).drop("oci-layout"), tmp_path)
    assert len(opened.images) == 1
    assert "layout-version" in opened.errors


@pytest.mark.parametrize("version", [b'{"imageLayoutVersion":"2.0.0"}', b"{}", b"[]", b"no json"])
def test_layout_version_other_than_1_0_0_is_an_error(version: bytes, tmp_path: Path) -> None:
    opened = open_archive(oci_layout(app("a:1")).replace("oci-layout", version), tmp_path)
    assert "layout-version" in opened.errors
    assert len(opened.images) == 1


# Platforms that are not here


def multi(*, drop: Callable[[ImageBuilder], list[str]]) -> Archive:
    here, gone = app("e/a:1"), app("e/a:1", architecture="arm64", content=b"arm")
    archive = oci_layout(here, gone, nested=True)
    kept = {blob_name(layer.blob) for layer in here.layers}
    return archive.drop(*(name for name in drop(gone) if name not in kept))


def all_blobs(image: ImageBuilder) -> list[str]:
    return [
        blob_name(image.manifest),
        blob_name(image.config),
        *(blob_name(layer.blob) for layer in image.layers),
    ]


def test_platform_without_its_manifest_is_missing_by_design(tmp_path: Path) -> None:
    """moby 49473, kind 3795: docker on the containerd store."""
    opened = open_archive(multi(drop=all_blobs), tmp_path)
    assert str(opened.image.platform) == "linux/amd64"
    assert list(opened.others().values()) == ["missing"]
    assert opened.errors == set()
    assert "blob-missing" in opened.rules


def test_platform_with_its_manifest_alone_is_missing_by_design(tmp_path: Path) -> None:
    here = app("e/a:1")
    gone = ImageBuilder("e/a:1", architecture="arm64").layer(TarBuilder().file("x", b"x"))
    archive = oci_layout(here, gone, nested=True).drop(*all_blobs(gone)[1:])
    opened = open_archive(archive, tmp_path)
    assert str(opened.image.platform) == "linux/amd64"
    assert opened.others() == {gone.manifest_digest: "missing"}
    assert opened.contents.other[0].platform is not None
    assert opened.errors == set()


def test_image_with_one_layer_gone_is_broken_not_absent(tmp_path: Path) -> None:
    opened = open_archive(multi(drop=lambda image: [blob_name(image.layers[0].blob)]), tmp_path)
    assert len(opened.images) == 2
    assert "blob-missing" in opened.errors


def test_only_image_without_its_blobs_is_an_error(tmp_path: Path) -> None:
    image = app("a:1")
    archive = oci_layout(image).drop(*(blob_name(layer.blob) for layer in image.layers))
    opened = open_archive(archive, tmp_path)
    assert "blob-missing" in opened.errors
    assert [layer.member for layer in opened.image.layers] == [None, None]


def test_platforms_of_one_index_share_its_name(tmp_path: Path) -> None:
    archive = oci_layout(app("e/a:1"), app("e/a:1", architecture="arm64"), nested=True)
    opened = open_archive(archive, tmp_path)
    assert [image.references for image in opened.images] == [("e/a:1",), ("e/a:1",)]
    assert [str(image.platform) for image in opened.images] == ["linux/amd64", "linux/arm64"]
    assert "reference-duplicate" not in opened.rules


def test_platform_of_index_and_config_that_differ_are_told(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"), platforms=True)
    archive.edit(
        "index.json",
        lambda value: value["manifests"][0]["platform"].update(architecture="s390x"),
    )
    assert "platform-mismatch" in open_archive(archive, tmp_path).rules


# What is no image


def with_other(archive: Archive, manifest: bytes, **more: object) -> Archive:
    one = descriptor(OCI_MANIFEST, manifest, **more)
    return archive.edit("index.json", lambda value: value["manifests"].append(one))


def test_attestations_are_listed_as_what_they_are(tmp_path: Path) -> None:
    opened = open_archive(oci_layout(app("a:1"), nested=True, attestations=True), tmp_path)
    assert len(opened.images) == 1
    assert list(opened.others().values()) == ["attestation"]
    assert opened.findings == ()
    assert opened.unreferenced == ()


def test_attestation_of_something_that_is_not_here_is_told(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    from support.images import add_attestation

    one = add_attestation(archive, "sha256:" + "0" * 64)
    archive.edit("index.json", lambda value: value["manifests"].append(one))
    opened = open_archive(archive, tmp_path)
    assert len(opened.subjects("attestation-target-missing")) == 1
    assert opened.errors == set()


def test_cosign_signature_with_an_image_config_is_no_image(tmp_path: Path) -> None:
    """Its config says it is an image, of no os; the type of its layers says what it is."""
    archive = oci_layout(app("a:1"))
    config = to_json({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}})
    manifest = add_manifest(archive, OCI_CONFIG, config, [(COSIGN, b'{"critical":{}}')])
    with_other(archive, manifest, annotations={REF_NAME: "sha256-abc.sig"})
    opened = open_archive(archive, tmp_path)
    assert len(opened.images) == 1
    assert opened.others() == {sha256(manifest): "signature"}


@pytest.mark.parametrize(
    ("config_type", "layer_type", "artifact_type"),
    [
        (
            "application/vnd.cncf.helm.config.v1+json",
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            None,
        ),
        (OCI_EMPTY, "application/spdx+json", "application/spdx+json"),
        (OCI_EMPTY, OCI_EMPTY, "application/example"),
        (OCI_EMPTY, "text/plain", None),
    ],
)
def test_charts_sboms_and_artifacts_are_listed_as_artifacts(
    config_type: str, layer_type: str, artifact_type: str | None, tmp_path: Path
) -> None:
    archive = oci_layout(app("a:1"))
    more = {"artifactType": artifact_type} if artifact_type else None
    manifest = add_manifest(archive, config_type, b"{}", [(layer_type, b"{} ")], more)
    with_other(archive, manifest)
    opened = open_archive(archive, tmp_path)
    assert len(opened.images) == 1
    assert opened.others() == {sha256(manifest): "artifact"}
    assert opened.contents.other[0].artifact_type == artifact_type
    assert opened.errors == set()


def test_artifact_alone_in_a_layout_is_no_failure(tmp_path: Path) -> None:
    archive = oci_layout()
    manifest = add_manifest(
        archive, OCI_EMPTY, b"{}", [("text/plain", b"x")], {"artifactType": "text/x"}
    )
    with_other(archive, manifest)
    opened = open_archive(archive, tmp_path)
    assert opened.images == ()
    assert opened.others() == {sha256(manifest): "artifact"}


def test_image_without_layers_is_an_image(tmp_path: Path) -> None:
    opened = open_archive(oci_layout(ImageBuilder("empty")), tmp_path)
    assert opened.image.layers == ()
    assert opened.image.references == ("empty",)


def test_buildkits_cache_lists_layers_as_manifests_and_nothing_crashes(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    layer = TarBuilder().file("cached", b"1").build()
    cache = b'{"layers":[],"records":[]}'
    archive.add_blob(layer).add_blob(cache)
    archive.edit(
        "index.json",
        lambda value: value["manifests"].extend(
            [
                descriptor(OCI_LAYER + "+gzip", layer),
                descriptor("application/vnd.buildkit.cacheconfig.v0", cache),
            ]
        ),
    )
    opened = open_archive(archive, tmp_path)
    assert len(opened.images) == 1
    assert opened.others() == {sha256(layer): "layer", sha256(cache): "cache"}
    assert opened.unreferenced == ()


def test_subject_that_is_not_here_is_told(tmp_path: Path) -> None:
    gone = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 2}
    archive = oci_layout(app("a:1"))
    manifest = add_manifest(
        archive, OCI_EMPTY, b"{}", [], {"artifactType": "application/x", "subject": gone}
    )
    with_other(archive, manifest)
    assert len(open_archive(archive, tmp_path).subjects("subject-dangling")) == 1


def test_subject_that_is_here_is_not_told(tmp_path: Path) -> None:
    image = app("a:1")
    archive = oci_layout(image)
    manifest = add_manifest(
        archive,
        OCI_EMPTY,
        b"{}",
        [],
        {"artifactType": "application/x", "subject": descriptor(OCI_MANIFEST, image.manifest)},
    )
    with_other(archive, manifest)
    assert open_archive(archive, tmp_path).subjects("subject-dangling") == []


# Foreign, encrypted and odd layers


def change_layer(image: ImageBuilder, **fields: object) -> ImageBuilder:
    return image.patch_manifest(lambda value: value["layers"][0].update(fields))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_foreign_layer_that_is_absent_is_listed_with_its_urls(
    media_type: str, tmp_path: Path
) -> None:
    image = change_layer(app("a:1"), mediaType=media_type, urls=["https://example.com/layer"])
    archive = oci_layout(image).drop(blob_name(image.layers[0].blob))
    opened = open_archive(archive, tmp_path)
    assert opened.image.layers[0].urls == ("https://example.com/layer",)
    assert opened.image.layers[0].member is None
    assert opened.errors == set()
    assert "blob-missing" in opened.rules


def test_layer_of_a_type_that_is_no_layers_is_told(tmp_path: Path) -> None:
    opened = open_archive(oci_layout(change_layer(app("a:1"), mediaType="text/html")), tmp_path)
    assert len(opened.subjects("media-type-unknown")) == 1
    assert len(opened.image.layers) == 2


def test_encrypted_layer_keeps_an_image_an_image(tmp_path: Path) -> None:
    image = app("a:1").patch_manifest(
        lambda value: [
            one.update(mediaType=OCI_LAYER + "+gzip+encrypted") for one in value["layers"]
        ]
    )
    opened = open_archive(oci_layout(image), tmp_path)
    assert len(opened.image.layers) == 2


def test_media_type_of_manifest_and_descriptor_that_differ_are_told(tmp_path: Path) -> None:
    from support.images import DOCKER_MANIFEST

    image = app("a:1").patch_manifest(lambda value: value.update(mediaType=DOCKER_MANIFEST))
    opened = open_archive(oci_layout(image), tmp_path)
    assert "media-type-mismatch" in opened.rules


# Names


def annotate(archive: Archive, **names: str) -> Archive:
    keys = {"full": IMAGE_NAME, "short": REF_NAME}
    return archive.edit(
        "index.json",
        lambda value: value["manifests"][0].update(
            annotations={keys[key]: name for key, name in names.items()}
        ),
    )


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ({"full": "docker.io/library/nginx:1", "short": "1"}, "nginx:1"),
        ({"full": "docker.io/me/app:1", "short": "1"}, "me/app:1"),
        ({"full": "ghcr.io/me/app:1", "short": "1"}, "ghcr.io/me/app:1"),
        ({"short": "latest"}, "latest"),
        ({"short": "localhost/me/app:1"}, "localhost/me/app:1"),
    ],
)
def test_containerds_name_comes_before_the_ref_name(
    names: dict[str, str], wanted: str, tmp_path: Path
) -> None:
    archive = annotate(oci_layout(app()), **names)
    assert open_archive(archive, tmp_path).image.references == (wanted,)


def test_name_outside_the_grammar_is_told(tmp_path: Path) -> None:
    archive = annotate(oci_layout(app()), short="no good\n")
    assert "reference-invalid" in open_archive(archive, tmp_path).rules


def test_tag_outside_the_grammar_is_told(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    archive.edit("manifest.json", lambda value: value[0].update(RepoTags=["UPPER:1", "a:"]))
    assert len(open_archive(archive, tmp_path).subjects("reference-invalid")) == 2


def test_one_manifest_under_two_names_is_one_image(tmp_path: Path) -> None:
    image = app("1.0")
    second = descriptor(OCI_MANIFEST, image.manifest, annotations={REF_NAME: "2.0"})
    opened = open_archive(oci_layout(image, more=[second]), tmp_path)
    assert opened.image.references == ("1.0", "2.0")


def test_one_name_for_two_images_is_told(tmp_path: Path) -> None:
    archive = oci_layout(app("1.0"), app("1.0", content=b"other"))
    assert open_archive(archive, tmp_path).subjects("reference-duplicate") == ["1.0"]
    docker = docker_archive(app("a:1"), app("a:1", content=b"other"))
    assert open_archive(docker, tmp_path).subjects("reference-duplicate") == ["a:1"]


def test_repo_tags_null_falls_back_to_repositories(tmp_path: Path) -> None:
    archive = docker_archive(app("example/app:1"))
    archive.edit("manifest.json", lambda value: value[0].update(RepoTags=None))
    assert open_archive(archive, tmp_path).image.references == ("example/app:1",)


def test_repo_tags_come_before_repositories(tmp_path: Path) -> None:
    archive = docker_archive(app("example/app:1"))
    archive.edit("manifest.json", lambda value: value[0].update(RepoTags=["other:2"]))
    assert open_archive(archive, tmp_path).image.references == ("other:2",)


# Two images that share


def test_two_images_share_their_layers_blob(tmp_path: Path) -> None:
    first = ImageBuilder("a:1").layer(TarBuilder().file("s", b"shared"))
    second = ImageBuilder("b:1").layer(TarBuilder().file("s", b"shared")).layer(TarBuilder())
    for archive in (oci_layout(first, second), docker_archive(first, second, style="skopeo")):
        images = open_archive(archive, tmp_path).images
        assert images[0].layers[0].member == images[1].layers[0].member


def test_same_image_twice_in_manifest_json_is_one_with_both_names(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    archive.edit("manifest.json", lambda value: value.append({**value[0], "RepoTags": ["b:2"]}))
    assert open_archive(archive, tmp_path).image.references == ("a:1", "b:2")


def test_same_blob_as_config_and_layer_does_no_harm(tmp_path: Path) -> None:
    image = app("a:1")
    archive = oci_layout(image)

    def change(value: Any) -> None:
        value["layers"][0].update(digest=image.image_id, size=len(image.config))

    image.patch_manifest(change)
    archive = oci_layout(image)
    opened = open_archive(archive, tmp_path)
    assert opened.image.layers[0].member == blob_name(image.config)


# dir


def test_dir_without_its_version_file_is_told(tmp_path: Path) -> None:
    opened = open_archive(skopeo_dir(app()).drop("version"), tmp_path)
    assert opened.contents.kind == "dir"
    assert "layout-version" in opened.errors


def test_dir_of_a_multi_platform_image_is_read(tmp_path: Path) -> None:
    """`skopeo copy --all`: manifest.json is an index, each manifest `<hex>.manifest.json`."""
    one, two = app(), app(architecture="arm64")
    archive = Archive().add("version", b"Directory Transport Version: 1.1\n")
    for image in (one, two):
        for layer in image.layers:
            archive.add(layer.digest[7:], layer.blob)
        archive.add(image.image_id[7:], image.config)
        archive.add(image.manifest_digest[7:] + ".manifest.json", image.manifest)
    archive.add_json(
        "manifest.json",
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                descriptor(OCI_MANIFEST, image.manifest, platform=image.platform)
                for image in (one, two)
            ],
        },
    )
    opened = open_archive(archive, tmp_path)
    assert [str(image.platform) for image in opened.images] == ["linux/amd64", "linux/arm64"]
    assert opened.errors == set()


def test_unneeded_bytes_are_told_with_their_number(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1")).add_blob(b"nobody wants me").add("README", b"hello")
    (found,) = open_archive(archive, tmp_path).unreferenced
    assert found.rule == "blob-unreferenced"
    assert found.severity.value == "info"
    assert found.subject == blob_name(b"nobody wants me")
    assert "2 files" in found.message
    assert "20 bytes" in found.message
