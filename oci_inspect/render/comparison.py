"""``compare --format json``, as docs/schema/compare.schema.json describes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.comparison.results import (
    CacheBreak,
    Comparison,
    LayerPair,
    LayerSum,
    Rebuild,
    SharedLayers,
    Transfer,
)
from oci_inspect.filesystem.comparing import TreeComparison, Turn
from oci_inspect.render.json import archive_keys, document_top, identity, path_keys, totals_document
from oci_inspect.render.json_base import Json


def comparison_document(found: Comparison, archives: tuple[ArchiveInfo, ArchiveInfo]) -> Json:
    """All of a comparison but the list of its ``differences``, which may be long.

    ``before`` is the first image, ``after`` the second.
    """
    push, pull = _transfer(found.push), _transfer(found.pull)
    return {
        **document_top("compare"),
        "before": _image(found.before, archives[0]),
        "after": _image(found.after, archives[1]),
        "complete": found.complete,
        "same": {
            "filesystem": found.same_filesystem,
            "proven": found.proven,
            "config": found.same_config,
            "layers": found.same_layers,
            "image_id": found.before.image_id == found.after.image_id,
            "manifest_digest": found.before.manifest_digest == found.after.manifest_digest,
        },
        "config": [
            {
                "key": one.key,
                "change": one.turn.value,
                "before": one.before,
                "after": one.after,
            }
            for one in found.config
        ],
        "layers": [_pair(found, one) for one in found.layers],
        "shared": _shared(found.shared),
        "first_difference": None if found.cache is None else _break(found.cache),
        "rebuilds": [_rebuild(one) for one in found.rebuilds],
        "files": _files(found.files),
        "groups": [
            {
                **path_keys(one.path),
                "change": one.turn.value,
                "content": one.content,
                "paths": one.paths,
                "bytes_before": one.size_before,
                "bytes_after": one.size_after,
            }
            for one in found.groups
        ],
        "transfer": {"push": push, "pull": pull},
    }


def difference_documents(found: Comparison) -> Iterator[Json]:
    """Every path that is different, one by one, for the list that the document ends with."""
    for one in found.files.differences:
        yield {
            **path_keys(one.path),
            "change": one.turn.value,
            "why": list(one.why),
            "bytes_before": one.size_before,
            "bytes_after": one.size_after,
        }


def _image(image: ImageAnalysis, archive: ArchiveInfo) -> Json:
    return {
        "archive": archive_keys(archive),
        **identity(image),
        "created": image.created,
        "verified": image.verified,
        "complete": image.complete,
        "layer_count": len(image.layers),
        "totals": totals_document(image),
    }


def _pair(found: Comparison, pair: LayerPair) -> Json:
    old = None if pair.before is None else found.before.layers[pair.before]
    new = None if pair.after is None else found.after.layers[pair.after]
    return {
        "before": pair.before,
        "after": pair.after,
        "match": None if pair.match is None else pair.match.value,
        "same_digest": pair.same_digest,
        "size_before": None if old is None else old.size,
        "size_after": None if new is None else new.size,
        "file_bytes_before": 0 if old is None else old.file_bytes,
        "file_bytes_after": 0 if new is None else new.file_bytes,
        "created_by_before": None if old is None else old.created_by,
        "created_by_after": None if new is None else new.created_by,
    }


def _shared(shared: SharedLayers) -> Json:
    return {
        "by_chain_id": _sum(shared.by_chain_id),
        "by_diff_id": _sum(shared.by_diff_id),
        "by_digest": _sum(shared.by_digest),
    }


def _sum(one: LayerSum) -> Json:
    return {"layers": one.layers, "size": one.size, "file_bytes": one.file_bytes}


def _break(one: CacheBreak) -> Json:
    return {
        "layer_index": one.layer_index,
        "reason": one.reason.value,
        "explanation": one.explanation,
        "history_index_before": one.step_before,
        "history_index_after": one.step_after,
        "instruction_before": one.instruction_before,
        "instruction_after": one.instruction_after,
        "rebuilt": _sum(one.rebuilt),
        "same_again": _sum(one.same_again),
    }


def _rebuild(one: Rebuild) -> Json:
    return {
        "layer_before": one.before,
        "layer_after": one.after,
        "same_files": one.same_files,
        "differ": list(one.differ),
        "added": one.added,
        "removed": one.removed,
        "content": one.content,
        "metadata": one.touched,
        "examples": [path_keys(path) for path in one.examples],
        "advice": list(one.advice),
    }


def _files(files: TreeComparison) -> Json:
    changed = [one for one in files.differences if one.turn is Turn.CHANGED]
    return {
        "added": _count(one.size_after for one in files.differences if one.turn is Turn.ADDED),
        "removed": _count(one.size_before for one in files.differences if one.turn is Turn.REMOVED),
        "changed": {
            "paths": sum(one.content for one in changed),
            "bytes_before": sum(one.size_before for one in changed if one.content),
            "bytes_after": sum(one.size_after for one in changed if one.content),
        },
        "metadata": {
            "paths": sum(not one.content for one in changed),
            "bytes_before": sum(one.size_before for one in changed if not one.content),
            "bytes_after": sum(one.size_after for one in changed if not one.content),
        },
        "unchanged": {"paths": files.unchanged, "bytes": files.unchanged_bytes},
        "folders": [
            {**path_keys(path), "bytes_before": old, "bytes_after": new}
            for path, (old, new) in sorted(files.folders.items())
        ],
    }


def _count(sizes: Iterable[int]) -> Json:
    known = list(sizes)
    return {"paths": len(known), "bytes": sum(known)}


def _transfer(one: Transfer) -> Json:
    return {
        "layers": list(one.layers),
        "bytes": one.size,
        "estimated_layers": one.estimated,
        "unknown_layers": one.unknown,
    }
