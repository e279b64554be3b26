"""Patterns of paths: what they match is what a slow twin matches, and none takes long."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from fuzz.target import Target, check, same
from oci_inspect.filesystem.globs import Glob, has_magic
from oci_inspect.filesystem.patterns import matcher
from oci_inspect.rules.patterns import Patterns

_PLAIN = re.compile(rb"[a-z*?/.]*\Z")


def run(data: bytes) -> None:
    """A pattern, a zero byte, a path."""
    pattern, _, path = data.partition(b"\0")
    name = matcher(pattern)
    told = name(path)
    if b"[" not in pattern and b"\\" not in pattern:
        text = pattern.decode("utf-8", "surrogateescape"), path.decode("utf-8", "surrogateescape")
        if len(data) < 120:
            same(told, _stars(*text, across=True), f"find's {pattern!r} on {path!r}")
    glob = Glob(pattern)
    matched = glob.matches(path)
    check(has_magic(pattern) or not matched or _tidy(pattern) == _tidy(path), f"{data!r}")
    if _PLAIN.match(pattern) and len(data) < 120:
        parts = [one for one in pattern.decode().split("/") if one not in ("", ".")]
        ways = path.decode("utf-8", "surrogateescape").split("/") if path else []
        same(matched, _parts(tuple(parts), tuple(ways)), f"{pattern!r} on {path!r}")
    together = Patterns([pattern, b"zz", pattern + b"/"])
    state = together.start
    for part in path.split(b"/") if path else ():
        state = together.step(state, part)
    check(state >= 0, "no state")


def _tidy(path: bytes) -> list[bytes]:
    return [one for one in path.split(b"/") if one not in (b"", b".")]


def _stars(pattern: str, name: str, *, across: bool) -> bool:
    """What fnmatch(3) says of stars and question marks, by a table that is filled row by row."""
    reach = [True] + [False] * len(name)
    for char in pattern:
        if char == "*":
            for i in range(1, len(reach)):
                reach[i] = reach[i] or (reach[i - 1] and (across or name[i - 1] != "/"))
        else:
            reach = [False] + [
                reach[i] and (char == "?" or char == name[i]) and (across or name[i] != "/")
                for i in range(len(name))
            ]
    return reach[-1]


def _parts(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(path)
        if pattern[i] == "**":
            last = all(one == "**" for one in pattern[i:])
            least = 1 if last else 0
            rest = len(pattern) if last else i + 1
            return any(fits(rest, k) for k in range(j + least, len(path) + 1))
        return j < len(path) and _stars(pattern[i], path[j], across=False) and fits(i + 1, j + 1)

    return fits(0, 0)


def seeds() -> Iterable[bytes]:
    """Patterns with paths."""
    return [
        *(
            b"*a*b\0xxaxxb",
            b"**/c\0a/b/c",
            b"a/**\0a/b",
            b"[!a-c]x\0dx",
            b"[[:upper:]]\0A",
            b"a?c\0abc",
        ),
        *(
            b"*a" * 30 + b"b\0" + b"a" * 60,
            b"**/a/" * 10 + b"\0" + b"a/" * 30,
            b"\\*\0*",
            b"[\0[",
            b"[]]\0]",
        ),
    ]


WORDS = (
    b"*",
    b"**/",
    b"?",
    b"[",
    b"]",
    b"[!",
    b"[[:alpha:]]",
    b"\\",
    b"\0",
    b"/",
    b"a-z",
    b"{,}",
    b"\xff",
)
TARGETS = (Target("patterns", run, seeds, words=WORDS, most=2000),)
