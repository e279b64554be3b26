"""Patterns for names of images and values of labels: ``*`` stands for anything, also a slash."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache
from re import Pattern


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Pattern[str]:
    # The standard library's translation never backs up over a star; all but stars are plain here.
    plain = re.sub(r"[\[?]", r"[\g<0>]", pattern)
    return re.compile(fnmatch.translate(plain))


def fits(pattern: str, text: str) -> bool:
    """Whether all of a text fits a pattern; capitals matter."""
    return _compiled(pattern).match(text) is not None


def fits_any(pattern: str, texts: Iterable[str]) -> bool:
    """Whether one of some texts does."""
    return any(fits(pattern, text) for text in texts)
