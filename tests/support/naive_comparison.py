"""Two trees held against each other: whole snapshots of the naive merge, path by path.

Written from the docstrings of ``filesystem/comparing.py``; it knows nothing of references, rows or
tables that two images share.
"""

from __future__ import annotations

from dataclasses import dataclass

from support.naive_changes import Snapshot, differences
from support.naive_merge import Inode

Told = tuple[str, str, tuple[str, ...], int, int, str | None]
"""Path, turn, why, bytes before, bytes after, unit."""


@dataclass(frozen=True)
class Naive:
    """What two snapshots differ in, and what they have in common."""

    told: list[Told]
    unchanged: int
    unchanged_bytes: int
    folders: dict[str, tuple[int, int]]


def naive_comparison(before: Snapshot, after: Snapshot) -> Naive:
    """Compare two snapshots."""
    sizes = counted(before, after), counted(after, before)
    told: list[Told] = []
    unchanged = 1  # the root, which no entry describes here
    unchanged_bytes = 0
    folders: dict[str, tuple[int, int]] = {}
    for path in sorted({*before, *after}, key=str.encode):
        old, new = before.get(path), after.get(path)
        bytes_of = sizes[0].get(path, 0), sizes[1].get(path, 0)
        top = path.partition("/")[0]
        was, now = folders.get(top, (0, 0))
        folders[top] = was + bytes_of[0], now + bytes_of[1]
        if new is None:
            told.append((path, "removed", (), *bytes_of, unit(before, after, path)))
        elif old is None:
            told.append((path, "added", (), *bytes_of, unit(after, before, path)))
        else:
            why = differences(old, new)
            if "type" not in why and names(before, old) != names(after, new):
                why = (*why, "links")
            if why:
                told.append((path, "changed", why, *bytes_of, None))
            else:
                unchanged += 1
                unchanged_bytes += bytes_of[0]
                assert bytes_of[0] == bytes_of[1]
    return Naive(told, unchanged, unchanged_bytes, folders)


def names(snapshot: Snapshot, inode: Inode) -> set[str]:
    """All names of an inode; a folder has one."""
    return {path for path, one in snapshot.items() if one is inode and inode.kind != "dir"}


def counted(snapshot: Snapshot, other: Snapshot) -> dict[str, int]:
    """The bytes of each path: of an inode at its first name that both have, else at its first."""
    found: dict[str, int] = {}
    for inode in {id(one): one for one in snapshot.values()}.values():
        if inode.kind == "file":
            own = names(snapshot, inode)
            found[min(own & other.keys() or own, key=str.encode)] = len(inode.text)
    return found


def unit(snapshot: Snapshot, other: Snapshot, path: str) -> str | None:
    """The uppermost folder that only this snapshot has, and that the path is in or is."""
    parts = path.split("/")
    for i in range(1, len(parts) + 1):
        above = "/".join(parts[:i])
        there = other.get(above)
        if snapshot[above].kind == "dir" and (there is None or there.kind != "dir"):
            return above
    return None
