"""Views: what each command shows, as blocks. Pure functions of results, imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oci_inspect.lazy import importer

if TYPE_CHECKING:
    from oci_inspect.render.views.analyze import analyze_view
    from oci_inspect.render.views.cache import cache_view
    from oci_inspect.render.views.dockerfile import dockerfile_text, dockerfile_view
    from oci_inspect.render.views.extract import extract_view
    from oci_inspect.render.views.history import history_view
    from oci_inspect.render.views.images import images_view
    from oci_inspect.render.views.inspection import inspect_view
    from oci_inspect.render.views.layers import layers_view
    from oci_inspect.render.views.usage import usage_view
    from oci_inspect.render.views.verify import verify_view
    from oci_inspect.render.views.waste import waste_view

_HOMES = {
    "analyze_view": "analyze",
    "cache_view": "cache",
    "dockerfile_text": "dockerfile",
    "dockerfile_view": "dockerfile",
    "extract_view": "extract",
    "history_view": "history",
    "images_view": "images",
    "inspect_view": "inspection",
    "layers_view": "layers",
    "usage_view": "usage",
    "verify_view": "verify",
    "waste_view": "waste",
}

__all__ = [
    "analyze_view",
    "cache_view",
    "dockerfile_text",
    "dockerfile_view",
    "extract_view",
    "history_view",
    "images_view",
    "inspect_view",
    "layers_view",
    "usage_view",
    "verify_view",
    "waste_view",
]

__getattr__ = importer(__name__, _HOMES)
