"""The history as a Dockerfile, with figures for the margin."""

from __future__ import annotations

from dataclasses import dataclass

from oci_inspect.analysis.instructions import from_comment
from oci_inspect.analysis.results import HistoryStep, ImageAnalysis
from oci_inspect.render.sizes import clock, human_size, percent, plural

MOST_STEPS = 600
"""Steps that are listed; an image that runs has at most a few hundred."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step. ``number`` counts from 1; ``keyword`` is set apart from the ``text`` behind it.

    ``share`` is that of the image's bytes, ``dead`` how much of that is dead, in percent of the
    image. ``comments`` are what is told of the step, ``base`` is set where the base image ends.
    """

    number: int
    layer: int | None
    size: str
    exact: str
    share: float
    dead: float
    waste: str
    created: str
    keyword: str
    text: str
    comments: tuple[str, ...]
    raw: bool
    base: str


@dataclass(frozen=True, slots=True)
class ShownSteps:
    """All steps; ``more`` are not listed, ``scratch`` where no step says from what was built."""

    steps: tuple[ShownStep, ...]
    more: int
    scratch: bool


def shown_steps(image: ImageAnalysis) -> ShownSteps:
    """The history of an image, oldest step first."""
    first = image.history[0] if image.history else None
    named = first is not None and not first.raw and first.keyword == "FROM"
    return ShownSteps(
        tuple(_step(image, step) for step in image.history[:MOST_STEPS]),
        max(0, len(image.history) - MOST_STEPS),
        first is not None and not named,
    )


def _step(image: ImageAnalysis, step: HistoryStep) -> ShownStep:
    index = step.layer_index
    layer = image.layers[index] if index is not None and index < len(image.layers) else None
    whole = image.totals.file_bytes or 1
    wasted = 0 if layer is None else layer.wasted_bytes
    comments = [f"note: {step.note}"] if step.note else []
    if step.build_args:
        comments.append(f"build arguments: {' '.join(step.build_args)}")
    above = from_comment(step.comment)
    if above is not None and step.index:
        comments.append(f"FROM {above}: all steps above are its own")
    text = step.instruction
    if step.raw:
        text = step.instruction or step.created_by or step.comment or "(nothing is recorded)"
    keyword = ""
    if not step.raw and step.keyword and text.startswith(step.keyword):
        keyword, text = step.keyword, text.removeprefix(step.keyword)
    return ShownStep(
        number=step.index + 1,
        layer=None if layer is None else layer.index,
        size=human_size(step.size),
        exact=f"{step.size:,} bytes, {wasted:,} of them dead",
        share=round(step.size / whole * 100, 2),
        dead=round(wasted / whole * 100, 2),
        waste=f"{human_size(wasted)} dead ({percent(wasted / (step.size or 1))})" if wasted else "",
        created=clock(step.created),
        keyword=keyword,
        text=text,
        comments=tuple(comments),
        raw=step.raw,
        base=_base_ends(image, layer.index) if layer is not None else "",
    )


def _base_ends(image: ImageAnalysis, layer_index: int) -> str:
    base = image.base
    if base is None or base.layers != layer_index + 1 or base.layers == len(image.layers):
        return ""
    name = base.name or "the base image"
    return f"{name} ends here, {plural(base.layers, 'layer')} ({base.confidence.value})"
