"""Elements of SVG, and text that keeps to its room although nobody knows the reader's font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from oci_inspect.render.escape import terminal
from oci_inspect.render.measure import display_width

SANS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"

ELLIPSIS = "…"
_LONGEST = 4000


def root(width: float, height: float, prefix: str, title: str, description: str) -> Element:
    """An ``<svg>`` that says in words what it shows. Element names have no prefix."""
    # Names are written plainly and the namespace as an attribute: ElementTree's own way needs a
    # table of prefixes that is global.
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": number(width),
            "height": number(height),
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "role": "img",
            "aria-labelledby": f"{prefix}title {prefix}desc",
            "font-family": SANS,
        },
    )
    SubElement(svg, "title", {"id": f"{prefix}title"}).text = shown(title)
    SubElement(svg, "desc", {"id": f"{prefix}desc"}).text = shown(description)
    return svg


def written(svg: Element) -> str:
    """The SVG as text: ASCII, with references for all else, so that no guess of encoding harms."""
    indent(svg, " ")
    data: bytes = tostring(svg, encoding="us-ascii", xml_declaration=False)
    return data.decode("ascii") + "\n"


def number(value: float) -> str:
    """A length with at most two digits behind the point."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shown(text: str) -> str:
    """Text from an archive as it may stand in XML; the writer escapes what is markup.

    What XML 1.0 cannot hold (section 2.2) is an escape afterwards, with all else that is not seen.
    """
    return terminal(text[:_LONGEST])


def rect(parent: Element, box: Sequence[float], look: Mapping[str, str]) -> Element:
    """A rectangle (x, y, width, height) with the attributes of ``look``."""
    names = ("x", "y", "width", "height")
    where = {name: number(value) for name, value in zip(names, box, strict=True)}
    return SubElement(parent, "rect", {**where, **look})


def path(parent: Element, line: str, look: Mapping[str, str]) -> Element:
    """A path along ``line``."""
    return SubElement(parent, "path", {"d": line, **look})


def text(
    parent: Element,
    at: tuple[float, float],
    words: str,
    size: float,
    room: float,
    look: Mapping[str, str],
    *,
    mono: bool = False,
    least: int = 3,
) -> float:
    """A line of text, cut to ``room``; how wide it is at most, 0 where not even a part fits."""
    line = fit(shown(words), size, room, mono=mono, least=least)
    if not line:
        return 0.0
    where = {"x": number(at[0]), "y": number(at[1]), "font-size": number(size)}
    if mono:
        where["font-family"] = MONO
    SubElement(parent, "text", {**where, **look}).text = line
    return text_width(line, size, mono=mono)


def text_width(words: str, size: float, *, mono: bool = False) -> float:
    """How wide a line is at most, in the fonts that are common; in the unit of ``size``."""
    widths = _mono_ems if mono else _ems
    return size * sum(widths(character) for character in words)


def fit(words: str, size: float, room: float, *, mono: bool = False, least: int = 3) -> str:
    """As much of a line as there is room for, with an ellipsis; none where that were too little.

    A line that is cut keeps ``least`` characters or more.
    """
    widths = _mono_ems if mono else _ems
    room /= size
    used, whole = 0.0, 0
    for position, character in enumerate(words):
        used += widths(character)
        if used > room:
            break
        if used + widths(ELLIPSIS) <= room:
            whole = position + 1
    else:
        return words
    cut = words[:whole].rstrip(" ")
    return cut + ELLIPSIS if len(cut) >= least else ""


# Of DejaVu Sans, the widest of the fonts that systems show when they have no better one.
_NARROW = frozenset("ijlI.,:;'|!()[]/\\ -")
_WIDE = frozenset("mMWw@%…—&+<>=~#")
_EMS = dict.fromkeys("rtf", 0.42) | dict.fromkeys('csz"`', 0.55) | dict.fromkeys("kvxy_*^", 0.6)


@cache
def _ems(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 1.0
    if character.isascii():
        return 0.74 if character.isupper() else _EMS.get(character, 0.63)
    return max(0.8, 1.1 * (display_width(character) - 1))


@cache
def _mono_ems(character: str) -> float:
    return 0.62 if character.isascii() else 0.62 * max(1, display_width(character)) + 0.1
