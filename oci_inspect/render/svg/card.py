"""A card of an image: who it is, what it weighs, what of it is dead, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis, LayerResult, Status
from oci_inspect.paths import path_text
from oci_inspect.picture.bars import bar_segments
from oci_inspect.picture.colours import INK, image_palette
from oci_inspect.picture.pieces import IMAGE_KINDS, image_pieces
from oci_inspect.picture.plot import plant
from oci_inspect.picture.squarify import Rect
from oci_inspect.render.blocks import Role
from oci_inspect.render.cells import beginning
from oci_inspect.render.sizes import human_size, percent, plural
from oci_inspect.render.svg.elements import path, rect, root, shown, text, text_width, written
from oci_inspect.render.svg.still import draw_map, fill, hatch_pattern
from oci_inspect.render.views.common import (
    archive_line,
    instruction_cell,
    title,
    verdict,
    waste_line,
)

WIDTH = 880
SIDES = ("live: what a container sees", "dead: in the layers, out of reach")
_PAD = 28
_ROOM = WIDTH - 2 * _PAD
_BAR, _MAP = 36, 340
_LISTED, _ADVISED = 4, 3
_WORDS = 300
_PLOT_ROOM = 100_000
_UNIT = 100
"""Parts of a pixel that the bar is counted in."""

_PREFIX = "oci-inspect-"
_LIGHT = {
    "ground": "#ffffff",
    "ink": "#1f2328",
    "dim": "#59636e",
    "line": "#d1d9e0",
    "ok": "#1a7f37",
    "bad": "#cf222e",
}
_DARK = {
    "ground": "#0d1117",
    "ink": "#f0f6fc",
    "dim": "#9198a1",
    "line": "#3d444d",
    "ok": "#3fb950",
    "bad": "#ff7b72",
}


def report_svg(image: ImageAnalysis, archive: ArchiveInfo) -> str:
    """An image as one picture, light or dark as the reader's system is, the same bytes every time.

    Name, verdict, size and waste; the layers as a bar, and the largest with their instructions; a
    map of the files, live beside dead; the worst waste with the line to change.
    """
    # The height is known only at the end; ElementTree keeps the order of attributes.
    svg = root(WIDTH, 0, _PREFIX, f"{title(image)}, layer by layer", _story(image))
    SubElement(svg, "style").text = _style()
    hatch_pattern(svg, _PREFIX)
    card = SubElement(svg, "g", {"class": "card", "color": _LIGHT["ink"]})
    ground = rect(card, (0.5, 0.5, WIDTH - 1, 0), {**_paint("ground"), "rx": "10"})
    ground.set("class", "ground edge")
    ground.set("stroke", _LIGHT["line"])
    y = _head(card, image, archive)
    y = _figures(card, image, y)
    y = _layers(card, image, y)
    y = _map(card, image, y)
    y = _advice(card, image, y) + _PAD
    for name in ("height", "viewBox"):
        svg.set(name, str(round(y)) if name == "height" else f"0 0 {WIDTH} {round(y)}")
    ground.set("height", str(round(y) - 1))
    return written(svg)


def _style() -> str:
    """Colours by class; where no style is understood, the attributes are the light ones."""
    return (
        f"{_rules(_LIGHT)}"
        f"@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}"
        "text{font-variant-numeric:tabular-nums;white-space:pre}"
    )


def _rules(colours: dict[str, str]) -> str:
    rules = "".join(f".{name}{{fill:{colour}}}" for name, colour in colours.items())
    return f"{rules}.card{{color:{colours['ink']}}}.edge{{stroke:{colours['line']}}}"


def _paint(name: str) -> dict[str, str]:
    return {"class": name, "fill": _LIGHT[name]}


def _story(image: ImageAnalysis) -> str:
    """The whole picture in words."""
    totals = image.totals
    parts = [
        f"{title(image)}: {verdict(image).text}.",
        f"{human_size(totals.file_bytes)} in {plural(len(image.layers), 'layer')} and"
        f" {plural(totals.files, 'file')}; {waste_line(image, nothing='no waste')}.",
    ]
    for layer in _largest(image.layers):
        dead = f", {human_size(layer.wasted_bytes)} of it dead" if layer.wasted_bytes else ""
        parts.append(f"Layer {layer.index}: {human_size(layer.file_bytes)}{dead}.")
    for group in image.worst[:_ADVISED]:
        where = path_text(group.path)
        parts.append(f"Dead: {human_size(group.size)} in {where}, {group.advice}.")
    return " ".join(parts)


def _largest(layers: Sequence[LayerResult]) -> list[LayerResult]:
    """The largest layers, and before these such that something is wrong with; the lowest first."""

    def order(layer: LayerResult) -> tuple[bool, int, int]:
        return layer.status is Status.VERIFIED, -layer.file_bytes, layer.index

    told = [one for one in layers if one.file_bytes or one.status is not Status.VERIFIED]
    found = sorted(told, key=order)[:_LISTED]
    return sorted(found, key=lambda one: one.index)


def _head(card: Element, image: ImageAnalysis, archive: ArchiveInfo) -> float:
    """Name and verdict; platform and archive at the right."""
    end = {**_paint("dim"), "text-anchor": "end"}
    used = text(card, (WIDTH - _PAD, 50), str(image.platform), 13, 200, end)
    bold = {**_paint("ink"), "font-weight": "700"}
    text(card, (_PAD, 52), title(image), 24, _ROOM - used - 20, bold)
    said = verdict(image)
    good = said.role is Role.OK
    look = _paint("ok" if good else "bad")
    mark = "M34 75l3 3 6-6.500" if good else "M35.500 71.500l6 6m0-6l-6 6"
    circle = f"M{_PAD} 75a10 10 0 1 0 20 0a10 10 0 1 0-20 0z"
    path(card, circle, look)
    tick = {"class": "tick", "fill": "none", "stroke": _LIGHT["ground"], "stroke-width": "2.2"}
    path(card, mark, {**tick, "stroke-linecap": "round", "stroke-linejoin": "round"})
    used = text(card, (WIDTH - _PAD, 80), archive_line(archive), 13, 250, end)
    strong = {**look, "font-weight": "600"}
    text(card, (_PAD + 28, 80), said.text, 15, _ROOM - 28 - used - 20, strong)
    return 100


def _figures(card: Element, image: ImageAnalysis, y: float) -> float:
    """The figures that matter, large."""
    totals = image.totals
    least = "" if image.complete else ", at least"
    share = f" ({percent(1 - totals.efficiency)})" if image.complete and totals.file_bytes else ""
    told = image.complete or None
    rows = (
        (human_size(totals.file_bytes), f"in {plural(totals.files, 'file')}{least}"),
        (human_size(totals.wasted_bytes), f"dead{share}{least}"),
        (percent(totals.efficiency) if told else "unknown", "efficiency"),
        (f"{len(image.layers):,}", "layer" if len(image.layers) == 1 else "layers"),
    )
    column = _ROOM / len(rows)
    for i, (figure, name) in enumerate(rows):
        x = _PAD + i * column
        number = {**_paint("ink"), "font-weight": "600"}
        text(card, (x, y + 36), figure, 32, column - 8, number)
        shift = 0
        if i == 1:
            box = (x, y + 47, 16, 12)
            swatch = {"rx": "2", "fill": "none", "stroke": _LIGHT["dim"], "class": "swatch"}
            rect(card, box, {"rx": "2", "fill": "#eeddbb"})
            rect(card, box, {**swatch, "fill": f"url(#{_PREFIX}hatch)"})
            shift = 22
        text(card, (x + shift, y + 58), name, 14, column - shift - 8, _paint("dim"))
    return y + 84


def _layers(card: Element, image: ImageAnalysis, y: float) -> float:
    """The bar, and below it the largest layers."""
    if not image.layers:
        text(card, (_PAD, y + 14), "no layers", 14, _ROOM, _paint("dim"))
        return y + 32
    bar = SubElement(card, "g")
    sizes = [layer.file_bytes for layer in image.layers]
    dead = [layer.wasted_bytes for layer in image.layers]
    colours = image_palette(image)
    segments = bar_segments(sizes, dead, _ROOM * _UNIT, 2 * _UNIT)
    if not any(sizes):
        rect(bar, (_PAD, y, _ROOM, _BAR), {**_paint("line"), "rx": "3"})
    for layer, segment in zip(image.layers, segments, strict=True):
        x, width, gone = (part / _UNIT for part in segment)
        if not width:
            continue
        gap = 1.5 if width > 6 else 0.3
        part = SubElement(bar, "g")
        words = instruction_cell(image, layer).text
        SubElement(part, "title").text = _layer_words(layer, words)
        colour = fill(layer.index, colours)
        box = Rect(_PAD + x, y, width - gap, _BAR)
        rect(part, box, colour)
        hatch = min(gone, box.width)
        if hatch:
            side = box._replace(x=box.x + box.width - hatch, width=hatch)
            rect(part, side, {"fill": f"url(#{_PREFIX}hatch)"})
        label = str(layer.index)
        if text_width(label, 14) <= box.width - 6:
            halo = {"stroke": colour["fill"], "stroke-width": "4", "stroke-linejoin": "round"}
            look = {"text-anchor": "middle", "fill": INK, "font-weight": "600", **halo}
            middle = (box.x + box.width / 2, y + _BAR / 2 + 5)
            text(part, middle, label, 14, box.width, {**look, "paint-order": "stroke"})
    return _legend(card, image, y + _BAR + 24)


def _layer_words(layer: LayerResult, instruction: str) -> str:
    dead = f", {human_size(layer.wasted_bytes)} dead" if layer.wasted_bytes else ""
    words = beginning(instruction, _WORDS)
    return shown(f"layer {layer.index}: {human_size(layer.file_bytes)}{dead}: {words}")


def _legend(card: Element, image: ImageAnalysis, y: float) -> float:
    """The largest layers, a line each: number, instruction, size, dead."""
    listed = _largest(image.layers)
    colours = image_palette(image)
    end = {"text-anchor": "end"}
    for layer in listed:
        rect(card, (_PAD, y - 11, 22, 15), {**fill(layer.index, colours), "rx": "2"})
        middle = {"text-anchor": "middle", "fill": INK}
        text(card, (_PAD + 11, y + 0.8), str(layer.index), 11, 22, middle)
        words = instruction_cell(image, layer).text
        text(card, (_PAD + 32, y), words, 12.5, _ROOM - 222, _paint("ink"), mono=True)
        size = human_size(layer.file_bytes)
        text(card, (WIDTH - _PAD - 110, y), size, 13, 90, {**_paint("ink"), **end})
        if layer.status is not Status.VERIFIED:
            bad = {**_paint("bad"), **end, "font-weight": "600"}
            text(card, (WIDTH - _PAD, y), layer.status.value, 13, 110, bad)
        elif layer.wasted_bytes:
            gone = f"{human_size(layer.wasted_bytes)} dead"
            text(card, (WIDTH - _PAD, y), gone, 13, 110, {**_paint("dim"), **end})
        y += 23
    left = len(image.layers) - len(listed)
    if left:
        rest = sum(one.file_bytes for one in image.layers) - sum(one.file_bytes for one in listed)
        more = f"{left:,} more {'layer' if left == 1 else 'layers'}, {human_size(rest)}"
        text(card, (_PAD + 32, y), more, 13, _ROOM - 32, _paint("dim"))
        y += 23
    return y + 6


def _map(card: Element, image: ImageAnalysis, y: float) -> float:
    if not image.totals.file_bytes:
        return y
    plot = plant(lambda: image_pieces(image), IMAGE_KINDS, _PLOT_ROOM)
    box = Rect(_PAD, y, _ROOM, _MAP)
    draw_map(card, plot, IMAGE_KINDS, SIDES, box, _PREFIX, palette=image_palette(image))
    return y + _MAP + 8


def _advice(card: Element, image: ImageAnalysis, y: float) -> float:
    """The worst waste, and the line to change."""
    groups = image.worst[:_ADVISED]
    sizes = [human_size(group.size) for group in groups]
    column = max((text_width(size, 13) for size in sizes), default=0.0) + 14
    for size, group in zip(sizes, groups, strict=True):
        y += 24
        text(card, (_PAD, y), size, 13, column, {**_paint("ink"), "font-weight": "600"})
        x = _PAD + column
        where = path_text(group.path)
        x += text(card, (x, y), where, 12.5, 300, _paint("ink"), mono=True) + 12
        text(card, (x, y), group.advice, 13, WIDTH - _PAD - x, _paint("dim"))
    left = image.worst[len(groups) :]
    if left:
        y += 24
        more = f"{len(left):,} more, {human_size(sum(group.size for group in left))}"
        text(card, (_PAD + column, y), more, 13, _ROOM - column, _paint("dim"))
    return y
