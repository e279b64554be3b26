"""Colours that people with any kind of colour vision tell apart, and read black text on.

They are those of Paul Tol's *light* scheme, made for labelled cells (SRON technical note
SRON/EPS/TN/09-002, issue 3.2). Nothing is told by colour alone: what is dead is hatched as well,
and every picture has its legend or its labels.
"""

from __future__ import annotations

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
"""The layers of an image take these in turn, from the lowest; see :func:`layer_colour`."""

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


def layer_colour(layer_index: int) -> str:
    """The colour of a layer, :data:`NONE` for an index below 0."""
    return LAYERS[layer_index % len(LAYERS)] if layer_index >= 0 else NONE
