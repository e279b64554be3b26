"""Opening two images, in one archive or two, and comparing them."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.archive.contents import Image
from oci_inspect.archive.selection import select_one
from oci_inspect.comparison.compare import compare_images
from oci_inspect.comparison.proof import forged_pairs
from oci_inspect.comparison.results import Comparison
from oci_inspect.comparison.transfer import common_blobs, missing_layers
from oci_inspect.inspection import ArchiveFile, open_archive
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.progress import Progress
from oci_inspect.reuse import ScanKeeper, ScanMemory


def compare(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    *,
    image_before: str | None = None,
    image_after: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
) -> Comparison:
    """Compare two saved images; see :class:`~oci_inspect.comparison.results.Comparison`.

    ``before`` and ``after`` are archives, which may be the same one. ``image_before`` and
    ``image_after`` pick an image as :func:`~oci_inspect.analyze` does; they may be left out where
    an archive has only one. A layer that both archives have is scanned once. Raises
    :class:`ArchiveError`, :class:`SelectionError`.
    """
    memory = ScanMemory(cache)
    with ExitStack() as opened:
        archives = []
        for path in (before, after):
            archive = open_archive(path, limits=limits, jobs=jobs, progress=progress, cache=memory)
            archives.append(opened.enter_context(archive))
        images = [
            select_one(archive.images, wanted)
            for archive, wanted in zip(archives, (image_before, image_after), strict=True)
        ]
        return compare_opened((archives[0], images[0]), (archives[1], images[1]), jobs)


def compare_opened(
    before: tuple[ArchiveFile, Image], after: tuple[ArchiveFile, Image], jobs: int | None = None
) -> Comparison:
    """Compare two images of opened archives, which may be one and the same.

    Raises :class:`ArchiveError` where an input changed meanwhile.
    """
    one, other = _analyze(before, after, jobs)
    shared = common_blobs(one.layers, other.layers)
    travel = {*missing_layers(one.layers, other.layers), *range(shared, len(other.layers))}
    sizes = after[0].compressed_sizes(after[1], travel)
    found = compare_images(one, other, sizes)
    if found.files.unproven and before[0].rereads and after[0].rereads:
        forged = forged_pairs(found.before.tree, found.after.tree, found.files.unproven)
        if forged:
            found = compare_images(one, other, sizes, forged)
        found = replace(found, files=replace(found.files, unproven=()))
    for archive, _ in (before, after):
        archive.check_unchanged()
    return found


def _analyze(
    before: tuple[ArchiveFile, Image], after: tuple[ArchiveFile, Image], jobs: int | None
) -> tuple[ImageAnalysis, ImageAnalysis]:
    """The analyses of both, those of one archive in one go.

    Their files can be opened as long as the archives are.
    """
    if before[0] is after[0] and before[1] is not after[1]:
        one, other = before[0].analyze([before[1], after[1]], jobs).images
    else:
        one = before[0].analyze([before[1]], jobs).images[0]
        same = before[0] is after[0]
        other = one if same else after[0].analyze([after[1]], jobs).images[0]
    return _with_files(before[0], one), _with_files(after[0], other)


def _with_files(archive: ArchiveFile, image: ImageAnalysis) -> ImageAnalysis:
    files = archive.files(image.image, image.tree.tables)
    return replace(image, tree=replace(image.tree, files=files))
