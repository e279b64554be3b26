"""Patterns for paths: ``*``, ``?`` and ``[..]`` within a part, ``**`` over any number of parts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from re import Pattern

from oci_inspect.errors import LimitExceededError, PathError
from oci_inspect.filesystem.tree import Folder, Located, Node, UnionTree
from oci_inspect.paths import shown_path

_MAGIC = re.compile(rb"[*?\[]")
_ANY = b"**"

Part = bytes | Pattern[str] | None
"""A part as it is written, a pattern for one part, or None for ``**``."""


def has_magic(pattern: bytes) -> bool:
    """Whether any character of a path may stand for others."""
    return _MAGIC.search(pattern) is not None


class Glob:
    r"""A pattern for whole paths from the root.

    ``*`` stands for any characters, ``?`` for one, ``[ab-d]`` for one of some and ``[!ab-d]`` for
    one of all others, never for a slash; ``[*]`` is a star. ``**`` as a part of its own is any
    number of parts, also none; at the end at least one. Names that begin with a dot are like all
    others. One character is one of UTF-8, or a byte that is none.

    A *state* is a set of positions in the pattern, as the bits of a number: one step a part of a
    path, each linear in the parts of the pattern. Nothing is tried twice.
    """

    def __init__(self, pattern: bytes) -> None:
        parts = [part for part in pattern.split(b"/") if part not in (b"", b".")]
        if parts and parts[-1] == _ANY:
            parts.append(b"*")
        self._parts = tuple(
            _part(part)
            for i, part in enumerate(parts)
            if part != _ANY or parts[i - 1 : i] != [_ANY]
        )
        self.end = 1 << len(self._parts)
        self.start = self._closed(1)

    def step(self, state: int, name: bytes) -> int:
        """The state behind one more part of a path; 0 where no path that goes on so matches."""
        text: str | None = None
        after = 0
        for i, part in enumerate(self._parts):
            if not state >> i & 1:
                continue
            if part is None:
                after |= 1 << i
            elif isinstance(part, bytes):
                if part == name:
                    after |= 2 << i
            else:
                if text is None:
                    text = _text(name)
                if part.match(text) is not None:
                    after |= 2 << i
        return self._closed(after) if after else 0

    def ways(self, state: int) -> Iterator[tuple[Part, int]]:
        """What leads on from a state, and where to: the steps of many names at once.

        A step is all of these together whose part is the name, or fits it; None fits all names.
        """
        for i, part in enumerate(self._parts):
            if state >> i & 1:
                yield part, self._closed((1 if part is None else 2) << i)

    def accepts(self, state: int) -> bool:
        """Whether a path that ends in this state matches."""
        return state & self.end != 0

    def matches(self, path: bytes) -> bool:
        """Whether a path matches. The root is ``b""``."""
        state = self.start
        for part in path.split(b"/") if path else ():
            state = self.step(state, part)
        return self.accepts(state)

    def below(self, path: bytes, folder: Folder) -> Iterator[tuple[bytes, Node]]:
        """What of a folder at ``path`` matches, in no order; the pattern begins in that folder.

        Folders below which nothing can match are not entered.
        """
        stack = [(path + b"/" if path else b"", folder, self.start)]
        while stack:
            prefix, folder, state = stack.pop()
            for name, node in folder.items():
                after = self.step(state, name)
                if not after:
                    continue
                if self.accepts(after):
                    yield prefix + name, node
                if isinstance(node, Folder):
                    stack.append((prefix + name + b"/", node, after))

    def _closed(self, state: int) -> int:
        """The state with what is reached where a ``**`` stands for nothing."""
        for i, part in enumerate(self._parts):
            if part is None and state >> i & 1:
                state |= 2 << i
        return state


def _part(part: bytes) -> Part:
    if part == _ANY:
        return None
    # The standard library's translation uses atomic groups: no backtracking across stars.
    return re.compile(fnmatch.translate(_text(part))) if has_magic(part) else part


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def expand(tree: UnionTree, pattern: bytes, *, follow: bool = False) -> list[Located]:
    """What a path or a pattern stands for in a tree, sorted by path.

    A path that is there as it is written stands for itself, whatever characters are in it. Links
    in front of the first part with a pattern are followed, as is one at the end with ``follow``; a
    slash at the end asks for folders. Raises :class:`PathError` where it stands for nothing.
    """
    try:
        return [tree.resolve(pattern, follow=follow)]
    except PathError as error:
        if not (has_magic(pattern) and error.missing):
            raise
    found = _matching(tree, pattern)
    if pattern.endswith(b"/"):
        found = [one for one in found if isinstance(one[1], Folder)]
    if not found:
        raise PathError(shown_path(pattern), "nothing matches it", missing=True)
    if follow:
        behind = (tree.resolve(path) for path, _ in found)
        found = [(one.path, one.node) for one in {one.path: one for one in behind}.values()]
    return [tree.located(path, node) for path, node in sorted(found, key=lambda one: one[0])]


def _matching(tree: UnionTree, pattern: bytes) -> list[tuple[bytes, Node]]:
    parts = pattern.split(b"/")
    first = next(i for i, part in enumerate(parts) if has_magic(part))
    try:
        top = tree.resolve(b"/".join(parts[:first]))
    except (LimitExceededError, PathError):
        return []
    if not isinstance(top.node, Folder):
        return []
    return list(Glob(b"/".join(parts[first:])).below(top.path, top.node))
