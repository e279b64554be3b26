"""Judging: every rule that counts for an image held against it. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.findings import Finding
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.rules.baseline import BaselineImage
from oci_inspect.rules.case import NO_BASELINE, Case
from oci_inspect.rules.claims import (
    judge_base,
    judge_findings,
    judge_labels,
    judge_user,
    judge_verified,
)
from oci_inspect.rules.effective import DEFAULT, effective
from oci_inspect.rules.figures import FIGURES, judge_figure
from oci_inspect.rules.growth import judge_growth
from oci_inspect.rules.model import ImageCheck, Level, Setting, Verdict
from oci_inspect.rules.paths import judge_paths, judge_paths_in_layers, judge_setuid

COMPLETE = "complete"
"""The verdict on an image of which not all could be read: no rule, so nobody switches it off."""

_JUDGES: dict[str, Callable[[Case], Verdict]] = {
    "require-verified": judge_verified,
    "max-growth": judge_growth,
    "max-growth-bytes": judge_growth,
    "forbid-findings": judge_findings,
    "forbid-paths": judge_paths,
    "forbid-paths-in-layers": judge_paths_in_layers,
    "allow-setuid": judge_setuid,
    "forbid-root": judge_user,
    "require-labels": judge_labels,
    "allow-base": judge_base,
}


def judge(
    image: ImageAnalysis,
    settings: Iterable[Setting],
    archive: ArchiveInfo,
    *,
    baseline: BaselineImage | str = NO_BASELINE,
    findings: tuple[Finding, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> ImageCheck:
    """Hold an image against those of the settings that are for it.

    ``baseline`` is what it was, or one sentence on why nobody knows; ``findings`` are about the
    archive itself. ``require-verified`` is asked of every image unless a setting says otherwise;
    that all of it could be read is asked in any case.
    """
    verdicts = tuple(
        _judge(Case(image, setting, baseline, findings, limits))
        for setting in effective(image, settings)
    )
    if not image.complete and not any(one.fails for one in verdicts if one.rule == DEFAULT.rule):
        message = "not all of the image could be read: it does not pass, whatever is asked"
        advice = "save the image again; 'verify' tells more"
        verdicts = (Verdict(COMPLETE, Level.ERROR, False, message, advice=advice), *verdicts)
    return ImageCheck(archive, image, verdicts)


def _judge(case: Case) -> Verdict:
    rule = case.setting.rule
    if case.setting.level is Level.OFF:
        return case.verdict(None, "switched off")
    if rule in FIGURES:
        return judge_figure(FIGURES[rule], case)
    return _JUDGES[rule](case)
