"""A walk over the merged tree: totals, duplicates, and entries that an analyst wants to know of."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right, insort
from dataclasses import dataclass

from oci_inspect.filesystem.tree import Folder, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import BLOCK_DEVICE, CHAR, FILE, SYMLINK
from oci_inspect.paths import path_text

_FORBIDDEN = b'<>:"|?*\\'
_DEVICES = frozenset((b"con", b"prn", b"aux", b"nul")) | {
    name % i for name in (b"com%d", b"lpt%d") for i in range(1, 10)
}
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Census:
    """What the merged tree holds.

    ``files`` are paths of regular files, ``live_bytes`` their content with each inode once,
    ``duplicate_bytes`` what of it lies there in more than one inode, all but one counted.
    """

    files: int
    live_bytes: int
    duplicate_bytes: int


class _Tally:
    """Counts paths and keeps the first of them in byte order."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[bytes] = []

    def add(self, path: bytes) -> None:
        self.count += 1
        if len(self.examples) < _EXAMPLES or path < self.examples[-1]:
            insort(self.examples, path)
            del self.examples[_EXAMPLES:]


def take_census(tree: UnionTree, findings: FindingCollector) -> Census:
    """Walk the tree once; counted rules (setuid, path-collision ...) go to ``findings``."""
    bases, tables = tree.bases, tree.tables
    files = live = duplicates = 0
    linked: set[int] = set()
    contents: set[tuple[int, int]] = set()
    setuid, writable, devices, collisions = _Tally(), _Tally(), _Tally(), _Tally()
    stack: list[tuple[bytes, Folder]] = [(b"", tree.root)]
    while stack:
        prefix, folder = stack.pop()
        _collisions(prefix, folder, collisions)
        for name, child in folder.children.items():
            if isinstance(child, Folder):
                stack.append((prefix + name + b"/", child))
                if child.reference >= 0:
                    layer = bisect_right(bases, child.reference) - 1
                    mode = tables[layer].modes[child.reference - bases[layer]]
                    if mode & 0o1002 == 0o0002:
                        writable.add(prefix + name)
                continue
            layer = bisect_right(bases, child) - 1
            table, row = tables[layer], child - bases[layer]
            kind, mode = table.types[row], table.modes[row]
            if kind == FILE:
                files += 1
                if mode & 0o6000:
                    setuid.add(prefix + name)
                if child not in linked:
                    linked.add(child)
                    size = table.sizes[row]
                    live += size
                    if size:
                        key = (table.fingerprints[row], size)
                        if key in contents:
                            duplicates += size
                        else:
                            contents.add(key)
            elif kind in (CHAR, BLOCK_DEVICE):
                devices.add(prefix + name)
            if mode & 0o0002 and kind != SYMLINK:
                writable.add(prefix + name)
    _tell("setuid", setuid, "setuid or setgid file{s}", findings)
    _tell("world-writable", writable, "path{s} that everyone may write", findings)
    _tell("device-node", devices, "device node{s}", findings)
    _tell("path-collision", collisions, "path{s} that some file systems cannot keep", findings)
    return Census(files, live, duplicates)


def _collisions(prefix: bytes, folder: Folder, tally: _Tally) -> None:
    """Names of one folder that differ by case or Unicode form only, or that Windows cannot have."""
    # Over all names at once: few folders need a closer look.
    together = b"/".join(folder.children)
    if together.isascii() and not _windows_minds(together):
        folds = together.lower().split(b"/")
        if len(set(folds)) == len(folds):
            return
    folded: set[bytes] = set()
    for name in folder.children:
        if name.isascii():
            key = name.lower()
        else:
            text = name.decode("utf-8", "surrogateescape")
            key = unicodedata.normalize("NFC", text).casefold().encode("utf-8", "surrogateescape")
        if key in folded or _windows_minds(name):
            tally.add(prefix + name)
        folded.add(key)


def _windows_minds(names: bytes) -> bool:
    """Whether Windows cannot have one of these names, which stand with ``/`` between them."""
    if len(names.translate(None, _FORBIDDEN)) < len(names):
        return True
    if names.endswith((b" ", b".")) or b" /" in names or b"./" in names:
        return True
    return not _DEVICES.isdisjoint(name.partition(b".")[0] for name in names.lower().split(b"/"))


def _tell(rule: str, tally: _Tally, what: str, findings: FindingCollector) -> None:
    if tally.count:
        examples = ", ".join(path_text(path) for path in tally.examples)
        more = ", ..." if tally.count > len(tally.examples) else ""
        counted = what.format(s="" if tally.count == 1 else "s")
        findings.add(
            rule,
            path_text(tally.examples[0]),
            f"{tally.count:,} {counted}: {examples}{more}",
        )
