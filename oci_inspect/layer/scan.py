"""One blob to one :class:`LayerScan`: a pure function of the blob's bytes.

The scan owns reading, hashing, decompressing and header walking together, and drains the blob to
its end whatever happens on the way: a digest is of all bytes or it is nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.findings import Finding, finding
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.compression import MAGIC_BYTES, decompress, detect
from oci_inspect.stream.source import (
    CHUNK,
    BoundedSource,
    PrefixedSource,
    Source,
    drain,
    read_exactly,
)

_TURNS = threading.Lock()
# Headers are walked under the interpreter's lock in any case. Threads that take turns at it hand
# that lock over once a chunk, and not at each checksum of a file that lets go of it.

_AHEAD = threading.BoundedSemaphore(8)
# Pieces that all threads together may hash on while others have their turn at the headers.


@dataclass(frozen=True, slots=True)
class LayerScan:
    """All that one blob says of itself.

    ``digests`` are of the blob as stored, ``diff_ids`` of the tar, by algorithm
    (``{"sha256": "sha256:..."}``); ``size`` and ``uncompressed_size`` are their bytes.
    ``diff_ids`` is empty and ``uncompressed_size`` counts what could be read where ``complete`` is
    False: the stream was damaged or met a limit. ``table`` has a row for each tar entry, whiteouts
    among them; ``listed`` is False where some may be missing. ``findings`` have an entry's path as
    subject, or nothing.
    """

    digests: dict[str, str]
    size: int
    diff_ids: dict[str, str]
    uncompressed_size: int
    compression: str
    table: EntryTable
    findings: tuple[Finding, ...]
    complete: bool
    listed: bool = True

    @property
    def digest(self) -> str:
        """The blob's sha256 digest."""
        return self.digests["sha256"]

    @property
    def diff_id(self) -> str | None:
        """The tar's sha256 digest, None where it was not read to its end."""
        return self.diff_ids.get("sha256")


class _Hasher:
    """Several digests at once of bytes in pieces."""

    def __init__(self, algorithms: Sequence[str]) -> None:
        self._hashes = {name: hashlib.new(name) for name in algorithms}
        self.size = 0

    def update(self, data: bytes) -> None:
        self.size += len(data)
        for one in self._hashes.values():
            one.update(data)

    def digests(self) -> dict[str, str]:
        return {name: f"{name}:{one.hexdigest()}" for name, one in self._hashes.items()}


class _HashedSource:
    """Passes bytes on, as many as asked for, and hashes them by the way.

    A pipe gives what it has. What is made of a damaged layer, or of one at the edge of a limit,
    must not depend on it.
    """

    def __init__(self, source: Source, hasher: _Hasher) -> None:
        self._source = source
        self._hasher = hasher

    def read(self, size: int, /) -> bytes:
        data = read_exactly(self._source, size)
        self._hasher.update(data)
        return data


class _Listing:
    """Feeds the scanner when it is this thread's turn, and hashing may go on meanwhile.

    A limit of the listing (entries, path lengths) ends it: the digests can still be told.
    """

    def __init__(self, scanner: TarScanner) -> None:
        self._scanner = scanner
        self._pending: list[bytes] = []
        self._ahead = 0
        self.ended: list[Finding] = []

    def take(self, data: bytes) -> None:
        """Go on by ``data``, now or later."""
        if self.ended:
            return
        self._pending.append(data)
        if not _TURNS.acquire(blocking=False):
            if _AHEAD.acquire(blocking=False):
                self._ahead += 1
                return
            _TURNS.acquire()
        try:
            self._feed()
        finally:
            _TURNS.release()

    def finish(self) -> None:
        """Feed what is left."""
        with _TURNS:
            self._feed()

    def _feed(self) -> None:
        pending, self._pending = self._pending, []
        while self._ahead:
            _AHEAD.release()
            self._ahead -= 1
        try:
            for data in pending:
                self._scanner.feed(data)
        except LimitExceededError as error:
            self.ended.append(finding("limit-exceeded", "", str(error)))


def scan_layer(
    source: Source,
    limits: Limits = DEFAULT_LIMITS,
    algorithms: Sequence[str] = ("sha256",),
) -> LayerScan:
    """Read a layer blob once, to its end, and return its scan.

    ``algorithms`` are the digests to compute (``sha256`` must be among them). Damage and limits end
    up in ``findings``; only errors of the source itself (``OSError``) are raised.
    """
    blob = _Hasher(algorithms)
    raw = _HashedSource(source, blob)
    head = read_exactly(raw, MAGIC_BYTES)
    compression = detect(head)
    scanner = TarScanner(limits)
    if compression == "none":
        found, read = _read_tar(PrefixedSource(head, raw), None, scanner, limits)
        tar = blob
    else:
        tar = _Hasher(algorithms)
        plain = decompress(compression, PrefixedSource(head, raw), limits)
        bounded = BoundedSource(plain, blob, limits, "the layer")
        found, read = _read_tar(bounded, tar, scanner, limits)
    drain(raw)
    whole = read and not found
    if whole:
        scanner.close()
    else:
        scanner.cut()
    problems = scanner.findings
    problems.extend(found)
    return LayerScan(
        digests=blob.digests(),
        size=blob.size,
        diff_ids=tar.digests() if read else {},
        uncompressed_size=tar.size,
        compression=compression,
        table=scanner.table,
        findings=problems.result(),
        complete=whole,
        listed=scanner.listed,
    )


def hash_blob(source: Source, algorithm: str) -> str:
    """The digest of a blob that is no layer, read to its end."""
    hasher = _Hasher((algorithm,))
    while data := source.read(CHUNK):
        hasher.update(data)
    return hasher.digests()[algorithm]


def _read_tar(
    source: Source, tar: _Hasher | None, scanner: TarScanner, limits: Limits
) -> tuple[list[Finding], bool]:
    """Read the tar to its end; return what broke on the way, and whether the end was reached.

    ``tar`` is None where the blob is the tar and its bytes are hashed as they are read. A limit on
    the bytes themselves ends the reading as well as the listing.
    """
    listing = _Listing(scanner)
    broken: list[Finding] = []
    size = 0
    try:
        while data := source.read(CHUNK):
            size += len(data)
            if tar is not None:
                tar.update(data)
            if size > limits.layer_bytes:
                raise LimitExceededError("layer_bytes", limits.layer_bytes, size, "the layer")
            listing.take(data)
    except CorruptStreamError as error:
        broken.append(finding("layer-corrupt", "", str(error)))
    except LimitExceededError as error:
        broken.append(finding("limit-exceeded", "", str(error)))
    listing.finish()
    return [*listing.ended, *broken], not broken
