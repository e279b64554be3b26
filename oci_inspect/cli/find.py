"""``oci-inspect find``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import click

from oci_inspect.cli.options import Common, common, parse_size
from oci_inspect.cli.viewing import View, choose, view_options, viewing

if TYPE_CHECKING:
    from oci_inspect.filesystem.criteria import Criteria, SizeRange
    from oci_inspect.filesystem.items import Item

_TYPES = "fdlcbp"


@common(
    "table",
    "json",
    "jsonl",
    "csv",
    example="oci-inspect find image.tar --type f --size +1kB -l",
    quiet="Paths alone, one a line.",
)
@click.argument("path", default="")
@click.option("--name", "names", multiple=True, metavar="GLOB", help="The last part of the path.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="GLOB",
    help="The whole path, as in '/etc/*'; * matches slashes too.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="T",
    help="f file, d folder, l symbolic link, c or b device, p FIFO; several as in f,l.",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="[+-]N",
    help="Files of more than +N, less than -N, or of N bytes, as in +1M, -20KiB; both for a range.",
)
@click.option(
    "--newer",
    multiple=True,
    metavar="TIME|PATH",
    help="Changed after a time, as in 2026-01-31 or 2026-01-31T12:00:00Z, or after a file was.",
)
@click.option("--setuid", is_flag=True, help="What has the set-user-ID bit.")
@click.option("--setgid", is_flag=True, help="What has the set-group-ID bit.")
@click.option("--world-writable", is_flag=True, help="What anyone may write to.")
@click.option("--xattrs", is_flag=True, help="What has extended attributes, such as capabilities.")
@click.option("--user", metavar="NAME|ID", help="Whose owner it is.")
@click.option("--group", metavar="NAME|ID", help="Whose group it is.")
@click.option("-l", "--long", is_flag=True, help="Print like ls -l.")
@click.option("-b", "--bytes", "exact", is_flag=True, help="With -l: sizes in bytes.")
@click.option("-n", "--numeric", is_flag=True, help="With -l: numbers of owners, no names.")
@click.option("-0", "--print0", is_flag=True, help="Paths as they are, a NUL behind each.")
@view_options(deleted=True)
def command(
    common: Common,
    path: str,
    names: tuple[str, ...],
    paths: tuple[str, ...],
    types: tuple[str, ...],
    sizes: tuple[str, ...],
    newer: tuple[str, ...],
    setuid: bool,
    setgid: bool,
    world_writable: bool,
    xattrs: bool,
    user: str | None,
    group: str | None,
    long: bool,
    exact: bool,
    numeric: bool,
    print0: bool,
    layer: int | None,
    up_to: int | None,
    deleted: bool,
) -> int:
    """Find files of an image by name, type, size, time, owner or mode.

    PATH, by default the root, and everything below it that meets all the conditions is printed.
    Patterns are those of find; of several --name (or --path, or --type) one is enough. Nothing
    found is no error.
    """
    from oci_inspect.cli import session
    from oci_inspect.filesystem.criteria import Criteria
    from oci_inspect.paths import path_bytes

    if print0 and (long or common.format != "table"):
        raise click.UsageError("--print0 prints paths and nothing else: leave -l and --format")
    if print0 and session.goes_to_terminal(common):
        raise click.UsageError("--print0 is for a pipe, not for a terminal")
    kinds = _kinds(types)
    ranges = tuple(map(_size_range, sizes))
    names_asked = any(one is not None and not _is_number(one) for one in (user, group))
    with viewing(common, path, choose(layer, up_to, deleted), files=names_asked) as view:
        criteria = Criteria(
            names=tuple(map(path_bytes, names)),
            paths=tuple(map(path_bytes, paths)),
            types=kinds,
            sizes=ranges,
            newer=max((_moment(one, view) for one in newer), default=None),
            setuid=setuid,
            setgid=setgid,
            world_writable=world_writable,
            xattrs=xattrs,
            uid=None if user is None else _owner(user, view, "user"),
            gid=None if group is None else _owner(group, view, "group"),
        )
        _print(common, view, criteria, long, exact, numeric, print0)
    return session.seen(view.stack)


def _print(
    common: Common,
    view: View,
    criteria: Criteria,
    long: bool,
    exact: bool,
    numeric: bool,
    print0: bool,
) -> None:
    from oci_inspect.cli import session
    from oci_inspect.render import entries
    from oci_inspect.render.listing import Listing

    test = criteria.test()

    def found() -> Iterator[Item]:
        return filter(test, chain(view.itself(), view.items()))

    if print0:
        session.emit_bytes(common, b"".join(b"/%b\0" % item.path for item in found()))
        return
    if common.format != "table":
        documents = map(entries.item_document, found())
        pieces: Iterable[str]
        if common.format == "json":
            pieces = entries.json_pieces(view.head("find"), "entries", documents)
        elif common.format == "jsonl":
            pieces = entries.json_lines(documents)
        else:
            pieces = entries.csv_lines(documents)
        session.emit_pieces(common, pieces)
        return
    owners = view.owners(numeric) if long else None
    style = session.style_of(common)
    listing = Listing(style, owners, lambda item: b"/" + item.path, exact=exact)
    if long and not common.quiet:
        session.emit_lines(common, listing.long(found))
    elif common.quiet:
        session.emit_lines(common, listing.short_plain(found()))
    else:
        session.emit_lines(common, listing.short(found()))


def _kinds(types: tuple[str, ...]) -> frozenset[int]:
    letters = [letter.strip() for one in types for letter in one.split(",")]
    for letter in letters:
        if len(letter) != 1 or letter not in _TYPES:
            raise click.BadParameter(
                f"{letter!r} is no type: f, d, l, c, b and p are", param_hint="--type"
            )
    return frozenset(map(ord, letters))


def _size_range(text: str) -> SizeRange:
    from oci_inspect.filesystem.criteria import SizeRange

    number = text.strip()
    sign = number[:1] if number[:1] in ("+", "-") else ""
    digits = number.removeprefix(sign)
    size = 0 if digits.strip("0") == "" and digits else parse_size(digits, "--size")
    if sign == "+":
        return SizeRange(least=size + 1)
    return SizeRange(most=size - 1) if sign == "-" else SizeRange(size, size)


def _moment(text: str, view: View) -> int:
    """A time in nanoseconds: as it was given, or that of a file in the image."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        entry = view.tree.entry(view.tree.resolve(text).node)
        return 0 if entry is None else entry.mtime * 10**9 + entry.mtime_ns
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _owner(text: str, view: View, what: str) -> int:
    """A user's or a group's number, by its name in the image or as it was given."""
    if _is_number(text):
        return int(text)
    from oci_inspect.filesystem.owners import read_owners

    owners = read_owners(view.tree)
    names = owners.users if what == "user" else owners.groups
    for number, name in names.items():
        if name == text:
            return number
    file = "passwd" if what == "user" else "group"
    raise click.BadParameter(
        f"no {what} {text!r} in the image's /etc/{file}: give a number", param_hint=f"--{what}"
    )
