"""dive's rules as its users wrote them: ``.dive-ci`` and the ``rules:`` of ``dive.yaml``.

Read as dive does (d6c6919, ``options/ci.go``, ``options/ci_rules.go``, ``ci/rules.go``; sizes by
go-humanize 1.0.1), with one difference: dive ignores a name that it does not know, and a file that
is not there. Here both are errors, for a rule that nobody reads would pass for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from oci_inspect.errors import RulesError
from oci_inspect.rules.dive_yaml import (
    LARGEST,
    Mapping,
    Other,
    Scalar,
    Value,
    read_yaml,
)
from oci_inspect.rules.model import Level, Source

EFFICIENCY = "dive-lowest-efficiency"
WASTED_BYTES = "dive-highest-wasted-bytes"
USER_WASTED_PERCENT = "dive-highest-user-wasted-percent"
DESCRIPTIONS = {
    EFFICIENCY: "dive's lowestEfficiency, by dive's figures; see docs/dive.md.",
    WASTED_BYTES: "dive's highestWastedBytes, by dive's figures; see docs/dive.md.",
    USER_WASTED_PERCENT: "dive's highestUserWastedPercent, by dive's figures; see docs/dive.md.",
}
"""One sentence for each rule."""

_DEFAULTS: dict[str, float | None] = {
    EFFICIENCY: 0.9,
    WASTED_BYTES: None,
    USER_WASTED_PERCENT: 0.1,
}
_NAMES = {
    "lowestEfficiency": EFFICIENCY,
    "lowest-efficiency": EFFICIENCY,
    "highestWastedBytes": WASTED_BYTES,
    "highest-wasted-bytes": WASTED_BYTES,
    "highestUserWastedPercent": USER_WASTED_PERCENT,
    "highest-user-wasted-percent": USER_WASTED_PERCENT,
}
_KNOWN = "lowestEfficiency, highestWastedBytes and highestUserWastedPercent"
_SETTINGS = frozenset(
    [
        "ci",
        "ci-config",
        "container-engine",
        "dev",
        "diff",
        "filetree",
        "ignore-errors",
        "json-path",
        "keybinding",
        "layer",
        "log",
    ]
)
"""What else ``dive.yaml`` may say: about other things than rules."""

_MOST_TOLD = 50

_DISABLED = frozenset(("", "disabled", "off", "false"))
_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+)?", re.A | re.I)
_SIZE = re.compile(r"([0-9.,]*)(.*)", re.DOTALL)
_PLAIN_NUMBER = re.compile(r"\d+\.?\d*|\.\d+", re.A)
_PREFIXES = "kmgtpe"
_UNITS = {"": 1, "b": 1} | {
    prefix + unit: base ** (i + 1)
    for i, prefix in enumerate(_PREFIXES)
    for unit, base in (("", 1000), ("b", 1000), ("i", 1024), ("ib", 1024))
}
_TOO_LARGE = float(1 << 64)


@dataclass(frozen=True, slots=True)
class DiveRule:
    """One of dive's three rules. ``limit`` is None where it is disabled.

    A share from 0 to 1, or whole bytes. ``source`` has no line where the limit is dive's default.
    One that is disabled is off, whatever its level.
    """

    rule: str
    limit: float | None
    source: Source
    level: Level = Level.ERROR


@dataclass(frozen=True, slots=True)
class DiveRules:
    """All three of them."""

    lowest_efficiency: DiveRule
    highest_wasted_bytes: DiveRule
    highest_user_wasted_percent: DiveRule

    def with_levels(self, levels: dict[str, Level]) -> DiveRules:
        """The same rules, some of which matter less: their levels by their names."""
        rules = (
            self.lowest_efficiency,
            self.highest_wasted_bytes,
            self.highest_user_wasted_percent,
        )
        return DiveRules(*(replace(one, level=levels.get(one.rule, one.level)) for one in rules))


def read_dive_rules(path: str | Path) -> DiveRules:
    """Read a file of dive's rules. Raises :class:`RulesError` with all that is wrong."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RulesError((f"{path}: {error.strerror or error}",)) from None
    return parse_dive_rules(data, str(path))


def parse_dive_rules(data: bytes, name: str) -> DiveRules:
    """Make rules of the bytes of a file. Raises :class:`RulesError` with all that is wrong."""
    document = read_yaml(data, name)
    reader = _Reader(name)
    reader.document(document)
    if reader.problems:
        told = reader.problems[:_MOST_TOLD]
        if len(told) < len(reader.problems):
            told.append(f"{name}: and {len(reader.problems) - len(told):,} more")
        raise RulesError(tuple(told))
    return DiveRules(*(reader.rule(rule) for rule in _DEFAULTS))


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []
        self._found: dict[str, tuple[float | None, int]] = {}

    def rule(self, rule: str) -> DiveRule:
        limit, line = self._found.get(rule, (_DEFAULTS[rule], None))
        return DiveRule(rule, limit, Source(self.name, line))

    def document(self, document: Value | None) -> None:
        seen: set[str] = set()
        for key, value in self._items(document, "the file"):
            if key.text in seen:
                self._bad(key.line, f"{key.text} stands here a second time")
            elif key.text == "rules":
                self._rules(value)
            elif key.text in _NAMES:
                self._bad(key.line, f"{key.text} must stand below rules:")
            elif key.text not in _SETTINGS:
                self._bad(key.line, f"dive knows no {_shown(key.text)}")
            seen.add(key.text)

    def _rules(self, rules: Value) -> None:
        seen: dict[str, int] = {}
        for key, value in self._items(rules, "rules"):
            rule = _NAMES.get(key.text)
            if rule is None:
                self._bad(key.line, f"dive has no rule {_shown(key.text)}, only {_KNOWN}")
            elif rule in seen:
                self._bad(key.line, f"{key.text} is already set in line {seen[rule]}")
            else:
                seen[rule] = key.line
                self._limit(rule, key, value)

    def _limit(self, rule: str, key: Scalar, value: Value) -> None:
        if not isinstance(value, Scalar):
            self._bad(key.line, f"{key.text} must have one value")
            return
        if value.null:  # dive keeps its default
            return
        text = value.text
        if text.strip().lower() in _DISABLED:
            self._found[rule] = None, value.line
            return
        read = _size if rule == WASTED_BYTES else _ratio
        limit = read(text)
        if limit is None:
            what = "size such as 20MB" if rule == WASTED_BYTES else "ratio from 0 to 1"
            self._bad(value.line, f"{key.text}: {_shown(text)} is no {what}, and not disabled")
        else:
            self._found[rule] = limit, value.line

    def _items(self, value: Value | None, what: str) -> Iterator[tuple[Scalar, Value]]:
        if isinstance(value, Mapping):
            yield from value.items
        elif isinstance(value, Other) or (isinstance(value, Scalar) and not value.null):
            self._bad(value.line, f"{what} must be names with values")

    def _bad(self, line: int, problem: str) -> None:
        self.problems.append(f"{self.name}:{line}: {problem}")


def _ratio(text: str) -> float | None:
    """A number from 0 to 1. What Go reads beside it (NaN, hexadecimal) is no limit: None."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if 0 <= number <= 1 else None


def _size(text: str) -> int | None:
    """Bytes as go-humanize reads them: ``20MB`` is 20,000,000, ``20 MiB`` 20,971,520."""
    found = _SIZE.fullmatch(text)
    assert found is not None
    digits, unit = found[1].replace(",", ""), found[2].strip().lower()
    if not _PLAIN_NUMBER.fullmatch(digits) or unit not in _UNITS:
        return None
    size = float(digits) * float(_UNITS[unit])
    return int(size) if size < _TOO_LARGE else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
