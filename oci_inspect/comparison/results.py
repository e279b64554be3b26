"""What a comparison says: frozen values. ``before`` is the first image, ``after`` the second.

Sizes are in bytes, layer and step indexes count from 0, paths are bytes from the root.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.filesystem.comparing import TreeComparison, Turn


@dataclass(frozen=True, slots=True)
class ConfigDifference:
    """One setting: ``User``, ``Env.PATH``, ``Labels.vendor``, ``ExposedPorts.80/tcp``, ``os``.

    ``before`` and ``after`` are values as JSON has them, None where there is none.
    """

    key: str
    turn: Turn
    before: object
    after: object


class Match(StrEnum):
    """By what two layers are put side by side."""

    CHAIN_ID = "chain_id"
    """The same, and so are all layers below: an engine has it once."""
    DIFF_ID = "diff_id"
    """The same tar on another stack."""
    INSTRUCTION = "instruction"
    """Other content of the same instruction."""
    POSITION = "position"
    """Nothing but that one stands in the place of the other."""


@dataclass(frozen=True, slots=True)
class LayerPair:
    """A layer of the first image, of the second, or one of each; ``match`` is None for one alone.

    ``same_digest`` where the blobs are the same as well, so that nobody stores both.
    """

    before: int | None
    after: int | None
    match: Match | None
    same_digest: bool = False


@dataclass(frozen=True, slots=True)
class LayerSum:
    """Some layers of the second image: how many, and their bytes as stored and of their files."""

    layers: int
    size: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class SharedLayers:
    """The layers of the second image that the first has too, by each of the three names."""

    by_chain_id: LayerSum
    by_diff_id: LayerSum
    by_digest: LayerSum


class BreakReason(StrEnum):
    """Why a layer is the first that differs."""

    ADDED = "layers-added"
    """The first image ends below it."""
    REMOVED = "layers-removed"
    """The second image ends below it."""
    BASE = "base-changed"
    INSTRUCTION_CHANGED = "instruction-changed"
    INSTRUCTION_ADDED = "instruction-added"
    INSTRUCTION_REMOVED = "instruction-removed"
    INSTRUCTION_MOVED = "instruction-moved"
    ARGUMENT = "build-argument-changed"
    CONTENT = "content-changed"
    """The same instruction, other content."""
    METADATA = "metadata-changed"
    """The same instruction and the same files, in other bytes."""
    UNVERIFIED = "not-verified"
    """The layer is missing, cannot be read, or is not what its documents claim."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CacheBreak:
    """Where the build cache broke: the first layer that differs.

    ``layer_index`` is its index in both images, ``step_before`` and ``step_after`` the steps of
    their histories that are to blame (None where none is known, or the image ends below), with
    their lines. ``explanation`` is one sentence. ``rebuilt`` are that layer and all above it in the
    second image; ``same_again`` those of them that came out the same as some layer of the first.
    """

    layer_index: int
    reason: BreakReason
    step_before: int | None
    step_after: int | None
    instruction_before: str | None
    instruction_after: str | None
    explanation: str
    rebuilt: LayerSum
    same_again: LayerSum


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Two layers of one instruction that are not the same bytes, held against each other.

    ``differ`` says in what: ``files`` where they do not hold the same ones, ``deletions``,
    ``time``, ``owner``, ``mode``, ``xattrs``, ``links``, ``folders`` (one layer has entries for
    folders that the other leaves out), ``order`` of the entries, ``tar`` (nothing but headers or
    padding), ``compression`` (the same tar). ``added``, ``removed``, ``content`` and ``touched``
    count paths: those that only one has, those of other content, those of other metadata alone.
    ``examples`` are some of the paths, ``advice`` what would make the layers the same, a sentence
    each.
    """

    before: int
    after: int
    differ: tuple[str, ...]
    added: int
    removed: int
    content: int
    touched: int
    examples: tuple[bytes, ...]
    advice: tuple[str, ...]

    @property
    def same_files(self) -> bool:
        """Whether both hold the same files, whatever their metadata."""
        return "files" not in self.differ


@dataclass(frozen=True, slots=True)
class Transfer:
    """Layers of the second image that must travel, and their bytes, each blob once.

    ``size`` is what is known of them; ``unknown`` is how many have no known size. ``estimated`` is
    how many of those in ``size`` the archive holds uncompressed, so that theirs is an estimate.
    """

    layers: tuple[int, ...]
    size: int
    estimated: int
    unknown: int


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Paths that became different in the same way, rolled up to a folder where many.

    ``path`` ends in ``/`` where it is a folder, then ``paths`` of them lie below it. ``content`` is
    False where nothing but metadata is different.
    """

    path: bytes
    turn: Turn
    content: bool
    paths: int
    size_before: int
    size_after: int

    @property
    def growth(self) -> int:
        """By how many bytes the second image is larger here."""
        return self.size_after - self.size_before


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two images, wholly compared.

    ``push`` is what a push of the second image moves to a registry that has the first: the blobs
    that it lacks. ``pull`` is what a pull of it moves to a docker host that has the first: all from
    the first layer that differs. An engine that keeps blobs (containerd, podman) fetches no more
    than is pushed.
    """

    before: ImageAnalysis
    after: ImageAnalysis
    config: tuple[ConfigDifference, ...]
    layers: tuple[LayerPair, ...]
    shared: SharedLayers
    cache: CacheBreak | None
    rebuilds: tuple[Rebuild, ...]
    files: TreeComparison
    groups: tuple[FileGroup, ...]
    push: Transfer
    pull: Transfer

    @property
    def same_filesystem(self) -> bool:
        """Whether a container would see the same files, metadata included."""
        return self.files.same

    @property
    def same_config(self) -> bool:
        """Whether a container would run in the same way, on the same platform."""
        return not self.config

    @property
    def same_layers(self) -> bool:
        """Whether all layers are the same tars."""
        return all(pair.match is Match.CHAIN_ID for pair in self.layers)

    @property
    def same(self) -> bool:
        """Whether filesystem and config are the same, whatever the digests."""
        return self.same_filesystem and self.same_config

    @property
    def proven(self) -> bool:
        """Whether no file is the same by its size and CRC-32 alone, where all depends on it."""
        return not self.files.unproven

    @property
    def complete(self) -> bool:
        """Whether both images could be read to their ends."""
        return self.before.complete and self.after.complete
