"""``oci-inspect images``."""

from __future__ import annotations

from oci_inspect.cli.options import Common, common


@common("table", "json", "markdown", "csv", example="docker save app | oci-inspect images -")
def command(common: Common) -> int:
    """List the images in ARCHIVE, and what else is in it.

    With --quiet only the image IDs, as docker image ls prints them.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=False)
    if common.format == "json":
        from oci_inspect.render.json import images_document

        session.show_json(common, images_document(analysis))
    elif common.quiet:
        lines = [image.image_id or image.manifest_digest or "" for image in analysis.images]
        session.emit(common, "".join(f"{line}\n" for line in lines))
    else:
        from oci_inspect.render.views import images_view

        session.show(common, images_view(analysis, now=session.now()))
    return session.exit_code(analysis)
