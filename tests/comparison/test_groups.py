"""Differences rolled up: nothing is lost, nothing counts twice, and a person would say so."""

from __future__ import annotations

import random

import pytest
from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.comparison.files import group_files
from oci_inspect.comparison.results import FileGroup
from oci_inspect.filesystem.comparing import PathDifference, Turn, compare_trees

Row = tuple[str, str, int, int, int]
"""Path, what became of it, paths, bytes before, bytes after."""


def groups(one: TarBuilder, other: TarBuilder) -> list[Row]:
    trees = [Stack(tar).merged.tree for tar in (one, other)]
    return rows(group_files(compare_trees(*trees).differences))


def rows(found: tuple[FileGroup, ...]) -> list[Row]:
    return [
        (
            one.path.decode(),
            one.turn.value if one.content else "metadata",
            one.paths,
            one.size_before,
            one.size_after,
        )
        for one in found
    ]


def test_whole_folder_is_one_group_however_deep() -> None:
    tar = TarBuilder().dir("usr").dir("usr/doc")
    for i in range(50):
        tar.dir(f"usr/doc/p{i}").file(f"usr/doc/p{i}/a", b"1" * i).file(f"usr/doc/p{i}/b", b"2")
    bytes_of_all = sum(range(50)) + 50
    assert groups(TarBuilder(), tar) == [("usr/", "added", 100, 0, bytes_of_all)]
    assert groups(tar, TarBuilder()) == [("usr/", "removed", 100, bytes_of_all, 0)]


def test_folder_that_is_new_beside_others_is_by_itself() -> None:
    one = TarBuilder().dir("usr").file("usr/x", b"1")
    other = TarBuilder().dir("usr").file("usr/x", b"1").file("usr/n/a", b"22").file("usr/n/b", b"3")
    assert groups(one, other) == [("usr/n/", "added", 2, 0, 3)]


def test_new_folder_with_one_file_is_that_file() -> None:
    assert groups(TarBuilder(), TarBuilder().dir("d").file("d/e/f", b"22")) == [
        ("d/e/f", "added", 1, 0, 2)
    ]


def test_empty_folder_is_a_path_by_itself() -> None:
    assert groups(TarBuilder(), TarBuilder().dir("d")) == [("d", "added", 1, 0, 0)]


def test_folder_that_became_a_file_is_one_change_and_what_was_in_it_one_loss() -> None:
    one = TarBuilder().dir("x").file("x/a", b"1" * 100).file("x/b", b"2" * 100)
    assert groups(one, TarBuilder().file("x", b"5")) == [
        ("x/", "removed", 2, 200, 0),
        ("x", "changed", 1, 0, 1),
    ]


def test_largest_growth_or_loss_comes_first_and_metadata_last() -> None:
    one = TarBuilder().file("a/gone", b"1" * 50).file("b/more", b"2" * 10).file("c/same", b"3" * 9)
    other = TarBuilder().file("b/more", b"2" * 110).file("c/same", b"4" * 9).file("d/new", b"5" * 7)
    one.file("e/touched", b"6" * 999)
    other.file("e/touched", b"6" * 999, mode=0o600)
    assert groups(one, other) == [
        ("b/more", "changed", 1, 10, 110),
        ("a/gone", "removed", 1, 50, 0),
        ("d/new", "added", 1, 0, 7),
        ("c/same", "changed", 1, 9, 9),
        ("e/touched", "metadata", 1, 999, 999),
    ]


def test_many_small_changes_in_a_folder_are_one_group() -> None:
    one, other = TarBuilder(), TarBuilder()
    for i in range(30):
        one.file(f"lib/{i}", b"1" * 5)
        other.file(f"lib/{i}", b"2" * 6)
    one.file("lib/large", b"1" * 1000)
    other.file("lib/large", b"2" * 500)
    assert groups(one, other) == [
        ("lib/large", "changed", 1, 1000, 500),
        ("lib/", "changed", 30, 150, 180),
    ]


def test_root_itself_is_a_group() -> None:
    one, other = TarBuilder().dir("./").file("a", mtime=1), TarBuilder().dir("./", mode=0o700)
    assert groups(one, other.file("a", mtime=2)) == [
        ("", "metadata", 1, 0, 0),
        ("a", "metadata", 1, 0, 0),
    ]


def random_tree(chance: random.Random) -> TarBuilder:
    tar = TarBuilder()
    for _ in range(chance.randrange(25)):
        path = "/".join(chance.choice("abcd") for _ in range(chance.choice((1, 2, 2, 3, 3, 4))))
        size = chance.choice((0, 1, 5, 100, 5000))
        match chance.choice("ffffdl"):
            case "f":
                tar.file(path, bytes([chance.randrange(3)]) * size, mtime=chance.choice((0, 0, 1)))
            case "d":
                tar.dir(path, mode=chance.choice((0o755, 0o700)))
            case _:
                tar.symlink(path, chance.choice("xy"))
    return tar


def belongs(one: PathDifference, group: FileGroup) -> bool:
    if (one.turn, one.content) != (group.turn, group.content):
        return False
    if group.path.endswith(b"/"):
        return one.path.startswith(group.path)
    return one.path == group.path


def home(one: PathDifference, found: tuple[FileGroup, ...]) -> FileGroup | None:
    """The group of a difference: the deepest that it lies in."""
    return max((g for g in found if belongs(one, g)), key=lambda g: len(g.path), default=None)


@pytest.mark.parametrize("share", range(3))
def test_every_difference_is_in_one_group_and_the_sums_are_theirs(share: int) -> None:
    for seed in range(share * 400, (share + 1) * 400):
        chance = random.Random(seed)
        trees = [Stack(random_tree(chance)).merged.tree for _ in range(2)]
        differences = compare_trees(*trees).differences
        found = group_files(differences)
        assert len({(g.path, g.turn, g.content) for g in found}) == len(found), f"seed {seed}"

        # a folder that came or went counts by what came or went in it
        moved = {one.path.rpartition(b"/")[0] for one in differences if one.unit is not None}
        counted = [d for d in differences if d.unit is None or d.path not in moved]
        sums: dict[FileGroup, list[int]] = {group: [0, 0, 0] for group in found}
        for one in counted:
            group = home(one, found)
            assert group is not None, f"seed {seed}: {one.path!r}"
            sums[group][0] += 1
            sums[group][1] += one.size_before
            sums[group][2] += one.size_after
        for group, (paths, before, after) in sums.items():
            told = group.paths, group.size_before, group.size_after
            assert told == (paths, before, after), f"seed {seed}: {group}"
        assert sum(g.size_after for g in found) == sum(d.size_after for d in differences)
        assert sum(g.size_before for g in found) == sum(d.size_before for d in differences)


@pytest.mark.parametrize("turn", [Turn.ADDED, Turn.REMOVED])
def test_growth_of_a_group_is_signed(turn: Turn) -> None:
    sizes = (0, 5) if turn is Turn.ADDED else (5, 0)
    group = FileGroup(b"a", turn, True, 1, *sizes)
    assert group.growth == (5 if turn is Turn.ADDED else -5)
