"""Trees as dive makes them: one of each layer by itself, and the stack of those below.

Not the merge of :mod:`oci_inspect.filesystem`: dive knows no opaque whiteouts, keeps what stood
below a folder that became a file, forgets that a folder is one where a higher layer has no entry
for it, and lets deletions and additions of a layer come in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator

from oci_inspect.layer.entries import DIRECTORY, EntryTable

WHITEOUT = b".wh."
DOUBLE = b".wh..wh.."
IMPLIED = -1


class _Folder(dict[bytes, "_Folder | int"]):
    """A node with others in it, by name, and what it is itself."""

    __slots__ = ("own",)

    def __init__(self, own: int) -> None:
        self.own = own


Node = _Folder | int


class DiveTree:
    """The tree of one layer. What a node is itself is its row in the table, or IMPLIED.

    Of two entries at one path the later one counts; what lies below them stays. From a part that
    begins with ``.wh..wh..`` on a path is dropped, and the folders in front of it are there.
    """

    def __init__(self, table: EntryTable, *, marked: bool) -> None:
        self.table = table
        self.marked = marked
        self.root = _Folder(IMPLIED)
        last: bytes | None = None
        folder = self.root
        for row, path in enumerate(table.paths):
            if not path:
                continue
            if DOUBLE in path:
                parts = path.split(b"/")
                cut = next((i for i, one in enumerate(parts) if one.startswith(DOUBLE)), None)
                if cut is not None:
                    self._folder(parts[:cut])
                    continue
            above, _, name = path.rpartition(b"/")
            if above != last:
                folder = self._folder(above.split(b"/") if above else [])
                last = above
            node = folder.get(name)
            if isinstance(node, _Folder):
                node.own = row
            else:
                folder[name] = row

    def _folder(self, parts: list[bytes]) -> _Folder:
        folder = self.root
        for part in parts:
            folder = _inside(folder, part, IMPLIED)
        return folder

    @staticmethod
    def row(node: Node) -> int:
        """The row of a node's entry, IMPLIED where it has none."""
        return node.own if isinstance(node, _Folder) else node

    def names(self, folder: _Folder) -> Iterator[bytes]:
        """The names in a folder, in the order of their bytes where that matters."""
        return iter(sorted(folder) if self.marked else folder)

    def value(self, node: Node) -> int:
        """What the stack keeps of a node: twice its size, and 1 more for a folder's entry."""
        row = self.row(node)
        if row == IMPLIED:
            return 0
        return self.table.sizes[row] << 1 | (self.table.types[row] == DIRECTORY)

    def leaves(self) -> Iterator[tuple[bytes, bytes, Node]]:
        """All that nothing lies below: the path of its folder with a slash, its name, itself."""
        frames = [(b"", self.root, self.names(self.root))]
        while frames:
            prefix, folder, names = frames[-1]
            for name in names:
                node = folder[name]
                if isinstance(node, _Folder) and node:
                    frames.append((prefix + name + b"/", node, self.names(node)))
                    break
                yield prefix, name, node
            else:
                frames.pop()


class DiveStack:
    """Layers put upon each other. Nodes hold values, see :meth:`DiveTree.value`."""

    def __init__(self) -> None:
        self._root = _Folder(0)
        self.ask()

    def ask(self) -> None:
        """Forget what was looked up: the stack has changed."""
        self._sums: dict[int, int] = {}
        self._looked_in: tuple[bytes, Node | None] = (b"", self._root)

    def lay(self, tree: DiveTree) -> None:
        """Begin with a layer as it is, whiteouts and all."""
        self._apply(tree, literally=True)

    def put(self, tree: DiveTree) -> None:
        """Put a layer on top: each node after all below it, whiteouts in their turn."""
        self._apply(tree, literally=False)

    def _apply(self, tree: DiveTree, *, literally: bool) -> None:
        place = _Place(self._root)
        frames = [(b"", tree.root, tree.names(tree.root))]
        while frames:
            name, folder, names = frames[-1]
            for below in names:
                node = folder[below]
                if isinstance(node, _Folder) and node:
                    frames.append((below, node, tree.names(node)))
                    place.enter(below)
                    break
                self._visit(place, tree, below, node, literally)
            else:
                frames.pop()
                if frames:
                    place.leave()
                    self._visit(place, tree, name, folder, literally)

    @staticmethod
    def _visit(place: _Place, tree: DiveTree, name: bytes, node: Node, literally: bool) -> None:
        if literally or not name.startswith(WHITEOUT):
            place.set(name, tree.value(node))
        else:
            place.remove(name[len(WHITEOUT) :])

    def size_of_deleted(self, prefix: bytes, name: bytes) -> int | None:
        """The bytes of a folder that is deleted, 0 for anything else, None where there is nothing.

        Without a name it is the folder itself in which the whiteout lies. Each folder is added up
        once until :meth:`ask`, and is gone behind :meth:`put`: no image pays for one twice.
        """
        known, inside = self._looked_in
        if prefix != known:
            inside = self._root
            for part in prefix.split(b"/")[:-1]:
                inside = inside.get(part) if isinstance(inside, _Folder) else None
            self._looked_in = prefix, inside
        node = inside
        if name:
            node = inside.get(name) if isinstance(inside, _Folder) else None
        if node is None:
            return None
        own = node.own if isinstance(node, _Folder) else node
        if not own & 1:  # no folder, or none that its highest layer has an entry for
            return 0
        return self._sum(node) if isinstance(node, _Folder) else own >> 1

    def _sum(self, top: _Folder) -> int:
        sums = self._sums
        todo, found = [top], []
        while todo:
            folder = todo.pop()
            if id(folder) not in sums:
                found.append(folder)
                todo += (node for node in folder.values() if isinstance(node, _Folder))
        for folder in reversed(found):
            sums[id(folder)] = (folder.own >> 1) + sum(
                sums[id(node)] if isinstance(node, _Folder) else node >> 1
                for node in folder.values()
            )
        return sums[id(top)]


class _Place:
    """Where a walk is in the stack. Folders on the way are made once something is put there."""

    def __init__(self, root: _Folder) -> None:
        self._names: list[bytes] = [b""]
        self._folders: list[_Folder | None] = [root]

    def enter(self, name: bytes) -> None:
        """Go down into a folder, be it there or not."""
        here = self._folders[-1]
        node = None if here is None else here.get(name)
        self._names.append(name)
        self._folders.append(node if isinstance(node, _Folder) else None)

    def leave(self) -> None:
        """Go up again."""
        self._names.pop()
        self._folders.pop()

    def set(self, name: bytes, value: int) -> None:
        """Say what a node is; what lies below it stays."""
        folder = self._here()
        node = folder.get(name)
        if isinstance(node, _Folder):
            node.own = value
        else:
            folder[name] = value

    def remove(self, name: bytes) -> None:
        """Remove a node with all below it; without a name the folder that the walk is in."""
        if name:
            folder = self._folders[-1]
            if folder is not None:
                folder.pop(name, None)
        elif len(self._folders) > 1:
            above = self._folders[-2]
            if above is not None:
                above.pop(self._names[-1], None)
            self._folders[-1] = None

    def _here(self) -> _Folder:
        folder = self._folders[-1]
        if folder is not None:
            return folder
        depth = len(self._folders) - 1
        while (folder := self._folders[depth]) is None:  # the root is always there
            depth -= 1
        for i in range(depth + 1, len(self._folders)):
            folder = self._folders[i] = _inside(folder, self._names[i], 0)
        return folder


def _inside(folder: _Folder, name: bytes, implied: int) -> _Folder:
    """The folder of this name, made where there is none; a leaf becomes one and stays itself."""
    node = folder.get(name)
    if not isinstance(node, _Folder):
        node = folder[name] = _Folder(implied if node is None else node)
    return node
