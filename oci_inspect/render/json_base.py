"""The parts of JSON documents on base images and squashing, as docs/schema describes them."""

from __future__ import annotations

from typing import Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.analysis.squash import WhatIf

Json = dict[str, Any]


class Later:
    """A part of a document that is made when it is written: of some there are a million."""

    __slots__ = ()

    def document(self) -> Json:
        """The part."""
        raise NotImplementedError


def base_value(image: ImageAnalysis) -> Json | None:
    """What an image was built on. The bytes are None where it is not known where that ends."""
    base, own = image.base, image.own
    if base is None:
        return None
    return {
        "layers": base.layers,
        "name": base.name,
        "digest": base.digest,
        "confidence": base.confidence.value,
        "signs": list(base.signs),
        "own_file_bytes": None if own is None else own.file_bytes,
        "own_wasted_bytes": None if own is None else own.wasted_bytes,
        "base_bytes_removed": None if own is None else own.base_bytes_removed,
    }


def what_if_value(what_if: WhatIf) -> Json:
    """What squashing would save."""
    return {
        "squashes": [
            {
                "first_layer": one.first,
                "last_layer": one.last,
                "files": one.files,
                "saved_bytes": one.saved_bytes,
                "estimated_saved_compressed_bytes": one.saved_compressed,
                "unknown_layers": list(one.unknown),
                "base_layers": one.base_layers,
                "base_file_bytes": one.base_bytes,
            }
            for one in what_if.squashes
        ],
        "layers_before": what_if.layers_before,
        "layers_after": what_if.layers_after,
        "saved_bytes": what_if.saved_bytes,
        "estimated_saved_compressed_bytes": what_if.saved_compressed,
        "wasted_bytes_left": what_if.wasted_bytes,
    }
