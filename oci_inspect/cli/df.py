"""``oci-inspect df``."""

from __future__ import annotations

import click

from oci_inspect.cli import EXIT_INPUT
from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect df image.tar",
    quiet="Only the bytes that are stored, each layer once.",
    several="ARCHIVE...",
)
@click.option("--all", "everything", is_flag=True, help="List all layers, not only the largest.")
def command(
    common: Common, archives: tuple[str, ...], references: tuple[str, ...], everything: bool
) -> int:
    """Say what images take up together: size, shared and unique, as docker system df -v does.

    Layers of one chain ID are stored once by an engine, whichever images have them. Any number of
    archives may be named, PATH:REF means one image of PATH. Without --image all images count;
    with it, those of any archive that it fits.
    """
    from oci_inspect.cli import session
    from oci_inspect.cli.inputs import check_inputs
    from oci_inspect.cli.options import parse_limits
    from oci_inspect.cli.progress import progress_line
    from oci_inspect.cli.target import split_target
    from oci_inspect.storing import disk_usage

    targets = [split_target(one) for one in archives]
    named = next((one for one, (_, ref) in zip(archives, targets, strict=True) if ref), None)
    if references and named is not None:
        raise click.UsageError(f"{named} names an image already: leave out --image, or that")
    session.platform_of(common)  # a wrong one is refused here
    check_inputs([path for path, _ in targets], [common.output] if common.output else [])
    with progress_line(quiet=common.quiet) as progress:
        usage = disk_usage(
            targets,
            images=references,
            platform=common.platform,
            limits=parse_limits(common.limits),
            jobs=common.jobs,
            progress=progress,
            cache=session.cache_of(common),
        )
    if common.format == "json":
        from oci_inspect.render.usage import usage_document

        session.show_json(common, usage_document(usage))
    elif common.quiet:
        session.emit(common, f"{usage.totals.stored_size}\n")
    else:
        from oci_inspect.render.views import usage_view

        session.show(common, usage_view(usage, everything=everything, verbose=common.verbose))
    if common.quiet and not usage.complete:
        session.warn("not all layers could be read: sums are at least what is shown")
    return EXIT_INPUT if usage.limit_exceeded else 0
