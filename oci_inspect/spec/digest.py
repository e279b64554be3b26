"""Digests: ``algorithm ":" encoded`` (image-spec, descriptor.md, Digests)."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that this program computes, with the length of their hex form."""

_GRAMMAR = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_HEX = re.compile(r"[a-f0-9]+")


class DigestError(ValueError):
    """Not a digest. The text is never used as a path (CVE-2024-3727)."""


class Digest(NamedTuple):
    """A digest that was checked against the grammar; ``str()`` gives it back."""

    algorithm: str
    encoded: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"

    @property
    def supported(self) -> bool:
        """Whether this program can compute it."""
        return self.algorithm in HEX_LENGTHS


def parse_digest(text: str) -> Digest:
    """Parse a digest. Raises :class:`DigestError`.

    Of the registered algorithms (and sha384) the encoded part must be lower-case hex of the right
    length. Other algorithms need only follow the grammar.
    """
    if len(text) > 512 or not _GRAMMAR.fullmatch(text):
        raise DigestError("not of the form algorithm:hex")
    algorithm, _, encoded = text.partition(":")
    length = HEX_LENGTHS.get(algorithm)
    if length is not None and (len(encoded) != length or not _HEX.fullmatch(encoded)):
        raise DigestError(f"{algorithm} wants {length} lower-case hex digits")
    return Digest(algorithm, encoded)


def computable(text: str) -> Digest | None:
    """The digest, where it is one and its algorithm can be computed here."""
    try:
        digest = parse_digest(text)
    except DigestError:
        return None
    return digest if digest.supported else None


def compute_digest(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of ``data``, as text."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def chain_ids(diff_ids: list[str]) -> list[str]:
    """The chain_id of each layer (image-spec, config.md, Layer ChainID).

    ChainID(0) is DiffID(0), ChainID(n) the sha256 of ``ChainID(n-1) + " " + DiffID(n)``.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        if chain:
            chain.append(compute_digest(f"{chain[-1]} {diff_id}".encode()))
        else:
            chain.append(diff_id)
    return chain
