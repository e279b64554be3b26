"""The table of layers, and findings by severity and rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.findings import Finding, Severity
from oci_inspect.picture.colours import image_palette
from oci_inspect.render.blocks import Bar, Count, Digest, Size
from oci_inspect.render.cells import beginning, is_digest
from oci_inspect.render.html.blocks import MOST_ROWS, Shown, shown_cell
from oci_inspect.render.views.common import instruction_cell, status_cell, step_of

_WORDS = 200


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row. ``step`` is the step that made the layer, from 1, None where none is known."""

    index: int
    colour: str
    instruction: Shown
    step: int | None
    cells: tuple[Shown, ...]


LAYER_HEADERS = (
    ("Share", "What part of the image's bytes it has, and how much of that is dead"),
    ("Size", "Content of its files"),
    ("Waste", "Content of its files that no container can reach"),
    ("Stored", "As it lies in the archive"),
    ("Unpacked", "Its tar"),
    ("Files", "Names that it gives to regular files"),
    ("Status", ""),
    ("Digest", "Of the blob as stored"),
    ("Diff ID", "Digest of the tar"),
)
"""The columns behind index and instruction, with what they mean."""


def layer_rows(image: ImageAnalysis) -> list[LayerRow]:
    """The layers, bottom to top, with cells in the order of :data:`LAYER_HEADERS`."""
    whole = image.totals.file_bytes or 1
    colours = image_palette(image)
    rows: list[LayerRow] = []
    for layer in image.layers:
        step = step_of(image, layer)
        told = instruction_cell(image, layer)
        line = " ".join(told.text[: 4 * _WORDS].split())
        rows.append(
            LayerRow(
                layer.index,
                colours.name(layer.index),
                Shown((beginning(line, _WORDS),), told.role.value),
                None if step is None else step.index + 1,
                (
                    shown_cell(Bar(layer.file_bytes / whole, layer.wasted_bytes / whole)),
                    shown_cell(Size(layer.file_bytes)),
                    shown_cell(Size(layer.wasted_bytes)),
                    shown_cell(Size(layer.size)),
                    shown_cell(Size(layer.uncompressed_size)),
                    replace(
                        shown_cell(Count(layer.files)),
                        layer=layer.index if layer.file_bytes else None,
                    ),
                    shown_cell(status_cell(layer.status)),
                    shown_cell(Digest(layer.digest)),
                    shown_cell(Digest(layer.diff_id)) if layer.diff_id else Shown(("-",)),
                ),
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Findings of one rule: subjects with messages; ``more`` are not listed."""

    rule: str
    id: str
    count: int
    items: tuple[tuple[Shown, str], ...]
    more: int


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one severity."""

    title: str
    id: str
    role: str
    count: int
    rules: tuple[RuleGroup, ...]


_OF_PATHS = {
    *("setuid", "world-writable", "device-node"),
    *("path-unsafe", "path-through-symlink", "path-duplicate", "path-collision", "path-encoding"),
    *("directory-replaces-symlink", "hardlink-across-layers", "hardlink-dangling"),
}
"""Rules whose subject is a path of the image."""
_TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Worth knowing"}


def finding_groups(image: ImageAnalysis, others: Sequence[Finding]) -> list[FindingGroup]:
    """Findings about an image and those about its archive, by severity and rule."""
    groups: list[FindingGroup] = []
    left = MOST_ROWS
    everything = (*image.findings, *others)
    ids: set[str] = set()
    for severity, title in _TITLES.items():
        by_rule: dict[str, list[Finding]] = {}
        for one in everything:
            if one.severity is severity:
                by_rule.setdefault(one.rule, []).append(one)
        rules: list[RuleGroup] = []
        for rule, found in by_rule.items():
            kept = found[: max(0, left)]
            left -= len(kept)
            # A rule of two severities is linked to where it is worse.
            name = f"finding-{rule}"
            name = f"{name}-{severity.value}" if name in ids else name
            ids.add(name)
            count = sum(one.count for one in found)
            rules.append(
                RuleGroup(rule, name, count, tuple(map(_item, kept)), len(found) - len(kept))
            )
        if rules:
            count = sum(one.count for one in rules)
            groups.append(
                FindingGroup(
                    title, f"findings-{severity.value}", severity.value, count, tuple(rules)
                )
            )
    return groups


def _item(found: Finding) -> tuple[Shown, str]:
    subject = found.subject
    if is_digest(subject):
        return shown_cell(Digest(subject)), found.message
    # A name that is no UTF-8 stands there escaped: it is found nowhere, and is no link.
    path = subject.encode("utf-8", "backslashreplace") if found.rule in _OF_PATHS else None
    return Shown((subject,), code=True, path=path), found.message
