"""Many paths rolled up to the few that a person would name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

LARGE_SHARE = 0.1
"""A group with this share of its bucket's bytes keeps its own name."""
LARGE_FILE_SHARE = 0.6
"""A file with this share keeps its name though its neighbours are rolled up."""
FEW = 3
"""Fewer groups than this in a folder are listed, not rolled up."""


Member = tuple[bytes, int, bytes | None]
"""A path, its bytes, and the folder that goes as a whole with it, None where it goes by itself."""


class PathGroup(NamedTuple):
    """Some paths under one name: a folder, with a slash behind it, or one path by itself."""

    path: bytes
    members: int
    size: int


def roll_up_paths(members: Iterable[Member]) -> list[PathGroup]:
    """Roll paths up to what a person would name, in no particular order.

    Deepest folders first; the root is never rolled up. A folder is its path with a slash behind it,
    the root is nothing. Only those are looked at that have a member themselves, or where the
    branches of such folders meet: what one branch brings is what it was a folder further up.
    """
    lost, total = _by_folder(members)
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


def _by_folder(members: Iterable[Member]) -> tuple[dict[bytes, list[PathGroup]], int]:
    """What goes as a whole is one group, what goes by itself is another each; their bytes."""
    units: dict[bytes, PathGroup] = {}
    files: dict[bytes, PathGroup] = {}
    total = 0
    for path, size, unit in members:
        total += size
        if unit:
            known = units.get(unit)
            whole = path if known is None else unit + b"/"
            units[unit] = _more(known, whole, size)
        else:  # several where one layer names a path again and again
            files[path] = _more(files.get(path), path, size)
    lost: dict[bytes, list[PathGroup]] = defaultdict(list)
    for groups in (files, units):
        for group in groups.values():
            head, slash, _ = group.path.rstrip(b"/").rpartition(b"/")
            lost[head + slash].append(group)
    return lost, total


def _more(known: PathGroup | None, path: bytes, size: int) -> PathGroup:
    """A group and one more file."""
    return (
        PathGroup(path, 1, size)
        if known is None
        else PathGroup(path, known[1] + 1, known[2] + size)
    )


def _meeting(one: bytes, other: bytes) -> bytes:
    """The lowest folder that two folders are in, or that one of them is."""
    length = min(len(one), len(other))
    # As numbers they are compared at once; where the first difference is, tells their length.
    differing = int.from_bytes(one[:length], "big") ^ int.from_bytes(other[:length], "big")
    same = length - (differing.bit_length() + 7) // 8
    return one[: one.rfind(b"/", 0, same) + 1]


def _fold_folder(folder: bytes, groups: list[PathGroup], total: int) -> list[PathGroup]:
    kept: list[PathGroup] = []
    small: list[PathGroup] = []
    for group in groups:
        share = group.size / total if total else 0.0
        is_file = not group.path.endswith(b"/")
        (small if share < (LARGE_FILE_SHARE if is_file else LARGE_SHARE) else kept).append(group)
    if len(small) < FEW:
        return groups
    rolled = PathGroup(folder, sum(one.members for one in small), sum(one.size for one in small))
    return [*kept, rolled]
