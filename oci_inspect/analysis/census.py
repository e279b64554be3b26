"""What the merged tree holds: totals, duplicates, and entries that an analyst wants to know of."""

from __future__ import annotations

import re
import unicodedata
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Sequence
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
    folders = tree.folders()
    while some := list(islice(folders, _TOGETHER)):
        # Over all names of some folders at once: few of them need a closer look.
        names = [b"/".join(folder) for _, folder in some]
        together = b"/".join(names)
        odd = not together.isascii() or _windows_minds(together)
        if not odd and together.lower() == together:
            continue
        for each, (prefix, folder) in zip(names, some, strict=True):
            if odd and (not each.isascii() or _windows_minds(each)):
                _look_closer(prefix, folder, tally)
                continue
            folded = each.lower()
            if folded != each:
                keys = folded.split(b"/")
                if len(set(keys)) < len(keys):
                    _look_closer(prefix, folder, tally)
    return tally


def _look_closer(prefix: bytes, folder: Folder, tally: _Tally) -> None:
    folded: set[bytes] = set()
    for name in folder:
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
