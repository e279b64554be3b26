"""What an archive's documents tell: images, other things, and what is wrong with the documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from oci_inspect.errors import SelectionError
from oci_inspect.findings import Finding
from oci_inspect.spec.config import ImageConfig
from oci_inspect.spec.digest import Digest
from oci_inspect.spec.manifest import Manifest
from oci_inspect.spec.platform import Platform

_LAYERS = re.compile(r"(?P<one>-?[0-9]{1,9})|(?P<low>-?[0-9]{1,9})?\.\.(?P<high>-?[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class LayerRef:
    """Where a layer's blob lies and what is claimed of it.

    ``member`` is the name of the file in the archive, None where there is none. ``digest`` is what
    the descriptor or the path says; ``named`` is True where it is only a name in a docker archive,
    which may be that of the tar instead of the blob. ``size`` is in bytes.
    """

    member: str | None
    path: str
    digest: Digest | None
    claimed_digest: str
    size: int | None
    media_type: str
    urls: tuple[str, ...] = ()
    named: bool = False

    @property
    def subject(self) -> str:
        """What a finding about this layer names."""
        return str(self.digest) if self.digest else (self.claimed_digest or self.path)


@dataclass(frozen=True, slots=True)
class CompressedSize:
    """The bytes of a layer's blob as a registry would hold it.

    ``estimated`` where the archive has the layer uncompressed.
    """

    size: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class Image:
    """One image of an archive, as its documents describe it.

    ``image_id`` is the digest of the config as it lies there (the claimed one where it is missing,
    None in archives older than configs). ``findings`` are about its documents, ``unverifiable`` is
    True where its manifest or config goes by a digest that cannot be computed here.
    """

    references: tuple[str, ...]
    image_id: str | None
    manifest_digest: str | None
    manifest: Manifest | None
    manifest_data: bytes | None = field(repr=False)
    config: ImageConfig | None
    config_data: bytes | None = field(repr=False)
    platform: Platform
    layers: tuple[LayerRef, ...]
    findings: tuple[Finding, ...]
    unverifiable: bool = False

    @property
    def name(self) -> str:
        """The best short name: a reference, or a digest."""
        if self.references:
            return self.references[0]
        return self.manifest_digest or self.image_id or "image"


@dataclass(frozen=True, slots=True)
class Other:
    """Something an index names that is no image, or is not here.

    ``reason`` is one word: ``attestation``, ``signature``, ``artifact``, ``cache``, ``missing``,
    ``layer``, ``unreadable``, ``unknown``.
    """

    digest: str
    media_type: str
    artifact_type: str | None
    reason: str
    size: int | None
    platform: Platform | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """All that an archive's documents tell.

    ``kind`` is ``docker-archive``, ``hybrid``, ``oci-archive``, ``oci-layout`` or ``dir``.
    ``index_data`` is ``index.json`` or docker's ``manifest.json`` as it lies there.
    """

    kind: str
    images: tuple[Image, ...]
    other: tuple[Other, ...]
    findings: tuple[Finding, ...]
    index_data: bytes | None = field(repr=False)
    used_members: frozenset[str] = field(repr=False, default=frozenset())


def parse_layers(text: str) -> tuple[int, int] | None:
    """The first and the last of some layers in a row, as ``3..7``, ``3..``, ``..-2`` or ``4``.

    Negative ones count from the top. None for what is no such range; whether there are such layers
    is for :func:`layer_index` to say.
    """
    found = _LAYERS.fullmatch(text)
    if found is None:
        return None
    if found["one"]:
        return int(found["one"]), int(found["one"])
    return int(found["low"] or 0), int(found["high"] or -1)


def layer_index(image: Image, layer: int) -> int:
    """The index of a layer, counted from the top where negative. Raises :class:`SelectionError`."""
    count = len(image.layers)
    if -count <= layer < count:
        return layer % count
    there = f"its layers are 0 to {count - 1}" if count > 1 else "its only layer is 0"
    raise SelectionError(
        f"no layer {layer} in {image.name}: {there if count else 'it has none'}", ()
    )
