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
from oci_inspect.archive.contents import Image
from oci_inspect.archive.selection import choices, matching, select
from oci_inspect.errors import SelectionError
from oci_inspect.filesystem.disk import DiskSizes
from oci_inspect.inspection import ArchiveFile, open_archive
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.progress import Progress
from oci_inspect.reuse import ScanKeeper, ScanMemory
from oci_inspect.spec.platform import Platform, parse_platform

PathName = str | os.PathLike[str]

_CHOICES = 20
"""Images that are listed where none fits; archives may have thousands."""


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
    choice = _Choice(images, None if platform is None else parse_platform(platform))
    sizes = DiskSizes(limits)
    memory = ScanMemory(beneath=cache, slim=sizes.slim)
    stored: list[StoredImage] = []
    archives: list[ArchiveInfo] = []
    for one in paths:
        path, reference = one if isinstance(one, tuple) else (one, None)
        with open_archive(
            path, limits=limits, jobs=jobs, progress=progress, cache=memory
        ) as archive:
            chosen = choice.among(archive, reference)
            stored += archive.stored(chosen, jobs, sizes)
            archives.append(archive.info)
    choice.check()
    return usage_of(stored, archives)


class _Choice:
    """Which images are meant, in archives that come one by one."""

    def __init__(self, wanted: Sequence[str], platform: Platform | None) -> None:
        self._wanted = dict.fromkeys(wanted)
        self._platform = platform
        self._missed = dict(self._wanted)
        self._archives = 0
        self._found = 0
        self._here: list[Image] = []

    def among(self, archive: ArchiveFile, reference: str | None) -> list[Image]:
        """The images of one archive that are meant, each once, in its order."""
        images = archive.images
        self._archives += 1
        self._here += images[: max(0, _CHOICES - len(self._here))]
        if self._wanted:
            found = []
            for name in self._wanted:
                fitting = matching(images, name, self._platform)
                if fitting:
                    self._missed.pop(name, None)
                found += fitting
        elif reference is not None:
            try:
                found = select(images, reference, self._platform)
            except SelectionError as error:
                problem = f"{archive.info.path}: {error.problem}"
                raise SelectionError(problem, error.choices) from error
        else:
            found = matching(images, None, self._platform)
        meant = {id(one) for one in found}
        self._found += len(meant)
        return [image for image in images if id(image) in meant]

    def check(self) -> None:
        """Raise :class:`SelectionError` for what fitted no image of any archive."""
        where = "the archive" if self._archives == 1 else f"any of {self._archives:,} archives"
        for name in self._missed:
            on = f" for {self._platform}" if self._platform else ""
            raise SelectionError(f"no image {name!r}{on} in {where}", self._choices())
        if self._platform is not None and not self._found:
            here = ", ".join(dict.fromkeys(str(image.platform) for image in self._here))
            raise SelectionError(f"no image for {self._platform}: here are {here or 'none'}")

    def _choices(self) -> tuple[str, ...]:
        if self._archives == 1:
            return choices(self._here)
        return tuple(line.partition("  ")[2] for line in choices(self._here))
