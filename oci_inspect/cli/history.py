"""``oci-inspect history``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect history --no-trunc image.tar",
    quiet="Only image IDs.",
)
@click.option("--no-trunc", is_flag=True, help="Do not cut off IDs and commands.")
@click.option(
    "-H",
    "--human/--no-human",
    default=True,
    help="Sizes and ages for people (the default), or bytes and exact times.",
)
def command(common: Common, no_trunc: bool, human: bool) -> int:
    """Show how an image was built, newest step first, as docker image history does.

    Only the newest step has an ID: docker keeps none of those before it, and prints <missing> as
    well. In JSON the steps are oldest first.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=True)
    if common.format == "json":
        from oci_inspect.render.json import history_document

        session.show_json(common, history_document(analysis))
        return session.exit_code(analysis)
    from oci_inspect.render.views import history_view

    blocks = history_view(
        analysis.images[0], no_trunc=no_trunc, human=human, quiet=common.quiet, now=session.now()
    )
    session.show(common, blocks)
    return session.exit_code(analysis)
