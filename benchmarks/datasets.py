"""What is measured on: made on first use, kept where ``--keep`` says, found again there."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import MIB
from benchmarks.images import write_archive
from benchmarks.layers import (
    Contents,
    Deletions,
    write_large,
    write_mixed,
    write_small,
)
from benchmarks.tars import Output

VERSION = 1
"""Goes up when the same call makes other bytes, so that kept data is not mistaken for it."""

ALL = ("none", "gzip", "zstd")
Layers = Iterator[Callable[[Output], None]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A kind of image. ``layers`` writes them, large or (for a quick run) small, bottom to top."""

    about: str
    layers: Callable[[bool], Layers]
    compressions: tuple[str, ...] = ALL


def _base(quick: bool) -> Layers:
    contents = Contents(0)
    whole = 8_000_000 if quick else 500_000_000
    for i, share in enumerate((0.5, 0.2, 0.15, 0.1, 0.05)):
        size = int(whole * share)
        yield partial(write_mixed, contents=contents, seed=i, size=size, mean=24_000)


def _one(quick: bool) -> Layers:
    size = 4_000_000 if quick else 500_000_000
    yield partial(write_mixed, contents=Contents(1), seed=0, size=size, mean=24_000)


def _small(quick: bool) -> Layers:
    contents = Contents(2)
    files = 2_000 if quick else 100_000
    for i in range(2):
        yield partial(write_small, contents=contents, seed=i, files=files, largest=2_000)


def _layers(quick: bool) -> Layers:
    contents = Contents(3)
    count, size = (10, 100_000) if quick else (100, 2_000_000)
    for i in range(count):
        yield partial(write_mixed, contents=contents, seed=i, size=size, mean=12_000)


def deletions(quick: bool) -> tuple[Deletions, int]:
    """The layers of ``whiteouts``, and how many there are."""
    if quick:
        return Deletions(4, files=400, whiteouts=40, opaque=2), 5
    return Deletions(4, files=3_500, whiteouts=400, opaque=10), 50


def _whiteouts(quick: bool) -> Layers:
    image, count = deletions(quick)
    for i in range(count):
        yield partial(image.write, index=i)


def _wide(quick: bool) -> Layers:
    contents = Contents(5)
    size = 500_000 if quick else 32_000_000
    for i in range(16):
        yield partial(write_mixed, contents=contents, seed=i, size=size, mean=24_000)


def _big(quick: bool) -> Layers:
    yield partial(write_large, files=1 if quick else 32)


def _tiny(_quick: bool) -> Layers:
    yield partial(write_mixed, contents=Contents(6, MIB), seed=0, size=100_000, mean=1_000)


DATASETS = {
    "base": Dataset("five layers of 50, 20, 15, 10 and 5 % of 500 MB", _base),
    "one": Dataset("one layer of 500 MB", _one),
    "small": Dataset("two layers of 100,000 files of up to 2 kB", _small),
    "layers": Dataset("100 layers of 2 MB", _layers),
    "whiteouts": Dataset("50 layers of 4,000 entries, 400 of them whiteouts", _whiteouts),
    "wide": Dataset("16 layers of 32 MB", _wide, ("gzip", "zstd")),
    "big": Dataset("one layer of 2 GB", _big, ("none",)),
    "tiny": Dataset("one layer of 100 kB, for what is done before the clock runs", _tiny),
}


@dataclass(frozen=True, slots=True)
class Many:
    """Images of ``layers`` layers each, of which all but ``own`` are in every one of them."""

    archives: int
    layers: int
    own: int


MANY = Many(archives=50, layers=20, own=2)


class Data:
    """The archives, under one folder."""

    def __init__(
        self, folder: Path, quick: bool, tell: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._folder = folder / f"data-{VERSION}-{'quick' if quick else 'full'}"
        self._quick = quick
        self._tell = tell

    def archive(self, name: str, how: str) -> Path:
        """The archive of a data set with layers compressed ``how``; made if it is not there."""
        path = self._folder / f"{name}-{how}.tar"
        if not path.exists():
            self._make(name)
        return path

    def layout(self, name: str, how: str) -> Path:
        """The same as an OCI layout in a folder, for programs that read no archive."""
        path = self._folder / f"{name}-{how}.layout"
        if not path.exists():
            work = path.with_suffix(".part")
            shutil.rmtree(work, ignore_errors=True)
            with tarfile.open(self.archive(name, how)) as tar:
                tar.extractall(work, filter="data")
            work.rename(path)
        return path

    def many(self, how: str) -> Path:
        """A folder with the archives of :data:`MANY`; 900 of their 1,000 layers are shared."""
        folder = self._folder / f"many-{how}"
        if folder.exists():
            return folder
        self._tell(f"making many, {how}: {MANY.archives} archives of {MANY.layers} layers")
        contents, size = Contents(7), 20_000 if self._quick else 500_000
        work, parts = folder.with_suffix(".part"), folder.with_suffix(".work")
        for one in (work, parts):
            shutil.rmtree(one, ignore_errors=True)
            one.mkdir(parents=True)

        def layer(seed: int) -> Path:
            path = parts / f"{seed}.tar"
            with path.open("wb", buffering=MIB) as output:
                write_mixed(output, contents, seed, size, 12_000)
            return path

        shared = [layer(seed) for seed in range(MANY.layers - MANY.own)]
        for number in range(MANY.archives):
            first = len(shared) + number * MANY.own
            own = [layer(seed) for seed in range(first, first + MANY.own)]
            write_archive(work / f"{number:02}.tar", [*shared, *own], how)
        shutil.rmtree(parts)
        work.rename(folder)
        return folder

    def _make(self, name: str) -> None:
        dataset = DATASETS[name]
        self._tell(f"making {name}: {dataset.about}{', in small' if self._quick else ''}")
        work = self._folder / f"{name}.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        layers = []
        for i, write in enumerate(dataset.layers(self._quick)):
            layers.append(work / f"{i}.tar")
            with layers[-1].open("wb", buffering=MIB) as output:
                write(output)
        for how in dataset.compressions:
            write_archive(self._folder / f"{name}-{how}.tar", layers, how)
        shutil.rmtree(work)


@dataclass(frozen=True, slots=True)
class Blob:
    """Where a layer lies in an archive."""

    offset: int
    size: int


def layer_blobs(archive: Path) -> list[Blob]:
    """The layers of an archive of ours, bottom to top, as its ``manifest.json`` names them."""
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar}
    names = layer_names(archive)
    return [Blob(members[name].offset_data, members[name].size) for name in names]


def layer_names(archive: Path) -> list[str]:
    """The members that are layers, bottom to top."""
    with tarfile.open(archive) as tar:
        listing = tar.extractfile("manifest.json")
        assert listing is not None
        names: list[str] = json.load(listing)[0]["Layers"]
    return names


def describe(archive: Path) -> str:
    """An archive in a few words, such as ``base gzip: 5 layers, 226 MB``."""
    name, _, how = archive.stem.partition("-")
    blobs = layer_blobs(archive)
    size = sum(blob.size for blob in blobs)
    layers = "1 layer" if len(blobs) == 1 else f"{len(blobs)} layers"
    return f"{name} {how}: {layers}, {size / 1e6:,.{0 if size > 1e7 else 1}f} MB"
