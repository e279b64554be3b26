"""What is read: whether it is there, and whether an output would stand in its place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import click

from oci_inspect.errors import ArchiveError

HOW_TO_SAVE = "only saved images are read: 'docker save NAME -o image.tar' makes one"


def check_inputs(paths: Sequence[str], outputs: Iterable[str]) -> None:
    """Refuse what :func:`check_input` refuses, and standard input where it is named twice."""
    if paths.count("-") > 1:
        raise click.UsageError("standard input can be read once: '-' is named more than once")
    for path in dict.fromkeys(paths):
        for output in (None, *outputs):
            check_input(path, output)


def check_input(path: str, output: str | None) -> None:
    """Refuse an input that is not there, and an output that is the input, or lies in it."""
    if path == "-":
        if sys.stdin is None:
            raise ArchiveError("standard input", "it is closed", "pipe an archive into it")
        if sys.stdin.isatty():
            raise click.UsageError("standard input is a terminal: pipe an archive into it")
        return
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArchiveError(path, "there is no such file", HOW_TO_SAVE) from error
    except (OSError, ValueError):
        return  # opening it tells why
    if output is not None and os.path.exists(output):  # noqa: PTH110
        inside = os.path.commonpath(map(os.path.realpath, (path, output)))
        if inside == os.path.realpath(path) or os.path.samefile(path, output):  # noqa: PTH121
            raise click.UsageError(f"{output} is what is read: name another file for the output")
