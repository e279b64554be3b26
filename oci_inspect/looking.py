"""Looking into an image: its layers listed, merged up to any height, and their files opened.

Beside :mod:`oci_inspect.inspection`, which judges an image as a whole. Where nobody asks for
contents or digests, layers that are not compressed are only walked from header to header.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from oci_inspect.analysis.verify import opens
from oci_inspect.archive.contents import Image, LayerRef, layer_index
from oci_inspect.archive.store import Store
from oci_inspect.errors import ArchiveError, LimitExceededError
from oci_inspect.filesystem.changes import Change, LayerChanges, net_changes
from oci_inspect.filesystem.journal import Journal, Losses
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import Finding, FindingCollector, Severity, limit_met
from oci_inspect.layer.bounded import bounded
from oci_inspect.layer.content import FileContent, LayerFiles
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.listing import LayerListing, list_layer
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Allowance, Limits
from oci_inspect.reuse import Reuse, ScanKeeper
from oci_inspect.scanning import (
    Means,
    bytes_of,
    layer_labels,
    passed_by,
    scan_blobs,
    wanted_blobs,
)
from oci_inspect.stream.compression import MAGIC_BYTES, detect
from oci_inspect.stream.source import SkippingSource, read_exactly

Rows = LayerScan | LayerListing
_NOTHING = EntryTable()
_LEFT_OUT = ("hardlink-dangling", "path-unsafe", "path-through-symlink")


@dataclass(frozen=True, slots=True)
class LayerStack:
    """The layers of one image, bottom to top, each with its rows.

    What changed, and what was lost and why, can only be told where ``contents`` were looked at.
    ``problems`` are sentences on what could not be read or merged: with any of them, what is shown
    may not be what a container would see. ``doubts`` are digests that were computed by the way and
    do not hold. Whoever wants all digests checked asks for an analysis. ``left_out`` are sentences
    on entries that a merge found no place for, such as hard links to nothing.
    """

    image: Image
    tables: tuple[EntryTable, ...]
    problems: list[str]
    doubts: tuple[str, ...]
    files: LayerOpener
    limits: Limits = DEFAULT_LIMITS
    contents: bool = False
    left_out: list[str] = field(default_factory=list)

    def _need_contents(self) -> None:
        if not self.contents:
            raise ValueError("look(contents=True) tells what changed and what was lost")

    def _merge(self, tables: Sequence[EntryTable], journal: Journal | None = None) -> UnionTree:
        findings = FindingCollector()
        tree = merge(tables, findings, self.limits, journal).tree
        for found in findings.result():
            if limit_met([found]):
                told, message = self.problems, found.message
            elif found.rule in _LEFT_OUT:
                told, message = self.left_out, f"{found.subject}: {found.message}"
            else:
                continue
            if message not in told:
                told.append(message)
        return replace(tree, files=self.files, limits=self.limits)

    def __len__(self) -> int:
        return len(self.tables)

    def tree(self, *, up_to: int | None = None, layer: int | None = None) -> UnionTree:
        """The merged tree: of all layers, of those up to one, or of one alone.

        Raises :class:`SelectionError` where there is no such layer.
        """
        tables: Sequence[EntryTable] = self.tables
        if layer is not None:
            tables = [_NOTHING] * self.known(layer) + [self.tables[layer]]
        elif up_to is not None:
            tables = self.tables[: self.known(up_to) + 1]
        return self._merge(tables)

    def lost(self, up_to: int | None = None) -> tuple[UnionTree, Losses]:
        """The merged tree, and what is in one of its layers but not, or no longer so, in it."""
        self._need_contents()
        losses = Losses()
        tables = self.tables if up_to is None else self.tables[: self.known(up_to) + 1]
        return self._merge(tables, losses), losses

    def changes(
        self, layers: Iterable[int] | None = None
    ) -> tuple[UnionTree, dict[int, tuple[Change, ...]]]:
        """What each of some layers changed, by its index; None asks for all.

        With it the merged tree, in which the entries are looked up.
        """
        self._need_contents()
        wanted = None if layers is None else {self.known(layer) for layer in layers}
        journal = LayerChanges(wanted, self.files)
        return self._merge(self.tables, journal), journal.layers

    def net_changes(self, first: int, last: int) -> tuple[UnionTree, tuple[Change, ...]]:
        """What some layers in a row changed together, however they went about it."""
        self._need_contents()
        first, last = self.known(first), self.known(last)
        if last < first:
            raise ValueError(f"layer {last} lies below layer {first}")
        after = self.tree(up_to=last)
        before = self._merge(self.tables[:first])
        return after, net_changes(before, after, after.bases[first])

    def known(self, layer: int) -> int:
        """The index of a layer, if there is one; see :func:`layer_index`.

        Raises :class:`LimitExceededError` as well, for one that was not looked at.
        """
        index = layer_index(self.image, layer)
        if index >= len(self.tables):
            count = len(self.image.layers)
            raise LimitExceededError("layers", self.limits.layers, count, self.image.name)
        return index


class LayerOpener:
    """Opens files of an image's layers, as long as the archive is open."""

    def __init__(
        self,
        store: Store[LayerScan],
        layers: Sequence[LayerRef],
        tables: Sequence[EntryTable],
        limits: Limits,
    ) -> None:
        self._store = store
        self._limits = limits
        self._layers = layers
        self._tables = tables

    def layer(self, layer_index: int) -> LayerFiles:
        """The files of a layer."""
        member = self._layers[layer_index].member

        def blob() -> SkippingSource:
            return open_member(self._store, member or "")

        return LayerFiles(self._tables[layer_index], blob, self._limits)

    def plain(self, layer_index: int) -> bool:
        """Whether a layer is not compressed, so that each of its files is read where it lies."""
        member = self._layers[layer_index].member
        return self._store.rereads and _plain(self._store, member or "")

    def open(self, layer_index: int, row: int) -> FileContent:
        """The content of a regular file, by its row in a layer."""
        return self.layer(layer_index).open(row)


def open_member(store: Store[LayerScan], name: str) -> SkippingSource:
    """The bytes of a member. Raises :class:`ArchiveError`."""
    member = store.find(name)
    source = store.open(member) if member is not None else None
    if source is None:
        raise ArchiveError(
            store.path, f"{name}: it passed by in the stream and was not kept", "name a file"
        )
    return source


def look(
    store: Store[LayerScan],
    image: Image,
    means: Means,
    cache: ScanKeeper | None = None,
    *,
    contents: bool = False,
    layers: Container[int] | None = None,
) -> LayerStack:
    """List the layers of an image.

    With ``contents`` every layer is scanned, so that its rows tell changed contents from unchanged
    ones; ``layers`` are those that are read, None for all. Raises :class:`ArchiveError`.
    """
    limits = means.limits
    chosen = image.layers[: limits.layers]
    wanted = wanted_blobs([image])
    needed = {
        layer.member
        for i, layer in enumerate(chosen)
        if layer.member is not None and (layers is None or i in layers) and opens(layer.media_type)
    }
    light = set() if contents or not store.rereads else {n for n in needed if _plain(store, n)}
    heavy = {name: wanted[name] for name in needed - light}
    means.progress.expect(bytes_of(store, needed))
    labels = layer_labels([image])
    allowance = Allowance(limits, passed_by(store, needed))
    rows: dict[str, Rows | Finding] = {
        name: _list(store, name, labels[name], means, allowance) for name in sorted(light)
    }
    if heavy:
        reuse = None if cache is None else Reuse(cache, limits, [image])
        rows |= scan_blobs(store, heavy, labels, means, reuse, allowance=allowance)
    rows = {
        name: one if isinstance(one, Finding) else bounded(one, allowance)
        for name, one in rows.items()
    }
    return replace(_stacked(store, image, rows, limits, layers), contents=contents)


def _plain(store: Store[LayerScan], name: str) -> bool:
    return detect(read_exactly(open_member(store, name), MAGIC_BYTES)) == "none"


def _list(
    store: Store[LayerScan], name: str, label: str, means: Means, allowance: Allowance
) -> LayerListing:
    source = open_member(store, name)
    member = store.find(name)
    assert member is not None
    try:
        with means.progress.part(label, member.size) as part:
            return list_layer(part.skipping(source), member.size, means.limits, allowance)
    except OSError as error:
        raise ArchiveError(store.path, f"{name}: {error.strerror or error}") from error


def _stacked(
    store: Store[LayerScan],
    image: Image,
    rows: Mapping[str, Rows | Finding],
    limits: Limits,
    layers: Container[int] | None,
) -> LayerStack:
    tables: list[EntryTable] = []
    problems: list[str] = []
    doubts: list[str] = []
    if len(image.layers) > limits.layers:
        error = LimitExceededError("layers", limits.layers, len(image.layers), image.name)
        problems.append(str(error))
    total = 0
    for i, layer in enumerate(image.layers[: limits.layers]):
        known = rows.get(layer.member) if layer.member is not None else None
        table = _NOTHING
        if layers is None or i in layers:
            problems += (f"layer {i}: {one}" for one in _problems(layer, known))
        if known is not None and not isinstance(known, Finding):
            table = known.table
        if isinstance(known, LayerScan) and layer.digest is not None:
            also = known.diff_ids.values() if layer.named else ()
            computed = known.digests.get(layer.digest.algorithm)
            if computed is not None and str(layer.digest) not in (computed, *also):
                doubts.append(f"layer {i}: its bytes hash to {computed}, not to what is claimed")
        total += len(table)
        if total > limits.entries:
            problems.append(str(LimitExceededError("entries", limits.entries, total, image.name)))
            table = _NOTHING
        tables.append(table)
    files = LayerOpener(store, image.layers, tables, limits)
    return LayerStack(image, tuple(tables), problems, tuple(doubts), files, limits)


def _problems(layer: LayerRef, rows: Rows | Finding | None) -> Iterator[str]:
    if layer.member is None:
        yield "it is not in the archive"
    elif not opens(layer.media_type):
        yield f"nobody can look into what is of the type {layer.media_type}"
    elif isinstance(rows, Finding):
        yield rows.message
    elif rows is not None and not rows.listed:
        told = [
            one.message
            for one in rows.findings
            if one.severity is Severity.ERROR or one.rule == "limit-exceeded"
        ]
        yield told[0] if told else "it cannot be read to its end"
