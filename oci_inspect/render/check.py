"""The JSON documents of ``check``, as docs/schema describes them."""

from __future__ import annotations

from collections.abc import Iterable

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.render.json import archive_keys, document_top, identity, path_keys, totals_document
from oci_inspect.render.json_base import Json
from oci_inspect.rules.baseline import SCHEMA
from oci_inspect.rules.model import Check, ImageCheck, Item, Verdict


def check_document(check: Check) -> Json:
    """``check --format json``: images name their archive by its position."""
    archives = list(dict.fromkeys(one.archive for one in check.images))
    places = {archive: i for i, archive in enumerate(archives)}
    return {
        **document_top("check"),
        "ok": check.ok,
        "archives": [archive_keys(one) for one in archives],
        "images": [_image(one, places[one.archive]) for one in check.images],
    }


def _image(check: ImageCheck, archive: int) -> Json:
    return {
        **identity(check.image),
        "archive": archive,
        "ok": check.ok,
        "verified": check.image.verified,
        "complete": check.image.complete,
        "layer_count": len(check.image.layers),
        "totals": totals_document(check.image),
        "verdicts": [_verdict(one) for one in check.verdicts],
    }


def _verdict(verdict: Verdict) -> Json:
    return {
        "rule": verdict.rule,
        "level": verdict.level.value,
        "passed": verdict.passed,
        "fails": verdict.fails,
        "message": verdict.message,
        "unit": verdict.unit.value,
        "actual": verdict.actual,
        "limit": verdict.limit,
        "advice": verdict.advice,
        "items": [_item(one) for one in verdict.items],
        "source": {"path": verdict.source.path, "line": verdict.source.line},
    }


def _item(item: Item) -> Json:
    return {
        "text": item.text,
        **({"path": None} if item.path is None else path_keys(item.path)),
        "layer_index": item.layer_index,
        "size": item.size,
    }


def baseline_document(images: Iterable[ImageAnalysis]) -> Json:
    """What ``check --write-baseline`` writes: a part of what ``analyze --format json`` has."""
    return {
        **document_top(SCHEMA.rpartition("/")[2]),
        "images": [
            {
                **identity(image),
                "complete": image.complete,
                "layers": [
                    {
                        "index": layer.index,
                        "digest": layer.digest,
                        "diff_id": layer.diff_id,
                        "size": layer.size,
                        "uncompressed_size": layer.uncompressed_size,
                        "file_bytes": layer.file_bytes,
                        "wasted_bytes": layer.wasted_bytes,
                    }
                    for layer in image.layers
                ],
                "totals": totals_document(image),
            }
            for image in images
        ],
    }
