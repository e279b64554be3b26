"""``report``: all that is known of one image, as one page."""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect._version import __version__
from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.findings import Finding
from oci_inspect.render.html.bars import colour_rules, layer_bar
from oci_inspect.render.html.blocks import MOST_ROWS, Blocks, ShownBlock
from oci_inspect.render.html.map_section import image_map, page_with_map
from oci_inspect.render.html.overview import overview
from oci_inspect.render.html.steps import shown_steps
from oci_inspect.render.html.tables import LAYER_HEADERS, finding_groups, layer_rows
from oci_inspect.render.html.templating import need_jinja, render_page
from oci_inspect.render.sizes import human_size
from oci_inspect.render.views.base import own_line
from oci_inspect.render.views.common import title, waste_line, waste_table
from oci_inspect.render.views.identity import identity_facts
from oci_inspect.render.views.inspection import run_blocks
from oci_inspect.render.views.waste import reason_table, wasteful_layers

_SECTIONS = (
    ("search", "Search"),
    ("map", "Map"),
    ("waste", "Waste"),
    ("layers", "Layers"),
    ("dockerfile", "Dockerfile"),
    ("findings", "Findings"),
    ("config", "Config"),
    ("identity", "Identity"),
)
UNREAD = "Not all layers could be read: figures are lower bounds."
"""What is said near every picture of an image that is not complete."""
_LINKS = {"LAYER": "layer-", "GONE IN LAYER": "layer-", "STEP": "step-"}


def report_html(
    image: ImageAnalysis, archive: ArchiveInfo, findings: Sequence[Finding] = ()
) -> str:
    """One HTML page on an image: a file that opens anywhere and asks nobody for anything.

    ``findings`` are those about the archive itself. The same image gives the same page. Raises
    :class:`~oci_inspect.MissingPackageError` where Jinja2 is not installed.
    """
    need_jinja()
    bar = layer_bar(image)
    blocks = Blocks(_LINKS)
    names = {
        "name": title(image),
        "version": __version__,
        "sections": _SECTIONS,
        "first": overview(image, archive, findings),
        "bar": bar,
        "map_notes": () if image.complete else (UNREAD,),
        "incomplete": "" if image.complete else UNREAD,
        "duplicates": human_size(image.totals.duplicate_bytes)
        if image.totals.duplicate_bytes
        else "",
        "waste_line": waste_line(image, nothing="No dead files"),
        "own_line": own_line(image),
        "waste": _waste(image, blocks),
        "layers": layer_rows(image),
        "layer_headers": LAYER_HEADERS,
        "history": shown_steps(image),
        "findings": finding_groups(image, findings),
        "config": blocks.all(run_blocks(image.image)),
        "identity": blocks.one(identity_facts(image, archive)),
    }
    css = f"{colour_rules()}\n{bar.css}"
    return page_with_map(
        lambda section, longest: render_page(
            "report.html", css, longest, **names, **section.names()
        ),
        lambda room: image_map(image, room),
    )


def _waste(image: ImageAnalysis, blocks: Blocks) -> list[ShownBlock]:
    left = image.worst[MOST_ROWS:]
    caption = ""
    if left:
        rest = human_size(sum(one.size for one in left))
        caption = f"{len(left):,} more, {rest}: 'oci-inspect waste --all' lists them"
    tables = [waste_table(image, image.worst[:MOST_ROWS], "Worst", caption)]
    if image.waste:
        tables += [reason_table(image), wasteful_layers(image)]
    return blocks.all(tables)
