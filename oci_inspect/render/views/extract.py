"""``extract``: what was written, and what was not, or not as the image has it."""

from __future__ import annotations

from oci_inspect.extraction.results import Extraction, Outcome
from oci_inspect.paths import path_text
from oci_inspect.render.blocks import (
    Block,
    Cell,
    Column,
    Count,
    Fit,
    Note,
    Role,
    Table,
    Text,
)
from oci_inspect.render.sizes import human_size, plural

_ROLES = {Outcome.FAILED: Role.ERROR, Outcome.SKIPPED: Role.WARNING, Outcome.ALTERED: Role.WARNING}
_SHOWN = 3


def extract_view(result: Extraction) -> list[Block]:
    """One sentence, and below it a row for each reason with the first few paths."""
    links = result.symlinks + result.hardlinks
    made = [
        plural(result.files, "file"),
        plural(result.folders, "folder"),
        *([plural(links, "link")] if links else ()),
        *([plural(result.specials, "device or FIFO")] if result.specials == 1 else ()),
        *([f"{result.specials:,} devices and FIFOs"] if result.specials > 1 else ()),
        human_size(result.content_bytes),
    ]
    blocks: list[Block] = [Note(f"{', '.join(made)} into {result.directory}")]
    rows = tuple(
        (Text(outcome.value, _ROLES.get(outcome, Role.DIM)), Count(len(paths)), reason, _few(paths))
        for outcome, reason, paths in result.reasons()
    )
    if rows:
        columns = (
            Column("WHAT"),
            Column("COUNT", right=True),
            Column("WHY", fit=Fit.WRAP, least=20),
            Column("PATHS", fit=Fit.WRAP, least=16),
        )
        blocks.append(Table(columns, rows))
    return blocks


def _few(paths: list[bytes]) -> Cell:
    shown = ", ".join(path_text(path) for path in paths[:_SHOWN])
    return f"{shown}, ..." if len(paths) > _SHOWN else shown
