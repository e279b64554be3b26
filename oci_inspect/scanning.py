"""Which blobs are read, in what order and by how many at a time.

Between the conductor and the scan of one blob: each distinct blob is read once, the largest first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import replace

from oci_inspect.archive.contents import Contents, Image
from oci_inspect.archive.reading import named_blobs
from oci_inspect.archive.store import Store
from oci_inspect.crew import Crew
from oci_inspect.errors import ArchiveError
from oci_inspect.findings import Finding, finding, limit_met
from oci_inspect.layer.scan import LayerScan, hash_blob, scan_layer
from oci_inspect.limits import MIB, Limits
from oci_inspect.spec.digest import HEX_LENGTHS, computable
from oci_inspect.stream.source import Source

SHARED_WINDOW = 8 * MIB
"""Bytes of zstd window up to which layers are read side by side; larger ones take turns."""


def visit(source: Source, name: str, limits: Limits) -> LayerScan:
    """Scan a member of a stream, which may be a layer: nobody knows before the documents came."""
    parts = name.split("/")
    algorithm = parts[-2] if len(parts) >= 3 and parts[-3] == "blobs" else "sha256"
    algorithms = {"sha256", algorithm} & HEX_LENGTHS.keys()
    return scan_layer(source, limits, sorted(algorithms | {"sha256"}))


def wanted_blobs(images: Iterable[Image]) -> dict[str, set[str]]:
    """The members to scan, each once, with the digest algorithms that are claimed of them."""
    wanted: dict[str, set[str]] = {}
    for image in images:
        diff_ids = image.config.diff_ids if image.config else ()
        for i, layer in enumerate(image.layers):
            if layer.member is None:
                continue
            algorithms = wanted.setdefault(layer.member, {"sha256"})
            if layer.digest is not None and layer.digest.supported:
                algorithms.add(layer.digest.algorithm)
            if i < len(diff_ids) and (digest := computable(diff_ids[i])):
                algorithms.add(digest.algorithm)
    return wanted


def scan_blobs(
    store: Store[LayerScan], wanted: dict[str, set[str]], limits: Limits, jobs: int | None
) -> dict[str, LayerScan | Finding]:
    """Scan each blob once, the largest first, several at a time; what cannot be opened is told."""
    modest = replace(limits, zstd_window=min(limits.zstd_window, SHARED_WINDOW))
    turns = threading.Lock()

    def scan(name: str) -> LayerScan | Finding:
        if name in store.visited:
            return store.visited[name]
        found = scan_within(name, modest)
        if isinstance(found, Finding) or found.compression != "zstd" or modest == limits:
            return found
        if not limit_met(found.findings):
            return found
        with turns:  # perhaps it was the window
            return scan_within(name, limits)

    def scan_within(name: str, bounds: Limits) -> LayerScan | Finding:
        try:
            member = store.find(name)
            source = store.open(member) if member else None
        except ArchiveError as error:
            return finding("blob-missing", name, str(error))
        if source is None:
            return finding("blob-missing", name, "it passed by in the stream and was not kept")
        try:
            return scan_layer(crew.watched(source), bounds, sorted(wanted[name]), crew.helpers)
        except OSError as error:
            raise ArchiveError(store.path, f"{name}: {error.strerror or error}") from error

    def size(name: str) -> int:
        member = store.find(name)
        return member.size if member else 0

    names = sorted(wanted, key=lambda name: (-size(name), name))
    crew = Crew(scan, jobs or cores())
    return crew.run(names)


def check_others(
    store: Store[LayerScan], contents: Contents, jobs: int | None
) -> tuple[Finding, ...]:
    """Hold blobs that are no layers (attestations, leftovers) against their own names.

    What is said already of a manifest or a config is not said again.
    """
    claimed = named_blobs(store, contents)

    def computed(name: str) -> str | None:
        algorithm = claimed[name].algorithm
        if name in store.visited:
            return store.visited[name].digests.get(algorithm)
        member = store.find(name)
        source = store.open(member) if member else None
        return None if source is None else hash_blob(crew.watched(source), algorithm)

    crew = Crew(computed, jobs or cores())
    found = crew.run(sorted(claimed))
    told = {
        one.subject
        for one in (*contents.findings, *(f for image in contents.images for f in image.findings))
        if one.rule == "blob-digest-mismatch"
    }
    return tuple(
        finding("blob-digest-mismatch", str(claimed[name]), f"its bytes hash to {digest}")
        for name, digest in sorted(found.items())
        if digest is not None and digest != str(claimed[name]) and str(claimed[name]) not in told
    )


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
