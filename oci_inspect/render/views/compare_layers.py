"""``compare``: the layers of two images side by side."""

from __future__ import annotations

from collections.abc import Container

from oci_inspect.comparison.results import Comparison, LayerPair, Match
from oci_inspect.render.blocks import (
    Block,
    Cell,
    Column,
    Fit,
    Path,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.views.common import instruction_cell
from oci_inspect.render.views.compare_files import signed

_COLLAPSED = 3
"""From so many on, layers at the bottom that are the same are one row."""


def layers_table(found: Comparison) -> Table:
    """A row a pair of layers; those at the bottom that are the same in one row."""
    pairs = found.layers
    shared = sum(pair.match is Match.CHAIN_ID for pair in pairs)
    rows: list[tuple[Cell, ...]] = []
    if shared >= _COLLAPSED:
        size = Size(sum(one.file_bytes for one in found.after.layers[:shared]))
        span = f"0-{shared - 1}"
        rows.append((span, span, size, size, None, _MATCHES[Match.CHAIN_ID], f"{shared} layers"))
        pairs = pairs[shared:]
    alike = {(one.before, one.after) for one in found.rebuilds if one.same_files}
    rows += (_layer_row(found, pair, alike) for pair in pairs)
    return Table(
        title="Layers, bottom to top",
        columns=(
            Column("A", right=True),
            Column("B", right=True),
            Column("A SIZE", right=True),
            Column("B SIZE", right=True),
            Column("GROWTH", right=True),
            Column("MATCH"),
            Column("INSTRUCTION", fit=Fit.END, least=16),
        ),
        rows=tuple(rows),
        empty="no layers",
        more=": history --no-trunc shows all",
    )


_MATCHES = {
    Match.CHAIN_ID: Text("same", Role.DIM),
    Match.DIFF_ID: Text("same tar", Role.DIM),
    Match.INSTRUCTION: Text("other content", Role.WARNING),
    Match.POSITION: Text("differs", Role.WARNING),
}


def _layer_row(
    found: Comparison, pair: LayerPair, alike: Container[tuple[int | None, int | None]]
) -> tuple[Cell, ...]:
    old = None if pair.before is None else found.before.layers[pair.before]
    new = None if pair.after is None else found.after.layers[pair.after]
    if pair.match is None:
        match = Text("only in A", Role.ERROR) if new is None else Text("only in B", Role.OK)
    elif any(one is not None and one.diff_id is None for one in (old, new)):
        match = Text("not read", Role.ERROR)
    elif pair.match is Match.INSTRUCTION and (pair.before, pair.after) in alike:
        match = Text("same files", Role.WARNING)
    else:
        match = _MATCHES[pair.match]
    growth = (new.file_bytes if new else 0) - (old.file_bytes if old else 0)
    instruction: Cell = None
    if new is not None:
        instruction = instruction_cell(found.after, new)
    elif old is not None:
        instruction = instruction_cell(found.before, old)
    return (
        "" if old is None else str(old.index),
        "" if new is None else str(new.index),
        None if old is None else Size(old.file_bytes),
        None if new is None else Size(new.file_bytes),
        signed(growth) if growth else None,
        match,
        instruction,
    )


def rebuild_blocks(found: Comparison) -> list[Block]:
    """Layers of one instruction that differ, and what would make them the same."""
    rows: list[tuple[Cell, ...]] = []
    for one in found.rebuilds:
        paths = one.added + one.removed + one.content + one.touched
        rows.append(
            (
                str(one.before),
                str(one.after),
                Text("same files", Role.OK) if one.same_files else "other files",
                ", ".join(word for word in one.differ if word != "files") or "content",
                Path(b"/" + one.examples[0]) if one.examples else None,
                f"{paths - 1:,} more" if paths > 1 else "",
            )
        )
    table = Table(
        title="Same instruction, other bytes",
        columns=(
            Column("A", right=True),
            Column("B", right=True),
            Column("HOLDS"),
            Column("DIFFERS IN", fit=Fit.WRAP, least=12),
            Column("FOR EXAMPLE", fit=Fit.MIDDLE, least=12),
            Column(""),
        ),
        rows=tuple(rows),
    )
    advice = dict.fromkeys(sentence for one in found.rebuilds for sentence in one.advice)
    if not advice:
        return [table]
    how = Table(
        title="To make them the same",
        columns=(
            Column("WHAT DIFFERS", fit=Fit.WRAP, least=16),
            Column("WHAT HELPS", fit=Fit.WRAP, least=20, weight=2),
        ),
        rows=tuple(sentence.partition(": ")[::2] for sentence in advice),
    )
    return [table, how]
