"""What ``ls``, ``tree`` and ``find`` have in common: which entries of an image are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oci_inspect.cli.options import Common

if TYPE_CHECKING:
    from oci_inspect.filesystem.items import Item
    from oci_inspect.filesystem.owners import Owners
    from oci_inspect.filesystem.tree import Located, UnionTree
    from oci_inspect.inspection import ArchiveFile
    from oci_inspect.looking import LayerStack
    from oci_inspect.render.json_base import Json

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tree: the merged one, one layer's, that up to a layer, or what is not in the result."""

    layer: int | None = None
    up_to: int | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """Entries of an image: all of ``items()`` lie at or below ``path``, sorted by path.

    ``top`` is what lies at the path in a merged tree, None in the other views.
    """

    archive: ArchiveFile
    stack: LayerStack
    tree: UnionTree
    choice: Choice
    path: bytes
    top: Located | None
    items: Callable[[], Iterable[Item]]

    @property
    def merged(self) -> bool:
        """Whether this is a tree as a container sees it."""
        return self.top is not None

    @property
    def is_leaf(self) -> bool:
        """Whether it is looked at something in a merged tree that is no folder."""
        from oci_inspect.filesystem.tree import Folder

        return self.top is not None and not isinstance(self.top.node, Folder)

    def itself(self) -> Iterator[Item]:
        """The folder that a merged tree is looked at from, which is not among the items."""
        from oci_inspect.filesystem.items import item_of
        from oci_inspect.filesystem.tree import Folder

        if self.top is not None and isinstance(self.top.node, Folder):
            yield item_of(self.tree, self.top)

    def owners(self, numeric: bool) -> Owners | None:
        """Names of users and groups, unless only numbers are wanted."""
        from oci_inspect.filesystem.owners import read_owners

        return None if numeric else read_owners(self.tree)

    def head(self, command: str) -> Json:
        """The beginning of a JSON document about this view."""
        from oci_inspect.render.json import document_head, identity, path_keys

        stack, choice = self.stack, self.choice
        return {
            **document_head(command, self.archive.info),
            "image": identity(stack.image),
            "complete": not stack.problems,
            **path_keys(self.path),
            "view": {
                "layer": None if choice.layer is None else stack.known(choice.layer),
                "up_to": None if choice.up_to is None else stack.known(choice.up_to),
                "deleted": choice.deleted,
            },
        }


def view_options(*, deleted: bool) -> Callable[[F], F]:
    """The options that choose a tree; with ``deleted`` also what is in none."""
    options = [
        click.option(
            "--layer",
            type=int,
            metavar="N",
            help="One layer as it is, with its deletions; 0 is the lowest, -1 the highest.",
        ),
        click.option(
            "--up-to",
            type=int,
            metavar="N",
            help="The tree after layer N.  [default: after all]",
        ),
    ]
    if deleted:
        options.append(
            click.option(
                "--deleted",
                is_flag=True,
                help="What is in some layer but not in the result: where, and who took it away.",
            )
        )

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def choose(layer: int | None, up_to: int | None, deleted: bool = False) -> Choice:
    """A choice of which no two parts contradict each other."""
    if layer is not None and (up_to is not None or deleted):
        other = "--up-to" if up_to is not None else "--deleted"
        raise click.UsageError(f"--layer and {other} exclude each other")
    return Choice(layer, up_to, deleted)


@contextmanager
def viewing(common: Common, path: str, choice: Choice, *, files: bool = False) -> Iterator[View]:
    """Open an archive and find what is to be listed. A path that is not there is an error.

    ``files`` must be readable as well, which a stream is copied for.
    """
    from oci_inspect.cli import session
    from oci_inspect.filesystem.items import below, layer_items, lost_items, tree_items
    from oci_inspect.filesystem.tree import Folder
    from oci_inspect.paths import normalise, path_bytes

    asked = path_bytes(path)
    plain, _ = normalise(asked)
    looking = session.looking(
        common, contents=choice.deleted, files=files, layer=choice.layer, up_to=choice.up_to
    )
    with looking as (archive, stack):
        if choice.layer is not None:
            index = stack.known(choice.layer)
            tree, table = stack.tree(layer=index), stack.tables[index]
            found = View(
                *(archive, stack, tree, choice, plain, None),
                lambda: below(layer_items(tree, table, index), plain),
            )
        elif choice.deleted:
            tree, losses = stack.lost(choice.up_to)
            found = View(
                *(archive, stack, tree, choice, plain, None),
                lambda: below(lost_items(tree, losses), plain),
            )
        else:
            tree = stack.tree(up_to=choice.up_to)
            top = find_path(stack, tree, asked)
            if not isinstance(top.node, Folder):
                top = find_path(stack, tree, asked, follow=False)  # as ls and find name it
            found = View(
                *(archive, stack, tree, choice, top.path, top), lambda: tree_items(tree, top)
            )
        if plain and not found.merged:
            _check_there(found)
        yield found


def _check_there(view: View) -> None:
    from oci_inspect.errors import PathError
    from oci_inspect.paths import shown_path

    if next(iter(view.items()), None) is None:
        where = "nothing was lost there" if view.choice.deleted else "not in this layer"
        raise PathError(shown_path(view.path), where, missing=True)


def find_path(stack: LayerStack, tree: UnionTree, path: bytes, *, follow: bool = True) -> Located:
    """What lies at a path. Where nothing does, the error says which layer had it."""
    with telling_where(stack):
        return tree.resolve(path, follow=follow)


@contextmanager
def telling_where(stack: LayerStack) -> Iterator[None]:
    """Add to what is said of a missing path which layer had it, where one had."""
    from oci_inspect.errors import PathError
    from oci_inspect.paths import normalise, path_bytes

    try:
        yield
    except PathError as error:
        plain, _ = normalise(path_bytes(error.path))
        had = [i for i, table in enumerate(stack.tables) if plain in table.paths]
        if not error.missing or not had or ":" in error.problem:
            raise
        hint = f"{error.problem}, but layer {had[-1]} had it: see --layer {had[-1]}"
        raise PathError(error.path, hint, missing=True) from error
