"""``oci-inspect inspect``."""

from __future__ import annotations

import click

from oci_inspect.cli import EXIT_INPUT
from oci_inspect.cli.options import Common, common


@common(
    "table",
    "json",
    "docker",
    example="oci-inspect inspect --format json image.tar",
    quiet="Only the identity.",
)
@click.option("--raw", is_flag=True, help="Print the manifest, byte for byte.")
@click.option("--config", "config", is_flag=True, help="Print the config, byte for byte.")
@click.option(
    "--index", "index", is_flag=True, help="Print index.json or manifest.json, byte for byte."
)
def command(common: Common, raw: bool, config: bool, index: bool) -> int:
    """Show an image's config and manifest. No layer is read.

    --format docker prints the keys of docker image inspect; for their sizes it reads the layers.
    """
    from oci_inspect.cli import session
    from oci_inspect.findings import limit_met

    if raw + config + index > 1:
        raise click.UsageError("--raw, --config and --index: only one of them can be printed")
    if common.format == "docker" and not (raw or config or index):
        from oci_inspect.render.docker_inspect import docker_inspect_document

        analysis = session.analyze_target(common, one=True)
        session.show_json(common, docker_inspect_document(analysis.images[0]))
        return session.exit_code(analysis)
    archive, image = session.read_target(common, need_image=not index)
    findings = archive.findings
    limited = limit_met(findings) or (image is not None and limit_met(image.findings))
    code = EXIT_INPUT if limited else 0
    data = None
    if index:
        data, what = archive.contents.index_data, "index"
    elif config and image is not None:
        data, what = image.config_data, "config"
    elif raw and image is not None:
        data, what = image.manifest_data or archive.contents.index_data, "manifest"
    if raw or config or index:
        if data is None:
            raise click.ClickException(f"the archive has no {what} to show")
        session.emit_document(common, data)
        return code
    assert image is not None
    if common.format == "json":
        from oci_inspect.render.json import inspect_document

        session.show_json(common, inspect_document(archive.info, image, findings))
    else:
        from oci_inspect.render.views import inspect_view

        session.show(common, inspect_view(image, archive.info)[: 2 if common.quiet else None])
    return code
