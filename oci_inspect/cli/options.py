"""Options that commands share, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True, slots=True)
class Common:
    """What every command is given beside its own options."""

    archive: str
    reference: str | None
    platform: str | None
    format: str
    output: Path | None
    color: str
    quiet: bool
    verbose: bool
    limits: tuple[str, ...]
    jobs: int | None


def common(*formats: str, example: str = "") -> Callable[[F], click.Command]:
    """Make a command of a function that takes :class:`Common` and its own options.

    ``formats`` are the values of ``--format``, the first is the default. ``example`` is shown at
    the end of the help page.
    """

    def decorate(function: F) -> click.Command:
        def callback(**arguments: Any) -> Any:
            own = Common(
                archive=arguments.pop("archive"),
                reference=arguments.pop("image"),
                platform=arguments.pop("platform"),
                format=arguments.pop("format"),
                output=arguments.pop("output"),
                color=arguments.pop("color"),
                quiet=arguments.pop("quiet"),
                verbose=arguments.pop("verbose"),
                limits=arguments.pop("limit"),
                jobs=arguments.pop("jobs"),
            )
            return function(own, **arguments)

        params = list(reversed(getattr(function, "__click_params__", [])))
        name = function.__module__.rpartition(".")[2]
        return click.Command(
            name,
            callback=callback,
            params=[*_argument(), *params, *_options(formats)],
            help=function.__doc__,
            epilog=f"Example:  {example}" if example else None,
        )

    return decorate


def _argument() -> list[click.Parameter]:
    return [click.Argument(["archive"], metavar="ARCHIVE")]


def _options(formats: tuple[str, ...]) -> list[click.Parameter]:
    return [
        click.Option(
            ["--image"],
            metavar="REF",
            help="Which image: a tag, a reference, a digest or ID (6 hex digits do), or @N.",
        ),
        click.Option(["--platform"], metavar="OS/ARCH", help="Which platform of an index."),
        click.Option(
            ["--format"],
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="How to print.",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write to a file, which appears whole or not at all.",
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="Colours; NO_COLOR turns them off as well.",
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="Only what was asked for."),
        click.Option(["-v", "--verbose"], is_flag=True, help="All findings, whole digests."),
        click.Option(
            ["--jobs"],
            type=click.IntRange(min=1),
            metavar="N",
            help="Layers to scan at a time.  [default: the cores]",
        ),
        click.Option(
            ["--limit"],
            multiple=True,
            metavar="NAME=N",
            help="Raise or lower a safety limit (docs/limits.md), as in --limit layer_bytes=2TiB.",
        ),
    ]


def parse_limits(settings: tuple[str, ...]) -> Any:
    """The limits with ``NAME=N`` settings applied; N may have a unit (kB, MB, GiB ...)."""
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
        changed[name] = parse_size(text)
    return replace(DEFAULT_LIMITS, **changed)


def parse_size(text: str) -> int:
    """A number of bytes or of anything, as people write it: ``500``, ``20MiB``, ``1.5GB``."""
    number = text.strip().lower().removesuffix("b")
    unit = number.lstrip("0123456789.,_")
    digits = number[: len(number) - len(unit)].replace(",", "").replace("_", "")
    factor = _UNITS.get(unit.strip(), _BINARY.get(unit.strip()))
    try:
        value = float(digits) * factor if factor else None
    except ValueError:
        value = None
    if value is None or value < 1:
        raise click.BadParameter(f"{text!r} is no number of 1 or more", param_hint="--limit")
    return int(value)
