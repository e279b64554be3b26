"""Judged images as JUnit XML: a suite per image, a case per rule.

Source: what readers take, as there is no standard: the schema of Jenkins' xUnit plugin
(junit-10.xsd), which allows a case no ``file``, and docs.gitlab.com, "Unit test reports".

========================  =================================================
a broken rule of level    is
========================  =================================================
error                     a ``failure``
warning                   a case that passed, with its text in ``system-out``
========================  =================================================

A rule of level error that could not be judged is an ``error``. A rule that is off is ``skipped``.
"""

from __future__ import annotations

from oci_inspect.render.ci.naming import (
    full_name,
    image_names,
    place_of,
    platform_of,
    rule_names,
)
from oci_inspect.render.ci.wording import State, cut, item_sentence, message, state
from oci_inspect.render.escape import xml_text
from oci_inspect.rules.model import Check, ImageCheck, Level, Verdict

ITEMS = 100
"""Things that broke a rule which are listed of each."""


def render_check_junit(check: Check) -> str:
    """The report. Where no image was checked it has one suite with one ``error``."""
    suites = [
        (full_name(name, platform_of(image)), i, _cases(image, full_name(name, platform_of(image))))
        for i, (image, name) in enumerate(zip(check.images, image_names(check), strict=True))
    ]
    if not suites:
        suites = [("oci-inspect", 0, [("error", _nothing())])]
    found = [kind for _, _, cases in suites for kind, _ in cases]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="oci-inspect check" {_counts(found)}>')
    for name, i, cases in suites:
        kinds = [kind for kind, _ in cases]
        skipped = kinds.count("skipped")
        lines.append(
            f'  <testsuite name="{xml_text(name)}" id="{i}" {_counts(kinds)} skipped="{skipped}">'
        )
        lines += [text for _, text in cases]
        lines.append("  </testsuite>")
    return "\n".join((*lines, "</testsuites>", ""))


def _counts(kinds: list[str]) -> str:
    failures, errors = kinds.count("failure"), kinds.count("error")
    return f'tests="{len(kinds)}" failures="{failures}" errors="{errors}"'


def _cases(image: ImageCheck, suite: str) -> list[tuple[str, str]]:
    pairs = zip(image.verdicts, rule_names(image), strict=True)
    return [_case(image, verdict, _start(suite, name)) for verdict, name in pairs]


def _case(image: ImageCheck, verdict: Verdict, start: str) -> tuple[str, str]:
    """What became of a case (``""`` where it passed), and its lines."""
    kind = _kind(verdict)
    if kind == "skipped":
        return kind, f'{start}>\n      <skipped message="switched off"/>\n    </testcase>'
    if not verdict.broken:
        return kind, f"{start}/>"
    body = "\n".join(xml_text(line) for line in _lines(image, verdict))
    if not kind:
        return kind, f"{start}>\n      <system-out>{body}</system-out>\n    </testcase>"
    told = f'type="{xml_text(verdict.rule)}" message="{xml_text(message(verdict))}"'
    return kind, f"{start}>\n      <{kind} {told}>{body}</{kind}>\n    </testcase>"


def _start(suite: str, rule: str) -> str:
    return f'    <testcase classname="{xml_text(suite)}" name="{xml_text(rule)}"'


def _kind(verdict: Verdict) -> str:
    if verdict.level is Level.OFF:
        return "skipped"
    if not verdict.fails:
        return ""
    return "error" if verdict.passed is None else "failure"


def _lines(image: ImageCheck, verdict: Verdict) -> list[str]:
    unjudged = "not judged: " if state(verdict) is State.UNJUDGED else ""
    lines = [f"{verdict.level}: {unjudged}{message(verdict)}"]
    if verdict.advice:
        lines.append(cut(verdict.advice))
    if verdict.source.path is not None:
        place = place_of(image, verdict)
        lines.append(f"rule: {place.text}:{place.line}" if place.line else f"rule: {place.text}")
    lines += [f"- {item_sentence(item)}" for item in verdict.items[:ITEMS]]
    if len(verdict.items) > ITEMS:
        lines.append(f"- {len(verdict.items) - ITEMS:,} more")
    return lines


def _nothing() -> str:
    told = 'type="no-image" message="no image was checked"'
    return f"{_start('oci-inspect', 'images')}>\n      <error {told}/>\n    </testcase>"
