"""What images take up together: layers that several of them share are stored once.

An engine keeps unpacked layers by their chain_id (image-spec, config.md, Layer ChainID): the same
tar upon the same layers below it. A registry, or whoever sends images, keeps blobs by digest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.stored import StoredImage, StoredLayer
from oci_inspect.findings import Finding, limit_met
from oci_inspect.spec.config import parse_time
from oci_inspect.spec.platform import Platform
from oci_inspect.spec.reference import repository_and_tag

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """One image, wherever it was found: in several archives, by several names.

    ``size`` is the sum of its layers on disk, ``shared_size`` what of it other images have as well,
    ``unique_size`` the rest: what removing the image would free. ``layers`` are positions in
    :attr:`DiskUsage.layers`, from the bottom. Where not ``complete`` some layer could not be read:
    ``size`` is at least so much, and the layers from there up are taken for nobody else's.
    """

    references: tuple[str, ...]
    image_id: str | None
    manifest_digests: tuple[str, ...]
    platform: Platform
    created: str | None
    archives: tuple[ArchiveInfo, ...]
    size: int
    shared_size: int
    unique_size: int
    layers: tuple[int, ...]
    complete: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class LayerUsage:
    """One layer as it is stored once. ``images`` are positions in :attr:`DiskUsage.images`.

    ``disk_size`` is None where nothing is known of it. ``digests`` are those of all blobs that it
    came as: compressed in one archive, perhaps not in another.
    """

    chain_id: str | None
    diff_id: str | None
    digests: tuple[str, ...]
    disk_size: int | None
    uncompressed_size: int | None
    complete: bool
    images: tuple[int, ...]
    instruction: str | None
    created_by: str | None


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Sums over all images, in bytes.

    ``size`` is what it would be if nothing were shared, ``stored_size`` what is stored with every
    layer once, ``saved_size`` the difference. ``layers`` counts a layer for each image that has it,
    ``distinct_layers`` each once. Tars of one diff_id are the same (``uncompressed_size``), and
    blobs of one digest (``blob_size``): that is what a registry holds, or a transfer sends.
    """

    images: int
    layers: int
    distinct_layers: int
    size: int
    stored_size: int
    saved_size: int
    distinct_diff_ids: int
    uncompressed_size: int
    distinct_digests: int
    blob_size: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes when all images but ``kept`` (positions) are removed; ``freed`` is in bytes."""

    kept: tuple[int, ...]
    freed: int


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Images and their layers, and what they take up together.

    ``images`` are the newest first, ``layers`` the largest first. ``all_but_newest`` removes all
    images that are older than the newest one, ``all_but_newest_of_each`` those that are older than
    another one of their repository and platform. Images without a name are of one repository;
    an image that does not tell when it was created is older than any.
    """

    archives: tuple[ArchiveInfo, ...]
    images: tuple[ImageUsage, ...]
    layers: tuple[LayerUsage, ...]
    totals: UsageTotals
    all_but_newest: Removal
    all_but_newest_of_each: Removal
    findings: tuple[Finding, ...] = ()
    """Limits that were met before it was known what images there are."""

    @property
    def complete(self) -> bool:
        """Whether all images are known and all layers could be read."""
        return not self.findings and all(image.complete for image in self.images)

    @property
    def limit_exceeded(self) -> bool:
        """Whether a limit cut anything short."""
        return bool(self.findings) or any(limit_met(image.findings) for image in self.images)


@dataclass(slots=True)
class _Shared:
    """A layer, and who has it."""

    layer: StoredLayer
    digests: dict[str, None] = field(default_factory=dict)
    images: list[int] = field(default_factory=list)

    def take(self, layer: StoredLayer) -> None:
        """One more blob of the same layer; what is known of one is true of the other."""
        self.digests[layer.digest] = None
        if layer.complete and not self.layer.complete:
            self.layer = layer


def usage_of(
    images: Iterable[StoredImage],
    archives: Iterable[ArchiveInfo] | None = None,
    findings: Iterable[Finding] = (),
) -> DiskUsage:
    """Find out who shares what. ``archives`` are those to list, by default those of the images.

    ``findings`` are limits that cut short what archives tell of images.
    """
    found = tuple(images)
    groups = _same_images(found)
    layers: dict[Hashable, _Shared] = {}
    stacks: list[list[Hashable]] = []
    for number, group in enumerate(groups):
        stack = _keys(group[0], number)
        stacks.append(stack)
        for one in group:
            for key, layer in zip(stack, one.layers, strict=True):
                layers.setdefault(key, _Shared(layer)).take(layer)
        for key in stack:
            layers[key].images.append(number)
    sizes = {key: one.layer.disk_size or 0 for key, one in layers.items()}
    ordered = sorted(layers, key=lambda key: -sizes[key])
    position = {key: i for i, key in enumerate(ordered)}
    rows = tuple(
        _image_usage(
            group,
            tuple(position[key] for key in stack),
            size=sum(sizes[key] for key in stack),
            shared=sum(sizes[key] for key in stack if len(layers[key].images) > 1),
        )
        for group, stack in zip(groups, stacks, strict=True)
    )

    def keeping(kept: Sequence[int]) -> Removal:
        left = {key for i in kept for key in stacks[i]}
        return Removal(tuple(kept), sum(sizes.values()) - sum(sizes[key] for key in left))

    everything = range(len(rows))
    return DiskUsage(
        archives=tuple(
            dict.fromkeys([one.archive for one in found] if archives is None else archives)
        ),
        images=rows,
        layers=tuple(_layer_usage(layers[key]) for key in ordered),
        totals=_totals(found, stacks, sizes),
        all_but_newest=keeping(_newest(everything, rows)),
        all_but_newest_of_each=keeping(_newest_of_each(rows)),
        findings=tuple(findings),
    )


def _same_images(images: Iterable[StoredImage]) -> list[list[StoredImage]]:
    """The finds of each image, the newest image first; those of one time as they came."""
    groups: dict[Hashable, list[StoredImage]] = {}
    for image in images:
        name = image.image_id or image.manifest_digest
        stack = tuple(layer.chain_id or (layer.diff_id, layer.digest) for layer in image.layers)
        groups.setdefault((name, stack), []).append(image)
    return sorted(groups.values(), key=lambda group: _time(group[0].created), reverse=True)


def _keys(image: StoredImage, number: int) -> list[Hashable]:
    """What each layer of an image is the same by; without a chain_id it is only itself."""
    return [layer.chain_id or (number, i) for i, layer in enumerate(image.layers)]


def _image_usage(
    group: Sequence[StoredImage], layers: tuple[int, ...], *, size: int, shared: int
) -> ImageUsage:
    first = group[0]
    digests = (one.manifest_digest for one in group)
    return ImageUsage(
        references=tuple(dict.fromkeys(name for one in group for name in one.references)),
        image_id=first.image_id,
        manifest_digests=tuple(dict.fromkeys(one for one in digests if one is not None)),
        platform=first.platform,
        created=first.created,
        archives=tuple(dict.fromkeys(one.archive for one in group)),
        size=size,
        shared_size=shared,
        unique_size=size - shared,
        layers=layers,
        complete=any(one.complete for one in group),
        findings=tuple(dict.fromkeys(found for one in group for found in one.findings)),
    )


def _layer_usage(shared: _Shared) -> LayerUsage:
    layer = shared.layer
    return LayerUsage(
        chain_id=layer.chain_id,
        diff_id=layer.diff_id,
        digests=tuple(shared.digests),
        disk_size=layer.disk_size,
        uncompressed_size=layer.uncompressed_size,
        complete=layer.complete,
        images=tuple(shared.images),
        instruction=layer.instruction,
        created_by=layer.created_by,
    )


def _totals(
    images: Iterable[StoredImage],
    stacks: Sequence[Sequence[Hashable]],
    sizes: dict[Hashable, int],
) -> UsageTotals:
    tars: dict[str, int] = {}
    blobs: dict[str, int] = {}
    for image in images:
        for layer in image.layers:
            if layer.diff_id is not None:
                tars[layer.diff_id] = layer.uncompressed_size or 0
            if layer.size is not None:
                blobs[layer.digest] = layer.size
    size = sum(sizes[key] for stack in stacks for key in stack)
    stored = sum(sizes.values())
    return UsageTotals(
        images=len(stacks),
        layers=sum(map(len, stacks)),
        distinct_layers=len(sizes),
        size=size,
        stored_size=stored,
        saved_size=size - stored,
        distinct_diff_ids=len(tars),
        uncompressed_size=sum(tars.values()),
        distinct_digests=len(blobs),
        blob_size=sum(blobs.values()),
    )


# The newest


def _time(created: str | None) -> datetime:
    return (parse_time(created) if created else None) or _NEVER


def _newest(among: Iterable[int], images: Sequence[ImageUsage]) -> list[int]:
    """Those that nothing is newer than: several, where they are of one time."""
    times = {i: _time(images[i].created) for i in among}
    latest = max(times.values(), default=_NEVER)
    return [i for i, time in times.items() if time == latest]


def _newest_of_each(images: Sequence[ImageUsage]) -> list[int]:
    shelves: dict[tuple[str | None, Platform], list[int]] = {}
    for i, image in enumerate(images):
        for name in dict.fromkeys(map(_repository, image.references)) or (None,):
            shelves.setdefault((name, image.platform), []).append(i)
    return sorted({i for shelf in shelves.values() for i in _newest(shelf, images)})


def _repository(reference: str) -> str | None:
    return repository_and_tag(reference)[0]
