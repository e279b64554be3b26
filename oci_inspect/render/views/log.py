"""``log``: the history of one path over all layers."""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect.analysis.results import HistoryStep
from oci_inspect.filesystem.items import Item
from oci_inspect.filesystem.path_log import PathEvent
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.entries import FILE
from oci_inspect.paths import path_text
from oci_inspect.render.blocks import MISSING, Block, Cell, Column, Fit, Heading, Role, Size, Table
from oci_inspect.render.blocks import Text as Words
from oci_inspect.render.listing import mode_text, time_text

_HOW = {
    Reason.DELETED: "by a whiteout",
    Reason.OPAQUE: "its folder was emptied",
    Reason.REPLACED: "something else took its place",
}


def log_view(
    path: bytes,
    events: Sequence[PathEvent],
    tree: UnionTree,
    steps: Sequence[HistoryStep | None],
) -> list[Block]:
    """One row for each layer that did something to the path, the lowest first."""
    return [
        Heading("/" + path_text(path), level=1),
        Table(
            columns=(
                Column("LAYER", right=True),
                Column("CHANGE"),
                Column("MODE"),
                Column("OWNER"),
                Column("SIZE", right=True),
                Column("MODIFIED"),
                Column("WHY", fit=Fit.WRAP, least=12),
                Column("INSTRUCTION", fit=Fit.END, least=16, weight=2, detail=True),
            ),
            rows=tuple(_row(event, tree, steps) for event in events),
            empty="no layer has it",
        ),
    ]


def _row(
    event: PathEvent, tree: UnionTree, steps: Sequence[HistoryStep | None]
) -> tuple[Cell, ...]:
    step = steps[event.layer_index] if event.layer_index < len(steps) else None
    text = (step.instruction or step.created_by) if step else None
    instruction = Words(text, Role.CODE) if text else MISSING
    change: Cell = Words(event.kind.value, Role.ERROR if event.after is None else Role.PLAIN)
    index = str(event.layer_index)
    if event.after is None or event.after < 0:
        return index, change, MISSING, MISSING, MISSING, MISSING, _why(event), instruction
    layer, row = tree.locate(event.after)
    item = Item(b"", tree.tables[layer].row(row), layer)
    entry = item.entry
    assert entry is not None
    return (
        index,
        change,
        mode_text(item),
        f"{entry.uid}:{entry.gid}",
        Size(entry.size) if item.kind == FILE else MISSING,
        time_text(item),
        _why(event),
        instruction,
    )


def _why(event: PathEvent) -> str:
    if event.reason is None:
        return ", ".join(event.why)
    how = _HOW.get(event.reason, event.reason.value)
    return f"{how} with /{path_text(event.unit)}" if event.unit else how
