"""What entries bring that is kept in memory, and that may be much of it for little in a tar."""

from __future__ import annotations

from oci_inspect.layer.bounded import exceeded
from oci_inspect.layer.entries import EntryTable
from oci_inspect.limits import FREE_METADATA, Allowance

FREE_PATH = 256
"""Bytes of a path that each entry may have uncounted: as many as a plain header can hold."""

PER_XATTR = 200
"""Bytes of memory that an extended attribute takes beside its own."""

Xattrs = tuple[tuple[bytes, bytes], ...]


class MetadataCount:
    """Counts what of a layer's names, link targets and attributes is spent of an allowance.

    Of an entry that is its name, its folder's path where no entry before lies in that folder, its
    target, and its attributes where no other entry has the same; each may have ``FREE_METADATA``
    bytes. A path of more than ``FREE_PATH`` counts as a whole, if that is more: short names in
    a folder with a long path take little room until somebody writes them out. ``excess`` are the
    bytes beyond.
    """

    def __init__(self, table: EntryTable, allowance: Allowance) -> None:
        self.excess = 0
        self._table = table
        self._allowance = allowance
        self._xattrs: dict[Xattrs, Xattrs] = {}

    def add_rows(self, start: int, paths: list[bytes], new: dict[int, int]) -> None:
        """Count rows from ``start`` on with these paths; ``new`` are lengths of new folders."""
        names, targets = self._table.paths.names, self._table.linknames
        for row, path in enumerate(paths, start):
            if len(path) > FREE_METADATA or row in targets:
                kept = len(names[row]) + new.get(row, 0)
                self.add(kept + len(targets.get(row, b"")), len(path))

    def keep_xattrs(self, row: int, xattrs: Xattrs) -> int:
        """Keep the attributes of a row; returns the bytes that they take, equal ones once."""
        known = self._xattrs.get(xattrs)
        self._table.xattrs[row] = known or xattrs
        if known is not None:
            return 0
        self._xattrs[xattrs] = xattrs
        return sum(PER_XATTR + len(name) + len(value) for name, value in xattrs)

    def add(self, kept: int, path: int) -> None:
        """Count an entry of which so many bytes are kept, and whose path has so many."""
        beyond = max(kept - FREE_METADATA, path - FREE_PATH)
        if beyond > 0:
            self.excess += beyond
            self._allowance.spend(beyond)

    def check(self) -> None:
        """Raise :class:`LimitExceededError` where the allowance is over and we had a part in it."""
        if self.excess and self._allowance.over:
            raise exceeded(self._allowance)
