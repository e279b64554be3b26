"""Say what is in a saved container image, offline and without a daemon.

>>> from oci_inspect import analyze
>>> analyze("image.tar").images[0].totals.wasted_bytes  # doctest: +SKIP

docs/api.md describes what is here. Everything is imported on first use, so that a program which
only wants one name does not wait for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oci_inspect._version import __version__
from oci_inspect.lazy import importer

if TYPE_CHECKING:
    from oci_inspect.analysis.results import (
        Analysis,
        ArchiveInfo,
        Base,
        Confidence,
        HistoryStep,
        ImageAnalysis,
        LayerResult,
        OwnShare,
        Status,
        Totals,
        WasteGroup,
    )
    from oci_inspect.analysis.squash import Squash, WhatIf
    from oci_inspect.analysis.stored import StoredImage, StoredLayer
    from oci_inspect.analysis.usage import (
        DiskUsage,
        ImageUsage,
        LayerUsage,
        Removal,
        UsageTotals,
    )
    from oci_inspect.archive.contents import Image, LayerRef, Other
    from oci_inspect.checking import check_images
    from oci_inspect.comparing import compare
    from oci_inspect.comparison.compare import compare_images
    from oci_inspect.comparison.results import Comparison
    from oci_inspect.errors import (
        ArchiveError,
        LimitExceededError,
        MissingPackageError,
        NoSpaceError,
        OciInspectError,
        PathError,
        RulesError,
        SelectionError,
        TargetError,
    )
    from oci_inspect.exporting import export_tar
    from oci_inspect.extraction.extracting import extract
    from oci_inspect.extraction.results import Extraction, Outcome, Told
    from oci_inspect.filesystem.changes import Change
    from oci_inspect.filesystem.deaths import Dead
    from oci_inspect.filesystem.journal import Lost
    from oci_inspect.filesystem.path_log import PathEvent
    from oci_inspect.filesystem.reasons import Reason
    from oci_inspect.filesystem.tree import UnionTree
    from oci_inspect.findings import Finding, Severity
    from oci_inspect.inspection import ArchiveFile, analyze, open_archive, read_base
    from oci_inspect.layer.scan import LayerScan, scan_layer
    from oci_inspect.layer.scan_cache import ScanCache
    from oci_inspect.limits import Limits
    from oci_inspect.looking import LayerStack
    from oci_inspect.progress import Part, Position, Progress
    from oci_inspect.render.html.compare_page import compare_html
    from oci_inspect.render.html.report_page import report_html
    from oci_inspect.render.svg.card import report_svg
    from oci_inspect.rules.model import Check, ImageCheck, Level, Setting, Verdict
    from oci_inspect.rules.rules_file import read_rules_file
    from oci_inspect.storing import disk_usage

_HOMES = {
    "Analysis": "analysis.results",
    "ArchiveError": "errors",
    "ArchiveFile": "inspection",
    "ArchiveInfo": "analysis.results",
    "Base": "analysis.results",
    "Change": "filesystem.changes",
    "Check": "rules.model",
    "Comparison": "comparison.results",
    "Confidence": "analysis.results",
    "Dead": "filesystem.deaths",
    "DiskUsage": "analysis.usage",
    "Extraction": "extraction.results",
    "Finding": "findings",
    "HistoryStep": "analysis.results",
    "Image": "archive.contents",
    "ImageAnalysis": "analysis.results",
    "ImageCheck": "rules.model",
    "ImageUsage": "analysis.usage",
    "LayerRef": "archive.contents",
    "LayerResult": "analysis.results",
    "LayerScan": "layer.scan",
    "LayerStack": "looking",
    "LayerUsage": "analysis.usage",
    "Level": "rules.model",
    "LimitExceededError": "errors",
    "Limits": "limits",
    "Lost": "filesystem.journal",
    "MissingPackageError": "errors",
    "NoSpaceError": "errors",
    "OciInspectError": "errors",
    "Other": "archive.contents",
    "Outcome": "extraction.results",
    "OwnShare": "analysis.results",
    "Part": "progress",
    "PathError": "errors",
    "PathEvent": "filesystem.path_log",
    "Position": "progress",
    "Progress": "progress",
    "Reason": "filesystem.reasons",
    "Removal": "analysis.usage",
    "RulesError": "errors",
    "ScanCache": "layer.scan_cache",
    "SelectionError": "errors",
    "Setting": "rules.model",
    "Severity": "findings",
    "Squash": "analysis.squash",
    "Status": "analysis.results",
    "StoredImage": "analysis.stored",
    "StoredLayer": "analysis.stored",
    "TargetError": "errors",
    "Told": "extraction.results",
    "Totals": "analysis.results",
    "UnionTree": "filesystem.tree",
    "UsageTotals": "analysis.usage",
    "Verdict": "rules.model",
    "WasteGroup": "analysis.results",
    "WhatIf": "analysis.squash",
    "analyze": "inspection",
    "check_images": "checking",
    "compare": "comparing",
    "compare_html": "render.html.compare_page",
    "compare_images": "comparison.compare",
    "disk_usage": "storing",
    "export_tar": "exporting",
    "extract": "extraction.extracting",
    "open_archive": "inspection",
    "read_base": "inspection",
    "read_rules_file": "rules.rules_file",
    "report_html": "render.html.report_page",
    "report_svg": "render.svg.card",
    "scan_layer": "layer.scan",
}

__all__ = [
    "Analysis",
    "ArchiveError",
    "ArchiveFile",
    "ArchiveInfo",
    "Base",
    "Change",
    "Check",
    "Comparison",
    "Confidence",
    "Dead",
    "DiskUsage",
    "Extraction",
    "Finding",
    "HistoryStep",
    "Image",
    "ImageAnalysis",
    "ImageCheck",
    "ImageUsage",
    "LayerRef",
    "LayerResult",
    "LayerScan",
    "LayerStack",
    "LayerUsage",
    "Level",
    "LimitExceededError",
    "Limits",
    "Lost",
    "MissingPackageError",
    "NoSpaceError",
    "OciInspectError",
    "Other",
    "Outcome",
    "OwnShare",
    "Part",
    "PathError",
    "PathEvent",
    "Position",
    "Progress",
    "Reason",
    "Removal",
    "RulesError",
    "ScanCache",
    "SelectionError",
    "Setting",
    "Severity",
    "Squash",
    "Status",
    "StoredImage",
    "StoredLayer",
    "TargetError",
    "Told",
    "Totals",
    "UnionTree",
    "UsageTotals",
    "Verdict",
    "WasteGroup",
    "WhatIf",
    "__version__",
    "analyze",
    "check_images",
    "compare",
    "compare_html",
    "compare_images",
    "disk_usage",
    "export_tar",
    "extract",
    "open_archive",
    "read_base",
    "read_rules_file",
    "report_html",
    "report_svg",
    "scan_layer",
]

__getattr__ = importer(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
