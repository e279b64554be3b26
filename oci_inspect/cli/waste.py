"""``oci-inspect waste``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, at_least_one, common


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect waste --top 20 image.tar",
    quiet="Only the number of dead bytes.",
)
@click.option(
    "--top",
    type=int,
    callback=at_least_one,
    default=10,
    show_default=True,
    metavar="N",
    help="How many of the worst to list.",
)
@click.option("--all", "everything", is_flag=True, help="List all, not only the worst.")
def command(common: Common, top: int, everything: bool) -> int:
    """Say which bytes of an image are dead, which layer killed them, and which line to change.

    Dead is what a later layer deleted or overwrote: it is stored and sent, but no container can
    reach it. It is exactly what squashing the image would save.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=True)
    if common.quiet and common.format != "json":
        session.emit(common, f"{analysis.images[0].totals.wasted_bytes}\n")
    elif common.format == "json":
        from oci_inspect.render.json import waste_document

        session.show_json(common, waste_document(analysis))
    else:
        from oci_inspect.render.views import waste_view

        session.show(common, waste_view(analysis.images[0], top=None if everything else top))
    return session.exit_code(analysis)
