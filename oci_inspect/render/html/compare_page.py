"""``compare --format html``: two images side by side, as one page."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from oci_inspect._version import __version__
from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.comparison.results import Comparison, LayerPair, Match, Transfer
from oci_inspect.filesystem.comparing import Turn
from oci_inspect.picture.colours import image_palette
from oci_inspect.render.blocks import Facts, Heading, Role
from oci_inspect.render.html.bars import LayerBar, colour_rules, layer_bar
from oci_inspect.render.html.blocks import MOST_ROWS, Blocks, Shown, ShownBlock
from oci_inspect.render.html.map_section import difference_map, page_with_map
from oci_inspect.render.html.overview import Badge, Tile
from oci_inspect.render.html.report_page import UNREAD
from oci_inspect.render.html.templating import need_jinja, render_page
from oci_inspect.render.sizes import human_size, plural
from oci_inspect.render.views.common import title
from oci_inspect.render.views.compare import compare_view, verdict_line
from oci_inspect.render.views.compare_files import signed

_SECTIONS = {
    "Side by side": ("sides", "Side by side"),
    "Config": ("config", "Config"),
    "Layers, bottom to top": ("layers", "Layers"),
    "Same instruction, other bytes": ("rebuilds", "Rebuilds"),
    "To make them the same": ("advice", "Advice"),
    "Growth by folder": ("folders", "Folders"),
    "Files, by growth": ("files", "Files"),
}
"""Where each table of the view is, and what leads there."""
FIRST = "first that differs"
_MATCHES = {Match.CHAIN_ID: "same", Match.DIFF_ID: "same tar"}


def compare_html(found: Comparison, archives: tuple[ArchiveInfo, ArchiveInfo]) -> str:
    """One HTML page on what is the same in two images and what is not; see :func:`report_html`.

    ``archives`` are those of the first and the second image. Raises
    :class:`~oci_inspect.MissingPackageError` where Jinja2 is not installed.
    """
    need_jinja()
    view = compare_view(found, (archives[0].path, archives[1].path), MOST_ROWS)
    blocks = Blocks()
    facts = next(one for one in view if isinstance(one, Facts))
    tables = [
        _placed(blocks.one(one))
        for one in view
        if one is not facts and not isinstance(one, Heading)
    ]
    bars = _bars(found, tables)
    names = {
        "name": f"{title(found.before)} compared with {title(found.after)}",
        "version": __version__,
        "sections": (
            ("search", "Search"),
            ("map", "Map"),
            *(_SECTIONS[one.title] for one in tables if one.title in _SECTIONS),
        ),
        "sides": (title(found.before), title(found.after)),
        "badge": _badge(found),
        "map_notes": _map_notes(found),
        "incomplete": "" if found.complete else UNREAD,
        "tiles": _tiles(found, {one.id for one in tables}),
        "bars": bars,
        "facts": blocks.one(Facts(facts.pairs)),
        "tables": tables,
    }
    css = "\n".join((colour_rules(), *(one.css for one in bars)))
    return page_with_map(
        lambda section, longest: render_page(
            "compare.html", css, longest, **names, **section.names()
        ),
        lambda room: difference_map(found, room),
    )


def _placed(block: ShownBlock) -> ShownBlock:
    place = _SECTIONS.get(block.title)
    if place is None:
        return block
    block = replace(block, id=place[0])
    return _with_anchors(block) if block.id == "layers" else block


def _badge(found: Comparison) -> Badge:
    line = verdict_line(found)
    if not found.complete:
        return Badge("INCOMPLETE", line, Role.ERROR.value)
    words = "the same" if found.same else "different"
    doubtful = [
        side
        for side, image in zip("AB", (found.before, found.after), strict=True)
        if not image.verified
    ]
    if doubtful:
        verb = "is" if len(doubtful) == 1 else "are"
        words += f", but {' and '.join(doubtful)} {verb} not verified"
        return Badge(words, line, Role.ERROR.value)
    role = Role.OK if found.same and found.proven else Role.WARNING
    return Badge(words, line, role.value)


def _map_notes(found: Comparison) -> tuple[str, ...]:
    """What is said above the map."""
    notes = [] if found.complete else [UNREAD]
    if any(one.content for one in found.files.differences):
        notes.append(
            "This is what a container sees. The growth of the image also counts the dead bytes of "
            "its layers, which no container can reach."
        )
    return tuple(notes)


def _tiles(found: Comparison, places: Container[str]) -> tuple[Tile, ...]:
    """The figures; each leads to one of ``places``, or to where both images stand side by side."""

    def link(place: str) -> str:
        return f"#{place}" if place in places else "#sides"

    differences = found.files.differences
    counts = [
        f"{count:,} {turn.value}"
        for turn in Turn
        if (count := sum(one.turn is turn for one in differences))
    ]
    old, new = found.before.totals.file_bytes, found.after.totals.file_bytes
    shared, layers = found.shared.by_chain_id, len(found.after.layers)
    broken = found.cache
    return (
        Tile("Paths that differ", f"{len(differences):,}", ", ".join(counts) or "none", "#map"),
        Tile(
            "Growth",
            signed(new - old),
            f"from {human_size(old)} to {human_size(new)}, dead bytes included",
            link("folders"),
            f"{new - old:+,} bytes",
        ),
        Tile("Config", f"{len(found.config):,}", "settings that differ", link("config")),
        Tile(
            "Shared layers",
            f"{shared.layers} of {layers}",
            f"{human_size(shared.file_bytes)} of B" if shared.layers else "none of B's layers",
            "#layers",
        ),
        Tile(
            "First that differs",
            "none" if broken is None else f"layer {broken.layer_index}",
            "" if broken is None else broken.reason.value.replace("-", " "),
            "#layers",
        ),
        _push(found.push),
    )


def _push(one: Transfer) -> Tile:
    about = "at least " if one.unknown else "about " if one.estimated else ""
    detail = f"{about}{plural(len(one.layers), 'layer')}, to a registry that has A"
    return Tile("Push of B", human_size(one.size), detail, "#facts", f"{one.size:,} bytes")


def _anchors(tables: Sequence[ShownBlock]) -> dict[str, str]:
    """Where each layer's row is, by the name of its segment; see :func:`_with_anchors`."""
    found: dict[str, str] = {}
    for one in tables:
        for cell in (cell for row in one.rows for cell in row if cell.id):
            side, _, span = cell.id.removeprefix("layer-").partition("-")
            first, _, last = span.partition("-")
            found |= {
                f"bar-{side}-{index}": f"#{cell.id}"
                for index in range(int(first), int(last or first) + 1)
            }
    return found


def _with_anchors(block: ShownBlock) -> ShownBlock:
    """The table of layers, in which the numbers of A and of B are what a link may lead to."""

    def marked(row: tuple[Shown, ...]) -> tuple[Shown, ...]:
        sides = zip("ab", row[:2], strict=True)
        return (
            *(
                replace(cell, id=f"layer-{side}-{cell.text}" if cell.text else "")
                for side, cell in sides
            ),
            *row[2:],
        )

    return replace(block, rows=tuple(map(marked, block.rows)))


def _bars(found: Comparison, tables: Sequence[ShownBlock]) -> tuple[LayerBar, LayerBar]:
    images = found.before, found.after
    whole = max(sum(layer.file_bytes for layer in one.layers) for one in images)
    anchors = _anchors(tables)
    colours = image_palette(*images)

    def bar(side: str, image: ImageAnalysis, indexes: Sequence[int | None]) -> LayerBar:
        return layer_bar(
            image,
            f"bar-{side}",
            anchor="#layers",
            anchors=anchors,
            whole=whole,
            notes=_notes(found, indexes, len(image.layers)),
            palette=colours,
        )

    return (
        bar("a", found.before, [one.before for one in found.layers]),
        bar("b", found.after, [one.after for one in found.layers]),
    )


def _notes(found: Comparison, indexes: Sequence[int | None], count: int) -> list[str]:
    """A word on each layer of one side; ``indexes`` are the pairs' layers of that side."""
    notes = ["differs"] * count
    for pair, index in zip(found.layers, indexes, strict=True):
        if index is not None:
            notes[index] = _word(pair)
    if found.cache is not None and found.cache.layer_index < count:
        notes[found.cache.layer_index] = FIRST
    return notes


def _word(pair: LayerPair) -> str:
    if pair.before is None or pair.after is None:
        return "only in B" if pair.before is None else "only in A"
    return _MATCHES.get(pair.match, "differs") if pair.match is not None else "differs"
