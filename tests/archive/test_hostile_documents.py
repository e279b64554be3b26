"""Documents made to mislead or to exhaust; HOSTILE.md, "Container and JSON"."""

from pathlib import Path
from typing import Any

import pytest
from support.archives import open_archive
from support.images import (
    OCI_INDEX,
    OCI_MANIFEST,
    Archive,
    ImageBuilder,
    blob_name,
    descriptor,
    docker_archive,
    oci_layout,
    sha256,
    to_json,
)
from support.tars import TarBuilder

from oci_inspect.errors import ArchiveError
from oci_inspect.limits import Limits


def app(*references: str, content: bytes = b"one") -> ImageBuilder:
    return ImageBuilder(*references).layer(TarBuilder().file("a", content))


def with_index(archive: Archive, *manifests: Any) -> Archive:
    return archive.edit("index.json", lambda value: value.update(manifests=list(manifests)))


def claimed(digest: str, media_type: str = OCI_INDEX) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": 100}


# Indexes that lead around


def test_index_that_contains_itself_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    digest = "sha256:" + "1" * 64
    image = app("a:1")
    archive = oci_layout(image)
    own = {
        "schemaVersion": 2,
        "manifests": [claimed(digest), descriptor(OCI_MANIFEST, image.manifest)],
    }
    archive.add_json("blobs/sha256/" + "1" * 64, own)
    with_index(archive, claimed(digest))
    opened = open_archive(archive, tmp_path)
    assert opened.subjects("index-cycle") == [digest]
    assert opened.image.image_id == image.image_id


def test_ring_of_indexes_is_told(tmp_path: Path) -> None:
    image = app("a:1")
    archive = oci_layout(image)
    for i in range(3):
        archive.add_json(
            "blobs/sha256/" + str(i) * 64,
            {"schemaVersion": 2, "manifests": [claimed("sha256:" + str((i + 1) % 3) * 64)]},
        )
    with_index(archive, claimed("sha256:" + "0" * 64), descriptor(OCI_MANIFEST, image.manifest))
    opened = open_archive(archive, tmp_path)
    assert "index-cycle" in opened.errors
    assert opened.image.image_id == image.image_id


def test_graph_with_a_million_paths_is_visited_once_a_node(tmp_path: Path) -> None:
    """20 indexes, each naming the next one twice: 2^20 paths."""
    image = app("a:1")
    archive = oci_layout(image)
    below = descriptor(OCI_MANIFEST, image.manifest)
    for _ in range(20):
        index = to_json({"schemaVersion": 2, "manifests": [below, below]})
        archive.add_blob(index)
        below = descriptor(OCI_INDEX, index)
    with_index(archive, below)
    opened = open_archive(archive, tmp_path, limits=Limits(index_depth=64))
    assert opened.image.image_id == image.image_id


def test_indexes_deeper_than_the_limit_are_told(tmp_path: Path) -> None:
    image, deep = app("a:1"), app(content=b"deep")
    archive = oci_layout(image, deep)
    below = descriptor(OCI_MANIFEST, deep.manifest)
    for _ in range(9):
        index = to_json({"schemaVersion": 2, "manifests": [below]})
        archive.add_blob(index)
        below = descriptor(OCI_INDEX, index)
    with_index(archive, below, descriptor(OCI_MANIFEST, image.manifest))
    opened = open_archive(archive, tmp_path)
    assert "limit-exceeded" in opened.errors
    assert opened.image.image_id == image.image_id


def test_eight_indexes_deep_is_read(tmp_path: Path) -> None:
    image = app("a:1")
    archive = oci_layout(image)
    below = descriptor(OCI_MANIFEST, image.manifest)
    for _ in range(7):
        index = to_json({"schemaVersion": 2, "manifests": [below]})
        archive.add_blob(index)
        below = descriptor(OCI_INDEX, index)
    with_index(archive, below)
    opened = open_archive(archive, tmp_path)
    assert opened.errors == set()
    assert opened.image.image_id == image.image_id


def test_more_nodes_than_the_limit_are_told(tmp_path: Path) -> None:
    image = app("a:1")
    many = [claimed(f"sha256:{i:064x}", OCI_MANIFEST) for i in range(50)]
    archive = with_index(oci_layout(image), descriptor(OCI_MANIFEST, image.manifest), *many)
    opened = open_archive(archive, tmp_path, limits=Limits(index_nodes=50))
    assert "limit-exceeded" in opened.errors
    assert len(opened.contents.other) <= 50
    exact = open_archive(archive, tmp_path, limits=Limits(index_nodes=51))
    assert "limit-exceeded" not in exact.rules


# Sizes and digests


@pytest.mark.parametrize("by", [-1, 1, 10**6])
def test_manifest_size_that_is_wrong_is_told(by: int, tmp_path: Path) -> None:
    image = app("a:1")
    one = descriptor(OCI_MANIFEST, image.manifest)
    one["size"] += by
    opened = open_archive(with_index(oci_layout(image), one), tmp_path)
    assert opened.subjects("blob-size-mismatch") == [image.manifest_digest]


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_document_whose_bytes_changed_is_told(part: str, tmp_path: Path) -> None:
    image = app("a:1")
    data = image.manifest if part == "manifest" else image.config
    archive = oci_layout(image).replace(blob_name(data), data.replace(b"{", b"{ ", 1))
    opened = open_archive(archive, tmp_path)
    assert opened.subjects("blob-digest-mismatch") == [sha256(data)]


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../etc/passwd",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256",
        "",
        "../../../etc/passwd",
        "sha512:" + "a" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 64 + "\n",
    ],
)
@pytest.mark.parametrize("where", ["layer", "config", "manifest"])
def test_text_that_is_no_digest_never_becomes_a_path(
    where: str, digest: str, tmp_path: Path
) -> None:
    """CVE-2024-3727."""
    image = app("a:1")
    if where == "layer":
        image.patch_manifest(lambda value: value["layers"][0].update(digest=digest))
    elif where == "config":
        image.patch_manifest(lambda value: value["config"].update(digest=digest))
    archive = oci_layout(image, app("b:1", content=b"other"))
    if where == "manifest":
        archive.edit("index.json", lambda value: value["manifests"][0].update(digest=digest))
    for form in ("file", "folder"):
        opened = open_archive(archive, tmp_path, form)
        assert "digest-invalid" in opened.errors
        assert any(one.references == ("b:1",) for one in opened.images)
        broken = [one for one in opened.images if one.references == ("a:1",)]
        if where == "layer":
            assert broken[0].layers[0].member is None
        if where == "config":
            assert broken[0].config is None


def test_algorithm_that_cannot_be_computed_is_told(tmp_path: Path) -> None:
    image = app("a:1").patch_manifest(
        lambda value: value["layers"][0].update(digest="blake3:" + "a" * 64)
    )
    opened = open_archive(oci_layout(image), tmp_path)
    assert "digest-unsupported" in opened.rules


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_other_registered_algorithms_are_computed(algorithm: str, tmp_path: Path) -> None:
    import hashlib

    image = app("a:1")
    digest = hashlib.new(algorithm, image.manifest).hexdigest()
    archive = oci_layout(image).rename(blob_name(image.manifest), f"blobs/{algorithm}/{digest}")
    with_index(
        archive, {**descriptor(OCI_MANIFEST, image.manifest), "digest": f"{algorithm}:{digest}"}
    )
    opened = open_archive(archive, tmp_path)
    assert opened.image.image_id == image.image_id
    assert opened.errors == set()
    damaged = archive.replace(f"blobs/{algorithm}/{digest}", image.manifest + b" ")
    assert "blob-digest-mismatch" in open_archive(damaged, tmp_path).errors


def test_embedded_data_that_does_not_hash_to_its_digest_is_told(tmp_path: Path) -> None:
    image = app("a:1").patch_manifest(lambda value: value["config"].update(data="e30="))
    opened = open_archive(oci_layout(image), tmp_path)
    assert "data-mismatch" in opened.errors


def test_embedded_data_stands_in_for_a_blob_that_is_not_there(tmp_path: Path) -> None:
    import base64

    image = app("a:1")
    config = image.config
    image.patch_manifest(
        lambda value: value["config"].update(data=base64.b64encode(config).decode())
    )
    opened = open_archive(oci_layout(image).drop(blob_name(config)), tmp_path)
    assert opened.image.image_id == sha256(config)
    assert opened.image.config is not None


# Documents that are none


def test_document_with_manifests_and_layers_is_ambiguous(tmp_path: Path) -> None:
    """CVE-2021-41190."""
    image = app("a:1").patch_manifest(lambda value: value.update(manifests=[]))
    assert "manifest-ambiguous" in open_archive(oci_layout(image), tmp_path).errors
    index = oci_layout(app("a:1")).edit("index.json", lambda value: value.update(layers=[]))
    assert "manifest-ambiguous" in open_archive(index, tmp_path).errors


@pytest.mark.parametrize("version", [None, 1, "2", 2.5, True, [2]])
def test_schema_version_must_be_2(version: object, tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    archive.edit("index.json", lambda value: value.update(schemaVersion=version))
    assert "schema-version" in open_archive(archive, tmp_path).errors


def test_layers_beside_layers_in_another_case_is_told(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    archive.edit("manifest.json", lambda value: value[0].update(layers=["evil"]))
    assert "json-key-ambiguous" in open_archive(archive, tmp_path).rules


def test_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    data = archive["manifest.json"].replace(b'"Config"', b'"RepoTags":["x:1"],"Config"', 1)
    opened = open_archive(archive.replace("manifest.json", data), tmp_path)
    assert "json-key-ambiguous" in opened.rules
    assert opened.image.references == ("a:1",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: data + b"{}",
        lambda data: data[:-1],
        lambda data: b"[" + data + b"]",
        lambda data: b"5",
        lambda data: b"null",
        lambda data: b"",
        lambda data: b"[" * 100_000,
        lambda data: data.replace(b"2", b"9" * 5000, 1),
        lambda data: data.replace(b":2", b":NaN", 1),
        lambda data: data.replace(b":2", b":1e400", 1),
        lambda data: data + bytes(10),
    ],
)
@pytest.mark.parametrize("part", ["manifest", "config"])
def test_document_that_is_no_json_object_is_told_and_the_other_image_is_read(
    part: str, damage: Any, tmp_path: Path
) -> None:
    image = app("a:1")
    data = image.manifest if part == "manifest" else image.config
    archive = oci_layout(image, app("b:1", content=b"other"))
    archive.replace(blob_name(data), damage(data.replace(b"{", b'{"n":2,', 1)))
    opened = open_archive(archive, tmp_path)
    assert "json-invalid" in opened.errors
    assert any(one.references == ("b:1",) for one in opened.images)


@pytest.mark.parametrize("value", ["5", -1, 1.5, True, None, [1], 2**63])
def test_size_that_is_no_size_is_told_or_unknown(value: object, tmp_path: Path) -> None:
    image = app("a:1").patch_manifest(lambda one: one["layers"][0].update(size=value))
    opened = open_archive(oci_layout(image), tmp_path)
    assert opened.image.layers[0].size is None
    assert ("json-invalid" in opened.errors) == (value is not None)


@pytest.mark.parametrize("value", [5, "x", {}, None, [5], [None], [[]]])
@pytest.mark.parametrize("key", ["Config", "RepoTags", "Layers"])
def test_wrong_types_in_manifest_json_never_crash(key: str, value: object, tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"), app("b:1", content=b"other"))
    archive.edit("manifest.json", lambda one: one[0].update({key: value}))
    opened = open_archive(archive, tmp_path)
    assert any(one.references == ("b:1",) for one in opened.images)


@pytest.mark.parametrize("value", [5, "x", {}, [], None, [5], [None], True, "\ud800"])
@pytest.mark.parametrize(
    "key",
    ["manifests", "mediaType", "annotations", "subject", "artifactType", "config", "layers"],
)
@pytest.mark.parametrize("where", ["index", "manifest"])
def test_wrong_types_in_index_and_manifest_never_crash(
    where: str, key: str, value: object, tmp_path: Path
) -> None:
    image = app("a:1")
    if where == "manifest":
        image.patch_manifest(lambda one: one.update({key: value}))
    archive = oci_layout(image)
    if where == "index":
        archive.edit("index.json", lambda one: one.update({key: value}))
    try:
        open_archive(archive, tmp_path)
    except ArchiveError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("value", [5, "x", {}, [], None, [5], [None], True, {"a": 5}])
@pytest.mark.parametrize(
    "key", ["rootfs", "history", "config", "created", "author", "os", "architecture", "variant"]
)
def test_wrong_types_in_a_config_never_crash(key: str, value: object, tmp_path: Path) -> None:
    image = app("a:1").patch_config(lambda one: one.update({key: value}))
    opened = open_archive(oci_layout(image), tmp_path)
    assert opened.image.image_id == image.image_id


@pytest.mark.parametrize("part", ["manifest.json", "config"])
def test_one_byte_over_the_limit_is_refused_one_less_is_read(part: str, tmp_path: Path) -> None:
    image = app("a:1")
    archive = docker_archive(image, app("b:1", content=b"other"))
    name = "manifest.json" if part == "manifest.json" else archive.names()[4]
    assert name == "manifest.json" or name.endswith(".json")
    limit = 5000
    exact = archive[name] + b" " * (limit - len(archive[name]))
    for form in ("file", "gzip", "fifo"):
        fits = open_archive(archive.replace(name, exact), tmp_path, form, Limits(json_bytes=limit))
        assert "limit-exceeded" not in fits.rules
        (tmp_path / f"archive.{form}").unlink()
        archive.replace(name, exact + b" ")
        try:
            over = open_archive(archive, tmp_path, form, Limits(json_bytes=limit))
        except ArchiveError as error:
            assert part == "manifest.json"
            assert "\n" not in str(error)
        else:
            assert "limit-exceeded" in over.errors
        (tmp_path / f"archive.{form}").unlink()


def test_lone_surrogate_in_a_label_does_no_harm(tmp_path: Path) -> None:
    image = app("a:1")
    config = image.config.replace(b'"config":{}', b'"config":{"Labels":{"a":"\\ud800"}}')
    archive = oci_layout(image).replace(blob_name(image.config), config)
    opened = open_archive(archive, tmp_path)
    assert opened.image.config is not None
    str(opened.findings)
