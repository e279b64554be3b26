"""The history of one path: which layer made it, changed it, deleted it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.changes import Kind
from oci_inspect.filesystem.differences import differences
from oci_inspect.filesystem.journal import Journal
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import FileOpener, reference_of


class PathEvent(NamedTuple):
    """What one layer did to the path.

    ``before`` and ``after`` are references of entries (-1: a folder that no entry describes), None
    where there was nothing. ``why`` is as in :class:`~oci_inspect.filesystem.changes.Change`. For
    something deleted ``reason`` says how, and ``unit`` is the folder that went or was emptied with
    it, None where it went by itself.
    """

    layer_index: int
    kind: Kind
    before: int | None
    after: int | None
    why: tuple[str, ...]
    reason: Reason | None
    unit: bytes | None


class PathLog(Journal):
    """Listens to what happens at one path; ``events`` are in the order of the layers.

    ``files`` opens files whose contents must be compared.
    """

    def __init__(self, path: bytes, files: FileOpener | None = None) -> None:
        self.events: list[PathEvent] = []
        self._files = files
        self._path = path
        self._now: int | None = None
        self._loss: tuple[Reason, bytes | None] | None = None

    def lose(self, path: bytes, reference: int, reason: Reason, unit: bytes | None) -> None:
        """Remember how the path was lost."""
        if path == self._path:
            self._loss = reason, None if unit == path else unit

    def end_layer(self, layer: Applying) -> None:
        """See what lies at the path now."""
        tree = layer.tree
        node = tree.lookup(self._path)
        before, after = self._now, None if node is None else reference_of(node)
        loss, self._loss = self._loss, None
        self._now = after
        if before == after:
            return
        if before is None and after is not None:
            self._add(layer, Kind.ADDED, before, after, (), None)
        elif before is not None and after is None:
            self._add(layer, Kind.DELETED, before, after, (), loss)
        elif before is not None and after is not None:
            both = replace(tree, files=self._files)
            why = differences(both, before, both, after)
            self._add(layer, Kind.CHANGED, before, after, why, None)

    def _add(
        self,
        layer: Applying,
        kind: Kind,
        before: int | None,
        after: int | None,
        why: tuple[str, ...],
        loss: tuple[Reason, bytes | None] | None,
    ) -> None:
        reason, unit = loss or (None, None)
        self.events.append(PathEvent(layer.index, kind, before, after, why, reason, unit))
