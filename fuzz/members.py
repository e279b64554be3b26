"""The members of a plain tar, as simply as can be: for mutators, not for judging anything."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """One member."""

    name: bytes
    kind: bytes
    link: bytes
    data: bytes


def pieces_of(tar: bytes) -> list[Piece]:
    """What can be read of a tar up to the first block that is no plain header."""
    found = []
    at = 0
    while at + 512 <= len(tar):
        block = tar[at : at + 512]
        digits = block[124:135]
        if not digits.isdigit() or digits.strip(b"01234567"):
            break
        size = int(digits, 8)
        at += 512
        found.append(
            Piece(
                block[:100].split(b"\0")[0],
                block[156:157],
                block[157:257].split(b"\0")[0],
                tar[at : at + size],
            )
        )
        at += size + -size % 512
    return found
