"""The outer archive: its tar, members of one name, and what is older than manifests."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.images import (
    ImageBuilder,
    blob_name,
    compress,
    docker_archive,
    hybrid,
    oci_layout,
    skopeo_dir,
    v1_chain,
)
from support.tars import END, ZERO, entry, header, pax
from test_findings import Built, Cases, Make, app, check, fires, quiet

cases = Cases()


@cases("archive-duplicate-member")
def two_manifests() -> Built:
    archive = docker_archive(app()).duplicate("manifest.json", b"[]", first=True)
    return fires(archive, "manifest.json", on=None)


@cases("archive-duplicate-member")
def two_spellings_of_one_name() -> Built:
    archive = oci_layout(app())
    archive.add("./index.json", archive["index.json"])
    return fires(archive, "index.json", on=None)


@cases("archive-duplicate-member")
def a_folder_that_has_two_entries() -> Built:
    return quiet(docker_archive(app()).add_folder("blobs").add_folder("blobs"))


@cases("archive-duplicate-member")
def names_that_differ_by_case() -> Built:
    return quiet(docker_archive(app()).add("Manifest.json", b"[]"), also="blob-unreferenced")


@cases("archive-trailing-data")
def a_byte_behind_the_end() -> Built:
    return fires(oci_layout(app()).tar() + b"\0" * 700 + b"x", "archive", on=None)


@cases("archive-trailing-data")
def a_second_tar_behind_the_end() -> Built:
    return fires(oci_layout(app()).tar() + docker_archive(app()).tar(), "archive", on=None)


@cases("archive-trailing-data")
def zeros_up_to_a_whole_record() -> Built:
    data = oci_layout(app()).tar()
    return quiet(data + bytes(-len(data) % 10_240 + 10_240))


@cases("archive-legacy")
def a_chain_of_layers() -> Built:
    return fires(v1_chain(app("a:1")), "a:1")


@cases("archive-legacy")
def a_manifest_beside_the_files_of_old() -> Built:
    archive = docker_archive(app())
    assert "repositories" in archive.names()
    assert [name for name in archive.names() if name.endswith("/json")]
    return quiet(archive)


# The rules of a layer's tar hold for the outer one


@cases("tar-truncated")
def an_archive_cut_in_its_last_member() -> Built:
    image = app()
    archive = oci_layout(image)
    archive.members.append(archive.members.pop(archive.names().index(layer_of(image))))
    cut = archive.tar()[: -len(END) - len(END)]  # the archive's end mark and the layer's
    also = "blob-digest-mismatch blob-size-mismatch diff-id-mismatch tar-no-end-mark"
    return fires(cut, "archive", on=None, also=also)


@cases("tar-truncated")
def an_archive_cut_in_a_header() -> Built:
    return fires(oci_layout(app()).tar(b"") + header(b"more")[:300], "archive", on=None)


@cases("tar-truncated")
def an_archive_cut_in_an_extension_header() -> Built:
    whole = oci_layout(app()).tar(b"")
    cut = whole + pax({b"path": b"p" * 2000})[:-1024]
    return fires(cut, f"archive, byte {len(whole):,}", on=None, also="tar-no-end-mark")


@cases("tar-truncated")
def a_compressed_archive_cut_short() -> Built:
    cut = compress(oci_layout(app()).tar() + random.Random(1).randbytes(9000), "gzip")[:-5000]
    return fires(cut, "archive", on=None)


@cases("tar-truncated")
def an_archive_cut_behind_its_last_member() -> Built:
    return quiet(oci_layout(app()).tar(b""), also="tar-no-end-mark")


@cases("tar-no-end-mark")
def an_archive_with_one_zero_block() -> Built:
    return fires(oci_layout(app()).tar(ZERO), "archive", on=None)


@cases("tar-header-checksum")
def an_archive_with_a_damaged_header() -> Built:
    whole = oci_layout(app()).tar()
    damaged = entry(b"note", b"text").replace(b"note", b"nose", 1)
    first = 2 * len(ZERO)  # the header and the content of oci-layout
    return fires(whole[:first] + damaged + whole[first:], "archive, byte 1,024", on=None)


@cases("blob-missing")
def a_layout_without_its_index() -> Built:
    """What manifest.json says is still told."""
    image = app()
    archive = hybrid(image).drop("index.json")
    return fires(archive, "index.json", on=None, also="blob-unreferenced")


@cases("layout-version")
def a_folder_of_skopeo_s_that_does_not_say_so() -> Built:
    return fires(skopeo_dir(app()).drop("version"), "version", on=None)


@cases("config-invalid")
def a_chain_of_layers_with_fields_of_wrong_types() -> Built:
    archive = v1_chain(app("a:1"))
    name = next(name for name in archive.names() if name.endswith("/json"))
    archive.edit(name, lambda value: value.update(architecture=7))
    return fires(archive, "a:1", also="archive-legacy")


@cases("path-unsafe")
def a_member_above_the_root() -> Built:
    return fires(oci_layout(app()).add("../index.json", b"{}"), "../index.json", on=None)


@cases("path-unsafe")
def a_member_whose_name_only_begins_with_dots() -> Built:
    return quiet(oci_layout(app()).add("..index.json", b"{}"), also="blob-unreferenced")


def layer_of(image: ImageBuilder) -> str:
    return blob_name(image.layers[0].blob)


@cases("blob-unreferenced")
def a_member_whose_name_is_not_utf_8() -> Built:
    """Its name is shown as every path is: bytes that are no text as their numbers."""
    return fires(entry(b"caf\xe9", b"x") + oci_layout(app()).tar(), r"caf\xe9", on=None)


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
