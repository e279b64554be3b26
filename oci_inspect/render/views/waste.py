"""``waste``: which bytes are dead, who killed them, which line to change."""

from __future__ import annotations

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.analysis.squash import WhatIf
from oci_inspect.render.blocks import (
    Block,
    Cell,
    Column,
    Count,
    Facts,
    Fit,
    Heading,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.sizes import human_size, percent
from oci_inspect.render.views.base import NO_SIGN, base_line, own_line, what_if_blocks
from oci_inspect.render.views.common import (
    instruction_cell,
    step_number,
    step_of,
    title,
    waste_line,
    waste_table,
)

TOP = 10
"""Dead files and folders that are listed unless more are asked for."""


def waste_view(
    image: ImageAnalysis, top: int | None = TOP, what_if: WhatIf | None = None
) -> list[Block]:
    """Sums by reason and by layer, then the worst dead files and folders; all for ``top`` None.

    ``what_if`` is shown where it was asked for.
    """
    totals = image.totals
    facts: list[tuple[str, Cell | tuple[Cell, ...]]] = [
        ("Waste", waste_line(image)),
        ("Base", base_line(image) or Text(NO_SIGN, Role.DIM)),
    ]
    own = own_line(image)
    if own is not None:
        facts.append(("Your own", own))
    if totals.duplicate_bytes:
        facts.append(
            (
                "Duplicates",
                f"{human_size(totals.duplicate_bytes)} of live content is there more than once",
            )
        )
    blocks: list[Block] = [Heading(title(image), level=1), Facts(tuple(facts))]
    if what_if is not None:
        blocks += what_if_blocks(image, what_if)
    if image.waste:
        blocks += [reason_table(image), wasteful_layers(image)]
    shown = image.worst if top is None else image.worst[:top]
    left = image.worst[len(shown) :]
    caption = (
        f"{len(left):,} more, {human_size(sum(one.size for one in left))}: --all shows them"
        if left
        else ""
    )
    blocks.append(waste_table(image, shown, "Worst", caption))
    return blocks


def reason_table(image: ImageAnalysis) -> Table:
    """The waste of an image by the reason of it, the most first."""
    sums: dict[str, list[int]] = {}
    for one in image.waste:
        entry = sums.setdefault(one.reason.value, [0, 0])
        entry[0] += 1
        entry[1] += one.size
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    whole = image.totals.wasted_bytes or 1
    return Table(
        title="By reason",
        main=False,
        columns=(
            Column("SIZE", right=True),
            Column("OF ALL", right=True),
            Column("FILES", right=True),
            Column("REASON"),
        ),
        rows=tuple(
            (Size(size), percent(size / whole), Count(files), reason)
            for reason, (files, size) in ordered
        ),
    )


def wasteful_layers(image: ImageAnalysis) -> Table:
    """The waste of an image by the layer that holds it, the most first."""
    wasteful = [layer for layer in image.layers if layer.wasted_bytes]
    return Table(
        title="By layer that holds it",
        main=False,
        columns=(
            Column("SIZE", right=True),
            Column("OF LAYER", right=True),
            Column("LAYER", right=True),
            Column("STEP", right=True),
            Column("INSTRUCTION", fit=Fit.END, least=16),
        ),
        rows=tuple(
            (
                Size(layer.wasted_bytes),
                percent(layer.wasted_bytes / layer.file_bytes if layer.file_bytes else 0),
                str(layer.index),
                step_number(step_of(image, layer)),
                instruction_cell(image, layer),
            )
            for layer in sorted(wasteful, key=lambda layer: (-layer.wasted_bytes, layer.index))
        ),
        more=": history --no-trunc shows all",
    )
