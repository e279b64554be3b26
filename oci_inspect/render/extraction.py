"""The JSON document of ``extract``, as docs/schema describes it."""

from __future__ import annotations

import os

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.archive.contents import Image
from oci_inspect.extraction.results import Extraction, Outcome, Told
from oci_inspect.render.json import document_head, identity, path_keys
from oci_inspect.render.json_base import Json


def extract_document(archive: ArchiveInfo, image: Image, result: Extraction) -> Json:
    """``extract --format json``: counts, and every path that is not as the image has it."""
    return {
        **document_head("extract", archive),
        "image": identity(image),
        **path_keys(os.fsencode(result.directory), "directory"),
        "files": result.files,
        "folders": result.folders,
        "symlinks": result.symlinks,
        "hardlinks": result.hardlinks,
        "specials": result.specials,
        "bytes": result.content_bytes,
        "complete": result.ok,
        "skipped": _told(result.of(Outcome.SKIPPED)),
        "failed": _told(result.of(Outcome.FAILED)),
        "altered": _told(result.of(Outcome.ALTERED)),
        "links_leading_out": _told(result.of(Outcome.LEADS_OUT)),
    }


def _told(told: list[Told]) -> list[Json]:
    return [{**path_keys(one.path), "reason": one.reason} for one in told]
