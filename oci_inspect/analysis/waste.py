"""Waste: dead inodes rolled up to what a person would name, with the line to change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter

from oci_inspect.analysis.results import HistoryStep, WasteGroup
from oci_inspect.analysis.rolling import roll_up_paths
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.filesystem.reasons import Reason

_AT_ONCE = 5_000
"""Dead inodes whose paths are in memory at a time, to sort them: paths have up to 4,096 bytes."""


def largest_first(dead: Iterable[Dead]) -> tuple[Dead, ...]:
    """Dead inodes by size, the largest first; those of one size by layer and paths.

    Sorted by what is there already; paths, which are not, are written out for a few at a time.
    """
    ordered = sorted(dead, key=attrgetter("layer_index"))
    ordered.sort(key=attrgetter("size"), reverse=True)
    found: list[Dead] = []
    for _, alike in groupby(ordered, key=attrgetter("size", "layer_index")):
        found += _by_paths(list(alike))
    return tuple(found)


def _by_paths(dead: list[Dead]) -> Iterable[Dead]:
    by_paths = attrgetter("paths")
    if len(dead) <= _AT_ONCE:
        return sorted(dead, key=by_paths)
    parts = (dead[start : start + _AT_ONCE] for start in range(0, len(dead), _AT_ONCE))
    return merge(*[sorted(part, key=by_paths) for part in parts], key=by_paths)


def roll_up(
    dead: Sequence[Dead], steps: Sequence[HistoryStep], step_of_layer: Sequence[int | None]
) -> tuple[WasteGroup, ...]:
    """Group dead files by who made them, who killed them and where they lay; largest first."""
    buckets: dict[tuple[int, int, Reason], list[Dead]] = defaultdict(list)
    for one in dead:
        buckets[one.layer_index, one.removed_in, one.reason].append(one)
    groups: list[WasteGroup] = []
    for (layer, remover, reason), members in buckets.items():
        advice = _advice(layer, remover, reason, steps, step_of_layer)
        groups.extend(
            WasteGroup(group.path, group.members, group.size, layer, remover, reason.value, advice)
            for group in roll_up_paths((one.path, one.size, one.unit) for one in members)
        )
    return tuple(sorted(groups, key=lambda group: (-group.size, group.layer_index, group.path)))


def _advice(
    layer: int,
    remover: int,
    reason: Reason,
    steps: Sequence[HistoryStep],
    step_of_layer: Sequence[int | None],
) -> str:
    """One sentence: what happened, and which line to change."""
    maker, made_by = _name(layer, steps, step_of_layer)
    killer, _ = _name(remover, steps, step_of_layer)
    if reason is Reason.SHADOWED:
        return f"{maker} holds the path twice: see what wrote that layer"
    if reason in (Reason.DELETED, Reason.OPAQUE):
        if made_by == "RUN":
            return f"deleted by {killer}: put the rm into the RUN of {maker}"
        if made_by == "COPY":
            return f"deleted by {killer}: leave it out of the COPY of {maker} (.dockerignore)"
        if made_by == "ADD":
            return f"deleted by {killer}: leave it out of what the ADD of {maker} brings"
        return f"deleted by {killer}: leave it out of {maker}"
    if reason is Reason.REWRITTEN:
        what = f"{killer} changed only its metadata or links and so copied it whole"
        if made_by == "COPY":
            return f"{what}: use COPY --chmod or --chown in {maker}"
        if made_by == "ADD":
            return f"{what}: do it to what the ADD of {maker} brings"
        return f"{what}: do it in {maker}"
    if reason is Reason.REPLACED:
        return f"replaced by a folder, link or device in {killer}: leave it out of {maker}"
    if made_by == "RUN":
        return f"overwritten by {killer}: write it once, in one RUN with {maker}"
    return f"overwritten by {killer}: leave it out of {maker}"


def _name(
    layer: int, steps: Sequence[HistoryStep], step_of_layer: Sequence[int | None]
) -> tuple[str, str | None]:
    """``step 3`` (from 1, as docker counts) or ``layer 2``, and its instruction's keyword."""
    index = step_of_layer[layer] if layer < len(step_of_layer) else None
    if index is None:
        return f"layer {layer}", None
    return f"step {index + 1}", steps[index].keyword
