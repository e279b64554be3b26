"""The bar of an image's layers in a page: its segments, and the rules that give them their widths.

A page's policy allows no style in an element, so widths are rules of the page's own style sheet,
which hold no text of an archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oci_inspect.analysis.results import ImageAnalysis, Status
from oci_inspect.picture.colours import INK, KINDS, LAYERS, NONE, Palette, image_palette
from oci_inspect.render.cells import beginning
from oci_inspect.render.sizes import human_size
from oci_inspect.render.views.common import instruction_cell

MANY = 80
"""Layers from which on no gaps are left between them."""
_WHOLE = 100_000
_WORDS = 300
_BROKEN = {
    Status.MISMATCH: "not verified: mismatch",
    Status.UNVERIFIABLE: "not verified",
    Status.SKIPPED: "not verified: not read",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One layer in a bar.

    ``colour`` is a class, ``note`` a word on it (``same``), ``figures`` its sizes in words,
    ``instruction`` the beginning of the line that made it, ``dead`` whether any of it is,
    ``broken`` says so where the layer is not what its digests say, or could not be read.
    """

    id: str
    index: int
    href: str
    colour: str
    figures: str
    instruction: str
    dead: bool
    note: str = ""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class LayerBar:
    """A bar; ``css`` are its rules. ``many`` where there is no room for gaps."""

    id: str
    segments: tuple[Segment, ...]
    css: str
    many: bool


def layer_bar(
    image: ImageAnalysis,
    name: str = "bar",
    *,
    anchor: str = "#layer-{}",
    anchors: Mapping[str, str] | None = None,
    whole: int = 0,
    notes: Sequence[str] = (),
    palette: Palette | None = None,
) -> LayerBar:
    """The layers of an image, bottom to top, each as wide as the content of its files.

    ``anchor`` is where a segment leads, with ``{}`` for its index; ``anchors`` say it by the
    segment's own name where that is known better. ``whole`` is how many bytes the
    full width stands for, where that is more than the image has; ``notes`` are words on the layers,
    ``palette`` their colours, where they are not the image's alone.
    """
    own = sum(layer.file_bytes for layer in image.layers)
    total = max(whole, own) or 1
    colours = palette or image_palette(image)
    rules: list[str] = []
    segments: list[Segment] = []
    for layer in image.layers:
        part = f"{name}-{layer.index}"
        # Where nothing has any bytes all layers are the same width.
        grow = max(1, layer.file_bytes * _WHOLE // total) if own else _WHOLE
        rules.append(f"#{part}{{flex-grow:{grow}}}")
        if layer.wasted_bytes and layer.file_bytes:
            share = round(layer.wasted_bytes / layer.file_bytes * 100, 2)
            rules.append(f"#{part} .dead{{width:{share}%}}")
        dead = f", {human_size(layer.wasted_bytes)} dead" if layer.wasted_bytes else ""
        segments.append(
            Segment(
                id=part,
                index=layer.index,
                href=(anchors or {}).get(part, anchor.format(layer.index)),
                colour=colours.name(layer.index),
                figures=f"{human_size(layer.file_bytes)}{dead}",
                instruction=beginning(instruction_cell(image, layer).text, _WORDS),
                dead=bool(layer.wasted_bytes),
                note=notes[layer.index] if notes else "",
                broken=_BROKEN.get(layer.status, ""),
            )
        )
    if total > own and own:
        rules.append(f"#{name}-rest{{flex-grow:{(total - own) * _WHOLE // total}}}")
    return LayerBar(name, tuple(segments), "\n".join(rules), len(segments) > MANY)


def colour_rules() -> str:
    """A class for each colour of a layer and of a kind: ``fill``, and ``--tile`` for the rest."""
    rules = [
        f".{name}{{--tile:{colour};fill:{colour}}}"
        for name, colour in [
            *((f"layer-{i}", colour) for i, colour in enumerate(LAYERS)),
            ("layer-none", NONE),
            *((f"kind-{key}", colour) for key, colour in KINDS.items()),
        ]
    ]
    return "\n".join([f":root{{--ink:{INK}}}", *rules])
