"""The files that are different, rolled up to what a person would name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from oci_inspect.analysis.rolling import roll_up_paths
from oci_inspect.comparison.results import FileGroup
from oci_inspect.filesystem.comparing import PathDifference, Turn


def group_files(differences: Sequence[PathDifference]) -> tuple[FileGroup, ...]:
    """Paths with the same fate together, the largest growth or loss first, metadata last.

    Added, removed, of other content, of other metadata: each by itself. A folder that came or went
    with all that is in it counts by what is in it.
    """
    full = {one.path.rpartition(b"/")[0] for one in differences if one.unit is not None}
    buckets: dict[tuple[Turn, bool], list[PathDifference]] = defaultdict(list)
    for one in differences:
        if one.unit is None or one.path not in full:
            buckets[one.turn, one.content].append(one)
    groups: list[FileGroup] = []
    for (turn, content), members in buckets.items():
        if turn is Turn.CHANGED:
            groups += _changed(members, content)
            continue
        rolled = roll_up_paths(
            (one.path, one.size_before or one.size_after, one.unit) for one in members
        )
        for path, paths, size in rolled:
            sizes = (0, size) if turn is Turn.ADDED else (size, 0)
            groups.append(FileGroup(path, turn, content, paths, *sizes))
    return tuple(sorted(groups, key=_weight))


def _changed(members: Sequence[PathDifference], content: bool) -> list[FileGroup]:
    """Rolled up by the larger of both sizes; then each path is counted in its group."""
    rolled = roll_up_paths(
        (one.path, max(one.size_before, one.size_after) if content else 0, None) for one in members
    )
    own = {path: [0, 0, 0] for path, _, _ in rolled}
    for one in members:
        path = one.path
        if path not in own:
            path = path[: path.rfind(b"/") + 1]
            while path not in own:
                path = path[: path.rfind(b"/", 0, -1) + 1]
        sums = own[path]
        sums[0] += 1
        sums[1] += one.size_before
        sums[2] += one.size_after
    return [
        FileGroup(path, Turn.CHANGED, content, paths, old, new)
        for path, (paths, old, new) in own.items()
        if paths
    ]


def _weight(group: FileGroup) -> tuple[bool, int, int, str, bytes]:
    largest = max(group.size_before, group.size_after)
    return not group.content, -abs(group.growth), -largest, group.turn, group.path
