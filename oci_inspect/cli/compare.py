"""``oci-inspect compare``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import click

from oci_inspect.cli import EXIT_INPUT, EXIT_NO
from oci_inspect.cli.options import Common, common, top_option

if TYPE_CHECKING:
    from oci_inspect.analysis.results import ArchiveInfo
    from oci_inspect.archive.contents import Image
    from oci_inspect.comparison.results import Comparison
    from oci_inspect.inspection import ArchiveFile
    from oci_inspect.progress import Progress

    Side = tuple[ArchiveFile, Image]


@common(
    "table",
    "json",
    "markdown",
    "html",
    example="oci-inspect compare old.tar image.tar",
    quiet="Only the verdict, in one line.",
    several="A [B]",
)
@top_option("How many groups of files, and folders, to list.")
@click.option("--all", "everything", is_flag=True, help="List every path that is different.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 1 where filesystem or config are different.",
)
def command(
    common: Common,
    archives: tuple[str, ...],
    references: tuple[str, ...],
    top: int,
    everything: bool,
    exit_code: bool,
) -> int:
    """Compare two images: what they share, where the build cache broke, what changed.

    A and B are two archives, or one archive with two images: 'compare A --image OLD --image NEW'. A
    REF behind a colon says which image too: 'compare A.tar:OLD B.tar:NEW'. One --image for two
    archives is looked for in both.
    """
    from oci_inspect.cli import session
    from oci_inspect.cli.progress import progress_line

    if common.format == "html":
        from oci_inspect.render.html.templating import need_jinja

        session.need_file(common, "compare.html")
        need_jinja()
    with ExitStack() as opened:
        with progress_line(quiet=common.quiet) as progress:
            before, after = _open(common, archives, references, progress, opened)
            found = _compare(before, after, common.jobs)
        infos = before[0].info, after[0].info
    if common.format == "json":
        from oci_inspect.render.comparison import comparison_document, difference_documents
        from oci_inspect.render.entries import json_pieces

        document = comparison_document(found, infos)
        paths = difference_documents(found)
        session.emit_pieces(common, json_pieces(document, "differences", paths))
    elif common.format == "html":
        from oci_inspect.render.html.compare_page import compare_html

        session.emit(common, compare_html(found, infos))
    elif common.quiet:
        from oci_inspect.render.views.compare import verdict_line

        session.emit(common, f"{verdict_line(found)}\n")
    else:
        _show(common, found, infos, None if everything else top, everything)
    if _limit_met(found):
        session.warn_of_limit(found.before.findings, found.after.findings)
        return EXIT_INPUT
    return EXIT_NO if exit_code and not (found.same and found.complete and found.proven) else 0


def _compare(before: Side, after: Side, jobs: int | None) -> Comparison:
    from oci_inspect.comparing import compare_opened

    return compare_opened(before, after, jobs)


def _open(
    common: Common,
    archives: Sequence[str],
    references: Sequence[str],
    progress: Progress,
    opened: ExitStack,
) -> tuple[Side, Side]:
    """Open the archives, one where both images are in the same, and choose the images."""
    from oci_inspect.archive.selection import choices, select_one
    from oci_inspect.cli import session
    from oci_inspect.cli.target import split_target
    from oci_inspect.errors import SelectionError
    from oci_inspect.reuse import ScanMemory

    if len(archives) > 2:
        raise click.UsageError(f"{len(archives)} archives: two are compared")
    if len(references) > 2:
        raise click.UsageError(f"{len(references)} times --image: two images are compared")
    platform = session.platform_of(common)
    paths = [split_target(one) for one in archives]
    wanted = _wanted([reference for _, reference in paths], references)
    same = len(paths) == 2 and _same_input(paths[0][0], paths[1][0])
    memory = ScanMemory(session.cache_of(common))
    files: list[ArchiveFile] = []
    for target in archives:
        if files and same:
            files.append(files[0])
            continue
        own = replace(common, archive=target)
        archive, _ = session.open_target(own, progress, memory=memory)
        files.append(opened.enter_context(archive))
    if len(files) == 1:
        files.append(files[0])
        if wanted[0] is None or wanted[1] is None:
            images = files[0].images
            problem = "one archive: give --image twice to compare two of its images"
            raise SelectionError(problem, choices(images))
    sides: list[Side] = []
    for archive, reference in zip(files, wanted, strict=True):
        try:
            sides.append((archive, select_one(archive.images, reference, platform)))
        except SelectionError as error:
            problem = f"{archive.info.path}: {error}"
            raise SelectionError(problem, error.choices) from error
    return sides[0], sides[1]


def _wanted(
    named: Sequence[str | None], references: Sequence[str]
) -> tuple[str | None, str | None]:
    """Which image of each side: what stands behind its path, else what --image says."""
    if len(named) == 1:
        told = [*([named[0]] if named[0] is not None else []), *references]
        if len(told) > 2:
            raise click.UsageError("three images are named: two are compared")
        return (told[0] if told else None), (told[1] if len(told) > 1 else None)
    one, other = named
    if len(references) == 2:
        if one is not None or other is not None:
            raise click.UsageError("an image is named twice: by --image and behind a path")
        return references[0], references[1]
    both = references[0] if references else None
    return (both if one is None else one), (both if other is None else other)


def _same_input(one: str, other: str) -> bool:
    """Whether two paths lead to the same input. Standard input can only be read once."""
    if one == "-" or other == "-":
        if one == other:
            raise click.UsageError("standard input can be only one of the two")
        return False
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except (OSError, ValueError):
        return False  # opening it tells why


def _show(
    common: Common,
    found: Comparison,
    infos: tuple[ArchiveInfo, ArchiveInfo],
    top: int | None,
    everything: bool,
) -> None:
    from oci_inspect.cli import session
    from oci_inspect.render import Format, render
    from oci_inspect.render.views.compare import compare_view
    from oci_inspect.render.views.compare_files import path_lines, path_table

    style = session.style_of(common)
    blocks = compare_view(found, (infos[0].path, infos[1].path), top)
    every = everything and bool(found.files.differences)
    if every and common.format == "markdown":
        blocks.append(path_table(found))

    def pieces() -> Iterator[str]:
        yield render(blocks, cast("Format", common.format), style)
        if every and common.format == "table":
            yield "\n"
            yield from (f"{line}\n" for line in path_lines(found, style))

    session.emit_pieces(common, pieces())


def _limit_met(found: Comparison) -> bool:
    from oci_inspect.findings import limit_met

    return limit_met(found.before.findings) or limit_met(found.after.findings)
