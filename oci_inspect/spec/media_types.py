"""Media types of images, and what they promise about the bytes (image-spec, media-types.md)."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})

_LAYERS = {
    OCI_LAYER: "none",
    OCI_LAYER + "+gzip": "gzip",
    OCI_LAYER + "+zstd": "zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar": "none",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": "gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": "zstd",
    DOCKER_LAYER: "none",
    DOCKER_LAYER + ".gzip": "gzip",
    DOCKER_LAYER + ".zstd": "zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar": "none",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": "gzip",
}


def is_layer(media_type: str) -> bool:
    """Whether a blob of this type is a filesystem layer, encrypted ones included."""
    return media_type.removesuffix("+encrypted") in _LAYERS


def is_encrypted(media_type: str) -> bool:
    """Whether a layer is encrypted (ocicrypt): listed, never opened."""
    return media_type.endswith("+encrypted")


def is_foreign(media_type: str) -> bool:
    """Whether a layer need not be in the archive (nondistributable, foreign)."""
    return ".nondistributable." in media_type or ".foreign." in media_type


def promised_compression(media_type: str) -> str | None:
    """``none``, ``gzip`` or ``zstd`` as the type says, None for a type that is no layer's.

    ``application/vnd.docker.image.rootfs.diff.tar.gzip`` stands over uncompressed layers in what
    skopeo and docker write: see :func:`compression_agrees`.
    """
    return _LAYERS.get(media_type)


def compression_agrees(media_type: str, compression: str) -> bool:
    """Whether the bytes are compressed as the media type promises."""
    promised = promised_compression(media_type)
    return promised is None or promised == compression
