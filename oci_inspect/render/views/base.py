"""What is said of base images and of squashing."""

from __future__ import annotations

from oci_inspect.analysis.results import Confidence, ImageAnalysis
from oci_inspect.analysis.squash import WhatIf
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Count,
    Facts,
    Note,
    Role,
    Size,
    Table,
)
from oci_inspect.render.sizes import human_size, plural

NO_SIGN = "no sign of a base image: --base ARCHIVE names it"


def base_line(image: ImageAnalysis) -> str | None:
    """The base, where it ends and by what that was judged; None where nothing tells of one."""
    base = image.base
    if base is None:
        return None
    count = len(image.image.layers)
    if base.layers is None:
        where = "nothing tells where it ends"
    elif base.layers >= count:
        where = f"all {plural(count, 'layer')}" if count > 1 else "the only layer"
    elif base.layers == 1:
        where = f"the lowest of {plural(count, 'layer')}"
    else:
        where = f"the lowest {base.layers} of {plural(count, 'layer')}"
    name = f"{base.name}, " if base.name else ""
    return f"{name}{where} ({base.confidence.value}: {'; '.join(base.signs)})"


def own_line(image: ImageAnalysis) -> str | None:
    """How much of the waste is the user's own; None where there is none, or nobody can tell."""
    own, base = image.own, image.base
    if own is None or base is None or not image.totals.wasted_bytes:
        return None
    parts = [f"{human_size(own.wasted_bytes)} of the waste"]
    if own.base_bytes_removed:
        removed = human_size(own.base_bytes_removed)
        parts.append(
            f"{removed} lie in the base and are removed above it: only the base can save them"
        )
    inside = image.totals.wasted_bytes - own.wasted_bytes - own.base_bytes_removed
    if inside:
        parts.append(f"{human_size(inside)} are dead within the base")
    perhaps = " (if the base ends there)" if base.confidence is Confidence.POSSIBLE else ""
    return "; ".join(parts) + perhaps


def what_if_blocks(image: ImageAnalysis, what_if: WhatIf) -> list[Block]:
    """What squashing would save, and at what price."""
    estimate = what_if.saved_compressed
    packed = "" if estimate is None else f", compressed about {human_size(estimate)} (an estimate)"
    facts: list[tuple[str, Cell | tuple[Cell, ...]]] = [
        ("Saved", f"{human_size(what_if.saved_bytes)} unpacked{packed}"),
        ("Left dead", human_size(what_if.wasted_bytes)),
        ("Layers", f"{what_if.layers_before:,} before, {what_if.layers_after:,} after"),
    ]
    table = Table(
        title="What if these layers were squashed",
        main=False,
        columns=(
            Column("LAYERS"),
            Column("DEAD FILES", right=True),
            Column("SAVED", right=True),
            Column("COMPRESSED (ESTIMATE)", right=True),
        ),
        rows=tuple(
            (
                str(one.first) if one.first == one.last else f"{one.first}..{one.last}",
                Count(one.files),
                Size(one.saved_bytes),
                MISSING if one.saved_compressed is None else Size(one.saved_compressed),
            )
            for one in what_if.squashes
        ),
    )
    return [table, Facts(tuple(facts)), *_notes(image, what_if)]


def _notes(image: ImageAnalysis, what_if: WhatIf) -> list[Block]:
    blocks: list[Block] = []
    unknown = sorted({layer for one in what_if.squashes for layer in one.unknown})
    if unknown:
        named = f"layer{'s' if len(unknown) > 1 else ''} {', '.join(map(str, unknown))}"
        why = f"Nothing tells how large {named} would be compressed: no estimate of what is saved."
        blocks.append(Note(why, Role.DIM))
    if not image.complete:
        blocks.append(Note("Not all could be read: these are the least figures.", Role.WARNING))
    if any(one.layers > 1 for one in what_if.squashes):
        blocks.append(Note(_price(what_if), Role.WARNING))
    return blocks


def _price(what_if: WhatIf) -> str:
    text = "Squashed layers are no longer shared with other images"
    layers = sum(one.base_layers or 0 for one in what_if.squashes if one.layers > 1)
    if layers:
        size = sum(one.base_bytes or 0 for one in what_if.squashes if one.layers > 1)
        whose = "1 of them is" if layers == 1 else f"{layers} of them are"
        return f"{text}: {whose} the base's, with {human_size(size)}."
    return f"{text}."
