"""``oci-inspect dockerfile``."""

from __future__ import annotations

from oci_inspect.cli.options import Common, common


@common("table", "json", example="oci-inspect dockerfile image.tar > Dockerfile.told")
def command(common: Common) -> int:
    """Print the Dockerfile that an image's history still tells.

    What a history cannot tell (the sources of COPY, stages, heredocs) is said in comments. With
    --quiet the comments are left out.
    """
    from oci_inspect.cli import session
    from oci_inspect.render.views import dockerfile_text

    analysis = session.analyze_target(common, one=True)
    texts = [dockerfile_text(image, comments=not common.quiet) for image in analysis.images]
    if common.format == "json":
        from oci_inspect.render.json import dockerfile_document

        session.show_json(common, dockerfile_document(analysis, texts))
    else:
        session.emit(common, texts[0])
    return session.exit_code(analysis)
