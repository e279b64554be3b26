"""Scans kept in memory while several archives are looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tars import TarBuilder

from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.reuse import ScanMemory
from oci_inspect.stream.source import BytesSource

SCAN = scan_layer(BytesSource(TarBuilder().file("a", b"12345").build()))
OTHER = scan_layer(BytesSource(TarBuilder().file("b", b"1").build()))


class Beneath:
    """A keeper that writes down what it is asked."""

    def __init__(self, *scans: LayerScan) -> None:
        self.scans = {scan.digest: scan for scan in scans}
        self.asked: list[str] = []
        self.given: list[LayerScan] = []

    def get(self, digest: str, limits: Limits) -> LayerScan | None:
        self.asked.append(digest)
        return self.scans.get(digest)

    def holds(self, digest: str, limits: Limits) -> bool:
        return digest in self.scans

    def put(self, scan: LayerScan, limits: Limits) -> None:
        self.given.append(scan)


def emptied(scan: LayerScan) -> LayerScan:
    return replace(scan, table=EntryTable(), listed=False)


def test_what_was_put_is_there_and_nothing_else() -> None:
    memory = ScanMemory()
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is None
    assert not memory.holds(SCAN.digest, DEFAULT_LIMITS)
    memory.put(SCAN, DEFAULT_LIMITS)
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is SCAN
    assert memory.holds(SCAN.digest, DEFAULT_LIMITS)
    assert memory.get(OTHER.digest, DEFAULT_LIMITS) is None


def test_what_is_beneath_is_asked_for_once_and_given_all_that_comes() -> None:
    beneath = Beneath(SCAN)
    memory = ScanMemory(beneath)
    assert memory.holds(SCAN.digest, DEFAULT_LIMITS)
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is SCAN
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is SCAN
    assert beneath.asked == [SCAN.digest]
    memory.put(OTHER, DEFAULT_LIMITS)
    assert beneath.given == [OTHER]
    assert memory.get(OTHER.digest, DEFAULT_LIMITS) is OTHER
    assert beneath.asked == [SCAN.digest]


def test_a_slim_memory_keeps_what_is_left_and_passes_on_all() -> None:
    beneath = Beneath(OTHER)
    memory = ScanMemory(beneath, emptied)
    memory.put(SCAN, DEFAULT_LIMITS)
    assert beneath.given == [SCAN] and len(beneath.given[0].table) == 1
    for scan in (SCAN, OTHER):
        kept = memory.get(scan.digest, DEFAULT_LIMITS)
        assert kept == emptied(scan)


def test_the_first_of_two_scans_of_one_blob_is_kept() -> None:
    memory = ScanMemory()
    memory.put(SCAN, DEFAULT_LIMITS)
    memory.put(replace(SCAN), DEFAULT_LIMITS)
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is SCAN


@pytest.mark.parametrize("key", ["complete", "listed"])
def test_a_scan_that_was_cut_short_is_not_kept(key: str) -> None:
    memory = ScanMemory()
    memory.put(replace(SCAN, **{key: False}), DEFAULT_LIMITS)
    assert memory.get(SCAN.digest, DEFAULT_LIMITS) is None
    assert not memory.holds(SCAN.digest, DEFAULT_LIMITS)
