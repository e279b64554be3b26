"""What every command does: open, choose, analyse, print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import click

from oci_inspect.cli import EXIT_INPUT, EXIT_NO, say
from oci_inspect.cli.inputs import check_input
from oci_inspect.cli.options import Common, parse_limits
from oci_inspect.cli.progress import progress_line
from oci_inspect.cli.target import split_target
from oci_inspect.errors import OciInspectError, PathError

if TYPE_CHECKING:
    from oci_inspect.analysis.results import Analysis
    from oci_inspect.archive.contents import Image
    from oci_inspect.findings import Finding
    from oci_inspect.inspection import ArchiveFile
    from oci_inspect.layer.content import FileContent
    from oci_inspect.looking import LayerStack
    from oci_inspect.progress import Progress
    from oci_inspect.render import Block, Style
    from oci_inspect.reuse import ScanKeeper
    from oci_inspect.spec.platform import Platform

_TOGETHER = 1 << 16
_PIECE = 1 << 20
_EXAMPLES = 5

PIPE_WIDTH = 200
"""Columns where nobody's terminal sets them: nothing is cut, as in ps and systemctl."""


def open_target(
    common: Common,
    progress: Progress,
    *,
    scan: bool = True,
    keep: bool = False,
    memory: ScanKeeper | None = None,
) -> tuple[ArchiveFile, str | None]:
    """Open the archive that was named; with it the reference that the argument or --image gave.

    ``memory`` keeps its scans, where that is not the cache alone.
    """
    from oci_inspect.inspection import open_archive

    path, reference = split_target(common.archive)
    check_input(path, common.output)
    limits = parse_limits(common.limits)
    # An empty --image names no image: it is a script's unset variable, not a wish for all.
    wanted = reference if common.reference is None else common.reference
    cache = memory
    if cache is None and scan:
        cache = cache_of(common)
    archive = open_archive(
        path,
        limits=limits,
        scan=scan,
        jobs=common.jobs,
        progress=progress,
        cache=cache,
        keep=keep,
    )
    return archive, wanted


def cache_of(common: Common) -> ScanKeeper | None:
    """Where scans are kept between one run and the next."""
    if not common.cache:
        return None
    from oci_inspect.cli.cache_folder import open_cache

    return open_cache()


def platform_of(common: Common) -> Platform | None:
    """The value of --platform. Raises :class:`click.BadParameter` for one that is none."""
    from oci_inspect.spec.platform import parse_platform

    try:
        return None if common.platform is None else parse_platform(common.platform)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--platform") from error


def read_target(common: Common, *, need_image: bool) -> tuple[ArchiveFile, Image | None]:
    """Open and choose, without a look at any layer; the archive is closed again."""
    from oci_inspect.archive.selection import select_one

    platform = platform_of(common)
    with progress_line(quiet=common.quiet) as progress:
        archive, reference = open_target(common, progress, scan=False)
        with archive:
            image = select_one(archive.images, reference, platform) if need_image else None
            return archive, image


def now() -> datetime:
    """The time that ages are counted from."""
    return datetime.now(UTC)


def analyze_target(common: Common, *, one: bool, base: str | None = None) -> Analysis:
    """Open, choose and analyse; with ``one``, exactly one image must be meant.

    ``base`` is the value of --base; an image that is not built on it is told on standard error.
    """
    with analyzed(common, one=one, base=base) as (_, analysis):
        return analysis


@contextmanager
def analyzed(
    common: Common, *, one: bool, base: str | None = None
) -> Iterator[tuple[ArchiveFile, Analysis]]:
    """Do what :func:`analyze_target` does, with the archive still open."""
    from oci_inspect.archive.selection import select, select_one

    platform = platform_of(common)
    below = None if base is None else read_base_of(common, base, platform)
    with ExitStack() as open_things:
        with progress_line(quiet=common.quiet) as progress:
            archive, reference = open_target(common, progress)
            open_things.enter_context(archive)
            if one:
                images = [select_one(archive.images, reference, platform)]
            else:
                images = select(archive.images, reference, platform)
            analysis = archive.analyze(images, common.jobs, base=below)
        for image in analysis.images:
            if image.not_built_on is not None:
                warn(f"{image.name}: {image.not_built_on}")
        yield archive, analysis


def read_base_of(common: Common, base: str, platform: Platform | None) -> Image:
    """The image that --base names; its documents are all that is read."""
    from oci_inspect.inspection import read_base

    path, reference = split_target(base)
    if path == "-" == split_target(common.archive)[0]:
        raise click.UsageError("standard input cannot be both ARCHIVE and --base")
    check_input(path, common.output)
    return read_base(path, reference, platform, parse_limits(common.limits))


@contextmanager
def looking(
    common: Common,
    *,
    contents: bool = False,
    files: bool = False,
    layer: int | None = None,
    up_to: int | None = None,
) -> Iterator[tuple[ArchiveFile, LayerStack]]:
    """Open, choose one image and list its layers, or one of them, or those up to one.

    The archive stays open meanwhile.

    ``files`` are to be read as well, which a stream is copied for. What is wrong with the image's
    layers is said at the end, on standard error; :func:`seen` gives the exit code.
    """
    from oci_inspect.archive.contents import layer_index
    from oci_inspect.archive.selection import select_one

    platform = platform_of(common)
    with ExitStack() as open_things:
        with progress_line(quiet=common.quiet) as progress:
            archive, reference = open_target(common, progress, keep=files)
            open_things.enter_context(archive)
            image = select_one(archive.images, reference, platform)
            layers: Container[int] | None = None
            if layer is not None:
                layers = (layer_index(image, layer),)
            elif up_to is not None:
                layers = range(layer_index(image, up_to) + 1)
            stack = archive.look(image, contents=contents, layers=layers, jobs=common.jobs)
        try:
            yield archive, stack
        except PathError as error:
            if not stack.problems:
                raise
            _tell(stack)  # it may well be there
            raise OciInspectError(str(error)) from error
        archive.check_unchanged()
    _tell(stack)


def _tell(stack: LayerStack) -> None:
    """Say what was wrong with an image's layers."""
    for doubt in stack.doubts:
        warn(f"{doubt}: 'verify' tells more")
    for problem in stack.problems:
        warn(f"{problem}: what is shown is incomplete")


def tell_left_out(stack: LayerStack) -> None:
    """Say which entries of the layers nobody can put anywhere."""
    for message in stack.left_out[:_EXAMPLES]:
        warn(f"left out: {message}")
    if len(stack.left_out) > _EXAMPLES:
        warn(f"left out: {len(stack.left_out) - _EXAMPLES:,} more; 'verify' lists them")


def seen(stack: LayerStack) -> int:
    """3 where not all of an image could be looked at, else 0."""
    return EXIT_INPUT if stack.problems else 0


def warn(text: str) -> None:
    """Say something on standard error, in one line."""
    say(text)


def exit_code(analysis: Analysis, *, verdict: bool = False, told: bool = False) -> int:
    """3 where a limit was met, 1 where ``verdict`` was asked for and is no, else 0.

    The limit is named on standard error, unless the findings were ``told`` in the answer.
    """
    if analysis.limit_exceeded:
        if not told:
            warn_of_limit(analysis.findings, *(image.findings for image in analysis.images))
        return EXIT_INPUT
    return EXIT_NO if verdict and not analysis.ok else 0


def warn_of_limit(*findings: Iterable[Finding]) -> None:
    """Name the first limit that was met, with what raises it."""
    for found in chain(*findings):
        if found.rule == "limit-exceeded":
            warn(f"{found.message}: what is shown is incomplete")
            return


def style_of(common: Common) -> Style:
    """Width, colour and characters that fit where the output goes."""
    from oci_inspect.render import Style

    to_terminal = goes_to_terminal(common)
    color = common.color == "always" or (
        common.color == "auto"
        and to_terminal
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    return Style(
        width=_width(to_terminal),
        color=color,
        # A file is UTF-8 whatever the terminal speaks.
        unicode=common.output is not None or encoding.startswith("utf"),
        verbose=common.verbose,
    )


def goes_to_terminal(common: Common) -> bool:
    """Whether someone watches."""
    return common.output is None and sys.stdout is not None and sys.stdout.isatty()


def need_file(common: Common, name: str) -> None:
    """Raise :class:`click.UsageError` where a page or a picture would be printed to a terminal."""
    if goes_to_terminal(common):
        raise click.UsageError(f"this is not for a terminal: give --output {name}, or pipe it")


def _width(to_terminal: bool) -> int:
    """The columns to fill: the terminal's, or COLUMNS, or, in a pipe, so many that all is shown."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and len(told) < 6 and int(told):
        columns = int(told)
    else:
        columns = _terminal_width() if to_terminal else PIPE_WIDTH
    return max(40, columns)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def show(common: Common, blocks: Iterable[Block]) -> None:
    """Print blocks in the format that was asked for."""
    from oci_inspect.render import Format, render

    emit(common, render(list(blocks), cast("Format", common.format), style_of(common)))


def show_json(common: Common, document: Any) -> None:
    """Print a JSON document."""
    from oci_inspect.render.json import pieces

    emit_pieces(common, pieces(document))


def emit(common: Common, text: str) -> None:
    """Write text to standard output, or to the file of ``--output``."""
    emit_bytes(common, text.encode("utf-8", "backslashreplace"))


def emit_pieces(common: Common, pieces: Iterable[str]) -> None:
    """Write text as it comes, some of it at a time."""
    if common.output is not None:
        from oci_inspect.cli.output import whole_file

        with whole_file(common.output) as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "backslashreplace"))
        return
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _TOGETHER:
            emit(common, "".join(waiting))
            waiting, size = [], 0
    emit(common, "".join(waiting))


def emit_lines(common: Common, lines: Iterable[str]) -> None:
    """Write lines as they come."""
    emit_pieces(common, (f"{line}\n" for line in lines))


def emit_document(common: Common, data: bytes) -> None:
    """Write a document of the archive, byte for byte; to a terminal only what it cannot obey."""
    if goes_to_terminal(common):
        from oci_inspect.render.escape import terminal

        text = data.decode("utf-8", "backslashreplace")
        lines = [terminal(line, keep_tabs=True) for line in text.split("\n")]
        data = "\n".join(lines).encode("utf-8", "backslashreplace")
    emit_bytes(common, data)


def emit_contents(common: Common, contents: Iterable[FileContent]) -> None:
    """Write files of an image as they are; to a terminal only what it cannot obey."""
    if common.output is not None:
        from oci_inspect.cli.output import whole_file

        with whole_file(common.output) as file:
            for content in contents:
                while data := content.read(_PIECE):
                    file.write(data)
    elif goes_to_terminal(common):
        from oci_inspect.render.escape import terminal_pieces

        for content in contents:
            for text in terminal_pieces(content):
                emit(common, text)
    else:
        for content in contents:
            while data := content.read(_PIECE):
                emit_bytes(common, data)


def emit_bytes(common: Common, data: bytes) -> None:
    """Write bytes to standard output, or to the file of ``--output``."""
    if common.output is not None:
        from oci_inspect.cli.output import write_whole

        write_whole(common.output, data)
    else:
        print_bytes(data)


@contextmanager
def binary_output(common: Common) -> Iterator[Callable[[bytes], object]]:
    """What writes bytes to standard output, or to the file of ``--output``.

    The file appears whole, and only where the context ends without an error.
    """
    if common.output is None:
        yield print_bytes
        return
    from oci_inspect.cli.output import whole_file

    with whole_file(common.output) as file:
        yield file.write


def print_bytes(data: bytes) -> None:
    """Write bytes to standard output; what goes wrong names it."""
    if sys.stdout is None:
        raise click.ClickException("standard output is closed: use --output FILE")
    try:
        with memoryview(data) as view:
            done = 0
            while done < len(view):  # with PYTHONUNBUFFERED it writes what fits, and says how much
                done += sys.stdout.buffer.write(view[done:])
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error
