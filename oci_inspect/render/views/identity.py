"""By which names and digests an image goes, whole."""

from __future__ import annotations

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis
from oci_inspect.paths import file_text
from oci_inspect.render.blocks import Cell, Digest, Facts
from oci_inspect.render.sizes import clock
from oci_inspect.render.views.common import archive_line


def identity_facts(image: ImageAnalysis, archive: ArchiveInfo) -> Facts:
    """References, digests, where the image comes from, and the chain_id of each layer."""
    pairs: list[tuple[str, Cell | tuple[Cell, ...]]] = []
    if image.references:
        pairs.append(("References", tuple(image.references)))
    if image.image_id:
        pairs.append(("Image ID", Digest(image.image_id, "full")))
    if image.manifest_digest:
        pairs.append(("Manifest", Digest(image.manifest_digest, "full")))
    manifest, config = image.image.manifest, image.image.config
    if manifest is not None and manifest.media_type:
        pairs.append(("Media type", manifest.media_type))
    pairs.append(("Platform", str(image.platform)))
    if image.platform.os_version:
        pairs.append(("OS version", image.platform.os_version))
    pairs.append(("Created", clock(image.created)))
    if config is not None and config.author:
        pairs.append(("Author", config.author))
    if image.base is not None and image.base.digest:
        pairs.append(("Base's digest", Digest(image.base.digest, "full")))
    pairs += [("Archive", file_text(archive.path)), ("Kind", archive_line(archive))]
    chain = tuple(Digest(one.chain_id, "full") for one in image.layers if one.chain_id)
    if chain:
        pairs.append(("Chain IDs", chain))
    return Facts(tuple(pairs))
