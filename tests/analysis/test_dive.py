"""dive's figures: each of its ways by hand, real dive's words on real archives, a plain twin."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.counting import calls
from support.images import ImageBuilder, docker_archive
from support.naive_dive import Row, naive_dive
from support.scans import table_of
from support.tars import TarBuilder

from oci_inspect import analyze
from oci_inspect.analysis.dive import DiveFigures, DivePath, dive_figures

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"


def figures(*layers: TarBuilder) -> DiveFigures:
    return dive_figures([table_of(layer) for layer in layers])


def paths(*layers: TarBuilder) -> list[tuple[str, int, int]]:
    return [(one.path.decode(), one.count, one.size) for one in figures(*layers).paths]


def of(size: int) -> bytes:
    return b"x" * size


# By hand


def test_an_archive_without_whiteouts_links_and_repeated_paths(tmp_path: Path) -> None:
    """By path: /a 100, 70, 30; /b 50; /d/c 10, 10; /d/e 0; /new 5.

    Smallest: 30 + 50 + 10 + 0 + 5 = 95 of 200 + 50 + 20 + 0 + 5 = 275. Met twice: 200 + 20 = 220.
    Above the first layer: 70 + 10 + 30 + 5 = 115.
    """
    base = TarBuilder().file("a", of(100)).file("b", of(50)).dir("d").file("d/c", of(10))
    base.file("d/e")
    image = ImageBuilder("a:1").layer(base)
    image.layer(TarBuilder().file("a", of(70)).dir("d").file("d/c", of(10)))
    image.layer(TarBuilder().file("a", of(30)).file("new", of(5)))
    (found,) = analyze(docker_archive(image).write_file(tmp_path / "image.tar")).images
    assert dive_figures(found.tree.tables) == DiveFigures(
        efficiency=95 / 275,
        wasted_bytes=220,
        user_size=115,
        user_wasted_percent=220 / 115,
        size=160 + 80 + 35,
        paths=(DivePath(b"a", 3, 200), DivePath(b"d/c", 2, 20)),
    )
    assert found.totals.wasted_bytes == 100 + 70 + 10  # ours: what is dead


def test_a_file_that_is_deleted_is_all_waste() -> None:
    found = figures(TarBuilder().file("a", of(10)).file("b", of(90)), TarBuilder().whiteout("a"))
    assert found.paths == (DivePath(b"a", 2, 10),)
    assert found.efficiency == 90 / 100


def test_a_folder_that_is_deleted_has_the_size_of_what_it_holds_below_then() -> None:
    """2 files of 10 and 20, of which the second is 25 when the folder goes; it is no leaf itself,

    and so its deletion is no waste: only the file that was written twice is.
    """
    lower = TarBuilder().dir("d").file("d/a", of(10)).file("d/b", of(20))
    upper = TarBuilder().dir("d").file("d/b", of(25))
    found = figures(lower, upper, TarBuilder().whiteout("d"))
    assert paths(lower, upper, TarBuilder().whiteout("d")) == [("d/b", 2, 45)]
    assert found.efficiency == (10 + 20 + 35) / (10 + 45 + 35)


def test_a_deleted_folder_counts_where_its_path_is_a_leaf_elsewhere() -> None:
    lower = TarBuilder().dir("d").file("d/a", of(10))
    assert paths(lower, TarBuilder().whiteout("d"), TarBuilder().dir("d")) == [("d", 2, 10)]


def test_a_folder_without_an_entry_in_its_highest_layer_is_deleted_for_nothing() -> None:
    lower = TarBuilder().dir("d").file("d/a", of(10))
    upper = TarBuilder().file("d/b", of(5))
    gone = TarBuilder().whiteout("d")
    assert figures(lower, gone).efficiency == 1.0
    assert figures(lower, gone, TarBuilder().dir("d")).wasted_bytes == 10
    assert figures(lower, upper, gone, TarBuilder().dir("d")).wasted_bytes == 0


def test_what_an_opaque_whiteout_removes_is_not_seen() -> None:
    lower = TarBuilder().dir("d").file("d/a", of(10))
    upper = TarBuilder().dir("d").opaque("d").file("d/b", of(5))
    assert figures(lower, upper).wasted_bytes == 0
    assert figures(lower, upper).efficiency == 1.0


def test_what_an_opaque_whiteout_removed_goes_with_the_folder_that_is_deleted_later() -> None:
    lower = TarBuilder().dir("d").file("d/a", of(10))
    upper = TarBuilder().dir("d").opaque("d").file("d/b", of(5))
    later = (TarBuilder().whiteout("d"), TarBuilder().dir("d"))
    assert paths(lower, upper, *later) == [("d", 2, 15)]


def test_a_whiteout_of_nothing_ends_the_visit_of_its_layer() -> None:
    """``a`` comes before it in the order of names, ``c`` behind it and is not seen at all.

    The path itself counts -1 among the smallest sizes.
    """
    lower = TarBuilder().file("a", of(10)).file("c", of(20))
    upper = TarBuilder().file("c", of(7)).whiteout("b").file("-a", of(3))
    found = figures(lower, upper)
    assert found.paths == ()
    assert found.efficiency == (10 + 20 + 3 - 1) / 33
    assert found.size == 40


def test_a_whiteout_of_nothing_costs_no_byte_where_another_layer_has_the_path() -> None:
    upper = TarBuilder().whiteout("b")
    assert figures(TarBuilder().file("a", of(10)), upper, TarBuilder().file("b")).efficiency == 1.0


def test_a_hard_link_has_no_size() -> None:
    lower = TarBuilder().file("a", of(10)).hardlink("b", "a")
    found = figures(lower, TarBuilder().hardlink("a", "b"), TarBuilder().file("b", of(4)))
    assert found.paths == (DivePath(b"a", 2, 10), DivePath(b"b", 2, 4))
    assert found.efficiency == 0.0


def test_a_file_that_a_folder_replaces_is_no_waste() -> None:
    lower = TarBuilder().file("a", of(10))
    assert paths(lower, TarBuilder().dir("a").file("a/b", of(5))) == []


def test_a_file_over_a_folder_leaves_what_is_below_it_there() -> None:
    lower = TarBuilder().dir("d").file("d/a", of(10))
    upper = TarBuilder().file("d", of(1))
    again = TarBuilder().dir("d").file("d/b", of(5))
    assert paths(lower, upper, again, TarBuilder().whiteout("d")) == [("d", 2, 1 + 15)]


def test_a_path_twice_in_a_layer_is_met_once_but_both_take_room() -> None:
    found = figures(TarBuilder().file("a", of(10)).file("a", of(4)), TarBuilder().file("b", of(6)))
    assert found.paths == ()
    assert (found.size, found.user_size) == (20, 6)
    assert found.efficiency == 1.0


def test_a_whiteout_and_a_new_file_in_one_layer_are_met_both() -> None:
    lower = TarBuilder().file("a", of(10))
    assert paths(lower, TarBuilder().whiteout("a").file("a", of(10))) == [("a", 3, 20)]


def test_a_single_layer_has_no_share_of_the_user() -> None:
    found = figures(TarBuilder().file("a", of(10)))
    assert isnan(found.user_wasted_percent)
    assert (found.wasted_bytes, found.user_size, found.efficiency) == (0, 0, 1.0)


def test_waste_with_nothing_above_the_first_layer_is_an_infinite_share() -> None:
    found = figures(TarBuilder().file("a", of(10)), TarBuilder().whiteout("a"))
    assert found.user_wasted_percent == inf


def test_nothing_at_all_is_wholly_efficient() -> None:
    assert dive_figures([]).efficiency == 1.0
    assert figures(TarBuilder(), TarBuilder().dir("a")).efficiency == 1.0


# Real dive: `dive --source docker-archive FILE --json`, v0.13.1

SAID = {
    "docker20-app.tar": (0.31566827749489185, 64_019, 92_499, ()),
    "docker20-two-images.tar": (0.31566827749489185, 64_019, 92_499, ()),
    "docker20-untagged.tar": (1.0, 0, 88_642, None),
    "docker26-app.tar": (0.31566827749489185, 64_019, 92_499, (("etc", 6, 0),)),
    "podman-docker.tar": (0.31566827749489185, 64_019, 92_499, (("etc", 6, 0),)),
    "podman-docker-multi.tar": (0.31566827749489185, 64_019, 92_499, (("etc", 6, 0),)),
    "skopeo-docker.tar": (0.31566827749489185, 64_019, 92_499, (("etc", 6, 0),)),
}
LISTED = (
    ("data/big", 2, 60_000),
    ("data/keep", 3, 2_200),
    ("site/secret.key", 2, 1_675),
    ("etc/app.conf", 2, 104),
    ("site/index.html", 3, 30),
    ("site/with space", 2, 10),
)


@pytest.mark.parametrize("name", SAID)
def test_real_dive_says_the_same_of_real_archives(name: str) -> None:
    efficiency, wasted, size, more = SAID[name]
    found = dive_figures(analyze(REAL / name).images[0].tree.tables)
    assert (found.efficiency, found.wasted_bytes, found.size) == (efficiency, wasted, size)
    listed = [(one.path.decode(), one.count, one.size) for one in found.paths]
    assert listed == ([] if more is None else [*LISTED, *more])


def test_real_dive_says_the_same_of_the_users_share() -> None:
    """``%-user-wasted-bytes`` of `CI=true dive`."""
    for name, share in (
        ("docker20-app.tar", 0.9068489269778313),
        ("docker26-containerd-app.tar", 0.9918407819250655),
    ):
        found = dive_figures(analyze(REAL / name).images[0].tree.tables)
        assert found.user_wasted_percent == share


def test_odd_marks_as_real_dive_has_them() -> None:
    """Layers like those that were given to real dive: 10 files lost, two whiteouts of nothing.

    ``.wh..wh.aufs`` is a whiteout of ``.wh.aufs`` to it; only ``.wh..wh..`` is dropped.
    """
    lower = TarBuilder().dir("w").file("w/foo", of(10)).file("w/keep", of(11))
    upper = TarBuilder().dir("w").file("w/.wh.dir/x", of(15)).file("w/.wh.foo", of(13))
    upper.file("w/.wh.nothing", of(14)).file("w/.whnot", of(16))
    found = figures(lower, upper, TarBuilder().dir("w").file("w/.wh..wh.aufs", of(19)))
    assert found.efficiency == (36 - 10 - 1 - 1) / 36
    assert found.paths == (DivePath(b"w/foo", 2, 10),)
    assert found.size == 21 + 58 + 19


def test_the_lowest_layer_is_put_upon_itself() -> None:
    """Its own whiteout of ``-x`` comes behind ``-x`` and takes it away: the next finds nothing.

    Real dive said 1 and no path.
    """
    lower = TarBuilder().dir("-x").file("-x/f", of(10)).whiteout("-x")
    found = figures(lower, TarBuilder().whiteout("-x").file("a", of(6)))
    assert found.paths == ()
    assert found.efficiency == 1.0
    assert figures(lower).efficiency == 1.0  # alone it was only copied: there is ``-x``


def test_a_whiteout_without_a_name_removes_its_folder_in_the_middle_of_it() -> None:
    """``-a`` was put there before and goes as well, ``z`` comes behind it. Real dive said so."""
    lower = TarBuilder().dir("d").file("d/f", of(10))
    upper = TarBuilder().dir("d").file("d/-a", of(5)).file("d/.wh.").file("d/z", of(1))
    stack = (lower, upper, TarBuilder().whiteout("d"), TarBuilder().dir("d"))
    assert paths(*stack) == [("d", 2, 1)]


# A second implementation

NAMES = st.sampled_from([b"a", b"-x", b".a", b".wh.d"])
FOLDERS = st.lists(NAMES, max_size=2)
MARKS = st.sampled_from(
    [b".wh.", b".wh.", b".wh.", b".wh..", b".wh...", b".wh..wh..opq", b".wh..wh.aufs/1"]
)
LAST = st.one_of(NAMES, NAMES.map(lambda name: b".wh." + name), MARKS)
PATHS = st.builds(lambda above, last: b"/".join([*above, last]), FOLDERS, LAST)
ROWS = st.tuples(PATHS, st.booleans(), st.integers(0, 50)).map(
    lambda row: (row[0], row[1], 0 if row[1] else row[2])
)
STACKS = st.lists(st.lists(ROWS, max_size=9), max_size=5)


@settings(max_examples=500, deadline=None)
@given(STACKS)
def test_the_plain_twin_says_the_same(layers: list[list[Row]]) -> None:
    tars = []
    for layer in layers:
        tar = TarBuilder()
        for path, folder, size in layer:
            if folder:
                tar.dir(path)
            else:
                tar.file(path, of(size))
        tars.append(tar)
    found, plain = figures(*tars), naive_dive(layers)
    assert found.efficiency == plain.efficiency
    assert (found.wasted_bytes, found.user_size, found.size) == (
        plain.wasted,
        plain.user_size,
        plain.size,
    )
    assert sorted((one.path, one.count, one.size) for one in found.paths) == plain.paths
    assert list(found.paths) == sorted(found.paths, key=lambda one: (-one.size, one.path))


# Time


def _nested(depth: int, files: int) -> list[TarBuilder]:
    """A large folder far down, and a whiteout of each folder above it in one layer."""
    lower, upper = TarBuilder(), TarBuilder()
    for i in range(1, depth):
        lower.dir("d/" * i)
    for i in range(files):
        lower.file("d/" * depth + str(i), b"")
    for i in range(depth):
        upper.file("d/" * i + ".wh.d")
    return [lower, upper]


def _by_turns(layers: int, files: int) -> list[TarBuilder]:
    """A large folder that each layer deletes."""
    lower = TarBuilder().dir("d")
    for i in range(files):
        lower.file(f"d/{i}")
    return [lower, *(TarBuilder().whiteout("d").file(f"x/{i}") for i in range(layers))]


@pytest.mark.parametrize("stack", [_nested, _by_turns])
def test_a_folder_is_added_up_once_however_many_whiteouts_name_it(stack: object) -> None:
    def steps(many: int, files: int) -> int:
        tables = [table_of(layer) for layer in stack(many, files)]  # type: ignore[operator]
        return calls(lambda: dive_figures(tables))

    few = steps(20, 2_000) - steps(20, 1_000)
    many = steps(40, 2_000) - steps(40, 1_000)
    assert many <= 1.2 * few


def test_steps_grow_as_the_depth_of_a_path_does() -> None:
    def steps(depth: int) -> int:
        deep = TarBuilder().file("d/" * depth + "f", b"x")
        tables = [table_of(one) for one in (deep, deep, TarBuilder().whiteout("d"))]
        return calls(lambda: dive_figures(tables))

    assert steps(1_000) <= 2.25 * steps(500)
