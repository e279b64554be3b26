"""On which line each key of a TOML document stands: the standard library's reader does not tell.

It walks over text that ``tomllib`` has taken already (TOML 1.0), so it need not judge anything.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress

Key = tuple[str | int, ...]
"""Names of keys from the top; a number for the place in an array, or in an array of tables."""

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""(?:"{0,2})'
    r"|'''(?:[^']|'(?!''))*'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_OTHER = re.compile(r"[^,\]}#\n]+")


class _Lost(Exception):
    """It is not as it should be: what is known by now is all."""


def key_lines(text: str) -> dict[Key, int]:
    """The line of every key, from 1; those of tables are where they begin.

    ``text`` must be a valid document. Where this reader cannot follow, later keys are missing.
    """
    reader = _Reader(text.replace("\r\n", "\n"))
    with suppress(_Lost, RecursionError, ValueError):
        reader.document()
    return reader.lines


def line_of(lines: dict[Key, int], key: Key) -> int | None:
    """The line of a key, or of the nearest table around it that is known."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines: dict[Key, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._arrays: dict[Key, int] = {}

    def document(self) -> None:
        table: Key = ()
        while True:
            self._skip()
            if self._at >= len(self._text):
                return
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text.startswith("[", self._at):
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Key:
        line = self._line()
        self._at += brackets
        *above, last = self._keys()
        self._take("]" * brackets)
        table: Key = ()
        for name in above:
            table = self._into((*table, name), line)
        table = (*table, last)
        self.lines.setdefault(table, line)
        if brackets == 2:
            self._arrays[table] = self._arrays.get(table, -1) + 1
            table = (*table, self._arrays[table])
            self.lines[table] = line
        return table

    def _into(self, table: Key, line: int) -> Key:
        """The table, or the last one of an array of tables."""
        self.lines.setdefault(table, line)
        return (*table, self._arrays[table]) if table in self._arrays else table

    def _pair(self, table: Key) -> None:
        line = self._line()
        for name in self._keys():
            table = (*table, name)
            self.lines.setdefault(table, line)
        self._take("=")
        self._value(table)

    def _keys(self) -> list[str]:
        names = []
        while True:
            self._skip()
            if match := _BARE.match(self._text, self._at):
                names.append(match[0])
            elif match := _QUOTED.match(self._text, self._at):
                names.append(tomllib.loads(f"key = {match[0]}")["key"])
            else:
                raise _Lost
            self._at = match.end()
            self._skip()
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _value(self, key: Key) -> None:
        self._skip()
        if self._text.startswith("[", self._at):
            self._items(key)
        elif self._text.startswith("{", self._at):
            self._inline(key)
        else:
            match = _TEXT.match(self._text, self._at) or _OTHER.match(self._text, self._at)
            if match is None:
                raise _Lost
            self._at = match.end()

    def _items(self, key: Key) -> None:
        self._take("[")
        index = 0
        while not self._ends("]"):
            self.lines[(*key, index)] = self._line()
            self._value((*key, index))
            index += 1
            self._comma("]")

    def _inline(self, key: Key) -> None:
        self._take("{")
        while not self._ends("}"):
            self._pair(key)
            self._comma("}")

    def _ends(self, bracket: str) -> bool:
        self._skip()
        if self._text.startswith(bracket, self._at):
            self._at += 1
            return True
        return False

    def _comma(self, bracket: str) -> None:
        self._skip()
        if not self._text.startswith(bracket, self._at):
            self._take(",")

    def _take(self, wanted: str) -> None:
        self._skip()
        if not self._text.startswith(wanted, self._at):
            raise _Lost
        self._at += len(wanted)

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1
