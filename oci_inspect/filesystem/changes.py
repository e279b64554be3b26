"""What a layer changed, path by path: added, changed, deleted, and in what.

The kinds are those of ``docker diff`` (docker CLI reference, "docker container diff"). A folder is
changed where its own entry says something else than before, or anything below it came, went or
changed; of a deleted folder only itself is told. Both as docker does.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.differences import differences
from oci_inspect.filesystem.journal import Journal
from oci_inspect.filesystem.masks import rows_of
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import (
    FileOpener,
    Folder,
    Node,
    UnionTree,
    reference_of,
)
from oci_inspect.layer.entries import DIRECTORY, FILE


class Kind(StrEnum):
    """What happened to a path."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"

    @property
    def letter(self) -> str:
        """The letter that docker has for it."""
        return self.value[0].upper()


class Change(NamedTuple):
    """What happened to one path between two trees.

    ``before`` and ``after`` are references of entries (-1: a folder that no entry describes), None
    where there was nothing. ``why`` names what is different: ``type``, ``content``, ``target``,
    ``device``, ``mode``, ``owner``, ``time``, ``xattrs``; ``entries`` for a folder in which names
    came or went, ``below`` for one of which only something deeper is told, ``metadata`` where only
    one of the two has an entry. Nothing is different where a layer brings the same file again.
    ``size`` is in bytes: what the layers store for it, each inode once; of something deleted, what
    is hidden by that, each inode once among all that was deleted.
    """

    path: bytes
    kind: Kind
    before: int | None
    after: int | None
    why: tuple[str, ...]
    size: int

    def copied(self, tree: UnionTree) -> bool:
        """Whether a file's content was stored once more although it is the same."""
        if self.kind is not Kind.CHANGED or self.size == 0:
            return False
        return not {"content", "type"} & set(self.why) and tree.kind_of(self.after) == FILE


class _Collector:
    """Changes of one step, by path; ``base`` is the first reference that the step brought."""

    def __init__(self, tree: UnionTree, base: int) -> None:
        self._tree = tree
        self._base = base
        self._changes: dict[bytes, Change] = {}
        self._stirred: set[bytes] = set()
        self._hidden: dict[int, bytes] = {}

    def add(self, path: bytes, after: int) -> None:
        self._changes[path] = Change(path, Kind.ADDED, None, after, (), 0)
        self._stirred.add(path.rpartition(b"/")[0])

    def delete(self, path: bytes, before: int) -> None:
        self._changes[path] = Change(path, Kind.DELETED, before, None, (), 0)
        self._stirred.add(path.rpartition(b"/")[0])

    def deletes(self, path: bytes) -> bool:
        """Whether what was at a path is told as deleted."""
        known = self._changes.get(path)
        return known is not None and known.kind is Kind.DELETED

    def hide(self, path: bytes, reference: int) -> None:
        """Count what was at or below a deleted path to it: of several, to the first in order."""
        if reference >= 0 and self._tree.kind_of(reference) == FILE:
            self._hidden[reference] = min(path, self._hidden.get(reference, path))

    def change(self, path: bytes, before: int, after: int) -> None:
        if before == after:
            return  # the same inode, or a folder still without an entry
        why = differences(self._tree, before, self._tree, after)
        kinds = {self._tree.kind_of(before), self._tree.kind_of(after)}
        if why or kinds != {DIRECTORY}:
            self._changes[path] = Change(path, Kind.CHANGED, before, after, why, 0)

    def result(self) -> tuple[Change, ...]:
        """All of them, sorted by path, with sizes, and with the folders in which names moved."""
        tree, changes = self._tree, self._changes
        for path in self._stirred:
            known = changes.get(path)
            if known is not None and known.kind is Kind.CHANGED:
                if tree.kind_of(known.before) == DIRECTORY == tree.kind_of(known.after):
                    changes[path] = known._replace(why=(*known.why, "entries"))
            elif known is None and path:
                node = tree.lookup(path)
                if isinstance(node, Folder):
                    here = node.reference
                    changes[path] = Change(path, Kind.CHANGED, here, here, ("entries",), 0)
        for path in [*changes]:
            above = path.rpartition(b"/")[0]
            while above and above not in changes:
                node = tree.lookup(above)
                assert isinstance(node, Folder)
                here = node.reference
                changes[above] = Change(above, Kind.CHANGED, here, here, ("below",), 0)
                above = above.rpartition(b"/")[0]
        sizes: dict[bytes, int] = {}
        while self._hidden:  # let go of at once: of a folder that goes there may be a million
            reference, path = self._hidden.popitem()
            layer, row = tree.locate(reference)
            sizes[path] = sizes.get(path, 0) + tree.tables[layer].stored(row)
        while sizes:
            path, size = sizes.popitem()
            changes[path] = changes[path]._replace(size=size)
        counted: set[int] = set()
        return tuple(self._sized(changes.pop(path), counted) for path in sorted(changes))

    def _sized(self, change: Change, counted: set[int]) -> Change:
        after = change.after
        if after is None or after < self._base or after in counted:
            return change
        layer, row = self._tree.locate(after)
        table = self._tree.tables[layer]
        if table.types[row] != FILE or not table.sizes[row]:
            return change
        if after in self._tree.names:
            counted.add(after)
        return change._replace(size=table.stored(row))


class LayerChanges(Journal):
    """The changes of each of the ``wanted`` layers (None: of all), in ``layers`` by index."""

    def __init__(
        self, wanted: Container[int] | None = None, files: FileOpener | None = None
    ) -> None:
        self.layers: dict[int, tuple[Change, ...]] = {}
        self._files = files
        self._wanted = wanted
        self._listening = False
        self._base = 0

    def begin_layer(self, layer: Applying) -> None:
        """Forget the layer before."""
        self._listening = self._wanted is None or layer.index in self._wanted
        self._base = layer.base
        self._before: dict[bytes, int] = {}
        self._new: set[bytes] = set()  # paths of no row, where nothing was before

    def lose(self, path: bytes, reference: int, reason: Reason, unit: bytes | None) -> None:
        """Keep what a path of a lower layer had."""
        if self._listening:
            self._keep(path, reference)

    def describe(self, path: bytes, before: int) -> None:
        """Keep what described a folder of a lower layer."""
        if self._listening:
            self._keep(path, before)

    def _keep(self, path: bytes, reference: int) -> None:
        if reference < self._base and path not in self._new:
            self._before.setdefault(path, reference)

    def put(self, path: bytes) -> None:
        """Keep a path that no row tells."""
        self.make(path)

    def make(self, path: bytes) -> None:
        """Keep the path of a folder without an entry."""
        if self._listening and path not in self._before:
            self._new.add(path)

    def end_layer(self, layer: Applying) -> None:
        """Hold what there was against what there is."""
        if not self._listening:
            return
        tree, before = layer.tree, self._before
        found = _Collector(replace(tree, files=self._files), layer.base)
        deleted = False
        for path, reference in before.items():
            node = tree.lookup(path) if path else None
            if node is not None:
                found.change(path, reference, reference_of(node))
            elif path and isinstance(tree.lookup(path.rpartition(b"/")[0]), Folder):
                deleted = True
                found.delete(path, reference)
        for path, reference in before.items() if deleted else ():
            while path and not found.deletes(path):
                path = path.rpartition(b"/")[0]
            if path:
                found.hide(path, reference)
        for path, reference in self._placed(layer):
            if path not in before:
                found.add(path, reference)
        before.clear()
        self.layers[layer.index] = found.result()

    def _placed(self, layer: Applying) -> Iterator[tuple[bytes, int]]:
        """Everything that the layer put somewhere and that is there still."""
        tree, paths, stray, base = layer.tree, layer.table.paths, layer.stray, layer.base
        odd = dict.fromkeys(self._new)
        for row in rows_of(bytes(layer.live)):
            if stray[row]:
                odd[paths[row]] = None
            elif paths[row]:
                yield paths[row], base + row
        for path in odd:
            node = tree.lookup(path)
            if node is not None and path and (reference_of(node) >= base or path in self._new):
                yield path, reference_of(node)


def net_changes(before: UnionTree, after: UnionTree, base: int) -> tuple[Change, ...]:
    """What is different between the trees below and above some layers of one stack.

    ``base`` is the first reference of the lowest of those layers. Both trees are walked.
    """
    found = _Collector(after, base)
    stack: list[tuple[bytes, Folder, Folder]] = [(b"", before.root, after.root)]
    while stack:
        prefix, old, new = stack.pop()
        for name, was in old.items():
            path = prefix + name
            now = new.get(name)
            if now is None:
                found.delete(path, reference_of(was))
                for reference in _references(was):
                    found.hide(path, reference)
            elif isinstance(was, Folder) and isinstance(now, Folder):
                stack.append((path + b"/", was, now))
                if was.reference != now.reference:
                    found.change(path, was.reference, now.reference)
            elif reference_of(was) != reference_of(now):
                found.change(path, reference_of(was), reference_of(now))
                if isinstance(now, Folder):
                    stack.append((path + b"/", Folder(), now))
        for name, now in new.items():
            if name not in old:
                found.add(prefix + name, reference_of(now))
                if isinstance(now, Folder):
                    stack.append((prefix + name + b"/", Folder(), now))
    return found.result()


def _references(node: Node) -> Iterator[int]:
    """The references at and below a node."""
    ahead = [node]
    while ahead:
        one = ahead.pop()
        yield reference_of(one)
        if isinstance(one, Folder):
            ahead += one.values()
