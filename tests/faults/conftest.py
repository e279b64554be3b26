"""What the tests of faults share: a server of processes, and archives that give work to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import APP
from support.forks import Forks
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

SLOW = os.environ.get("OCI_INSPECT_SLOW") == "1"
"""Whether there is time for all of it: see docs/testing.md."""


@pytest.fixture(name="forks", scope="session")
def _forks() -> Iterator[Forks]:
    forks = Forks(APP)
    yield forks
    forks.close()


@pytest.fixture(name="busy", scope="session")
def _busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that takes a moment, and whose listings are larger than a pipe."""
    image = ImageBuilder("example/busy:1")
    for number in range(3):
        layer = TarBuilder()
        for i in range(800):
            name = f"folder{i % 7}/{number}-{i:05}-" + "n" * 40
            layer.file(name, b"%d" % i * 40, mtime=i, mode=0o640)
        layer.file(f"large{number}", os.urandom(1 << 16) * 8)
        layer.file("site/index.html", b"%d" % number)
        image.layer(layer, compression=("none", "gzip", "zstd")[number])
    return docker_archive(image).write_file(tmp_path_factory.mktemp("busy") / "busy.tar")
