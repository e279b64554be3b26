"""``oci-inspect log``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from oci_inspect.cli.options import Common, common

if TYPE_CHECKING:
    from oci_inspect.filesystem.path_log import PathEvent
    from oci_inspect.filesystem.tree import UnionTree


@common(
    "table",
    "json",
    "markdown",
    "csv",
    example="oci-inspect log image.tar /etc/passwd",
    quiet="Only layers and what they did.",
)
@click.argument("path")
def command(common: Common, path: str) -> int:
    """Tell the history of one path: which layer made it, changed it, deleted it.

    PATH is taken as it is written; where no layer ever had that, symbolic links on the way to it
    are followed.
    """
    from oci_inspect.analysis.history import steps_of_layers
    from oci_inspect.cli import session
    from oci_inspect.paths import normalise, path_bytes

    plain, _ = normalise(path_bytes(path))
    with session.looking(common, contents=True) as (archive, stack):
        tree = stack.tree()
        real, events = _events(tree, plain)
        if common.format == "json":
            from oci_inspect.render.entries import event_document, json_pieces
            from oci_inspect.render.json import document_head, identity, path_keys

            head = {
                **document_head("log", archive.info),
                "image": identity(stack.image),
                "complete": not stack.problems,
                **path_keys(real),
            }
            documents = (event_document(event, real, tree) for event in events)
            session.emit_pieces(common, json_pieces(head, "events", documents))
        elif common.quiet:
            session.emit_lines(common, (f"{one.layer_index} {one.kind.value}" for one in events))
        else:
            from oci_inspect.render.views.log import log_view

            session.show(common, log_view(real, events, tree, steps_of_layers(stack.image)))
    return session.seen(stack)


def _events(tree: UnionTree, path: bytes) -> tuple[bytes, tuple[PathEvent, ...]]:
    """The path that has a history, and that; raises :class:`PathError` where none has."""
    from oci_inspect.errors import PathError
    from oci_inspect.paths import shown_path

    events = tree.log(path)
    if events:
        return path, events
    folder, _, name = path.rpartition(b"/")
    real = tree.resolve(folder).path
    path = real + b"/" + name if real else name
    events = tree.log(path)
    if not events:
        raise PathError(shown_path(path), "no layer ever had it", missing=True)
    return path, events
