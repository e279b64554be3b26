"""A layer too large for any disk, made while it is read: ``python -m benchmarks.huge GB``.

A docker archive goes to standard output: one uncompressed layer of that many gigabytes (10^9 bytes,
rounded up to files of 64 MiB), then the config and the manifest. The layer is made twice, the first
time only for its diff_id, so the image is intact and a reader has to say so.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from typing import BinaryIO

from benchmarks import ROOT
from benchmarks.bench import analyze_command
from benchmarks.images import as_json, config_document, docker_manifest, sha256
from benchmarks.layers import LARGE_FILE, write_large
from benchmarks.memory import Memory, watch
from benchmarks.tars import BLOCK, TarWriter
from benchmarks.timing import environment


class _Sum:
    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview, /) -> None:
        self.hash.update(data)
        self.size += len(data)


@dataclass(frozen=True, slots=True)
class _Passed:
    """Writes what a layer is made of into the open member of an archive."""

    tar: TarWriter

    def write(self, data: bytes | memoryview, /) -> None:
        self.tar.content(data)


def write_huge(output: BinaryIO, gigabytes: float) -> None:
    """Write the archive; nothing larger than a few MiB is held."""
    files = max(1, -int(-gigabytes * 1e9 // (LARGE_FILE + BLOCK)))
    layer = _Sum()
    write_large(layer, files)
    name = f"{layer.hash.hexdigest()}.tar"
    tar = TarWriter(output)
    tar.begin(name.encode(), layer.size)
    write_large(_Passed(tar), files)
    config = as_json(config_document([f"sha256:{layer.hash.hexdigest()}"]))
    config_name = f"{sha256(config)[7:]}.json"
    tar.file(config_name.encode(), config)
    tar.file(b"manifest.json", docker_manifest(config_name, [name]))
    tar.close()


def watch_reader(gigabytes: float) -> Memory:
    """Let ``oci-inspect analyze -`` read such an archive from a pipe, and look at its memory."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.huge", str(gigabytes)],
        stdout=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    assert writer.stdout is not None
    try:
        return watch(analyze_command("--format", "json", "-"), writer.stdout, terminal=True)
    finally:
        writer.terminate()
        writer.wait()


def main() -> None:
    write_huge(sys.stdout.buffer, float(sys.argv[1]))


if __name__ == "__main__":
    main()
