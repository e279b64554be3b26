"""``oci-inspect cat``."""

from __future__ import annotations

from contextlib import nullcontext

import click

from oci_inspect.cli.options import Common, common
from oci_inspect.cli.viewing import choose, telling_where, view_options


@common(
    example="oci-inspect cat image.tar /etc/passwd",
    quiet="No difference: only the content is printed.",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@view_options(deleted=False)
def command(common: Common, paths: tuple[str, ...], layer: int | None, up_to: int | None) -> int:
    """Print files of an image, one behind the other, byte for byte.

    From the merged tree, or with --layer from any layer, also what a later one deleted. Symbolic
    links are followed as a container would. On a terminal, what would drive it is escaped. The
    layer is not verified: 'verify' does that.
    """
    from oci_inspect.cli import session
    from oci_inspect.paths import path_bytes

    choice = choose(layer, up_to)
    with session.looking(common, files=True, layer=layer, up_to=up_to) as (_, stack):
        tree = stack.tree(up_to=choice.up_to, layer=choice.layer)
        where = nullcontext() if layer is not None else telling_where(stack)
        with where:
            found = [tree.resolve(path_bytes(path)) for path in paths]
        for one in found:
            tree.check_file(one)
        # One at a time: each may hold a decompressor.
        session.emit_contents(common, (tree.content(one.node, one.path) for one in found))
    return session.seen(stack)
