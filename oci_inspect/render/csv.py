"""Tables as CSV: exact numbers, digests whole, no formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from oci_inspect.render.blocks import Block, Cell, Table
from oci_inspect.render.cells import machine
from oci_inspect.render.escape import csv_cell


def render_csv(blocks: Iterable[Block]) -> str:
    """The main tables among the blocks, each with a header, a blank line between them."""
    parts = [_table(block) for block in blocks if isinstance(block, Table) and block.main]
    return "\n".join(parts)


def _table(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.header for column in table.columns])
    writer.writerows([_value(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _value(cell: Cell) -> str | int | float:
    value = machine(cell)
    return csv_cell(value) if isinstance(value, str) else value
