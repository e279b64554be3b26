"""Random stacks of layers on a real folder: the kernel unpacks them, and the trees are the same.

A stack is told by its seed. More of them than a run of the tests takes, with what goes wrong:

    python tests/filesystem/test_model_on_disk.py 100000
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from support.disk import Disk, Opener, Step, Tree, packed, random_stack, tar_of, tree_of
from support.images import Archive, ImageBuilder, docker_archive, oci_layout
from support.scans import table_of

from oci_inspect import open_archive
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import scan_layer
from oci_inspect.stream.source import BytesSource

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into folders without rights"
)


SHARES = 8
IN_MEMORY = 200  # stacks of each share
IN_ARCHIVES = 40


class Model:
    """A stack on disk: what each layer leaves behind, on top of the others and by itself."""

    def __init__(self, layers: Sequence[Sequence[Step]], folder: Path) -> None:
        stack = Disk(folder / "stack")
        self.layers: list[list[Step]] = []
        self.up_to: list[Tree] = []
        self.alone: list[Tree | None] = []
        for i, layer in enumerate(layers):
            self.layers.append(stack.apply(layer))
            self.up_to.append(stack.tree())
            alone = Disk(folder / f"{i}")
            plain = alone.apply(self.layers[-1]) == self.layers[-1]
            self.alone.append(alone.tree() if plain else None)


def merged(tables: Sequence[EntryTable], blobs: Sequence[bytes]) -> UnionTree:
    return replace(merge(tables, FindingCollector()).tree, files=Opener(tables, blobs))


def check_in_memory(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    model = Model(random_stack(chance), folder)
    form = chance.choice(("pax", "gnu"))
    blobs = [packed(tar_of(layer, form), chance) for layer in model.layers]
    tables = [scan_layer(BytesSource(blob)).table for blob in blobs]
    for i, tree in enumerate(model.up_to):
        assert tree_of(merged(tables[: i + 1], blobs)) == tree, f"seed {seed}, up to {i}"
    for i, tree in enumerate(model.alone):
        if tree is not None:
            alone = merged([EntryTable()] * i + [tables[i]], blobs)
            assert tree_of(alone) == tree, f"seed {seed}, layer {i}"


def archive_of(layers: Sequence[bytes], chance: random.Random) -> Archive:
    image = ImageBuilder("example/app:1")
    kind = chance.choice(("docker", "podman", "oci", "oci"))
    for tar in layers:
        compression = chance.choice(("none", "gzip", "zstd")) if kind == "oci" else "none"
        image.layer(tar, compression=compression)
    return oci_layout(image) if kind == "oci" else docker_archive(image, style=kind)


def check_in_archive(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    model = Model(random_stack(chance), folder)
    archive = archive_of([tar_of(layer) for layer in model.layers], chance)
    how = chance.choice(("none", "none", "none", "gzip", "zstd"))
    path = archive.write_file(folder / "archive", how)
    with open_archive(path, keep=True) as opened:
        assert tree_of(opened.tree()) == model.up_to[-1], f"seed {seed}"
        stack = opened.look(contents=chance.random() < 0.5)
        assert stack.problems == [] and stack.doubts == ()
        for i, tree in enumerate(model.up_to):
            assert tree_of(stack.tree(up_to=i)) == tree, f"seed {seed}, up to {i}"
        for i, tree in enumerate(model.alone):
            if tree is not None:
                assert tree_of(stack.tree(layer=i)) == tree, f"seed {seed}, layer {i}"
                assert tree_of(opened.tree(layer=i)) == tree, f"seed {seed}, layer {i}"


SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(name="scratch")
def _scratch() -> Iterator[Path]:
    """A folder in memory where there is one: a busy disk would take many times as long."""
    where = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


@pytest.mark.parametrize("share", range(SHARES))
def test_trees_are_what_the_kernel_makes_of_the_layers(share: int, scratch: Path) -> None:
    for seed in range(share * IN_MEMORY, (share + 1) * IN_MEMORY):
        check_in_memory(seed, scratch / str(seed))
        shutil.rmtree(scratch / str(seed))


@pytest.mark.parametrize("share", range(SHARES))
def test_trees_of_archives_are_what_the_kernel_makes(share: int, scratch: Path) -> None:
    for seed in range(share * IN_ARCHIVES, (share + 1) * IN_ARCHIVES):
        check_in_archive(seed, scratch / str(seed))
        shutil.rmtree(scratch / str(seed))


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_trees_are_what_the_kernel_makes_of_stacks_that_get_smaller(chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Model(random_stack(chance), Path(folder) / "model")
        blobs = [tar_of(layer) for layer in model.layers]
        tables = [table_of(blob) for blob in blobs]
        assert tree_of(merged(tables, blobs)) == model.up_to[-1]


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(10**6, 10**6 + count):
            check = check_in_archive if seed % 8 == 0 else check_in_memory
            check(seed, Path(folder) / str(seed))
            shutil.rmtree(Path(folder) / str(seed))
            if seed % 1000 == 999:
                print(seed - 10**6 + 1, "stacks agree", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
