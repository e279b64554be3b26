"""Copies of a real archive with one thing broken: each gives the finding it must, and no pass."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_inspect import Analysis, ArchiveError, analyze

REAL = Path(__file__).parent.parent / "fixtures" / "real"
Members = dict[str, bytes]
LAYER = "blobs/sha256/c1fe651e7d32d3cdb28aee21829fa0f824099a9a94e48d2be15f7b47722a4351"
OTHER_LAYER = "blobs/sha256/bfdd125389bcb8639c39b8ceb32de25eae182f80dc7fc3200c6858afd810630c"
CONFIG = "blobs/sha256/24733d2f94bcc8679abc5c48bdcd732f31e4666ace8a2500b25c555a5d7cd004"
MANIFEST = "blobs/sha256/69badf60f9cc2d841c39e4cdd25f615b820d00456b6a807a4858f6bc74e292db"
GZIP_MANIFEST = "blobs/sha256/acfdf5ff183a5f4602cb326cea35404586694c51e1ac452d1c4473f83de60d4a"


def read(name: str) -> Members:
    with tarfile.open(REAL / name) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar if one.isreg()}  # type: ignore[union-attr]


def pack(members: Members) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def edit(members: Members, name: str, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    document = json.loads(members[name])
    change(document)
    members[name] = json.dumps(document).encode()


def rules(analysis: Analysis) -> set[str]:
    found = [*analysis.findings, *(one for image in analysis.images for one in image.findings)]
    return {one.rule for one in found if one.severity == "error"}


def byte_in_layer(members: Members) -> None:
    members[LAYER] = flip(members[LAYER], 3000)


def byte_in_config(members: Members) -> None:
    members[CONFIG] = members[CONFIG].replace(b"SIGQUIT", b"SIGQUIU", 1)


def byte_in_manifest(members: Members) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"size"', b'"sizf"', 1)


def missing_layer(members: Members) -> None:
    del members[LAYER]


def missing_config(members: Members) -> None:
    del members[CONFIG]


def swapped_layers(members: Members) -> None:
    members[LAYER], members[OTHER_LAYER] = members[OTHER_LAYER], members[LAYER]


def longer_layer(members: Members) -> None:
    members[LAYER] += bytes(512)


def shorter_layer(members: Members) -> None:
    members[LAYER] = members[LAYER][:5000]


def config_is_no_json(members: Members) -> None:
    members[CONFIG] = members[CONFIG][:-1]


def reordered_docker_layers(members: Members) -> None:
    def change(listing: list) -> None:  # type: ignore[type-arg]
        layers = listing[0]["Layers"]
        layers[2], layers[3] = layers[3], layers[2]

    edit(members, "manifest.json", change)  # type: ignore[arg-type]


def layout_of_the_future(members: Members) -> None:
    members["oci-layout"] = b'{"imageLayoutVersion": "2.0.0"}'


CASES = {
    byte_in_layer: {"blob-digest-mismatch", "diff-id-mismatch"},
    byte_in_config: {"blob-digest-mismatch", "image-id-mismatch"},
    byte_in_manifest: {"blob-digest-mismatch"},
    missing_layer: {"blob-missing"},
    missing_config: {"blob-missing"},
    swapped_layers: {"blob-digest-mismatch", "blob-size-mismatch", "layer-order"},
    longer_layer: {"blob-digest-mismatch", "blob-size-mismatch", "diff-id-mismatch"},
    shorter_layer: {"blob-digest-mismatch", "tar-truncated"},
    config_is_no_json: {"json-invalid", "blob-digest-mismatch"},
    reordered_docker_layers: {"manifests-disagree"},
    layout_of_the_future: {"layout-version"},
}


@pytest.mark.parametrize("corrupt", CASES, ids=lambda one: one.__name__)
def test_a_broken_docker26_archive_is_told(
    corrupt: Callable[[Members], None], tmp_path: Path
) -> None:
    members = read("docker26-app.tar")
    corrupt(members)
    path = tmp_path / "broken.tar"
    path.write_bytes(pack(members))
    analysis = analyze(path)
    assert CASES[corrupt] <= rules(analysis)
    assert not analysis.ok


def oci_byte_in_layer(members: Members, document: dict) -> None:  # type: ignore[type-arg]
    name = "blobs/sha256/" + document["layers"][2]["digest"][7:]
    members[name] = flip(members[name], len(members[name]) // 2)


def oci_size(members: Members, document: dict) -> None:  # type: ignore[type-arg]
    document["layers"][0]["size"] += 1
    members[GZIP_MANIFEST] = json.dumps(document).encode()


def oci_layers_in_wrong_order(members: Members, document: dict) -> None:  # type: ignore[type-arg]
    layers = document["layers"]
    layers[0], layers[1] = layers[1], layers[0]
    members[GZIP_MANIFEST] = json.dumps(document).encode()


def oci_layer_left_out(members: Members, document: dict) -> None:  # type: ignore[type-arg]
    del document["layers"][-1]
    members[GZIP_MANIFEST] = json.dumps(document).encode()


OCI_CASES = {
    oci_byte_in_layer: {"blob-digest-mismatch", "layer-corrupt"},
    oci_size: {"blob-size-mismatch", "blob-digest-mismatch"},
    oci_layers_in_wrong_order: {"layer-order"},
    oci_layer_left_out: {"layer-count-mismatch"},
}


@pytest.mark.parametrize("corrupt", OCI_CASES, ids=lambda one: one.__name__)
def test_a_broken_oci_archive_is_told(corrupt: Callable[..., None], tmp_path: Path) -> None:
    members = read("podman-oci.tar")
    corrupt(members, json.loads(members[GZIP_MANIFEST]))
    path = tmp_path / "broken.tar"
    path.write_bytes(pack(members))
    analysis = analyze(path)
    assert OCI_CASES[corrupt] <= rules(analysis)
    assert not analysis.ok


def test_a_diff_id_that_is_another_is_told(tmp_path: Path) -> None:
    members = read("docker20-app.tar")
    name = next(one for one in members if one.endswith(".json") and len(one) == 69)
    document = json.loads(members[name])
    document["rootfs"]["diff_ids"][4] = "sha256:" + "0" * 64
    members[name] = json.dumps(document).encode()
    path = tmp_path / "broken.tar"
    path.write_bytes(pack(members))
    analysis = analyze(path)
    assert {"diff-id-mismatch", "image-id-mismatch"} <= rules(analysis)
    statuses = [layer.status.value for layer in analysis.images[0].layers]
    assert statuses == ["verified"] * 4 + ["mismatch"] + ["verified"] * 6


def test_one_corrupt_layer_does_not_end_the_report(tmp_path: Path) -> None:
    members = read("docker26-app.tar")
    byte_in_layer(members)
    path = tmp_path / "broken.tar"
    path.write_bytes(pack(members))
    (image,) = analyze(path).images
    statuses = [layer.status.value for layer in image.layers]
    assert statuses == ["verified"] * 2 + ["mismatch"] + ["verified"] * 8


def test_a_truncated_archive_is_told_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = (REAL / "docker20-app.tar").read_bytes()
    path = tmp_path / "cut.tar"
    for size in range(0, len(whole) - 10240, 4096 + 512):
        path.write_bytes(whole[:size])
        try:
            analysis = analyze(path)
        except ArchiveError as error:
            assert "\n" not in str(error)
            continue
        assert not analysis.ok
        assert rules(analysis) & {"tar-truncated", "blob-missing"}
