"""What an analysis says: frozen values, in the words of the JSON that docs/schema describes.

Sizes are in bytes. Layer indexes count from 0, from the bottom. Paths are bytes from the root,
without a leading slash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from oci_inspect.archive.contents import Image, Other
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import Finding, limit_met
from oci_inspect.spec.platform import Platform


class Status(StrEnum):
    """How far a blob can be trusted."""

    VERIFIED = "verified"
    MISMATCH = "mismatch"
    UNVERIFIABLE = "unverifiable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """The input. ``compression`` is that of the whole, None where there is none."""

    path: str
    kind: str
    compression: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer.

    ``digest`` is the blob's as computed (as claimed where it could not be read), ``diff_id`` the
    tar's as computed, None where it could not be read to its end. ``size`` is as stored,
    ``uncompressed_size`` the tar's. ``entries`` are tar entries, ``files`` the names given to
    regular files, ``file_bytes`` their content (each inode once), ``wasted_bytes`` what of it is
    dead. ``history_index`` is the step that made the layer, None where the history does not tell.
    """

    index: int
    digest: str
    diff_id: str | None
    chain_id: str | None
    media_type: str
    compression: str | None
    status: Status
    size: int | None
    uncompressed_size: int | None
    entries: int
    files: int
    file_bytes: int
    wasted_bytes: int
    history_index: int | None
    created_by: str | None


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step of the build, oldest first.

    ``created_by`` is word for word, ``instruction`` the Dockerfile line it tells. ``raw`` is True
    where it tells none; ``note`` says what the history has lost. ``size`` is the layer's
    ``file_bytes``, 0 where the step owns no layer.
    """

    index: int
    created: str | None
    created_by: str
    instruction: str
    comment: str
    author: str | None
    empty_layer: bool
    layer_index: int | None
    size: int
    raw: bool = False
    note: str | None = None
    keyword: str | None = None
    build_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over an image. ``efficiency`` is 1 - wasted_bytes / file_bytes, 1 where that is 0/0.

    ``files`` are the paths of regular files in the merged tree. ``duplicate_bytes`` is the content
    that lies at several live paths, all copies but one: never part of ``wasted_bytes``.
    """

    size: int
    uncompressed_size: int
    file_bytes: int
    wasted_bytes: int
    efficiency: float
    files: int
    duplicate_bytes: int = 0


@dataclass(frozen=True, slots=True)
class WasteGroup:
    """Dead files that one layer made and one layer killed, rolled up to a folder where many.

    ``path`` ends in ``/`` where it is a folder, then ``count`` files below it are dead.
    ``advice`` is one sentence with the line to change.
    """

    path: bytes
    count: int
    size: int
    layer_index: int
    removed_in: int
    reason: str
    advice: str


class Confidence(StrEnum):
    """How sure it is where a base image ends.

    ``CERTAIN``: diff_ids were compared; ``LIKELY``: two signs agree, or the builder wrote it down;
    ``POSSIBLE``: one sign.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Base:
    """The image that an image was built on; see :func:`~oci_inspect.analysis.base.find_base`.

    The lowest ``layers`` layers are its own, those above are the user's; None where there is a
    base and nothing tells where it ends. ``digest`` is of its manifest. ``signs`` are short
    sentences on what this was judged by.
    """

    layers: int | None
    name: str | None
    digest: str | None
    confidence: Confidence
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnShare:
    """What of an image is the user's own, in bytes of content: see :class:`Base`.

    ``file_bytes`` and ``wasted_bytes`` are those of the user's layers. ``base_bytes_removed`` are
    in the base's layers and dead through the user's: the user cannot save them but in the base.
    The rest of the waste is the base's own doing.
    """

    file_bytes: int
    wasted_bytes: int
    base_bytes_removed: int


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """One image, wholly looked at.

    ``verified``: nothing of severity error is about it and each of its blobs was read to its end.
    ``complete``: no limit and no damage cut the reading. ``waste`` has every dead inode, largest
    first, ``worst`` the same rolled up. ``tree`` is the merged filesystem. ``base`` is None where
    nothing tells of one, ``own`` where it is not known where it ends. ``not_built_on`` says in one
    sentence why the image that was named as the base is none.
    """

    references: tuple[str, ...]
    image_id: str | None
    manifest_digest: str | None
    platform: Platform
    created: str | None
    verified: bool
    complete: bool
    findings: tuple[Finding, ...]
    layers: tuple[LayerResult, ...]
    history: tuple[HistoryStep, ...]
    waste: tuple[Dead, ...]
    worst: tuple[WasteGroup, ...]
    totals: Totals
    image: Image = field(repr=False)
    tree: UnionTree = field(repr=False)
    base: Base | None = None
    own: OwnShare | None = None
    not_built_on: str | None = None

    @property
    def name(self) -> str:
        """A short name for people: a reference, or a digest."""
        return self.image.name


@dataclass(frozen=True, slots=True)
class Analysis:
    """An archive and its images. ``findings`` are about the archive itself."""

    archive: ArchiveInfo
    images: tuple[ImageAnalysis, ...]
    other: tuple[Other, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there are images, all verified, and nothing is wrong with the archive itself."""
        return (
            bool(self.images)
            and all(image.verified for image in self.images)
            and not any(found.severity == "error" for found in self.findings)
        )

    @property
    def complete(self) -> bool:
        """Whether no limit and no damage cut the reading, of the archive or of any image."""
        return not self.limit_exceeded and all(image.complete for image in self.images)

    @property
    def limit_exceeded(self) -> bool:
        """Whether a limit cut anything short."""
        return limit_met(self.findings) or any(limit_met(image.findings) for image in self.images)
