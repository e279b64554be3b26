"""What must hold of every output, whatever the archive says: a list of what does not."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

from hostile.commands import Way
from hostile.running import Outcome
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.sarif_schema import SARIF
from test_schema import VALIDATORS

BYTES = ("cat", "export")
"""Commands whose output is bytes of the image."""
COLOR = re.compile(r"\x1b\[(0|1|2|31|32|35|36|1;31)m")
_SARIF = Draft202012Validator(SARIF)


def problems(way: Way, outcome: Outcome) -> Iterator[str]:
    """What is wrong with what a run came to."""
    if outcome.crash:
        yield outcome.crash
        return
    if outcome.code not in (0, 1, 2, 3):
        yield f"the exit code is {outcome.code}"
    yield from _errors(outcome)
    if way.command in BYTES:
        if way.command == "export" and outcome.code == 0 and len(outcome.out) % 512:
            yield "no whole blocks"
        return
    if not outcome.out:
        return
    try:
        text = outcome.out.decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"standard output is not UTF-8: {error}"
        return
    if "Traceback (most recent" in text:
        yield "a traceback on standard output"
    if "--color" in way.behind:
        text = COLOR.sub("", text)
    yield from _characters(way, text)
    check = CHECKS.get(way.format)
    if check is not None:
        try:
            yield from check(way, text)
        except (ValueError, ET.ParseError, csv.Error, AssertionError) as error:
            yield f"the {way.format} cannot be read: {error!r}"


def _errors(outcome: Outcome) -> Iterator[str]:
    lines = outcome.err.split("\n")
    if lines.pop() != "":
        yield "standard error ends without a newline"
    for line in lines:
        # Where one of several must be chosen, the choices follow.
        choice = outcome.code == 2 and line.startswith("  ")
        if not line.startswith("oci-inspect: ") and not choice:
            yield f"a line of standard error: {line!r}"
        if not line.isprintable():
            yield f"control characters on standard error: {line!r}"
    if "Traceback" in outcome.err:
        yield "a traceback on standard error"
    # Before the one line, commands that look into images say which layers they could not read.
    notice = re.compile(r"oci-inspect: layer \d+: |.*: what is shown is incomplete$")
    told = [line for line in lines if not notice.match(line)]
    quiet = "--quiet" in outcome.words
    if outcome.code == 3 and not outcome.out and not quiet and (len(told) > 1 or not lines):
        yield f"{len(lines)} lines on standard error: {outcome.err!r}"


def _characters(way: Way, text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if not line.replace("\t", "").isprintable():
            yield f"control characters: {line!r}"
        bare = line.lstrip()
        if bare.startswith("::") and way.format != "github":
            yield f"a command for GitHub: {line!r}"
        if re.search(r"##[A-Za-z]*\[", line):
            yield f"a command for a CI: {line!r}"


# The formats


def _json(way: Way, text: str) -> Iterator[str]:
    document = json.loads(text, parse_constant=lambda name: _refuse(name))
    validator = VALIDATORS.get(way.command)
    if validator is not None:
        for error in validator.iter_errors(document):
            yield f"against the schema: {error.json_path}: {error.message[:200]}"


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _any_json(_way: Way, text: str) -> Iterator[str]:
    json.loads(text, parse_constant=_refuse)
    yield from ()


def _json_lines(_way: Way, text: str) -> Iterator[str]:
    for line in text.splitlines():
        json.loads(line, parse_constant=_refuse)
    yield from ()


csv.field_size_limit(1 << 24)  # a line of a config may be some megabytes long
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _csv(_way: Way, text: str) -> Iterator[str]:
    for part in filter(None, text.split("\n\n")):
        rows = list(csv.reader(io.StringIO(part), strict=True))
        if len({len(row) for row in rows}) != 1:
            yield "rows of different lengths"
        for cell in (cell for row in rows for cell in row):
            if cell.lstrip()[:1] in set("=+-@|%") and not _NUMBER.fullmatch(cell):
                yield f"a formula: {cell!r}"


def _markdown(_way: Way, text: str) -> Iterator[str]:
    width, fence = None, ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif found := re.match(r"`{3,}", line):
            fence = found[0]
        elif line.startswith("|"):
            cells = len(re.split(r"(?<!\\)\|", line))
            if width is not None and cells != width:
                yield f"a row of {cells} cells below one of {width}: {line!r}"
            width = cells
        else:
            width = None
            prose = re.sub(r"`[^`]*`", "", line)
            if re.search(r"<(?!/?(code|details|summary|br)\b)[a-zA-Z!/]", prose):
                yield f"an element: {line!r}"
    if fence:
        yield "a fence that is not closed"


def _junit(_way: Way, text: str) -> Iterator[str]:
    allowed = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "properties"}
    allowed |= {"property", "system-out", "system-err"}
    for one in ET.fromstring(text).iter():
        if one.tag not in allowed:
            yield f"an element <{one.tag}>"


def _sarif(_way: Way, text: str) -> Iterator[str]:
    for error in _SARIF.iter_errors(json.loads(text)):
        yield f"against SARIF: {error.json_path}: {error.message[:200]}"


def _github(_way: Way, text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.lstrip().startswith("::") and not re.match(
            r"::(error|warning|notice) [a-zA-Z]+=[^:]*::[^\r\n]+$|::(group|endgroup)::", line
        ):
            yield f"a command of another shape: {line!r}"


def _openmetrics(_way: Way, text: str) -> Iterator[str]:
    for family in text_string_to_metric_families(text):
        if not family.name.startswith("oci_inspect_"):
            yield f"a metric {family.name!r}"


ELEMENTS = frozenset(
    re.findall(
        "[a-z0-9]+",
        """
        html head meta title style script body main header footer nav section article aside div
        span p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr
        th td a abbr b i em strong small code kbd samp pre br hr wbr time details summary label
        input button select option optgroup form fieldset legend output progress meter data dialog
        figure figcaption template noscript sub sup mark q cite dfn var bdi bdo search svg g rect
        path line circle text tspan desc defs use symbol polyline polygon clippath pattern
        lineargradient stop marker
        """,
    )
)
"""Elements that a page of ours may have: none that loads or frames anything."""


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.wrong.append(f"an element <{tag}>")
        for name, value in attrs:
            if name.startswith("on"):
                self.wrong.append(f"an attribute {name}={value!r}")
            loads = name in ("href", "src", "action", "formaction", "xlink:href", "srcset", "data")
            if loads and not re.match(r"#|data:(image|text/css)|$", value or ""):
                self.wrong.append(f"an address {name}={value!r}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def _html(_way: Way, text: str) -> Iterator[str]:
    parser = _Elements()
    parser.feed(text)
    parser.close()
    yield from parser.wrong


def _svg(way: Way, text: str) -> Iterator[str]:
    ET.fromstring(text)
    yield from _html(way, text)


CHECKS: dict[str, Callable[[Way, str], Iterator[str]]] = {
    "json": _json,
    "docker": _any_json,
    "gitlab": _any_json,
    "jsonl": _json_lines,
    "csv": _csv,
    "markdown": _markdown,
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
    "openmetrics": _openmetrics,
    "html": _html,
    "svg": _svg,
}
"""By format; what is none of these is text and nothing more."""
