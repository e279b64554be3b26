"""Journals: what came and went while layers were merged, for those who want to know."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from oci_inspect.filesystem.reasons import Reason

if TYPE_CHECKING:
    from oci_inspect.filesystem.applying import Applying


class Journal:
    """What a merge tells while it applies layers; by itself it listens to nothing.

    Paths are those of the tree, whatever links a layer's own names led over.
    """

    def begin_layer(self, layer: Applying) -> None:
        """A layer comes; what is in the tree is of those below it."""

    def lose(self, path: bytes, reference: int, reason: Reason, unit: bytes | None) -> None:
        """A path has lost what lay there; ``unit`` is the folder that went or was emptied."""

    def describe(self, path: bytes, before: int) -> None:
        """Another entry describes the folder at a path; ``before`` is the reference it had."""

    def put(self, path: bytes) -> None:
        """Something lies now at a path that is not just the one its row names.

        Told after what it displaced was lost.
        """

    def make(self, path: bytes) -> None:
        """A folder without an entry was made."""

    def end_layer(self, layer: Applying) -> None:
        """The layer is applied."""


class Lost(NamedTuple):
    """A path that a layer had and the merged tree has not, or not with this content.

    ``reference`` is that of the entry, -1 where no entry described the folder. ``removed_in`` is
    the layer that took it away.
    """

    path: bytes
    reference: int
    reason: Reason
    removed_in: int


_REASONS = tuple(Reason)


class Losses(Journal):
    """Everything that any layer has lost to a later one, or to itself: kept as columns."""

    def __init__(self) -> None:
        self._paths: list[bytes] = []
        self._references = array("q")
        self._reasons = bytearray()
        self._layers = array("I")
        self._layer: Applying | None = None

    def begin_layer(self, layer: Applying) -> None:
        """Remember the layer that takes things away from now on."""
        self._layer = layer

    def lose(self, path: bytes, reference: int, reason: Reason, unit: bytes | None) -> None:
        """Keep what was lost."""
        assert self._layer is not None
        if reference >= self._layer.base:
            reason = Reason.SHADOWED
        self._paths.append(path)
        self._references.append(reference)
        self._reasons.append(_REASONS.index(reason))
        self._layers.append(self._layer.index)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Lost]:
        """All that was lost, sorted by path, the oldest first."""
        for i in sorted(range(len(self._paths)), key=lambda i: (self._paths[i], i)):
            yield Lost(
                self._paths[i], self._references[i], _REASONS[self._reasons[i]], self._layers[i]
            )
