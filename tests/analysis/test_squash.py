"""Squashing on paper, held against squashing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from support.images import ImageBuilder, docker_archive, oci_layout
from support.naive_merge import Inode, NaiveMerge, Op
from support.random_layers import LAYERS, tar_of
from support.scans import Stack
from support.tars import TarBuilder, gnu_sparse

from oci_inspect import ImageAnalysis, SelectionError, analyze, open_archive
from oci_inspect.analysis.squash import WhatIf, left_out, what_if

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"


def squashed(before: dict[str, Inode], after: dict[str, Inode], first: int) -> list[Op]:
    """One layer that makes the paths ``after`` of those ``before``, all by hand.

    What is not, or no longer the same, is deleted; what came from layer ``first`` or above is
    added, each inode once and its other names as hard links.
    """
    kept = {
        path
        for path, inode in before.items()
        if path in after
        and (after[path] is inode or (inode.kind == "dir" and after[path].kind == "dir"))
    }
    ops = [Op("whiteout", path) for path in before if path not in kept]
    names: dict[int, str] = {}
    links = []
    for path in sorted(after):
        inode = after[path]
        if before.get(path) is inode:
            continue
        assume(inode.layer is None or inode.layer >= first)  # a link to what a layer below has
        if inode.kind != "dir" and id(inode) in names:
            links.append(Op("hardlink", path, names[id(inode)]))
        else:
            names[id(inode)] = path
            ops.append(Op(inode.kind, path, inode.text))
    return ops + links


def kinds(stack: Stack) -> dict[str, str]:
    """What each path is; whether a folder has an entry is not asked."""
    return {path: "directory" if k == "implied" else k for path, k in stack.tree.items()}


@given(LAYERS.filter(bool), st.data())
@settings(max_examples=600)
@example([[Op("file", "a", "x")], [Op("file", "a", "yy")], [Op("whiteout", "a")]], None)
def test_what_is_saved_on_paper_is_saved_by_squashing(layers: list[list[Op]], data: Any) -> None:
    first, last = 0, len(layers) - 1
    if data is not None:
        first = data.draw(st.integers(0, len(layers) - 1))
        last = data.draw(st.integers(first, len(layers) - 1))
    naive = NaiveMerge()
    for layer in layers[:first]:
        naive.apply(layer)
    before = dict(naive.paths)
    for layer in layers[first : last + 1]:
        naive.apply(layer)
    one = squashed(before, naive.paths, first)
    whole = Stack(*map(tar_of, layers))
    merged = Stack(*map(tar_of, [*layers[:first], one, *layers[last + 1 :]]))
    assert kinds(merged) == kinds(whole), "this was no squash"
    assert merged.live_bytes == whole.live_bytes
    saved = sum(one.size for one in left_out(whole.merged.dead, first, last))
    assert whole.dead_bytes - merged.dead_bytes == saved
    assert whole.added_bytes - merged.added_bytes == saved


def four_layers(folder: Path) -> ImageAnalysis:
    """0: a 1, b 10, c 100. 1: a 1,000, d 5. 2: b gone, d gone, e twice (9 dead, 8). 3: c gone."""
    image = (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("a", b"1").file("b", b"1" * 10).file("c", b"1" * 100))
        .layer(TarBuilder().file("a", b"1" * 1_000).file("d", b"1" * 5))
        .layer(TarBuilder().whiteout("b").whiteout("d").file("e", b"1" * 9).file("e", b"1" * 8))
        .layer(TarBuilder().whiteout("c"))
    )
    (found,) = analyze(docker_archive(image).write_file(folder / "image.tar")).images
    return found


@pytest.mark.parametrize(
    ("spec", "saved", "files", "left"),
    [
        ("all", 1 + 10 + 100 + 5 + 9, 5, 1),
        ("..", 1 + 10 + 100 + 5 + 9, 5, 1),
        ("0..-1", 1 + 10 + 100 + 5 + 9, 5, 1),
        ("0..1", 1, 1, 3),
        ("..1", 1, 1, 3),
        ("1..2", 5 + 9, 2, 3),
        ("2", 9, 1, 4),
        ("-2", 9, 1, 4),
        ("2..", 9, 1, 3),
        ("0..1,2..3", 1 + 9, 2, 2),
        (" 2..3 , 0..1 ", 1 + 9, 2, 2),
        ("3", 0, 0, 4),
    ],
)
def test_which_dead_files_a_squash_leaves_out(
    spec: str, saved: int, files: int, left: int, tmp_path: Path
) -> None:
    found = what_if(four_layers(tmp_path), spec, [None] * 4)
    assert found.saved_bytes == sum(one.saved_bytes for one in found.squashes) == saved
    assert sum(one.files for one in found.squashes) == files
    assert (found.layers_before, found.layers_after) == (4, left)
    assert found.wasted_bytes == 1 + 10 + 100 + 5 + 9 - saved


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "names no layers"),
        (",", "names no layers"),
        ("0..1,", "names no layers"),
        ("a", "names no layers"),
        ("all,2", "names no layers"),
        ("1...2", "names no layers"),
        ("0-3", "names no layers"),
        ("-2-1", "names no layers"),
        ("1234567890", "names no layers"),
        ("1.5", "names no layers"),
        ("9" * 40, "names no layers"),
        ("٣", "names no layers"),
        ("2..1", "ends before it begins"),
        ("-1..0", "ends before it begins"),
        ("0..2,2..3", "layer 2 in two ranges"),
        ("4", "no layer 4"),
        ("0..4", "no layer 4"),
        ("-5", "no layer -5"),
        ("own", "nothing tells of a base"),
    ],
)
def test_layers_that_cannot_be_squashed(spec: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match=said):
        what_if(four_layers(tmp_path), spec, [None] * 4)


def test_an_image_without_layers(tmp_path: Path) -> None:
    (image,) = analyze(docker_archive(ImageBuilder("a:1")).write_file(tmp_path / "i.tar")).images
    with pytest.raises(SelectionError, match="no layers to squash"):
        what_if(image, "all", [])


def of_app(spec: str) -> WhatIf:
    with open_archive(REAL / "docker26-app.tar") as archive:
        return archive.what_if(archive.analyze().images[0], spec)


def test_the_user_s_own_layers_of_the_app() -> None:
    """1,675 and 5 of layer 8, 700 of layer 6, 15 of layer 4; the base has layers 0 to 2."""
    (own,) = of_app("own").squashes
    assert (own.first, own.last, own.files, own.saved_bytes) == (3, 10, 4, 2_395)
    assert (own.base_layers, own.base_bytes) == (0, 0)
    assert of_app("own").wasted_bytes == 69_109 - 2_395


def test_what_of_a_squash_is_the_base_s() -> None:
    """Layer 2 has 66,700 bytes: 60,000 + 700 + 1,000 + 2,000 + 3,000."""
    (one,) = of_app("2..5").squashes
    assert one.saved_bytes == 60_000
    assert (one.base_layers, one.base_bytes) == (1, 66_700)


def test_an_end_of_the_base_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    image = ImageBuilder("a:1").layer(TarBuilder().file("a", b"1"), created_by="RUN a")
    name = {"org.opencontainers.image.base.name": "x:1"}
    image.patch_manifest(lambda manifest: manifest.update(annotations=name))
    (found,) = analyze(oci_layout(image).write_file(tmp_path / "i.tar")).images
    with pytest.raises(SelectionError, match="nothing tells where the base ends"):
        what_if(found, "own", [1])
    (squash,) = what_if(found, "all", [1]).squashes
    assert (squash.base_layers, squash.base_bytes) == (None, None)


def test_saved_bytes_weigh_as_much_as_their_layer_compressed(tmp_path: Path) -> None:
    """Of the tar of the lower layer a third of the bytes die; gzip made it as small as it is."""
    tar = TarBuilder().file("a", bytes(range(256)) * 40).file("b", b"1" * 3_000)
    image = ImageBuilder("a:1").layer(tar, compression="gzip").layer(TarBuilder().whiteout("b"))
    path = oci_layout(image).write_file(tmp_path / "image.tar")
    with open_archive(path) as archive:
        found = archive.what_if(archive.analyze().images[0], "all")
    plain = tar.build()
    wanted = round(3_000 * len(gzip.compress(plain, mtime=0)) / len(plain))
    assert found.saved_compressed == found.squashes[0].saved_compressed == wanted
    assert found.squashes[0].unknown == ()


def test_no_estimate_where_nothing_tells_of_a_layer_that_has_dead_bytes(tmp_path: Path) -> None:
    image = four_layers(tmp_path)
    found = what_if(image, "0..1,2..3", [None, 100, 100, None])
    low, high = found.squashes
    assert (low.saved_compressed, low.unknown) == (None, (0,))
    assert high.saved_compressed is not None and high.unknown == ()
    assert found.saved_compressed is None
    assert found.saved_bytes == 10


def test_no_more_is_saved_of_a_layer_than_it_has(tmp_path: Path) -> None:
    """A sparse file is longer than its layer."""
    tar = TarBuilder().raw(gnu_sparse(b"hole", [(0, 1)], b"1", 10_000_000))
    image = ImageBuilder("a:1").layer(tar).layer(TarBuilder().whiteout("hole"))
    (found,) = analyze(oci_layout(image).write_file(tmp_path / "image.tar")).images
    assert found.totals.wasted_bytes == 10_000_000
    assert what_if(found, "all", [300, 100]).saved_compressed == 300
