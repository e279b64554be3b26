"""What one layer takes up on the disk of an engine.

moby, ``pkg/directory.Size``, with which its overlay driver tells the size of a layer once it is
unpacked: the length of every inode that is no folder. That is the content of regular files (holes
of sparse ones included), each inode once, and the targets of symbolic links; whiteouts, devices and
FIFOs are nothing. What a layer names twice is there as it was named last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress

from oci_inspect.filesystem.masks import both, rows_of, selector
from oci_inspect.filesystem.merge import merge
from oci_inspect.findings import Finding, FindingCollector
from oci_inspect.layer.entries import FILE, SYMLINK, EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Limits

_FILE = selector((FILE,))
_SYMLINK = selector((SYMLINK,))


@dataclass(frozen=True, slots=True)
class DiskSize:
    """Bytes on disk; at least so many where ``complete`` is False.

    ``findings`` are the limits that were met by the way.
    """

    bytes: int
    complete: bool
    findings: tuple[Finding, ...] = ()


def disk_bytes(
    table: EntryTable, findings: FindingCollector, limits: Limits = DEFAULT_LIMITS
) -> int:
    """The bytes that a layer takes up when it is unpacked by itself.

    What is odd about it goes to ``findings``. A hard link to a file of a lower layer is nothing
    here: there is no such file.
    """
    (live,) = merge([table], findings, limits).tree.live
    files = both(table.types.translate(_FILE), live)
    links = both(table.types.translate(_SYMLINK), live)
    size = sum(compress(table.sizes, files))
    return size + sum(len(table.linknames.get(row, b"")) for row in rows_of(links))


class DiskSizes:
    """The bytes on disk of each scan that comes by, kept where its rows are not.

    ``slim`` is for a :class:`~oci_inspect.reuse.ScanMemory`: many archives are looked at with the
    rows of only one of them in memory. Threads may share it.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._known: dict[str, DiskSize] = {}

    def of(self, scan: LayerScan) -> DiskSize:
        """The size of a layer; its rows are looked at where it is not known by its digest."""
        known = self._known.get(scan.digest)
        if known is None:
            known = self._measure(scan)
            if scan.listed:
                self._known[scan.digest] = known
        return known

    def slim(self, scan: LayerScan) -> LayerScan:
        """The scan without its rows, which are counted first; it says that they are missing."""
        self.of(scan)
        return replace(scan, table=EntryTable(), listed=False)

    def _measure(self, scan: LayerScan) -> DiskSize:
        findings = FindingCollector()
        size = disk_bytes(scan.table, findings, self._limits)
        limits = tuple(one for one in findings.result() if one.rule == "limit-exceeded")
        return DiskSize(size, scan.complete and scan.listed and not limits, limits)
