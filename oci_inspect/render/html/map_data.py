"""The data of a map in a page: a plot as JSON, flat, so that no depth of folders matters.

    {"sides": ["live", "dead"],
     "kinds": [{"key": "live", "label": "live", "side": 0}, ...],
     "layers": [{"label": "layer 0", "colour": "layer-3", "instruction": "ADD ..."}, ...],
     "folders": [[parent, name, groups, rests], ...]}

``layers`` are two lists, one for each side, where two images are compared; ``colour`` is a class.
A folder's ``parent`` is its index in the list, always a lower one; the first is the root, with
parent -1 and no name. A group is ``[layer, kind, type, names, sizes]``: names in one text with a
``/`` between, which no name can hold, and a size in bytes for each; ``type`` is a letter (``f``
regular file, ``l`` symbolic link, ``h`` hard link, ``c``, ``b``, ``p``). A rest is ``[kind, layer,
paths, size]``: smaller things, folded. All text is safe to show: what a terminal would act upon is
escaped in it already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from oci_inspect.paths import path_text
from oci_inspect.picture.pieces import Kind
from oci_inspect.picture.plot import Leaf, Plot
from oci_inspect.render.escape import terminal

_PLAIN = re.compile(rb"[\w.+,=@~% -]*", re.ASCII).fullmatch
_ESCAPED = re.compile("[<>&]").findall
_LIKE_ESCAPE = re.compile(r"\\(?=x[0189a-f]|x7f|x5c|x3a:|x23\[|[uUtnr])").match


def shown_name(name: bytes) -> str:
    r"""A name as it stands in a page: text, with escapes for what would not be seen.

    A backslash that would read as the beginning of such an escape is one itself (``\x5c``): no two
    names read the same, as a page knows files by nothing but their names.
    """
    if b"\\" not in name:
        return terminal(path_text(name))
    first, *others = (terminal(path_text(part)) for part in name.split(b"\\"))
    literal = (f"\\x5c{one}" if _LIKE_ESCAPE(f"\\{one}") else f"\\{one}" for one in others)
    return first + "".join(literal)


def name_cost(name: bytes) -> int:
    """How many bytes a name takes in the JSON of a page."""
    if _PLAIN(name):
        return len(name)
    text = shown_name(name)
    return len(text.encode()) + sum(text.count(one) for one in '\\"') + 5 * len(_ESCAPED(text))


def map_data(
    plot: Plot, kinds: Sequence[Kind], sides: Sequence[str], layers: Sequence[Any]
) -> dict[str, Any]:
    """The data of a map; ``layers`` is what the page knows of the layers, as JSON has it."""
    numbers: dict[int, int] = {}
    folders: list[list[Any]] = []
    for number, (one, parent) in enumerate(plot.walk()):
        numbers[id(one)] = number
        above = -1 if parent is None else numbers[id(parent)]
        rests = [[rest.kind, rest.layer_index, rest.paths, rest.size] for rest in one.rests]
        folders.append([above, shown_name(one.name), _groups(one.leaves), rests])
    return {
        "sides": list(sides),
        "kinds": [{"key": one.key, "label": one.label, "side": one.side} for one in kinds],
        "layers": list(layers),
        "folders": folders,
    }


def _groups(leaves: Sequence[Leaf]) -> list[list[Any]]:
    def key(leaf: Leaf) -> tuple[int, int, int]:
        return leaf.layer_index, leaf.kind, leaf.type

    groups = []
    for (layer, kind, type_), some in groupby(sorted(leaves, key=key), key):
        same = list(some)
        names = "/".join(shown_name(leaf.name) for leaf in same)
        groups.append([layer, kind, chr(type_), names, [leaf.size for leaf in same]])
    return groups
