"""Values of rules, from the command line (text) or from TOML: the same words for both."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal

from oci_inspect.findings import RULES, Severity
from oci_inspect.quantities import parse_quantity
from oci_inspect.rules.catalogue import Kind, Rule
from oci_inspect.rules.model import Level, Value

MOST = 2**63
_MOST_ITEMS = 10_000
_MOST_PATTERNS = 200
_QUOTED = re.compile(r"\[!?\]?[^]/]*\]")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_SIZE = re.compile(
    r"(?:[0-9]{1,3}(?:[,_][0-9]{3})+|[0-9]+)(?P<fraction>\.[0-9]+)?\s*(?P<unit>[A-Za-z]*)"
)
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")
_RATIO = re.compile(r"[0-9]*\.[0-9]+")
_UNITS = "B, kB, MB, GB, TB, KiB, MiB, GiB or TiB"


class ValueProblem(ValueError):
    """A value that is none. ``index`` is its place in a list, None where it stands alone."""

    def __init__(self, text: str, index: int | None = None) -> None:
        super().__init__(text)
        self.index = index


def parse_value(rule: Rule, value: object) -> Value:
    """The value of a rule: text, or what a TOML reader makes of one.

    Sizes and counts become int, shares float, lists tuples of text. A growth is an int in bytes or
    a float as a share. Raises :class:`ValueProblem`.
    """
    parsed = _PARSERS[rule.kind](value)
    if parsed == () and rule.name.startswith("forbid"):
        _not_empty(())
    return parsed


def parse_level(value: object) -> Level:
    """A level by its name. Raises :class:`ValueProblem`."""
    if isinstance(value, str) and value in [one.value for one in Level]:
        return Level(value)
    raise ValueProblem(f"{shown(value)} is no level: error, warning or off")


def close_to(name: str, known: Iterable[str]) -> str:
    """What was perhaps meant, to stand behind a sentence; or nothing."""
    near = difflib.get_close_matches(name[:100].replace("_", "-"), list(known), 1)
    return f": did you mean {near[0]!r}?" if near else ""


def shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, (str, int, float)) else f"a {_type(value)}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def _type(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "list"
    return "table" if isinstance(value, dict) else "date or time"


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        number = parse_quantity(value)
        if number is None:
            raise ValueProblem(f"{shown(value)}: {match['unit']!r} is no unit: {_UNITS}")
        if match["fraction"] and not match["unit"]:
            raise ValueProblem(f"{shown(value)} is a part of a byte: give a unit, as in 1.5MB")
        if number < MOST:
            return int(number)
    raise ValueProblem(f"{shown(value)} is no size: write 500MB, 20MiB or a number of bytes")


def _count(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST:
        return value
    raise ValueProblem(f"{shown(value)} is no whole number of 0 or more")


def _ratio(value: object) -> float | None:
    """What is written as a share, from 0 without an end; None for what is not."""
    if isinstance(value, str):
        text = value.strip()
        if match := _PERCENT.fullmatch(text):
            return float(Decimal(match[1]) / 100)
        return float(text) if _RATIO.fullmatch(text) else None
    if isinstance(value, float) and math.isfinite(value) and value >= 0:
        return value
    return 0.0 if value == 0 and isinstance(value, int) and not isinstance(value, bool) else None


def _share(value: object) -> float:
    ratio = _ratio(value)
    if ratio is None:
        number = value.strip() if isinstance(value, str) else value
        if isinstance(number, int) or (isinstance(number, str) and number.isdigit()):
            meant = f"{number}%" if not isinstance(value, bool) else "10%"
            raise ValueProblem(f"{shown(value)} is no share: write {meant[:20]!r}, or 0.1 for 10%")
        raise ValueProblem(f"{shown(value)} is no share: write '10%' or 0.1")
    if ratio > 1:
        raise ValueProblem(f"{shown(value)} is more than 100%")
    return ratio


def _growth(value: object) -> int | float:
    if isinstance(value, float) or (isinstance(value, str) and "%" in value):
        ratio = _ratio(value)
        if ratio is None or not math.isfinite(ratio):
            raise ValueProblem(f"{shown(value)} is no share: write '10%' or 0.1")
        return ratio
    try:
        return _size(value)
    except ValueProblem as problem:
        if "no size" not in str(problem):
            raise
        raise ValueProblem(f"{shown(value)} is no growth: write 20MB or 10%") from problem


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise ValueProblem(f"{shown(value)} is no list of texts")
    if len(items) > _MOST_ITEMS:
        raise ValueProblem(f"a list of more than {_MOST_ITEMS:,}")
    for i, one in enumerate(items):
        if not isinstance(one, str):
            raise ValueProblem(f"{shown(one)} is no text", i)
        if not one.strip():
            raise ValueProblem("an empty text", i)
        if not one.isprintable() and any(c < " " for c in one):
            raise ValueProblem(f"{shown(one)} has a control character", i)
    return tuple(dict.fromkeys(items))


def _not_empty(items: tuple[str, ...]) -> tuple[str, ...]:
    if not items:
        raise ValueProblem('the list is empty: { level = "off" } switches a rule off')
    return items


def _globs(value: object) -> tuple[str, ...]:
    items = _texts(value)
    for i, one in enumerate(items):
        parts = [part for part in one.split("/") if part not in ("", ".")]
        if not parts:
            raise ValueProblem(f"{shown(one)} is the root: name something in it", i)
        if ".." in parts:
            raise ValueProblem(f"{shown(one)}: no path of an image has a '..'", i)
        if what := _never_matches(one):
            raise ValueProblem(f"{shown(one)}: {what}", i)
    if len(items) > _MOST_PATTERNS:
        raise ValueProblem(f"a list of more than {_MOST_PATTERNS} patterns")
    return items


def _never_matches(pattern: str) -> str | None:
    """Why a pattern would only match names that nobody means; None for all others."""
    plain = _QUOTED.sub("", pattern)
    if "\\" in plain:
        return r"a backslash quotes nothing here: write [*] for a star, [\] for a backslash"
    if plain.startswith("~"):
        return "~ is no home folder here: write the folder, or [~] for the character"
    if plain.startswith("!"):
        return "! takes nothing back here: /! begins a name with it, [x] quotes other characters"
    if _BRACES.search(plain):
        return "braces are not expanded here: write a pattern for each, or [{] for the character"
    return None


def _labels(value: object) -> tuple[str, ...]:
    items = _not_empty(_texts(value))
    for i, one in enumerate(items):
        if not one.partition("=")[0].strip():
            raise ValueProblem(f"{shown(one)}: a label has a name in front of the =", i)
    return items


def _findings(value: object) -> tuple[str, ...]:
    items = _not_empty(_texts(value))
    known = [*(one.value for one in Severity), *RULES]
    for i, one in enumerate(items):
        if one not in known:
            near = close_to(one, known)
            raise ValueProblem(f"{shown(one)} is no severity and no finding{near}", i)
    return items


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueProblem(f"{shown(value)} is neither true nor false")


_PARSERS: dict[Kind, Callable[[object], Value]] = {
    Kind.SIZE: _size,
    Kind.COUNT: _count,
    Kind.SHARE: _share,
    Kind.GROWTH: _growth,
    Kind.GLOBS: _globs,
    Kind.LABELS: _labels,
    Kind.FINDINGS: _findings,
    Kind.NAMES: lambda value: _not_empty(_texts(value)),
    Kind.FLAG: _flag,
}
