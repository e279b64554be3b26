"""``oci-inspect report``."""

from __future__ import annotations

from oci_inspect.cli.options import Common, base_option, common


@common(
    "html",
    "svg",
    example="oci-inspect report image.tar -o report.html",
    quiet="No progress on standard error.",
    text=False,
)
@base_option
def command(common: Common, base: str | None) -> int:
    """Make a page of an image that opens anywhere: a map of its bytes, layers, waste, history.

    The page is one file and asks nobody for anything; see docs/report.md. svg is a still picture
    of the layers and the map, for a README or a pull request.
    """
    from oci_inspect.cli import session

    session.need_file(common, f"report.{common.format}")
    if common.format == "html":
        from oci_inspect.render.html.templating import need_jinja

        need_jinja()
    analysis = session.analyze_target(common, one=True, base=base)
    (image,) = analysis.images
    if common.format == "html":
        from oci_inspect.render.html.report_page import report_html

        session.emit(common, report_html(image, analysis.archive, analysis.findings))
    else:
        from oci_inspect.render.svg import report_svg

        session.emit(common, report_svg(image, analysis.archive))
    return session.exit_code(analysis)
