"""The floor: what any reader must do to an image's layers, and nothing else.

Decompress each blob (ISA-L or zstd), sha256 of the blob and of the tar, as many layers at a time
as there are cores. No header is looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, cast

import zstandard

CHUNK = 1 << 20


def members(path: str) -> list[tuple[int, int]]:
    """Offset and size of every layer in an archive of :mod:`benchmarks.data`."""
    with tarfile.open(path) as tar:
        return [(one.offset_data, one.size) for one in tar if one.size > 1 << 19]


class _Slice:
    def __init__(self, fd: int, offset: int, size: int, blob: hashlib._Hash) -> None:
        self.fd, self.offset, self.left, self.blob = fd, offset, size, blob

    def read(self, wanted: int) -> bytes:
        data = os.pread(self.fd, min(wanted, self.left), self.offset)
        self.offset += len(data)
        self.left -= len(data)
        self.blob.update(data)
        return data


def digest_layer(fd: int, offset: int, size: int) -> tuple[str, str]:
    """The digest and the diff_id of one layer."""
    blob, tar = hashlib.sha256(), hashlib.sha256()
    source = _Slice(fd, offset, size, blob)
    head = os.pread(fd, 4, offset)
    if head[:2] == b"\x1f\x8b":
        from isal import igzip_lib

        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while not member.eof:
            data = source.read(CHUNK) if member.needs_input else b""
            tar.update(member.decompress(data, CHUNK))
    elif head == b"\x28\xb5\x2f\xfd":
        reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", source))
        while data := reader.read(CHUNK):
            tar.update(data)
    else:
        while source.read(CHUNK):
            pass
        tar = blob
    return blob.hexdigest(), tar.hexdigest()


def main() -> None:
    path, jobs = sys.argv[1], int(sys.argv[2])
    found = sorted(members(path), key=lambda one: -one[1])
    fd = os.open(path, os.O_RDONLY)
    start = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        digests = list(pool.map(lambda one: digest_layer(fd, *one), found))
    print(json.dumps({"seconds": time.perf_counter() - start, "layers": len(digests)}))


if __name__ == "__main__":
    main()
