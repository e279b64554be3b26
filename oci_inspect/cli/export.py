"""``oci-inspect export``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, common
from oci_inspect.cli.viewing import choose


@common(
    text=False,
    example="oci-inspect export image.tar -o rootfs.tar",
    quiet="Do not tell how far it is.",
)
@click.option(
    "--layer",
    type=int,
    metavar="N",
    help="Only layer N, as if there were no other; 0 is the lowest, -1 the highest.",
)
@click.option("--up-to", type=int, metavar="N", help="Only layers 0 to N.  [default: all]")
def command(common: Common, layer: int | None, up_to: int | None) -> int:
    """Write the merged root file system as one tar, the same bytes every time.

    It is what a container made of the image would begin with, as 'docker export' gives it: modes,
    numeric owners, times, hard links, devices, extended attributes, and sparse files; the names in
    each folder are sorted. It is in the pax format; GNU tar needs --xattrs to unpack extended
    attributes.

    What a compressed layer has in another order waits in memory and in a temporary file (TMPDIR
    says where). An image that cannot be read to its end is not exported: exit 3, and nothing is
    written.
    """
    from oci_inspect.cli import session
    from oci_inspect.cli.progress import progress_line
    from oci_inspect.errors import ArchiveError
    from oci_inspect.exporting import export_tar

    choice = choose(layer, up_to)
    if session.goes_to_terminal(common):
        raise click.UsageError("standard output is a terminal: use -o FILE, or a pipe")
    with session.looking(common, files=True, layer=layer, up_to=up_to) as (archive, stack):
        tree = stack.tree(up_to=choice.up_to, layer=choice.layer)
        if stack.problems:
            raise ArchiveError(archive.info.path, f"{stack.problems[0]}: it is not exported")
        with session.binary_output(common) as write:
            with progress_line(quiet=common.quiet) as progress:
                export_tar(tree, write, progress)
            archive.check_unchanged()
        session.tell_left_out(stack)
    return 0
