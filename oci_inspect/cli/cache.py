"""``oci-inspect cache``: the scans that are kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from oci_inspect.layer.scan_cache import ScanCache


@click.group(
    short_help="Look after the scans that are kept, so that no layer is scanned twice.",
    epilog="Example:  oci-inspect cache info",
)
def command() -> None:
    """Look after the scans that are kept, so that no layer is scanned twice.

    A blob whose scan is kept is still read and hashed to its last byte; what is spared is to
    decompress it and to look at its entries. docs/cache.md has the whole story.

    OCI_INSPECT_CACHE_DIR names another folder, or switches the cache off where it is empty;
    OCI_INSPECT_CACHE_SIZE sets its bound, as in 2GiB.
    """


@command.command()
@click.option(
    "--format",
    "format",
    type=click.Choice(["table", "json"]),
    metavar="FORMAT",
    default="table",
    show_default=True,
    help="table or json.",
)
def info(format: str) -> None:
    """Say where scans are kept, and how much room they take."""
    from oci_inspect.cli.cache_folder import find_folder, open_cache

    cache = open_cache()
    usage = cache.usage() if cache else None
    shown: dict[str, Any] = {
        "folder": os.fsencode(usage.folder) if usage else None,
        "entries": usage.entries if usage else 0,
        "size": usage.bytes if usage else 0,
        "most": usage.most_bytes if usage else 0,
        "problem": usage.problem if usage else find_folder()[1],
    }
    if format == "json":
        from oci_inspect.render.json import cache_document, dumps

        _print(dumps(cache_document(**shown)))
    else:
        from oci_inspect.render import Style, render
        from oci_inspect.render.views import cache_view

        _print(render(cache_view(**shown), "table", Style(width=None, unicode=False)))


@command.command()
def clear() -> None:
    """Remove the scans that are kept, and nothing else."""
    from oci_inspect.render.sizes import human_size, plural

    gone = _cache().clear()
    if gone.problem:
        raise click.ClickException(f"{gone.folder}: {gone.problem}")
    _print(f"removed {plural(gone.entries, 'scan')}, {human_size(gone.bytes)}\n")


@command.command("dir")
def folder() -> None:
    """Print the path of the folder."""
    from oci_inspect.cli.session import print_bytes

    path: Path = _cache().folder
    print_bytes(bytes(path) + b"\n")


def _cache() -> ScanCache:
    from oci_inspect.cli.cache_folder import find_folder, open_cache

    cache = open_cache()
    if cache is None:
        raise click.ClickException(f"there is no cache: {find_folder()[1]}")
    return cache


def _print(text: str) -> None:
    from oci_inspect.cli.session import print_bytes

    print_bytes(text.encode("utf-8", "backslashreplace"))
