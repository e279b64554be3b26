"""Two files held against each other, holes and all: random maps of random bytes."""

from __future__ import annotations

import random

import pytest

from oci_inspect.errors import CorruptStreamError
from oci_inspect.layer.content import FileContent, same_bytes
from oci_inspect.stream.source import BytesSource


class Dribbling:
    """A source that gives a few bytes at a time, however many are asked for."""

    def __init__(self, data: bytes, chance: random.Random) -> None:
        self._source = BytesSource(data)
        self._chance = chance

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, self._chance.choice((1, 2, 7))))


def stored(content: bytes, chance: random.Random) -> FileContent:
    """A file whose zeros are holes, but for some that happen to be stored."""
    regions: list[tuple[int, int]] = []
    kept = b""
    for i in range(len(content)):
        if content[i] or chance.random() < 0.3:
            kept += content[i : i + 1]
            if regions and sum(regions[-1]) == i and chance.random() < 0.9:
                regions[-1] = regions[-1][0], regions[-1][1] + 1
            else:
                regions.append((i, 1))
    return FileContent(Dribbling(kept, chance), len(content), tuple(regions))


def test_files_are_the_same_where_their_bytes_are() -> None:
    seen = {True: 0, False: 0}
    for seed in range(4000):
        chance = random.Random(seed)
        one = bytes(chance.choice((0, 0, 0, 1, 2)) for _ in range(chance.randrange(25)))
        other = bytearray(one)
        if chance.random() < 0.5 and other:
            other[chance.randrange(len(other))] = chance.choice((0, 1, 3))
        if chance.random() < 0.1:
            other.append(0)
        same = one == bytes(other)
        assert same_bytes(stored(one, chance), stored(bytes(other), chance)) is same, seed
        seen[same] += 1
    assert min(seen.values()) > 500


def test_file_that_ends_early_is_corrupt() -> None:
    whole = FileContent(BytesSource(b"12345"), 5, ((0, 5),))
    cut = FileContent(BytesSource(b"123"), 5, ((0, 5),))
    with pytest.raises(CorruptStreamError):
        same_bytes(whole, cut)
