"""A page of nothing but a map, under the Content-Security-Policy of the report's."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import oci_inspect
from oci_inspect.picture.pieces import DIFFERENCE_KINDS, IMAGE_KINDS, Kind, Piece
from oci_inspect.picture.plot import plant
from oci_inspect.render.html.map_data import map_data, name_cost

ASSETS = Path(oci_inspect.__file__).parent / "render" / "html" / "assets"
SCRIPTS = (
    *("squarify.js", "map_data.js", "map_layout.js", "map_panels.js", "map_tiles.js"),
    *("map.js", "search.js"),
)
FILE = ord("f")
FOLDER = ord("d")
COLOURS = """:root { --bg: #fff; --surface: #fff; --surface-2: #f3f4f6; --text: #1b1f24;
--muted: #59636e; --line: #d5d9de; --accent: #0b5cad; --focus: #0b5cad; --dead: #333;
--radius: 4px; --space: .5rem }
@media (prefers-color-scheme: dark) { :root { --bg: #14171b; --surface: #1b1f24;
--surface-2: #22272e; --text: #e6e9ed; --muted: #9aa4af; --line: #3a424c; --accent: #6cb0f5;
--focus: #6cb0f5 } }
body { margin: 0; padding: .75rem; font: 1rem/1.5 sans-serif; background: var(--bg);
color: var(--text) } a { color: var(--accent) }
.layer-0 { --tile: #77aadd } .layer-1 { --tile: #ee8866 } .layer-2 { --tile: #eedd88 }
.kind-live { --tile: #dddddd } .kind-deleted { --tile: #ee8866 }"""


def file(path: str, size: int, layer: int = 0, kind: int = 0) -> Piece:
    """A file as a picture has it; kind 0 is live, 1 deleted, 3 overwritten."""
    return Piece(path.encode(), size, layer, kind, FILE)


def data_of(
    pieces: Iterable[Piece],
    *,
    room: int = 4_000_000,
    kinds: Sequence[Kind] = IMAGE_KINDS,
    sides: tuple[str, str] = ("live", "dead"),
    layers: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """The data of a map of pieces."""
    kept = list(pieces)
    if layers is None:
        layers = [
            {
                "label": f"layer {i}",
                "colour": f"layer-{i % 8}",
                "instruction": f"RUN step {i}",
                "index": i,
            }
            for i in range(12)
        ]
    return map_data(plant(lambda: kept, kinds, room, name_cost), kinds, sides, layers)


def difference_data(pieces: Iterable[Piece]) -> dict[str, Any]:
    """The data of a map of two images; kind 0 is only in A, 2 only in B."""
    layers = [
        [
            {"label": f"layer {i}", "colour": f"layer-{i}", "instruction": f"COPY {side}"}
            for i in (0, 1)
        ]
        for side in "AB"
    ]
    return data_of(pieces, kinds=DIFFERENCE_KINDS, sides=("only in A", "only in B"), layers=layers)


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def map_page(data: dict[str, Any], above: str = "", below: str = "") -> str:
    """The page, with other HTML above and below the map."""
    style = COLOURS + (ASSETS / "map.css").read_text()
    script = "\n".join((ASSETS / name).read_text() for name in SCRIPTS)
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>a map</title>
<style>{style}</style></head><body><main><h1>A map</h1>{above}<section id="search" hidden></section>
<section id="map" class="map" aria-labelledby="map-title"><h2 id="map-title">Map</h2>
<div class="map-still"><p>still</p></div>
<script type="application/json" id="map-data">{text}</script></section>{below}</main>
<script>{script}</script></body></html>"""
