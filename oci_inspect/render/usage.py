"""The JSON document of ``df``, as docs/schema describes it."""

from __future__ import annotations

from collections.abc import Mapping

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.usage import DiskUsage, ImageUsage, LayerUsage, Removal
from oci_inspect.render.json import archive_keys, document_top, finding_keys, platform_keys
from oci_inspect.render.json_base import Json


def usage_document(usage: DiskUsage) -> Json:
    """``df --format json``: images and layers name each other by their positions in it."""
    place = {archive: i for i, archive in enumerate(usage.archives)}
    totals = usage.totals
    return {
        **document_top("df"),
        "archives": [archive_keys(one) for one in usage.archives],
        "images": [_image(one, place) for one in usage.images],
        "layers": [_layer(one) for one in usage.layers],
        "totals": {
            "images": totals.images,
            "layers": totals.layers,
            "distinct_layers": totals.distinct_layers,
            "size": totals.size,
            "stored_size": totals.stored_size,
            "saved_size": totals.saved_size,
            "distinct_diff_ids": totals.distinct_diff_ids,
            "uncompressed_size": totals.uncompressed_size,
            "distinct_digests": totals.distinct_digests,
            "blob_size": totals.blob_size,
        },
        "removing": {
            "all_but_newest": _removal(usage.all_but_newest),
            "all_but_newest_of_each_repository": _removal(usage.all_but_newest_of_each),
        },
        "complete": usage.complete,
        "findings": [finding_keys(one) for one in usage.findings],
    }


def _image(image: ImageUsage, place: Mapping[ArchiveInfo, int]) -> Json:
    return {
        "references": list(image.references),
        "image_id": image.image_id,
        "manifest_digests": list(image.manifest_digests),
        "platform": platform_keys(image.platform),
        "created": image.created,
        "archives": [place[one] for one in image.archives],
        "size": image.size,
        "shared_size": image.shared_size,
        "unique_size": image.unique_size,
        "layers": list(image.layers),
        "complete": image.complete,
        "findings": [finding_keys(one) for one in image.findings],
    }


def _layer(layer: LayerUsage) -> Json:
    return {
        "chain_id": layer.chain_id,
        "diff_id": layer.diff_id,
        "digests": list(layer.digests),
        "disk_size": layer.disk_size,
        "uncompressed_size": layer.uncompressed_size,
        "complete": layer.complete,
        "images": list(layer.images),
        "instruction": layer.instruction,
        "created_by": layer.created_by,
    }


def _removal(removal: Removal) -> Json:
    return {"kept": list(removal.kept), "freed": removal.freed}
