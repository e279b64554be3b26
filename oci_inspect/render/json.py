"""JSON documents of every command, as docs/schema describes them.

Keys in snake_case, sizes in bytes, digests as ``sha256:<hex>``, paths as text with ``path_bytes``
(base64) beside those that are not UTF-8.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from oci_inspect._version import __version__
from oci_inspect.analysis.results import (
    Analysis,
    ArchiveInfo,
    HistoryStep,
    ImageAnalysis,
    LayerResult,
)
from oci_inspect.analysis.squash import WhatIf
from oci_inspect.archive.contents import Image, Other
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.findings import Finding, limit_met
from oci_inspect.paths import path_text
from oci_inspect.render.escape import json_text
from oci_inspect.render.json_base import Json, Later, base_value, what_if_value
from oci_inspect.spec.platform import Platform

SCHEMA_VERSION = "1.0"
_TOGETHER = 10_000


def dumps(document: object) -> str:
    """JSON text; what is not seen, or would drive a terminal, is written as its escape."""
    return "".join(pieces(document))


def pieces(document: object) -> Iterator[str]:
    """The same, some of it at a time: all of it takes several times the room of what it tells.

    What there may be a million of is made to JSON when its turn comes.
    """
    crumbs = json.JSONEncoder(ensure_ascii=False, indent=2, default=_late).iterencode(document)
    while piece := "".join(islice(crumbs, _TOGETHER)):
        yield json_text(piece)
    yield "\n"


def _late(value: object) -> Json:
    if isinstance(value, Dead):
        return _dead(value)
    if isinstance(value, Later):
        return value.document()
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def analysis_document(analysis: Analysis) -> Json:
    """``analyze --format json``: all there is."""
    images = [
        {
            **identity(image),
            "created": image.created,
            **_verdict(image),
            "layers": [_layer(layer) for layer in image.layers],
            "history": [_step(step) for step in image.history],
            "waste": image.waste,
            "totals": totals_document(image),
            "base": base_value(image),
        }
        for image in analysis.images
    ]
    return {**_head("analysis", analysis), "images": images, **_tail(analysis)}


def images_document(analysis: Analysis) -> Json:
    """``images --format json``."""
    images = [
        {
            **identity(image),
            "created": image.created,
            "verified": image.verified,
            "complete": image.complete,
            "layer_count": len(image.layers),
            "totals": totals_document(image),
        }
        for image in analysis.images
    ]
    return {**_head("images", analysis), "images": images, **_tail(analysis)}


def history_document(analysis: Analysis) -> Json:
    """``history --format json``: oldest first."""
    return _per_image(
        "history", analysis, lambda image: {"history": [_step(one) for one in image.history]}
    )


def layers_document(analysis: Analysis) -> Json:
    """``layers --format json``."""
    return _per_image(
        "layers",
        analysis,
        lambda image: {
            "layers": [_layer(one) for one in image.layers],
            "totals": totals_document(image),
        },
    )


def verify_document(analysis: Analysis) -> Json:
    """``verify --format json``."""
    document = _per_image(
        "verify",
        analysis,
        lambda image: {
            **_verdict(image),
            "layers": [
                {
                    "index": layer.index,
                    "digest": layer.digest,
                    "diff_id": layer.diff_id,
                    "status": layer.status.value,
                    "size": layer.size,
                }
                for layer in image.layers
            ],
        },
    )
    return {**document, **_tail(analysis), "verified": analysis.ok}


def waste_document(analysis: Analysis, what_if: WhatIf | None = None) -> Json:
    """``waste --format json``: every dead inode, and the same rolled up with advice.

    ``what_if`` is about the one image of the analysis.
    """
    return _per_image(
        "waste",
        analysis,
        lambda image: {
            "waste": image.waste,
            "groups": [
                {
                    **path_keys(group.path),
                    "files": group.count,
                    "bytes": group.size,
                    "layer_index": group.layer_index,
                    "removed_in": group.removed_in,
                    "reason": group.reason,
                    "advice": group.advice,
                }
                for group in image.worst
            ],
            "totals": totals_document(image),
            "base": base_value(image),
            **({} if what_if is None else {"what_if": what_if_value(what_if)}),
        },
    )


def dockerfile_document(analysis: Analysis, tell: Callable[[ImageAnalysis], str]) -> Json:
    """``dockerfile --format json``: the text that ``tell`` makes, and the steps it is made of."""
    return _per_image(
        "dockerfile",
        analysis,
        lambda image: {
            "dockerfile": tell(image),
            "history": [_step(one) for one in image.history],
        },
    )


def inspect_document(archive: ArchiveInfo, image: Image, findings: Iterable[Finding]) -> Json:
    """``inspect --format json``: the config and the manifest as they lie in the archive.

    ``findings`` are about the archive itself; those about the documents are the image's own.
    """
    found = tuple(findings)
    return {
        **document_head("inspect", archive),
        "complete": not limit_met((*found, *image.findings)),
        "images": [
            {
                "references": list(image.references),
                "image_id": image.image_id,
                "manifest_digest": image.manifest_digest,
                "platform": platform_keys(image.platform),
                "created": image.config.created if image.config else None,
                "author": image.config.author if image.config else None,
                "layers": [
                    {
                        "index": i,
                        "digest": layer.claimed_digest or None,
                        "media_type": layer.media_type,
                        "size": layer.size,
                        "path": layer.path,
                    }
                    for i, layer in enumerate(image.layers)
                ],
                "annotations": image.manifest.annotations if image.manifest else {},
                "config": image.config.raw if image.config else None,
                "manifest": image.manifest.raw if image.manifest else None,
                "findings": [finding_keys(one) for one in image.findings],
            }
        ],
        "findings": [finding_keys(one) for one in found],
    }


def cache_document(
    *, folder: bytes | None, entries: int, size: int, most: int, problem: str | None
) -> Json:
    """``cache info --format json``. Without a folder nothing is kept; ``problem`` says why."""
    return {
        **document_top("cache"),
        **({"folder": None} if folder is None else path_keys(folder, "folder")),
        "entries": entries,
        "bytes": size,
        "most_bytes": most,
        "problem": problem,
    }


def document_top(command: str) -> Json:
    """What every document begins with."""
    return {
        "schema": f"oci-inspect/{command}",
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "oci-inspect", "version": __version__},
    }


def document_head(command: str, archive: ArchiveInfo) -> Json:
    """What every document about an archive begins with."""
    return {
        **document_top(command),
        "archive": archive_keys(archive),
    }


def archive_keys(archive: ArchiveInfo) -> Json:
    """An input."""
    return {
        **path_keys(os.fsencode(archive.path)),
        "kind": archive.kind,
        "compression": archive.compression,
        "size": archive.size,
    }


def _tail(analysis: Analysis) -> Json:
    return {
        "other": [_other(one) for one in analysis.other],
        "findings": [finding_keys(one) for one in analysis.findings],
    }


def _per_image(command: str, analysis: Analysis, body: Any) -> Json:
    images = [
        {**identity(image), "complete": image.complete, **body(image)} for image in analysis.images
    ]
    return {**_head(command, analysis), "images": images}


def _head(command: str, analysis: Analysis) -> Json:
    return {**document_head(command, analysis.archive), "complete": analysis.complete}


def identity(image: ImageAnalysis | Image) -> Json:
    """What an image is called."""
    return {
        "references": list(image.references),
        "image_id": image.image_id,
        "manifest_digest": image.manifest_digest,
        "platform": platform_keys(image.platform),
    }


def platform_keys(platform: Platform | None) -> Json | None:
    """What an image runs on."""
    if platform is None:
        return None
    return {
        "os": platform.os,
        "architecture": platform.architecture,
        "variant": platform.variant,
    }


def _verdict(image: ImageAnalysis) -> Json:
    return {
        "verified": image.verified,
        "complete": image.complete,
        "findings": [finding_keys(one) for one in image.findings],
    }


def finding_keys(found: Finding) -> Json:
    """One finding."""
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "subject": found.subject,
        "message": found.message,
    }


def _layer(layer: LayerResult) -> Json:
    return {
        "index": layer.index,
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "chain_id": layer.chain_id,
        "media_type": layer.media_type,
        "compression": layer.compression,
        "status": layer.status.value,
        "size": layer.size,
        "uncompressed_size": layer.uncompressed_size,
        "entries": layer.entries,
        "files": layer.files,
        "file_bytes": layer.file_bytes,
        "wasted_bytes": layer.wasted_bytes,
        "history_index": layer.history_index,
        "created_by": layer.created_by,
    }


def _step(step: HistoryStep) -> Json:
    return {
        "index": step.index,
        "created": step.created,
        "created_by": step.created_by,
        "instruction": step.instruction,
        "comment": step.comment,
        "author": step.author,
        "empty_layer": step.empty_layer,
        "layer_index": step.layer_index,
        "size": step.size,
        "raw": step.raw,
        "note": step.note,
    }


def _dead(dead: Dead) -> Json:
    return {
        **_paths(dead.paths),
        "layer_index": dead.layer_index,
        "removed_in": dead.removed_in,
        "bytes": dead.size,
        "reason": dead.reason.value,
    }


def totals_document(image: ImageAnalysis) -> Json:
    """Sums over an image."""
    totals = image.totals
    return {
        "size": totals.size,
        "uncompressed_size": totals.uncompressed_size,
        "file_bytes": totals.file_bytes,
        "wasted_bytes": totals.wasted_bytes,
        "efficiency": totals.efficiency,
        "files": totals.files,
        "duplicate_bytes": totals.duplicate_bytes,
    }


def _other(other: Other) -> Json:
    return {
        "digest": other.digest,
        "media_type": other.media_type,
        "artifact_type": other.artifact_type,
        "reason": other.reason,
        "size": other.size,
        "platform": platform_keys(other.platform),
        "references": list(other.references),
    }


def path_keys(path: bytes, key: str = "path") -> Json:
    """A path as text, with its bytes in base64 where they are not UTF-8."""
    text = path_text(path)
    if _is_utf8(path):
        return {key: text}
    return {key: text, f"{key}_bytes": base64.b64encode(path).decode("ascii")}


def _paths(paths: Sequence[bytes]) -> Json:
    texts = [path_text(path) for path in paths]
    if all(_is_utf8(path) for path in paths):
        return {"paths": texts}
    encoded = [base64.b64encode(path).decode("ascii") for path in paths]
    return {"paths": texts, "path_bytes": encoded}


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
