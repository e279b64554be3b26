"""Rules on what the config says and on what verification found: user, labels, base, findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.findings import Finding, Severity
from oci_inspect.quantities import plural
from oci_inspect.rules.case import Case
from oci_inspect.rules.model import Item, Unit, Verdict
from oci_inspect.rules.wildcards import fits, fits_any
from oci_inspect.rules.words import one_line
from oci_inspect.spec.document import Fields, Problem
from oci_inspect.spec.reference import familiar

_ZERO = re.compile(r"[+-]?0+")
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_NO_CONFIG = "the image has no config that could be read"


def judge_verified(case: Case) -> Verdict:
    """Every blob hashes to what is claimed of it, nothing of severity error, all could be read."""
    image = case.image
    errors = [one for one in _findings(case) if one.severity is Severity.ERROR]
    if image.verified and image.complete and not errors:
        return case.verdict(True, "every digest matches")
    advice = "save the image again; 'verify' tells more"
    if errors:
        first = one_line(errors[0].message)
        what = f"the image is not what it claims to be: {first}"
    elif not image.verified:
        what = "not every digest of the image could be checked"
    else:
        what = "not all of the image could be read"
    return case.verdict(False, what, tuple(map(_finding_item, errors)), advice=advice)


def judge_findings(case: Case) -> Verdict:
    """No finding of these severities and rules, about the image or its archive."""
    found = [
        one for one in _findings(case) if one.severity.value in case.texts or one.rule in case.texts
    ]
    count = sum(one.count for one in found)
    more: dict[str, Any] = {"unit": Unit.COUNT, "limit": 0}
    if not found:
        if not case.image.complete:
            return case.unread("there may be more findings", **more)
        return case.verdict(True, "none of these findings", actual=0, **more)
    found.sort(key=lambda one: _RANK[one.severity])
    rules = ", ".join(dict.fromkeys(one.rule for one in found))
    message = f"{plural(count, 'finding')} that must not be: {rules}"
    advice = "docs/findings.md says what each means"
    items = tuple(map(_finding_item, found))
    return case.verdict(False, message, items, actual=count, advice=advice, **more)


def _findings(case: Case) -> list[Finding]:
    return [*case.image.findings, *case.findings]


def _finding_item(found: Finding) -> Item:
    subject = f"{one_line(found.subject)}: " if found.subject else ""
    return Item(f"{found.rule}: {subject}{one_line(found.message, 400)}")


def _run_config(image: ImageAnalysis) -> Fields | None:
    """The part of the config that says how it is run; None where nobody can read it."""
    if image.image.config is None:
        return None
    problems: list[Problem] = []
    run = Fields(image.image.config.raw, "", problems).object("config")
    return None if problems else Fields(run or {}, "config", problems)


def judge_user(case: Case) -> Verdict:
    """The config's user is set, and is not root by name or number.

    That an unset user is root, and that a user may have a group behind a colon: image-spec,
    config.md, ``User``. Numbers are read as Go reads them (moby/sys/user).
    """
    run = _run_config(case.image)
    user = run.text("User") if run is not None else None
    if run is None or (user is None and run.get("User") is not None):
        return case.verdict(None, _NO_CONFIG)
    name = (user or "").partition(":")[0].strip()  # nobody means a name with blanks
    if name and name != "root" and not _ZERO.fullmatch(name):
        return case.verdict(True, f"it runs as {one_line(user or '')}")
    steps = [step for step in case.image.history if step.keyword == "USER"]
    if not user:
        message = "it runs as root: the config names no user"
    else:
        message = f"it runs as root: the user is {one_line(user)!r}"
    advice = "end the Dockerfile with a USER that is not root"
    if steps:
        told = one_line(steps[-1].instruction or steps[-1].created_by)
        advice = f"change step {steps[-1].index + 1}: {told}"
    return case.verdict(False, message, advice=advice)


def judge_labels(case: Case) -> Verdict:
    """Every label is there, with a value that fits where one is asked for."""
    run = _run_config(case.image)
    if run is None:
        return case.verdict(None, _NO_CONFIG, unit=Unit.COUNT, limit=0)
    labels = run.strings("Labels")
    items = tuple(_missing_labels(labels, case.texts))
    more: dict[str, Any] = {"unit": Unit.COUNT, "actual": len(items), "limit": 0}
    if not items:
        return case.verdict(True, "all labels are there", **more)
    wanted = items[0].text.partition(" ")[0]
    advice = f"add it to the Dockerfile or the build: LABEL {wanted}=..."
    message = f"{plural(len(items), 'label')} missing or not as asked: {items[0].text}"
    return case.verdict(False, message, items, advice=advice, **more)


def _missing_labels(labels: dict[str, str], wanted: tuple[str, ...]) -> Iterator[Item]:
    for one in wanted:
        name, equals, pattern = one.partition("=")
        if name not in labels:
            yield Item(f"{name} is not there")
        elif equals and not fits(pattern, labels[name]):
            yield Item(f"{name} is {one_line(labels[name])!r} and not {pattern!r}")


def judge_base(case: Case) -> Verdict:
    """The base image is one of those allowed, by its name, with or without a digest, or that."""
    base = case.image.base
    names = [one for one in (base.name, base.digest) if one] if base is not None else []
    if base is None or not names:
        what = "nothing tells which base image it is built on: --base names it, see docs/base.md"
        return case.verdict(None, what)
    allowed = (*case.texts, *map(familiar, case.texts))
    sure = f"({base.confidence.value}: {one_line('; '.join(base.signs))})"
    told = f"{one_line(' '.join(names))} {sure}"
    names += [one.partition("@")[0] for one in names if "@" in one]
    if fits_any_of(allowed, [*names, *map(familiar, names)]):
        return case.verdict(True, f"it is built on {told}")
    return case.verdict(
        False,
        f"it is built on {told}, which is not allowed",
        advice=f"change the FROM line to one of: {one_line(', '.join(case.texts))}",
    )


def fits_any_of(patterns: tuple[str, ...], names: list[str]) -> bool:
    """Whether a name fits one of some patterns."""
    return any(fits_any(pattern, names) for pattern in patterns)
