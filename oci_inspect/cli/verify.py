"""``oci-inspect verify``."""

from __future__ import annotations

from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "markdown",
    example="oci-inspect verify --quiet image.tar && echo intact",
    quiet="Print nothing: the exit code tells.",
)
def command(common: Common) -> int:
    """Check that everything in ARCHIVE is what it claims to be.

    Every blob is read and hashed to its last byte, those that no image needs as well. Exits 0 where
    all is verified, 1 where it is not, 3 where the input is no image archive or a limit was met.
    That the digests match does not say who made the image: whoever changes an archive can change
    its digests too.
    """
    from oci_inspect.cli import session

    analysis = session.analyze_target(common, one=False)
    if common.format == "json":
        from oci_inspect.render.json import verify_document

        session.show_json(common, verify_document(analysis))
    elif not common.quiet:
        from oci_inspect.render.views import verify_view

        session.show(common, verify_view(analysis, verbose=common.verbose))
    return session.exit_code(analysis, verdict=True, told=not common.quiet)
