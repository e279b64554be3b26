"""One blob to one :class:`LayerScan`: a pure function of the blob's bytes.

The scan owns reading, hashing, decompressing and header walking together, and drains the blob to
its end whatever happens on the way: a digest is of all bytes or it is nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.findings import Finding, finding
from oci_inspect.lanes import DEPTH, NOBODY, Helpers, Lane
from oci_inspect.layer.bounded import bounded
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.limits import DEFAULT_LIMITS, MIB, Allowance, Limits
from oci_inspect.stream.compression import MAGIC_BYTES, decompress, detect
from oci_inspect.stream.source import (
    CHUNK,
    BoundedSource,
    PrefixedSource,
    Source,
    drain,
    read_exactly,
)

HASHED_TOGETHER = 2
"""Pieces to hash that must wait before another thread is asked. (For headers one is enough: they
hold the interpreter's lock, and short turns keep nobody waiting for it.)"""

PLAIN = 4
"""How much larger the pieces of an uncompressed layer are, where few are read at a time."""

bytes(16 * MIB)
# Never touched, freed at once: from then on glibc keeps freed memory up to twice that much instead
# of giving it back to the system and fetching it again for each piece, a tenth of the time.


@dataclass(frozen=True, slots=True)
class LayerScan:
    """All that one blob says of itself.

    ``digests`` are of the blob as stored, ``diff_ids`` of the tar, by algorithm
    (``{"sha256": "sha256:..."}``); ``size`` and ``uncompressed_size`` are their bytes.
    ``diff_ids`` is empty and ``uncompressed_size`` counts what could be read where ``complete`` is
    False: the stream was damaged or met a limit. ``table`` has a row for each tar entry, whiteouts
    among them; ``listed`` is False where some may be missing. ``findings`` have an entry's path as
    subject, or nothing. ``excess`` are the bytes of its metadata that count (``metadata_bytes``).
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
    excess: int = 0

    def unlisted(self, reason: Finding) -> LayerScan:
        """The same blob without its rows, and why; of what they told nothing is left."""
        broken = [one for one in self.findings if one.rule == "layer-corrupt"]
        told = (*broken, reason)
        return replace(self, table=EntryTable(), findings=told, complete=False, listed=False)

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

    def update(self, data: bytes) -> None:
        for one in self._hashes.values():
            one.update(data)

    def digests(self) -> dict[str, str]:
        return {name: f"{name}:{one.hexdigest()}" for name, one in self._hashes.items()}


class _HashedSource:
    """Passes bytes on, as many as asked for, and has them hashed by the way.

    A pipe gives what it has. What is made of a damaged layer, or of one at the edge of a limit,
    must not depend on it.
    """

    def __init__(self, source: Source, lane: Lane) -> None:
        self._source = source
        self._lane = lane
        self.size = 0

    def read(self, size: int, /) -> bytes:
        data = read_exactly(self._source, size)
        if data:
            self.size += len(data)
            self._lane.put(data)
        return data


class _Listing:
    """Feeds the scanner. A limit of the listing (entries, path lengths) ends it, but not the
    reading: the digests can still be told.
    """

    def __init__(self, scanner: TarScanner) -> None:
        self._scanner = scanner
        self.ended: list[Finding] = []

    def take(self, data: bytes) -> None:
        if self.ended:
            return
        try:
            self._scanner.feed(data)
        except LimitExceededError as error:
            self.ended.append(finding("limit-exceeded", "", str(error)))


def scan_layer(
    source: Source,
    limits: Limits = DEFAULT_LIMITS,
    algorithms: Sequence[str] = ("sha256",),
    helpers: Helpers = NOBODY,
    allowance: Allowance | None = None,
) -> LayerScan:
    """Read a layer blob once, to its end, and return its scan.

    ``algorithms`` are the digests to compute (``sha256`` must be among them). Hashing and walking
    headers is shared with ``helpers``. What its entries may take in memory beyond the usual comes
    from the ``allowance``, of which others may spend as well; without one it has its own. Damage
    and limits end up in ``findings``; only errors of the source itself (``OSError``) are raised.
    """
    shared = allowance or Allowance(limits)
    return _Reading(source, limits, algorithms, helpers, shared).run()


class _Reading:
    """One blob on its way: what reads it, and the lanes that its pieces go through."""

    def __init__(
        self,
        source: Source,
        limits: Limits,
        algorithms: Sequence[str],
        helpers: Helpers,
        allowance: Allowance,
    ) -> None:
        self._limits = limits
        self._lanes: list[Lane] = []
        self._helpers = helpers
        self._allowance = allowance
        self._scanner = TarScanner(limits, allowance)
        self._listing = _Listing(self._scanner)
        # Headers are walked under the interpreter's lock in any case. Threads that take turns at it
        # hand that lock over once a piece, and not at each checksum of a file that lets go of it.
        turns = threading.Lock() if helpers is NOBODY else helpers.turns
        self._headers = self._lane(self._listing.take, turns)
        self._blob = _Hasher(algorithms)
        self._raw = _HashedSource(source, self._lane(self._blob.update))
        self._tar = _Hasher(algorithms)
        self._size = 0

    def _lane(self, take: Callable[[bytes], None], turns: threading.Lock | None = None) -> Lane:
        together = HASHED_TOGETHER if turns is None else 1
        lane = Lane(take, self._helpers, self._lanes, turns, together)
        self._lanes.append(lane)
        return lane

    def run(self) -> LayerScan:
        limits, raw, scanner = self._limits, self._raw, self._scanner
        head = read_exactly(raw, MAGIC_BYTES)
        compression = detect(head)
        source: Source = PrefixedSource(head, raw)
        if compression == "none":
            broken = self._read(source, None)
        else:
            plain = decompress(compression, source, limits)
            tar = self._lane(self._tar.update)
            broken = self._read(BoundedSource(plain, raw, limits, "the layer"), tar)
        drain(raw)
        for lane in self._lanes:
            lane.finish()
        found = [*self._listing.ended, *broken]
        if found:
            scanner.cut()
        else:
            scanner.close()
        problems = scanner.findings
        problems.extend(found)
        tar_hash = self._blob if compression == "none" else self._tar
        scan = LayerScan(
            digests=self._blob.digests(),
            size=raw.size,
            diff_ids={} if broken else tar_hash.digests(),
            uncompressed_size=raw.size if compression == "none" else self._size,
            compression=compression,
            table=scanner.table,
            findings=problems.result(),
            complete=not found,
            listed=scanner.listed,
            excess=scanner.excess,
        )
        return bounded(scan, self._allowance)

    def _read(self, source: Source, tar: Lane | None) -> list[Finding]:
        """Read the tar to its end; return what broke on the way.

        ``tar`` is None where the blob is the tar and its bytes are hashed as they are read. A limit
        on the bytes themselves ends the reading as well as the listing.
        """
        limits = self._limits
        # What needs no decompression comes in larger pieces: there are fewer hand-overs of the
        # interpreter's lock to hide behind the hash.
        piece = CHUNK if tar is not None or self._helpers.depth < DEPTH else PLAIN * CHUNK
        try:
            while data := source.read(piece):
                self._size += len(data)
                if tar is not None:
                    tar.put(data)
                if self._size > limits.layer_bytes:
                    raise LimitExceededError(
                        "layer_bytes", limits.layer_bytes, self._size, "the layer"
                    )
                self._headers.put(data)
        except CorruptStreamError as error:
            return [finding("layer-corrupt", "", str(error))]
        except LimitExceededError as error:
            return [finding("limit-exceeded", "", str(error))]
        return []


def hash_blob(source: Source, algorithm: str) -> str:
    """The digest of a blob that is no layer, read to its end."""
    return blob_digests(source, (algorithm,))[algorithm]


def blob_digests(source: Source, algorithms: Sequence[str]) -> dict[str, str]:
    """The digests of a blob by algorithm, from all its bytes; nothing else is made of them."""
    hasher = _Hasher(algorithms)
    while data := source.read(CHUNK):
        hasher.update(data)
    return hasher.digests()
