"""What all formats for a CI say in the same words: states, figures, things that broke a rule."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import isfinite

from oci_inspect.paths import shown_path
from oci_inspect.render.sizes import human_size, plural
from oci_inspect.rules.model import Check, ImageCheck, Item, Level, Unit, Verdict
from oci_inspect.rules.words import figure_text, two_figures

NAME_LENGTH = 200
SENTENCE_LENGTH = 600
"""Characters of a name and of a sentence that are shown; an image may have a megabyte of either."""


class State(StrEnum):
    """What came of a rule, in the words that are shown."""

    FAILED = "failed"
    UNJUDGED = "not judged"
    WARNING = "warning"
    PASSED = "passed"
    OFF = "off"


def state(verdict: Verdict) -> State:
    """What came of a rule. What could not be judged is no pass, whatever its level."""
    if verdict.level is Level.OFF:
        return State.OFF
    if verdict.passed is None:
        return State.UNJUDGED
    if verdict.passed:
        return State.PASSED
    return State.FAILED if verdict.level is Level.ERROR else State.WARNING


def severity(verdict: Verdict) -> int:
    """Where a verdict stands in a list with the worst first: errors, warnings, passed, off."""
    if verdict.fails:
        return int(verdict.passed is None)
    if verdict.broken:
        return 2 + int(verdict.passed is None)
    return 4 + int(verdict.level is Level.OFF)


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts by :func:`severity`, otherwise in their order."""
    return sorted(verdicts, key=severity)


def cut(text: str, length: int = SENTENCE_LENGTH) -> str:
    """The beginning of a long text, and how long it is."""
    if len(text) <= length:
        return text
    return f"{text[:length]}… ({len(text):,} characters)"


def cut_path(path: bytes) -> str:
    """A path of the image from the root; of a long one both ends."""
    if len(path) <= 4 * NAME_LENGTH:
        return shown_path(path)
    tail = shown_path(path[-2 * NAME_LENGTH :])[1:]
    return f"{shown_path(path[:NAME_LENGTH])}…{tail} ({len(path):,} bytes)"


def figures(verdict: Verdict) -> tuple[str, str]:
    """The figure and its limit as people read them, each empty where there is none.

    Two that differ do not look the same: they are exact where the rounded ones would.
    """
    actual, limit = _finite(verdict.actual), _finite(verdict.limit)
    if actual is not None and limit is not None and verdict.unit is not Unit.NONE:
        return two_figures(actual, limit, verdict.unit)
    return _figure(actual, verdict.unit), _figure(limit, verdict.unit)


def _finite(figure: float | None) -> float | None:
    return figure if figure is not None and isfinite(figure) else None


def _figure(figure: float | None, unit: Unit) -> str:
    if figure is None:
        return ""
    return f"{figure:,.10g}" if unit is Unit.NONE else figure_text(figure, unit)


def item_facts(item: Item) -> str:
    """Size and layer of a thing that broke a rule, such as ``12.3MB, layer 3``."""
    facts = []
    if item.size is not None:
        facts.append(human_size(item.size))
    if item.layer_index is not None:
        facts.append(f"layer {item.layer_index}")
    return ", ".join(facts)


def item_sentence(item: Item) -> str:
    """One line on a thing that broke a rule, never empty, not yet escaped."""
    facts, text = item_facts(item), cut(item.text)
    if item.path is None:
        text = text or "unnamed"
        return f"{text} ({facts})" if facts else text
    head = f"{cut_path(item.path)} ({facts})" if facts else cut_path(item.path)
    return f"{head}: {text}" if text else head


def message(verdict: Verdict) -> str:
    """What a verdict says, never empty."""
    return cut(verdict.message) or f"{verdict.rule}: {state(verdict)}"


def summary(image: ImageCheck) -> str:
    """How the rules of an image came out: ``2 of 9 rules broken, 1 of them only a warning``."""
    asked = [one for one in image.verdicts if one.level is not Level.OFF]
    if not asked:
        return "no rules"
    broken = sum(one.broken for one in asked)
    if not broken:
        return f"{plural(len(asked), 'rule')} passed"
    mild = broken - sum(one.fails for one in asked)
    tail = f", {mild} of them only {'a warning' if mild == 1 else 'warnings'}" if mild else ""
    return f"{broken} of {plural(len(asked), 'rule')} broken{tail}"


def outcome(check: Check) -> str:
    """One line on all images together."""
    if not check.images:
        return "failed: no image was checked"
    failing = sum(not one.ok for one in check.images)
    if failing:
        verb = "fails" if failing == 1 else "fail"
        return f"failed: {failing} of {plural(len(check.images), 'image')} {verb}"
    return f"passed: {plural(len(check.images), 'image')}"
