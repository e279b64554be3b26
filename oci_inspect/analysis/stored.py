"""An image as an engine would store it: what its layers are, and what each takes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oci_inspect.analysis.history import steps_of_layers
from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.verify import check_layers, layer_claims, opens
from oci_inspect.archive.contents import Image
from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.disk import DiskSize
from oci_inspect.findings import Finding, FindingCollector, Severity, limit_met
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.spec.digest import chain_ids
from oci_inspect.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """One layer of one image.

    ``digest`` is the blob's as computed, as claimed where it could not be read; then all that is
    known of bytes is None. ``diff_id`` is computed too, None where the tar could not be read to its
    end; a ``chain_id`` is there where all diff_ids up to this one are. Sizes are in bytes: ``size``
    as stored, ``uncompressed_size`` the tar's, ``disk_size`` as the engine counts what it unpacks
    (:mod:`oci_inspect.filesystem.disk`), at least so much where ``complete`` is False.
    ``instruction`` is the Dockerfile line of its step, ``created_by`` that step word for word, None
    where the history does not tell.
    """

    digest: str
    diff_id: str | None
    chain_id: str | None
    compression: str | None
    size: int | None
    uncompressed_size: int | None
    disk_size: int | None
    complete: bool
    instruction: str | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image of one archive; its layers bottom to top.

    ``findings`` are errors, limits that were met, and blobs that are not there; ``complete`` is
    False where a limit or a layer that could not be read leaves something out.
    """

    archive: ArchiveInfo
    references: tuple[str, ...]
    image_id: str | None
    manifest_digest: str | None
    platform: Platform
    created: str | None
    layers: tuple[StoredLayer, ...]
    findings: tuple[Finding, ...] = ()
    complete: bool = True


def stored_image(
    archive: ArchiveInfo,
    image: Image,
    scans: Mapping[str, LayerScan | Finding],
    size_of: Callable[[LayerScan], DiskSize],
    limits: Limits = DEFAULT_LIMITS,
) -> StoredImage:
    """Put together what is stored of an image, from the scans of its layers by member."""
    findings = FindingCollector()
    findings.extend(image.findings)
    refs = image.layers[: limits.layers]
    if len(refs) < len(image.layers):
        error = LimitExceededError("layers", limits.layers, len(image.layers), image.name)
        findings.add("limit-exceeded", image.name, str(error))
    own: list[LayerScan | None] = []
    for ref in refs:
        scan = scans.get(ref.member) if ref.member else None
        if isinstance(scan, Finding):
            findings.take(scan)
            scan = None
        own.append(scan)
    check_layers(layer_claims(refs, image.config), own, findings)
    opened = [
        scan if scan is not None and opens(ref.media_type) else None
        for ref, scan in zip(refs, own, strict=True)
    ]
    known: list[str] = []
    for scan in opened:
        if scan is None or scan.diff_id is None:
            break  # a chain_id stands on every layer below it
        known.append(scan.diff_id)
    chain = [*chain_ids(known), *([None] * (len(refs) - len(known)))]
    steps = steps_of_layers(image)
    layers = []
    for i, (ref, scan, tar) in enumerate(zip(refs, own, opened, strict=True)):
        disk = None if tar is None else size_of(tar)
        if disk is not None:
            findings.extend(disk.findings)
        step = steps[i]
        layers.append(
            StoredLayer(
                digest=scan.digest if scan else ref.subject,
                diff_id=tar.diff_id if tar else None,
                chain_id=chain[i],
                compression=tar.compression if tar else None,
                size=scan.size if scan else None,
                uncompressed_size=tar.uncompressed_size if tar and tar.diff_ids else None,
                disk_size=disk.bytes if disk else None,
                complete=disk is not None and disk.complete,
                instruction=(step.instruction or step.created_by or None) if step else None,
                created_by=step.created_by if step else None,
            )
        )
    told = tuple(one for one in findings.result() if _matters(one))
    return StoredImage(
        archive=archive,
        references=image.references,
        image_id=image.image_id,
        manifest_digest=image.manifest_digest,
        platform=image.platform,
        created=image.config.created if image.config else None,
        layers=tuple(layers),
        findings=told,
        complete=not limit_met(told) and all(layer.complete for layer in layers),
    )


def _matters(found: Finding) -> bool:
    return found.severity is Severity.ERROR or found.rule == "blob-missing"
