"""Layers: the fast scanner against the slow one, in reads of any size, and against the listing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from random import Random

import zstandard
from layer.agreement import Seen, fast, slow

from fuzz.mutate import havoc
from fuzz.mutate_tar import mutate_tar
from fuzz.seed_tars import seed_layers, seed_tars
from fuzz.target import Target, same
from oci_inspect.layer.listing import list_layer
from oci_inspect.limits import Limits
from oci_inspect.stream.compression import detect
from oci_inspect.stream.source import BytesSource

LIMITS = Limits(sparse_regions=100, entries=60, layer_bytes=1 << 22, headers_in_row=4)


def run(data: bytes) -> None:
    """The first byte says how much is read at a time."""
    step = (1 << 20, 513, 4099, 512, 700)[data[0] % 5] if data else 1
    blob = data[1:]
    if detect(blob[:512]) in ("xz", "bzip2"):
        return  # the slow scanner knows layers as engines write them
    ours, theirs = fast(blob, LIMITS, step), slow(blob, LIMITS)
    _compare(ours, theirs)
    if ours.scan.compression == "none" and len(blob) <= LIMITS.layer_bytes:
        _compare_listing(blob, ours)


def _compare(ours: Seen, theirs: Seen) -> None:
    if "limit-exceeded" in ours.rules and not ours.scan.diff_ids:
        return  # how much a damaged stream would have given is told by nobody
    few = "tar-header-invalid" not in ours.rules and "tar-ambiguous" not in ours.rules
    answers = ours.answer(subjects=few), theirs.answer(subjects=few)
    if answers[0] == answers[1]:
        return
    for key in answers[0].keys() | answers[1].keys():
        one, other = answers[0].get(key), answers[1].get(key)
        if one != other and key == "rows":
            same(len(ours.rows), len(theirs.rows), "rows")
            for row, twin in zip(ours.rows, theirs.rows, strict=True):
                same(row, twin, "row")
        same(one, other, key)


def _compare_listing(blob: bytes, scanned: Seen) -> None:
    """What is listed without a look at contents is what the scan lists, but for fingerprints."""
    listing = list_layer(BytesSource(blob), len(blob), LIMITS)
    rows = [listing.table.row(i)._replace(fingerprint=0) for i in range(len(listing.table))]
    expected = [row._replace(fingerprint=0) for row in scanned.rows]
    if not scanned.scan.complete:
        return
    same(rows, expected, "listed rows")
    same(listing.listed, scanned.scan.listed, "whether all is listed")
    same({one.rule for one in listing.findings}, scanned.rules, "rules of the listing")


def mutate(data: bytes, chance: Random) -> bytes:
    """Change the tar in it, through its compression."""
    first, blob = data[:1] or b"\0", data[1:]
    kind = "none"
    try:
        if blob.startswith(b"\x1f\x8b"):
            kind, blob = "gzip", zlib.decompressobj(31).decompress(blob, 1 << 16)
        elif blob.startswith(b"\x28\xb5\x2f\xfd"):
            reader = zstandard.ZstdDecompressor(max_window_size=1 << 23)
            kind, blob = "zstd", reader.decompressobj().decompress(blob)[: 1 << 16]
    except (zlib.error, zstandard.ZstdError):
        return first + havoc(blob, chance)
    blob = mutate_tar(blob, chance)
    if chance.random() < 0.1:
        kind = chance.choice(("none", "gzip", "zstd"))
    if kind == "gzip":
        blob = gzip.compress(blob, 1, mtime=0)
    elif kind == "zstd":
        blob = zstandard.ZstdCompressor(level=1).compress(blob)
    if kind != "none" and chance.random() < 0.2:
        blob = havoc(blob, chance)
    return (bytes([chance.randrange(5)]) if chance.random() < 0.3 else first) + blob


def seeds() -> Iterable[bytes]:
    """Small tars, plain and compressed."""
    for number, tar in enumerate([*seed_tars(), *seed_layers()]):
        yield bytes([number % 5]) + tar
        if number < 3:
            yield b"\0" + gzip.compress(tar[:700], 6, mtime=0) + gzip.compress(tar[700:], mtime=0)
            yield b"\1" + zstandard.ZstdCompressor(write_checksum=True).compress(tar)


TARGETS = (Target("layer_scan", run, seeds, mutate, most=16384, refuses=False),)
