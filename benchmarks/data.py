"""Archives to measure on, made here: the same bytes on every machine.

Content is words and noise, so that gzip takes it down to 46 %, much as it does with the files of a
distribution: 500 MB become 230 MB.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import zstandard

MIB = 1 << 20


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


def write_layer(path: Path, seed: int, size: int, typical: int = 24_000) -> None:
    """Write a layer's tar of about ``size`` bytes, of files around ``typical`` bytes."""
    generator = random.Random(seed)
    pool = content(generator, 8 * MIB)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        written = count = 0
        while written < size:
            if count % 40 == 0:
                folder = tarfile.TarInfo(f"usr/share/part{seed}/{count // 40:05}")
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(folder)
            length = min(int(generator.expovariate(1 / typical)) + 1, 4 * MIB)
            start = generator.randrange(len(pool) - length) if length < len(pool) else 0
            data = count.to_bytes(8, "big") + pool[start : start + length]
            info = tarfile.TarInfo(f"usr/share/part{seed}/{count // 40:05}/file-{count:07}.dat")
            info.size, info.mode, info.mtime = len(data), 0o644, 1_700_000_000 + count % 977
            tar.addfile(info, io.BytesIO(data))
            written += len(data) + 512
            count += 1


def write_big_layer(path: Path, size: int) -> None:
    """Write a layer of ``size`` bytes in files of 64 MiB, without holding one in memory."""
    generator = random.Random(7)
    piece = content(generator, 4 * MIB)

    class Repeated(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 64 * MIB

        def read(self, wanted: int = -1) -> bytes:
            step = min(self.left, len(piece) if wanted < 0 else wanted, len(piece))
            self.left -= step
            return piece[:step]

    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for i in range(size // (64 * MIB)):
            info = tarfile.TarInfo(f"data/{i:04}.bin")
            info.size = 64 * MIB
            tar.addfile(info, Repeated())


def compress(source: Path, target: Path, how: str) -> None:
    """Compress a layer: ``gzip`` or ``zstd``; ``none`` copies."""
    with source.open("rb") as plain, target.open("wb") as out:
        if how == "gzip":
            with gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
                _copy(plain.read, packed.write)
        elif how == "zstd":
            zstandard.ZstdCompressor(level=3).copy_stream(plain, out)
        else:
            _copy(plain.read, out.write)


def _copy(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    while data := read(MIB):
        write(data)


def file_digest(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_archive(target: Path, layers: list[Path], how: str, work: Path) -> None:
    """Write an image of ``layers``: a docker archive where ``how`` is none, else an OCI one."""
    diff_ids = [f"sha256:{file_digest(layer)}" for layer in layers]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created_by": f"RUN step {i} # buildkit"} for i in range(len(layers))],
        }
    ).encode()
    config_hex = hashlib.sha256(config).hexdigest()
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        if how == "none":
            names = []
            for layer, diff_id in zip(layers, diff_ids, strict=True):
                names.append(f"{diff_id[7:]}.tar")
                tar.add(layer, names[-1])
            _add(tar, f"{config_hex}.json", config)
            listing = [
                {"Config": f"{config_hex}.json", "RepoTags": ["bench/app:1"], "Layers": names}
            ]
            _add(tar, "manifest.json", json.dumps(listing).encode())
            return
        descriptors = []
        for i, layer in enumerate(layers):
            blob = work / f"{target.stem}-{i}.{how}"
            compress(layer, blob, how)
            digest = file_digest(blob)
            tar.add(blob, f"blobs/sha256/{digest}")
            descriptors.append(
                {
                    "mediaType": f"application/vnd.oci.image.layer.v1.tar+{how}",
                    "digest": f"sha256:{digest}",
                    "size": blob.stat().st_size,
                }
            )
            blob.unlink()
        _add(tar, f"blobs/sha256/{config_hex}", config)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "digest": f"sha256:{config_hex}",
                    "size": len(config),
                },
                "layers": descriptors,
            }
        ).encode()
        manifest_hex = hashlib.sha256(manifest).hexdigest()
        _add(tar, f"blobs/sha256/{manifest_hex}", manifest)
        index = {
            "schemaVersion": 2,
            "manifests": [
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": f"sha256:{manifest_hex}",
                    "size": len(manifest),
                    "annotations": {"org.opencontainers.image.ref.name": "bench/app:1"},
                }
            ],
        }
        _add(tar, "index.json", json.dumps(index).encode())
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    file: BinaryIO = io.BytesIO(data)
    tar.addfile(info, file)
