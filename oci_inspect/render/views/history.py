"""``history``: how an image was built, as ``docker image history`` prints it."""

from __future__ import annotations

from datetime import datetime

from oci_inspect.analysis.results import HistoryStep, ImageAnalysis
from oci_inspect.render.blocks import (
    Block,
    Cell,
    Column,
    Cut,
    Digest,
    Fit,
    Lines,
    Size,
    Table,
    Time,
)
from oci_inspect.render.cells import shown
from oci_inspect.render.sizes import age, rfc3339

CREATED_BY = 45
"""The width at which docker cuts CREATED BY."""

_COMMENT = len("buildkit.dockerfile.v0")
_MISSING = "<missing>"


def history_view(
    image: ImageAnalysis,
    no_trunc: bool = False,
    human: bool = True,
    quiet: bool = False,
    now: datetime | None = None,
) -> list[Block]:
    """The steps, newest first, with docker's columns and rounding.

    ``human`` False gives times and bytes instead of ages and rounded sizes; without ``now`` there
    are times in any case. ``quiet`` leaves nothing but image IDs.
    """
    ids: list[Cell] = [_image_id(image, no_trunc), *([_MISSING] * (len(image.history) - 1))]
    if quiet:
        return [Lines(tuple(shown(one, no_trunc) for one in ids[: len(image.history)]))]
    fit = Fit.WRAP if no_trunc else Fit.END
    return [
        Table(
            columns=(
                Column("IMAGE"),
                Column("CREATED"),
                Column("CREATED BY", fit=fit, least=40 if no_trunc else 12, weight=4),
                Column("SIZE"),
                Column("COMMENT", fit=fit, least=_COMMENT if no_trunc else 7),
            ),
            rows=tuple(
                (
                    image_id,
                    _created(step, human, now),
                    _created_by(step, no_trunc),
                    Size(step.size) if human else str(step.size),
                    step.comment,
                )
                for image_id, step in zip(ids, reversed(image.history), strict=False)
            ),
            empty="no history is recorded",
        )
    ]


def _image_id(image: ImageAnalysis, no_trunc: bool) -> Cell:
    if image.image_id is None:
        return _MISSING
    return Digest(image.image_id, "full" if no_trunc else "short")


def _created(step: HistoryStep, human: bool, now: datetime | None) -> Time:
    exact = rfc3339(step.created)
    return Time(exact, age(step.created, now, missing="") if human and now else exact)


def _created_by(step: HistoryStep, no_trunc: bool) -> Cell:
    text = step.created_by.replace("\t", " ")
    return text if no_trunc else Cut(text, CREATED_BY)
