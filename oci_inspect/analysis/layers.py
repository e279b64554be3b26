"""Layers: each one's sizes, status, waste and the step that made it, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from oci_inspect.analysis.history import Matching
from oci_inspect.analysis.results import HistoryStep, LayerResult, Status
from oci_inspect.archive.contents import LayerRef
from oci_inspect.filesystem.merge import Merged
from oci_inspect.layer.scan import LayerScan
from oci_inspect.spec.digest import chain_ids


def layer_results(
    layers: Sequence[LayerRef],
    scans: Sequence[LayerScan | None],
    opened: Sequence[LayerScan | None],
    statuses: Sequence[Status],
    merged: Merged,
    matching: Matching,
    steps: Sequence[HistoryStep],
) -> tuple[LayerResult, ...]:
    """Put the results of each layer together, bottom to top.

    ``opened`` are the scans of what can be looked into: the others have bytes and a digest, and
    nothing below them.
    """
    diff_ids = [scan.diff_id if scan else None for scan in opened]
    known: list[str] = []
    for diff_id in diff_ids:
        if diff_id is None:
            break  # a chain_id stands on every layer below it
        known.append(diff_id)
    chain: list[str | None] = [*chain_ids(known), *([None] * (len(layers) - len(known)))]
    wasted: Counter[int] = Counter()
    for dead in merged.dead:
        wasted[dead.layer_index] += dead.size
    results = []
    for i, (layer, scan, tar) in enumerate(zip(layers, scans, opened, strict=True)):
        listed = i < len(merged.added_bytes)
        step = matching.entry_of_layer[i]
        results.append(
            LayerResult(
                index=i,
                digest=scan.digest if scan else layer.subject,
                diff_id=diff_ids[i],
                chain_id=chain[i],
                media_type=layer.media_type,
                compression=tar.compression if tar else None,
                status=statuses[i],
                size=scan.size if scan else layer.size,
                uncompressed_size=tar.uncompressed_size if tar and tar.diff_ids else None,
                entries=len(tar.table) if tar else 0,
                files=merged.added_files[i] if listed else 0,
                file_bytes=merged.added_bytes[i] if listed else 0,
                wasted_bytes=wasted[i],
                history_index=step,
                created_by=None if step is None else steps[step].created_by,
            )
        )
    return tuple(results)
