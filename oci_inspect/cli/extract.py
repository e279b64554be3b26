"""``oci-inspect extract``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from oci_inspect.cli import EXIT_INPUT, EXIT_NO
from oci_inspect.cli.options import Common, common, parse_limits
from oci_inspect.cli.viewing import telling_where

if TYPE_CHECKING:
    from oci_inspect.extraction.results import Extraction
    from oci_inspect.filesystem.tree import UnionTree
    from oci_inspect.looking import LayerStack
    from oci_inspect.progress import Progress


@common(
    "table",
    "json",
    example="oci-inspect extract image.tar 'site/*.html' data -C out",
    quiet="No summary, unless something failed.",
)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "-C",
    "--directory",
    metavar="DIR",
    help="The folder to write below; it is made.  [default: the current one, with PATH]",
)
@click.option("--layer", type=int, metavar="N", help="One layer alone, with what others delete.")
@click.option("--up-to", type=int, metavar="N", help="The layers up to N, merged.")
@click.option("-L", "--dereference", is_flag=True, help="Follow a PATH that is a symbolic link.")
@click.option("--force", is_flag=True, help="Replace files and links that are there already.")
@click.option(
    "--special",
    is_flag=True,
    help="Make devices and FIFOs as well, and keep set-user-ID bits, of files that are now yours.",
)
@click.option(
    "--same-owner",
    is_flag=True,
    help="Restore owners, set-user-ID bits and extended attributes. Only root can.",
)
def command(
    common: Common,
    paths: tuple[str, ...],
    directory: str | None,
    layer: int | None,
    up_to: int | None,
    **options: bool,
) -> int:
    """Write files of an image to a folder.

    PATH is a file, a folder with all below it, or a pattern: * and ? and [..] stand for characters
    of one part of a path, ** for any number of parts. Without PATH everything is written. Each file
    lands at its full path in the image below DIR, with its mode and time, hard links and holes.

    Nothing outside of DIR is written to, whatever the image holds, and nothing that is there is
    replaced without --force. Files appear whole or not at all. A PATH that is not there is exit
    code 1, and so is a file that could not be written.
    """
    from oci_inspect.cli import session
    from oci_inspect.cli.progress import progress_line
    from oci_inspect.errors import ArchiveError

    if layer is not None and up_to is not None:
        raise click.UsageError("--layer and --up-to exclude each other")
    if directory is None and not paths:
        raise click.UsageError("name the folder to write everything to: -C DIR")
    with session.looking(common, files=True, layer=layer, up_to=up_to) as (archive, stack):
        tree = stack.tree(up_to=up_to, layer=layer)
        if stack.problems:
            alone = layer is not None or len(stack) == 1
            hint = None if alone else "--layer N takes one layer alone"
            raise ArchiveError(archive.info.path, stack.problems[0], hint)
        where = nullcontext() if layer is not None else telling_where(stack)
        with where, progress_line(quiet=common.quiet) as progress:
            result = _extract(common, tree, directory or ".", paths, options, progress)
        session.tell_left_out(stack)
    _show(common, archive.info, stack, result)
    if result.damaged:
        return EXIT_INPUT
    return session.seen(stack) or (0 if result.ok else EXIT_NO)


def _extract(
    common: Common,
    tree: UnionTree,
    directory: str,
    paths: tuple[str, ...],
    options: dict[str, bool],
    progress: Progress,
) -> Extraction:
    from oci_inspect.extraction.extracting import extract

    follow = options.pop("dereference")
    limits = parse_limits(common.limits)
    return extract(
        tree, directory, paths or None, follow=follow, limits=limits, progress=progress, **options
    )


def _show(common: Common, info: Any, stack: LayerStack, result: Extraction) -> None:
    from oci_inspect.cli import session

    if common.format == "json":
        from oci_inspect.render.extraction import extract_document

        session.show_json(common, extract_document(info, stack.image, result))
    elif not (common.quiet and result.ok):
        from oci_inspect.render.views import extract_view

        session.show(common, extract_view(result))
