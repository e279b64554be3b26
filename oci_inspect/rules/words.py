"""Figures, layers and steps in the words of messages and advice."""

from __future__ import annotations

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.quantities import human_size, percent
from oci_inspect.rules.model import Unit

_LONGEST = 160


def one_line(text: str, most: int = _LONGEST) -> str:
    """Text without line breaks, cut at the end where it is long."""
    line = " ".join(text[: most * 10].split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def step_line(image: ImageAnalysis, layer_index: int) -> str:
    """Who made a layer: ``step 5: RUN make``, steps from 1; ``layer 2`` where nothing tells."""
    layer = image.layers[layer_index] if layer_index < len(image.layers) else None
    index = layer.history_index if layer else None
    if index is None or index >= len(image.history):
        return f"layer {layer_index}"
    step = image.history[index]
    told = one_line(step.instruction or step.created_by)
    return f"step {index + 1}: {told}" if told else f"step {index + 1}"


def step_name(image: ImageAnalysis, layer_index: int) -> str:
    """The same without the instruction: ``step 5`` or ``layer 2``."""
    return step_line(image, layer_index).partition(":")[0]


def figure_text(value: float, unit: Unit, *, exact: bool = False) -> str:
    """A figure for people: sizes as docker prints them, shares in percent."""
    if unit is Unit.BYTES:
        sign, size = ("-", -value) if value < 0 else ("", value)
        if exact:
            return f"{sign}{int(size):,} byte{'' if size == 1 else 's'}"
        return sign + human_size(int(size))
    if unit is Unit.RATIO:
        if exact:
            return f"{value * 100:.6g}%"
        return percent(value) if 0 <= value <= 1 else f"{value * 100:,.1f}%"
    return f"{int(value):,}"


def two_figures(actual: float, limit: float, unit: Unit) -> tuple[str, str]:
    """A figure and its limit: rounded, unless they would look the same without being so."""
    told = figure_text(actual, unit), figure_text(limit, unit)
    if told[0] == told[1] and actual != limit:
        return figure_text(actual, unit, exact=True), figure_text(limit, unit, exact=True)
    return told
