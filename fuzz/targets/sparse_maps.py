"""Sparse files: whatever the map says, a file has its size and reading it ends."""

from __future__ import annotations

from collections.abc import Iterable

from support.scans import table_of

from fuzz.mutate_tar import mutate_tar
from fuzz.seed_tars import OLD_SPARSE, SPARSE_0_0, SPARSE_0_1, SPARSE_1_0
from fuzz.target import Target, check, same
from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.layer.content import LayerFiles
from oci_inspect.layer.entries import FILE
from oci_inspect.limits import Limits
from oci_inspect.stream.source import BytesSource

LIMITS = Limits(sparse_regions=60)
MOST = 1 << 18


def run(data: bytes) -> None:
    """Open every file of a layer, as far as the layer is there."""
    files = LayerFiles(table_of(data), lambda: BytesSource(data), LIMITS)
    for row, kind in enumerate(files.table.types):
        if kind != FILE:
            continue
        try:
            content = files.open(row)
        except (CorruptStreamError, LimitExceededError):
            check(
                row in files.table.stored_sizes or len(data) % 512 > 0 or _cut(files, row, data), ""
            )
            continue
        at = 0
        for start, length in content.regions:
            check(start >= at and length > 0, f"regions {content.regions}")
            at = start + length
        check(at <= content.size, f"a region behind the end of {content.size}")
        if content.size <= MOST:
            _read(files, row, data)


def _cut(files: LayerFiles, row: int, data: bytes) -> bool:
    return files.table.offsets[row] + files.table.stored(row) > len(data)


def _read(files: LayerFiles, row: int, data: bytes) -> None:
    """All of it, the holes as zeros, held against the runs of data."""
    content = files.open(row)
    regions = content.regions
    out = bytearray()
    try:
        while piece := content.read(4096):
            out += piece
    except CorruptStreamError:
        check(_cut(files, row, data) or row in files.table.stored_sizes, "a whole file is cut")
        return
    same(len(out), content.size, "bytes of the file")
    stored = b"".join(bytes(out[start : start + length]) for start, length in regions)
    end = files.table.offsets[row] + files.table.stored(row)
    same(stored, data[end - len(stored) : end], "what is stored of it")
    blanked = bytearray(len(out))
    for start, length in regions:
        blanked[start : start + length] = out[start : start + length]
    same(bytes(blanked), bytes(out), "the holes")


def seeds() -> Iterable[bytes]:
    """Each way of writing a map."""
    for one in (OLD_SPARSE, SPARSE_0_0, SPARSE_0_1, SPARSE_1_0):
        yield one + bytes(1024)
    yield SPARSE_1_0 + OLD_SPARSE + SPARSE_0_0 + bytes(1024)


TARGETS = (Target("sparse_maps", run, seeds, mutate_tar, most=8192),)
