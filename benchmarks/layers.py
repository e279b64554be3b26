"""Layers to measure on, written from a seed: the same bytes on every machine.

Content is words and noise, so that gzip takes it down to 45 %, much as it does with the files of a
distribution. The files of a folder share a time, as those of a package do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks import MIB
from benchmarks.tars import Output, TarWriter

FILES_IN_A_FOLDER = 40
LARGE_FILE = 64 * MIB
_SINCE = 1_700_000_000


def content(generator: random.Random, size: int) -> bytes:
    """Bytes that compress like those of a distribution's files."""
    pieces = []
    left = size
    words = [bytes(generator.choices(b"etaoinshrdlu_ ", k=9)) for _ in range(64)]
    while left > 0:
        piece = generator.randbytes(320) + b"".join(generator.choices(words, k=78))
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)[:size]


class Contents:
    """Files' contents, cut out of one pool."""

    def __init__(self, seed: int, pool: int = 8 * MIB) -> None:
        self._pool = memoryview(content(random.Random(seed), pool))

    def cut(self, generator: random.Random, size: int) -> memoryview:
        """Return ``size`` bytes from anywhere in the pool, all of it where that is too many."""
        size = min(size, len(self._pool))
        start = generator.randrange(len(self._pool) - size + 1)
        return self._pool[start : start + size]


def write_mixed(output: Output, contents: Contents, seed: int, size: int, mean: int) -> None:
    """Write a layer of about ``size`` bytes: files of ``mean`` bytes on average."""
    generator = random.Random(seed)
    tar = TarWriter(output)
    for count in _counting():
        if tar.size >= size:
            break
        folder, mtime = _folder(tar, seed, count)
        length = min(int(generator.expovariate(1 / mean)) + 1, 4 * MIB)
        data = count.to_bytes(8, "big") + contents.cut(generator, length)
        tar.file(folder + b"file-%07d.dat" % count, data, mtime)
    tar.close()


def write_small(output: Output, contents: Contents, seed: int, files: int, largest: int) -> None:
    """Write a layer of ``files`` small files of up to ``largest`` bytes, empty ones among them."""
    generator = random.Random(seed)
    tar = TarWriter(output)
    for count in range(files):
        folder, mtime = _folder(tar, seed, count)
        data = contents.cut(generator, generator.randrange(largest + 1))
        tar.file(folder + b"file-%07d.dat" % count, data, mtime)
    tar.close()


def write_large(output: Output, files: int) -> None:
    """Write a layer of files of 64 MiB each, without holding one in memory."""
    piece = memoryview(content(random.Random(7), 4 * MIB))
    tar = TarWriter(output)
    for count in range(files):
        tar.begin(b"data/%06d.bin" % count, LARGE_FILE, _SINCE)
        for _ in range(LARGE_FILE // len(piece)):
            tar.content(piece)
    tar.close()


class Deletions:
    """Layers that delete what those below them brought: by whiteout, and by opaque folder.

    ``living`` is the image's files after the layers written so far, by folder.
    """

    def __init__(self, seed: int, files: int, whiteouts: int, opaque: int) -> None:
        self._generator = random.Random(seed)
        self._contents = Contents(seed, MIB)
        self._files = files
        self._whiteouts = whiteouts
        self._opaque = opaque
        self.living: dict[bytes, list[bytes]] = {}

    def write(self, output: Output, index: int) -> None:
        """Write the next layer; ``index`` is its place, from 0."""
        generator = self._generator
        tar = TarWriter(output)
        self._delete(tar, index)
        for count in range(self._files):
            folder, mtime = _folder(tar, index, count)
            name = b"file-%05d.dat" % count
            data = self._contents.cut(generator, generator.randrange(1_000))
            tar.file(folder + name, data, mtime)
            self.living.setdefault(folder, []).append(name)
        tar.close()

    def _delete(self, tar: TarWriter, index: int) -> None:
        if not self.living:
            return
        folders = list(self.living)
        self._generator.shuffle(folders)
        mtime = _SINCE + index
        for folder in folders[: self._opaque]:
            tar.folder(folder, mtime)
            tar.file(folder + b".wh..wh..opq", b"", mtime)
            self.living[folder] = [b"again-%03d.dat" % index]
            tar.file(folder + self.living[folder][0], b"back", mtime)
        lower = folders[self._opaque :]
        for count in range(self._whiteouts):
            names = self.living[lower[count % len(lower)]]
            if names:
                name = names.pop(self._generator.randrange(len(names)))
                tar.file(lower[count % len(lower)] + b".wh." + name, b"", mtime)


def _counting() -> Iterator[int]:
    count = 0
    while True:
        yield count
        count += 1


def _folder(tar: TarWriter, part: int, count: int) -> tuple[bytes, int]:
    """The folder of a file and its time; folders are written before their first file."""
    if not count:
        for parent in (b"usr/", b"usr/share/", b"usr/share/part%d/" % part):
            tar.folder(parent, _SINCE)
    number = count // FILES_IN_A_FOLDER
    folder = b"usr/share/part%d/%05d/" % (part, number)
    mtime = _SINCE + (number * 7919 + part) % 30_000_000
    if count % FILES_IN_A_FOLDER == 0:
        tar.folder(folder, mtime)
    return folder, mtime
