"""What is to be made, and in which order: folders, files as they lie in the layers, links.

Pure: nothing is read but the tree, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.globs import expand
from oci_inspect.filesystem.tree import Folder, Located, Node, UnionTree
from oci_inspect.layer.entries import FILE, SYMLINK
from oci_inspect.limits import Limits
from oci_inspect.paths import shown_path

PARENT = -3
"""The reference of a folder that is made only because something is to be put into it."""


@dataclass(slots=True)
class Plan:
    """What is to be made.

    ``folders`` have the reference of their entry, by path, parents first: PARENT where only what is
    in them was asked for, IMPLIED where no entry describes them. ``files``, ``symlinks`` and
    ``specials`` are references in the order of the layers and of their rows, which is that of the
    bytes; ``names`` the paths of each. ``content_bytes`` are those of the files as they are stored.
    """

    tree: UnionTree
    folders: dict[bytes, int] = field(default_factory=dict)
    files: list[int] = field(default_factory=list)
    symlinks: list[int] = field(default_factory=list)
    specials: list[int] = field(default_factory=list)
    names: dict[int, list[bytes]] = field(default_factory=dict)
    content_bytes: int = 0

    def stored(self, reference: int) -> int:
        """Bytes of a file's content as stored: no holes."""
        layer, row = self.tree.locate(reference)
        return self.tree.tables[layer].stored(row)

    def leaves(self) -> Iterator[bytes]:
        """The paths of all that is no folder."""
        for paths in self.names.values():
            yield from paths


def make_plan(tree: UnionTree, paths: Iterable[bytes] | None, *, follow: bool = False) -> Plan:
    """The plan for some paths or patterns with all below them, or for everything where None.

    ``follow`` is whether a symbolic link at the end of a path is followed. Raises
    :class:`PathError` where a path stands for nothing.
    """
    plan = Plan(tree)
    if paths is None:
        roots = [tree.located(b"", tree.root)]
    else:
        roots = [found for path in paths for found in expand(tree, path, follow=follow)]
    for root in _uncovered(roots):
        _add_parents(plan, root.path)
        if root.path:
            _add(plan, root.path, root.node)
        if isinstance(root.node, Folder):
            for found in tree.walk(root.path, root.node):
                _add(plan, found.path, found.node)
    plan.folders = dict(sorted(plan.folders.items()))
    for references in (plan.files, plan.symlinks, plan.specials):
        references.sort()
    plan.content_bytes = sum(map(plan.stored, plan.files))
    return plan


def _uncovered(roots: Iterable[Located]) -> Iterator[Located]:
    """Those that do not lie below another one, each once."""
    last: bytes | None = None
    for root in sorted(roots, key=lambda one: one.path + b"/" if one.path else b""):
        place = root.path + b"/" if root.path else b""
        if last is None or not place.startswith(last):
            last = place
            yield root


def _add_parents(plan: Plan, path: bytes) -> None:
    while path := path.rpartition(b"/")[0]:
        if path in plan.folders:
            break
        plan.folders[path] = PARENT


def _add(plan: Plan, path: bytes, node: Node) -> None:
    if isinstance(node, Folder):
        plan.folders[path] = node.reference
        return
    names = plan.names.get(node)
    if names is not None:
        names.append(path)
        return
    plan.names[node] = [path]
    kind = plan.tree.kind_of(node)
    if kind == FILE:
        plan.files.append(node)
    elif kind == SYMLINK:
        plan.symlinks.append(node)
    else:
        plan.specials.append(node)


def check_limits(plan: Plan, limits: Limits) -> None:
    """Raise :class:`LimitExceededError` where files are larger than they may be (0: any size)."""
    most = limits.extracted_file_bytes
    for reference in plan.files if most else ():
        size = plan.stored(reference)
        if size > most:
            subject = shown_path(plan.names[reference][0])
            raise LimitExceededError("extracted_file_bytes", most, size, subject)
    most = limits.extracted_bytes
    if most and plan.content_bytes > most:
        raise LimitExceededError("extracted_bytes", most, plan.content_bytes, "all files together")
