"""The rule on growth: how much larger an image is than it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.rules.baseline import BaselineImage
from oci_inspect.rules.case import Case
from oci_inspect.rules.figures import layer_item
from oci_inspect.rules.model import Item, Unit, Verdict
from oci_inspect.rules.words import figure_text, two_figures


def judge_growth(case: Case) -> Verdict:
    """Hold the growth of the content against its limit, in bytes (int) or as a share (float)."""
    image, before, value = case.image, case.baseline, case.setting.value
    assert isinstance(value, (int, float))
    unit = Unit.RATIO if isinstance(value, float) else Unit.BYTES
    if isinstance(before, str):
        return case.verdict(None, f"no growth can be told: {before}", unit=unit, limit=value)
    if not image.complete:
        return case.unread("its growth cannot be told", unit=unit, limit=value)
    grown = image.totals.file_bytes - before.file_bytes
    actual: Fraction | int = grown
    if unit is Unit.RATIO:
        if before.file_bytes:
            actual = Fraction(grown, before.file_bytes)
        elif grown:
            return case.verdict(
                False,
                f"it grew from nothing ({before.name}) to {_bytes(image.totals.file_bytes)}",
                tuple(_new_layers(image, before)),
                unit=unit,
                limit=value,
            )
    figure = actual if isinstance(actual, int) and unit is Unit.BYTES else float(actual)
    passed = actual <= Fraction(repr(value))
    told, bound = two_figures(float(actual), float(value), unit)
    sizes = f"{_bytes(before.file_bytes)} to {_bytes(image.totals.file_bytes)}"
    what = f"since {before.name} its content went from {sizes}, a growth of {told}"
    if passed:
        message = f"{what}, within the limit of {bound}"
        return case.verdict(True, message, unit=unit, actual=figure, limit=value)
    items = tuple(_new_layers(image, before))
    advice = (
        f"the largest layer that is new is {items[0].layer_index}, from {items[0].text}"
        if items
        else ""
    )
    message = f"{what}, over the limit of {bound}"
    return case.verdict(False, message, items, advice=advice, unit=unit, actual=figure, limit=value)


def _bytes(size: int) -> str:
    return figure_text(size, Unit.BYTES)


def _new_layers(image: ImageAnalysis, before: BaselineImage) -> Iterator[Item]:
    """Layers that the image did not have, the largest first."""
    known = Counter(one.diff_id for one in before.layers)
    new = []
    for layer in image.layers:
        if layer.diff_id is not None and known[layer.diff_id]:
            known[layer.diff_id] -= 1
        elif layer.file_bytes:
            new.append(layer)
    for layer in sorted(new, key=lambda layer: (-layer.file_bytes, layer.index)):
        yield layer_item(image, layer)
