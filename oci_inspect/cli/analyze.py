"""``oci-inspect analyze``."""

from __future__ import annotations

from oci_inspect.cli.options import Common, base_option, common


@common(
    "table",
    "json",
    "markdown",
    example="oci-inspect analyze image.tar",
    quiet="Only identity and verdict of each image.",
)
@base_option
def command(common: Common, base: str | None) -> int:
    """Tell the whole story of each image in ARCHIVE on one screen.

    Who it is and whether every digest holds, each layer beside the instruction that made it, what
    it costs and what of it is dead, and the worst waste with the line to change.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=False, base=base)
    if common.format == "json":
        from oci_inspect.render.json import analysis_document

        session.show_json(common, analysis_document(analysis))
    else:
        from oci_inspect.render.views import analyze_view

        session.show(common, analyze_view(analysis, verbose=common.verbose, quiet=common.quiet))
    return session.exit_code(analysis, told=not common.quiet)
