"""The layer that is being applied, as its deletions and its additions both see it."""

from __future__ import annotations

from oci_inspect.filesystem.tree import REMOVED, Folder, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable
from oci_inspect.paths import path_text


class Applying:
    """The uppermost layer of a tree so far, put there by making this.

    ``base`` is the reference of its first row. ``live`` are the rows that are in the tree, at first
    all, ``stray`` those that are not (only) at their own path. ``folders`` remembers where folders
    are: one that says it was REMOVED is there no more. ``metadata`` are the rows of AUFS by path,
    ``added_bytes`` and ``added_files`` what the layer brings, once it is applied.
    """

    def __init__(self, tree: UnionTree, table: EntryTable, findings: FindingCollector) -> None:
        self.tree = tree
        self.table = table
        self.index = len(tree.tables)
        self.base = tree.bases[-1] + len(tree.tables[-1]) if tree.tables else 0
        self.live = bytearray(b"\1") * len(table)
        self.stray = bytearray(len(table))
        self.metadata: dict[bytes, int] = {}
        self.added_bytes = 0
        self.added_files = 0
        self._findings = findings
        self.folders: dict[bytes, Folder] = {b"": tree.root}
        tree.tables.append(table)
        tree.bases.append(self.base)
        tree.live.append(self.live)
        tree.stray.append(self.stray)

    def folder(self, path: bytes) -> Folder | None:
        """The folder at a path as it is written, None where there is none."""
        folder = self.folders.get(path)
        if folder is None or folder.reference == REMOVED:
            node = self.tree.lookup(path)
            if not isinstance(node, Folder):
                return None
            self.folders[path] = folder = node
        return folder

    def say(self, rule: str, path: bytes, message: str) -> None:
        """Put something odd about this layer among the findings."""
        self._findings.add(rule, path_text(path), f"layer {self.index}: {message}")
