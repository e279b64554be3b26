"""Reading documents out of a store: parsed, held against their descriptors, remembered as used."""

from __future__ import annotations

from typing import Any, NamedTuple

from oci_inspect.archive.store import Store
from oci_inspect.errors import ArchiveError, LimitExceededError, TooManyFilesError
from oci_inspect.findings import FindingCollector, Severity
from oci_inspect.spec.config import ImageConfig, parse_config
from oci_inspect.spec.descriptor import Descriptor
from oci_inspect.spec.digest import Digest, compute_digest
from oci_inspect.spec.document import JsonObject, Problem, parse_json
from oci_inspect.spec.weight import json_weight, value_weight

PER_LISTED = 500
"""Bytes of memory for a descriptor, and for what is told of the layer or manifest."""


class Loaded(NamedTuple):
    """A document that was found: its bytes, its value (None where it is no JSON), its name."""

    data: bytes
    value: Any
    member: str


class Documents:
    """Reads the JSON documents of one store; ``used`` gathers the members that were needed."""

    def __init__(self, store: Store[Any]) -> None:
        self.store = store
        self.used: set[str] = set()
        self._weight = 0

    def load(self, name: str, subject: str, findings: FindingCollector) -> Loaded | None:
        """Read and parse the member ``name``; None where it is not there or too large.

        Findings go to ``findings`` under ``subject``.
        """
        try:
            document = self.store.document(name)
            member = self.store.find(name)
        except TooManyFilesError:
            raise
        except ArchiveError as error:
            findings.add("blob-missing", subject, str(error))
            return None
        if document is None or member is None:
            return None
        self.used.add(member.name)
        limits = self.store.limits
        if document.data is None:
            if document.size > limits.json_bytes:
                over = LimitExceededError("json_bytes", limits.json_bytes, document.size, subject)
            else:
                wanted = self.store.kept_wanted(document.size)
                over = LimitExceededError("kept_bytes", limits.kept_bytes, wanted, subject)
            findings.add("limit-exceeded", subject, str(over))
            findings.add("json-invalid", subject, "it is over its limit, and was not read")
            return None
        if not self._fits(document.data, subject, findings):
            return None
        value, problems = parse_json(document.data, limits.json_depth)
        self._settle(document.data, value)
        tell(problems, subject, findings)
        if value is None and not problems:
            findings.add("json-invalid", subject, "it is null")
        return Loaded(document.data, value, member.name)

    def _fits(self, data: bytes, subject: str, findings: FindingCollector) -> bool:
        """Whether there is memory for a document beside those before it; if not, that is told."""
        most = self.store.limits.json_memory
        weight = self._weight + json_weight(data)
        if weight > most:
            over = LimitExceededError("json_memory", most, weight, subject)
            findings.add("limit-exceeded", subject, str(over))
            findings.add("json-invalid", subject, "it would take too much memory, and was not read")
            return False
        self._weight = weight
        return True

    def _settle(self, data: bytes, value: Any) -> None:
        """Count a document that was read as what it takes instead of what was foretold."""
        self._weight += len(data) + value_weight(value) - json_weight(data)

    def hold(self, count: int, subject: str, findings: FindingCollector) -> bool:
        """Count what is made of so many layers or manifests that a document lists.

        Whether there is memory for it; if not, that is told.
        """
        most = self.store.limits.json_memory
        weight = self._weight + count * PER_LISTED
        if weight > most:
            over = LimitExceededError("json_memory", most, weight, subject)
            findings.add("limit-exceeded", subject, str(over))
            return False
        self._weight = weight
        return True

    def load_object(self, name: str, subject: str, findings: FindingCollector) -> Loaded | None:
        """The same for a document that must be a JSON object; ``value`` is None where it is not."""
        loaded = self.load(name, subject, findings)
        if loaded is not None and loaded.value is not None and not isinstance(loaded.value, dict):
            findings.add("json-invalid", subject, "it is not a JSON object")
            return loaded._replace(value=None)
        return loaded

    def blob(self, name: str, descriptor: Descriptor, findings: FindingCollector) -> Loaded | None:
        """Load the document a descriptor points at, and hold it against the descriptor.

        Where the blob is not in the archive but embedded in the descriptor (``data``), that is it.
        """
        subject = str(descriptor.digest)
        loaded = self.load_object(name, subject, findings)
        if loaded is None:
            if descriptor.data is None or self.store.find(name) is not None:
                return None
            if not self._fits(descriptor.data, subject, findings):
                return None
            value, problems = parse_json(descriptor.data, self.store.limits.json_depth)
            self._settle(descriptor.data, value)
            tell(problems, subject, findings)
            return Loaded(descriptor.data, value if isinstance(value, dict) else None, "")
        check_blob(loaded.data, descriptor.digest, descriptor.size, findings)
        return loaded


def check_blob(
    data: bytes, digest: Digest | None, size: int | None, findings: FindingCollector
) -> None:
    """Hold a document's bytes against what its descriptor says of them."""
    subject = str(digest)
    if digest is not None and digest.supported:
        computed = compute_digest(data, digest.algorithm)
        if computed != subject:
            findings.add("blob-digest-mismatch", subject, f"its bytes hash to {computed}")
    if size is not None and size != len(data):
        findings.add(
            "blob-size-mismatch",
            subject,
            f"it has {len(data):,} bytes, the descriptor says {size:,}",
        )


def tell(problems: list[Problem], subject: str, findings: FindingCollector) -> None:
    """Turn a document's problems into findings about ``subject``."""
    for problem in problems:
        findings.add(problem.rule, subject, problem.message)


def read_config(
    value: JsonObject | None, subject: str, findings: FindingCollector
) -> ImageConfig | None:
    """Read an image config, its problems told under ``subject``."""
    if value is None:
        return None
    problems: list[Problem] = []
    config = parse_config(value, problems)
    tell(problems, subject, findings)
    return config


def missing(
    subject: str, what: str, findings: FindingCollector, severity: Severity | None = None
) -> None:
    """Say that a blob is not in the archive."""
    findings.add("blob-missing", subject, f"{what} is not in the archive", severity)
