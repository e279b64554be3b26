"""Archives around layers: as ``docker save`` writes them, before and since it knows OCI."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import zstandard

from benchmarks import MIB
from benchmarks.tars import TarWriter

REFERENCE = "bench/app:1"
TAG = "1"
"""The image's name in an OCI layout's index, as Docker writes it."""


def write_archive(target: Path, layers: Sequence[Path], how: str) -> None:
    """Write an image of ``layers``, which are tars: ``how`` is ``none``, ``gzip`` or ``zstd``.

    Uncompressed ones become a docker archive, the others an OCI layout with a ``manifest.json``.
    The archive appears whole or not at all.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        diff_ids = [f"sha256:{one}" for one in pool.map(file_digest, layers)]
        blobs = layers if how == "none" else list(pool.map(lambda one: compress(one, how), layers))
        digests = (
            diff_ids if how == "none" else [f"sha256:{d}" for d in pool.map(file_digest, blobs)]
        )
    config = as_json(config_document(diff_ids))
    work = target.with_name(target.name + ".part")
    with work.open("wb") as output:
        tar = TarWriter(output)
        if how == "none":
            names = [f"{digest[7:]}.tar" for digest in digests]
            config_name = f"{sha256(config)[7:]}.json"
        else:
            names = [blob_name(digest) for digest in digests]
            config_name = blob_name(sha256(config))
        for name, blob in zip(names, blobs, strict=True):
            tar.begin(name.encode(), blob.stat().st_size)
            with blob.open("rb") as file:
                while data := file.read(MIB):
                    tar.content(data)
        documents = {config_name: config, "manifest.json": docker_manifest(config_name, names)}
        if how != "none":
            sizes = [blob.stat().st_size for blob in blobs]
            documents |= _oci_documents(config, digests, sizes, how)
        for name, document in documents.items():
            tar.file(name.encode(), document)
        tar.close()
    if how != "none":
        for blob in blobs:
            blob.unlink()
    work.replace(target)


def config_document(diff_ids: Sequence[str]) -> dict[str, Any]:
    """The config of an image of these layers."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": [{"created_by": f"RUN step {i} # buildkit"} for i in range(len(diff_ids))],
    }


def docker_manifest(config_name: str, names: Sequence[str]) -> bytes:
    """The ``manifest.json`` of a docker archive."""
    return as_json([{"Config": config_name, "RepoTags": [REFERENCE], "Layers": list(names)}])


def compress(source: Path, how: str) -> Path:
    """Compress a layer beside itself, by ``gzip`` or ``zstd``, each at its default level."""
    target = source.with_name(f"{source.name}.{how}")
    with source.open("rb") as plain, target.open("wb") as out:
        if how == "gzip":
            with gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
                while data := plain.read(MIB):
                    packed.write(data)
        else:
            zstandard.ZstdCompressor(level=3).copy_stream(plain, out)
    return target


def blob_name(digest: str) -> str:
    """Where an OCI layout keeps a blob."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def sha256(data: bytes) -> str:
    """The digest of bytes in memory."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_json(document: object) -> bytes:
    """A document's bytes."""
    return json.dumps(document).encode()


def _oci_documents(
    config: bytes, digests: Sequence[str], sizes: Sequence[int], how: str
) -> dict[str, bytes]:
    layers = [
        {
            "mediaType": f"application/vnd.oci.image.layer.v1.tar+{how}",
            "digest": digest,
            "size": size,
        }
        for digest, size in zip(digests, sizes, strict=True)
    ]
    config_type = "application/vnd.oci.image.config.v1+json"
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": {"mediaType": config_type, "digest": sha256(config), "size": len(config)},
            "layers": layers,
        }
    )
    descriptor = {
        "mediaType": manifest_type,
        "digest": sha256(manifest),
        "size": len(manifest),
        "annotations": {
            "io.containerd.image.name": f"docker.io/{REFERENCE}",
            "org.opencontainers.image.ref.name": TAG,
        },
    }
    return {
        blob_name(sha256(manifest)): manifest,
        "index.json": as_json({"schemaVersion": 2, "manifests": [descriptor]}),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }
