"""``oci-inspect dockerfile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oci_inspect.cli.options import Common, common

if TYPE_CHECKING:
    from oci_inspect.analysis.results import ImageAnalysis


@common(
    "table",
    "json",
    example="oci-inspect dockerfile image.tar > Dockerfile.told",
    quiet="Leave the comments out.",
)
def command(common: Common) -> int:
    """Print the Dockerfile that an image's history still tells.

    What a history cannot tell (other build stages, the quoting of RUN) is said in comments. An
    image that was built with classic docker names the sources of COPY by checksum alone.
    """
    from oci_inspect.cli import session
    from oci_inspect.render.views import dockerfile_text

    analysis = session.analyze_target(common, one=True)
    ascii_only = session.goes_to_terminal(common) and not session.style_of(common).unicode

    def tell(image: ImageAnalysis) -> str:
        return dockerfile_text(image, comments=not common.quiet, unicode=not ascii_only)

    if common.format == "json":
        from oci_inspect.render.json import dockerfile_document

        session.show_json(common, dockerfile_document(analysis, tell))
    else:
        session.emit(common, tell(analysis.images[0]))
    return session.exit_code(analysis)
