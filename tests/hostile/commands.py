"""Every way to have the command line read an archive, taken from the commands themselves.

A command that is new, or a format that is new, is among them without a line here.
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from oci_inspect.cli import COMMANDS, cli

OTHER = "OTHER"
"""Stands for an honest archive."""
NEW_FOLDER = "FOLDER"
"""Stands for a folder that is not there yet."""

RULES = "--no-config --max-size=1kB --max-layers=1 --max-waste=1B --forbid-root"
RULES += " --allow-setuid=bin/su --forbid-findings=info --forbid-paths=**"
RULES += " --forbid-paths-in-layers=** --require-labels=x"

BEHIND = {
    "cat": "a",
    "check": RULES,
    "compare": OTHER,
    "df": OTHER,
    "extract": f"-C {NEW_FOLDER}",
    "log": "a",
}
"""What a command is given behind the archive."""
VARIANTS = {
    "analyze": ("--verbose", "--jobs 1", "--color always"),
    "history": ("--no-trunc",),
    "verify": ("--verbose", "--quiet", "--no-cache"),
    "layers": ("--verbose",),
    "ls": ("-l", "--deleted", "--layer -1", "--up-to 0", "d/honest"),
    "tree": ("--deleted", "--depth 99"),
    "find": ("--name *", "--type f,l,d"),
    "diff": ("--layers 0..-1",),
    "extract": ("--force --special", "--layer -1", "d"),
    "export": ("--up-to 0",),
    "cat": ("d/honest --layer -1", "d/honest"),
    "compare": ("--verbose",),
}
"""More of what it may be given, instead of nothing."""
ONE_IMAGE_NOT_WANTED = {"analyze", "images", "verify", "compare", "df", "check"}


@dataclass(frozen=True, slots=True)
class Way:
    """A command line: ``command ARCHIVE behind --format format``."""

    command: str
    format: str
    behind: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.command, self.format, *self.behind[:2])))

    def words(self, archive: str, other: str, folder: str) -> list[str]:
        """The words of the command line."""
        stand_ins = {OTHER: other, NEW_FOLDER: folder}
        behind = [stand_ins.get(word, word) for word in self.behind]
        given = ["--format", self.format] if self.format else []
        return [self.command, *given, archive, *behind]


def commands_that_read() -> dict[str, click.Command]:
    """The commands that take an archive."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in COMMANDS}
    return {
        name: command
        for name, command in found.items()
        if command is not None
        and any(isinstance(one, click.Argument) and one.name == "archive" for one in command.params)
    }


def formats_of(command: click.Command) -> tuple[str, ...]:
    """The values of its ``--format``; an empty one where there is no such option."""
    for one in command.params:
        if one.name == "format" and isinstance(one.type, click.Choice):
            return tuple(one.type.choices)
    return ("",)


def ways() -> list[Way]:
    """All of them: each command in each format, and its variants in its first format."""
    found = []
    for name, command in commands_that_read().items():
        behind = BEHIND.get(name, "").split()
        chosen = [] if name in ONE_IMAGE_NOT_WANTED else ["--image", "@0"]
        formats = formats_of(command)
        found += [Way(name, one, (*behind, *chosen)) for one in formats]
        for more in VARIANTS.get(name, ()):
            kept = [] if name == "cat" else behind
            found.append(Way(name, formats[0], (*kept, *more.split(), *chosen)))
    return found


WAYS = ways()
