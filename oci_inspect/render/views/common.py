"""What several views say in the same words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from oci_inspect.analysis.results import (
    Analysis,
    ArchiveInfo,
    Confidence,
    HistoryStep,
    ImageAnalysis,
    LayerResult,
    Status,
    WasteGroup,
)
from oci_inspect.archive.contents import Image, Other
from oci_inspect.findings import Finding, Severity
from oci_inspect.render.blocks import (
    Cell,
    Column,
    Count,
    Digest,
    Fit,
    Note,
    Path,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.cells import is_digest, short_digest
from oci_inspect.render.sizes import human_size, percent, plural

ROLES = {Severity.ERROR: Role.ERROR, Severity.WARNING: Role.WARNING, Severity.INFO: Role.DIM}
"""How the findings of each severity look."""

_STATUS_ROLES = {
    Status.VERIFIED: Role.OK,
    Status.MISMATCH: Role.ERROR,
    Status.UNVERIFIABLE: Role.WARNING,
    Status.SKIPPED: Role.WARNING,
}


def status_cell(status: Status) -> Text:
    """A blob's status, coloured."""
    return Text(status.value, _STATUS_ROLES[status])


def count_of(findings: Iterable[Finding], severity: Severity) -> int:
    """How many findings have this severity."""
    return sum(found.severity == severity for found in findings)


def verdict(image: ImageAnalysis) -> Text:
    """One line: whether the image is what it claims to be."""
    errors = count_of(image.findings, Severity.ERROR)
    warnings = count_of(image.findings, Severity.WARNING)
    reasons = [plural(errors, "error")] if errors else []
    unread = sum(layer.status in (Status.SKIPPED, Status.UNVERIFIABLE) for layer in image.layers)
    if unread and not image.verified:
        reasons.append(f"{plural(unread, 'layer')} not verified")
    if not image.verified and image.image.config is None and not errors:
        reasons.append("no config")
    if warnings:
        reasons.append(plural(warnings, "warning"))
    tail = ", ".join(reasons)
    if image.verified and image.complete:
        return Text(f"verified: every digest matches{', ' if tail else ''}{tail}", Role.OK)
    words = [
        *(() if image.verified else ("NOT VERIFIED",)),
        *(() if image.complete else ("INCOMPLETE",)),
    ]
    return Text(f"{', '.join(words)}{': ' if tail else ''}{tail}", Role.ERROR)


def short_verdict(image: ImageAnalysis) -> Text:
    """One or two words for a table."""
    if not image.verified:
        return Text("NOT VERIFIED", Role.ERROR)
    return Text("verified", Role.OK) if image.complete else Text("INCOMPLETE", Role.WARNING)


def archive_line(archive: ArchiveInfo) -> str:
    """Kind, size and compression of the input."""
    parts = [archive.kind]
    if archive.size is not None:
        parts.append(human_size(archive.size))
    if archive.compression:
        parts.append(f"compressed with {archive.compression}")
    return ", ".join(parts)


def title(image: Image | ImageAnalysis) -> str:
    """What an image is called above what is said of it: a reference, or a short digest.

    A reference of blanks names nothing, and the schema of SARIF refuses an empty name.
    """
    for reference in image.references:
        if reference.strip():
            return reference
    digest = image.manifest_digest or image.image_id
    return f"image {short_digest(digest)}" if digest else "image without a name"


def step_of(image: ImageAnalysis, layer: LayerResult) -> HistoryStep | None:
    """The step that made a layer, where the history tells."""
    index = layer.history_index
    return image.history[index] if index is not None and index < len(image.history) else None


def step_number(step: HistoryStep | None) -> str:
    """A step as people count, from 1; ``-`` where there is none."""
    return "-" if step is None else str(step.index + 1)


def instruction_cell(image: ImageAnalysis, layer: LayerResult) -> Text:
    """The line that made a layer."""
    step = step_of(image, layer)
    text = (step.instruction or step.created_by) if step else (layer.created_by or "")
    if text:
        return Text(text, Role.CODE)
    if step is not None and step.comment:
        return Text(step.comment, Role.DIM)
    return Text("no instruction is recorded" if step else "no step in the history", Role.DIM)


def quiet_size(size: int | None) -> Size:
    """A size that steps back where it is nothing."""
    return Size(size, Role.DIM if size == 0 else Role.PLAIN)


def findings_table(
    findings: Sequence[Finding], title: str, per_rule: int | None = None, caption: str = ""
) -> Table:
    """Findings with their messages; of each rule the first ``per_rule``."""
    rows: list[tuple[Cell, ...]] = []
    counts: dict[str, int] = {}
    for found in findings:
        counts[found.rule] = counts.get(found.rule, 0) + 1
        if per_rule is None or counts[found.rule] <= per_rule:
            rows.append(
                (
                    Text(found.severity.value, ROLES[found.severity]),
                    found.rule,
                    Digest(found.subject) if is_digest(found.subject) else found.subject,
                    found.message,
                )
            )
    hidden = len(findings) - len(rows)
    if hidden:
        more = f"{hidden:,} more of the same rules: verify lists them"
        caption = f"{more}; {caption}" if caption else more
    return Table(
        title=title,
        columns=(
            Column("SEVERITY"),
            Column("RULE"),
            Column("SUBJECT", fit=Fit.WRAP, least=12),
            Column("MESSAGE", fit=Fit.WRAP, least=24, detail=True),
        ),
        rows=tuple(rows),
        caption=caption,
        empty=caption or "none",
    )


def waste_line(image: ImageAnalysis, *, own: bool = False, nothing: str = "none") -> str:
    """How much is dead; where not all could be read, no share of the whole is told.

    With ``own`` also how much of it is the user's, where that can be told. ``nothing`` says that
    there is none; where no label stands before the line it must name what.
    """
    totals = image.totals
    dead = human_size(totals.wasted_bytes)
    if not image.complete:
        return f"at least {dead} dead: not all could be read"
    if not totals.wasted_bytes:
        return f"{nothing}, efficiency 100%"
    share, efficiency = percent(1 - totals.efficiency), percent(totals.efficiency)
    whole = human_size(totals.file_bytes)
    mine = _mine(image) if own else ""
    return f"{dead} of {whole} dead ({share}){mine}, efficiency {efficiency}"


def _mine(image: ImageAnalysis) -> str:
    if image.own is None or image.base is None:
        return ""
    perhaps = "perhaps " if image.base.confidence is Confidence.POSSIBLE else ""
    return f", {human_size(image.own.wasted_bytes)} of it {perhaps}your own"


def waste_table(
    image: ImageAnalysis, groups: Sequence[WasteGroup], title: str, caption: str = ""
) -> Table:
    """Dead files and folders, with what to do about each."""
    return Table(
        title=title,
        columns=(
            Column("SIZE", right=True),
            Column("PATH", fit=Fit.MIDDLE, least=16),
            Column("FILES", right=True, data_only=True),
            Column("LAYER", right=True),
            Column("GONE IN LAYER", right=True),
            Column("REASON"),
            Column("ADVICE", fit=Fit.WRAP, least=30, detail=True),
        ),
        rows=tuple(
            (
                Size(group.size),
                Path(group.path, group.count),
                Count(group.count),
                str(group.layer_index),
                str(group.removed_in),
                group.reason,
                group.advice,
            )
            for group in groups
        ),
        caption=caption,
        empty=caption or "no dead files: every byte can be reached",
    )


def others_note(others: Sequence[Other]) -> Note | None:
    """What else is in the archive, in one line."""
    if not others:
        return None
    counts: dict[str, int] = {}
    for other in others:
        counts[other.reason] = counts.get(other.reason, 0) + 1
    named = ", ".join(plural(count, reason) for reason, count in counts.items())
    return Note(f"Also in the archive: {named}.", Role.DIM)


def archive_findings(analysis: Analysis, verbose: bool) -> Table | None:
    """What is wrong with the archive itself, where anything is."""
    shown = [f for f in analysis.findings if verbose or f.severity is not Severity.INFO]
    hidden = len(analysis.findings) - len(shown)
    if not shown:
        return None
    caption = f"{plural(hidden, 'note')} not shown: --verbose" if hidden else ""
    return replace(
        findings_table(shown, "The archive", None if verbose else 5, caption), main=False
    )
