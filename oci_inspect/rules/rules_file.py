"""The rules file: found upwards from a folder, read with all of its errors told at once.

``.oci-inspect.toml`` has rules at its top, ``pyproject.toml`` in ``[tool.oci-inspect]``. TOML 1.0.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oci_inspect.errors import RulesError
from oci_inspect.limits import MIB
from oci_inspect.rules.catalogue import CATALOGUE, Kind, Rule
from oci_inspect.rules.conflicts import conflicts
from oci_inspect.rules.model import Level, Setting, Source
from oci_inspect.rules.toml_lines import Key, key_lines, line_of
from oci_inspect.rules.values import ValueProblem, close_to, parse_level, parse_value, shown

OWN = ".oci-inspect.toml"
PROJECT = "pyproject.toml"
SECTION = ("tool", "oci-inspect")
MOST_BYTES = 4 * MIB
"""Bytes of a rules file that are read at most."""
_MOST_TOLD = 50
_MOST_PARTS = 64
_MOST_SECTIONS = 1000
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Section:
    """Rules for some images: ``images`` is the pattern of their references."""

    images: str
    source: Source


@dataclass(frozen=True, slots=True)
class RulesFile:
    """What a rules file asks for; ``settings`` in the order in which they count."""

    path: str
    settings: tuple[Setting, ...]
    sections: tuple[Section, ...]


def find_rules_file(start: Path) -> Path | None:
    """The rules file for a folder: in it, or in the nearest one above it that has any.

    It ends at a folder that holds ``.git``. A ``pyproject.toml`` without ``[tool.oci-inspect]`` is
    none; one that cannot be read may be one: raises :class:`RulesError`.
    """
    for folder in (start, *start.parents):
        own, project = folder / OWN, folder / PROJECT
        if os.path.lexists(own):
            return own
        if os.path.lexists(project) and has_section(project):
            return project
        if os.path.lexists(folder / ".git"):
            return None
    return None


def has_section(project: Path) -> bool:
    """Whether a ``pyproject.toml`` has rules. Raises :class:`RulesError` where nobody can tell."""
    document = _parse(str(project), _read(str(project)))
    tool = document.get(SECTION[0])
    return isinstance(tool, dict) and SECTION[1] in tool


def read_rules_file(path: str | os.PathLike[str], shown_as: str | None = None) -> RulesFile:
    """Read a rules file. Raises :class:`RulesError` with everything that is wrong with it.

    ``shown_as`` is what it is called in messages and in the sources of settings.
    """
    place = os.fspath(path)
    name = shown_as or place
    text = _read(place, name)
    document = _parse(name, text)
    reader = _Reader(name, key_lines(text))
    if os.path.basename(place) == PROJECT:  # noqa: PTH119
        table: Any = document
        for key in SECTION:
            table = table.get(key) if isinstance(table, dict) else None
        if table is None:
            raise RulesError((f"{name}: it has no [tool.oci-inspect]",))
        reader.top(table, SECTION)
    else:
        reader.top(document, ())
    if reader.problems:
        raise RulesError(_told(reader.problems, name))
    return RulesFile(name, tuple(reader.settings), tuple(reader.sections))


def _told(problems: list[tuple[int | None, str]], name: str) -> tuple[str, ...]:
    ordered = sorted(problems, key=lambda one: one[0] or 0)
    told = [f"{name}:{line}: {text}" if line else f"{name}: {text}" for line, text in ordered]
    more = len(told) - _MOST_TOLD
    return (*told[:_MOST_TOLD], *([f"{name}: {more:,} more errors"] if more > 0 else ()))


def _read(path: str, name: str | None = None) -> str:
    name = name or path
    found_by_itself = os.path.basename(path) in (OWN, PROJECT)  # noqa: PTH119
    wait = 0 if not found_by_itself else os.O_NONBLOCK  # a FIFO of that name is waited for by none
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | wait)
        with open(number, "rb") as file:  # noqa: PTH123
            if found_by_itself and not stat.S_ISREG(os.fstat(number).st_mode):
                raise RulesError((f"{name}: it is no regular file",))
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RulesError((f"{name}: it cannot be read: {error.strerror or error}",)) from error
    if len(data) > MOST_BYTES:
        raise RulesError((f"{name}: it has more than {MOST_BYTES:,} bytes",))
    if data.startswith(codecs.BOM_UTF8):
        raise RulesError((f"{name}:1: it begins with a byte order mark: save it without one",))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RulesError((f"{name}:{line}: it is not UTF-8",)) from error


def _parse(name: str, text: str) -> dict[str, Any]:
    for at, row in enumerate(text.split("\n"), 1):
        if row.count(".") > _MOST_PARTS and _bare(row).count(".") > _MOST_PARTS:
            # tomllib takes time and room that grow with the square of the parts of a key.
            raise RulesError((f"{name}:{at}: a key of more than {_MOST_PARTS} parts",))
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise RulesError((f"{name}: it is nested too deep",)) from error
    except ValueError as error:  # also numbers of too many digits, which are no TOMLDecodeError
        problem = str(error)
        found = _PLACE.search(problem)
        line = int(found[1]) if found and found[1] else max(1, len(text.splitlines()))
        what = _PLACE.sub("", problem)
        raise RulesError((f"{name}:{line}: no TOML: {what[:1].lower()}{what[1:]}",)) from error


def _bare(line: str) -> str:
    """A line without what stands in quotes, and without a comment."""
    return _QUOTED.sub("", line).partition("#")[0]


class _Reader:
    """Makes settings of a table; ``problems`` are lines with sentences."""

    def __init__(self, path: str, lines: dict[Key, int]) -> None:
        self.settings: list[Setting] = []
        self.sections: list[Section] = []
        self.problems: list[tuple[int | None, str]] = []
        self._path = path
        self._lines = lines

    def _wrong(self, key: Key, text: str) -> None:
        self.problems.append((line_of(self._lines, key), text))

    def _source(self, key: Key) -> Source:
        return Source(self._path, line_of(self._lines, key))

    def top(self, table: object, key: Key) -> None:
        if not isinstance(table, dict):
            self._wrong(key, f"{key[-1]} is no table")
            return
        self._rules(table, key, None, ("images",))
        images = table.get("images", [])
        if not isinstance(images, list) or not all(isinstance(one, dict) for one in images):
            start = ".".join(map(str, (*key, "images")))
            self._wrong((*key, "images"), f"images is no array of tables: write [[{start}]]")
            images = []
        if len(images) > _MOST_SECTIONS:
            self._wrong((*key, "images"), f"more than {_MOST_SECTIONS:,} sections of images")
            images = []
        for index, one in enumerate(images):
            self._section(one, (*key, "images", index))
        self.problems += [
            (one.source.line, text) for one, text in conflicts(self.settings, self._names())
        ]

    def _names(self) -> list[str | None]:
        return [None, *dict.fromkeys(one.images for one in self.sections)]

    def _section(self, table: dict[str, Any], key: Key) -> None:
        match = table.get("match")
        if not isinstance(match, str) or not match.strip():
            what = "a section of images needs match, a pattern of references, as in '*/app:*'"
            self._wrong((*key, "match"), what)
            match = "*"
        if len(table) == 1 and "match" in table:
            self._wrong(key, "this section of images has no rules")
        self.sections.append(Section(match, self._source((*key, "match"))))
        self._rules(table, key, match, ("match",))

    def _rules(
        self, table: dict[str, Any], key: Key, images: str | None, others: tuple[str, ...]
    ) -> None:
        for name, value in table.items():
            rule = CATALOGUE.get(name)
            if rule is not None:
                self.settings += self._setting(rule, value, (*key, name), images)
            elif name not in others:
                self._wrong((*key, name), self._unknown(name, key, others))

    def _unknown(self, name: str, key: Key, others: tuple[str, ...]) -> str:
        if not key and name == "tool":
            return f"unknown key 'tool': in {self._path} rules stand at the top"
        return f"unknown key {shown(name)}{close_to(name, [*CATALOGUE, *others])}"

    def _setting(
        self, rule: Rule, value: object, key: Key, images: str | None
    ) -> Iterator[Setting]:
        level = Level.ERROR
        where = key
        if isinstance(value, dict):
            known = ("value", "level")
            for name in value:
                if name not in known:
                    near = close_to(name, known)
                    self._wrong((*key, name), f"{rule.name}: unknown key {shown(name)}{near}")
            try:
                level = parse_level(value.get("level", "error"))
            except ValueProblem as problem:
                self._wrong((*key, "level"), f"{rule.name}: {problem}")
                return
            where = (*key, "value")
            if "value" not in value:
                if level is Level.OFF:
                    yield Setting(rule.name, None, level, self._source(key), images)
                elif rule.kind is Kind.FLAG:
                    yield Setting(rule.name, True, level, self._source(key), images)
                else:
                    self._wrong(key, f"{rule.name} has no value")
                return
            value = value["value"]
        try:
            parsed = parse_value(rule, value)
        except ValueProblem as problem:
            at = where if problem.index is None else (*where, problem.index)
            self._wrong(at, f"{rule.name}: {problem}")
            return
        if parsed is False:
            level = Level.OFF
        yield Setting(rule.name, parsed, level, self._source(key), images)
