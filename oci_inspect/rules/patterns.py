"""Patterns of paths, many together: one step for a part of a path, however many they are."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from re import Pattern
from typing import NamedTuple

from oci_inspect.errors import LimitExceededError, PathError
from oci_inspect.filesystem.globs import Glob, has_magic
from oci_inspect.filesystem.symlinks import LinkFollower
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.limits import Limits
from oci_inspect.paths import path_bytes

_MOST_WAYS = 4096


class _Ways(NamedTuple):
    """Where one part of a path leads from a state: by any name, by some names, by patterns."""

    always: int
    names: dict[bytes, int]
    patterns: dict[Pattern[str], int]


class Patterns:
    """Some patterns together; one that ends in a slash is for folders.

    A *state* is the states of all of them side by side, as the bits of one number.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._globs: list[tuple[Glob, int]] = []
        self._ends = self._folder_ends = self.start = 0
        shift = 0
        for one in patterns:
            made = Glob(one)
            self._globs.append((made, shift))
            self.start |= made.start << shift
            self._folder_ends |= made.end << shift
            if not one.endswith(b"/"):
                self._ends |= made.end << shift
            shift += made.end.bit_length()
        self._ways: dict[int, _Ways] = {}
        # The folders that were asked for, each by the number of the one it is in and its name, so
        # that it is stepped once whatever is in it. A number stands for a state, and for how long
        # the path is that matches, of the folder and those above: 0 for none.
        self._known: dict[tuple[int, bytes], int] = {}
        self._folders: list[tuple[int, int]] = [(self.start, 0)]
        self._last = (b"", 0)

    def step(self, state: int, name: bytes) -> int:
        """The state behind one more part of a path; 0 where no path that goes on so matches."""
        ways = self._ways.get(state)
        if ways is None:
            ways = self._ways_from(state)
        after = ways.always | ways.names.get(name, 0)
        if ways.patterns:
            text = name.decode("utf-8", "surrogateescape")
            for pattern, leads_to in ways.patterns.items():
                if pattern.match(text) is not None:
                    after |= leads_to
        return after

    def accept(self, state: int, *, folder: bool) -> bool:
        """Whether a path that ends in this state matches; ``folder`` is what lies there."""
        return state & (self._folder_ends if folder else self._ends) != 0

    def prefix(self, path: bytes, *, folder: bool) -> bytes | None:
        """The shortest path that matches, of this one and the folders it lies in."""
        above, _, name = path.rpartition(b"/")
        state, found = self._folders[self._folder(above)]
        if found:
            return path[:found]
        return path if self.accept(self.step(state, name), folder=folder) else None

    def _folder(self, path: bytes) -> int:
        """The number of a folder; or of one it is in, where that matches or nothing below can."""
        last, here = self._last
        if path != last:
            above, _, name = path.rpartition(b"/")
            if above == last:  # as most are, where paths come in the order of a walk
                here = self._enter(here, name, len(path))
            else:
                here, length = 0, -1
                for name in path.split(b"/") if path else ():
                    length += len(name) + 1
                    here = self._enter(here, name, length)
            self._last = path, here
        return here

    def _enter(self, here: int, name: bytes, length: int) -> int:
        """The number of a folder in another; ``length`` is that of its path."""
        state, found = self._folders[here]
        if found or not state:
            return here
        below = self._known.get((here, name))
        if below is None:
            after = self.step(state, name)
            below = self._known[here, name] = len(self._folders)
            self._folders.append((after, length if self.accept(after, folder=True) else 0))
        return below

    def _ways_from(self, state: int) -> _Ways:
        always = 0
        names: dict[bytes, int] = {}
        patterns: dict[Pattern[str], int] = {}
        for made, shift in self._globs:
            own = state >> shift & ((made.end << 1) - 1)
            for part, after in made.ways(own) if own else ():
                leads_to = after << shift
                if part is None:
                    always |= leads_to
                elif isinstance(part, bytes):
                    names[part] = names.get(part, 0) | leads_to
                else:
                    patterns[part] = patterns.get(part, 0) | leads_to
        if len(self._ways) >= _MOST_WAYS:
            self._ways.clear()
        ways = self._ways[state] = _Ways(always, names, patterns)
        return ways


def patterns_in(tree: UnionTree, texts: Iterable[str], limits: Limits) -> Patterns:
    """The patterns as they are written, and as the links of a tree have them."""
    patterns: list[bytes] = []
    for text in texts:
        parts = [part for part in path_bytes(text).split(b"/") if part not in (b"", b".")]
        folder = text.endswith("/")
        both = parts, _real(tree, parts, folder=folder, limits=limits)
        patterns += (b"/".join(one) + b"/" * folder for one in both if one)
    return Patterns(dict.fromkeys(patterns))


def _real(tree: UnionTree, parts: list[bytes], *, folder: bool, limits: Limits) -> list[bytes]:
    """The parts of a pattern with the links in front of its last followed, up to a first star.

    One that asks for a folder has its last part followed too. Nothing where links lead to the root
    or around in a ring.
    """
    most = len(parts) if folder else len(parts) - 1
    count = next((i for i, part in enumerate(parts) if has_magic(part)), most)
    head = b"/".join(parts[:count])
    try:
        real: bytes | None = tree.resolve(head).path
    except (
        LimitExceededError,
        PathError,
    ):  # what is no longer there may have been where links lead
        try:
            real = LinkFollower(tree, limits).follow(head, 0)
        except LimitExceededError:
            return []
    if real is None:
        return []
    return [*(glob.escape(part) for part in real.split(b"/") if part), *parts[count:]]
