"""``images``: what is in the archive, images and other things."""

from __future__ import annotations

from datetime import datetime

from oci_inspect.analysis.results import Analysis, ImageAnalysis
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Digest,
    Fit,
    Lines,
    Role,
    Size,
    Table,
    Text,
    Time,
)
from oci_inspect.render.cells import short_digest
from oci_inspect.render.sizes import age, clock, rfc3339
from oci_inspect.render.views.common import archive_findings, short_verdict
from oci_inspect.spec.reference import repository_and_tag

_NONE = Text("<none>", Role.DIM)


def images_view(
    analysis: Analysis,
    now: datetime | None = None,
    no_trunc: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> list[Block]:
    """The images as ``docker image ls`` lists them, one row for each reference; then the rest.

    ``now`` gives ages instead of times. ``quiet`` leaves nothing but image IDs.
    """
    if quiet:
        ids = dict.fromkeys(image.image_id or image.name for image in analysis.images)
        return [Lines(tuple(one if no_trunc else short_digest(one) for one in ids))]
    blocks: list[Block] = [_images(analysis, now, no_trunc)]
    if analysis.other:
        blocks.append(_others(analysis, no_trunc))
    findings = archive_findings(analysis, verbose)
    if findings is not None:
        blocks.append(findings)
    return blocks


def _images(analysis: Analysis, now: datetime | None, no_trunc: bool) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for image in analysis.images:
        rows += [
            (
                *_split(reference),
                _digest(image.image_id, no_trunc),
                Time(
                    rfc3339(image.created),
                    age(image.created, now) if now else clock(image.created),
                ),
                Size(image.totals.file_bytes),
                str(image.platform),
                str(len(image.layers)),
                Size(image.totals.size),
                short_verdict(image),
            )
            for reference in _references(image)
        ]
    return Table(
        columns=(
            Column("REPOSITORY", fit=Fit.MIDDLE, least=12),
            Column("TAG", fit=Fit.MIDDLE, least=6),
            Column("IMAGE ID"),
            Column("CREATED", group=1),
            Column("SIZE", right=True, group=1),
            Column("PLATFORM", group=2),
            Column("LAYERS", right=True, group=2),
            Column("STORED", right=True, group=2),
            Column("STATUS", group=2),
        ),
        rows=tuple(rows),
        empty="no images",
    )


def _others(analysis: Analysis, no_trunc: bool) -> Table:
    return Table(
        title="Other things",
        main=False,
        columns=(
            Column("REASON"),
            Column("DIGEST"),
            Column("PLATFORM"),
            Column("SIZE", right=True),
            Column("TYPE", fit=Fit.MIDDLE, least=16),
        ),
        rows=tuple(
            (
                other.reason,
                _digest(other.digest, no_trunc),
                str(other.platform) if other.platform else MISSING,
                Size(other.size),
                other.artifact_type or other.media_type,
            )
            for other in analysis.other
        ),
    )


def _references(image: ImageAnalysis) -> tuple[str | None, ...]:
    return image.references or (None,)


def _split(reference: str | None) -> tuple[Cell, Cell]:
    """Repository and tag."""
    if reference is None:
        return _NONE, _NONE
    repository, tag = repository_and_tag(reference)
    return _NONE if repository is None else repository, _NONE if tag is None else tag


def _digest(digest: str | None, no_trunc: bool) -> Cell:
    if digest is None:
        return _NONE
    return Digest(digest, "full" if no_trunc else "short")
