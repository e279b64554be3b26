"""``verify``: whether everything is what it claims to be."""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect.analysis.results import Analysis, ImageAnalysis, Status
from oci_inspect.findings import Finding, Severity
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Digest,
    Fit,
    Heading,
    Note,
    Role,
    Size,
    Table,
)
from oci_inspect.render.sizes import plural
from oci_inspect.render.views.common import (
    count_of,
    findings_table,
    status_cell,
    title,
    verdict,
)
from oci_inspect.spec.digest import computable


def verify_view(analysis: Analysis, verbose: bool = False) -> list[Block]:
    """A verdict for each image, the status of each of its blobs, and what was found.

    What is merely worth knowing is counted, and listed with ``verbose``.
    """
    blocks: list[Block] = []
    for image in analysis.images:
        line = verdict(image)
        blocks += [Heading(title(image), level=1), Note(line.text, line.role), _blobs(image)]
        findings = _listed(image.findings, verbose)
        if findings:
            blocks.append(findings_table(findings, "Findings"))
    findings = _listed(analysis.findings, verbose)
    if findings:
        blocks.append(findings_table(findings, "The archive itself"))
    blocks.append(_summary(analysis, verbose))
    return blocks


def _listed(findings: Sequence[Finding], verbose: bool) -> list[Finding]:
    return [found for found in findings if verbose or found.severity is not Severity.INFO]


def _blobs(image: ImageAnalysis) -> Table:
    rows: list[tuple[Cell, ...]] = []
    documents = image.image
    bad = {found.subject for found in image.findings if found.severity is Severity.ERROR}
    if image.manifest_digest:
        media_type = documents.manifest.media_type if documents.manifest else ""
        data = documents.manifest_data
        rows.append(_document("manifest", image.manifest_digest, data, media_type, bad))
    if image.image_id:
        claimed = documents.manifest.config if documents.manifest else None
        digest = claimed.claimed_digest if claimed and claimed.digest else image.image_id
        if any(found.rule == "image-id-mismatch" for found in image.findings):
            bad.add(digest)
        config_type = claimed.media_type if claimed else ""
        rows.append(_document("config", digest, documents.config_data, config_type, bad))
    rows += [
        (
            f"layer {layer.index}",
            status_cell(layer.status),
            Size(layer.size),
            Digest(layer.digest),
            layer.media_type or MISSING,
        )
        for layer in image.layers
    ]
    return Table(
        columns=(
            Column("BLOB"),
            Column("STATUS"),
            Column("STORED", right=True),
            Column("DIGEST"),
            Column("MEDIA TYPE", fit=Fit.MIDDLE, least=12),
        ),
        rows=tuple(rows),
        empty="nothing to verify",
    )


def _document(
    what: str, digest: str, data: bytes | None, media_type: str, bad: set[str]
) -> tuple[Cell, ...]:
    """The row of a manifest or config; what is wrong with it stands in the findings."""
    if data is None:
        status = Status.SKIPPED
    elif digest in bad:
        status = Status.MISMATCH
    else:
        status = Status.VERIFIED if computable(digest) else Status.UNVERIFIABLE
    size = None if data is None else len(data)
    return what, status_cell(status), Size(size), Digest(digest), media_type or MISSING


def _summary(analysis: Analysis, verbose: bool) -> Note:
    if not analysis.images:
        return Note("no image in this archive: nothing is verified", Role.ERROR)
    everything = [*analysis.findings, *(f for image in analysis.images for f in image.findings)]
    counts = [
        plural(count, noun)
        for severity, noun in (
            (Severity.ERROR, "error"),
            (Severity.WARNING, "warning"),
            (Severity.INFO, "note"),
        )
        if (count := count_of(everything, severity))
    ]
    if not verbose and count_of(everything, Severity.INFO):
        counts[-1] += " (listed with --verbose)"
    verified = sum(image.verified for image in analysis.images)
    complete = all(image.complete for image in analysis.images)
    text = f"{verified} of {plural(len(analysis.images), 'image')} verified"
    text += "" if complete else ", reading was INCOMPLETE"
    if count_of(analysis.findings, Severity.ERROR):
        text += ", but the archive itself is not what it claims to be"
    tail = f": {', '.join(counts)}" if counts else ""
    return Note(text + tail, Role.OK if analysis.ok and complete else Role.ERROR)
