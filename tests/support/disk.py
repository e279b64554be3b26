"""Layers applied to a real folder by the kernel: the witness for what a merged tree should be.

Each layer's deletions come first, then its entries in their order, each by the plain calls that
unpack a tar. Times of folders are kept as their entries have them, whatever is done inside.
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH115, PTH208, PTH211
# Paths are bytes here, which pathlib does not take.

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.content import FileContent, LayerFiles
from oci_inspect.layer.entries import FILE, SYMLINK, TYPE_NAMES, EntryTable
from oci_inspect.stream.source import BytesSource
from support.images import compress
from support.tars import TarBuilder, gnu_sparse

_IMPLIED = 0o7421
"""The mode of folders that no entry describes: no entry of ours has it."""


@dataclass(frozen=True)
class Step:
    """One entry of a layer.

    ``kind`` is as the package names types, or ``sparse``, ``whiteout`` (of ``path``), ``opaque``
    (``path`` is the folder). ``text`` is the content or the target; a sparse file's lies between
    two holes of ``HOLE`` bytes.
    """

    kind: str
    path: bytes
    text: bytes = b""
    mode: int = 0o644
    mtime: int = 0


HOLE = 700


class Seen(NamedTuple):
    """What lies at a path. ``first`` is the first path of the inode; implied folders say no more
    than what they are.
    """

    kind: str
    mode: int
    mtime: int
    size: int
    text: bytes
    first: bytes


IMPLIED = Seen("directory", -1, -1, 0, b"", b"")
Tree = dict[bytes, Seen]


class Disk:
    """A folder, at first empty, that layers are applied to."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True)
        self.root = os.fsencode(root)
        self._links: set[bytes] = set()

    def _at(self, path: bytes) -> bytes:
        return self.root + b"/" + path if path else self.root

    def _kind(self, path: bytes) -> int:
        """The file type at a path, no link in it followed; 0 where there is nothing."""
        parts = path.split(b"/") if path else []
        for i in range(len(parts) + 1):
            try:
                kind = stat.S_IFMT(os.lstat(self._at(b"/".join(parts[:i]))).st_mode)
            except FileNotFoundError:
                return 0
            if i < len(parts) and kind != stat.S_IFDIR:
                return 0
        return kind

    @contextmanager
    def _unmoved(self, folder: bytes) -> Iterator[None]:
        """Leave the time of a folder as it is."""
        before = os.lstat(self._at(folder)).st_mtime_ns
        yield
        os.utime(self._at(folder), ns=(before, before))

    def _remove(self, path: bytes) -> None:
        with self._unmoved(path.rpartition(b"/")[0]):
            if self._kind(path) == stat.S_IFDIR:
                shutil.rmtree(self._at(path))
            else:
                os.unlink(self._at(path))

    def apply(self, layer: Sequence[Step]) -> list[Step]:
        """Apply a layer; return its entries but for those whose paths lead over its own links.

        Those would take more than a plain model to follow.
        """
        self._links.clear()
        for step in layer:
            if step.kind == "whiteout" and self._kind(step.path):
                self._remove(step.path)
            elif step.kind == "opaque" and self._kind(step.path) == stat.S_IFDIR:
                for name in os.listdir(self._at(step.path)):
                    self._remove(step.path + b"/" + name if step.path else name)
        return [
            step for step in layer if step.kind in ("whiteout", "opaque") or self._add_plain(step)
        ]

    def _over_own_link(self, path: bytes) -> bool:
        parts = path.split(b"/")[:-1]
        above = (b"/".join(parts[: i + 1]) for i in range(len(parts)))
        return any(one in self._links and self._kind(one) == stat.S_IFLNK for one in above)

    def _add_plain(self, step: Step) -> bool:
        if self._over_own_link(step.path):
            return False
        if step.kind == "hardlink" and self._over_own_link(step.text):
            return False
        self._add(step)
        return True

    def _add(self, step: Step) -> None:
        path = step.path
        parent = path.rpartition(b"/")[0]
        if path:
            self._make_folders(parent)
        at, kind = self._at(path), self._kind(path)
        if step.kind == "directory":
            if kind != stat.S_IFDIR:
                if kind:
                    self._remove(path)
                with self._unmoved(parent):
                    os.mkdir(at)
            os.chmod(at, step.mode)
            os.utime(at, (step.mtime, step.mtime))
            return
        if step.kind == "hardlink":
            there = self._kind(step.text)
            if there in (0, stat.S_IFDIR):
                return
            target = self._at(step.text)
            if kind and os.path.samestat(os.lstat(target), os.lstat(at)):
                return
            spare = self.root + b".link"
            os.link(target, spare, follow_symlinks=False)
            if kind:
                self._remove(path)
            with self._unmoved(parent):
                os.rename(spare, at)
            if there == stat.S_IFLNK:
                self._links.add(path)
            return
        if kind:
            self._remove(path)
        with self._unmoved(parent):
            if step.kind == "symlink":
                os.symlink(step.text, at)
                self._links.add(path)
            elif step.kind == "fifo":
                os.mkfifo(at)
            else:
                Path(os.fsdecode(at)).write_bytes(content_of(step))
        if step.kind != "symlink":
            os.chmod(at, step.mode)
        os.utime(at, (step.mtime, step.mtime), follow_symlinks=False)

    def _make_folders(self, path: bytes) -> None:
        parts = path.split(b"/") if path else []
        for i in range(len(parts)):
            above, here = b"/".join(parts[:i]), b"/".join(parts[: i + 1])
            kind = self._kind(here)
            if kind == stat.S_IFDIR:
                continue
            if kind:
                self._remove(here)
            with self._unmoved(above):
                os.mkdir(self._at(here))
            os.chmod(self._at(here), _IMPLIED)

    def tree(self) -> Tree:
        """Everything below the folder."""
        found: Tree = {}
        first: dict[int, bytes] = {}
        ahead = [(b"", self.root)]
        inodes = {}
        while ahead:
            prefix, folder = ahead.pop()
            for one in os.scandir(folder):
                path, info = prefix + one.name, os.lstat(one.path)
                kind = stat.S_IFMT(info.st_mode)
                mode, mtime = stat.S_IMODE(info.st_mode), int(info.st_mtime)
                if kind == stat.S_IFDIR:
                    ahead.append((path + b"/", one.path))
                    plain = mode != _IMPLIED
                    found[path] = Seen("directory", mode, mtime, 0, b"", path) if plain else IMPLIED
                    continue
                inodes[path] = info.st_ino
                first[info.st_ino] = min(path, first.get(info.st_ino, path))
                if kind == stat.S_IFREG:
                    text = Path(os.fsdecode(one.path)).read_bytes()
                    found[path] = Seen("file", mode, mtime, len(text), text, b"")
                elif kind == stat.S_IFLNK:
                    found[path] = Seen("symlink", -1, mtime, 0, os.readlink(one.path), b"")
                else:
                    found[path] = Seen("fifo", mode, mtime, 0, b"", b"")
        for path, inode in inodes.items():
            found[path] = found[path]._replace(first=first[inode])
        return found


def content_of(step: Step) -> bytes:
    """The bytes that a file's entry brings."""
    return bytes(HOLE) + step.text + bytes(HOLE) if step.kind == "sparse" else step.text


def tree_of(tree: UnionTree) -> Tree:
    """What a merged tree shows, its files read through it."""
    found: Tree = {}
    first: dict[int, bytes] = {}
    for path, node, _ in tree.walk():
        entry = tree.entry(node)
        if entry is None:
            found[path] = IMPLIED
            continue
        kind = tree.kind(node)
        text = b""
        if kind == FILE:
            with tree.open(path) as stream:
                text = stream.read()
        elif kind == SYMLINK:
            text = entry.linkname
        alone = path if not isinstance(node, int) else first.setdefault(node, path)
        mode = -1 if kind == SYMLINK else entry.mode
        found[path] = Seen(TYPE_NAMES[kind], mode, entry.mtime, entry.size, text, alone)
    for path, node, _ in tree.walk():
        if isinstance(node, int):
            first[node] = min(path, first[node])
    for path, node, _ in tree.walk():
        if isinstance(node, int):
            found[path] = found[path]._replace(first=first[node])
    return found


def tar_of(layer: Sequence[Step], form: str = "pax") -> bytes:
    """A layer as a tar."""
    tar = TarBuilder(form)
    for step in layer:
        path, mode, mtime = step.path, step.mode, step.mtime
        if step.kind == "file":
            tar.file(path, step.text, mode=mode, mtime=mtime)
        elif step.kind == "directory":
            tar.dir(path or b".", mode=mode, mtime=mtime)
        elif step.kind == "symlink":
            tar.symlink(path, step.text, mtime=mtime)
        elif step.kind == "hardlink":
            tar.hardlink(path, step.text)
        elif step.kind == "fifo":
            tar.fifo(path, mode=mode, mtime=mtime)
        elif step.kind == "sparse":
            size = 2 * HOLE + len(step.text)
            regions = [(HOLE, len(step.text)), (size, 0)]
            tar.raw(gnu_sparse(path, regions, step.text, size, mode=mode, mtime=mtime))
        elif step.kind == "whiteout":
            tar.whiteout(path)
        else:
            tar.opaque(path)
    return tar.build()


class Opener:
    """Opens the files of layers in memory."""

    def __init__(self, tables: Sequence[EntryTable], blobs: Sequence[bytes]) -> None:
        self._tables = tables
        self._blobs = blobs

    def open(self, layer_index: int, row: int) -> FileContent:
        """The content of a regular file."""
        blob = self._blobs[layer_index]
        return LayerFiles(self._tables[layer_index], lambda: BytesSource(blob)).open(row)


# Random stacks

_NAMES = (b"a", b"b", b"c", b"d e", b"\xff", b"wh.a", b"...", b".a", "\u00e9".encode(), b"n" * 90)
_KINDS = (
    *("file",) * 6,
    *("directory",) * 5,
    *("symlink",) * 3,
    *("hardlink",) * 4,
    *("whiteout",) * 3,
    "fifo",
    "sparse",
    "opaque",
    "opaque",
)
_TARGETS = (b"/", b".", b"..", b"a", b"../b", b"/a/b", b"nowhere", b"t" * 150)
_MODES = (0o644, 0o755, 0o4755, 0o600, 0o1777, 0)
_TIMES = (0, 1, 1_700_000_000, 2**33 + 5)


def random_stack(chance: random.Random) -> list[list[Step]]:
    """Some layers, each of some entries that often name what others name."""
    names = chance.sample(_NAMES, chance.randint(2, 4))
    known: list[bytes] = []

    def path() -> bytes:
        if known and chance.random() < 0.5:
            one = chance.choice(known)
            if chance.random() < 0.4:
                one += b"/" + chance.choice(names)
        else:
            one = b"/".join(chance.choice(names) for _ in range(chance.choice((1, 1, 2, 2, 3, 4))))
        known.append(one)
        return one

    def step() -> Step:
        kind = chance.choice(_KINDS)
        where = b"" if kind in ("opaque", "directory") and chance.random() < 0.1 else path()
        text = b""
        if kind == "sparse" and len(where) > 100:
            kind = "file"  # its header has no more room
        if kind == "file":
            text = chance.randbytes(chance.choice((0, 1, 2, 511, 512, 513, 5200)))
        elif kind == "sparse":
            text = chance.randbytes(chance.choice((1, 512, 600)))
        elif kind == "symlink":
            text = chance.choice(_TARGETS) if chance.random() < 0.5 else path()
        elif kind == "hardlink":
            text = path()
        mode = chance.choice(_MODES)
        if kind == "directory":
            mode |= 0o700  # who is not root must look into it
        return Step(kind, where, text, mode | 0o400, chance.choice(_TIMES))

    return [
        [step() for _ in range(chance.choice((0, 2, 4, 6, 9)))]
        for _ in range(chance.choice((1, 2, 2, 3, 3, 4)))
    ]


def packed(tar: bytes, chance: random.Random) -> bytes:
    """The blob of a layer, in one compression or another."""
    return compress(tar, chance.choice(("none", "none", "gzip", "gzip-members", "zstd-frames")))
