"""Layers held against their claims, without an archive around them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from support.images import DOCKER_LAYER, OCI_LAYER, compress, sha256
from support.tars import TarBuilder

from oci_inspect.analysis.results import Status
from oci_inspect.analysis.verify import LayerClaim, check_count, check_layers, opens
from oci_inspect.findings import Finding, FindingCollector
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.spec.digest import parse_digest
from oci_inspect.stream.source import BytesSource

TARS = [TarBuilder().file(name, name.encode()).build() for name in "abc"]


def scan(blob: bytes, *algorithms: str) -> LayerScan:
    return scan_layer(BytesSource(blob), DEFAULT_LIMITS, ("sha256", *algorithms))


def claim(blob: bytes, tar: bytes | None, **changes: object) -> LayerClaim:
    """What right documents say of a layer, changed."""
    right = LayerClaim(
        subject=sha256(blob),
        digest=parse_digest(sha256(blob)),
        named=False,
        size=len(blob),
        media_type="",
        diff_id=None if tar is None else sha256(tar),
    )
    return replace(right, **changes)  # type: ignore[arg-type]


def verify(
    claims: list[LayerClaim], scans: list[LayerScan | None]
) -> tuple[list[str], list[Finding]]:
    findings = FindingCollector()
    statuses = check_layers(claims, scans, findings)
    return [status.value for status in statuses], list(findings.result())


def verify_one(one: LayerClaim, scanned: LayerScan | None) -> tuple[str, list[str]]:
    (status,), findings = verify([one], [scanned])
    return status, [found.rule for found in findings]


@pytest.mark.parametrize("how", ["none", "gzip", "gzip-members", "zstd", "zstd-frames"])
def test_what_fits_is_verified(how: str) -> None:
    blob = compress(TARS[0], how)
    assert verify_one(claim(blob, TARS[0]), scan(blob)) == ("verified", [])


def test_without_a_scan_a_layer_is_skipped_whatever_is_claimed() -> None:
    assert verify_one(claim(TARS[0], TARS[1], size=1), None) == ("skipped", [])


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"digest": parse_digest(sha256(b"other"))}, "blob-digest-mismatch"),
        ({"size": 1}, "blob-size-mismatch"),
        ({"diff_id": sha256(b"other")}, "diff-id-mismatch"),
    ],
)
def test_each_claim_is_held_against_the_bytes(changes: dict[str, object], rule: str) -> None:
    blob = compress(TARS[0], "gzip")
    assert verify_one(claim(blob, TARS[0], **changes), scan(blob)) == ("mismatch", [rule])


def test_a_size_that_nobody_claims_is_no_mismatch() -> None:
    assert verify_one(claim(TARS[0], TARS[0], size=None), scan(TARS[0])) == ("verified", [])


def test_a_file_s_name_may_be_the_digest_of_its_blob_or_of_its_tar() -> None:
    blob = compress(TARS[0], "gzip")
    tar_digest = parse_digest(sha256(TARS[0]))
    named = claim(blob, TARS[0], named=True, digest=tar_digest)
    assert verify_one(named, scan(blob)) == ("verified", [])
    assert (
        verify_one(replace(named, digest=parse_digest(sha256(blob))), scan(blob))[0] == "verified"
    )
    # a descriptor's digest is of the blob
    told = replace(named, named=False)
    assert verify_one(told, scan(blob)) == ("mismatch", ["blob-digest-mismatch"])


def test_a_digest_that_was_not_computed_is_unverifiable_though_the_diff_id_fits() -> None:
    blake = parse_digest("blake3:" + "0" * 64)
    assert verify_one(claim(TARS[0], TARS[0], digest=blake), scan(TARS[0]))[0] == "unverifiable"


def test_a_wrong_diff_id_outweighs_a_digest_that_cannot_be_computed() -> None:
    blake = parse_digest("blake3:" + "0" * 64)
    found = verify_one(claim(TARS[0], TARS[1], digest=blake), scan(TARS[0]))
    assert found == ("mismatch", ["diff-id-mismatch"])


def test_sha512_is_computed_where_it_is_claimed() -> None:
    digest = "sha512:" + hashlib.sha512(TARS[0]).hexdigest()
    right = claim(TARS[0], None, digest=parse_digest(digest), diff_id=digest)
    assert verify_one(right, scan(TARS[0], "sha512")) == ("verified", [])
    wrong = replace(right, diff_id="sha512:" + "0" * 128)
    assert verify_one(wrong, scan(TARS[0], "sha512")) == ("mismatch", ["diff-id-mismatch"])


def test_a_layer_of_which_nothing_is_claimed_is_unverifiable() -> None:
    nothing = claim(TARS[0], None, digest=None, size=None)
    assert verify_one(nothing, scan(TARS[0])) == ("unverifiable", [])


def test_an_encrypted_layer_is_held_against_its_digest_and_never_looked_into() -> None:
    blob = b"\x1f\x8b but this is no gzip"
    secret = claim(blob, TARS[0], media_type=OCI_LAYER + "+gzip+encrypted")
    assert verify_one(secret, scan(blob)) == ("unverifiable", [])
    wrong = replace(secret, digest=parse_digest(sha256(b"other")))
    assert verify_one(wrong, scan(blob)) == ("mismatch", ["blob-digest-mismatch"])


def test_damage_is_a_mismatch_even_under_the_right_digest() -> None:
    blob = compress(TARS[0], "gzip")[:-9]
    assert verify_one(claim(blob, TARS[0]), scan(blob)) == ("mismatch", ["layer-corrupt"])


# Several layers


def test_right_layers_in_wrong_order_are_one_finding_about_the_first() -> None:
    order = [1, 2, 0]
    claims = [claim(TARS[i], TARS[order[i]]) for i in range(3)]
    statuses, findings = verify(claims, [scan(tar) for tar in TARS])
    assert statuses == ["mismatch"] * 3
    assert [(one.rule, one.subject) for one in findings] == [("layer-order", sha256(TARS[0]))]
    assert "0, 1, 2" in findings[0].message


def test_only_the_layers_that_are_not_in_their_place_are_named() -> None:
    claims = [claim(TARS[0], TARS[2]), claim(TARS[1], TARS[1]), claim(TARS[2], TARS[0])]
    statuses, findings = verify(claims, [scan(tar) for tar in TARS])
    assert statuses == ["mismatch", "verified", "mismatch"]
    assert [one.rule for one in findings] == ["layer-order"]
    assert "0, 2" in findings[0].message


def test_a_missing_layer_among_exchanged_ones_leaves_the_others_told() -> None:
    claims = [claim(TARS[0], TARS[1]), claim(TARS[1], TARS[0]), claim(TARS[2], TARS[2])]
    statuses, findings = verify(claims, [scan(TARS[0]), None, scan(TARS[2])])
    assert statuses == ["mismatch", "skipped", "verified"]
    assert [one.rule for one in findings] == ["diff-id-mismatch"]


def test_one_media_type_that_is_wrong_of_many_layers_is_told_once() -> None:
    claims = [claim(tar, tar, media_type=DOCKER_LAYER + ".gzip") for tar in TARS]
    claims[1] = replace(claims[1], media_type=OCI_LAYER)
    statuses, findings = verify(claims, [scan(tar) for tar in TARS])
    assert statuses == ["verified"] * 3
    assert [(one.rule, one.subject) for one in findings] == [
        ("media-type-mismatch", sha256(TARS[0]))
    ]
    assert "layers 0, 2" in findings[0].message


@pytest.mark.parametrize(
    ("media_type", "can"),
    [
        ("", True),
        (OCI_LAYER, True),
        (OCI_LAYER + "+zstd", True),
        (DOCKER_LAYER + ".gzip", True),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True),
        (OCI_LAYER + "+gzip+encrypted", False),
        ("text/html", False),
        ("application/vnd.oci.image.config.v1+json", False),
    ],
)
def test_what_can_be_opened(media_type: str, can: bool) -> None:
    assert opens(media_type) is can


@pytest.mark.parametrize(("layers", "diff_ids"), [(1, 2), (2, 1), (0, 1)])
def test_layers_and_diff_ids_are_counted(layers: int, diff_ids: int) -> None:
    findings = FindingCollector()
    check_count(layers, diff_ids, "sha256:image", findings)
    (found,) = findings
    assert (found.rule, found.subject) == ("layer-count-mismatch", "sha256:image")
    check_count(2, 2, "sha256:image", other := FindingCollector())
    assert list(other) == []


def test_statuses_are_the_words_of_the_report() -> None:
    assert {status.value for status in Status} == {
        "verified",
        "mismatch",
        "unverifiable",
        "skipped",
    }
