"""What a merged tree holds, counted plainly: one path after the other, every rule on each."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from oci_inspect import UnionTree
from oci_inspect.layer.entries import BLOCK_DEVICE, CHAR, FILE, SYMLINK

DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{name}{i}" for name in ("com", "lpt") for i in "123456789"
}


@dataclass
class NaiveCensus:
    """Numbers, and for each counted rule the paths that it is about."""

    files: int = 0
    duplicate_bytes: int = 0
    odd: dict[str, list[bytes]] = field(default_factory=dict)


def count(tree: UnionTree) -> NaiveCensus:
    """Walk the tree once."""
    census = NaiveCensus()
    contents: list[tuple[int, int]] = []
    inodes: set[int] = set()
    names: dict[bytes, list[str]] = {}
    for path, node, _ in tree.walk():
        folder, _, name = path.rpartition(b"/")
        if _collides(name, names.setdefault(folder, [])):
            census.odd.setdefault("path-collision", []).append(path)
        entry = tree.entry(node)
        if entry is None:
            continue
        if entry.type == FILE:
            census.files += 1
            if entry.mode & 0o6000:
                census.odd.setdefault("setuid", []).append(path)
            if isinstance(node, int) and node not in inodes:
                inodes.add(node)
                content = (entry.size, entry.fingerprint)
                census.duplicate_bytes += entry.size if content in contents else 0
                contents.append(content)
        if entry.type in (CHAR, BLOCK_DEVICE):
            census.odd.setdefault("device-node", []).append(path)
        sticky = not isinstance(node, int) and entry.mode & 0o1000
        if entry.mode & 0o002 and entry.type != SYMLINK and not sticky:
            census.odd.setdefault("world-writable", []).append(path)
    return census


def _collides(name: bytes, before: list[str]) -> bool:
    """Whether a name is like one before it, or none that Windows can have; it joins them."""
    text = name.decode("utf-8", "surrogateescape")
    folded = unicodedata.normalize("NFC", text).casefold()
    found = (
        folded in before
        or any(char in '<>:"|?*\\' for char in text)
        or text[-1] in " ."
        or text.split(".")[0].lower() in DEVICES
    )
    before.append(folded)
    return found
