"""History: which step made which layer, and the Dockerfile line it tells.

image-spec, config.md, "history": oldest first; entries with ``empty_layer`` own no layer, the
others own the layers in order. Go leaves ``empty_layer`` out where it is false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oci_inspect.analysis.instructions import InstructionParser, makes_no_layer
from oci_inspect.analysis.results import HistoryStep
from oci_inspect.archive.contents import Image
from oci_inspect.findings import Finding, finding
from oci_inspect.spec.config import HistoryEntry


@dataclass(frozen=True, slots=True)
class Matching:
    """Which entry owns which layer. ``empty`` is, for each entry, whether it makes none."""

    layer_of_entry: tuple[int | None, ...]
    entry_of_layer: tuple[int | None, ...]
    empty: tuple[bool, ...]
    findings: tuple[Finding, ...]


def match_history(entries: Sequence[HistoryEntry], layers: int, subject: str) -> Matching:
    """Give each layer its history entry; what cannot be matched from the bottom stands alone.

    Where no entry says that it is empty though there are more than layers, instructions known to
    make no layer count as empty first, then the surplus later ones (BuildKit's rule).
    """
    empty = [entry.empty_layer is True for entry in entries]
    filled = empty.count(False)
    findings: tuple[Finding, ...] = ()
    if filled != layers:
        message = f"{filled} steps of the history make a layer, the image has {layers}"
        findings = (finding("history-mismatch", subject, message),)
    if filled > layers and not any(empty):
        for i, entry in enumerate(entries):
            if filled > layers and makes_no_layer(entry.created_by):
                empty[i] = True
                filled -= 1
        for i in reversed(range(len(entries))):
            if filled > layers and not empty[i]:
                empty[i] = True
                filled -= 1
    of_entry: list[int | None] = []
    of_layer: list[int | None] = [None] * layers
    next_layer = 0
    for i, is_empty in enumerate(empty):
        if is_empty or next_layer >= layers:
            of_entry.append(None)
            continue
        of_entry.append(next_layer)
        of_layer[next_layer] = i
        next_layer += 1
    return Matching(tuple(of_entry), tuple(of_layer), tuple(empty), findings)


def steps_of_layers(image: Image) -> tuple[HistoryStep | None, ...]:
    """The step that made each layer of an image, where its history tells; their sizes are 0."""
    entries = image.config.history if image.config else ()
    matching = match_history(entries, len(image.layers), image.name)
    steps = build_steps(entries, matching, [0] * len(image.layers))
    return tuple(None if i is None else steps[i] for i in matching.entry_of_layer)


def build_steps(
    entries: Sequence[HistoryEntry], matching: Matching, layer_bytes: Sequence[int]
) -> tuple[HistoryStep, ...]:
    """Make the steps of a build; ``layer_bytes`` is each layer's content in bytes."""
    parser = InstructionParser()
    steps = []
    for i, entry in enumerate(entries):
        layer = matching.layer_of_entry[i]
        told = parser.parse(entry.created_by, comment=entry.comment, empty_layer=matching.empty[i])
        steps.append(
            HistoryStep(
                index=i,
                created=entry.created,
                created_by=entry.created_by,
                instruction=told.text,
                comment=entry.comment,
                author=entry.author,
                empty_layer=matching.empty[i],
                layer_index=layer,
                size=0 if layer is None else layer_bytes[layer],
                raw=told.raw,
                note=told.note,
                keyword=told.keyword,
                build_args=told.build_args,
            )
        )
    return tuple(steps)
