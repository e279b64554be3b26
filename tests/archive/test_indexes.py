"""Indexes inside indexes: names, platforms that are elsewhere, and images that should be here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.images import (
    OCI_INDEX,
    OCI_MANIFEST,
    REF_NAME,
    Archive,
    ImageBuilder,
    add_image,
    blob_name,
    descriptor,
    oci_layout,
    to_json,
)
from support.tars import TarBuilder

from oci_inspect import analyze


def image(name: str, architecture: str = "amd64") -> ImageBuilder:
    return ImageBuilder(name, architecture=architecture).layer(TarBuilder().file(name, b"1"))


def named(data: bytes, kind: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    annotations = {"annotations": {REF_NAME: name}} if name else {}
    return {**descriptor(kind, data), **annotations, **more}


def index(*manifests: dict[str, Any]) -> bytes:
    return to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(manifests)})


def layout(top: bytes, *nested: bytes, images: tuple[ImageBuilder, ...] = ()) -> Archive:
    archive = Archive().add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    for one in images:
        add_image(archive, one)
    for data in nested:
        archive.add_blob(data)
    return archive.add("index.json", top)


def test_each_tag_of_an_index_names_all_its_images(tmp_path: Path) -> None:
    amd, arm = image("a"), image("b", "arm64")
    inner = index(
        named(amd.manifest, OCI_MANIFEST, platform=amd.platform),
        named(arm.manifest, OCI_MANIFEST, platform=arm.platform),
    )
    top = index(named(inner, OCI_INDEX, "v1"), named(inner, OCI_INDEX, "latest"))
    archive = layout(top, inner, images=(amd, arm))
    found = analyze(archive.write_file(tmp_path / "x.tar")).images
    assert [one.references for one in found] == [("v1", "latest"), ("v1", "latest")]


def test_image_with_a_name_of_its_own_is_not_excused_for_being_absent(tmp_path: Path) -> None:
    """Only another platform of an index may be elsewhere."""
    here, gone = image("app:1"), image("db:1")
    archive = oci_layout(here, gone)
    archive.drop(blob_name(gone.config), blob_name(gone.layers[0].blob))
    found = analyze(archive.write_file(tmp_path / "x.tar"))
    assert not found.ok
    assert [one.verified for one in found.images] == [True, False]
    assert {one.rule for one in found.images[1].findings if one.severity == "error"} == {
        "blob-missing"
    }


def test_absent_platform_that_is_listed_twice_is_set_aside_once(tmp_path: Path) -> None:
    here, gone = image("a"), image("b", "arm64")
    absent = named(gone.manifest, OCI_MANIFEST, platform=gone.platform)
    inner = index(absent, named(here.manifest, OCI_MANIFEST, platform=here.platform))
    archive = layout(index(absent, named(inner, OCI_INDEX)), inner, images=(here, gone))
    archive.drop(blob_name(gone.config), blob_name(gone.layers[0].blob))
    found = analyze(archive.write_file(tmp_path / "x.tar"))
    assert [str(one.platform) for one in found.images] == ["linux/amd64"]
    assert [one.reason for one in found.other] == ["missing"]


def test_v1_chain_whose_parent_is_no_text_is_read(tmp_path: Path) -> None:
    folder = "a" * 64
    archive = Archive().add_json(f"{folder}/json", {"id": folder, "parent": []})
    archive.add(f"{folder}/layer.tar", TarBuilder().file("x", b"1").build())
    (found,) = analyze(archive.write_file(tmp_path / "x.tar")).images
    assert len(found.layers) == 1
