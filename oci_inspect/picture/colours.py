"""Colours that people with any kind of colour vision tell apart, and read black text on.

They are those of Paul Tol's *light* scheme, made for labelled cells (SRON technical note
SRON/EPS/TN/09-002, issue 3.2). Nothing is told by colour alone: what is dead is hatched as well,
and every picture has its legend or its labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oci_inspect.analysis.results import ImageAnalysis

LAYERS = (
    "#77aadd",
    "#ee8866",
    "#eedd88",
    "#ffaabb",
    "#99ddff",
    "#44bb99",
    "#bbcc33",
    "#aaaa00",
)
"""Of layers; see :class:`Palette`."""

NONE = "#dddddd"
"""What belongs to no layer."""

KINDS = {
    "live": "#dddddd",
    "deleted": "#ee8866",
    "opaque": "#ffaabb",
    "overwritten": "#eedd88",
    "rewritten": "#99ddff",
    "replaced": "#bbcc33",
    "shadowed": "#aaaa00",
    "removed": "#ee8866",
    "changed-before": "#eedd88",
    "added": "#44bb99",
    "changed-after": "#eedd88",
}
"""By the ``key`` of a :class:`~oci_inspect.picture.pieces.Kind`."""

INK = "#000000"
"""Text on any of them."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Which of :data:`LAYERS` each layer has; ``numbers`` are those of the layers in order."""

    numbers: tuple[int, ...] = ()

    def number(self, layer_index: int) -> int | None:
        """The number of a layer's colour, None for an index below 0."""
        if 0 <= layer_index < len(self.numbers):
            return self.numbers[layer_index]
        return layer_index % len(LAYERS) if layer_index >= 0 else None

    def name(self, layer_index: int) -> str:
        """The class of a layer's colour: ``layer-3``, or ``layer-none``."""
        number = self.number(layer_index)
        return "layer-none" if number is None else f"layer-{number}"

    def colour(self, layer_index: int) -> str:
        """The colour of a layer, :data:`NONE` for an index below 0."""
        number = self.number(layer_index)
        return NONE if number is None else LAYERS[number]


def palette(*images: Sequence[int]) -> Palette:
    """Colours for the layers of an image, from their sizes; of several, the same for all.

    The largest layers never share a colour with each other, as long as there are colours: they
    take them in turn, from the lowest. The others take what comes next in turn.
    """
    count = max(map(len, images), default=0)
    sizes = [max(one[i] for one in images if i < len(one)) for i in range(count)]
    largest = sorted(range(count), key=lambda i: (-sizes[i], i))[: len(LAYERS)]
    numbers = {layer: number for number, layer in enumerate(sorted(largest))}
    turn = 0
    for layer in range(count):
        if layer in numbers:
            turn = numbers[layer]
        else:
            turn = numbers[layer] = (turn + 1) % len(LAYERS)
    return Palette(tuple(numbers[layer] for layer in range(count)))


def image_palette(*images: ImageAnalysis) -> Palette:
    """Colours for the layers of an image, or the same for those of several, by their files."""
    return palette(*([layer.file_bytes for layer in image.layers] for image in images))
