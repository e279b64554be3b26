"""Rules files: read, or refused with a line for each mistake."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from random import Random

from fuzz.mutate import havoc
from fuzz.target import Target, check
from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.dive_ci import parse_dive_rules
from oci_inspect.rules.rules_file import read_rules_file
from oci_inspect.rules.toml_lines import key_lines
from oci_inspect.rules.values import ValueProblem, parse_value


def run(data: bytes) -> None:
    """A file of rules, and where its keys stand."""
    _lines(data)
    file = os.memfd_create("rules")
    try:
        os.write(file, data)
        read = read_rules_file(f"/proc/self/fd/{file}", "rules.toml")
    finally:
        os.close(file)
    for setting in read.settings:
        line = setting.source.line
        check(line is not None and 1 <= line <= data.count(b"\n") + 1, f"line {line}")


def _lines(data: bytes) -> None:
    """Every key at the top of a document that is one has a line, and it stands there."""
    try:
        text = data.decode("utf-8")
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    lines = key_lines(text)
    rows = text.replace("\r\n", "\n").split("\n")
    for key in document:
        line = lines.get((key,))
        check(line is not None, f"no line for {key!r}")
        assert line is not None
        check(1 <= line <= len(rows), f"{key!r} in line {line} of {len(rows)}")
        plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        check(not plain or key in rows[line - 1] or "\\" in rows[line - 1], f"{key!r}, line {line}")


def run_dive(data: bytes) -> None:
    """Rules of dive's, in YAML."""
    parse_dive_rules(data, ".dive-ci")


_ALIKE = {(one.kind, one.name.startswith("forbid")): one for one in CATALOGUE.values()}
"""One of the rules whose values are read alike: :func:`parse_value` looks at no more of a rule."""


def run_values(data: bytes) -> None:
    """Every kind of value, as text and as a list."""
    text = data.decode("utf-8", "replace")
    for rule in _ALIKE.values():
        for value in (text, text.split(","), len(data), float(len(data)), None, {"a": text}):
            try:
                parse_value(rule, value)
            except ValueProblem as problem:
                check(str(problem) != "", "a problem without a word")


def mutate(data: bytes, chance: Random) -> bytes:
    """Change lines as lines."""
    lines = data.split(b"\n")
    i = chance.randrange(len(lines))
    kind = chance.randrange(5)
    if kind == 0:
        lines[i] = chance.choice(_LINES)
    elif kind == 1:
        lines.insert(i, chance.choice(_LINES))
    elif kind == 2:
        del lines[i]
    elif kind == 3:
        lines[i] = havoc(lines[i], chance, WORDS)
    else:
        lines[i], lines[0] = lines[0], lines[i]
    return b"\n".join(lines)


_LINES = (
    *(
        b'max-size = "500MB"',
        b"max-layers = 20",
        b"[[images]]",
        b'images = "a/*"',
        b"[a.b.'c d']",
        b"# x",
    ),
    *(
        b'max-size = { value = "1GB", level = "warning" }',
        b"a.b.c = 1",
        b'"q\\u0041" = 1',
        b"x = 1979-05-27",
    ),
    *(
        b'forbid-paths = ["a", "b/**"]',
        b"y = '''",
        b"'''",
        b'z = """a',
        b'"""',
        b"l = [1, [2, {a=3}]]",
        b"]",
    ),
    *(
        b"rules:",
        b"  lowest-efficiency: 0.9",
        b"  highestWastedBytes: 20MB",
        b"  - a",
        b"a: &b c",
        b"d: *b",
    ),
)
WORDS = (
    b"=",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"'",
    b"\n",
    b".",
    b",",
    b"#",
    b"\\",
    b": ",
    b"- ",
    b"|",
    b"%",
    b"!!",
)


def seeds() -> Iterable[bytes]:
    """Files that ask for something."""
    return [
        *(f"{one.name} = {one.example}\n".encode() for one in CATALOGUE.values()),
        b'max-size = "500MB"\n[[images]]\nimages = "a/*"\n'
        b'max-layers = { value = 3, level = "off" }\n',
    ]


def dive_seeds() -> Iterable[bytes]:
    """Examples as dive has them."""
    return [
        b"rules:\n  lowest-efficiency: 0.95\n  highest-wasted-bytes: 20MB\n"
        b"  highest-user-wasted-percent: 0.20\n",
        b"rules:\n  lowestEfficiency: 0.9\n  highestWastedBytes: disabled\nci: true\n",
        b"a: [1, {b: c}]\n--- \nx: !t y\n",
    ]


def value_seeds() -> Iterable[bytes]:
    """Values of every kind."""
    return [
        one.encode()
        for one in ("500MB", "10%", "0.1", "a/**,b", "x=y", "true", "error", "1.5GiB", "20MiB,", "")
    ]


TARGETS = (
    Target("rules_file", run, seeds, mutate, WORDS, most=3000),
    Target("dive_rules", run_dive, dive_seeds, mutate, WORDS, most=1500),
    Target(
        "rule_values",
        run_values,
        value_seeds,
        words=(b"%", b"MB", b"1", b"9" * 20, b"**/", b"e", b"inf"),
    ),
)
