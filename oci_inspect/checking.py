"""Checking: archives analysed one after the other, and their images held against rules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from oci_inspect.analysis.results import Analysis
from oci_inspect.archive.choosing import Choice
from oci_inspect.archive.contents import Image
from oci_inspect.errors import ArchiveError
from oci_inspect.inspection import open_archive
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.progress import Progress
from oci_inspect.reuse import ScanKeeper
from oci_inspect.rules.baseline import (
    MOST_BYTES,
    Baseline,
    baseline_of,
    is_json,
    pair,
    parse_baseline,
)
from oci_inspect.rules.case import NO_BASELINE
from oci_inspect.rules.judging import judge
from oci_inspect.rules.model import Check, ImageCheck, Setting
from oci_inspect.spec.platform import Platform

if TYPE_CHECKING:
    from oci_inspect.rules.dive_ci import DiveRules

PathName = str | os.PathLike[str]


def analyze_several(
    paths: Iterable[tuple[PathName, str | None]],
    *,
    images: Sequence[str] = (),
    platform: Platform | None = None,
    base: Image | None = None,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
) -> list[Analysis]:
    """Analyse archives, each path with a reference or None; each in one pass.

    Which images are meant, and what is raised, is as in :func:`~oci_inspect.disk_usage`; an archive
    without any image is an :class:`ArchiveError`. A ``cache`` that remembers spares scanning a blob
    of several archives again.
    """
    choice = Choice(images, platform)
    found = []
    for path, reference in paths:
        with open_archive(path, limits=limits, jobs=jobs, progress=progress, cache=cache) as one:
            if not one.images:
                raise ArchiveError(one.info.path, "no image in this archive: nothing to check")
            chosen = choice.among(one.info.path, one.images, reference)
            found.append(one.analyze(chosen, jobs, base=base))
    choice.check()
    return found


def read_baseline(
    path: str,
    reference: str | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
) -> Baseline:
    """What images were before: JSON of ours, or an archive.

    Raises :class:`ArchiveError`, and :class:`RulesError` for JSON that is no baseline.
    """
    if path != "-" and not os.path.isdir(path):  # noqa: PTH112
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                if is_json(file.peek(512)[:512]):
                    return parse_baseline(path, file.read(MOST_BYTES + 1))
        except OSError as error:
            raise ArchiveError(path, error.strerror or "it cannot be read") from error
    analyses = analyze_several(
        [(path, reference)], limits=limits, jobs=jobs, progress=progress, cache=cache
    )
    return baseline_of(path, analyses[0].images)


def check_images(
    analyses: Sequence[Analysis],
    settings: Sequence[Setting],
    baseline: Baseline | None = None,
    limits: Limits = DEFAULT_LIMITS,
    dive: DiveRules | None = None,
) -> Check:
    """Hold all images of some analyses against the settings that are for them.

    ``dive`` are rules that are judged by dive's formulas.
    """
    images = [image for one in analyses for image in one.images]
    before = [NO_BASELINE] * len(images) if baseline is None else pair(images, baseline)
    known = iter(before)
    judged = [
        judge(
            image,
            settings,
            one.archive,
            baseline=next(known),
            findings=one.findings,
            limits=limits,
        )
        for one in analyses
        for image in one.images
    ]
    return Check(tuple(judged if dive is None else (_with_dive(one, dive) for one in judged)))


def _with_dive(check: ImageCheck, rules: DiveRules) -> ImageCheck:
    """The same, with dive's three rules behind the others."""
    from oci_inspect.analysis.dive import dive_figures
    from oci_inspect.rules.dive_judging import judge_dive

    image = check.image
    figures = dive_figures(image.tree.tables) if image.complete else None
    return replace(check, verdicts=(*check.verdicts, *judge_dive(rules, figures, image)))
