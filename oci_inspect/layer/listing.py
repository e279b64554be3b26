"""The rows of a layer without a look at its contents: for those who only want to see what is there.

Nothing is hashed and nothing verified. Where a layer is not compressed, contents are passed over
without being read.
"""

from __future__ import annotations

from dataclasses import dataclass

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import Finding, finding
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.tar_scanner import TarScanner
from oci_inspect.limits import DEFAULT_LIMITS, KIB, Limits
from oci_inspect.stream.source import CHUNK, SkippingSource

_SMALLEST = 4 * KIB
_WORTH = 64 * KIB


@dataclass(frozen=True, slots=True)
class LayerListing:
    """The rows of a tar, in its order; ``listed`` is False where some may be missing."""

    table: EntryTable
    findings: tuple[Finding, ...]
    listed: bool


def list_layer(source: SkippingSource, size: int, limits: Limits = DEFAULT_LIMITS) -> LayerListing:
    """List an uncompressed layer of ``size`` bytes.

    Pieces are small as long as the contents between two headers are large, and grow where headers
    follow each other. Raises ``OSError`` of the source alone.
    """
    scanner = TarScanner(limits, contents=False)
    left = min(size, limits.layer_bytes)
    piece = _WORTH
    met: list[Finding] = []
    if size > left:
        error = LimitExceededError("layer_bytes", limits.layer_bytes, size, "the layer")
        met.append(finding("limit-exceeded", "", str(error)))
    try:
        while left and (data := source.read(min(piece, left))):
            left -= len(data)
            scanner.feed(data)
            if scanner.ahead >= _WORTH:
                skipped = scanner.skip(left)
                source.skip(skipped)
                left -= skipped
                piece = max(_SMALLEST, piece // 2)
            else:
                piece = min(CHUNK, 2 * piece)
    except LimitExceededError as error:
        met.append(finding("limit-exceeded", "", str(error)))
    if met:
        scanner.cut()
    else:
        scanner.close()
    scanner.findings.extend(met)
    return LayerListing(scanner.table, scanner.findings.result(), scanner.listed and not met)
