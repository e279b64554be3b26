"""``oci-inspect ls``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from oci_inspect.cli.options import Common, common
from oci_inspect.cli.viewing import View, choose, view_options, viewing

if TYPE_CHECKING:
    from oci_inspect.filesystem.items import Item


@common(
    "table",
    "json",
    "jsonl",
    "csv",
    example="oci-inspect ls -l image.tar /etc",
    quiet="Names alone, one a line.",
)
@click.argument("path", default="")
@click.option("-l", "--long", is_flag=True, help="Modes, owners, sizes, times and layers as well.")
@click.option("-b", "--bytes", "exact", is_flag=True, help="With -l: sizes in bytes.")
@click.option("-R", "--recursive", is_flag=True, help="All that is below as well.")
@click.option("-n", "--numeric", is_flag=True, help="With -l: numbers of owners, no names.")
@view_options(deleted=True)
def command(
    common: Common,
    path: str,
    long: bool,
    exact: bool,
    recursive: bool,
    numeric: bool,
    layer: int | None,
    up_to: int | None,
    deleted: bool,
) -> int:
    """List the files of an image: of the merged tree, or of one layer.

    PATH is a folder or a file in the image, by default the root; symbolic links are followed as a
    container would. JSON, JSON lines and CSV have everything below it. Layers are not verified:
    'verify' does that.
    """
    from oci_inspect.cli import session

    with viewing(common, path, choose(layer, up_to, deleted)) as view:
        if common.format != "table":
            _for_machines(common, view)
        else:
            _for_people(common, view, long, exact, recursive or deleted, numeric)
    return session.seen(view.stack)


def _for_machines(common: Common, view: View) -> None:
    from oci_inspect.cli import session
    from oci_inspect.render import entries

    documents = map(entries.item_document, view.items())
    if common.format == "json":
        pieces = entries.json_pieces(view.head("ls"), "entries", documents)
    elif common.format == "jsonl":
        pieces = entries.json_lines(documents)
    else:
        pieces = entries.csv_lines(documents)
    session.emit_pieces(common, pieces)


def _for_people(
    common: Common, view: View, long: bool, exact: bool, recursive: bool, numeric: bool
) -> None:
    from oci_inspect.cli import session
    from oci_inspect.render.listing import Listing

    style = session.style_of(common)
    items = view.items if recursive else _children(view)
    shown = _whole if recursive or view.is_leaf else _last
    listing = Listing(style, view.owners(numeric) if long else None, shown, exact=exact)
    if common.quiet:
        session.emit_lines(common, listing.short_plain(items()))
    elif long:
        session.emit_lines(common, listing.long(items))
    elif view.merged and not recursive and session.goes_to_terminal(common) and style.width:
        session.emit_lines(common, listing.grid(list(items()), style.width))
    else:
        session.emit_lines(common, listing.short(items()))


def _children(view: View) -> Callable[[], Iterable[Item]]:
    """The items of one folder, or the one that is none."""
    from oci_inspect.filesystem.items import item_of
    from oci_inspect.filesystem.tree import Folder

    top, tree = view.top, view.tree
    if top is not None and isinstance(top.node, Folder):
        folder, prefix = top.node, top.path + b"/" if top.path else b""
        return lambda: (
            item_of(tree, tree.located(prefix + name, folder[name])) for name in sorted(folder)
        )
    if top is not None:
        return view.items
    return lambda: (
        item
        for item in view.items()
        if item.path == view.path or item.path.rpartition(b"/")[0] == view.path
    )


def _last(item: Item) -> bytes:
    return item.path.rpartition(b"/")[2] or b"/"


def _whole(item: Item) -> bytes:
    return b"/" + item.path
