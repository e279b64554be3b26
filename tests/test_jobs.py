"""However many threads read, and whoever does the work: the same answer, in every byte."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from support.archives import delivered
from support.images import Archive, ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import Limits, analyze, open_archive
from oci_inspect.render.json import analysis_document, dumps

JOBS = (2, 3, 16)
PIECE = 4096


@pytest.fixture(autouse=True)
def _many_pieces() -> Iterator[None]:
    """Small pieces, each of them worth a helper: whatever can go out of order does."""
    with (
        patch("oci_inspect.layer.scan.CHUNK", PIECE),
        patch("oci_inspect.layer.scan.PLAIN", 1),
        patch("oci_inspect.lanes.WORTH", 1),
    ):
        yield


def tar(seed: int, files: int) -> bytes:
    generator = random.Random(seed)
    builder = TarBuilder("pax" if seed % 2 else "gnu")
    for i in range(files):
        name = f"d{i % 7}/f{i}" if generator.random() < 0.9 else f"d{i % 7}/.wh.f{i - 7}"
        builder.file(
            name, b"" if ".wh." in name else generator.randbytes(generator.randrange(9000))
        )
    return builder.build()


def image(compression: str) -> ImageBuilder:
    built = ImageBuilder("a:1")
    for seed, files in enumerate((150, 40, 3, 60)):
        built.layer(tar(seed, files), compression=compression)
    return built


def damaged(archive: Archive, built: ImageBuilder, how: str) -> Archive:
    blob = built.layers[0].blob
    half = len(blob) // 2
    if how == "cut":
        new = blob[:half]
    elif how == "flipped":
        new = blob[:half] + bytes([blob[half] ^ 0xFF]) + blob[half + 1 :]
    else:
        new = blob + b"garbage behind its end"
    archive.replace(blob_name(blob), new)
    return archive


def answer(path: str, jobs: int, limits: Limits) -> str:
    return dumps(analysis_document(analyze(path, jobs=jobs, limits=limits)))


@pytest.mark.parametrize(
    "compression", ["none", "gzip", "gzip-members", "zstd", "zstd-frames", "xz"]
)
@pytest.mark.parametrize("how", ["whole", "cut", "flipped", "longer", "limited"])
def test_an_image_of_several_layers(compression: str, how: str, tmp_path: Path) -> None:
    built = image(compression)
    archive = oci_layout(built)
    limits = Limits(entries=50) if how == "limited" else Limits()
    if how in ("cut", "flipped", "longer"):
        damaged(archive, built, how)
    path = str(archive.write_file(tmp_path / "x.tar"))
    alone = answer(path, 1, limits)
    for jobs in JOBS:
        assert answer(path, jobs, limits) == alone, jobs


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_one_single_layer(compression: str, tmp_path: Path) -> None:
    built = ImageBuilder("a:1").layer(tar(5, 300), compression=compression)
    path = str(oci_layout(built).write_file(tmp_path / "x.tar"))
    alone = answer(path, 1, Limits())
    for jobs in JOBS:
        assert answer(path, jobs, Limits()) == alone, jobs


@pytest.mark.parametrize("form", ["fifo", "gzip", "stdin"])
def test_a_stream(form: str, tmp_path: Path) -> None:
    archive = docker_archive(image("none"), style="skopeo")
    answers = set()
    for jobs in (1, *JOBS):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        with delivered(archive, form, folder) as path:
            answers.add(answer(path, jobs, Limits()).replace(str(folder), ""))
    assert len(answers) == 1


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_no_more_threads_than_asked_for_and_none_left_behind(jobs: int, tmp_path: Path) -> None:
    path = oci_layout(image("gzip")).write_file(tmp_path / "x.tar")
    before = threading.active_count()
    most = before
    update = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        nonlocal most
        update(thread)
        most = max(most, threading.active_count())

    with patch.object(threading.Thread, "start", counted), open_archive(path, jobs=jobs) as archive:
        archive.analyze(jobs=jobs)
    assert most - before <= jobs - 1
    assert threading.active_count() == before
