"""dive's rules held against an image: dive's figures, with ours beside them."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, isnan

from oci_inspect.analysis.dive import DiveFigures
from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.paths import shown_path
from oci_inspect.rules.dive_ci import DiveRule, DiveRules
from oci_inspect.rules.model import Item, Level, Unit, Verdict


def judge_dive(
    rules: DiveRules, figures: DiveFigures | None, exact: ImageAnalysis
) -> tuple[Verdict, ...]:
    """Judge an image by dive's three rules, as dive compares: what is met exactly is no failure.

    A rule that is disabled has the level ``off``. ``figures`` may be None for an image that is not
    ``complete``: nothing is judged of such a one.
    """
    if figures is None or not exact.complete:
        return tuple(_unjudged(rule) for rule in _each(rules))
    items = _items(figures)
    dead, share = exact.totals.wasted_bytes, exact.totals.efficiency
    above = exact.layers[1:]
    dead_above = sum(layer.wasted_bytes for layer in above)
    content_above = sum(layer.file_bytes for layer in above)

    lowest = rules.lowest_efficiency
    efficiency = figures.efficiency
    said = f"dive's efficiency is {_percent(efficiency)}"
    ours = f"exactly {_percent(share)} of the content is alive"
    first = _verdict(
        lowest, Unit.RATIO, efficiency, _compared(efficiency, lowest, "below"), said, ours
    )

    highest = rules.highest_wasted_bytes
    wasted = figures.wasted_bytes
    said = f"dive counts {wasted:,} bytes as wasted"
    ours = f"exactly {dead:,} bytes are dead"
    second = _verdict(highest, Unit.BYTES, wasted, _compared(wasted, highest, "above"), said, ours)

    percent = rules.highest_user_wasted_percent
    user = figures.user_wasted_percent
    if isfinite(user):
        said = f"dive counts {_percent(user)} of what lies above the first layer as wasted"
    elif isnan(user):
        said = "dive counts nothing wasted, and nothing above the first layer"
    else:
        said = f"dive counts {wasted:,} bytes as wasted, with nothing above the first layer"
    ours = f"exactly {dead_above:,} of its {content_above:,} bytes are dead"
    third = _verdict(percent, Unit.RATIO, user, _compared(user, percent, "above"), said, ours)

    worst = exact.worst[0] if exact.worst else None
    advice = f"{shown_path(worst.path)}: {worst.advice}" if worst is not None else ""
    return tuple(
        one if one.passed is not False else replace(one, advice=advice, items=items)
        for one in (first, second, third)
    )


def _each(rules: DiveRules) -> tuple[DiveRule, ...]:
    return (
        rules.lowest_efficiency,
        rules.highest_wasted_bytes,
        rules.highest_user_wasted_percent,
    )


def _compared(actual: float, rule: DiveRule, bad: str) -> bool | None:
    """Whether it passes; None where it is disabled. Not a number is neither above nor below."""
    if rule.limit is None:
        return None
    return not (actual < rule.limit if bad == "below" else actual > rule.limit)


def _verdict(
    rule: DiveRule, unit: Unit, actual: float, passed: bool | None, said: str, ours: str
) -> Verdict:
    if rule.limit is None:
        asked = "the rule is disabled"
        if rule.source.line is None:
            asked += " by dive's default"
    else:
        limit = f"{rule.limit:,}" if unit is Unit.BYTES else _percent(rule.limit)
        side = "at least" if rule.rule.startswith("dive-lowest") else "at most"
        asked = f"{side} {limit} is asked for"
        if rule.source.line is None:
            asked += " (dive's default)"
    return Verdict(
        rule=rule.rule,
        level=Level.OFF if rule.limit is None else rule.level,
        passed=passed,
        message=f"{said}, {asked}; {ours}",
        unit=unit,
        actual=actual if isfinite(actual) else None,
        limit=rule.limit,
        source=rule.source,
    )


def _unjudged(rule: DiveRule) -> Verdict:
    return Verdict(
        rule=rule.rule,
        level=Level.OFF if rule.limit is None else rule.level,
        passed=None,
        message="the image could not be read to its end: what dive would count is not known",
        unit=Unit.BYTES if rule.rule.endswith("bytes") else Unit.RATIO,
        limit=rule.limit,
        source=rule.source,
    )


def _items(figures: DiveFigures) -> tuple[Item, ...]:
    return tuple(
        Item(f"dive met it {one.count} times", path=one.path, size=one.size)
        for one in figures.paths
        if one.size
    )


def _percent(share: float) -> str:
    return f"{share * 100:.6g}%"
