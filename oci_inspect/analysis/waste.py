"""Waste: dead inodes rolled up to what a person would name, with the line to change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from oci_inspect.analysis.results import HistoryStep, WasteGroup
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.filesystem.reasons import Reason

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


def largest_first(dead: Iterable[Dead]) -> tuple[Dead, ...]:
    """Dead inodes by size, the largest first; those of one size by layer and paths.

    Sorted thrice by what is there already: a million keys of their own would be as much again.
    """
    ordered = sorted(dead, key=attrgetter("paths"))
    ordered.sort(key=attrgetter("layer_index"))
    ordered.sort(key=attrgetter("size"), reverse=True)
    return tuple(ordered)


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
    """Roll the files of one bucket up, deepest folders first; the root is never rolled up.

    A folder is its path with a slash behind it, the root is nothing. Only those are looked at that
    lost something themselves, or where the branches of such folders meet: what one branch brings
    is what it was a folder further up.
    """
    total = sum(one.size for one in members)
    lost = _by_folder(members)
    open_folders = [(b"", lost.pop(b"", []))]  # each is in the one before it
    for folder in sorted(lost):  # each comes behind those it is in, and next to its neighbours
        while not folder.startswith(open_folders[-1][0]):
            done, groups = open_folders.pop()
            left = _fold_folder(done, groups, total)
            meeting = _meeting(done, folder)
            if len(meeting) > len(open_folders[-1][0]):
                open_folders.append((meeting, left))
            else:
                open_folders[-1][1].extend(left)
        open_folders.append((folder, lost.pop(folder)))
    while len(open_folders) > 1:
        done, groups = open_folders.pop()
        open_folders[-1][1].extend(_fold_folder(done, groups, total))
    return open_folders[0][1]


def _by_folder(members: Sequence[Dead]) -> dict[bytes, list[_Group]]:
    """What went as a whole is one group, what went by itself is another each."""
    units: dict[bytes, _Group] = {}
    files: dict[bytes, _Group] = {}
    for one in members:
        path = one.paths[0]
        if one.unit:
            known = units.get(one.unit)
            whole = path if known is None else one.unit + b"/"
            units[one.unit] = _more(known, whole, one.size)
        else:  # several where one layer names a path again and again
            files[path] = _more(files.get(path), path, one.size)
    lost: dict[bytes, list[_Group]] = defaultdict(list)
    for groups in (files, units):
        for group in groups.values():
            head, slash, _ = group.path.rstrip(b"/").rpartition(b"/")
            lost[head + slash].append(group)
    return lost


def _more(known: _Group | None, path: bytes, size: int) -> _Group:
    """A group and one more file."""
    return _Group(path, 1, size) if known is None else _Group(path, known[1] + 1, known[2] + size)


def _meeting(one: bytes, other: bytes) -> bytes:
    """The lowest folder that two folders are in, or that one of them is."""
    length = min(len(one), len(other))
    # As numbers they are compared at once; where the first difference is, tells their length.
    differing = int.from_bytes(one[:length], "big") ^ int.from_bytes(other[:length], "big")
    same = length - (differing.bit_length() + 7) // 8
    return one[: one.rfind(b"/", 0, same) + 1]


def _fold_folder(folder: bytes, groups: list[_Group], total: int) -> list[_Group]:
    kept: list[_Group] = []
    small: list[_Group] = []
    for group in groups:
        share = group.size / total if total else 0.0
        is_file = not group.path.endswith(b"/")
        (small if share < (LARGE_FILE_SHARE if is_file else LARGE_SHARE) else kept).append(group)
    if len(small) < FEW:
        return groups
    rolled = _Group(folder, sum(one.files for one in small), sum(one.size for one in small))
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
