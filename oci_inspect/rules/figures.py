"""Rules on figures: sizes, numbers of layers, waste. A figure at its limit passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

from oci_inspect.analysis.results import Confidence, ImageAnalysis, LayerResult, WasteGroup
from oci_inspect.rules.case import Case
from oci_inspect.rules.model import Item, Unit, Verdict
from oci_inspect.rules.words import figure_text, step_line, two_figures


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of an image: what it is in a sentence, in which unit, and who is to blame.

    ``value`` gives None where nothing tells. With ``least`` the limit is from below. ``needs_all``:
    it says nothing of an image that could not be read to its end.
    """

    what: str
    unit: Unit
    value: Callable[[ImageAnalysis], Fraction | int | None]
    items: Callable[[ImageAnalysis, Fraction], Iterable[Item]]
    advice: Callable[[ImageAnalysis], str]
    least: bool = False
    needs_all: bool = True
    unknown: str = ""


def judge_figure(figure: Figure, case: Case) -> Verdict:
    """Hold a figure against its limit."""
    image, value = case.image, case.setting.value
    assert isinstance(value, (int, float))
    # As it is written: 0.9 is nine tenths, though the float beside it is not.
    limit = Fraction(repr(value))
    actual = figure.value(image)
    if actual is None:
        return case.verdict(None, figure.unknown, unit=figure.unit, limit=value)
    more: dict[str, Any] = {"unit": figure.unit, "actual": _number(actual), "limit": value}
    told, bound = two_figures(float(actual), float(value), figure.unit)
    if figure.needs_all and not image.complete:
        return case.unread(f"{figure.what} cannot be told", **{**more, "actual": None})
    perhaps = _perhaps(image) if case.setting.rule.startswith("max-own") else ""
    if actual >= limit if figure.least else actual <= limit:
        return case.verdict(
            True, f"{figure.what} is {told}{perhaps}, within the limit of {bound}", **more
        )
    beyond = "below the least of" if figure.least else "over the limit of"
    return case.verdict(
        False,
        f"{figure.what} is {told}{perhaps}, {beyond} {bound}",
        tuple(figure.items(image, limit)),
        advice=figure.advice(image),
        **more,
    )


def _number(value: Fraction | int) -> float:
    return int(value) if value == int(value) and isinstance(value, int) else float(value)


def _perhaps(image: ImageAnalysis) -> str:
    possible = image.base is not None and image.base.confidence is Confidence.POSSIBLE
    return " (where the base image ends is a guess)" if possible else ""


# Sizes


def layer_item(image: ImageAnalysis, layer: LayerResult) -> Item:
    """A layer with the step that made it and the bytes of its files."""
    return Item(step_line(image, layer.index), layer_index=layer.index, size=layer.file_bytes)


def _largest(
    image: ImageAnalysis, size: Callable[[LayerResult], int | None]
) -> list[tuple[int, LayerResult]]:
    sizes = [(size(layer) or 0, layer) for layer in image.layers]
    return sorted(sizes, key=lambda one: (-one[0], one[1].index))


def _by_size(
    size: Callable[[LayerResult], int | None],
) -> tuple[Callable[[ImageAnalysis, Fraction], Iterable[Item]], Callable[[ImageAnalysis], str]]:
    def items(image: ImageAnalysis, limit: Fraction) -> Iterable[Item]:
        return (
            Item(step_line(image, layer.index), layer_index=layer.index, size=bytes_)
            for bytes_, layer in _largest(image, size)
            if bytes_
        )

    def advice(image: ImageAnalysis) -> str:
        bytes_, layer = _largest(image, size)[0]
        share, line = figure_text(bytes_, Unit.BYTES), step_line(image, layer.index)
        return f"the largest layer, {layer.index}, has {share} of it, from {line}"

    return items, advice


def _content(layer: LayerResult) -> int:
    return layer.file_bytes


_CONTENT = _by_size(_content)
_STORED = _by_size(lambda layer: layer.size)
_UNPACKED = _by_size(lambda layer: layer.uncompressed_size)


def _layers_over(image: ImageAnalysis, limit: Fraction) -> Iterable[Item]:
    return (
        layer_item(image, layer) for bytes_, layer in _largest(image, _content) if bytes_ > limit
    )


def _largest_layer(image: ImageAnalysis) -> str:
    _, layer = _largest(image, _content)[0]
    return f"make layer {layer.index} smaller, from {step_line(image, layer.index)}"


def _all_layers(image: ImageAnalysis, limit: Fraction) -> Iterable[Item]:
    return sorted(
        (layer_item(image, layer) for layer in image.layers),
        key=lambda item: (item.size or 0, item.layer_index or 0),
    )


def _join_runs(image: ImageAnalysis) -> str:
    """The most RUN lines in a row, which one RUN could be."""
    best: list[int] = []
    told = [step for step in image.history if step.layer_index is not None]
    for is_run, group in groupby(told, key=lambda step: step.keyword == "RUN"):
        steps = [step.index + 1 for step in group]
        if is_run and len(steps) > max(1, len(best)):
            best = steps
    if not best:
        return ""
    return f"steps {best[0]} to {best[-1]} have {len(best)} RUN lines in a row: join some of them"


# Waste


def _group_item(group: WasteGroup) -> Item:
    return Item(group.advice, group.path, group.layer_index, group.size)


def _groups(image: ImageAnalysis) -> list[WasteGroup]:
    return [group for group in image.worst if group.size]


def _own_groups(image: ImageAnalysis) -> list[WasteGroup]:
    first = image.base.layers if image.base and image.base.layers is not None else 0
    return [group for group in _groups(image) if group.layer_index >= first]


def _wasteful(
    groups: Callable[[ImageAnalysis], list[WasteGroup]],
) -> tuple[Callable[[ImageAnalysis, Fraction], Iterable[Item]], Callable[[ImageAnalysis], str]]:
    def items(image: ImageAnalysis, limit: Fraction) -> Iterable[Item]:
        return map(_group_item, groups(image))

    def advice(image: ImageAnalysis) -> str:
        return next((group.advice for group in groups(image)), "")

    return items, advice


_WASTE = _wasteful(_groups)
_OWN = _wasteful(_own_groups)
_NO_END = "it is not known where the base image ends: --base names it, see docs/base.md"


def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)


def _waste_share(image: ImageAnalysis) -> Fraction:
    return _share(image.totals.wasted_bytes, image.totals.file_bytes)


FIGURES: dict[str, Figure] = {
    "max-size": Figure(
        "the content of its files", Unit.BYTES, lambda image: image.totals.file_bytes, *_CONTENT
    ),
    "max-stored-size": Figure(
        "the size of its layers as stored", Unit.BYTES, lambda image: image.totals.size, *_STORED
    ),
    "max-unpacked-size": Figure(
        "the size of its layers unpacked",
        Unit.BYTES,
        lambda image: image.totals.uncompressed_size,
        *_UNPACKED,
    ),
    "max-layer-size": Figure(
        "the content of its largest layer",
        Unit.BYTES,
        lambda image: max(map(_content, image.layers), default=0),
        _layers_over,
        _largest_layer,
    ),
    "max-layers": Figure(
        "the number of its layers",
        Unit.COUNT,
        lambda image: len(image.image.layers),
        _all_layers,
        _join_runs,
        needs_all=False,
    ),
    "max-waste": Figure(
        "what no container can reach", Unit.BYTES, lambda image: image.totals.wasted_bytes, *_WASTE
    ),
    "max-waste-percent": Figure(
        "the share that no container can reach", Unit.RATIO, _waste_share, *_WASTE
    ),
    "min-efficiency": Figure(
        "its efficiency", Unit.RATIO, lambda image: 1 - _waste_share(image), *_WASTE, least=True
    ),
    "max-own-waste": Figure(
        "what no container can reach of its own layers",
        Unit.BYTES,
        lambda image: image.own.wasted_bytes if image.own else None,
        *_OWN,
        unknown=_NO_END,
    ),
    "max-own-waste-percent": Figure(
        "the share that no container can reach of its own layers",
        Unit.RATIO,
        lambda image: _share(image.own.wasted_bytes, image.own.file_bytes) if image.own else None,
        *_OWN,
        unknown=_NO_END,
    ),
}
"""The figures by the names of their rules."""
