"""``inspect --format docker``: what ``docker image inspect`` prints, as far as an archive tells."""

from __future__ import annotations

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.render.json_base import Json


def docker_inspect_document(image: ImageAnalysis) -> list[Json]:
    """``inspect --format docker``: the keys of ``docker image inspect``, for scripts to read.

    What only a daemon knows (graph driver, parent, repository digests) is empty.
    """
    raw = image.image.config.raw if image.image.config else {}
    run = raw.get("config")
    document: Json = {
        "Id": image.image_id,
        "RepoTags": list(image.references),
        "RepoDigests": [],
        "Parent": "",
        "Comment": raw.get("comment") or (image.history[-1].comment if image.history else ""),
        "Created": image.created,
        "DockerVersion": raw.get("docker_version") or "",
        "Author": raw.get("author") or "",
        "Config": run if isinstance(run, dict) else {},
        "Architecture": image.platform.architecture,
        "Os": image.platform.os,
        "Size": image.totals.file_bytes,
        "RootFS": {
            "Type": "layers",
            "Layers": [layer.diff_id for layer in image.layers],
        },
    }
    if image.platform.variant:
        document["Variant"] = image.platform.variant
    return [document]
