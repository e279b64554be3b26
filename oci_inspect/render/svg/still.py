"""A treemap as SVG, for a card and for a page: tiles with names, what is dead hatched.

There is no style in it: colours are presentation attributes, which a page may override by the
classes ``layer-0`` ... ``layer-7``, ``layer-none`` and ``kind-live`` ...; folders and their names
have the colour of the text around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from oci_inspect.paths import path_text
from oci_inspect.picture.colours import INK, KINDS, NONE, Palette
from oci_inspect.picture.pieces import Kind
from oci_inspect.picture.plot import Plot
from oci_inspect.picture.squarify import Rect
from oci_inspect.picture.treemap import Spacing, Tile, treemap
from oci_inspect.render.sizes import human_size, plural
from oci_inspect.render.svg.elements import path, rect, root, shown, text, text_width, written

SPACING = Spacing(header=18, edge=2, gap=10, least=15, open_from=72, largest=46)
_SMALL, _LABEL = 11, 12
_HINT = 200
"""Characters of a path that are told of a tile."""
_LEAST = 5
"""Characters that a name keeps when it is cut: fewer say nothing."""


def still_map(
    plot: Plot,
    kinds: Sequence[Kind],
    sides: Sequence[str],
    *,
    width: float = 960,
    height: float = 440,
    prefix: str = "still-",
    by: str = "layer",
    hatched: Sequence[int] = (1,),
    most: int = 240,
    title: str = "Map of the files by bytes",
    palette: Palette | None = None,
) -> str:
    """The map of a plot alone, as an ``<svg>`` for the middle of a page.

    ``sides`` are the names of both sides (``live``, ``dead``; what stands behind a colon is left
    out where there is no room), ``hatched`` which of them are drawn so. ``by`` says what the
    colours tell, ``layer`` (by the ``palette``) or ``kind``. Ids in it begin with ``prefix``.
    ``most`` is about how many tiles there are at most. Without bytes it says just that.
    """
    told = " ".join(
        f"{name}: {human_size(plot.sums[side])} in {plural(plot.counts[side], 'file')}."
        for side, name in enumerate(sides)
    )
    svg = root(width, height, prefix, title, told)
    if hatched:
        hatch_pattern(svg, prefix)
    draw_map(svg, plot, kinds, sides, Rect(0, 0, width, height), prefix, by, hatched, most, palette)
    return written(svg)


def hatch_pattern(svg: Element, prefix: str) -> None:
    """The hatching of what is dead, laid over its colour."""
    defs = SubElement(svg, "defs")
    size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
    pattern = SubElement(defs, "pattern", {"id": f"{prefix}hatch", **size})
    stroke = {"stroke": INK, "stroke-opacity": "0.36", "stroke-width": "1.3", "fill": "none"}
    path(pattern, "M-1 1 1-1M0 6 6 0M5 7 7 5", stroke)


def draw_map(
    parent: Element,
    plot: Plot,
    kinds: Sequence[Kind],
    sides: Sequence[str],
    box: Rect,
    prefix: str,
    by: str = "layer",
    hatched: Sequence[int] = (1,),
    most: int = 240,
    palette: Palette | None = None,
) -> None:
    """Draw the map of a plot in ``box``; :func:`hatch_pattern` was called before."""
    tiles = treemap(plot, kinds, box, SPACING, most)
    group = SubElement(parent, "g", {"stroke-width": "1"})
    if not tiles:
        rect(group, box, {"rx": "4", "fill": "currentColor", "fill-opacity": "0.05"})
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        nothing = "nothing to draw: no file has any bytes"
        line = {"text-anchor": "middle", "fill": "currentColor"}
        text(group, middle, nothing, 13, box.width - 20, line)
    headings = _headings(tiles, sides)
    colours = palette or Palette()
    for tile in tiles:
        part = SubElement(group, "g")
        SubElement(part, "title").text = shown(_hint(tile, kinds, sides))
        if tile.is_open:
            _folder(part, tile, headings)
        else:
            kind = kinds[tile.kind].key if tile.kind >= 0 else ""
            colour = fill(tile.layer_index, colours) if by == "layer" else kind_fill(kind)
            _closed(part, tile, colour, f"{prefix}hatch" if tile.side in hatched else "")


def _hint(tile: Tile, kinds: Sequence[Kind], sides: Sequence[str]) -> str:
    where = _end_of("/" + path_text(tile.path))
    size = human_size(tile.size)
    if tile.is_rest:
        return f"{_smaller(tile)} in {where}, {size}, {sides[tile.side]}"
    if tile.is_folder:
        return f"{where}: {size} in {plural(tile.paths, 'file')}, {sides[tile.side]}"
    layer = f", layer {tile.layer_index}" if tile.layer_index >= 0 else ""
    return f"{where}: {size}, {kinds[tile.kind].label}{layer}"


def _end_of(path: str) -> str:
    """A path of which the beginning is left out where it is long."""
    return path if len(path) <= _HINT else f"…{path[-_HINT:]}"


def _headings(tiles: Sequence[Tile], sides: Sequence[str]) -> list[str]:
    """What stands above each side: where one has too little room, both are short."""
    outer = [tile for tile in tiles if not tile.depth]
    sizes = [""] * len(sides)
    for tile in outer:
        sizes[tile.side] = human_size(tile.size)
    found = [f"{name}, {size}" for name, size in zip(sides, sizes, strict=True)]
    if all(text_width(found[one.side], _LABEL) <= one.rect.width - 12 for one in outer):
        return found
    return [f"{name.partition(':')[0]} {size}" for name, size in zip(sides, sizes, strict=True)]


def _smaller(tile: Tile) -> str:
    return plural(tile.paths, "smaller file")


def _folder(part: Element, tile: Tile, headings: Sequence[str]) -> None:
    """The frame of a folder, with its name and size where there is a strip for them."""
    box, inside = tile.rect, tile.inside
    assert inside is not None
    frame = {"fill": "currentColor", "stroke": "currentColor", "rx": "3"}
    # Only the outer ones are shaded: it would add up, and the innermost names not be read.
    shade = "0.05" if tile.depth < 2 else "0"
    rect(part, _within(box, 0.5), {**frame, "fill-opacity": shade, "stroke-opacity": "0.28"})
    if inside.y - box.y < SPACING.header:
        return
    size = human_size(tile.size)
    room = box.width - 12
    look = {"fill": "currentColor"}
    name = path_text(tile.name)
    if not tile.depth:
        look["font-weight"] = "600"
        name = headings[tile.side]
    used = text(part, (box.x + 6, box.y + 13), name, _LABEL, room, look, least=_LEAST)
    if used and tile.depth:
        _at_end(part, box, box.y + 13, size, room - used, {**look, "fill-opacity": "0.75"})


def _closed(part: Element, tile: Tile, colour: dict[str, str], hatched: str) -> None:
    """A file, a folder that is not opened, or smaller things: a tile with its colour."""
    box = _within(tile.rect, 0.5 if min(tile.rect.width, tile.rect.height) > 4 else 0.1)
    corner = {"rx": "2"} if min(box.width, box.height) > 12 else {}
    rect(part, box, {**corner, **colour})
    if hatched:
        rect(part, box, {**corner, "fill": f"url(#{hatched})"})
    if box.height < 15 or box.width < 24:
        return
    size = human_size(tile.size)
    ink = {"fill": INK, **(_halo(colour["fill"]) if hatched else {})}
    room = box.width - 7
    large = box.width > 170 and box.height > 60
    letters = 15 if large else _LABEL if box.height >= 17 else 10.5
    first = box.y + letters + (5 if large else 3 if box.height >= 20 else (box.height - 13) / 2)
    name = path_text(tile.name) + "/" * tile.is_folder
    if tile.is_rest:
        name = _smaller(tile)
        name = name if text_width(name, letters) <= room else f"+{tile.paths:,}"
    elif text_width(shown(name), letters) > room and b"/" in tile.name:
        name = path_text(tile.name.partition(b"/")[0]) + "/…"
    used = text(part, (box.x + 4, first), name, letters, room, ink, least=_LEAST)
    if used and box.height >= 34:
        below = (box.x + 4, first + letters + 3)
        text(part, below, size, 13 if large else _SMALL, room, ink, least=len(size))
    elif used:
        _at_end(part, box, first, size, room - used, ink)


def _at_end(
    part: Element, box: Rect, y: float, words: str, room: float, look: dict[str, str]
) -> None:
    """A short text at the right, whole or not at all."""
    if text_width(words, _SMALL) <= room - 8:
        end = {**look, "text-anchor": "end"}
        text(part, (box.x + box.width - 6, y), words, _SMALL, room, end)


def fill(layer_index: int, palette: Palette) -> dict[str, str]:
    """The colour of a layer, as an attribute and as a class."""
    return {"fill": palette.colour(layer_index), "class": palette.name(layer_index)}


def kind_fill(kind: str) -> dict[str, str]:
    """The colour of a kind, as an attribute and as a class."""
    return {"fill": KINDS.get(kind, NONE), "class": f"kind-{kind or 'none'}"}


def _halo(colour: str) -> dict[str, str]:
    """Text on hatching is drawn with an edge of the colour below it, or it would not be read."""
    edge = {"stroke": colour, "stroke-width": "4", "stroke-linejoin": "round"}
    return {**edge, "paint-order": "stroke"}


def _within(box: Rect, edge: float) -> Rect:
    width, height = max(0.0, box.width - 2 * edge), max(0.0, box.height - 2 * edge)
    return Rect(box.x + edge, box.y + edge, width, height)
