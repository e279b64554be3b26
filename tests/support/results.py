"""Results by hand, for tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

from oci_inspect import ImageAnalysis, analyze
from oci_inspect.analysis.results import LayerResult, Status
from support.images import ImageBuilder, docker_archive, hex_of, sha256


def layer(
    tar: str | None,
    *,
    blob: str | None = None,
    compression: str | None = "none",
    size: int | None = 0,
    file_bytes: int = 0,
) -> LayerResult:
    """A layer that is told by names: of its tar (None: unread) and of its blob."""
    return LayerResult(
        index=0,
        digest=sha256((blob or tar or "").encode()),
        diff_id=None if tar is None else sha256(tar.encode()),
        chain_id=None,
        media_type="",
        compression=compression if tar is not None else None,
        status=Status.VERIFIED,
        size=size,
        uncompressed_size=None,
        entries=0,
        files=0,
        file_bytes=file_bytes,
        wasted_bytes=0,
        history_index=None,
        created_by=None,
    )


def analysis_of(folder: Path, image: ImageBuilder) -> ImageAnalysis:
    """The analysis of one image."""
    path = folder / f"{hex_of(image.image_id)[:12]}.tar"
    (found,) = analyze(docker_archive(image).write_file(path)).images
    return found
