"""Scans that need not be done again: a blob that is only hashed, and what is kept of it.

Between :mod:`oci_inspect.scanning` and the cache. What the documents claim of a blob decides
whether a look into the cache is worth it, never what is taken for true: a scan is taken from there
only for the digest that was computed from all of the blob's bytes, here and now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from oci_inspect.archive.contents import Image
from oci_inspect.errors import ArchiveError
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import Allowance, Limits
from oci_inspect.spec.digest import computable


class ScanKeeper(Protocol):
    """What keeps scans under the sha256 digests of their blobs. Threads may share it."""

    def get(self, digest: str, limits: Limits) -> LayerScan | None:
        """The scan of the blob with this digest under these limits, if it was kept."""
        ...

    def holds(self, digest: str, limits: Limits) -> bool:
        """Whether there may well be a scan of this blob."""
        ...

    def put(self, scan: LayerScan, limits: Limits) -> None:
        """Keep a scan, unless it was cut short."""
        ...


class ScanMemory:
    """Scans kept for as long as this object lives: those of archives that are looked at together.

    What it does not have it asks of ``beneath``, and passes on what it is given. ``slim`` is what
    is kept of a scan, where that is not all of it. All archives must have the same limits.
    """

    def __init__(
        self,
        beneath: ScanKeeper | None = None,
        slim: Callable[[LayerScan], LayerScan] | None = None,
    ) -> None:
        self._beneath = beneath
        self._slim = slim
        self._scans: dict[str, LayerScan] = {}

    def get(self, digest: str, limits: Limits) -> LayerScan | None:
        """The scan of the blob with this digest, if it was kept here or beneath."""
        known = self._scans.get(digest)
        if known is None and self._beneath is not None:
            known = self._beneath.get(digest, limits)
            if known is not None:
                known = self._keep(known)
        return known

    def holds(self, digest: str, limits: Limits) -> bool:
        """Whether there may well be a scan of this blob, here or beneath."""
        if digest in self._scans:
            return True
        return self._beneath is not None and self._beneath.holds(digest, limits)

    def put(self, scan: LayerScan, limits: Limits) -> None:
        """Keep a scan, unless it was cut short; what is beneath may keep it for longer."""
        if scan.complete and scan.listed:
            self._keep(scan)
        if self._beneath is not None:
            self._beneath.put(scan, limits)

    def _keep(self, scan: LayerScan) -> LayerScan:
        kept = scan if self._slim is None else self._slim(scan)
        return self._scans.setdefault(scan.digest, kept)


class Reuse:
    """A keeper of scans, for the blobs of some images under some limits. Threads may share it."""

    def __init__(self, cache: ScanKeeper, limits: Limits, images: Iterable[Image]) -> None:
        self._cache = cache
        self._limits = limits
        self._likely = likely_digests(images)
        self._lock = threading.Lock()
        self._allowance = Allowance(limits)
        self._looked_up: dict[tuple[str, ...], LayerScan | None] = {}

    def expected(self, wanted: Mapping[str, Collection[str]]) -> dict[str, LayerScan] | None:
        """The scans that these members have if what is claimed of them is true.

        None where one of them is not known. Nothing is proven yet.
        """
        if not all(self._hopeful(name) for name in wanted):
            return None
        scans: dict[str, LayerScan] = {}
        for name, algorithms in wanted.items():
            known = self._known(name, algorithms)
            if known is None:
                return None
            scans[name] = known
        return scans

    def take(
        self,
        name: str,
        algorithms: Collection[str],
        compute: Callable[[], dict[str, str] | None],
    ) -> LayerScan | None:
        """The scan of a member, where it is known already; None where it must be scanned.

        Where there is hope, ``compute`` is called: it reads the blob to its end and gives its
        digests by all of ``algorithms``. What cannot be read is left for the scan to tell.
        """
        if not self._hopeful(name):
            return None
        try:
            digests = compute()
        except (ArchiveError, OSError):
            return None
        known = self._known(name, algorithms)
        if known is None or digests is None or digests["sha256"] != known.digest:
            return None
        return known if digests == known.digests else replace(known, digests=digests)

    def keep(self, scan: LayerScan) -> None:
        """Keep what was scanned just now."""
        self._cache.put(scan, self._limits)

    def keep_passed(self, scan: LayerScan) -> None:
        """Keep what was scanned as a stream passed by, unless it is there already.

        A stream cannot be read twice: it is scanned each time.
        """
        if not self._cache.holds(scan.digest, self._limits):
            self.keep(scan)

    def _hopeful(self, name: str) -> bool:
        """Whether there is an entry for a digest that the blob may well have."""
        return any(self._cache.holds(digest, self._limits) for digest in self._likely.get(name, ()))

    def _known(self, name: str, algorithms: Collection[str]) -> LayerScan | None:
        """What the cache has under a digest that the blob may well have; looked up once."""
        asked = (name, *sorted(algorithms))
        with self._lock:
            if asked not in self._looked_up:
                self._looked_up[asked] = self._look_up(name, algorithms)
            return self._looked_up[asked]

    def _look_up(self, name: str, algorithms: Collection[str]) -> LayerScan | None:
        for digest in self._likely.get(name, ()):
            known = self._cache.get(digest, self._limits)
            if known is not None and known.diff_ids.keys() >= set(algorithms):
                self._allowance.spend(known.excess)
                if self._allowance.over:
                    return None  # together they are too much to be kept here
                diff_ids = {name: known.diff_ids[name] for name in sorted(algorithms)}
                return replace(known, digests={"sha256": digest}, diff_ids=diff_ids)
        return None


def likely_digests(images: Iterable[Image]) -> dict[str, list[str]]:
    """The sha256 digests that each member may have, by what the documents say of it.

    That is the digest of its descriptor or in its path; and the diff_id, which is the digest of a
    layer that is not compressed: docker before 25 wrote no other.
    """
    likely: dict[str, dict[str, None]] = {}
    for image in images:
        diff_ids = image.config.diff_ids if image.config else ()
        for i, layer in enumerate(image.layers):
            if layer.member is None:
                continue
            diff_id = computable(diff_ids[i]) if i < len(diff_ids) else None
            claims = [one for one in (layer.digest, diff_id) if one is not None]
            likely.setdefault(layer.member, {}).update(
                {str(one): None for one in claims if one.algorithm == "sha256"}
            )
    return {member: list(digests) for member, digests in likely.items()}
