"""``oci-inspect images``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect images - < image.tar",
    quiet="Only image IDs, as docker image ls -q prints them.",
)
@click.option("--no-trunc", is_flag=True, help="Do not cut off IDs and digests.")
def command(common: Common, no_trunc: bool) -> int:
    """List the images in ARCHIVE, and what else is in it.

    One line for each name of an image, as docker image ls has it. What is no image (attestations,
    signatures, build caches) is listed below.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=False)
    if common.format == "json":
        from oci_inspect.render.json import images_document

        session.show_json(common, images_document(analysis))
    else:
        from oci_inspect.render.views import images_view

        blocks = images_view(
            analysis,
            now=session.now(),
            no_trunc=no_trunc or common.verbose,
            quiet=common.quiet,
            verbose=common.verbose,
        )
        session.show(common, blocks)
    return session.exit_code(analysis)
