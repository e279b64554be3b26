"""Names of users and groups, as the image's own /etc/passwd and /etc/group tell them."""

from __future__ import annotations

from dataclasses import dataclass, field

from oci_inspect.errors import OciInspectError
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.limits import MIB
from oci_inspect.paths import path_text

_MOST = 1 * MIB


@dataclass(frozen=True, slots=True)
class Owners:
    """Names by number."""

    users: dict[int, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)

    def user(self, uid: int) -> str:
        """The name of a user, or its number."""
        return self.users.get(uid, str(uid))

    def group(self, gid: int) -> str:
        """The name of a group, or its number."""
        return self.groups.get(gid, str(gid))


def read_owners(tree: UnionTree) -> Owners:
    """What the tree tells; without names where it has no such files, or they cannot be read now."""
    return Owners(_names(tree, "etc/passwd"), _names(tree, "etc/group"))


def _names(tree: UnionTree, path: str) -> dict[int, str]:
    try:
        with tree.open(path) as file:
            data = file.read(_MOST)
    except (OciInspectError, OSError):
        return {}
    names: dict[int, str] = {}
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 2 and fields[0] and fields[2].isdigit() and len(fields[2]) < 20:
            names.setdefault(int(fields[2]), path_text(fields[0]))
    return names
