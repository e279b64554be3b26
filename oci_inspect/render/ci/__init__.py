"""Judged images as a CI wants to be told of them: one module per format, each ``Check`` to text.

Text from the image is cut where it is long (:mod:`.wording`) and escaped for the place it goes to
(:mod:`oci_inspect.render.escape`). The same check gives the same text. Each format is imported
when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from oci_inspect.rules.model import Check

CheckFormat = Literal["markdown", "github", "sarif", "junit", "gitlab", "openmetrics"]
"""The formats for CI systems."""

CHECK_FORMATS: tuple[CheckFormat, ...] = get_args(CheckFormat)

__all__ = ["CHECK_FORMATS", "CheckFormat", "render_check"]


def render_check(
    check: Check, format: CheckFormat, descriptions: Mapping[str, str] | None = None
) -> str:
    """A check in a format, ending in a line break.

    ``descriptions`` are one sentence for each rule, by its name; ``sarif`` alone has a place for
    them.
    """
    module: Any = import_module(f"{__name__}.{format}")
    if format == "sarif":
        return str(module.render_check_sarif(check, descriptions))
    return str(getattr(module, f"render_check_{format}")(check))
