"""Judged images as SARIF 2.1.0, as GitHub's code scanning and others read it.

Sources: OASIS, SARIF Version 2.1.0; docs.github.com, "SARIF support for code scanning", which
asks for more: a physical location with a line for each result, and descriptions of each rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from oci_inspect._version import __version__
from oci_inspect.paths import file_text
from oci_inspect.render.ci.naming import (
    fingerprints,
    full_name,
    image_names,
    place_of,
    platform_of,
    relative,
)
from oci_inspect.render.ci.wording import State, cut, cut_path, item_sentence, message, state
from oci_inspect.render.escape import sarif_message, terminal, uri_path
from oci_inspect.render.json import dumps
from oci_inspect.rules.model import Check, ImageCheck, Item, Level, Unit, Verdict

Json = dict[str, Any]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ITEMS = 100
"""Related locations of a result; code scanning shows so many."""


def render_check_sarif(check: Check, descriptions: Mapping[str, str] | None = None) -> str:
    """One run with a result per broken rule and image; those that passed are none.

    ``descriptions`` are one sentence for each rule, by its name. A result lies at the rule's line
    in the file of rules, else at the archive. What broke the rule is in ``relatedLocations``: the
    archive as the physical place, the path in the image or the layer as the logical one.
    ``partialFingerprints`` stay the same in later builds (see :mod:`.naming`).
    """
    rules = _rules(check)
    positions = {rule: i for i, rule in enumerate(rules)}
    results = [
        _result(image, verdict, name, fingerprint, positions[verdict.rule])
        for image, name, prints in zip(
            check.images, image_names(check), fingerprints(check), strict=True
        )
        for verdict, fingerprint in zip(image.verdicts, prints, strict=True)
        if verdict.broken
    ]
    told = descriptions or {}
    driver = {
        "name": "oci-inspect",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule, level, told.get(rule, "")) for rule, level in rules.items()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": bool(check.images)}],
        "results": results,
    }
    return dumps({"version": "2.1.0", "$schema": SCHEMA, "runs": [run]})


def _rules(check: Check) -> dict[str, Level]:
    """The rules that were asked for, as they first come, with the worst of their levels."""
    rules: dict[str, Level] = {}
    for image in check.images:
        for verdict in image.verdicts:
            if verdict.level is not Level.OFF and rules.get(verdict.rule) is not Level.ERROR:
                rules[verdict.rule] = verdict.level
    return rules


def _rule(rule: str, level: Level, description: str) -> Json:
    text = _message(description or f"The rule {rule} of oci-inspect.")
    return {
        "id": terminal(rule),
        "shortDescription": text,
        "fullDescription": text,
        "help": text,
        "defaultConfiguration": {"level": level.value},
    }


def _message(text: str) -> Json:
    return {"text": sarif_message(text)}


def _result(
    image: ImageCheck, verdict: Verdict, name: str, fingerprint: str, position: int
) -> Json:
    unjudged = "not judged: " if state(verdict) is State.UNJUDGED else ""
    advice = f" {cut(verdict.advice)}" if verdict.advice else ""
    text = f"{full_name(name, platform_of(image))}: {unjudged}{message(verdict)}{advice}"
    related = [
        {
            "id": i,
            "message": _message(item_sentence(item)),
            "physicalLocation": {"artifactLocation": _artifact(relative(image.archive.path))},
            **_logical_locations(item),
        }
        for i, item in enumerate(verdict.items[:ITEMS], 1)
    ]
    return {
        "ruleId": terminal(verdict.rule),
        "ruleIndex": position,
        "level": verdict.level.value,
        "message": _message(text),
        "locations": [_location(image, verdict, name)],
        **({"relatedLocations": related} if related else {}),
        # The name under which code scanning looks for it; the occurrence behind the colon is its.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{fingerprint}:1",
            "ociInspectRuleAndImage/v1": fingerprint,
        },
        "properties": _properties(image, verdict, name),
    }


def _location(image: ImageCheck, verdict: Verdict, name: str) -> Json:
    place = place_of(image, verdict)
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(place.path),
            # Code scanning wants a line where there is none, too.
            "region": {"startLine": place.line or 1},
        },
        "logicalLocations": [
            {
                "name": name,
                "fullyQualifiedName": f"{terminal(cut(file_text(image.archive.path)))}:{name}",
                "kind": "image",
            }
        ],
    }


def _artifact(path: str) -> Json:
    """A path as a URI reference (section 3.4.3; RFC 3986)."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = terminal(path).encode("utf-8")
    return {"uri": ("file://" if path.startswith("/") else "") + uri_path(data)}


def _logical_locations(item: Item) -> Json:
    layer = None if item.layer_index is None else f"layer {item.layer_index}"
    if item.path is not None:
        path = terminal(cut_path(item.path))
        full = f"{layer}:{path}" if layer else path
        return {"logicalLocations": [{"name": path, "fullyQualifiedName": full, "kind": "file"}]}
    return {"logicalLocations": [{"name": layer, "kind": "layer"}]} if layer else {}


def _properties(image: ImageCheck, verdict: Verdict, name: str) -> Json:
    values: Json = {
        "image": name,
        "platform": platform_of(image),
        "archive": terminal(cut(file_text(image.archive.path))),
        "judged": verdict.passed is not None,
        "items": len(verdict.items),
    }
    if verdict.unit is not Unit.NONE:
        figures = {"unit": verdict.unit.value, "actual": verdict.actual, "limit": verdict.limit}
        values |= {
            key: value
            for key, value in figures.items()
            if isinstance(value, str) or (value is not None and isfinite(value))
        }
    return values
