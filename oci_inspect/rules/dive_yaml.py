"""YAML as far as dive's files need it: mappings of mappings and scalars, with their lines.

What could make a small file large or deep is refused before anything is built of it: aliases,
tags, much nesting, many nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from oci_inspect.errors import RulesError

if TYPE_CHECKING:
    import yaml

LARGEST = 64 * 1024
"""Bytes of a file; dive's own sample has 600."""
DEEPEST = 16
MOST_NODES = 10_000


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it is written, without quotes. ``null`` is no value: ``~`` or nothing."""

    text: str
    null: bool
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Names with their values, in the order of the file."""

    items: tuple[tuple[Scalar, Value], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Other:
    """A list, which dive's rules never are."""

    line: int


Value = Scalar | Mapping | Other


def read_yaml(data: bytes, name: str) -> Value | None:
    """Read one document, None where there is nothing in it.

    Raises :class:`RulesError` for what is no YAML or asks for too much, and where PyYAML is
    not installed. ``name`` is that of the file, for its text.
    """
    try:
        import yaml
    except ImportError:
        hint = "pip install 'oci-inspect[dive]'"
        raise RulesError((f"{name}: reading dive's rules needs PyYAML: {hint}",)) from None

    if len(data) > LARGEST:
        raise RulesError((f"{name}: more than {LARGEST:,} bytes are no rules of dive's",))
    try:
        for problem, line in _excesses(yaml.parse(data, Loader=yaml.SafeLoader)):
            raise RulesError((f"{name}:{line}: {problem}",))
        node = yaml.compose(data, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise RulesError((_not_yaml(error, name),)) from None
    return None if node is None else _value(node)


def _excesses(events: Iterator[yaml.Event]) -> Iterator[tuple[str, int]]:
    import yaml

    depth = nodes = documents = 0
    for event in events:
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            yield "an alias (*name): write out what it stands for", line
        elif isinstance(event, yaml.NodeEvent):
            nodes += 1
            if nodes > MOST_NODES:
                yield f"more than {MOST_NODES:,} values are no rules of dive's", line
            if getattr(event, "tag", None) is not None:
                yield "a tag (!name): write the value without it", line
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield "a second document: dive reads only the first", line
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                yield f"nested more than {DEEPEST} deep", line
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node) -> Value:
    import yaml

    line = _line(node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, node.tag == "tag:yaml.org,2002:null", line)
    if isinstance(node, yaml.MappingNode):
        items: list[tuple[Scalar, Value]] = []
        for key, below in node.value:
            name = _value(key)
            if not isinstance(name, Scalar):
                name = Scalar("a name that is a list or a mapping", False, name.line)
            items.append((name, _value(below)))
        return Mapping(tuple(items), line)
    return Other(line)


class _Mark(Protocol):
    line: int


def _line(mark: _Mark | None) -> int:
    return 1 if mark is None else mark.line + 1


def _not_yaml(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    where = name if mark is None else f"{name}:{mark.line + 1}"
    return f"{where}: no YAML: {problem}"
