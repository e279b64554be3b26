"""``oci-inspect waste``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, common


@common("table", "json", "markdown", "csv", example="oci-inspect waste --top 20 image.tar")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many of the worst to list.",
)
@click.option("--all", "everything", is_flag=True, help="List all, not only the worst.")
def command(common: Common, top: int, everything: bool) -> int:
    """Say which bytes of an image are dead, which layer killed them, and which line to change.

    Dead is what no path of the merged filesystem leads to: exactly what a squash would save.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=True)
    if common.format == "json":
        from oci_inspect.render.json import waste_document

        session.show_json(common, waste_document(analysis))
    else:
        from oci_inspect.render.views import waste_view

        session.show(common, waste_view(analysis.images[0], top=None if everything else top))
    return session.exit_code(analysis)
