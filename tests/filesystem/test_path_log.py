"""The history of one path: against snapshots of a naive merge, and by hand."""

from __future__ import annotations

import random

import pytest
from support.naive_changes import differences, random_ops, tar_of, watched
from support.naive_merge import Inode
from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.filesystem.tree import IMPLIED, UnionTree

STACKS = 250

Event = tuple[int, str, tuple[str, ...], int | None, int | None]
"""Layer, letter, why, and the layers of what was and is there (None: implied, -1: nothing)."""


def events_of(tree: UnionTree, path: str) -> list[Event]:
    def layer(reference: int | None) -> int | None:
        if reference is None:
            return -1
        return None if reference == IMPLIED else tree.layer_of(reference)

    return [
        (one.layer_index, one.kind.letter, one.why, layer(one.before), layer(one.after))
        for one in tree.log(path)
    ]


def naive_events(snapshots: list[dict[str, Inode]], path: str) -> list[Event]:
    found: list[Event] = []
    for i in range(1, len(snapshots)):
        old, new = snapshots[i - 1].get(path), snapshots[i].get(path)
        before, after = (-1 if one is None else one.layer for one in (old, new))
        if old is new or before is after is None:
            continue
        if old is None or new is None:
            found.append((i - 1, "A" if old is None else "D", (), before, after))
        else:
            found.append((i - 1, "C", differences(old, new), before, after))
    return found


@pytest.mark.parametrize("share", range(2))
def test_log_is_the_row_of_differences_between_snapshots(share: int) -> None:
    for seed in range(share * STACKS, (share + 1) * STACKS):
        layers = random_ops(random.Random(seed))
        tree = Stack(*map(tar_of, layers)).merged.tree
        snapshots = watched(layers).snapshots
        paths = {path for one in snapshots for path in one}
        for path in [*sorted(paths), "none", "a/none", "b/a/none"]:
            assert events_of(tree, path) == naive_events(snapshots, path), f"seed {seed}, {path}"


@pytest.mark.parametrize("share", range(2))
def test_whatever_is_deleted_says_how_and_with_what(share: int) -> None:
    for seed in range(share * STACKS, (share + 1) * STACKS):
        layers = random_ops(random.Random(seed))
        tree = Stack(*map(tar_of, layers)).merged.tree
        for path in {path for one in watched(layers).snapshots for path in one}:
            for event in tree.log(path):
                assert (event.reason is not None) == (event.kind.letter == "D")
                if event.unit is not None:
                    unit = event.unit.decode()
                    assert unit == "" or path.startswith(unit + "/"), f"seed {seed}"


# By hand


def logged(path: str, *layers: TarBuilder) -> list[tuple[int, str, str, str, str | None]]:
    """Layer, letter, what is different, how it was deleted, and with what."""
    return [
        (
            one.layer_index,
            one.kind.letter,
            " ".join(one.why),
            one.reason.value if one.reason else "",
            None if one.unit is None else one.unit.decode(),
        )
        for one in Stack(*layers).merged.tree.log(path)
    ]


def base() -> TarBuilder:
    return TarBuilder().dir("d").file("d/f", b"1").file("d/sub/g", b"2")


MADE = (0, "A", "", "", None)


def test_made_and_never_touched_again() -> None:
    assert logged("d/f", base(), TarBuilder().file("d/other")) == [MADE]


def test_made_later() -> None:
    assert logged("n", base(), TarBuilder(), TarBuilder().file("n")) == [(2, "A", "", "", None)]


def test_never_made() -> None:
    assert logged("none", base(), TarBuilder().whiteout("none")) == []


def test_changed_says_in_what() -> None:
    over = TarBuilder().file("d/f", b"2"), TarBuilder().file("d/f", b"2", mode=0o600)
    same = TarBuilder().file("d/f", b"2", mode=0o600)
    assert logged("d/f", base(), *over, same) == [
        MADE,
        (1, "C", "content", "", None),
        (2, "C", "mode", "", None),
        (3, "C", "", "", None),
    ]


def test_deleted_by_itself() -> None:
    assert logged("d/f", base(), TarBuilder().whiteout("d/f")) == [
        MADE,
        (1, "D", "", "deleted", None),
    ]


def test_folder_that_is_deleted_goes_by_itself() -> None:
    assert logged("d", base(), TarBuilder().whiteout("d")) == [MADE, (1, "D", "", "deleted", None)]


@pytest.mark.parametrize("path", ["d/f", "d/sub", "d/sub/g"])
def test_deleted_with_a_folder_above(path: str) -> None:
    assert logged(path, base(), TarBuilder().whiteout("d")) == [
        MADE,
        (1, "D", "", "deleted", "d"),
    ]


@pytest.mark.parametrize("path", ["d/f", "d/sub", "d/sub/g"])
def test_deleted_with_all_that_was_in_an_opaque_folder(path: str) -> None:
    assert logged(path, base(), TarBuilder().opaque("d")) == [MADE, (1, "D", "", "opaque", "d")]


def test_deleted_by_an_opaque_root() -> None:
    assert logged("d", base(), TarBuilder().opaque()) == [MADE, (1, "D", "", "opaque", "")]


def test_opaque_folder_itself_stays() -> None:
    assert logged("d", base(), TarBuilder().opaque("d")) == [MADE]


def test_gone_because_a_file_replaces_the_folder_above() -> None:
    over = TarBuilder().file("d", b"3")
    assert logged("d/sub/g", base(), over) == [MADE, (1, "D", "", "replaced", "d")]
    assert logged("d", base(), over) == [MADE, (1, "C", "type mode", "", None)]


def test_replaced_by_a_folder_or_a_link() -> None:
    assert logged("d/f", base(), TarBuilder().dir("d/f", mode=0o644)) == [
        MADE,
        (1, "C", "type", "", None),
    ]
    assert logged("d/f", base(), TarBuilder().symlink("d/f", "x", mode=0)) == [
        MADE,
        (1, "C", "type", "", None),
    ]


def test_made_again() -> None:
    layers = TarBuilder().whiteout("d"), TarBuilder(), TarBuilder().file("d/f", b"4")
    assert logged("d/f", base(), *layers) == [
        MADE,
        (1, "D", "", "deleted", "d"),
        (3, "A", "", "", None),
    ]


def test_deleted_and_made_in_one_layer_is_changed() -> None:
    over = TarBuilder().whiteout("d").file("d/f", b"4")
    assert logged("d/f", base(), over) == [MADE, (1, "C", "content", "", None)]
    assert logged("d", base(), over) == [MADE, (1, "C", "metadata", "", None)]


def test_implied_folder_that_gets_an_entry_is_changed() -> None:
    assert logged("d/sub", base(), TarBuilder().dir("d/sub")) == [
        MADE,
        (1, "C", "metadata", "", None),
    ]


def test_second_name_of_a_lower_file_is_made() -> None:
    assert logged("n", base(), TarBuilder().hardlink("n", "d/f")) == [(1, "A", "", "", None)]


def test_path_is_taken_as_written_and_slashes_around_it_do_not_count() -> None:
    link = TarBuilder().symlink("l", "d")
    assert logged("/d/f/", base(), link) == [MADE]
    assert logged("l/f", base(), link) == []
    assert logged("l", base(), link) == [(1, "A", "", "", None)]


def test_log_tells_of_the_layers_of_its_tree_only() -> None:
    tree = Stack(base(), TarBuilder().whiteout("d")).merged.tree
    below = Stack(base()).merged.tree
    assert len(tree.log(b"d/f")) == 2
    assert len(below.log(b"d/f")) == 1


def test_root_is_made_by_the_lowest_layer_and_may_get_an_entry() -> None:
    over = TarBuilder().opaque(), TarBuilder().dir("./", mode=0o700)
    assert logged("/", base(), *over) == [MADE, (2, "C", "metadata", "", None)]
