"""Ceilings on what an archive may ask of the machine that reads it.

Each is far above what real images need, and each can be raised: ``--limit NAME=N`` on the command
line, an argument to :func:`oci_inspect.analyze` in Python. docs/limits.md tells them to users.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from oci_inspect.errors import LimitExceededError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

SHARED_WINDOW = 8 * MIB
"""Bytes of zstd window up to which layers are read side by side; larger ones take turns."""

SHARED_XZ = 12 * MIB
"""The same for the memory of xz (``xz -6``, the default, asks for 9 MiB)."""

FREE_METADATA = 100
"""Bytes of names, link targets and extended attributes that each tar entry may have uncounted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Every ceiling, with its unit and whose habit the default is."""

    json_bytes: int = 4 * MIB
    """Bytes of one manifest, index, config or ``manifest.json`` (distribution spec: 4 MiB)."""
    json_depth: int = 64
    """Nesting of arrays and objects in one JSON document."""
    json_memory: int = 48 * MIB
    """Bytes of memory that all JSON documents of an archive may take together, about."""
    kept_bytes: int = 8 * MIB
    """Bytes of all documents up to 256 KiB together that a pass over a stream keeps in memory, and
    once more of larger documents and other small members."""
    members: int = 1_000_000
    """Members of the outer archive."""
    index_nodes: int = 1_000
    """Manifests and indexes reached from ``index.json``, each counted once."""
    index_depth: int = 8
    """Indexes inside indexes."""
    header_bytes: int = 1 * MIB
    """Bytes of one pax header or GNU long name (Go's archive/tar)."""
    headers_in_row: int = 4
    """Extension headers in front of one entry (``g``, ``x``, ``L`` and ``K`` once each)."""
    xattr_bytes: int = 1 * MIB
    """Bytes of the extended attributes of one entry, names included."""
    metadata_bytes: int = 24 * MIB
    """Bytes of names, link targets and extended attributes of all tar entries of an archive
    together, beyond the first ``FREE_METADATA`` of each entry: they are kept in memory."""
    sparse_regions: int = 65_536
    """Regions in the map of one sparse file."""
    path_bytes: int = 4_096
    """Bytes of one path (PATH_MAX of Linux)."""
    path_part_bytes: int = 255
    """Bytes of one part of a path (NAME_MAX of Linux)."""
    path_depth: int = 1_024
    """Parts of one path."""
    entries: int = 4_000_000
    """Tar entries of all layers of an image together."""
    implied_folders: int = 100_000
    """Folders of an image that no entry describes."""
    layers: int = 512
    """Layers of one image."""
    layer_bytes: int = 1 * TIB
    """Bytes of one layer's tar, uncompressed."""
    expansion_ratio: int = 200
    """Uncompressed to compressed bytes, judged after ``expansion_floor`` bytes of output."""
    expansion_floor: int = 1 * GIB
    """Output below this many bytes is never judged: zero-filled log files are real."""
    zstd_window: int = 128 * MIB
    """Bytes of the window that a zstd frame may ask for (the zstd command's own ceiling)."""
    xz_memory: int = 128 * MIB
    """Bytes of memory that an xz stream may ask for (``xz -9`` asks for 65 MiB)."""
    links: int = 40
    """Symbolic links followed in resolving one name (Linux)."""
    link_bytes: int = 128 * MIB
    """Bytes of the paths that symbolic links of an image stand for, where they are followed."""

    extracted_file_bytes: int = 0
    """Bytes of one extracted file's content, holes left out; 0: any, if the disk has room."""
    extracted_bytes: int = 0
    """Bytes of all extracted files' content together; 0: any, if the disk has room."""


DEFAULT_LIMITS = Limits()


class Allowance:
    """What all tar entries of an archive may spend of ``metadata_bytes`` together.

    Threads may share it. What is made of one that is ``over`` must not depend on who came last.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, spent: int = 0) -> None:
        self._most = limits.metadata_bytes
        self._spent = spent
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """Bytes that were spent so far."""
        return self._spent

    @property
    def over(self) -> bool:
        """Whether more was spent than there is."""
        return self._spent > self._most

    def spend(self, amount: int) -> None:
        """Spend bytes; a negative amount gives back what will be spent once more."""
        with self._lock:
            self._spent += amount

    def exceeded(self, subject: str) -> LimitExceededError:
        """The error to raise when it is over; it tells the least that must have been asked for."""
        return LimitExceededError("metadata_bytes", self._most, self._most + 1, subject)
