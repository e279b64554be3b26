"""Waste: dead inodes rolled up to what a person would name, with the line to change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oci_inspect.analysis.results import HistoryStep, WasteGroup
from oci_inspect.filesystem.deaths import Dead, Reason

LARGE_SHARE = 0.1
"""A group with this share of its bucket's bytes keeps its own name."""
LARGE_FILE_SHARE = 0.6
"""A file with this share keeps its name though its neighbours are rolled up."""
FEW = 3
"""Fewer groups than this in a folder are listed, not rolled up."""


class _Group(NamedTuple):
    path: bytes
    files: int
    size: int


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
            WasteGroup(group.path, group.files, group.size, layer, remover, reason.value, advice)
            for group in _fold(members)
        )
    return tuple(sorted(groups, key=lambda group: (-group.size, group.layer_index, group.path)))


def _fold(members: Sequence[Dead]) -> list[_Group]:
    """Roll the files of one bucket up, deepest folders first; the root is never rolled up."""
    total = sum(one.size for one in members)
    waiting: dict[int, dict[bytes, list[_Group]]] = defaultdict(lambda: defaultdict(list))
    deepest = 0
    for group in _units(members):
        path = group.path.rstrip(b"/")
        depth = path.count(b"/")
        deepest = max(deepest, depth)
        waiting[depth][path.rpartition(b"/")[0]].append(group)
    for depth in range(deepest, 0, -1):
        above = waiting[depth - 1]
        for folder, groups in waiting.pop(depth, {}).items():
            above[folder.rpartition(b"/")[0]].extend(_fold_folder(folder, groups, total))
    return waiting[0].get(b"", [])


def _units(members: Sequence[Dead]) -> Iterator[_Group]:
    """What went as a whole is one group; what went by itself is another each."""
    folders: dict[bytes, list[Dead]] = defaultdict(list)
    files: dict[bytes, list[int]] = defaultdict(list)
    for one in members:
        if one.unit:
            folders[one.unit].append(one)
        else:
            files[one.paths[0]].append(one.size)
    for path, sizes in files.items():  # several where one layer names a path again and again
        yield _Group(path, len(sizes), sum(sizes))
    for unit, dead in folders.items():
        path = unit + b"/" if len(dead) > 1 else dead[0].paths[0]
        yield _Group(path, len(dead), sum(one.size for one in dead))


def _fold_folder(folder: bytes, groups: list[_Group], total: int) -> list[_Group]:
    kept: list[_Group] = []
    small: list[_Group] = []
    for group in groups:
        share = group.size / total if total else 0.0
        is_file = not group.path.endswith(b"/")
        (small if share < (LARGE_FILE_SHARE if is_file else LARGE_SHARE) else kept).append(group)
    if len(small) < FEW:
        return groups
    rolled = _Group(folder + b"/", sum(one.files for one in small), sum(one.size for one in small))
    return [*kept, rolled]


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
