"""The rows of a layer without a look at its contents: for those who only want to see what is there.

Nothing is hashed and nothing verified. Where a layer is not compressed, contents are passed over
without being read.
"""

from __future__ import annotations

from dataclasses import dataclass

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import Finding, finding
from oci_inspect.layer.bounded import bounded
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.plain_headers import probable_size
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.limits import DEFAULT_LIMITS, KIB, Allowance, Limits
from oci_inspect.stream.source import CHUNK, SkippingSource
from oci_inspect.stream.tar import BLOCK

_SMALLEST = 4 * KIB
_WORTH = 64 * KIB
_FAR = 12 * KIB
"""Bytes from one header to the next, on average, from which on headers are read one by one."""
_FEW, _MANY = 16, 4096


@dataclass(frozen=True, slots=True)
class LayerListing:
    """The rows of a tar, in its order; ``listed`` is False where some may be missing.

    ``excess`` are the bytes of their metadata that count (``metadata_bytes``).
    """

    table: EntryTable
    findings: tuple[Finding, ...]
    listed: bool
    excess: int = 0

    def unlisted(self, reason: Finding) -> LayerListing:
        """The same layer without its rows, and why."""
        return LayerListing(EntryTable(), (reason,), False, self.excess)


def list_layer(
    source: SkippingSource,
    size: int,
    limits: Limits = DEFAULT_LIMITS,
    allowance: Allowance | None = None,
) -> LayerListing:
    """List an uncompressed layer of ``size`` bytes. Raises ``OSError`` of the source alone.

    The ``allowance`` is that of :func:`~oci_inspect.layer.scan.scan_layer`.
    """
    return _Listing(source, size, limits, allowance or Allowance(limits)).run()


class _Listing:
    """A layer on its way.

    It is read in pieces: small ones as long as the contents between two headers are large, and
    larger ones where headers follow each other. In between, runs of plain headers are read one by
    one, going from each to the next.
    """

    def __init__(
        self, source: SkippingSource, size: int, limits: Limits, allowance: Allowance
    ) -> None:
        self._source = source
        self._size = size
        self._limits = limits
        self._allowance = allowance
        self._left = min(size, limits.layer_bytes)
        self._scanner = TarScanner(limits, allowance, contents=False)
        self._piece = _WORTH
        self._run = _FEW
        self._cut = False

    def run(self) -> LayerListing:
        scanner, limits = self._scanner, self._limits
        met: list[Finding] = []
        if self._size > self._left:
            error = LimitExceededError("layer_bytes", limits.layer_bytes, self._size, "the layer")
            met.append(finding("limit-exceeded", "", str(error)))
        try:
            while self._left and not self._cut:
                self._read_piece()
        except LimitExceededError as error:
            met.append(finding("limit-exceeded", "", str(error)))
        if self._cut:
            met.append(finding("tar-truncated", "", "the archive ends before this layer does"))
        if met:
            scanner.cut()
        else:
            scanner.close()
        scanner.findings.extend(met)
        findings, listed = scanner.findings.result(), scanner.listed and not met
        listing = LayerListing(scanner.table, findings, listed, scanner.excess)
        return bounded(listing, self._allowance)

    def _read_piece(self) -> None:
        """Go on by a piece, and by what needs not be read behind it."""
        scanner = self._scanner
        rows, before = len(scanner.table), self._left
        data = self._source.read(min(self._piece, self._left))
        self._left -= len(data)
        self._cut |= not data
        scanner.feed(data)
        far = self._left and scanner.ahead >= _WORTH
        rows = len(scanner.table) - rows
        if far or before - self._left >= _FAR * rows > 0:
            self._skip(scanner.skip(self._left))
            while not self._cut and self._go_from_header_to_header():
                pass
        self._piece = max(_SMALLEST, self._piece // 2) if far else min(CHUNK, 2 * self._piece)

    def _go_from_header_to_header(self) -> bool:
        """Take some headers by themselves; False where that does not go on: pieces tell why."""
        peek, left = self._source.peek, self._left
        blocks: list[bytes] = []
        starts: list[int] = []
        sizes: list[int] = []
        position = 0
        for _ in range(self._run):
            block = peek(position, BLOCK)
            size = probable_size(block) if len(block) == BLOCK else None
            if size is None or (end := position + (size + 2 * BLOCK - 1 & -BLOCK)) > left:
                break
            blocks.append(block)
            starts.append(position)
            sizes.append(size)
            position = end
        if not blocks or not self._scanner.take_blocks(blocks, starts, sizes, position):
            self._run = _FEW
            return False
        self._skip(position)
        whole, self._run = len(blocks) == self._run, min(_MANY, 2 * self._run)
        return whole and position >= _FAR * len(blocks)

    def _skip(self, size: int) -> None:
        self._cut |= size > 0 and not self._source.peek(size - 1, 1)
        self._source.skip(size)
        self._left -= size
