"""``oci-inspect waste``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, base_option, common, top_option


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect waste --top 20 image.tar",
    quiet="Only the number of dead bytes; with --what-if of those left.",
)
@top_option("How many of the worst to list.")
@click.option("--all", "everything", is_flag=True, help="List all, not only the worst.")
@base_option
@click.option(
    "--what-if",
    metavar="LAYERS",
    help="What squashing layers would save: all, own (those above the base), or ranges as in 3..7"
    " or 1..2,5.. of which each becomes one layer.",
)
def command(
    common: Common, top: int, everything: bool, base: str | None, what_if: str | None
) -> int:
    """Say which bytes of an image are dead, which layer killed them, and which line to change.

    Dead is what a later layer deleted or overwrote: it is stored and sent, but no container can
    reach it. It is exactly what squashing the image would save; --what-if says what squashing some
    layers would. What is yours and what the base image's, is said where that can be told.
    """
    from oci_inspect.cli import session

    if what_if is not None and common.format == "csv" and not common.quiet:
        raise click.UsageError("--what-if has no CSV: use --format json")
    told = None
    if what_if is None:
        analysis = session.analyze_target(common, one=True, base=base)
    else:
        from oci_inspect.analysis.squash import check_spec

        check_spec(what_if)
        with session.analyzed(common, one=True, base=base) as (archive, analysis):
            told = archive.what_if(analysis.images[0], what_if)
            archive.check_unchanged()
    image = analysis.images[0]
    if common.format == "json":
        from oci_inspect.render.json import waste_document

        session.show_json(common, waste_document(analysis, told))
    elif common.quiet:
        session.emit(common, f"{(told or image.totals).wasted_bytes}\n")
    else:
        from oci_inspect.render.views import waste_view

        session.show(common, waste_view(image, None if everything else top, told))
    return session.exit_code(analysis)
