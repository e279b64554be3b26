"""Both scanners on the same bytes, in reads of several sizes, with one answer or an error."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from support.reference_scanner import scan_reference

from oci_inspect.layer.entries import Entry
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, Limits

STEPS = (1 << 20, 513, 4099)
"""Bytes a read: all at once, and in pieces that fall on no block."""


class Pieces:
    """A source that never gives more than ``step`` bytes, as a pipe may."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = data
        self._step = step
        self._position = 0

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._position : self._position + min(size, self._step)]
        self._position += len(piece)
        return piece


class Seen:
    """A scan, with the questions that tests ask of it."""

    def __init__(self, scan: LayerScan) -> None:
        self.scan = scan
        self.rows: list[Entry] = [scan.table.row(i) for i in range(len(scan.table))]
        self.found = {(one.rule, one.subject) for one in scan.findings}
        self.rules = {one.rule for one in scan.findings}

    @property
    def paths(self) -> list[bytes]:
        return [row.path for row in self.rows]

    @property
    def kinds(self) -> str:
        """A letter an entry: f, d, l, h, c, b, p."""
        return "".join(chr(row.type) for row in self.rows)

    @property
    def only(self) -> Entry:
        (row,) = self.rows
        return row

    def subjects(self, rule: str) -> list[str]:
        return [one.subject for one in self.scan.findings if one.rule == rule]

    def answer(self, *, subjects: bool = True) -> dict[str, Any]:
        """What does not depend on who scans, nor on the sizes of the reads.

        Of the findings the rules alone, where ``subjects`` is not asked for.
        """
        scan = self.scan
        same = {
            "digests": scan.digests,
            "size": scan.size,
            "diff_ids": scan.diff_ids,
            "compression": scan.compression,
            "complete": scan.complete,
        }
        if not scan.diff_ids:  # how far it came is the scanner's own affair
            return same | {"rules": self.rules & {"layer-corrupt", "limit-exceeded"}}
        same |= {"rows": self.rows, "uncompressed_size": scan.uncompressed_size}
        if subjects and len(scan.findings) < 20:  # only one scanner lists 20 of a rule, then counts
            return same | {"findings": self.found}
        return same | {"rules": self.rules}


def fast(data: bytes, limits: Limits = DEFAULT_LIMITS, step: int = 1 << 20) -> Seen:
    """The fast scan, fed ``step`` bytes at a time (a pipe's own pieces are put together first)."""
    with patch("oci_inspect.layer.scan.CHUNK", step):
        return Seen(scan_layer(Pieces(data, step), limits))


def slow(data: bytes, limits: Limits = DEFAULT_LIMITS, step: int = 1 << 20) -> Seen:
    return Seen(scan_reference(Pieces(data, step), limits))


def agreed(
    data: bytes,
    limits: Limits = DEFAULT_LIMITS,
    steps: tuple[int, ...] = STEPS,
    *,
    subjects: bool = True,
) -> Seen:
    """The scan of ``data``, the same from both scanners and for each size of the reads."""
    expected = slow(data, limits)
    for step in steps:
        seen = fast(data, limits, step).answer(subjects=subjects)
        assert seen == expected.answer(subjects=subjects), f"reads of {step}"
    return expected
