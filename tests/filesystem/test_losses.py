"""What is in the layers and not in the result: against a naive merge, and by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from support.archives import FORMS, delivered
from support.images import ImageBuilder, oci_layout
from support.naive_changes import random_ops, tar_of, watched
from support.scans import table_of
from support.tars import TarBuilder

from oci_inspect import open_archive
from oci_inspect.errors import SelectionError
from oci_inspect.filesystem.journal import Losses
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import IMPLIED, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import scan_layer
from oci_inspect.stream.source import BytesSource

STACKS = 500


def lost(tables: Sequence[EntryTable]) -> tuple[UnionTree, Losses]:
    losses = Losses()
    return merge(tables, FindingCollector(), journal=losses).tree, losses


@pytest.mark.parametrize("share", range(2))
def test_losses_are_all_names_that_a_naive_merge_takes_away(share: int) -> None:
    for seed in range(share * STACKS, (share + 1) * STACKS):
        layers = random_ops(random.Random(seed))
        tree, losses = lost([table_of(tar_of(layer)) for layer in layers])
        told = Counter(
            (
                one.path.decode(),
                None if one.reference == IMPLIED else tree.layer_of(one.reference),
                one.reason.value,
                one.removed_in,
            )
            for one in losses
        )
        naive = watched(layers).losses
        assert told == Counter(
            (one.path, one.layer, one.reason, one.removed_in) for one in naive
        ), f"seed {seed}"
        assert len(losses) == len(naive)
        assert [one.path for one in losses] == sorted(one.path for one in losses)


@pytest.mark.parametrize("share", range(2))
def test_every_name_that_a_layer_gave_is_in_the_result_or_among_the_losses(share: int) -> None:
    for seed in range(share * STACKS, (share + 1) * STACKS):
        layers = random_ops(random.Random(seed))
        tables = [table_of(tar_of(layer)) for layer in layers]
        tree, losses = lost(tables)
        there = {(path, node) for path, node, _ in tree.walk() if isinstance(node, int)}
        gone = {(one.path, one.reference) for one in losses}
        for i in range(len(tables)):
            below = merge(tables[: i + 1], FindingCollector()).tree
            for path, node, _ in below.walk():
                if isinstance(node, int):
                    assert (path, node) in there | gone, f"seed {seed}, {path!r}"


# By hand


def seen(*layers: TarBuilder) -> list[tuple[str, str, int]]:
    """Path, reason, and the layer that took it away."""
    _, losses = lost([scan_layer(BytesSource(one.build())).table for one in layers])
    return [(one.path.decode(), one.reason.value, one.removed_in) for one in losses]


def base() -> TarBuilder:
    return TarBuilder().dir("d").file("d/f", b"1").symlink("d/s", "f").file("i/x", b"2").fifo("p")


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        (TarBuilder(), []),
        (TarBuilder().dir("d", mode=0).file("n"), []),
        (TarBuilder().whiteout("d/f"), [("d/f", "deleted", 1)]),
        (
            TarBuilder().whiteout("d"),
            [("d", "deleted", 1), ("d/f", "deleted", 1), ("d/s", "deleted", 1)],
        ),
        (TarBuilder().whiteout("i"), [("i", "deleted", 1), ("i/x", "deleted", 1)]),
        (TarBuilder().opaque("d"), [("d/f", "opaque", 1), ("d/s", "opaque", 1)]),
        (TarBuilder().file("d/f", b"9"), [("d/f", "overwritten", 1)]),
        (TarBuilder().file("d/f", b"1", mode=0), [("d/f", "rewritten", 1)]),
        (TarBuilder().fifo("d/f"), [("d/f", "replaced", 1)]),
        (TarBuilder().dir("d/f"), [("d/f", "replaced", 1)]),
        (TarBuilder().file("d/f/x"), [("d/f", "replaced", 1)]),
        (TarBuilder().symlink("d/s", "g"), [("d/s", "replaced", 1)]),
        (TarBuilder().file("p", b""), [("p", "overwritten", 1)]),
        (TarBuilder().hardlink("d/f", "i/x"), [("d/f", "overwritten", 1)]),
        (
            TarBuilder().symlink("d", "i"),
            [("d", "replaced", 1), ("d/f", "replaced", 1), ("d/s", "replaced", 1)],
        ),
        (TarBuilder().file("n", b"1").file("n", b"1"), [("n", "shadowed", 1)]),
        (TarBuilder().file("n", b"1").dir("n"), [("n", "shadowed", 1)]),
        (TarBuilder().symlink("n", "x").fifo("n"), [("n", "shadowed", 1)]),
    ],
    ids=range(18),
)
def test_losses_say_why_and_by_whom(over: TarBuilder, expected: list[tuple[str, str, int]]) -> None:
    assert seen(base(), over) == expected


def test_each_loss_of_a_path_is_told_the_oldest_first() -> None:
    layers = [TarBuilder().file("a", b"%d" % i) for i in range(3)]
    assert seen(*layers, TarBuilder().whiteout("a")) == [
        ("a", "overwritten", 1),
        ("a", "overwritten", 2),
        ("a", "deleted", 3),
    ]


def test_lost_entries_can_be_looked_up() -> None:
    tables = [table_of(base()), table_of(TarBuilder().whiteout("d/f"))]
    tree, losses = lost(tables)
    (one,) = losses
    layer, row = tree.locate(one.reference)
    assert (layer, tree.tables[layer].paths[row]) == (0, b"d/f")


@pytest.mark.parametrize("form", ["file", "folder", "gzip"])
def test_stack_tells_losses_and_opens_what_was_lost(form: str, tmp_path: object) -> None:
    from pathlib import Path

    assert form in FORMS and isinstance(tmp_path, Path)
    image = ImageBuilder("example/app:1").layer(base()).layer(TarBuilder().file("d/f", b"99"))
    image.layer(TarBuilder().whiteout("d"), compression="gzip")
    with delivered(oci_layout(image), form, tmp_path) as path, open_archive(path, keep=True) as one:
        stack = one.look(contents=True)
        tree, losses = stack.lost()
        assert [
            (each.path, each.reason.value, stack.files.open(*tree.locate(each.reference)).read(9))
            for each in losses
            if each.path == b"d/f"
        ] == [(b"d/f", "overwritten", b"1"), (b"d/f", "deleted", b"99")]
        below, first = stack.lost(up_to=1)
        assert below.lookup(b"d/f") is not None
        assert [each.path for each in first] == [b"d/f"]
        with pytest.raises(SelectionError, match="its layers are 0 to 2"):
            stack.lost(up_to=3)
