"""What becomes of rows whose metadata is more than all entries of an archive may take together.

Layers are read side by side, so that who is the one too many is an accident. Therefore all of them
lose their rows that had a part in it, and what is told does not depend on who came first.
"""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import Finding, finding
from oci_inspect.limits import Allowance


class Rows(Protocol):
    """The rows of a layer, however they were read."""

    @property
    def excess(self) -> int:
        """Bytes of their metadata that count (``metadata_bytes``)."""
        ...

    def unlisted(self, reason: Finding) -> Self:
        """The same layer without its rows, and why."""
        ...


R = TypeVar("R", bound=Rows)


def exceeded(allowance: Allowance) -> LimitExceededError:
    """The error of an allowance that is over."""
    return allowance.exceeded("names, link targets and attributes of all entries")


def bounded(rows: R, allowance: Allowance) -> R:
    """What was read, without its rows where these had a part in that the allowance is over.

    Whoever shares an allowance asks once more when all have been read.
    """
    if not (rows.excess and allowance.over):
        return rows
    return rows.unlisted(finding("limit-exceeded", "", str(exceeded(allowance))))
