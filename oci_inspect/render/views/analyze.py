"""``analyze``: the whole story of each image on one screen."""

from __future__ import annotations

from oci_inspect.analysis.results import Analysis, ImageAnalysis, Status
from oci_inspect.findings import Severity
from oci_inspect.paths import file_text
from oci_inspect.render.blocks import (
    Bar,
    Block,
    Cell,
    Column,
    Digest,
    Facts,
    Fit,
    Heading,
    Note,
    Role,
    Size,
    Table,
)
from oci_inspect.render.sizes import clock, human_size, plural
from oci_inspect.render.views.base import base_line
from oci_inspect.render.views.common import (
    archive_findings,
    archive_line,
    findings_table,
    instruction_cell,
    others_note,
    quiet_size,
    short_verdict,
    status_cell,
    step_number,
    step_of,
    title,
    verdict,
    waste_line,
    waste_table,
)

WORST = 10
"""Dead files and folders that are listed."""

_PER_RULE = 3
_MORE = ": history --no-trunc shows all"


def analyze_view(analysis: Analysis, verbose: bool = False, quiet: bool = False) -> list[Block]:
    """Each image with its verdict, its layers, its worst waste and what is wrong with it.

    ``verbose`` lists what is merely worth knowing too; ``quiet`` leaves identity and verdict.
    """
    blocks: list[Block] = []
    several = len(analysis.images) > 1
    if several:
        blocks.append(_overview(analysis))
    if not analysis.images:
        blocks.append(
            Note(f"{file_text(analysis.archive.path)}: no image in this archive", Role.WARNING)
        )
    for number, image in enumerate(analysis.images, 1):
        note = f"image {number} of {len(analysis.images)}" if several else ""
        blocks += _image(analysis, image, note, verbose)[: 2 if quiet else None]
    if quiet:
        return blocks
    table = archive_findings(analysis, verbose)
    if table is not None:
        blocks.append(table)  # with the number of notes that are not shown
    elif analysis.findings:
        noted = (
            f"The archive itself: {plural(len(analysis.findings), 'note')} listed with --verbose."
        )
        blocks.append(Note(noted, Role.DIM))
    others = others_note(analysis.other)
    if others is not None:
        blocks.append(others)
    return blocks


def _overview(analysis: Analysis) -> Table:
    return Table(
        title=f"{plural(len(analysis.images), 'image')} in {file_text(analysis.archive.path)}",
        columns=(
            Column("IMAGE", fit=Fit.MIDDLE, least=16),
            Column("PLATFORM"),
            Column("LAYERS", right=True),
            Column("SIZE", right=True),
            Column("WASTE", right=True),
            Column("STATUS"),
        ),
        rows=tuple(
            (
                image.references[0] if image.references else Digest(image.name, "short"),
                str(image.platform),
                str(len(image.layers)),
                Size(image.totals.file_bytes),
                quiet_size(image.totals.wasted_bytes),
                short_verdict(image),
            )
            for image in analysis.images
        ),
    )


def _image(analysis: Analysis, image: ImageAnalysis, note: str, verbose: bool) -> list[Block]:
    blocks: list[Block] = [
        Heading(title(image), level=1, note=note),
        _identity(analysis, image),
        _layers(image),
    ]
    if image.worst:
        blocks.append(_worst(image))
    blocks += _findings(image, verbose)
    return blocks


def _identity(analysis: Analysis, image: ImageAnalysis) -> Facts:
    totals = image.totals
    least = "" if image.complete else "at least "
    pairs: list[tuple[str, Cell | tuple[Cell, ...]]] = [("Verdict", verdict(image))]
    if len(image.references) > 1:
        pairs.append(("Also", tuple(image.references[1:])))
    if image.image_id:
        pairs.append(("Image ID", Digest(image.image_id)))
    if image.manifest_digest:
        pairs.append(("Manifest", Digest(image.manifest_digest)))
    pairs += [
        ("Platform", str(image.platform)),
        ("Created", clock(image.created)),
        ("Archive", archive_line(analysis.archive)),
        (
            "Size",
            f"{least}{human_size(totals.file_bytes)} in {plural(len(image.layers), 'layer')}"
            f" ({human_size(totals.size)} stored, {human_size(totals.uncompressed_size)}"
            f" unpacked), {plural(totals.files, 'file')}",
        ),
        ("Waste", waste_line(image, own=True)),
    ]
    base = base_line(image)
    if base is not None:
        pairs.append(("Base", base))
    return Facts(tuple(pairs))


def _layers(image: ImageAnalysis) -> Table:
    """One row a layer, bottom to top; a status only where one is not as it should be."""
    whole = image.totals.file_bytes or 1
    told = any(layer.status is not Status.VERIFIED for layer in image.layers)
    rows: list[tuple[Cell, ...]] = []
    for layer in image.layers:
        row: list[Cell] = [
            str(layer.index),
            step_number(step_of(image, layer)),
            quiet_size(layer.file_bytes),
            Bar(layer.file_bytes / whole, layer.wasted_bytes / whole),
            Size(layer.wasted_bytes) if layer.wasted_bytes else None,
        ]
        if told:
            row.append(status_cell(layer.status))
        rows.append((*row, instruction_cell(image, layer)))
    columns = [
        Column("LAYER", right=True),
        Column("STEP", right=True),
        Column("SIZE", right=True),
        Column("SHARE"),
        Column("WASTE", right=True),
    ]
    if told:
        columns.append(Column("STATUS"))
    columns.append(Column("INSTRUCTION", fit=Fit.END, least=16))
    return Table(
        title="Layers, bottom to top",
        columns=tuple(columns),
        rows=tuple(rows),
        empty="no layers",
        more=_MORE,
    )


def _worst(image: ImageAnalysis) -> Table:
    left = len(image.worst) - WORST
    rest = sum(group.size for group in image.worst[WORST:])
    caption = f"{left:,} more, {human_size(rest)}: waste --top shows them" if left > 0 else ""
    return waste_table(image, image.worst[:WORST], "Worst waste", caption)


def _findings(image: ImageAnalysis, verbose: bool) -> list[Block]:
    shown = [f for f in image.findings if verbose or f.severity is not Severity.INFO]
    hidden = len(image.findings) - len(shown)
    notes = f"{plural(hidden, 'note')} listed with --verbose" if hidden else ""
    if shown:
        return [findings_table(shown, "Findings", None if verbose else _PER_RULE, notes)]
    return [Note(f"No errors or warnings; {notes}.", Role.DIM)] if notes else []
