"""Deaths: names taken from inodes, and the inodes that die with their last one.

Each inode dies at most once, and whoever removes a folder looks at nothing but what is in it: that
makes the whole merge linear in the entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.journal import Journal
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import REMOVED, Folder, Node, UnionTree
from oci_inspect.layer.entries import FILE
from oci_inspect.layer.path_column import PathColumn
from oci_inspect.limits import DEFAULT_LIMITS, FREE_METADATA, Allowance, Limits


@dataclass(frozen=True, slots=True, eq=False)
class Dead:
    """An inode that no path of the merged tree leads to.

    ``size`` is in bytes. ``removed_in`` is the layer that took its last name, ``unit`` the folder
    that went as a whole with it, None where a file was removed by itself. ``names`` are all that it
    had, in the order in which they went; where that is the path of its own ``row`` alone, they are
    the column of paths: written out, a million of them would be the most that anything takes.
    """

    names: tuple[bytes, ...] | PathColumn
    layer_index: int
    removed_in: int
    size: int
    reason: Reason
    unit: bytes | None = None
    row: int = 0

    @property
    def path(self) -> bytes:
        """The first name that it lost."""
        return self.names[self.row]

    @property
    def paths(self) -> tuple[bytes, ...]:
        """All the names it had, in the order in which they went."""
        names = self.names
        return names if isinstance(names, tuple) else (names[self.row],)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dead):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[object, ...]:
        facts = self.layer_index, self.removed_in, self.size, self.reason, self.unit
        return self.paths, *facts


class Deaths:
    """Takes names away on behalf of the uppermost layer of a tree; ``dead`` is who had no other.

    What lies at the path afterwards is the caller's business.
    """

    def __init__(
        self, tree: UnionTree, journal: Journal | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.dead: list[Dead] = []
        self.journal = journal
        self.exceeded: LimitExceededError | None = None
        """Set where not all names of the dead could be kept."""
        self._tree = tree
        self._gone: dict[int, dict[bytes, None]] = {}  # names that inodes with several have lost
        self._allowance = Allowance(limits)

    def take(self, path: bytes, reference: int, reason: Reason, unit: bytes | None = None) -> None:
        """Take one name from an inode; with its last name it is dead."""
        tree = self._tree
        if self.journal is not None:
            self.journal.lose(path, reference, reason, unit)
        left = tree.names.get(reference, 1)
        if left > 1:
            tree.names[reference] = left - 1
            self._keep_name(path, self._gone.setdefault(reference, {}))
            return
        layer, row = tree.locate(reference)
        tree.live[layer][row] = 0
        table = tree.tables[layer]
        names: tuple[bytes, ...] = (path,)
        if reference in tree.names:
            del tree.names[reference]
            names = tuple(self._gone.pop(reference, {}) | {path: None})
        if table.types[row] != FILE:
            return
        last = len(tree.tables) - 1
        if layer == last:
            reason = Reason.SHADOWED
        size = table.sizes[row]
        if len(names) == 1 and (not tree.stray[layer][row] or table.paths[row] == path):
            self.dead.append(Dead(table.paths, layer, last, size, reason, unit, row))
        else:
            self.dead.append(Dead(names, layer, last, size, reason, unit))

    def _keep_name(self, path: bytes, names: dict[bytes, None]) -> None:
        """Keep a name that was lost, unless all of them together are too long."""
        if path not in names:
            self._allowance.spend(max(0, len(path) - FREE_METADATA))
            if self._allowance.over:
                self.exceeded = self._allowance.exceeded("names that hard links have lost")
            else:
                names[path] = None

    def take_tree(self, path: bytes, node: Node, reason: Reason) -> None:
        """Take the name of a node and of everything below it; a folder goes as a whole."""
        if isinstance(node, Folder):
            self._remove(path, node, reason, path)
            self.empty(path, node, reason)
        else:
            self.take(path, node, reason)

    def empty(self, path: bytes, folder: Folder, reason: Reason) -> None:
        """Take everything below a folder, in the order in which it came, as one unit.

        Each name is let go as soon as it is taken: the tree and its dead are not held at once.
        """
        stack = [(path + b"/" if path else b"", folder, list(reversed(folder)))]
        while stack:
            prefix, children, names = stack[-1]
            while names:
                name = names.pop()
                child = children.pop(name)
                if isinstance(child, Folder):
                    self._remove(prefix + name, child, reason, path)
                    stack.append((prefix + name + b"/", child, list(reversed(child))))
                    break
                self.take(prefix + name, child, reason, path)
            else:
                children.clear()  # what room it had
                stack.pop()

    def describe(self, path: bytes, folder: Folder, reference: int) -> None:
        """Let another entry describe a folder."""
        if self.journal is not None:
            self.journal.describe(path, folder.reference)
        self._retire(folder.reference)
        folder.reference = reference

    def _retire(self, reference: int) -> None:
        """A folder's entry counts no more: another one describes it, or it is gone."""
        if reference >= 0:
            layer, row = self._tree.locate(reference)
            self._tree.live[layer][row] = 0

    def _remove(self, path: bytes, folder: Folder, reason: Reason, unit: bytes) -> None:
        if self.journal is not None:
            self.journal.lose(path, folder.reference, reason, unit)
        self._retire(folder.reference)
        folder.reference = REMOVED
