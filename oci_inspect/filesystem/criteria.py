"""Which entries somebody looks for, by the rules of find(1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oci_inspect.filesystem.items import Item
from oci_inspect.filesystem.patterns import matcher
from oci_inspect.layer.entries import FILE, SYMLINK

SET_USER_ID, SET_GROUP_ID, WORLD_WRITABLE = 0o4000, 0o2000, 0o002


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes of regular files from ``least`` to ``most`` bytes, both included; None: no bound."""

    least: int | None = None
    most: int | None = None

    def holds(self, size: int) -> bool:
        """Whether a size lies in the range."""
        return (self.least is None or size >= self.least) and (
            self.most is None or size <= self.most
        )


@dataclass(frozen=True, slots=True)
class Criteria:
    """All must hold. What an item has no value for (the time of an implied folder) never holds.

    ``names`` are patterns for the last part of a path, ``paths`` for the whole of it, from the root
    and with a slash in front; in both ``*`` matches slashes too (find(1), -name, -path); one of
    several is enough. Of several ``sizes`` all must hold. ``newer`` is in nanoseconds since 1970.
    """

    names: tuple[bytes, ...] = ()
    paths: tuple[bytes, ...] = ()
    types: frozenset[int] = frozenset()
    sizes: tuple[SizeRange, ...] = ()
    newer: int | None = None
    setuid: bool = False
    setgid: bool = False
    world_writable: bool = False
    xattrs: bool = False
    uid: int | None = None
    gid: int | None = None

    def test(self) -> Callable[[Item], bool]:
        """A function that says whether an item meets them."""
        tests: list[Callable[[Item], bool]] = []
        if self.types:
            tests.append(lambda item: item.kind in self.types)
        if self.names:
            names = [matcher(one) for one in self.names]
            tests.append(lambda item: _any(item.path.rpartition(b"/")[2] or b"/", names))
        if self.paths:
            paths = [matcher(one) for one in self.paths]
            tests.append(lambda item: _any(b"/" + item.path, paths))
        if sizes := self.sizes:
            tests.append(
                lambda item: item.kind == FILE and all(one.holds(item.size) for one in sizes)
            )
        if (newer := self.newer) is not None:
            tests.append(lambda item: _time(item) > newer)
        if self.setuid:
            tests.append(lambda item: _has(item, SET_USER_ID))
        if self.setgid:
            tests.append(lambda item: _has(item, SET_GROUP_ID))
        if self.world_writable:
            tests.append(lambda item: _has(item, WORLD_WRITABLE))
        if self.xattrs:
            tests.append(lambda item: item.entry is not None and bool(item.entry.xattrs))
        if self.uid is not None:
            tests.append(lambda item: item.entry is not None and item.entry.uid == self.uid)
        if self.gid is not None:
            tests.append(lambda item: item.entry is not None and item.entry.gid == self.gid)
        return lambda item: all(test(item) for test in tests)


def _any(text: bytes, patterns: list[Callable[[bytes], bool]]) -> bool:
    return any(pattern(text) for pattern in patterns)


def _has(item: Item, bits: int) -> bool:
    """Whether a mode has some bits; that of a symbolic link says nothing."""
    return item.kind not in (0, SYMLINK) and item.mode & bits == bits


def _time(item: Item) -> float:
    if item.entry is None:
        return float("-inf")
    return item.entry.mtime * 10**9 + item.entry.mtime_ns
