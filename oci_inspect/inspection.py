"""The conductor: open an archive, scan its blobs, fold the scans into an analysis.

One screen for each stage. Nothing is computed here that a room below could compute.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from types import TracebackType

from oci_inspect.analysis.base import Candidates
from oci_inspect.analysis.results import (
    Analysis,
    ArchiveInfo,
    ImageAnalysis,
)
from oci_inspect.analysis.squash import WhatIf, what_if
from oci_inspect.analysis.stored import StoredImage, stored_image
from oci_inspect.archive.contents import (
    CompressedSize,
    Contents,
    Image,
    layer_index,
)
from oci_inspect.archive.opening import open_store
from oci_inspect.archive.reading import find_unreferenced, named_blobs, read_contents
from oci_inspect.archive.selection import choices, select, select_one
from oci_inspect.archive.store import Store
from oci_inspect.errors import ArchiveError, SelectionError
from oci_inspect.estimating import compressed_sizes
from oci_inspect.filesystem.disk import DiskSizes
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import EXAMPLES_PER_RULE, Finding, FindingCollector, unlisted
from oci_inspect.folding import Fold
from oci_inspect.lanes import LANES, Helpers
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Allowance, Limits
from oci_inspect.looking import LayerOpener, LayerStack, look
from oci_inspect.progress import Progress
from oci_inspect.reuse import Reuse, ScanKeeper
from oci_inspect.scanning import (
    Means,
    beside_a_window,
    bytes_of,
    check_blobs,
    cores,
    layer_labels,
    scan_blobs,
    visitor,
    wanted_blobs,
)
from oci_inspect.spec.digest import Digest
from oci_inspect.spec.platform import Platform, parse_platform

_AT_A_TIME = 10_000
"""Blobs beside layers that are hashed before what came out of it is looked at."""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An opened archive: its documents are read, its layers are not.

    Use it as a context manager, or :meth:`close` it. ``images`` and ``other`` are what its
    documents tell of; :meth:`analyze` scans layers.
    """

    info: ArchiveInfo
    contents: Contents
    limits: Limits
    _store: Store[LayerScan]
    _progress: Progress
    _cache: ScanKeeper | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """The images, in the order of the archive."""
        return self.contents.images

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the archive itself, and what no image in it needs."""
        findings = FindingCollector()
        findings.extend(self._store.findings)
        findings.extend(self.contents.findings)
        find_unreferenced(self._store, self.contents, findings)
        return findings.result()

    def analyze(
        self,
        images: Sequence[Image] | None = None,
        jobs: int | None = None,
        *,
        base: Image | None = None,
    ) -> Analysis:
        """Scan the layers of ``images`` (all where None) and return the whole story.

        With all images, every other blob that goes by its digest is hashed as well.
        ``jobs`` is how many layers are scanned at a time, by default the cores that this process
        may use. ``base`` is the image that they are said to be built on, of this archive or of
        another; no layer of it is read. Raises :class:`ArchiveError` where the input changed
        meanwhile.
        """
        chosen = self.images if images is None else tuple(images)
        store = self._store
        means = Means(self.limits, jobs or cores(), self._progress)
        wanted = wanted_blobs(chosen)
        others = partial(named_blobs, store, self.contents)
        if len(chosen) != len(self.images):
            others = partial(iter, ())
        self._progress.expect(bytes_of(store, chain(wanted, (name for name, _ in others()))))
        reuse = None if self._cache is None else Reuse(self._cache, self.limits, chosen)
        fold = Fold(chosen, self.limits, Candidates(self.images, base))

        def foresee() -> None:
            if reuse is not None and (expected := reuse.expected(wanted)) is not None:
                fold.images(expected)

        scans = scan_blobs(store, wanted, layer_labels(chosen), means, reuse, foresee)
        findings = self.findings + self._check_others(others(), means)
        self._store.check_unchanged()
        return Analysis(
            archive=self.info,
            images=fold.images(scans),
            other=self.contents.other,
            findings=findings,
        )

    def look(
        self,
        image: Image | None = None,
        *,
        contents: bool = False,
        layers: Container[int] | None = None,
        jobs: int | None = None,
    ) -> LayerStack:
        """List the layers of an image, to look into its file system; see :class:`LayerStack`.

        ``image`` may be left out where there is only one. With ``contents`` changed contents can be
        told from unchanged ones, for which all bytes are read. ``layers`` are those to list, None
        for all. Raises :class:`ArchiveError`, :class:`SelectionError`.
        """
        chosen = select_one(self.images) if image is None else image
        means = Means(self.limits, jobs or cores(), self._progress)
        stack = look(self._store, chosen, means, self._cache, contents=contents, layers=layers)
        self._store.check_unchanged()
        return stack

    def tree(
        self, image: Image | None = None, *, up_to: int | None = None, layer: int | None = None
    ) -> UnionTree:
        """The merged file system of an image: of all its layers, up to one, or of one alone.

        Files can be opened as long as the archive is. Raises :class:`ArchiveError` also where a
        layer cannot be read: :meth:`look` shows what there is of such an image.
        """
        chosen = select_one(self.images) if image is None else image
        only = None if layer is None else (layer_index(chosen, layer),)
        stack = self.look(chosen, layers=only)
        tree = stack.tree(up_to=up_to, layer=layer)
        if stack.problems:
            raise ArchiveError(self.info.path, stack.problems[0])
        return tree

    def compressed_sizes(
        self, image: Image, layers: Container[int] | None = None
    ) -> tuple[CompressedSize | None, ...]:
        """How many bytes each layer of an image is on its way to or from a registry.

        As stored where it is compressed, else estimated from pieces of it; None where nothing
        tells, and for all but ``layers`` where those are given. Raises :class:`ArchiveError`.
        """
        return compressed_sizes(self._store, image, layers)

    def files(self, image: Image, tables: Sequence[EntryTable]) -> LayerOpener:
        """What opens files of an image's layers; ``tables`` are their rows."""
        return LayerOpener(self._store, image.layers, tables, self.limits)

    def what_if(self, image: ImageAnalysis, spec: str) -> WhatIf:
        """What squashing layers of an image would save; see :func:`~.analysis.squash.what_if`.

        Raises :class:`ArchiveError`, and :class:`SelectionError` for a ``spec`` that does not fit.
        """
        wasteful = {one.layer_index for one in image.waste}
        sizes = self.compressed_sizes(image.image, wasteful)
        return what_if(image, spec, [None if one is None else one.size for one in sizes])

    def stored(
        self,
        images: Sequence[Image] | None = None,
        jobs: int | None = None,
        sizes: DiskSizes | None = None,
    ) -> tuple[StoredImage, ...]:
        """What an engine would store of ``images`` (all where None): layers and their bytes.

        Every layer is scanned, none is merged with another. ``sizes`` are those of an archive that
        was opened with a memory of slim scans (:func:`~oci_inspect.disk_usage` does so). Raises
        :class:`ArchiveError` where the input changed meanwhile.
        """
        chosen = self.images if images is None else tuple(images)
        means = Means(self.limits, jobs or cores(), self._progress)
        wanted = wanted_blobs(chosen)
        self._progress.expect(bytes_of(self._store, wanted))
        reuse = None if self._cache is None else Reuse(self._cache, self.limits, chosen)
        scans = scan_blobs(self._store, wanted, layer_labels(chosen), means, reuse)
        self._store.check_unchanged()
        measured = sizes or DiskSizes(self.limits)
        return tuple(
            stored_image(self.info, image, scans, measured.of, self.limits) for image in chosen
        )

    @property
    def rereads(self) -> bool:
        """Whether layers can be read again, which those of a stream cannot."""
        return self._store.rereads

    def check_unchanged(self) -> None:
        """Raise :class:`ArchiveError` where the input is no longer what it was when opened."""
        self._store.check_unchanged()

    def _check_others(
        self, others: Iterator[tuple[str, Digest]], means: Means
    ) -> tuple[Finding, ...]:
        """Hold blobs against their names, so many at a time, and list the first that do not fit."""
        told = self._mismatches()
        listed: list[Finding] = []
        count = 0
        while batch := dict(islice(others, _AT_A_TIME)):
            found = check_blobs(self._store, batch, told, means)
            count += len(found)
            listed = sorted((*listed, *found), key=lambda one: one.subject)[:EXAMPLES_PER_RULE]
        return tuple(listed) + unlisted("blob-digest-mismatch", count - len(listed))

    def _mismatches(self) -> set[str]:
        """The digests of documents that are said not to hold."""
        findings = [*self.contents.findings]
        for image in self.contents.images:
            findings += image.findings
        return {one.subject for one in findings if one.rule == "blob-digest-mismatch"}

    def close(self) -> None:
        """Close the input."""
        self._store.close()

    def __enter__(self) -> ArchiveFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_archive(
    path: str | os.PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    scan: bool = True,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
    keep: bool = False,
) -> ArchiveFile:
    """Open a saved image: a tar file, a folder, or ``-`` for standard input.

    A stream (standard input, or a file that is compressed as a whole) passes by only once: its
    layers are scanned now, with the help of ``jobs`` threads, unless ``scan`` is False. With
    ``keep`` it is written to a temporary file without a name instead, so that files can be read
    out of its layers.
    ``progress`` is told of every byte that is read. With a ``cache``, a blob whose scan it has is
    hashed and not scanned again. Raises :class:`ArchiveError`.
    """
    told = progress or Progress()
    means = Means(limits, jobs or cores(), told)
    helpers = Helpers(min(means.jobs - 1, LANES))
    try:
        allowance = Allowance(limits)
        visit = visitor(means, helpers, allowance) if scan else None
        inside = visitor(beside_a_window(means), helpers, allowance) if scan else None
        store = open_store(os.fspath(path), visit, limits, told, keep=keep, inside=inside)
    finally:
        helpers.dismiss()
    try:
        contents = read_contents(store)
    except OSError as error:
        store.close()
        raise ArchiveError(store.path, error.strerror or "it cannot be read") from error
    except ArchiveError as error:
        store.close()
        raise _told_as_cut(error) if store.truncated else error from None
    except BaseException:
        store.close()
        raise
    info = ArchiveInfo(os.fspath(path), contents.kind, store.compression, store.size)
    return ArchiveFile(info, contents, limits, store, told, cache)


def _told_as_cut(error: ArchiveError) -> ArchiveError:
    """What is wrong with an archive of which a part is missing, where that may be why."""
    if "cut" in error.problem:
        return error
    problem = f"{error.problem}; the archive is cut short"
    return ArchiveError(error.path, problem, "copy or save it again, to its end")


def analyze(
    path: str | os.PathLike[str],
    *,
    image: str | None = None,
    platform: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
    base: str | os.PathLike[str] | None = None,
) -> Analysis:
    """Open a saved image and tell its whole story; see :class:`Analysis`.

    ``image`` picks by tag, reference, digest, ID or position, ``platform`` by ``os/arch``; without
    them every image of the archive is analysed. A ``cache`` spares scanning the same blobs again;
    without one nothing is kept. ``base`` is the path of an archive with the image that they are
    said to be built on. Raises :class:`ArchiveError` where the input is no image archive,
    :class:`SelectionError` where no image fits, ``ValueError`` for a platform that is none.
    """
    wanted = None if platform is None else parse_platform(platform)
    below = None if base is None else read_base(base, platform=wanted, limits=limits)
    with open_archive(path, limits=limits, jobs=jobs, progress=progress, cache=cache) as archive:
        return archive.analyze(select(archive.images, image, wanted), jobs, base=below)


def read_base(
    path: str | os.PathLike[str],
    image: str | None = None,
    platform: Platform | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Image:
    """The image of an archive that others are said to be built on; no layer of it is read.

    ``image`` picks as everywhere; ``platform`` only where several are left. Raises
    :class:`ArchiveError`, and :class:`SelectionError` where not one is left.
    """
    with open_archive(path, limits=limits, scan=False) as archive:
        found = select(archive.images, image)
        if len(found) > 1 and platform is not None:
            found = select(found, None, platform)
    if len(found) == 1:
        return found[0]
    if not found:
        raise SelectionError(f"{archive.info.path}: no image in this archive to be the base")
    problem = f"{archive.info.path}: {len(found)} images: say which is the base, as in PATH:REF"
    raise SelectionError(problem, choices(found))
