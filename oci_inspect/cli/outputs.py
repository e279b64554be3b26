"""Several formats at once: which goes where."""

from __future__ import annotations

from collections.abc import Sequence

import click


def pair_outputs(
    formats: Sequence[str], outputs: Sequence[str], default: str
) -> list[tuple[str, str | None]]:
    """Each format with its file, None for standard output.

    The first output belongs to the first format, and so on; formats without one go to standard
    output. Raises :class:`click.UsageError` where two would go to one place.
    """
    named = list(formats) or [default]
    if len(outputs) > len(named):
        raise click.UsageError(
            f"{len(outputs)} times --output, but {len(named)} times --format: which is for which?"
        )
    files: list[str | None] = [None if one == "-" else one for one in outputs]
    files += [None] * (len(named) - len(files))
    for place in files:
        if files.count(place) > 1:
            where = "standard output" if place is None else place
            raise click.UsageError(
                f"{where} can have one format: give --output FILE for the others"
            )
    return list(zip(named, files, strict=True))
