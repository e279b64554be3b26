"""``inspect``: an image's documents, read but not scanned."""

from __future__ import annotations

import json
from heapq import nsmallest
from itertools import islice
from typing import Any

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.archive.contents import Image
from oci_inspect.findings import Severity
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Digest,
    Facts,
    Fit,
    Heading,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.sizes import clock
from oci_inspect.render.views.common import archive_line, findings_table, title

_RUN_FIELDS = (
    ("User", "User"),
    ("Working dir", "WorkingDir"),
    ("Entrypoint", "Entrypoint"),
    ("Cmd", "Cmd"),
    ("Shell", "Shell"),
    ("Env", "Env"),
    ("Exposed ports", "ExposedPorts"),
    ("Volumes", "Volumes"),
    ("Stop signal", "StopSignal"),
    ("Healthcheck", "Healthcheck"),
    ("On build", "OnBuild"),
    ("Args escaped", "ArgsEscaped"),
)
_ONE_A_LINE = ("Env", "OnBuild")
_SHOWN = 1_000
"""Labels, variables and such that are shown: nobody reads more, and JSON has all."""

_Pairs = list[tuple[str, Cell | tuple[Cell, ...]]]


def inspect_view(image: Image, archive: ArchiveInfo | None = None) -> list[Block]:
    """Identity, what a container is run with, labels, annotations and the layers as claimed."""
    blocks: list[Block] = [Heading(title(image), level=1), _identity(image, archive)]
    blocks += run_blocks(image)
    blocks.append(_layers(image))
    findings = [f for f in image.findings if f.severity is not Severity.INFO]
    if findings:
        blocks.append(findings_table(findings, "Findings"))
    return blocks


def run_blocks(image: Image) -> list[Block]:
    """What a container is run with, labels and annotations; nothing for what there is not."""
    blocks: list[Block] = []
    run = image.config.raw.get("config") if image.config else None
    if isinstance(run, dict):
        pairs = _run(run)
        if pairs:
            blocks += [Heading("Run with"), Facts(tuple(pairs))]
        labels = run.get("Labels")
        if isinstance(labels, dict) and labels:
            blocks.append(_mapping("Labels", labels))
    if image.manifest is not None and image.manifest.annotations:
        blocks.append(_mapping("Annotations", image.manifest.annotations))
    return blocks


def _identity(image: Image, archive: ArchiveInfo | None) -> Facts:
    config = image.config
    pairs: _Pairs = []
    if image.references:
        pairs.append(("References", tuple(image.references)))
    if image.image_id:
        pairs.append(("Image ID", Digest(image.image_id)))
    if image.manifest_digest:
        pairs.append(("Manifest", Digest(image.manifest_digest)))
    if image.manifest is not None and image.manifest.media_type:
        pairs.append(("Media type", image.manifest.media_type))
    pairs.append(("Platform", str(image.platform)))
    if image.platform.os_version:
        pairs.append(("OS version", image.platform.os_version))
    if config is not None:
        pairs.append(("Created", clock(config.created)))
        if config.author:
            pairs.append(("Author", config.author))
        pairs.append(("History", f"{len(config.history)} steps, {len(image.layers)} layers"))
    else:
        pairs.append(("Config", Text("missing", Role.WARNING)))
    if archive is not None:
        pairs.append(("Archive", archive_line(archive)))
    return Facts(tuple(pairs))


def _run(run: dict[str, Any]) -> _Pairs:
    pairs: _Pairs = []
    for label, key in _RUN_FIELDS:
        value = run.get(key)
        if value in (None, "", [], {}, False):
            continue
        if key in _ONE_A_LINE and isinstance(value, list):
            lines = [Text(_plain(one), Role.CODE) for one in value[:_SHOWN]]
            if more := _more(len(value)):
                lines.append(Text(more, Role.DIM))
            pairs.append((label, tuple(lines)))
        elif key in ("ExposedPorts", "Volumes") and isinstance(value, dict):
            names = [*islice(value, _SHOWN), *filter(None, [_more(len(value))])]
            pairs.append((label, Text(", ".join(names), Role.CODE)))
        else:
            pairs.append((label, Text(_plain(value), Role.CODE)))
    return pairs


def _plain(value: Any) -> str:
    """A string as it is, everything else as JSON: a list of words keeps its bounds."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _more(count: int) -> str:
    """What stands behind the first of many; nothing where those are all."""
    return f"... and {count - _SHOWN:,} more: --format json has all" if count > _SHOWN else ""


def _mapping(title: str, values: dict[str, Any]) -> Table:
    return Table(
        title=title,
        columns=(
            Column("KEY", fit=Fit.WRAP, least=16),
            Column("VALUE", fit=Fit.WRAP, least=16),
        ),
        rows=tuple((key, _plain(values[key])) for key in nsmallest(_SHOWN, values)),
        caption=_more(len(values)),
    )


def _layers(image: Image) -> Table:
    """What the documents say of each layer: in a docker archive that is no more than a path."""
    columns = [Column("LAYER", right=True)]
    rows: list[list[Cell]] = [[str(index)] for index in range(len(image.layers))]

    def add(column: Column, cells: list[Cell]) -> None:
        columns.append(column)
        for row, cell in zip(rows, cells, strict=True):
            row.append(cell)

    if any(layer.size is not None for layer in image.layers):
        add(Column("SIZE", right=True), [Size(layer.size) for layer in image.layers])
    if all(layer.claimed_digest for layer in image.layers):
        add(Column("DIGEST"), [Digest(layer.claimed_digest) for layer in image.layers])
    else:
        add(Column("PATH", fit=Fit.MIDDLE, least=24), [layer.path for layer in image.layers])
    if any(layer.media_type for layer in image.layers):
        add(
            Column("MEDIA TYPE", fit=Fit.MIDDLE, least=16),
            [layer.media_type or MISSING for layer in image.layers],
        )
    return Table(
        title="Layers as claimed",
        columns=tuple(columns),
        rows=tuple(map(tuple, rows)),
        empty="no layers",
    )
