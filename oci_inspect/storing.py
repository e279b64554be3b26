"""Many archives, one after the other: what their images take up where all of them are stored.

One archive is open at a time. What is kept of a blob between them is its digests and its sizes, so
that a layer that several archives have is scanned in the first of them and only hashed in the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.stored import StoredImage
from oci_inspect.analysis.usage import DiskUsage, usage_of
from oci_inspect.archive.choosing import Choice
from oci_inspect.filesystem.disk import DiskSizes
from oci_inspect.findings import Finding, limit_met
from oci_inspect.inspection import open_archive
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.progress import Progress
from oci_inspect.reuse import ScanKeeper, ScanMemory
from oci_inspect.spec.platform import parse_platform

PathName = str | os.PathLike[str]


def disk_usage(
    paths: Iterable[PathName | tuple[PathName, str | None]],
    *,
    images: Sequence[str] = (),
    platform: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: ScanKeeper | None = None,
) -> DiskUsage:
    """What the images of some archives take up together, as an engine stores them.

    A path with a reference beside it is about that image of the archive alone. ``images`` are
    references as well, each of which must fit an image of at least one archive; then those beside
    the paths do not count. ``platform`` is ``os/arch``. All of it is there, or nothing: raises
    :class:`ArchiveError` for the first archive that cannot be read, :class:`SelectionError` where
    no image fits, ``ValueError`` for a platform that is none.
    """
    choice = Choice(images, None if platform is None else parse_platform(platform))
    sizes = DiskSizes(limits)
    memory = ScanMemory(beneath=cache, slim=sizes.slim)
    stored: list[StoredImage] = []
    archives: list[ArchiveInfo] = []
    met: list[Finding] = []
    for one in paths:
        path, reference = one if isinstance(one, tuple) else (one, None)
        with open_archive(
            path, limits=limits, jobs=jobs, progress=progress, cache=memory
        ) as archive:
            chosen = choice.among(archive.info.path, archive.images, reference)
            stored += archive.stored(chosen, jobs, sizes)
            archives.append(archive.info)
            met += (one for one in archive.findings if limit_met([one]))
    choice.check()
    return usage_of(stored, archives, met)
