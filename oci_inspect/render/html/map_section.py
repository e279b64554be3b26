"""What the map of a page needs: its data, in a room of constant size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.comparison.results import Comparison
from oci_inspect.picture.colours import Palette, image_palette
from oci_inspect.picture.pieces import (
    DIFFERENCE_KINDS,
    IMAGE_KINDS,
    Kind,
    Piece,
    difference_pieces,
    image_pieces,
)
from oci_inspect.picture.plot import Leaf, Plot, Rest, plant
from oci_inspect.render.escape import terminal
from oci_inspect.render.html.map_data import map_data, name_cost
from oci_inspect.render.html.places import Places
from oci_inspect.render.html.templating import LENGTHS, json_element, trusted
from oci_inspect.render.svg import still_map
from oci_inspect.render.views.common import instruction_cell

if TYPE_CHECKING:
    from oci_inspect.render.html.templating import Markup

ROOM = 4_000_000
"""Bytes of the map's JSON."""
MOST = 4_950_000
"""Bytes of a page. Where all but the map takes more than is usual, the map takes less."""
_MARGIN = 100_000
_DECENT = 5
"""The part of a page that is left to the map before texts are shown shorter: one in so many."""
LEAST = 10_000
"""A smaller room is not tried: what is left then are names of layers."""
_WORDS = 160
_LEGEND = 24


@dataclass(frozen=True, slots=True)
class MapSection:
    """``data`` is the JSON as a template puts it out, ``still`` a picture for a page at rest.

    ``nothing`` is the sentence in the picture's place where there is nothing to draw, else empty.
    ``legend`` has a class and a word for each of the picture's colours.
    """

    title: str
    data: Markup
    still: Markup
    nothing: str
    legend: tuple[tuple[str, str], ...]
    places: Places

    def names(self) -> dict[str, Any]:
        """What the template of the map uses."""
        return {
            "map_title": self.title,
            "map_json": self.data,
            "map_still": self.still,
            "map_nothing": self.nothing,
            "map_legend": self.legend,
            "map_place": self.places,
        }


def page_with_map(
    render: Callable[[MapSection, int], str], make: Callable[[int], MapSection]
) -> str:
    """A page that is no larger than :data:`MOST`.

    ``make`` is given the room of the map, ``render`` how many characters of a text are shown. The
    map gives way first, texts only where nothing would be left of it.
    """
    section = make(ROOM)
    page = ""
    for longest in LENGTHS:
        page = render(section, longest)
        if (size := _size(page)) <= MOST:
            break
        left = MOST - _MARGIN - (size - _size(section.data))
        if left * _DECENT >= MOST or longest == LENGTHS[-1]:
            page = render(make(max(LEAST, left)), longest)
            break
    return page


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def image_map(image: ImageAnalysis, room: int = ROOM) -> MapSection:
    """The merged file system of an image, and beside it what is dead."""
    palette = image_palette(image)
    return _section(
        room,
        "What takes the room",
        lambda: image_pieces(image),
        IMAGE_KINDS,
        ("live", "dead"),
        _layers(image, palette),
        palette,
        hatched=(1,),
    )


def difference_map(found: Comparison, room: int = ROOM) -> MapSection:
    """What only the first of two images has, and what only the second has."""
    palette = image_palette(found.before, found.after)
    return _section(
        room,
        "What is different",
        lambda: difference_pieces(found),
        DIFFERENCE_KINDS,
        ("content only in A", "content only in B"),
        [_layers(found.before, palette), _layers(found.after, palette)],
        palette,
        hatched=(),
    )


def _section(
    most: int,
    title: str,
    pieces: Callable[[], Iterable[Piece]],
    kinds: tuple[Kind, ...],
    sides: tuple[str, str],
    layers: Sequence[Any],
    palette: Palette,
    *,
    hatched: Sequence[int],
) -> MapSection:
    room = most
    while True:
        plot = plant(pieces, kinds, room, name_cost)
        data = json_element(map_data(plot, kinds, sides, layers))
        size = _size(data)
        if size <= most or room < LEAST:
            by = "layer" if hatched else "kind"
            picture = still_map(
                plot, kinds, sides, title=title, by=by, hatched=hatched, palette=palette
            )
            legend = _legend(plot, kinds, layers, by)
            nothing = _nothing(plot, bool(hatched))
            return MapSection(title, data, trusted(picture), nothing, legend, Places(plot))
        # What stands around names is only estimated; files of many layers in one folder take more.
        room = room * most // size * 19 // 20


def _legend(
    plot: Plot, kinds: Sequence[Kind], layers: Sequence[Any], by: str
) -> tuple[tuple[str, str], ...]:
    """The layers, or the kinds, that have any bytes in the map; the largest where they are many."""
    sums: dict[int, int] = {}
    for folder, _ in plot.walk():
        some: list[Leaf | Rest] = [*folder.leaves, *folder.rests]
        for one in some:
            which = one.layer_index if by == "layer" else one.kind
            sums[which] = sums.get(which, 0) + one.size
    largest = sorted((one for one in sums if sums[one]), key=lambda one: (-sums[one], one))
    kept = sorted(largest[:_LEGEND])
    left = len(largest) - len(kept)
    if by == "kind":
        return tuple((f"kind-{kinds[one].key}", kinds[one].label) for one in kept)
    told = [
        (layers[one]["colour"], f"{layers[one]['label']}: {layers[one]['instruction']}")
        if 0 <= one < len(layers)
        else ("layer-none", "no layer")
        for one in kept
    ]
    return (*told, *([("layer-none", f"{left} more layers")] if left else []))


def _nothing(plot: Plot, one_image: bool) -> str:
    """What is said where no file has any bytes to draw."""
    if plot.size:
        return ""
    if not sum(plot.counts):
        return "There are no files in it." if one_image else "No file differs in its content."
    return f"No file {'in it' if one_image else 'that differs'} has any bytes."


def _layers(image: ImageAnalysis, palette: Palette) -> list[dict[str, str]]:
    return [
        {
            "label": f"layer {layer.index}",
            "colour": palette.name(layer.index),
            "instruction": terminal(instruction_cell(image, layer).text[:_WORDS]),
        }
        for layer in image.layers
    ]
