"""Extracting: plan, look at what is there, look whether there is room, write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from oci_inspect.errors import ArchiveError, PathError, TargetError
from oci_inspect.extraction.metadata import Options
from oci_inspect.extraction.placing import is_folder
from oci_inspect.extraction.plan import Plan, check_limits, make_plan
from oci_inspect.extraction.results import Extraction
from oci_inspect.extraction.target import TargetFolder, check_room
from oci_inspect.extraction.writing import Writer
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.looking import LayerStack
from oci_inspect.paths import path_bytes, path_text
from oci_inspect.progress import Progress

_SHOWN = 3
"""How many of the paths that are in the way an error names."""


def extract(
    source: LayerStack | UnionTree,
    directory: str | os.PathLike[str],
    paths: Iterable[str | bytes] | None = None,
    *,
    follow: bool = False,
    force: bool = False,
    special: bool = False,
    same_owner: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Extraction:
    """Write files of a tree below ``directory``, each at its full path in the image.

    ``paths`` are paths or patterns (:class:`~oci_inspect.filesystem.globs.Glob`), folders with all
    below them; None is everything. Links in front of their last part are followed inside the image,
    one at the end with ``follow``. Whatever is in ``directory``, and whatever the image holds,
    nothing outside of it is written to. Files that are there are replaced with ``force`` only;
    ``special`` makes devices and FIFOs as well and keeps set-user-ID bits; ``same_owner``, for root
    alone, restores owners, those bits and extended attributes. ``progress`` is told of the bytes of
    content.

    Before anything is written this raises :class:`PathError` for a path that stands for nothing,
    :class:`TargetError` for files that are in the way, :class:`NoSpaceError`,
    :class:`LimitExceededError`, and :class:`ArchiveError` for a stack with layers that cannot be
    read; meanwhile :class:`NoSpaceError`. What else goes wrong is in the result.
    """
    shown = os.fspath(directory)
    if same_owner and os.geteuid() != 0:
        raise TargetError(shown, "only root can give files to other owners", "leave --same-owner")
    tree = source if isinstance(source, UnionTree) else source.tree()
    if isinstance(source, LayerStack) and source.problems:
        raise ArchiveError(source.image.name, source.problems[0])
    wanted = None if paths is None else [path_bytes(path) for path in paths]
    if wanted is not None and b"" in wanted:
        raise PathError("''", "an empty path")
    plan = make_plan(tree, wanted, follow=follow)
    check_limits(plan, limits)
    result = Extraction(shown)
    options = Options(force, special, same_owner)
    freed = _look_first(plan, directory, options)
    count = len(plan.folders) + len(plan.symlinks) + len(plan.specials)
    check_room(directory, map(plan.stored, plan.files), count, freed)
    with TargetFolder(directory) as target:
        Writer(plan, target, options, limits, result, progress or Progress()).run()
    return result


def _look_first(plan: Plan, directory: str | os.PathLike[str], options: Options) -> int:
    """Raise :class:`TargetError` for what is in the way, unless it is to be replaced.

    Returns the bytes of what is replaced.
    """
    if not os.path.lexists(directory):
        return 0
    freed = count = 0
    first: list[str] = []
    with TargetFolder(directory) as target:
        for path, there in _met(plan, target, special=options.special):
            count += 1
            if len(first) < _SHOWN:
                first.append(path_text(path))
            if there.st_nlink == 1:
                freed += there.st_blocks * 512
    if count and not options.force:
        names = ", ".join(first) + (f" and {count - _SHOWN:,} more" if count > _SHOWN else "")
        raise TargetError(
            os.fspath(directory),
            f"in the way: {names}",
            "nothing was written; --force replaces files and links",
        )
    return freed


def _met(
    plan: Plan, target: TargetFolder, *, special: bool
) -> Iterator[tuple[bytes, os.stat_result]]:
    """What is there where something is to be made, but for folders where folders are to be."""
    missing: set[bytes] = set()
    for path in plan.folders:
        there = None if path.rpartition(b"/")[0] in missing else target.look(path)
        if not is_folder(there):
            missing.add(path)
            if there is not None:
                yield path, there
    skipped = set() if special else set(plan.specials)
    for reference, paths in plan.names.items():
        for path in paths if reference not in skipped else ():
            if path.rpartition(b"/")[0] not in missing:
                there = target.look(path)
                if there is not None:
                    yield path, there
