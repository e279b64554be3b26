"""Which blobs are read, in what order and by how many at a time.

Between the conductor and the scan of one blob: each distinct blob is read once, the largest first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from oci_inspect.archive.contents import Image
from oci_inspect.archive.members import Member
from oci_inspect.archive.store import Store, Visitor
from oci_inspect.crew import Crew
from oci_inspect.errors import ArchiveError, TooManyFilesError
from oci_inspect.findings import Finding, finding, limit_met
from oci_inspect.lanes import Helpers
from oci_inspect.layer.bounded import bounded
from oci_inspect.layer.scan import LayerScan, blob_digests, hash_blob, scan_layer
from oci_inspect.limits import SHARED_WINDOW, SHARED_XZ, Allowance, Limits
from oci_inspect.progress import Progress
from oci_inspect.reuse import Reuse
from oci_inspect.spec.digest import HEX_LENGTHS, Digest, computable
from oci_inspect.stream.compression import WINDOWED
from oci_inspect.stream.source import Source

HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Means:
    """With what blobs are read: within which limits, by how many threads, and who is told."""

    limits: Limits
    jobs: int
    progress: Progress


def visitor(means: Means, helpers: Helpers, allowance: Allowance) -> Visitor[LayerScan]:
    """What scans members of a stream, any of which may be a layer: the documents come later."""

    def visit(source: Source, member: Member) -> LayerScan:
        parts = member.name.split("/")
        algorithm = parts[-2] if len(parts) >= 3 and parts[-3] == "blobs" else "sha256"
        algorithms = sorted({"sha256", algorithm} & HEX_LENGTHS.keys())
        with means.progress.part(_short(member.name), member.size, inside=True) as part:
            counted = part.counted(source)
            return scan_layer(counted, means.limits, algorithms, helpers, allowance)

    return visit


def beside_a_window(means: Means) -> Means:
    """The means for what lies in a compression that keeps a window of its own meanwhile."""
    limits = means.limits
    part = replace(limits, zstd_window=limits.zstd_window // 8, xz_memory=limits.xz_memory // 8)
    return replace(means, limits=part)


def _short(name: str) -> str:
    """A blob by the first digits of its digest, as far as its path tells of one."""
    for part in reversed(name.split("/")):
        digits = part.removesuffix(".tar")
        if len(digits) >= 64 and not set(digits) - HEX_DIGITS:
            return digits[:12]
    return name


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


def layer_labels(images: Sequence[Image]) -> dict[str, str]:
    """What to call the members that are layers: by their place in the first image that has them."""
    labels: dict[str, str] = {}
    for image in images:
        name = f"{image.name}, " if len(images) > 1 else ""
        for i, layer in enumerate(image.layers):
            if layer.member is not None:
                labels.setdefault(layer.member, f"{name}layer {i + 1} of {len(image.layers)}")
    return labels


def scan_blobs(
    store: Store[LayerScan],
    wanted: dict[str, set[str]],
    labels: dict[str, str],
    means: Means,
    reuse: Reuse | None = None,
    meanwhile: Callable[[], None] | None = None,
    allowance: Allowance | None = None,
) -> dict[str, LayerScan | Finding]:
    """Scan each blob once, the largest first, several at a time; what cannot be opened is told.

    ``labels`` are what the members that are read are called, for those who wait. With ``reuse`` a
    blob whose scan is known is only hashed. ``meanwhile`` is called while other threads begin.
    The ``allowance`` is that of the archive, of which others have spent.
    """
    limits = means.limits
    shared = allowance or Allowance(limits, passed_by(store, wanted))
    modest = replace(
        limits,
        zstd_window=min(limits.zstd_window, SHARED_WINDOW),
        xz_memory=min(limits.xz_memory, SHARED_XZ),
    )
    turns = threading.Lock()

    def scan(name: str) -> LayerScan | Finding:
        if name in store.visited:
            if reuse is not None:
                reuse.keep_passed(store.visited[name])
            return store.visited[name]
        if reuse is None:
            return scan_anew(name)
        known = reuse.take(name, wanted[name], lambda: digests(name))
        if known is not None:
            shared.spend(known.excess)
            return bounded(known, shared)
        found = scan_anew(name)
        if isinstance(found, LayerScan):
            reuse.keep(found)
        return found

    def digests(name: str) -> dict[str, str] | None:
        member = store.find(name)
        source = store.open(member) if member else None
        if source is None or member is None:
            return None
        with means.progress.part(labels.get(name, name), member.size) as part:
            return blob_digests(crew.watched(part.counted(source)), sorted(wanted[name]))

    def scan_anew(name: str) -> LayerScan | Finding:
        found = scan_within(name, modest)
        if isinstance(found, Finding) or found.compression not in WINDOWED:
            return found
        if modest == limits or not limit_met(found.findings):
            return found
        with turns:  # perhaps it was the window
            shared.spend(-found.excess)
            return scan_within(name, limits)

    def scan_within(name: str, bounds: Limits) -> LayerScan | Finding:
        try:
            member = store.find(name)
            source = store.open(member) if member else None
        except TooManyFilesError:
            raise
        except ArchiveError as error:
            return finding("blob-missing", name, str(error))
        if source is None or member is None:
            return finding("blob-missing", name, "it passed by in the stream and was not kept")
        try:
            with means.progress.part(labels.get(name, name), member.size) as part:
                watched = crew.watched(part.counted(source))
                return scan_layer(watched, bounds, sorted(wanted[name]), crew.helpers, shared)
        except OSError as error:
            raise ArchiveError(store.path, f"{name}: {error.strerror or error}") from error

    names = sorted(wanted, key=lambda name: (-_size(store, name), name))
    crew = Crew(scan, means.jobs)
    found = crew.run(names, meanwhile)
    return {
        name: one if isinstance(one, Finding) else bounded(one, shared)
        for name, one in found.items()
    }


def passed_by(store: Store[LayerScan], wanted: Iterable[str]) -> int:
    """Bytes of ``metadata_bytes`` that an archive's members and these of a stream have spent."""
    scans = [store.visited[name] for name in wanted if name in store.visited]
    return store.allowance.spent + sum(scan.excess for scan in scans)


def check_blobs(
    store: Store[LayerScan], claimed: dict[str, Digest], told: set[str], means: Means
) -> tuple[Finding, ...]:
    """Hold blobs that are no layers (attestations, leftovers) against their own names.

    ``told`` are digests that are known not to hold: what is said already is not said again.
    """

    def computed(name: str) -> str | None:
        algorithm = claimed[name].algorithm
        if name in store.visited:
            return store.visited[name].digests.get(algorithm)
        member = store.find(name)
        source = store.open(member) if member else None
        if source is None or member is None:
            return None
        try:
            with means.progress.part(_short(name), member.size) as part:
                return hash_blob(crew.watched(part.counted(source)), algorithm)
        except OSError as error:
            raise ArchiveError(store.path, f"{name}: {error.strerror or error}") from error

    crew = Crew(computed, means.jobs)
    found = crew.run(sorted(claimed))
    return tuple(
        finding("blob-digest-mismatch", str(claimed[name]), f"its bytes hash to {digest}")
        for name, digest in sorted(found.items())
        if digest is not None and digest != str(claimed[name]) and str(claimed[name]) not in told
    )


def bytes_of(store: Store[LayerScan], names: Iterable[str]) -> int:
    """How many bytes there are to read of these members, beside those that passed by."""
    return sum(_size(store, name) for name in names if name not in store.visited)


def _size(store: Store[LayerScan], name: str) -> int:
    member = store.find(name)
    return member.size if member else 0


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
