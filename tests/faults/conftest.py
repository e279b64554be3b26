"""What the tests of faults share: a server of processes, and archives that give work to do."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import APP
from support.forks import Forks
from support.moments import busy_archive

SLOW = os.environ.get("OCI_INSPECT_SLOW") == "1"
"""Whether there is time for all of it: see docs/testing.md."""


@pytest.fixture(name="forks", scope="session")
def _forks() -> Iterator[Forks]:
    forks = Forks(APP)
    yield forks
    forks.close()


@pytest.fixture(name="busy", scope="session")
def _busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busy_archive(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="session", autouse=True)
def _signals_as_at_a_terminal() -> Iterator[None]:
    """What a shell starts in the background, or nohup, ignores some of them; so would ours."""
    ignored = [
        one for one in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_IGN
    ]
    for one in ignored:
        signal.signal(one, signal.SIG_DFL)
    yield
    for one in ignored:
        signal.signal(one, signal.SIG_IGN)
