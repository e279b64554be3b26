"""JSON documents, read with suspicion: bounded, unambiguous, typed field by field.

Go readers match keys without case; :class:`Fields` takes the exact one first, then the last that
fits. Where that matters a ``json-key-ambiguous`` problem says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from oci_inspect.errors import LimitExceededError

JsonObject = dict[str, Any]

_MAP_KEYS = frozenset(
    {"annotations", "labels", "exposedports", "volumes", "layersources", "repositories"}
)


class Problem(NamedTuple):
    """What is wrong with a document: a finding's rule, the field, one sentence."""

    rule: str
    where: str
    message: str


_DEEPEST = 900
"""Levels that the standard library follows in any case; from about 1,000 on it gives up."""


class _Refused(ValueError):
    """A value the standard library would take and we do not."""


def parse_json(data: bytes, max_depth: int = 64) -> tuple[Any, list[Problem]]:
    """Parse one JSON document; on failure the value is None and a ``json-invalid`` problem tells.

    Refused beside bad syntax: anything but UTF-8, a byte order mark, a second value behind the
    first, integers beyond 64 bits, NaN and infinities. Deeper nesting than ``max_depth`` is a
    ``limit-exceeded`` as well.
    """
    problems: list[Problem] = []

    def pairs(items: list[tuple[str, Any]]) -> JsonObject:
        result = dict(items)
        if len(result) != len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen and len(problems) < 20:
                    problems.append(
                        Problem(
                            "json-key-ambiguous",
                            key,
                            f"the key {key[:60]!r} stands twice in one object",
                        )
                    )
                seen.add(key)
        return result

    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
        _check_depth(value, max_depth)
    except UnicodeDecodeError:
        message = "it is not UTF-8"
    except json.JSONDecodeError as error:
        message = f"{error.msg} at line {error.lineno} column {error.colno}"
    except RecursionError:
        if max_depth < _DEEPEST:
            return None, _too_deep(_nested(max_depth, max_depth + 1), max_depth)
        message = f"it is nested deeper than {_DEEPEST} levels, which nobody here can read"
    except LimitExceededError as error:
        return None, _too_deep(error, max_depth)
    except _Refused as error:
        message = str(error)
    else:
        for where in _case_twins(value):
            if len(problems) < 20:
                problems.append(
                    Problem(
                        "json-key-ambiguous", where, f"two keys differ by case only: {where[:60]!r}"
                    )
                )
        return value, problems
    return None, [Problem("json-invalid", "", message)]


def _nested(most: int, depth: int) -> LimitExceededError:
    return LimitExceededError("json_depth", most, depth, "the document")


def _too_deep(error: LimitExceededError, most: int) -> list[Problem]:
    return [
        Problem("limit-exceeded", "", str(error)),
        Problem("json-invalid", "", f"it is nested deeper than {most} levels"),
    ]


def _integer(digits: str) -> int:
    if len(digits) <= 20:
        value = int(digits)
        if -(2**63) <= value < 2**64:
            return value
    raise _Refused("it holds an integer beyond 64 bits")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _Refused("it holds a number beyond all bounds")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"it holds {name}, which is not JSON")


def _check_depth(value: Any, most: int) -> None:
    """Raise :class:`LimitExceededError`, which names the least depth that it can be."""
    level = [value]
    depth = 0
    while level:
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        depth += any(isinstance(one, (dict, list)) for one in level)
        if depth > most:
            raise _nested(most, depth)
        level = [one for one in below if isinstance(one, (dict, list))]


def _case_twins(value: Any) -> Iterator[str]:
    """Keys that a reader without case would take for one; in maps of names they are two.

    Folded as Go folds them, where a long s is an s.
    """
    # A place is a part and the place above it, put into words only where something is found there.
    # One level of each: a list of what is below would be larger than the document.
    levels: list[Iterator[tuple[_Place | None, str, Any]]] = [iter([(None, "", value)])]
    while levels:
        place, key, one = next(levels[-1], (None, "", None))
        if isinstance(one, list):
            levels.append(_in_list(one, place))
        elif isinstance(one, dict):
            if key.lower() not in _MAP_KEYS:
                folded: set[str] = set()
                for name in one:
                    if name.casefold() in folded:
                        yield _in_words((place, f".{name}"))
                    folded.add(name.casefold())
            levels.append(_in_object(one, place))
        else:
            levels.pop()


def _in_list(value: list[Any], place: _Place | None) -> Iterator[tuple[_Place, str, Any]]:
    for i, item in enumerate(value):
        if isinstance(item, (dict, list)):
            yield (place, f"[{i}]"), "", item


def _in_object(value: JsonObject, place: _Place | None) -> Iterator[tuple[_Place, str, Any]]:
    for name, item in value.items():
        if isinstance(item, (dict, list)):
            yield (place, f".{name}"), name, item


_Place = tuple["_Place | None", str]


def _in_words(place: _Place) -> str:
    parts: list[str] = []
    step: _Place | None = place
    while step is not None:
        step, part = step
        parts.append(part[:200])
    return "".join(reversed(parts)).removeprefix(".")


MOST_ITEMS = 10_000
"""Objects of one array that are read: far beyond the layers, manifests or steps of any image."""

MOST_PROBLEMS = 1_000
"""Problems of one document that are kept: the rest are more of the same."""


class Fields:
    """Typed access to one JSON object; wrong types become problems of ``rule`` and a default.

    ``null`` and a missing key are the same, as in Go.
    """

    def __init__(
        self, value: JsonObject, where: str, problems: list[Problem], rule: str = "json-invalid"
    ) -> None:
        self._value = value
        self._where = where
        self._problems = problems
        self._rule = rule
        self._folded: dict[str, str] | None = None

    def get(self, key: str) -> Any:
        """The value as it is; an exact key first, then one that differs by case."""
        name = self._name(key)
        return None if name is None else self._value[name]

    def has(self, key: str) -> bool:
        """Whether the key is there at all, be it with ``null``."""
        return self._name(key) is not None

    def _name(self, key: str) -> str | None:
        if key in self._value:
            return key
        if self._folded is None:
            self._folded = {name.casefold(): name for name in self._value}
        return self._folded.get(key.casefold())

    def where(self, key: str) -> str:
        """The full name of a field, for messages."""
        return f"{self._where}.{key}" if self._where else key

    def wrong(self, key: str, wanted: str) -> None:
        """Say that a field is not what it must be."""
        name = self.where(key)
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(self._rule, name, f"{name} is not {wanted}"))

    def text(self, key: str) -> str | None:
        """A string, or None."""
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        self.wrong(key, "a string")
        return None

    def size(self, key: str) -> int | None:
        """A whole number of 0 or more, or None."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return value
        self.wrong(key, "a whole number of bytes")
        return None

    def boolean(self, key: str) -> bool:
        """True or False; False where it is missing."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(key, "true or false")
        return False

    def object(self, key: str) -> JsonObject | None:
        """An object, or None."""
        value = self.get(key)
        if value is None or isinstance(value, dict):
            return value
        self.wrong(key, "an object")
        return None

    def objects(self, key: str) -> list[tuple[str, JsonObject]]:
        """The objects of an array, each with its full name; what is none is left out and told."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, "an array")
            return []
        if len(value) > MOST_ITEMS:
            self.wrong(key, f"an array of at most {MOST_ITEMS:,} items: the others are left out")
        found = []
        for i, one in enumerate(value[:MOST_ITEMS]):
            if isinstance(one, dict):
                found.append((f"{self.where(key)}[{i}]", one))
            else:
                self.wrong(f"{key}[{i}]", "an object")
        return found

    def texts(self, key: str, most: int | None = None) -> tuple[str, ...]:
        """The strings of an array, ``most`` of them; what is none is left out and told."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(key, "an array of strings")
            return ()
        if most is not None and len(value) > most:
            self.wrong(key, f"an array of at most {most:,} strings: the others are left out")
            value = value[:most]
        if any(not isinstance(one, str) for one in value):
            self.wrong(key, "an array of strings")
        return tuple(one for one in value if isinstance(one, str))

    def strings(self, key: str) -> dict[str, str]:
        """A map of strings to strings; other values are left out and told."""
        value = self.object(key)
        if value is None:
            return {}
        if any(not isinstance(one, str) for one in value.values()):
            self.wrong(key, "a map of strings")
        return {name: one for name, one in value.items() if isinstance(one, str)}
