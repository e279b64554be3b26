"""``oci-inspect tree``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from oci_inspect.cli.options import Common, at_least_one, common, top_option
from oci_inspect.cli.viewing import View, choose, view_options, viewing

if TYPE_CHECKING:
    from oci_inspect.filesystem.items import Item

DEEPEST = 200
"""Levels that can be asked for."""


@common(
    "table",
    "json",
    example="oci-inspect tree --depth 3 image.tar",
    quiet="No header.",
)
@click.argument("path", default="")
@click.option(
    "--depth",
    type=int,
    callback=at_least_one,
    default=2,
    show_default=True,
    metavar="N",
    help="Levels of folders to show.",
)
@top_option("How many of the largest to show in each folder.")
@click.option("--all", "everything", is_flag=True, help="Fold nothing.")
@view_options(deleted=True)
def command(
    common: Common,
    path: str,
    depth: int,
    top: int,
    everything: bool,
    layer: int | None,
    up_to: int | None,
    deleted: bool,
) -> int:
    """Show where the bytes are: folders with their sizes, the largest first.

    LAYER is the layer that holds the bytes, or most of them where a + stands behind it; bars and
    names have its colour. A file with several names is counted at its first. With --deleted, the
    bytes that are stored and cannot be reached.
    """
    from oci_inspect.cli import session
    from oci_inspect.filesystem.sizing import add_up

    if depth > DEEPEST:
        raise click.BadParameter(f"{depth} is more than {DEEPEST}", param_hint="--depth")
    with viewing(common, path, choose(layer, up_to, deleted)) as view:
        weigh = _unreachable(view) if deleted else None
        some = view.merged and common.format == "table" and not everything
        root = add_up(view.items(), view.path, depth, weigh, top if some else None)
        if common.format == "json":
            from oci_inspect.render.tree import Below

            told = Below(root, b"", depth)
            session.show_json(common, {**view.head("tree"), "depth": depth, "tree": told})
        else:
            from oci_inspect.render.tree import SizeTree

            style = session.style_of(common)
            lines = SizeTree(style, depth, None if everything else top).lines(root)
            if common.quiet:
                next(lines)
            session.emit_lines(common, lines)
    return session.seen(view.stack)


def _unreachable(view: View) -> Callable[[Item], int]:
    """The bytes of an item that nothing leads to any more, each inode once."""
    seen: set[int] = set()

    def weigh(item: Item) -> int:
        if item.lost is None or item.lost.reference < 0 or item.lost.reference in seen:
            return 0
        seen.add(item.lost.reference)
        layer, row = view.tree.locate(item.lost.reference)
        return 0 if view.tree.live[layer][row] else item.size

    return weigh
