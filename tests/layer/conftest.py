"""The two scanners behind one fixture: a test that takes ``scan`` runs once with each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from layer.agreement import Seen, agreed, fast, slow

from oci_inspect.limits import DEFAULT_LIMITS, Limits

SCANNERS = {"fast": fast, "reference": slow}


@pytest.fixture(params=SCANNERS)
def scan(request: pytest.FixtureRequest) -> Callable[..., Seen]:
    """Scan bytes with one of the scanners, after both were found to agree on them."""

    def run(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Seen:
        agreed(data, limits)
        return SCANNERS[request.param](data, limits)

    return run
