"""The command line: parse arguments, call the library, render, exit.

The only room that imports click, reads the environment, prints or exits. A command's module is
imported when the command is called, so that ``--version`` and completion do not wait for the rest.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TextIO, cast

import click

from oci_inspect._version import __version__
from oci_inspect.cli.signals import Ended, ended_like_interrupted
from oci_inspect.errors import (
    MissingPackageError,
    NoSpaceError,
    OciInspectError,
    PathError,
    RulesError,
    SelectionError,
    TargetError,
)

ARCHIVE_COMMANDS = (
    "analyze",
    "images",
    "inspect",
    "history",
    "dockerfile",
    "layers",
    "verify",
    "waste",
)
FILE_COMMANDS = ("ls", "tree", "find", "diff", "log", "cat")
"""Those that look into an image's file system."""
TAR_COMMANDS = ("export",)
"""Those that print no text but a tar."""
PAGE_COMMANDS = ("report",)
"""Those that print no text for people in a terminal but a page or a picture."""
SEVERAL_COMMANDS = ("compare", "df", "check")
"""Those that take several archives."""
COMMANDS = (
    *ARCHIVE_COMMANDS,
    *PAGE_COMMANDS,
    *SEVERAL_COMMANDS,
    *FILE_COMMANDS,
    "extract",
    *TAR_COMMANDS,
    "cache",
)

MOST_CHOICES = 20
"""Images that are listed where one must be chosen."""

EXIT_NO = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names, in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"oci_inspect.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where its place has an archive, say what to type."""
        name = args[0]
        if name not in COMMANDS and os.path.lexists(name):
            ctx.fail(f"{name!r} is a file, not a command: try 'oci-inspect analyze {name}'")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="ARCHIVE is a file from 'docker save', podman, buildx or skopeo, a folder that holds an"
    " OCI layout, or - for standard input. Start with:  oci-inspect analyze image.tar",
)
@click.version_option(__version__, "-V", "--version", prog_name="oci-inspect")
def cli() -> None:
    """Say what is in a saved container image, offline and without a daemon."""


def main() -> None:
    """Run the command line and exit, as ``python -m oci_inspect`` does."""
    from oci_inspect.__main__ import main as as_program

    as_program()


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        with ended_like_interrupted():
            result = _call(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except getattr(click.exceptions, "NoArgsIsHelpError", ()) as error:
        error.show()
        return EXIT_USAGE
    except click.ClickException as error:
        say(_usage_problem(error))
        return EXIT_USAGE
    except Ended as error:
        say(f"ended by {signal.Signals(error.number).name}")
        return 128 + error.number
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return EXIT_INTERRUPTED
    except SelectionError as error:
        say(str(error))
        for choice in error.choices[:MOST_CHOICES]:
            _tell(f"  {_plain(choice)}")
        if len(error.choices) > MOST_CHOICES:
            left = len(error.choices) - MOST_CHOICES
            _tell(f"  ... and {left:,} more: 'oci-inspect images' lists all")
        return EXIT_USAGE
    except RulesError as error:
        for problem in error.problems:
            say(problem)
        return EXIT_USAGE
    except MissingPackageError as error:
        say(str(error))
        return EXIT_USAGE
    except PathError as error:
        say(str(error))
        return EXIT_NO
    except TargetError as error:
        say(str(error))
        return EXIT_INPUT if isinstance(error, NoSpaceError) else EXIT_USAGE
    except OciInspectError as error:
        say(str(error))
        return EXIT_INPUT
    except MemoryError:
        say("out of memory: fewer --jobs need less, and so does one image alone")
        return EXIT_INPUT
    except BrokenPipeError:
        _abandon(sys.stdout)
        return EXIT_PIPE
    except OSError as error:
        _abandon(sys.stdout)
        say(_os_problem(error))
        return EXIT_INPUT
    return result if isinstance(result, int) else 0


def _call(arguments: list[str]) -> object:
    """What click's own ``main`` does, but for its answers to a closed pipe and to Ctrl-C."""
    instruction = os.environ.get("_OCI_INSPECT_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "oci-inspect", "_OCI_INSPECT_COMPLETE", instruction)
    with cli.make_context("oci-inspect", list(arguments)) as context:
        return cli.invoke(context)


def _usage_problem(error: click.ClickException) -> str:
    """What is wrong with the command line, in one line."""
    text = " ".join(error.format_message().split())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{text.rstrip('.')} (see '{error.ctx.command_path} --help')"
    return text


def _os_problem(error: OSError) -> str:
    """What the system said, and of what."""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        try:
            Path.cwd()
        except OSError:
            return "the working folder is gone: go to another, or name files by whole paths"
    return ": ".join(str(one) for one in (error.filename, error.strerror or error) if one)


def say(text: str) -> None:
    """Say something on standard error, in one line; text from an archive is made safe."""
    _tell(f"oci-inspect: {_plain(text)}")


def _tell(line: str) -> None:
    try:
        click.echo(line, err=True)
    except OSError:  # nobody can hear it: the exit code tells
        _abandon(sys.stderr)


def _abandon(stream: TextIO | None) -> None:
    """Point a stream of ours at nothing, or Python complains at exit of what it still holds."""
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), cast("TextIO", stream).fileno())


def _plain(text: str) -> str:
    """Text from an archive, safe for a terminal."""
    from oci_inspect.render.escape import terminal

    return terminal(text)
