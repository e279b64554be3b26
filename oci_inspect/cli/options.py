"""Options that commands share, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_OF_TEXT = ("color", "verbose")


@dataclass(frozen=True, slots=True)
class Common:
    """What every command is given beside its own options."""

    archive: str
    reference: str | None
    platform: str | None
    format: str
    output: str | None
    color: str
    quiet: bool
    verbose: bool
    limits: tuple[str, ...]
    jobs: int | None
    cache: bool


def common(
    *formats: str,
    example: str,
    quiet: str,
    text: bool = True,
    several: str = "",
    repeated: bool = False,
) -> Callable[[F], click.Command]:
    """Make a command of a function that takes :class:`Common` and its own options.

    ``formats`` are the values of ``--format``, the first is the default; without any there is no
    such option. Without ``text`` there are no options on how text looks. ``example`` is shown at
    the end of the help page, ``quiet`` is what ``--quiet`` does. Where a command takes ``several``
    archives, which this says on the help page, it is given them as ``archives`` and all values of
    ``--image`` as ``references``; those in :class:`Common` are then the first, and none. Where
    ``--format`` and ``--output`` may be ``repeated``, it is given all of both as ``formats`` and
    ``outputs``, for :func:`~oci_inspect.cli.outputs.pair_outputs`.
    """

    def decorate(function: F) -> click.Command:
        def callback(**arguments: Any) -> Any:
            output = arguments.pop("output")
            if repeated:
                arguments["outputs"] = output
                arguments["formats"] = arguments.pop("format")
                arguments["format"], output = formats[0], None
            if several:
                arguments["archives"] = arguments.pop("archive")
                arguments["references"] = arguments.pop("image")
            own = Common(
                archive=arguments["archives"][0] if several else arguments.pop("archive"),
                reference=None if several else arguments.pop("image"),
                platform=arguments.pop("platform"),
                format=arguments.pop("format", ""),
                output=None if output == "-" else output,
                color=arguments.pop("color", "never"),
                quiet=arguments.pop("quiet"),
                verbose=arguments.pop("verbose", False),
                limits=arguments.pop("limit"),
                jobs=arguments.pop("jobs"),
                cache=not arguments.pop("no_cache"),
            )
            return function(own, **arguments)

        params = list(reversed(getattr(function, "__click_params__", [])))
        name = function.__module__.rpartition(".")[2]
        help_text = function.__doc__ or ""
        return click.Command(
            name,
            callback=callback,
            params=[
                _argument(several),
                *params,
                *(
                    one
                    for one in _options(formats, quiet, several=bool(several), repeated=repeated)
                    if text or one.name not in _OF_TEXT
                ),
            ],
            help=help_text,
            short_help=help_text.partition("\n")[0],
            epilog=f"Example:  {example}",
        )

    return decorate


def _argument(several: str) -> click.Parameter:
    if several:
        return click.Argument(
            ["archive"], metavar=several, shell_complete=_files, nargs=-1, required=True
        )
    return click.Argument(["archive"], metavar="ARCHIVE", shell_complete=_files)


def _files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell complete names of files."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def base_option(function: F) -> F:
    """Give a command ``--base``, as :func:`~oci_inspect.cli.session.read_base_of` takes it."""
    return click.option(
        "--base",
        metavar="ARCHIVE",
        shell_complete=_files,
        help="An archive of the image that this one is built on, as in base.tar or PATH:REF; only"
        " its documents are read. See docs/base.md.",
    )(function)


def _format(formats: tuple[str, ...], *, repeated: bool) -> click.Parameter:
    if repeated:
        return click.Option(
            ["--format"],
            type=click.Choice(formats),
            metavar="FORMAT",
            multiple=True,
            help=f"{', '.join(formats[:-1])} or {formats[-1]}. May be given several times: the"
            " first --output belongs to the first of them, and so on; one may go to standard"
            f" output.  [default: {formats[0]}]",
        )
    return click.Option(
        ["--format"],
        type=click.Choice(formats),
        metavar="FORMAT",
        default=formats[0],
        show_default=True,
        help=f"{', '.join(formats[:-1])} or {formats[-1]}.",
    )


def _options(
    formats: tuple[str, ...], quiet: str, *, several: bool = False, repeated: bool = False
) -> list[click.Parameter]:
    return [
        click.Option(
            ["--image"],
            metavar="REF",
            multiple=several,
            help="Which image, where there are several: tag, name:tag, digest, image ID (6 hex"
            " digits do) or position (@0 is the first)."
            + ("  May be given several times." if several else ""),
        ),
        click.Option(
            ["--platform"],
            metavar="OS/ARCH",
            help="Which platform, where there are several, as in linux/arm64 or linux/arm/v7.",
        ),
        *([_format(formats, repeated=repeated)] if formats else []),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, writable=False),
            metavar="FILE",
            multiple=repeated,
            help="Write to FILE instead of standard output; it appears whole or not at all.",
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            metavar="WHEN",
            default="auto",
            show_default=True,
            help="auto, always or never; auto means in a terminal, unless NO_COLOR is set.",
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help=quiet),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            help="Whole digests, and findings that are merely worth knowing.",
        ),
        click.Option(
            ["--jobs"],
            type=int,
            callback=at_least_one,
            metavar="N",
            help="Threads that read.  [default: one a core]",
        ),
        click.Option(
            ["--no-cache"],
            is_flag=True,
            help="Scan every layer anew, and keep no scan; see docs/cache.md.",
        ),
        click.Option(
            ["--limit"],
            multiple=True,
            metavar="NAME=N",
            help="Change a safety limit, as in layer_bytes=2TiB; see docs/limits.md.",
        ),
    ]


def at_least_one(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """Hold a number to 1 or more. (click's own range type would be spelt out in the help.)"""
    if value is not None and value < 1:
        raise click.BadParameter(f"{value} is not a number of 1 or more")
    return value


def top_option(help_text: str) -> Callable[[F], F]:
    """``--top N``, 10 unless said otherwise."""
    return click.option(
        "--top",
        type=int,
        callback=at_least_one,
        default=10,
        show_default=True,
        metavar="N",
        help=help_text,
    )


def parse_limits(settings: tuple[str, ...]) -> Any:
    """The limits with ``NAME=N`` settings applied, each once; N may have a unit (kB, GiB ...)."""
    from dataclasses import replace

    from oci_inspect.limits import DEFAULT_LIMITS

    changed: dict[str, int] = {}
    known = {field.name for field in fields(DEFAULT_LIMITS)}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise click.BadParameter(
                f"{setting!r}: known limits are {', '.join(sorted(known))}", param_hint="--limit"
            )
        if name in changed:
            raise click.BadParameter(f"{name} is given twice", param_hint="--limit")
        changed[name] = parse_size(text)
    return replace(DEFAULT_LIMITS, **changed)


def parse_size(text: str, hint: str = "--limit") -> int:
    """A number of bytes or of anything, as people write it: ``500``, ``20MiB``, ``1.5GB``.

    ``hint`` is what an error names.
    """
    from oci_inspect.quantities import parse_quantity

    value = parse_quantity(text)
    if value is None or value < 1:
        raise click.BadParameter(
            f"{text!r} is not a number of 1 or more, such as 500, 20MiB or 1.5GB",
            param_hint=hint,
        )
    return int(value)
