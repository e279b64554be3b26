"""The conductor: open an archive, scan its blobs, fold the scans into an analysis.

One screen for each stage. Nothing is computed here that a room below could compute.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from oci_inspect.analysis.base import Candidates, find_base, not_built_on, own_share
from oci_inspect.analysis.census import take_census
from oci_inspect.analysis.history import build_steps, match_history
from oci_inspect.analysis.layers import layer_results
from oci_inspect.analysis.results import (
    Analysis,
    ArchiveInfo,
    ImageAnalysis,
    LayerResult,
    Status,
    Totals,
)
from oci_inspect.analysis.squash import WhatIf, what_if
from oci_inspect.analysis.stored import StoredImage, stored_image
from oci_inspect.analysis.verify import check_count, check_layers, layer_claims, opens
from oci_inspect.analysis.waste import largest_first, roll_up
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
from oci_inspect.errors import ArchiveError, LimitExceededError, SelectionError
from oci_inspect.estimating import compressed_sizes
from oci_inspect.filesystem.disk import DiskSizes
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import Finding, FindingCollector, limit_met
from oci_inspect.lanes import LANES, Helpers
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.looking import LayerOpener, LayerStack, look
from oci_inspect.progress import Progress
from oci_inspect.reuse import Reuse, ScanKeeper
from oci_inspect.scanning import (
    Means,
    bytes_of,
    check_blobs,
    cores,
    layer_labels,
    scan_blobs,
    visitor,
    wanted_blobs,
)
from oci_inspect.spec.platform import Platform, parse_platform


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
        others = named_blobs(store, self.contents) if len(chosen) == len(self.images) else {}
        self._progress.expect(bytes_of(store, (*wanted, *others)))
        reuse = None if self._cache is None else Reuse(self._cache, self.limits, chosen)
        fold = _Fold(chosen, self.limits, Candidates(self.images, base))

        def foresee() -> None:
            if reuse is not None and (expected := reuse.expected(wanted)) is not None:
                fold.images(expected)

        scans = scan_blobs(store, wanted, layer_labels(chosen), means, reuse, foresee)
        findings = self.findings
        findings += check_blobs(store, others, self._mismatches(), means)
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

    def compressed_sizes(self, image: Image) -> tuple[CompressedSize | None, ...]:
        """How many bytes each layer of an image is on its way to or from a registry.

        As stored where it is compressed, else estimated from pieces of it; None where nothing
        tells. Raises :class:`ArchiveError`.
        """
        return compressed_sizes(self._store, image)

    def files(self, image: Image, tables: Sequence[EntryTable]) -> LayerOpener:
        """What opens files of an image's layers; ``tables`` are their rows."""
        return LayerOpener(self._store, image.layers, tables, self.limits)

    def what_if(self, image: ImageAnalysis, spec: str) -> WhatIf:
        """What squashing layers of an image would save; see :func:`~.analysis.squash.what_if`.

        Raises :class:`ArchiveError`, and :class:`SelectionError` for a ``spec`` that does not fit.
        """
        sizes = self.compressed_sizes(image.image)
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

    def check_unchanged(self) -> None:
        """Raise :class:`ArchiveError` where the input is no longer what it was when opened."""
        self._store.check_unchanged()

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
        visit = visitor(means, helpers) if scan else None
        store = open_store(os.fspath(path), visit, limits, told, keep=keep)
    finally:
        helpers.dismiss()
    try:
        contents = read_contents(store)
    except OSError as error:
        store.close()
        raise ArchiveError(store.path, error.strerror or "it cannot be read") from error
    except BaseException:
        store.close()
        raise
    info = ArchiveInfo(os.fspath(path), contents.kind, store.compression, store.size)
    return ArchiveFile(info, contents, limits, store, told, cache)


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


class _Fold:
    """Folds scans into the stories of images, and does it again only where the scans differ.

    What a cache knows of an image can so be folded while its blobs are still being hashed.
    """

    def __init__(self, images: Sequence[Image], limits: Limits, candidates: Candidates) -> None:
        self._images = images
        self._limits = limits
        self._candidates = candidates
        self._scans: Mapping[str, LayerScan | Finding] | None = None
        self._result: tuple[ImageAnalysis, ...] = ()

    def images(self, scans: Mapping[str, LayerScan | Finding]) -> tuple[ImageAnalysis, ...]:
        """The stories, from the scans by member."""
        if self._scans is None or not _same(self._scans, scans):
            self._scans = scans
            self._result = tuple(
                analyze_image(image, scans, self._limits, self._candidates)
                for image in self._images
            )
        return self._result


def _same(
    before: Mapping[str, LayerScan | Finding], after: Mapping[str, LayerScan | Finding]
) -> bool:
    """Whether these are the very same scans."""
    return before.keys() == after.keys() and all(before[name] is after[name] for name in after)


def analyze_image(
    image: Image,
    scans: Mapping[str, LayerScan | Finding],
    limits: Limits = DEFAULT_LIMITS,
    candidates: Candidates | None = None,
) -> ImageAnalysis:
    """Fold the scans of an image's layers into its story; no I/O.

    ``candidates`` are images that it may be built on.
    """
    findings = FindingCollector()
    findings.extend(image.findings)
    layers = image.layers
    if len(layers) > limits.layers:
        error = LimitExceededError("layers", limits.layers, len(layers), image.name)
        findings.add("limit-exceeded", image.name, str(error))
        layers = layers[: limits.layers]
    own: list[LayerScan | None] = []
    for layer in layers:
        scan = scans.get(layer.member) if layer.member else None
        if isinstance(scan, Finding):
            findings.take(scan)
            scan = None
        own.append(scan)
    diff_ids = image.config.diff_ids if image.config else ()
    claims = layer_claims(layers, image.config)
    subject = image.image_id or image.name
    if image.config is not None and image.image_id is not None:
        check_count(len(image.layers), len(diff_ids), subject, findings)
    statuses = check_layers(claims, own, findings)
    listed = [
        scan if scan is not None and opens(layer.media_type) else None
        for layer, scan in zip(layers, own, strict=True)
    ]
    merged = merge(_tables(listed, limits, image.name, findings), findings, limits)
    census = take_census(merged.tree, findings)
    entries = image.config.history if image.config else ()
    matching = match_history(entries, len(image.layers), subject)
    if image.config is not None:  # a history that could not be read disagrees with nothing
        findings.extend(matching.findings)
    steps = build_steps(entries, matching, _padded(merged.added_bytes, len(image.layers)))
    results = layer_results(layers, own, listed, statuses, merged, matching, steps)
    chain = _diff_ids(results, diff_ids)
    base = find_base(image, chain, steps, candidates)
    given = candidates.given if candidates is not None else None
    waste = largest_first(merged.dead)
    file_bytes = sum(merged.added_bytes)
    wasted = sum(one.size for one in waste)
    all_findings = findings.result()
    bad = any(found.severity == "error" for found in all_findings)
    return ImageAnalysis(
        references=image.references,
        image_id=image.image_id,
        manifest_digest=image.manifest_digest,
        platform=image.platform,
        created=image.config.created if image.config else None,
        verified=not bad
        and not image.unverifiable
        and image.config is not None
        and all(status is Status.VERIFIED for status in statuses),
        complete=not limit_met(all_findings)
        and image.config is not None
        and all(scan is not None and scan.complete and scan.listed for scan in listed),
        findings=all_findings,
        layers=results,
        history=steps,
        waste=waste,
        worst=roll_up(waste, steps, matching.entry_of_layer),
        totals=Totals(
            size=sum(layer.size or 0 for layer in results),
            uncompressed_size=sum(layer.uncompressed_size or 0 for layer in results),
            file_bytes=file_bytes,
            wasted_bytes=wasted,
            efficiency=1 - wasted / file_bytes if file_bytes else 1.0,
            files=census.files,
            duplicate_bytes=census.duplicate_bytes,
        ),
        image=image,
        tree=merged.tree,
        base=base,
        own=own_share(base, results, waste),
        not_built_on=None if given is None else not_built_on(given, chain),
    )


def _diff_ids(layers: Sequence[LayerResult], claimed: Sequence[str]) -> list[str | None]:
    """What each layer's tar hashes to, in the algorithm of the claim; the claim where not known."""
    return [
        claimed[i]
        if i < len(claimed) and (layer.status is Status.VERIFIED or layer.diff_id is None)
        else layer.diff_id
        for i, layer in enumerate(layers)
    ]


def _tables(
    scans: Sequence[LayerScan | None], limits: Limits, subject: str, findings: FindingCollector
) -> list[EntryTable]:
    """The rows of each layer, as many layers as the limit on entries allows."""
    tables = []
    total = 0
    for scan in scans:
        table = scan.table if scan is not None else EntryTable()
        total += len(table)
        if total > limits.entries:
            error = LimitExceededError("entries", limits.entries, total, subject)
            findings.add("limit-exceeded", subject, str(error))
            break
        tables.append(table)
    return tables


def _padded(numbers: Sequence[int], length: int) -> list[int]:
    return [*numbers, *([0] * (length - len(numbers)))]
