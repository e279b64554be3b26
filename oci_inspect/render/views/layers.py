"""``layers``: each layer with its sizes, its waste and its digests."""

from __future__ import annotations

from oci_inspect.analysis.results import ImageAnalysis, LayerResult
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Count,
    Digest,
    Fit,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.views.common import instruction_cell, quiet_size, status_cell


def layers_view(image: ImageAnalysis, no_trunc: bool = False) -> list[Block]:
    """One row a layer, bottom to top, and their sums. ``no_trunc`` shows digests whole."""
    totals = image.totals
    return [
        Table(
            columns=(
                Column("LAYER", right=True),
                Column("STATUS", group=1),
                Column("PACKED", group=1),
                Column("STORED", right=True, group=1),
                Column("UNPACKED", right=True, group=1),
                Column("FILES", right=True, group=1),
                Column("SIZE", right=True, group=1),
                Column("WASTE", right=True, group=1),
                Column("DIGEST", group=2),
                Column("DIFF ID", group=3),
                Column("CHAIN ID", group=3),
                Column("INSTRUCTION", fit=Fit.WRAP if no_trunc else Fit.END, least=12, group=2),
            ),
            rows=tuple(_row(image, layer, no_trunc) for layer in image.layers),
            footer=(
                Text("sum", Role.DIM),
                None,
                None,
                Size(totals.size),
                Size(totals.uncompressed_size),
                Count(sum(layer.files for layer in image.layers)),
                Size(totals.file_bytes),
                Size(totals.wasted_bytes),
                None,
                None,
                None,
                None,
            )
            if len(image.layers) > 1
            else None,
            empty="no layers",
            more=": history --no-trunc shows all",
        )
    ]


def _row(image: ImageAnalysis, layer: LayerResult, no_trunc: bool) -> tuple[Cell, ...]:
    return (
        str(layer.index),
        status_cell(layer.status),
        layer.compression or MISSING,
        Size(layer.size),
        Size(layer.uncompressed_size),
        Count(layer.files),
        quiet_size(layer.file_bytes),
        quiet_size(layer.wasted_bytes),
        _digest(layer.digest, no_trunc),
        _digest(layer.diff_id, no_trunc),
        _digest(layer.chain_id, no_trunc),
        instruction_cell(image, layer),
    )


def _digest(digest: str | None, full: bool) -> Cell:
    return Digest(digest, "full" if full else "auto") if digest else MISSING
