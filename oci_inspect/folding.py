"""The fold: scans of an image's layers made into its story; pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oci_inspect.analysis.base import Candidates, find_base, not_built_on, own_share
from oci_inspect.analysis.census import take_census
from oci_inspect.analysis.history import build_steps, match_history
from oci_inspect.analysis.layers import layer_results
from oci_inspect.analysis.results import (
    ImageAnalysis,
    LayerResult,
    Status,
    Totals,
)
from oci_inspect.analysis.verify import check_count, check_layers, layer_claims, opens
from oci_inspect.analysis.waste import largest_first, roll_up
from oci_inspect.archive.contents import (
    Image,
)
from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.merge import merge
from oci_inspect.findings import Finding, FindingCollector, limit_met
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import DEFAULT_LIMITS, Limits


class Fold:
    """Folds scans into the stories of images, and does it again only where the scans differ.

    What a cache knows of an image can so be folded while its blobs are still being hashed.
    """

    def __init__(self, images: Sequence[Image], limits: Limits, candidates: Candidates) -> None:
        self._images = images
        self._limits = limits
        self._candidates = candidates
        self._scans: Mapping[str, LayerScan | Finding] | None = None
        self._result: tuple[ImageAnalysis, ...] = ()

    def images(self, scans: Mapping[str, LayerScan | Finding]) -> tuple[ImageAnalysis, ...]:
        """The stories, from the scans by member."""
        if self._scans is None or not _same(self._scans, scans):
            self._scans = scans
            self._result = tuple(
                analyze_image(image, scans, self._limits, self._candidates)
                for image in self._images
            )
        return self._result


def _same(
    before: Mapping[str, LayerScan | Finding], after: Mapping[str, LayerScan | Finding]
) -> bool:
    """Whether these are the very same scans."""
    return before.keys() == after.keys() and all(before[name] is after[name] for name in after)


def analyze_image(
    image: Image,
    scans: Mapping[str, LayerScan | Finding],
    limits: Limits = DEFAULT_LIMITS,
    candidates: Candidates | None = None,
) -> ImageAnalysis:
    """Fold the scans of an image's layers into its story; no I/O.

    ``candidates`` are images that it may be built on.
    """
    findings = FindingCollector()
    findings.extend(image.findings)
    layers = image.layers
    if len(layers) > limits.layers:
        error = LimitExceededError("layers", limits.layers, len(layers), image.name)
        findings.add("limit-exceeded", image.name, str(error))
        layers = layers[: limits.layers]
    own: list[LayerScan | None] = []
    for layer in layers:
        scan = scans.get(layer.member) if layer.member else None
        if isinstance(scan, Finding):
            findings.take(scan)
            scan = None
        own.append(scan)
    diff_ids = image.config.diff_ids if image.config else ()
    claims = layer_claims(layers, image.config)
    subject = image.image_id or image.name
    if image.config is not None and image.image_id is not None:
        check_count(len(image.layers), len(diff_ids), subject, findings)
    statuses = check_layers(claims, own, findings)
    listed = [
        scan if scan is not None and opens(layer.media_type) else None
        for layer, scan in zip(layers, own, strict=True)
    ]
    merged = merge(_tables(listed, limits, image.name, findings), findings, limits)
    census = take_census(merged.tree, findings)
    entries = image.config.history if image.config else ()
    matching = match_history(entries, len(image.layers), subject)
    if image.config is not None:  # a history that could not be read disagrees with nothing
        findings.extend(matching.findings)
    steps = build_steps(entries, matching, _padded(merged.added_bytes, len(image.layers)))
    results = layer_results(layers, own, listed, statuses, merged, matching, steps)
    chain = _diff_ids(results, diff_ids)
    base = find_base(image, chain, steps, candidates)
    given = candidates.given if candidates is not None else None
    waste = largest_first(merged.dead)
    file_bytes = sum(merged.added_bytes)
    wasted = sum(one.size for one in waste)
    all_findings = findings.result()
    bad = any(found.severity == "error" for found in all_findings)
    return ImageAnalysis(
        references=image.references,
        image_id=image.image_id,
        manifest_digest=image.manifest_digest,
        platform=image.platform,
        created=image.config.created if image.config else None,
        verified=not bad
        and not image.unverifiable
        and image.config is not None
        and all(status is Status.VERIFIED for status in statuses),
        complete=not limit_met(all_findings)
        and image.config is not None
        and all(scan is not None and scan.complete and scan.listed for scan in listed),
        findings=all_findings,
        layers=results,
        history=steps,
        waste=waste,
        worst=roll_up(waste, steps, matching.entry_of_layer),
        totals=Totals(
            size=sum(layer.size or 0 for layer in results),
            uncompressed_size=sum(layer.uncompressed_size or 0 for layer in results),
            file_bytes=file_bytes,
            wasted_bytes=wasted,
            efficiency=1 - wasted / file_bytes if file_bytes else 1.0,
            files=census.files,
            duplicate_bytes=census.duplicate_bytes,
        ),
        image=image,
        tree=merged.tree,
        base=base,
        own=own_share(base, results, waste),
        not_built_on=None if given is None else not_built_on(given, chain),
    )


def _diff_ids(layers: Sequence[LayerResult], claimed: Sequence[str]) -> list[str | None]:
    """What each layer's tar hashes to, in the algorithm of the claim; the claim where not known."""
    return [
        claimed[i]
        if i < len(claimed) and (layer.status is Status.VERIFIED or layer.diff_id is None)
        else layer.diff_id
        for i, layer in enumerate(layers)
    ]


def _tables(
    scans: Sequence[LayerScan | None], limits: Limits, subject: str, findings: FindingCollector
) -> list[EntryTable]:
    """The rows of each layer, as many layers as the limit on entries allows."""
    tables = []
    total = 0
    for scan in scans:
        table = scan.table if scan is not None else EntryTable()
        total += len(table)
        if total > limits.entries:
            error = LimitExceededError("entries", limits.entries, total, subject)
            findings.add("limit-exceeded", subject, str(error))
            break
        tables.append(table)
    return tables


def _padded(numbers: Sequence[int], length: int) -> list[int]:
    return [*numbers, *([0] * (length - len(numbers)))]
