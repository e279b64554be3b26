"""``oci-inspect layers``."""

from __future__ import annotations

import click

from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect layers --format csv image.tar",
    quiet="Only digests.",
)
@click.option("--no-trunc", is_flag=True, help="Do not cut off digests and commands.")
def command(common: Common, no_trunc: bool) -> int:
    """List an image's layers, bottom to top: sizes, files, waste and digests.

    STORED is the layer as it lies in the archive, UNPACKED its tar, SIZE the content of its files,
    WASTE what of that no container can reach. DIGEST is of the stored bytes, DIFF ID of the tar,
    CHAIN ID of the layer with all below it.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=True)
    if common.format == "json":
        from oci_inspect.render.json import layers_document

        session.show_json(common, layers_document(analysis))
    elif common.quiet:
        session.emit(common, "".join(f"{one.digest}\n" for one in analysis.images[0].layers))
    else:
        from oci_inspect.render.views import layers_view

        session.show(common, layers_view(analysis.images[0], no_trunc=no_trunc or common.verbose))
    return session.exit_code(analysis)
