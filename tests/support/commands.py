"""Every command with arguments that suit an archive like docker26-app; new ones come in unasked."""

from __future__ import annotations

from pathlib import Path

import click

from oci_inspect.cli import COMMANDS, cli

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
APP = REAL / "docker26-app.tar"
FILE = "site/index.html"
"""A file of that image."""

_MORE = {
    "cat": (FILE,),
    "log": (FILE,),
    "check": ("--max-size", "1GB", "--no-config"),
    "compare": (str(REAL / "docker26-two-images.tar") + ":example/base:1",),
}


def command_of(name: str) -> click.Command:
    """A command as click has it."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


READERS = tuple(name for name in COMMANDS if name != "cache")
"""Every command that reads an archive."""


def formats_of(name: str) -> tuple[str, ...]:
    """The values of a command's ``--format``; one empty text where it has no such option."""
    for one in command_of(name).params:
        if one.name == "format":
            assert isinstance(one.type, click.Choice)
            return tuple(one.type.choices)
    return ("",)


def writes_files(name: str) -> bool:
    """Whether a command has ``--output``."""
    return any(one.name == "output" for one in command_of(name).params)


WRITERS = tuple(name for name in READERS if writes_files(name))


def words_of(name: str, archive: object = APP, format: str = "", out: object = None) -> list[str]:
    """A command line; ``out`` is a folder that need not be there, for those that write to one."""
    words = [name, str(archive), *_MORE.get(name, ())]
    if format:
        words += ["--format", format]
    if name == "extract":
        assert out is not None
        words += ["-C", str(out)]
    return words


ALL_FORMATS = [(name, format) for name in READERS for format in formats_of(name)]
