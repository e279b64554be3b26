"""What the merged tree holds: totals, duplicates, and entries that an analyst wants to know of."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice

from oci_inspect.filesystem.masks import both, octet, rows_of, selector
from oci_inspect.filesystem.tree import Folder, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import BLOCK_DEVICE, CHAR, DIRECTORY, FILE, SYMLINK
from oci_inspect.layer.tar_scanner import EMPTY_FINGERPRINT
from oci_inspect.paths import path_text

_EXAMPLES = 3
_TOGETHER = 64
_AT_ONCE = 200_000
_MANY = 20_000
"""Names of a folder that are looked at together; where there are more, in parts."""

_FILE = selector((FILE,))
_DEVICE = selector((CHAR, BLOCK_DEVICE))
_NO_LINK = selector(set(range(256)) - {SYMLINK})
_WRITABLE = selector({low for low in range(256) if low & 0o002})
_SETUID = selector({high for high in range(256) if high << 8 & 0o6000})

_FORBIDDEN = b'<>:"|?*\\'
_DEVICE_NAME = re.compile(rb"/(?:con|prn|aux|nul|com[1-9]|lpt[1-9])[./]")


@dataclass(frozen=True, slots=True)
class Census:
    """What the merged tree holds.

    ``files`` are paths of regular files, ``duplicate_bytes`` what of their content lies there in
    more than one inode, all but one counted.
    """

    files: int
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
    """Count what is in the tree; counted rules (setuid, path-collision ...) go to ``findings``."""
    files = [
        both(live, table.types.translate(_FILE))
        for table, live in zip(tree.tables, tree.live, strict=True)
    ]
    others = sum(more - 1 for inode, more in tree.names.items() if tree.kind(inode) == FILE)
    census = Census(
        files=sum(mask.count(1) for mask in files) + others,
        duplicate_bytes=_duplicates(tree, files),
    )
    setuid, writable, devices = _odd_entries(tree, files)
    collisions = _collisions(tree)
    _tell("setuid", setuid, "setuid or setgid file{s}", findings)
    _tell("world-writable", writable, "path{s} that everyone may write", findings)
    _tell("device-node", devices, "device node{s}", findings)
    _tell("path-collision", collisions, "path{s} that some file systems cannot keep", findings)
    return census


def _duplicates(tree: UnionTree, files: Sequence[bytes]) -> int:
    """Bytes of the files in these masks whose content is there already.

    Very many are compared in parts, told apart by an octet of their fingerprints: what it takes to
    count each fingerprint would be the most memory that anything here needs.
    """
    parts = min(256, 1 + sum(mask.count(1) for mask in files) // _AT_ONCE)
    if parts == 1:
        return _duplicates_among(tree, files)
    total = 0
    for part in range(parts):
        chosen = selector(range(part, 256, parts))
        masks = [
            both(mask, octet(table.fingerprints, 0).translate(chosen))
            for table, mask in zip(tree.tables, files, strict=True)
        ]
        total += _duplicates_among(tree, masks)
    return total


def _duplicates_among(tree: UnionTree, files: Sequence[bytes]) -> int:
    counts: Counter[int] = Counter()
    for table, mask in zip(tree.tables, files, strict=True):
        counts.update(compress(table.fingerprints, mask))
    del counts[EMPTY_FINGERPRINT]
    again = {fingerprint for fingerprint, count in counts.items() if count > 1}
    if not again:
        return 0
    contents: set[tuple[int, int]] = set()
    total = 0
    for table, mask in zip(tree.tables, files, strict=True):
        fingerprints, sizes = table.fingerprints, table.sizes
        for row in rows_of(both(mask, bytes(map(again.__contains__, fingerprints)))):
            key = fingerprints[row], sizes[row]
            if key in contents:
                total += key[1]
            contents.add(key)
    return total


def _odd_entries(tree: UnionTree, files: Sequence[bytes]) -> tuple[_Tally, _Tally, _Tally]:
    """Programs with the rights of others, what everyone may write, devices."""
    tallies = setuid, writable, devices = _Tally(), _Tally(), _Tally()
    strays: dict[int, list[_Tally]] = defaultdict(list)
    for layer, table in enumerate(tree.tables):
        types, modes, live = table.types, table.modes, tree.live[layer]
        masks = (
            both(files[layer], octet(modes, 1).translate(_SETUID)),
            both(live, types.translate(_NO_LINK), octet(modes, 0).translate(_WRITABLE)),
            both(live, types.translate(_DEVICE)),
        )
        for tally, mask in zip(tallies, masks, strict=True):
            for row in rows_of(mask):
                if tally is writable and types[row] == DIRECTORY and modes[row] & 0o1000:
                    continue  # sticky, as /tmp is
                if tree.stray[layer][row]:
                    strays[tree.bases[layer] + row].append(tally)
                else:
                    tally.add(table.paths[row])
    if strays:
        for path, reference in tree.paths_of(strays):
            for tally in strays[reference]:
                tally.add(path)
    return setuid, writable, devices


def _collisions(tree: UnionTree) -> _Tally:
    """Names of one folder that differ by case or Unicode form only, or that Windows cannot have."""
    tally = _Tally()
    for some in _in_groups(tree.folders()):
        # Over all names of some folders at once: few of them need a closer look.
        together = b"/".join(b"/".join(folder) for _, folder in some)
        if _plain(together) and together.lower() == together:
            continue
        for prefix, folder in some:
            names = b"/".join(folder)
            if not _plain(names) or _collide(names.lower().split(b"/")):
                _look_closer(prefix, folder, tally)
    for prefix, folder in tree.folders():
        if len(folder) > _MANY and not _nothing_odd(folder):
            _look_closer(prefix, folder, tally)
    return tally


def _in_groups(
    folders: Iterable[tuple[bytes, Folder]],
) -> Iterator[list[tuple[bytes, Folder]]]:
    """All but very large folders, some at a time, whose names together are not very many."""
    group: list[tuple[bytes, Folder]] = []
    names = 0
    for one in folders:
        if len(one[1]) > _MANY:
            continue
        group.append(one)
        names += len(one[1])
        if len(group) == _TOGETHER or names > _MANY:
            yield group
            group, names = [], 0
    if group:
        yield group


def _plain(names: bytes) -> bool:
    """Whether nothing but case can be odd about these names, which have ``/`` between them."""
    return names.isascii() and not _windows_minds(names)


def _collide(keys: list[bytes]) -> bool:
    return len(set(keys)) < len(keys)


def _nothing_odd(folder: Folder) -> bool:
    """Whether all names of a large folder are plain and in small letters, some at a time."""
    names = iter(folder)
    while some := b"/".join(islice(names, _MANY)):
        if not _plain(some) or some.lower() != some:
            return False
    return True


def _look_closer(prefix: bytes, folder: Folder, tally: _Tally) -> None:
    """Look at each name of a folder.

    Keys to compare names by are not kept for all of them where there are very many: which could be
    alike at all is told by a sum of each first.
    """
    alike = _alike(folder) if len(folder) > _MANY else None
    folded: set[bytes] = set()
    for place, name in enumerate(folder):
        if _windows_minds(name):
            tally.add(prefix + name)
        if alike is None or alike[place]:
            key = _folded(name)
            if key in folded and not _windows_minds(name):
                tally.add(prefix + name)
            folded.add(key)


def _folded(name: bytes) -> bytes:
    """What two names have in common that a file system may take for one."""
    if name.isascii():
        return name.lower()
    text = name.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", text).casefold().encode("utf-8", "surrogateescape")


def _alike(folder: Folder) -> bytes:
    """A mask over the names of a folder: those that may be another's, all others are not."""
    room = 8 * len(folder)
    seen, again = bytearray(room), bytearray(room)
    places = array("q", (hash(_folded(name)) % room for name in folder))
    for place in places:
        again[place] |= seen[place]
        seen[place] = 1
    return bytes(map(again.__getitem__, places))


def _windows_minds(names: bytes) -> bool:
    """Whether Windows cannot have one of these names, which stand with ``/`` between them."""
    if any(byte in names for byte in _FORBIDDEN):
        return True
    if names.endswith((b" ", b".")) or b"./" in names or (b" " in names and b" /" in names):
        return True
    return _DEVICE_NAME.search(b"/" + names.lower() + b"/") is not None


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
