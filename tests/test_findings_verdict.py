"""What the findings come to: the status of each layer, ``verified``, ``complete``, and the caps."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.images import (
    OCI_LAYER,
    Archive,
    ImageBuilder,
    blob_name,
    docker_archive,
    oci_layout,
    sha256,
    v1_chain,
)
from support.tars import END, TarBuilder
from test_findings import app, everything, stack

from oci_inspect import Analysis, ImageAnalysis, Limits, analyze
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS


def analysis_of(archive: Archive, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Analysis:
    return analyze(archive.write_file(folder / "image.tar"), limits=limits)


def image_of(archive: Archive, folder: Path, limits: Limits = DEFAULT_LIMITS) -> ImageAnalysis:
    (image,) = analysis_of(archive, folder, limits).images
    return image


def three() -> ImageBuilder:
    """Three layers, of which the one in the middle is to suffer."""
    return stack(
        TarBuilder().file("below", b"1"),
        TarBuilder().file("middle", b"22"),
        TarBuilder().file("above", b"333"),
    )


def claim(image: ImageBuilder, **changes: object) -> ImageBuilder:
    """The image with another descriptor for the layer in the middle."""
    return image.patch_manifest(lambda one: one["layers"][1].update(changes))


@dataclass(frozen=True)
class Case:
    """An archive and the status of the layer in the middle."""

    archive: Archive
    status: str
    complete: bool = True
    limits: Limits = DEFAULT_LIMITS


def sound() -> Case:
    return Case(oci_layout(three()), "verified")


def under_its_sha384() -> Case:
    image = three()
    blob = image.layers[1].blob
    encoded = hashlib.sha384(blob).hexdigest()
    claim(image, digest=f"sha384:{encoded}")
    return Case(oci_layout(image).rename(blob_name(blob), f"blobs/sha384/{encoded}"), "verified")


def under_a_blake3() -> Case:
    image = claim(three(), digest="blake3:" + "1" * 64)
    archive = oci_layout(image)
    archive.rename(blob_name(image.layers[1].blob), "blobs/blake3/" + "1" * 64)
    return Case(archive, "unverifiable")


def with_a_diff_id_of_blake3() -> Case:
    image = three()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(1, "blake3:" + "1" * 64))
    return Case(oci_layout(image), "unverifiable")


def encrypted() -> Case:
    image = three()
    image.layers[1] = replace(
        image.layers[1], blob=b"\x93secret", media_type=OCI_LAYER + "+gzip+encrypted"
    )
    return Case(oci_layout(image), "unverifiable", complete=False)


def encrypted_and_damaged() -> Case:
    case = encrypted()
    name = blob_name(b"\x93secret")
    return replace(case, archive=case.archive.flip_bit(name), status="mismatch")


def damaged() -> Case:
    image = three()
    return Case(oci_layout(image).flip_bit(blob_name(image.layers[1].blob), 512), "mismatch")


def of_another_size() -> Case:
    return Case(oci_layout(claim(three(), size=1)), "mismatch")


def of_another_diff_id() -> Case:
    image = three()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(1, sha256(b"")))
    return Case(oci_layout(image), "mismatch")


def no_gzip_to_its_end() -> Case:
    image = three()
    gzip = app(compression="gzip").layers[0]
    image.layers[1] = replace(gzip, tar=image.layers[1].tar, blob=gzip.blob[:-9])
    return Case(oci_layout(image), "mismatch", complete=False)


def left_out() -> Case:
    image = three()
    archive = oci_layout(image).drop(blob_name(image.layers[1].blob))
    return Case(archive, "skipped", complete=False)


def foreign_and_left_out() -> Case:
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    image = claim(three(), mediaType=kind, urls=["https://example.com/layer"])
    archive = oci_layout(image).drop(blob_name(image.layers[1].blob))
    return Case(archive, "skipped", complete=False)


def over_a_limit() -> Case:
    image = three()
    image.layers[1] = stack(TarBuilder().file("middle", bytes(9000))).layers[0]
    limits = Limits(layer_bytes=9000)
    return Case(oci_layout(image), "skipped", complete=False, limits=limits)


CASES = (
    sound,
    under_its_sha384,
    under_a_blake3,
    with_a_diff_id_of_blake3,
    encrypted,
    encrypted_and_damaged,
    damaged,
    of_another_size,
    of_another_diff_id,
    no_gzip_to_its_end,
    left_out,
    foreign_and_left_out,
    over_a_limit,
)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_layer_s_status_and_what_follows_from_it(make: object, tmp_path: Path) -> None:
    assert callable(make)
    case: Case = make()
    image = image_of(case.archive, tmp_path, case.limits)
    # whatever one layer is, the others are read, verified and shown
    assert [layer.status.value for layer in image.layers] == ["verified", case.status, "verified"]
    assert image.verified is (case.status == "verified")
    assert image.complete is case.complete
    paths = [one.path for one in image.tree.walk()]
    assert {b"above", b"below"} <= set(paths)
    errors = [found for found in image.findings if found.severity == "error"]
    assert not (image.verified and errors)
    if case.status == "mismatch":
        assert errors


def test_every_status_occurs() -> None:
    told = {make().status for make in CASES}
    assert told == {"verified", "mismatch", "unverifiable", "skipped"}


def test_all_errors_are_told_of_two_bad_layers(tmp_path: Path) -> None:
    image = three()
    archive = oci_layout(image).flip_bit(blob_name(image.layers[0].blob), 512)
    archive.drop(blob_name(image.layers[2].blob))
    found = image_of(archive, tmp_path)
    assert [layer.status.value for layer in found.layers] == ["mismatch", "verified", "skipped"]
    errors = {(one.rule, one.subject) for one in found.findings if one.severity == "error"}
    assert errors == {
        ("blob-digest-mismatch", image.layers[0].digest),
        ("diff-id-mismatch", image.layers[0].digest),
        ("blob-missing", image.layers[2].digest),
    }


def test_a_bad_image_does_not_spoil_a_good_one(tmp_path: Path) -> None:
    good, bad = app("good:1"), app("bad:1", content=b"bad")
    archive = oci_layout(good, bad).flip_bit(blob_name(bad.layers[0].blob), 512)
    analysis = analysis_of(archive, tmp_path)
    assert [image.verified for image in analysis.images] == [True, False]
    assert not analysis.ok


def test_an_error_about_the_archive_leaves_its_images_verified_but_is_no_pass(
    tmp_path: Path,
) -> None:
    archive = oci_layout(app()).replace("oci-layout", b'{"imageLayoutVersion":"9"}')
    analysis = analysis_of(archive, tmp_path)
    assert analysis.images[0].verified
    assert not analysis.ok


def test_warnings_leave_an_image_verified(tmp_path: Path) -> None:
    image = image_of(oci_layout(app().without_history()), tmp_path)
    assert [found.rule for found in image.findings] == ["history-mismatch"]
    assert image.verified and image.complete


def test_an_image_without_its_config_is_not_verified(tmp_path: Path) -> None:
    image = app()
    found = image_of(oci_layout(image).drop(blob_name(image.config)), tmp_path)
    assert [layer.status.value for layer in found.layers] == ["verified"]
    assert not found.verified and not found.complete


def test_a_chain_of_old_has_nothing_to_verify(tmp_path: Path) -> None:
    image = image_of(v1_chain(app()), tmp_path)
    assert [layer.status.value for layer in image.layers] == ["unverifiable"]
    assert not image.verified and image.complete


@pytest.mark.parametrize("part", ["config", "manifest"])
def test_a_document_under_a_digest_that_cannot_be_computed_is_no_pass(
    part: str, tmp_path: Path
) -> None:
    image = app()
    digest, name = "blake3:" + "1" * 64, "blobs/blake3/" + "1" * 64
    if part == "config":
        image.patch_manifest(lambda one: one["config"].update(digest=digest))
        archive = oci_layout(image).rename(blob_name(image.config), name)
    else:
        archive = oci_layout(image).rename(blob_name(image.manifest), name)
        archive.edit("index.json", lambda one: one["manifests"][0].update(digest=digest))
    analysis = analysis_of(archive, tmp_path)
    assert "digest-unsupported" in {found.rule for found in everything(analysis)}
    assert not analysis.images[0].verified
    assert not analysis.ok


def test_layers_over_the_limit_on_layers_are_left_out_and_told(tmp_path: Path) -> None:
    image = image_of(oci_layout(three()), tmp_path, Limits(layers=2))
    assert len(image.layers) == 2
    assert [found.rule for found in image.findings if found.severity == "error"] == [
        "limit-exceeded"
    ]
    assert not image.verified and not image.complete


def test_entries_of_all_layers_count_together(tmp_path: Path) -> None:
    exact = image_of(oci_layout(three()), tmp_path, Limits(entries=3))
    assert exact.verified and exact.complete
    over = image_of(oci_layout(three()), tmp_path, Limits(entries=2))
    assert "limit-exceeded" in {found.rule for found in over.findings}
    assert not over.verified and not over.complete
    # the digests are of all bytes whatever the listing may hold
    assert [layer.status.value for layer in over.layers] == ["verified"] * 3


@pytest.mark.parametrize(
    ("limits", "numbers"),
    [
        (Limits(layer_bytes=2_000), ("2,048", "2,000", "--limit layer_bytes=")),
        (Limits(layers=2), ("3", "2", "--limit layers=")),
        (Limits(entries=2), ("3", "2", "--limit entries=")),
    ],
)
def test_a_limit_that_was_met_is_told_with_both_numbers_and_the_flag(
    limits: Limits, numbers: tuple[str, ...], tmp_path: Path
) -> None:
    found = image_of(oci_layout(three()), tmp_path, limits).findings
    messages = [one.message for one in found if one.rule == "limit-exceeded"]
    assert messages
    assert all(number in message for message in messages for number in numbers)


def test_bytes_that_no_image_needs_are_counted(tmp_path: Path) -> None:
    archive = oci_layout(app()).add("x/1", bytes(1000)).add("x/2", bytes(234)).add("x/3", b"")
    (found,) = analysis_of(archive, tmp_path).findings
    assert (found.rule, found.subject) == ("blob-unreferenced", "x/1")
    assert "3 files" in found.message and "1,234 bytes" in found.message


# How many findings there may be


def test_a_rule_is_listed_a_hundred_times_and_then_counted(tmp_path: Path) -> None:
    layer = TarBuilder()
    for i in range(1250):
        layer.whiteout(f"{i:04}")
    image = image_of(oci_layout(stack(TarBuilder().file("a"), layer)), tmp_path)
    assert {found.rule for found in image.findings} == {"whiteout-dangling"}
    assert len(image.findings) == 101
    assert [found.subject for found in image.findings[:100]] == [f".wh.{i:04}" for i in range(100)]
    rest = image.findings[100]
    assert rest.severity == "info"
    assert rest.message.startswith("1,150 more")


def test_a_hundred_of_a_rule_are_just_listed(tmp_path: Path) -> None:
    layer = TarBuilder()
    for i in range(100):
        layer.whiteout(f"{i:04}")
    image = image_of(oci_layout(stack(TarBuilder().file("a"), layer)), tmp_path)
    assert len(image.findings) == 100
    assert not [found for found in image.findings if "more" in found.message]


def test_each_layer_s_own_oddities_are_counted_too(tmp_path: Path) -> None:
    layer = TarBuilder()
    for i in range(1000):
        layer.file(f"../{i:04}")
    image = image_of(oci_layout(stack(layer)), tmp_path)
    told = [found for found in image.findings if found.rule == "path-unsafe"]
    listed = [found for found in told if found.subject.startswith("../")]
    assert 0 < len(listed) <= 100
    (rest,) = (found for found in told if found not in listed)
    assert f"{1000 - len(listed):,} more" in rest.message


def test_the_count_of_the_rest_holds_over_many_layers(tmp_path: Path) -> None:
    """Eight layers of a thousand each: whatever is listed, what is told comes to eight thousand."""
    image = ImageBuilder("a:1")
    for i in range(8):
        layer = TarBuilder()
        for j in range(1000):
            layer.file(f"../{i}/{j:03}")
        image.layer(layer)
    found = image_of(oci_layout(image), tmp_path).findings
    assert {one.rule for one in found} == {"path-unsafe"}
    assert len(found) <= 101
    rests = [re.search(r"([0-9,]+) more of this rule", one.message) for one in found]
    told = sum(int(rest[1].replace(",", "")) if rest else 1 for rest in rests)
    assert told == 8000


def test_the_same_finding_twice_is_one() -> None:
    findings = FindingCollector()
    for _ in range(300):
        findings.add("setuid", "bin/su", "the same")
    assert len(findings.result()) == 1


def test_errors_come_first_and_keep_their_order() -> None:
    findings = FindingCollector()
    for rule in ("setuid", "json-invalid", "history-mismatch", "blob-missing", "created-zero"):
        findings.add(rule, "", "")
    assert [found.rule for found in findings.result()] == [
        "json-invalid",
        "blob-missing",
        "history-mismatch",
        "setuid",
        "created-zero",
    ]


def test_the_empty_layer_of_docker_is_verified(tmp_path: Path) -> None:
    image = image_of(docker_archive(stack(END)), tmp_path)
    assert image.verified and image.complete
    (layer,) = image.layers
    assert (layer.entries, layer.files, layer.file_bytes) == (0, 0, 0)
    # the digest that every engine knows for 1,024 zero bytes
    assert layer.diff_id == (
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    )
