"""The additions of a layer: image-spec, layer.md, "Applying Changesets".

Nearly every entry is a leaf with a new name in a folder that is there. It takes one step, in the
loop of :meth:`Additions.add`; all that is out of the ordinary goes the longer way from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.deaths import Deaths
from oci_inspect.filesystem.masks import both, selector
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.symlinks import LinkFollower, join
from oci_inspect.filesystem.tree import REMOVED, Folder, Node, UnionTree
from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK, SYMLINK
from oci_inspect.limits import FREE_METADATA, Allowance, Limits
from oci_inspect.paths import path_text

_NO_LEAF = selector((DIRECTORY, HARDLINK))
_FILE = selector((FILE,))


class Additions:
    """Puts the entries of a layer into the tree below it, one layer after the other."""

    def __init__(self, tree: UnionTree, deaths: Deaths, limits: Limits) -> None:
        self._tree = tree
        self._deaths = deaths
        self._limits = limits
        self._links = LinkFollower(tree, limits)
        self._allowance = Allowance(limits)  # for paths of folders that no entry describes
        self._implied = 0
        self._exceeded: set[str] = set()

    def add(self, layer: Applying) -> None:
        """Apply the entries of a layer: the rows that its deletions have left."""
        self._layer = layer
        self._journal = self._deaths.journal
        self._base = base = layer.base
        self._aliases: dict[bytes, tuple[Folder, bytes]] = {}
        self._latest = b"", self._tree.root  # what is in the last folder is likely to come next
        self._through: set[bytes] = set()
        table, entries = layer.table, bytes(layer.live)
        paths = table.paths
        files = both(table.types.translate(_FILE), entries)
        layer.added_files = files.count(1)
        layer.added_bytes = sum(compress(table.sizes, files))
        rows: Iterator[tuple[int, bytes, int, int]] = zip(
            paths.places,
            paths.names,
            table.types.translate(_NO_LEAF),
            range(base, base + len(table)),
            strict=True,
        )
        if 0 in entries:
            rows = compress(rows, entries)
        folders: list[Folder | None] = [None] * len(paths.folders)
        last = -1
        folder = self._tree.root
        for place, name, no_leaf, reference in rows:
            if place != last:
                last = -1
                found = folders[place]
                if found is None or found.reference == REMOVED:
                    path = paths.folders[place]
                    found = None if path in self._aliases else self._make(path)
                    if found is None:
                        self._add_elsewhere(path, name, reference)
                        continue
                    folders[place] = found
                folder, last = found, place
            if no_leaf or not name or folder.setdefault(name, reference) is not reference:
                self._add(folder, name, paths[reference - base], reference)

    def _add(self, folder: Folder, name: bytes, path: bytes, reference: int) -> None:
        """Add any entry, whatever lies at its path."""
        table, row = self._layer.table, reference - self._base
        kind = table.types[row]
        if not name:
            self._replace_root(kind, reference)
        elif kind == DIRECTORY:
            self._add_folder(folder, name, path, reference)
        elif kind == HARDLINK:
            self._layer.live[row] = 0  # a name of another row
            self._add_link(folder, name, path, row)
        else:
            existing = folder.get(name)
            if existing is not None:
                self._displace(path, existing, reference)
            folder[name] = reference

    def _replace_root(self, kind: int, reference: int) -> None:
        self._leave_out(reference)  # no path below the root leads to it
        if kind == DIRECTORY:
            self._deaths.describe(b"", self._tree.root, reference)
        else:
            self._layer.say("path-unsafe", b"/", "an entry that would replace the root: ignored")

    def _leave_out(self, reference: int) -> None:
        """Count a row no longer among what the layer adds."""
        layer, row = self._layer, reference - self._base
        layer.live[row] = 0
        if layer.table.types[row] == FILE:
            layer.added_files -= 1
            layer.added_bytes -= layer.table.sizes[row]

    def _add_folder(self, folder: Folder, name: bytes, path: bytes, reference: int) -> None:
        child = folder.get(name)
        if isinstance(child, Folder):
            if child.reference >= self._base:
                self._say_duplicate(path)
            self._deaths.describe(path, child, reference)
        else:
            if child is not None:
                self._displace_by_folder(path, child)
            folder[name] = child = Folder(reference)
        self._latest = path, child

    # What lies at a path

    def _displace(self, path: bytes, existing: Node, newcomer: int) -> None:
        """Remove what lies at a path, because ``newcomer`` comes there."""
        if isinstance(existing, Folder):
            self._aliases.clear()
            self._deaths.take_tree(path, existing, Reason.REPLACED)
            return
        if existing >= self._base:
            self._say_duplicate(path)
        tree = self._tree
        (old, old_row), (new, new_row) = tree.locate(existing), tree.locate(newcomer)
        before, after = tree.tables[old], tree.tables[new]
        kind = before.types[old_row]
        if kind == SYMLINK:
            self._aliases.clear()
        reason = Reason.REPLACED
        if after.types[new_row] == FILE:
            same = (
                kind == FILE
                and before.sizes[old_row] == after.sizes[new_row]
                and before.fingerprints[old_row] == after.fingerprints[new_row]
            )
            reason = Reason.REWRITTEN if same else Reason.OVERWRITTEN
        self._deaths.take(path, existing, reason)

    def _displace_by_folder(self, path: bytes, existing: int) -> None:
        is_link = self._tree.kind(existing) == SYMLINK
        if existing >= self._base:
            self._say_duplicate(path)
        elif is_link and self._leads_to_folder(path, existing):
            self._layer.say(
                "directory-replaces-symlink",
                path,
                "a folder replaces a symbolic link to a folder: what lay there has lost this name",
            )
        if is_link:
            self._aliases.clear()
        self._deaths.take(path, existing, Reason.REPLACED)

    def _leads_to_folder(self, path: bytes, link: int) -> bool:
        try:
            return self._links.leads_to_folder(path, link)
        except LimitExceededError as error:
            self._exceed(error, path)
            return False

    def _say_duplicate(self, path: bytes) -> None:
        self._layer.say("path-duplicate", path, "twice in one layer: the last one counts")

    # Hard links

    def _add_link(self, folder: Folder, name: bytes, path: bytes, row: int) -> None:
        """Give an inode a second name."""
        table = self._layer.table
        target = table.linknames.get(row, b"")
        existing = folder.get(name)
        shown = table.paths[row] if existing is None else path
        inode = self._resolve_link(target)
        if inode is None or isinstance(inode, Folder):
            what = "a hard link to nothing" if inode is None else "a hard link to a folder"
            self._layer.say("hardlink-dangling", shown, f"{what}: {path_text(target)}")
            return
        if existing == inode:
            return
        if inode < self._base:
            self._layer.say(
                "hardlink-across-layers",
                shown,
                f"a hard link to {path_text(target)} of a lower layer: some engines refuse it",
            )
        names = self._tree.names
        names[inode] = names.get(inode, 1) + 1
        layer, inode_row = self._tree.locate(inode)
        self._tree.stray[layer][inode_row] = 1
        if existing is not None:
            self._displace(path, existing, inode)
        folder[name] = inode
        if self._journal is not None:
            self._journal.put(path)
        self._layer.added_files += self._tree.tables[layer].types[inode_row] == FILE

    def _resolve_link(self, target: bytes) -> Node | None:
        layer = self._layer
        row = layer.metadata.get(target)
        if row is not None:
            reference = self._base + row
            if reference not in self._tree.names:  # the metadata itself is no name of it
                self._tree.names[reference] = 0
                layer.live[row] = 1
                layer.added_bytes += layer.table.sizes[row]
            return reference
        node = self._tree.lookup(target)
        if node is None:
            folder_path, _, name = target.rpartition(b"/")
            try:
                real = self._links.follow(folder_path, self._base)
            except LimitExceededError as error:
                self._exceed(error, target)
                return None
            node = self._tree.lookup(join(real, name)) if real is not None else None
        return node

    # Folders for entries to go into

    def _make(self, path: bytes) -> Folder | None:
        """The folder at a path, made where it is missing.

        A symbolic link of a lower layer among the parts is hidden by a new folder, since engines
        unpack each layer by itself. None where a link of this layer is on the way, or where no more
        folders may be made.
        """
        latest, folder = self._latest
        if latest == path and folder.reference != REMOVED:
            return folder
        folder = self._tree.root
        parts = path.split(b"/") if path else []
        length = -1
        for i, part in enumerate(parts):
            length += 1 + len(part)
            child = folder.get(part)
            if isinstance(child, Folder):
                folder = child
                continue
            if child is not None and not self._may_hide(b"/".join(parts[: i + 1]), child):
                return None
            if not self._may_imply(path, length):
                return None
            if child is not None:
                self._deaths.take(b"/".join(parts[: i + 1]), child, Reason.REPLACED)
            if self._journal is not None:
                self._journal.make(b"/".join(parts[: i + 1]))
            fresh = Folder()
            folder[part] = fresh
            folder = fresh
        return folder

    def _may_hide(self, path: bytes, leaf: int) -> bool:
        """Whether a folder may take the place of what is none: not of links of this layer."""
        if self._tree.kind(leaf) != SYMLINK:
            return True
        if leaf >= self._base:
            return False
        if path not in self._through:
            self._through.add(path)
            self._layer.say(
                "path-through-symlink",
                path,
                "a symbolic link of a lower layer is a parent here: a folder hides it",
            )
        return True

    def _may_imply(self, path: bytes, length: int) -> bool:
        """Whether a folder on this path may be made, whose own path is of such a ``length``."""
        self._implied += 1
        most = self._limits.implied_folders
        allowance = self._allowance
        allowance.spend(max(0, length - FREE_METADATA))
        if self._implied > most:
            error = LimitExceededError("implied_folders", most, self._implied, "the image")
        elif allowance.over:
            error = allowance.exceeded("folders that no entry describes")
        else:
            return True
        self._exceed(error, path)
        return False

    def _add_elsewhere(self, folder_path: bytes, name: bytes, reference: int) -> None:
        """Add an entry whose folder is behind links of its own layer; or leave it, if nowhere."""
        try:
            place = self._behind_links(folder_path)
        except LimitExceededError as error:
            self._exceed(error, folder_path)
            place = None
        if place is None:
            self._leave_out(reference)
            return
        folder, real = place
        self._layer.stray[reference - self._base] = 1
        path = join(real, name)
        self._add(folder, name, path, reference)
        if (
            self._journal is not None
            and self._layer.table.types[reference - self._base] != HARDLINK
        ):
            self._journal.put(path)  # a hard link told so itself, if it led anywhere

    def _behind_links(self, path: bytes) -> tuple[Folder, bytes] | None:
        """The folder that a path leads to through symbolic links of this layer, and its path.

        It is remembered until a link or a folder goes: the way may have led through it.
        """
        place = self._aliases.get(path)
        if place is None:
            real = self._links.follow(path, self._base)
            if real == path:  # no link: no more folders may be made
                return None
            if real is None or len(real) > self._limits.path_bytes:
                what = "lead around in a ring" if real is None else "make it too long a path"
                self._layer.say(
                    "path-through-symlink", path, f"symbolic links {what}: not unpacked"
                )
                return None
            folder = self._make(real)
            if folder is None:
                return None
            place = self._aliases[path] = folder, real
        self._links.spend(max(0, len(place[1]) - len(path)))
        return place

    def _exceed(self, error: LimitExceededError, path: bytes) -> None:
        """Say of each limit once that it was met."""
        if error.limit not in self._exceeded:
            self._exceeded.add(error.limit)
            self._layer.say("limit-exceeded", path, str(error))
