"""The first screen: which image, whether it is what it says, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.findings import Finding, Severity
from oci_inspect.paths import file_text
from oci_inspect.render.blocks import Role
from oci_inspect.render.cells import short_digest
from oci_inspect.render.sizes import clock, human_size, percent, plural
from oci_inspect.render.views.base import base_line
from oci_inspect.render.views.common import archive_line, count_of, verdict

_REFERENCES = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with what it means; ``role`` where it is good or bad news."""

    label: str
    value: str
    detail: str
    href: str
    title: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """The verdict: one or two words, the reasons, and a role (``ok``, ``warning``, ``error``).

    ``href`` is where the reasons are told in full, empty where there are none.
    """

    words: str
    reasons: str
    role: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Meta:
    """A fact in small print."""

    label: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen."""

    badge: Badge
    also: tuple[str, ...]
    more_names: int
    meta: tuple[Meta, ...]
    tiles: tuple[Tile, ...]
    base: str | None


def overview(image: ImageAnalysis, archive: ArchiveInfo, findings: Sequence[Finding]) -> Overview:
    """The first screen of an image; ``findings`` are those about the archive itself."""
    also = image.references[1:]
    path = file_text(archive.path)
    meta = [
        Meta("Archive", path.rpartition("/")[2] or path, path),
        Meta("Kind", archive_line(archive)),
        Meta("Platform", str(image.platform)),
        Meta("Created", clock(image.created)),
    ]
    if image.image_id:
        meta.append(Meta("Image ID", short_digest(image.image_id), image.image_id))
    if image.manifest_digest:
        digest = image.manifest_digest
        meta.append(Meta("Manifest", short_digest(digest), digest))
    return Overview(
        badge=badge(image),
        also=also[:_REFERENCES],
        more_names=max(0, len(also) - _REFERENCES),
        meta=tuple(meta),
        tiles=_tiles(image, findings),
        base=base_line(image),
    )


def badge(image: ImageAnalysis) -> Badge:
    """The verdict on an image, taken apart at its colon."""
    told = verdict(image)
    words, _, reasons = told.text.partition(": ")
    role = told.role
    if image.verified and not image.complete:
        role = Role.WARNING
    return Badge(words, reasons, role.value, "#findings" if image.findings else "")


def _tiles(image: ImageAnalysis, findings: Sequence[Finding]) -> tuple[Tile, ...]:
    totals = image.totals
    whole = image.complete
    dead = human_size(totals.wasted_bytes)
    steps, empty = len(image.history), sum(one.layer_index is None for one in image.history)
    return (
        Tile(
            "Size",
            human_size(totals.file_bytes),
            f"{human_size(totals.size)} stored, {human_size(totals.uncompressed_size)} unpacked"
            if whole
            else "at least: not all was read",
            "#layers",
            f"{totals.file_bytes:,} bytes of files in all layers",
        ),
        Tile(
            "Waste",
            dead,
            (f"{percent(1 - totals.efficiency)} of the size" if totals.wasted_bytes else "none")
            if whole
            else "at least: not all was read",
            "#waste",
            f"{totals.wasted_bytes:,} bytes that no container can reach",
            _waste_role(image),
        ),
        Tile(
            "Efficiency",
            percent(totals.efficiency) if whole else "unknown",
            "of all bytes can be reached" if whole else "not all was read",
            "#waste",
        ),
        Tile(
            "Layers",
            f"{len(image.layers):,}",
            f"{plural(steps, 'step')}, {empty:,} without a layer" if steps else "no history",
            "#layers",
        ),
        Tile(
            "Files",
            f"{totals.files:,}",
            "in the merged tree" if whole else "at least: not all was read",
            "#map",
        ),
        _finding_tile((*image.findings, *findings)),
    )


def _waste_role(image: ImageAnalysis) -> str:
    share = 1 - image.totals.efficiency
    return "warning" if share >= 0.1 and image.complete else ""


def _finding_tile(findings: Sequence[Finding]) -> Tile:
    errors, warnings = (
        sum(one.count for one in findings if one.severity is severity)
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    notes = count_of(findings, Severity.INFO)
    parts = [plural(errors, "error"), plural(warnings, "warning"), plural(notes, "note")]
    role = "error" if errors else "warning" if warnings else "ok"
    return Tile("Findings", f"{errors + warnings:,}", ", ".join(parts), "#findings", "", role)
