"""``oci-inspect diff``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from oci_inspect.cli.options import Common, common

if TYPE_CHECKING:
    from oci_inspect.filesystem.changes import Change
    from oci_inspect.filesystem.tree import UnionTree
    from oci_inspect.inspection import ArchiveFile
    from oci_inspect.looking import LayerStack

    Section = tuple[int, int, UnionTree, Sequence[Change]]


@common(
    "table",
    "json",
    "csv",
    example="oci-inspect diff --layers 3..5 image.tar",
    quiet="As docker diff prints it: a letter and a path.",
)
@click.argument("path", default="")
@click.option("--layer", type=int, metavar="N", help="One layer; 0 is the lowest, -1 the highest.")
@click.option(
    "--layers",
    metavar="A..B",
    help="What layers A to B changed together, as in 3..5, 3.. or ..5.  [default: each layer]",
)
def command(common: Common, path: str, layer: int | None, layers: str | None) -> int:
    """Show what layers added (A), changed (C) and deleted (D), with the bytes, and why.

    By default each layer by itself, and all paths; with PATH those at and below it. A changed path
    says in what: content, mode, owner, time, xattrs, type, target of a link, device; entries for a
    folder in which names came or went, below for one further up. Where only the metadata of a file
    changed, its whole content is stored again: that is said too.
    """
    from oci_inspect.archive.contents import parse_layers
    from oci_inspect.cli import session
    from oci_inspect.paths import normalise, path_bytes

    if layer is not None and layers is not None:
        raise click.UsageError("--layer and --layers exclude each other")
    if layers is not None and parse_layers(layers) is None:
        raise click.BadParameter(f"{layers!r} is no range such as 3..5", param_hint="--layers")
    plain, _ = normalise(path_bytes(path))
    with session.looking(common, contents=True) as (archive, stack):
        sections = _below(_sections(stack, layer, layers), plain)
        if common.format == "table":
            session.emit_lines(common, _lines(common, stack, sections))
        else:
            _for_machines(common, archive, stack, sections)
    return session.seen(stack)


def _sections(stack: LayerStack, layer: int | None, layers: str | None) -> Iterator[Section]:
    if layers is not None:
        from oci_inspect.archive.contents import parse_layers

        named = parse_layers(layers)
        assert named is not None
        first, last = (stack.known(one) for one in named)
        if last < first:
            raise click.BadParameter(f"{layers!r} ends before it begins", param_hint="--layers")
        tree, changes = stack.net_changes(first, last)
        yield first, last, tree, changes
        return
    wanted = None if layer is None else (stack.known(layer),)
    tree, found_changes = stack.changes(wanted)
    for index in sorted(found_changes):
        yield index, index, tree, found_changes[index]


def _below(sections: Iterator[Section], path: bytes) -> Iterator[Section]:
    """What of the sections is at or below a path, as it is written."""
    for first, last, tree, changes in sections:
        if path:
            prefix = path + b"/"
            changes = [one for one in changes if one.path == path or one.path.startswith(prefix)]
        yield first, last, tree, changes


def _lines(common: Common, stack: LayerStack, sections: Iterator[Section]) -> Iterator[str]:
    from oci_inspect.analysis.history import steps_of_layers
    from oci_inspect.cli import session
    from oci_inspect.render.escape import terminal
    from oci_inspect.render.measure import cut_end
    from oci_inspect.render.views.diff import change_lines, docker_lines, sum_line

    style = session.style_of(common)
    steps = steps_of_layers(stack.image)
    blank = False
    for first, last, tree, changes in sections:
        if common.quiet:
            yield from docker_lines(changes, tree)
            continue
        title = f"layer {first}" if first == last else f"layers {first} to {last}"
        step = steps[first] if first == last else None
        if step is not None and (step.instruction or step.created_by):
            line = (step.instruction or step.created_by or "").split("\n")[0]
            title += f"  {terminal(line, ascii_only=not style.unicode)}"
        if not style.wide and style.width:
            title = cut_end(title, style.width, "…" if style.unicode else "...")
        if blank:
            yield ""
        yield f"\x1b[1m{title}\x1b[0m" if style.color else title
        yield from change_lines(changes, tree, style)
        said = sum_line(changes, tree)
        yield f"\x1b[2m{said}\x1b[0m" if style.color else said
        blank = True


def _for_machines(
    common: Common, archive: ArchiveFile, stack: LayerStack, sections: Iterator[Section]
) -> None:
    from oci_inspect.cli import session
    from oci_inspect.render import entries
    from oci_inspect.render.json import document_head, identity

    documents = (
        {"first_layer": first, "last_layer": last, **entries.change_document(change, tree)}
        for first, last, tree, changes in sections
        for change in changes
    )
    if common.format == "json":
        head = {
            **document_head("diff", archive.info),
            "image": identity(stack.image),
            "complete": not stack.problems,
        }
        session.emit_pieces(common, entries.json_pieces(head, "changes", documents))
    else:
        columns = (
            *("first_layer", "last_layer", "kind", "path", "type", "type_before", "bytes"),
            *("why", "copied"),
        )
        session.emit_pieces(common, entries.csv_lines(documents, columns))
