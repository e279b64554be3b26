"""Kept scans: a record is read as it was written, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from random import Random

from layer.agreement import fast

from fuzz.mutate import havoc
from fuzz.seed_tars import seed_tars
from fuzz.target import Target, check, same
from oci_inspect.layer.scan_cache import ScanCache
from oci_inspect.layer.scan_record import RecordError, decode, encode
from oci_inspect.limits import DEFAULT_LIMITS

HEAD = 20
START = HEAD + 32


def run(data: bytes) -> None:
    """A record; what is read from it can be kept again, and is then the same."""
    scan = decode(data, 200_000)
    for row in range(len(scan.table)):
        scan.table.row(row)
    again = encode(scan)
    twice = decode(again, 200_000)
    same(encode(twice), again, "a record written twice")
    same(twice.table, scan.table, "a table there and back")


class _Folder:
    """A cache of one scan, in memory where the system has such a folder."""

    cache: ScanCache | None = None
    entry: Path | None = None
    digest = ""
    home: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def made(cls) -> tuple[ScanCache, Path]:
        if cls.cache is None or cls.entry is None:
            where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            cls.home = tempfile.TemporaryDirectory(prefix="oci-inspect-fuzz.", dir=where)
            folder = Path(cls.home.name) / "cache"
            cls.cache = ScanCache(folder)
            scan = fast(seed_tars()[0]).scan
            cls.digest = scan.digest
            cls.cache.put(scan, DEFAULT_LIMITS)
            (cls.entry,) = folder.glob("*.scan")
        return cls.cache, cls.entry


def run_folder(data: bytes) -> None:
    """The same as a file in a cache: a scan of that very blob, or none, and then it is gone."""
    cache, entry = _Folder.made()
    entry.write_bytes(data)
    scan = cache.get(_Folder.digest, DEFAULT_LIMITS)
    check(scan is None or scan.digest == _Folder.digest, "the scan of another blob")
    check(scan is not None or not entry.exists(), "what is no record stays")


def mutate(data: bytes, chance: Random) -> bytes:
    """Change the body through its packing, and mend the sizes and the checksum."""
    if chance.random() < 0.1:
        return havoc(data, chance)
    head, packed = data[:HEAD].ljust(HEAD, b"\0"), data[START:]
    try:
        body = zlib.decompressobj().decompress(packed, 1 << 16)
    except zlib.error:
        return havoc(data, chance)
    body = havoc(body, chance, WORDS)
    packed = zlib.compress(body, 1)
    head = head[:12] + len(body).to_bytes(8, "little")
    checksum = hashlib.sha256(head + packed).digest()
    return head + checksum + packed


def seeds() -> Iterable[bytes]:
    """The scans of small tars."""
    for tar in seed_tars():
        yield encode(fast(tar).scan)


WORDS = (
    *(
        (2**63 - 1).to_bytes(8, "little"),
        b"\xff" * 8,
        bytes(8),
        (1).to_bytes(8, "little"),
        b"sha256\0",
    ),
    *((2**40).to_bytes(8, "little"), b"\0", b"\0\0", b"tar-truncated\0"),
)
TARGETS = (
    Target("cache_records", run, seeds, mutate, WORDS, (RecordError,), most=4096),
    Target("cache_folder", run_folder, seeds, mutate, WORDS, most=4096),
)
