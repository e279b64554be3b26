"""Verification: what was computed from the bytes, held against what the documents claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from oci_inspect.analysis.results import Status
from oci_inspect.archive.contents import LayerRef
from oci_inspect.findings import FindingCollector, limit_met
from oci_inspect.layer.scan import LayerScan
from oci_inspect.spec.config import ImageConfig
from oci_inspect.spec.digest import Digest, DigestError, parse_digest
from oci_inspect.spec.media_types import (
    compression_agrees,
    is_encrypted,
    is_layer,
    promised_compression,
)


@dataclass(frozen=True, slots=True)
class LayerClaim:
    """What the documents say of one layer.

    ``digest`` and ``size`` are of the blob. ``named`` is True where the digest is only the name of
    a file, which may be the tar's digest instead. ``diff_id`` is what the config claims.
    """

    subject: str
    digest: Digest | None
    named: bool
    size: int | None
    media_type: str
    diff_id: str | None


def layer_claims(layers: Sequence[LayerRef], config: ImageConfig | None) -> list[LayerClaim]:
    """What an image's documents say of its layers, bottom to top."""
    diff_ids = config.diff_ids if config else ()
    return [
        LayerClaim(
            subject=layer.subject,
            digest=layer.digest,
            named=layer.named,
            size=layer.size,
            media_type=layer.media_type,
            diff_id=diff_ids[i] if i < len(diff_ids) else None,
        )
        for i, layer in enumerate(layers)
    ]


def opens(media_type: str) -> bool:
    """Whether the bytes of a layer of this type can be looked into."""
    return not media_type or (is_layer(media_type) and not is_encrypted(media_type))


def check_layers(
    claims: Sequence[LayerClaim],
    scans: Sequence[LayerScan | None],
    findings: FindingCollector,
) -> list[Status]:
    """Verify every layer; return their statuses and put what is wrong into ``findings``.

    A layer without a scan is ``skipped``: missing, foreign, or behind a limit.
    """
    statuses = [
        Status.SKIPPED if scan is None else _check_layer(i, claim, scan, findings)
        for i, (claim, scan) in enumerate(zip(claims, scans, strict=True))
    ]
    _check_diff_ids(claims, scans, statuses, findings)
    _check_media_types(claims, scans, findings)
    return statuses


def check_count(layers: int, diff_ids: int, subject: str, findings: FindingCollector) -> None:
    """A manifest has as many layers as its config has diff_ids."""
    if layers != diff_ids:
        findings.add(
            "layer-count-mismatch",
            subject,
            f"the manifest lists {layers} layers, the config {diff_ids} diff_ids",
        )


def _check_layer(
    index: int, claim: LayerClaim, scan: LayerScan, findings: FindingCollector
) -> Status:
    status = Status.VERIFIED
    digest = claim.digest
    known = False
    if digest is not None:
        computed = scan.digests.get(digest.algorithm)
        if computed is None:
            status = Status.UNVERIFIABLE
        else:
            known = True
            also = scan.diff_ids.get(digest.algorithm) if claim.named else None
            if str(digest) not in (computed, also):
                status = Status.MISMATCH
                findings.add(
                    "blob-digest-mismatch",
                    claim.subject,
                    f"layer {index}: its bytes hash to {computed}",
                )
    if claim.size is not None and claim.size != scan.size:
        status = Status.MISMATCH
        findings.add(
            "blob-size-mismatch",
            claim.subject,
            f"layer {index} has {scan.size:,} bytes, the descriptor says {claim.size:,}",
        )
    if not opens(claim.media_type):
        return status if status is Status.MISMATCH else Status.UNVERIFIABLE
    for found in scan.findings:
        findings.take(
            replace(
                found,
                subject=found.subject or claim.subject,
                message=f"layer {index}: {found.message}",
            )
        )
    if not scan.diff_ids and status is Status.VERIFIED:
        return Status.SKIPPED if limit_met(scan.findings) else Status.MISMATCH
    if claim.diff_id is None and not known and status is Status.VERIFIED:
        return Status.UNVERIFIABLE
    return status


def _check_diff_ids(
    claims: Sequence[LayerClaim],
    scans: Sequence[LayerScan | None],
    statuses: list[Status],
    findings: FindingCollector,
) -> None:
    wrong: list[tuple[int, str, str]] = []
    for i, (claim, scan) in enumerate(zip(claims, scans, strict=True)):
        if scan is None or claim.diff_id is None or not opens(claim.media_type):
            continue
        try:
            algorithm = parse_digest(claim.diff_id).algorithm
        except DigestError:
            statuses[i] = Status.MISMATCH
            continue  # told as digest-invalid where the config was read
        computed = scan.diff_ids.get(algorithm)
        if computed is None:
            if statuses[i] is Status.VERIFIED:
                statuses[i] = Status.UNVERIFIABLE
        elif computed != claim.diff_id:
            wrong.append((i, claim.diff_id, computed))
    for i, _, _ in wrong:
        statuses[i] = Status.MISMATCH
    if wrong and sorted(claimed for _, claimed, _ in wrong) == sorted(
        computed for _, _, computed in wrong
    ):
        findings.add("layer-order", claims[wrong[0][0]].subject, _order_message(wrong))
        return
    for i, claimed, computed in wrong:
        findings.add(
            "diff-id-mismatch",
            claims[i].subject,
            f"layer {i}: its tar hashes to {computed}, the config says {claimed}",
        )


def _check_media_types(
    claims: Sequence[LayerClaim], scans: Sequence[LayerScan | None], findings: FindingCollector
) -> None:
    """One finding for all layers that are wrong in one way: skopeo writes them by the dozen."""
    wrong: dict[tuple[str, str], list[int]] = {}
    for i, (claim, scan) in enumerate(zip(claims, scans, strict=True)):
        if scan is not None and not compression_agrees(claim.media_type, scan.compression):
            wrong.setdefault((claim.media_type, scan.compression), []).append(i)
    for (media_type, compression), layers in wrong.items():
        which = (
            f"layer {layers[0]}" if len(layers) == 1 else "layers " + ", ".join(map(str, layers))
        )
        is_so = "not compressed" if compression == "none" else f"compressed with {compression}"
        findings.add(
            "media-type-mismatch",
            claims[layers[0]].subject,
            f"{which}: {is_so}, the media type {media_type} promises"
            f" {promised_compression(media_type)}",
        )


def _order_message(wrong: Sequence[tuple[int, str, str]]) -> str:
    """Which layer belongs where, of (index, claimed diff_id, computed diff_id)."""
    at = {computed: i for i, _, computed in wrong}
    here = ", ".join(str(i) for i, _, _ in wrong)
    right = ", ".join(str(at[claimed]) for _, claimed, _ in wrong)
    return f"the right layers in the wrong order: where {here} stand, the config wants {right}"
