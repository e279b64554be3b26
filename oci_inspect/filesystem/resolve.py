"""Finding what lies at a path as the kernel finds it in a chroot (path_resolution(7)).

Every symbolic link on the way is followed, an absolute one from the root of the image; ``..`` is
the folder above where one is, and the root's own is the root. Nothing leads out of the tree.
"""

from __future__ import annotations

from oci_inspect.errors import LimitExceededError, PathError
from oci_inspect.filesystem.tree import Folder, Node, UnionTree
from oci_inspect.layer.entries import SYMLINK
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.paths import shown_path


def resolve(
    tree: UnionTree, path: bytes, *, follow: bool = True, limits: Limits = DEFAULT_LIMITS
) -> tuple[bytes, Node]:
    """The real path of something, and what lies there.

    ``follow`` says whether a symbolic link at the very end is followed too; one with a slash behind
    it always is. Raises :class:`PathError`, and behind ``limits.links`` links
    :class:`LimitExceededError`: the kernel says ELOOP there, whether they end somewhere or not.
    """
    way: list[tuple[bytes, Node]] = [(b"", tree.root)]
    ahead = path.split(b"/")[::-1]
    links = 0
    while ahead:
        part = ahead.pop()
        here = way[-1][1]
        if not isinstance(here, Folder):
            raise PathError(shown_path(path), f"{shown_path(_join(way))} is no folder")
        if part in (b"", b"."):
            continue
        if part == b"..":
            if len(way) > 1:
                way.pop()
            continue
        child = here.get(part)
        if child is None:
            missing = shown_path(_join([*way, (part, tree.root)]))
            why = "" if missing == shown_path(path) else f": there is no {missing}"
            raise PathError(shown_path(path), f"no such file or folder{why}", missing=True)
        if not isinstance(child, Folder) and (ahead or follow) and tree.kind(child) == SYMLINK:
            links += 1
            if links > limits.links:
                raise LimitExceededError("links", limits.links, links, shown_path(path))
            layer, row = tree.locate(child)
            target = tree.tables[layer].linknames.get(row, b"")
            if not target:
                raise PathError(shown_path(path), "a symbolic link to nothing on the way")
            if target.startswith(b"/"):
                del way[1:]
            ahead += target.split(b"/")[::-1]
        else:
            way.append((part, child))
    return _join(way), way[-1][1]


def _join(way: list[tuple[bytes, Node]]) -> bytes:
    return b"/".join(part for part, _ in way[1:])
