"""One rule and one image: what the judges of all rules are given, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.findings import Finding
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.rules.baseline import BaselineImage
from oci_inspect.rules.model import Item, Setting, Verdict

ITEMS = 100
"""Items of a verdict that are kept: a hostile image may have a million."""

NO_BASELINE = "no baseline was given: --baseline names one"


@dataclass(frozen=True, slots=True)
class Case:
    """A setting to be held against an image.

    ``baseline`` is what the image was before, or one sentence on why nobody knows. ``findings`` are
    those of the archive itself.
    """

    image: ImageAnalysis
    setting: Setting
    baseline: BaselineImage | str = NO_BASELINE
    findings: tuple[Finding, ...] = ()
    limits: Limits = DEFAULT_LIMITS

    @property
    def texts(self) -> tuple[str, ...]:
        """The value, where it is a list."""
        value = self.setting.value
        return value if isinstance(value, tuple) else ()

    def verdict(
        self, passed: bool | None, message: str, items: tuple[Item, ...] = (), **more: Any
    ) -> Verdict:
        """The verdict on it."""
        setting = self.setting
        return Verdict(
            setting.rule,
            setting.level,
            passed,
            message,
            items=items[:ITEMS],
            source=setting.source,
            **more,
        )

    def unread(self, what: str, **more: Any) -> Verdict:
        """The verdict where not all of the image could be read."""
        return self.verdict(None, f"not all of the image could be read: {what}", **more)
