"""The lines of ``tree``: folders with their sizes, the largest first, small things folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from oci_inspect.filesystem.sizing import SizeNode
from oci_inspect.layer.entries import DIRECTORY, SYMLINK, TYPE_NAMES
from oci_inspect.paths import path_text
from oci_inspect.render.escape import terminal
from oci_inspect.render.json import path_keys
from oci_inspect.render.json_base import Json, Later
from oci_inspect.render.listing import remark
from oci_inspect.render.measure import cut_end, display_width
from oci_inspect.render.sizes import bar, human_size, plural
from oci_inspect.render.style import Style

_PALETTE = ("36", "35", "32", "31", "94", "33", "96", "95", "92", "91")


class _Line(NamedTuple):
    stem: str
    size: int
    layer: int | None
    layers: str
    name: str
    plain: bool = True


def layer_color(layer: int | None) -> str | None:
    """The colour of a layer: neighbours differ."""
    return None if layer is None else _PALETTE[layer % len(_PALETTE)]


class SizeTree:
    """Makes the lines. ``most`` children of a folder are shown, None for all."""

    def __init__(self, style: Style, depth: int, most: int | None) -> None:
        self._style = style
        self._depth = depth
        self._wide = 10 if style.width is None or style.width >= 60 else 4
        self._most = most
        self._branch, self._last, self._bar, self._blank = (
            ("├── ", "└── ", "│   ", "    ") if style.unicode else ("|-- ", "`-- ", "|   ", "    ")
        )

    def lines(self, root: SizeNode) -> Iterator[str]:
        """A header, the root, and what is below it."""
        wide, layers = 4, 5
        for row in self._rows(root):  # twice: a million of them are not kept
            wide = max(wide, len(human_size(row.size)))
            layers = max(layers, len(row.layers))
        yield self._paint(f"{'SIZE':>{wide}}  {'':{self._wide}}  {'LAYER':>{layers}}  PATH", "2")
        whole = root.size or 1
        for row in self._rows(root):
            size = human_size(row.size)
            color = layer_color(row.layer)
            plain, _ = bar(row.size / whole, 0, self._wide, self._style.unicode)
            cells = display_width(plain)
            drawn = self._paint(plain, color) + " " * (self._wide - cells)
            front = f"{size:>{wide}}  {drawn}  {row.layers:>{layers}}  "
            stem = self._paint(row.stem, "2")
            room = self._room(wide + self._wide + layers + 6 + len(row.stem))
            name = self._safe(row.name)
            name = name if room is None else cut_end(name, room, "…" if self._ascii else "...")
            yield front + stem + self._paint(name, color if row.plain else "2")

    def _rows(self, root: SizeNode) -> Iterator[_Line]:
        yield _Line("", root.size, root.layer, _layers(root), "/" + path_text(root.name))
        yield from self._below(root, "", self._depth)

    @property
    def _ascii(self) -> bool:
        return self._style.unicode

    def _room(self, used: int) -> int | None:
        return None if self._style.wide else max(8, (self._style.width or 80) - used)

    def _below(self, node: SizeNode, stem: str, depth: int) -> Iterator[_Line]:
        if not depth:
            return
        children = node.sorted()
        shown, folded = self._folded(children, node.folded[0])
        count = len(folded) + node.folded[0]
        for i, child in enumerate(shown):
            last = i == len(shown) - 1 and not count
            name = path_text(child.name) + _suffix(child)
            yield _Line(
                stem + (self._last if last else self._branch),
                child.size,
                child.layer,
                _layers(child),
                name,
            )
            yield from self._below(child, stem + (self._blank if last else self._bar), depth - 1)
        if count:
            size = sum(one.size for one in folded) + node.folded[1]
            name = f"{count:,} smaller" if size else f"{count:,} empty"
            yield _Line(stem + self._last, size, None, "", name, plain=False)

    def _folded(self, children: list[SizeNode], gone: int) -> tuple[list[SizeNode], list[SizeNode]]:
        """What is shown, and what is folded into one line: never a single thing.

        ``gone`` are how many were folded before.
        """
        most = len(children) if self._most is None else self._most
        if len(children) + gone <= most + 1:
            return children, []
        return children[:most], children[most:]

    def _safe(self, text: str) -> str:
        return terminal(text, ascii_only=not self._style.unicode)

    def _paint(self, text: str, code: str | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._style.color and code and text else text


def _suffix(node: SizeNode) -> str:
    item = node.item
    text = "/" if node.is_folder else ""
    if item is not None and item.kind == SYMLINK and item.entry is not None:
        text += f" -> {path_text(item.entry.linkname)}"
    if node.is_folder and node.files:
        text += f"  {plural(node.files, 'file')}"
    said = "" if item is None else remark(item)
    return f"{text}  ({said})" if said else text


def _layers(node: SizeNode) -> str:
    """The layer with most of the bytes, with a mark where others have some too."""
    if node.layer is None:
        return "-"
    return f"{node.layer}+" if len(node.layers) > 1 else str(node.layer)


class Below(Later):
    """A node of ``tree --format json``, with its children down to ``depth`` levels.

    ``prefix`` is the path of what it is in, with a slash behind it unless that is the root.
    """

    __slots__ = ("_depth", "_node", "_prefix")

    def __init__(self, node: SizeNode, prefix: bytes, depth: int) -> None:
        self._node = node
        self._prefix = prefix
        self._depth = depth

    def document(self) -> Json:
        """The node as JSON has it; its children are written one by one."""
        node = self._node
        path = self._prefix + node.name
        prefix = path + b"/" if path else b""
        layers = node.layers
        children = node.sorted() if self._depth else ()
        return {
            **path_keys(path),
            "type": _type(node),
            "size": node.size,
            "files": node.files,
            "layer_index": node.layer,
            "layers": [{"layer_index": one, "size": layers[one]} for one in sorted(layers)],
            "children": [Below(one, prefix, self._depth - 1) for one in children],
        }


def _type(node: SizeNode) -> str:
    if node.item is not None and node.item.deletion is not None:
        return node.item.deletion.value
    return TYPE_NAMES[DIRECTORY if node.kind is None else node.kind]
