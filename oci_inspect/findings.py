"""What is wrong with an image, as values: rules, severities, findings.

The names of the rules are a promise (docs/findings.md); each has one severity, but for
``blob-missing``, which is only information where the blob may be absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """``error``: not what it says it is. ``warning``: a trap. ``info``: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

RULES: dict[str, Severity] = {
    "blob-digest-mismatch": _E,
    "blob-size-mismatch": _E,
    "blob-missing": _E,
    "diff-id-mismatch": _E,
    "layer-order": _E,
    "layer-count-mismatch": _E,
    "image-id-mismatch": _E,
    "manifests-disagree": _E,
    "layer-corrupt": _E,
    "tar-truncated": _E,
    "tar-header-checksum": _E,
    "tar-header-invalid": _E,
    "tar-no-end-mark": _W,
    "json-invalid": _E,
    "json-key-ambiguous": _W,
    "data-mismatch": _E,
    "index-cycle": _E,
    "digest-invalid": _E,
    "digest-unsupported": _W,
    "schema-version": _E,
    "layout-version": _E,
    "media-type-mismatch": _W,
    "media-type-unknown": _I,
    "manifest-ambiguous": _E,
    "reference-duplicate": _W,
    "reference-invalid": _W,
    "hardlink-across-layers": _I,
    "attestation-target-missing": _I,
    "subject-dangling": _I,
    "created-zero": _I,
    "created-invalid": _W,
    "history-mismatch": _W,
    "platform-missing": _W,
    "platform-mismatch": _W,
    "config-invalid": _W,
    "path-unsafe": _W,
    "path-through-symlink": _W,
    "path-duplicate": _I,
    "path-collision": _I,
    "path-encoding": _I,
    "tar-ambiguous": _W,
    "whiteout-dangling": _I,
    "whiteout-not-empty": _W,
    "whiteout-invalid": _E,
    "aufs-metadata": _I,
    "directory-replaces-symlink": _W,
    "hardlink-dangling": _W,
    "setuid": _I,
    "world-writable": _I,
    "device-node": _I,
    "blob-unreferenced": _I,
    "archive-duplicate-member": _W,
    "archive-trailing-data": _W,
    "archive-legacy": _W,
    "limit-exceeded": _E,
}
"""Every rule with its severity."""

EXAMPLES_PER_RULE = 100
"""Findings of one rule that a collector lists before it only counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, about an image or its archive.

    ``subject`` is the digest, path or entry it is about; ``message`` is one sentence. ``count`` is
    how many it stands for: more than one where a collector no longer lists them.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    count: int = 1


def finding(rule: str, subject: str, message: str, severity: Severity | None = None) -> Finding:
    """Make a finding with the severity of its rule, unless another is given."""
    return Finding(rule, RULES[rule] if severity is None else severity, subject, message)


def _rest(rule: str, severity: Severity, count: int) -> Finding:
    return Finding(rule, severity, "", f"{count:,} more of this rule, not listed", count)


def unlisted(rule: str, count: int) -> tuple[Finding, ...]:
    """What stands for findings of a rule that are only counted; nothing for none of them."""
    return (_rest(rule, RULES[rule], count),) if count else ()


def limit_met(found: Iterable[Finding]) -> bool:
    """Whether one of these says that a limit cut something short."""
    return any(one.rule == "limit-exceeded" for one in found)


class FindingCollector:
    """Gathers findings in order; lists the first of each rule and counts the rest.

    A hostile layer can break one rule a million times: the report must not grow with it.
    """

    def __init__(self, per_rule: int = EXAMPLES_PER_RULE) -> None:
        self._per_rule = per_rule
        self._listed: list[Finding] = []
        self._seen: set[Finding] = set()
        self._counts: Counter[tuple[str, Severity]] = Counter()
        self._unlisted: Counter[tuple[str, Severity]] = Counter()

    def add(self, rule: str, subject: str, message: str, severity: Severity | None = None) -> None:
        """Add one finding; the same one twice is kept once."""
        self.take(finding(rule, subject, message, severity))

    def take(self, found: Finding) -> None:
        """Add a finding that exists already."""
        if found in self._seen:
            return
        key = (found.rule, found.severity)
        if self._counts[key] < self._per_rule:
            self._counts[key] += 1
            self._listed.append(found)
            self._seen.add(found)
        else:
            self._unlisted[key] += found.count

    def extend(self, found: Iterable[Finding]) -> None:
        """Add several."""
        for one in found:
            self.take(one)

    def __iter__(self) -> Iterator[Finding]:
        yield from self._listed
        for (rule, severity), more in self._unlisted.items():
            yield _rest(rule, severity, more)

    def result(self) -> tuple[Finding, ...]:
        """All that was gathered, errors first, otherwise in the order of arrival."""
        rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        return tuple(sorted(self, key=lambda found: rank[found.severity]))
