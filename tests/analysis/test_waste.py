"""Waste rolled up to what a person would name, and the line to change."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.images import ImageBuilder, docker_archive
from support.naive_waste import roll_up_plainly
from support.tars import TarBuilder

from oci_inspect import Dead, HistoryStep, ImageAnalysis, Reason, WasteGroup, analyze
from oci_inspect.analysis.waste import largest_first, roll_up

DELETED = Reason.DELETED


def dead(
    path: str, size: int, layer: int = 0, by: int = 1, reason: Reason = DELETED, *more: str
) -> Dead:
    return Dead((path.encode(), *(name.encode() for name in more)), layer, by, size, reason)


def rows(*waste: Dead) -> list[tuple[str, int, int]]:
    return [(one.path.decode(), one.count, one.size) for one in roll_up(waste, (), ())]


def step(index: int, keyword: str | None) -> HistoryStep:
    return HistoryStep(index, None, "", "", "", None, False, None, 0, keyword=keyword)


def image_of(folder: Path, *layers: tuple[str, TarBuilder]) -> ImageAnalysis:
    image = ImageBuilder("a:1").empty("ARG A")
    for created_by, layer in layers:
        image.layer(layer, created_by=created_by)
    (found,) = analyze(docker_archive(image).write_file(folder / "image.tar")).images
    return found


# Rolling up


def test_a_folder_that_is_wholly_dead_is_one_row_with_its_files_counted() -> None:
    """301 packages with four files each."""
    doc = [dead(f"usr/share/doc/p{i:03}/{n}", 10) for i in range(301) for n in "abcd"]
    assert rows(*doc) == [("usr/share/doc/", 1204, 12_040)]


def test_a_folder_of_many_small_files_is_one_row() -> None:
    assert rows(*(dead(f"var/cache/{i}", 5) for i in range(20))) == [("var/cache/", 20, 100)]


def test_a_large_file_keeps_its_name_beside_the_rest() -> None:
    small = [dead(f"data/{i}", 10) for i in range(10)]
    assert rows(dead("data/big", 60_000), *small) == [("data/big", 1, 60_000), ("data/", 10, 100)]


def test_a_large_folder_keeps_its_name_beside_others() -> None:
    apt = [dead(f"var/lib/apt/{i}", 100) for i in range(50)]
    logs = [dead(f"var/log/{i}", 1) for i in range(50)]
    assert rows(*apt, *logs)[0] == ("var/lib/apt/", 50, 5_000)


@pytest.mark.parametrize("how", ["deleted", "opaque", "replaced"])
def test_a_folder_that_went_as_a_whole_is_one_row_however_its_bytes_lie(
    how: str, tmp_path: Path
) -> None:
    base = TarBuilder()
    for part in "abc":
        for i in range(400):
            base.file(f"usr/share/doc/{part}/{i}", b"1234567890")
    above = TarBuilder()
    if how == "deleted":
        above.whiteout("usr/share/doc")
    elif how == "opaque":
        above.opaque("usr/share/doc")
    else:
        above.file("usr/share/doc", b"")
    image = image_of(tmp_path, ("RUN one", base), ("RUN two", above))
    (group,) = image.worst
    assert (group.path, group.count, group.size) == (b"usr/share/doc/", 1200, 12_000)
    assert group.reason == how
    assert {one.unit for one in image.waste} == {b"usr/share/doc"}


def test_two_files_of_a_folder_are_two_rows() -> None:
    assert rows(dead("d/a", 2), dead("d/b", 1)) == [("d/a", 1, 2), ("d/b", 1, 1)]


def test_a_large_file_and_two_small_ones_are_three_rows() -> None:
    found = rows(dead("d/big", 1000), dead("d/a", 2), dead("d/b", 1))
    assert found == [("d/big", 1, 1000), ("d/a", 1, 2), ("d/b", 1, 1)]


def test_files_of_the_root_are_never_rolled_up() -> None:
    found = rows(*(dead(name, 1) for name in "abcdefgh"))
    assert found == [(name, 1, 1) for name in "abcdefgh"]


def test_only_what_is_dead_is_counted_in_a_folder_where_others_live(tmp_path: Path) -> None:
    base, cleaner = TarBuilder(), TarBuilder()
    for i in range(40):
        base.file(f"lib/{i:02}", bytes(10 + i % 2))
        if i % 2:
            cleaner.whiteout(f"lib/{i:02}")
    found = image_of(tmp_path, ("RUN make", base), ("RUN clean", cleaner))
    assert [(one.path, one.count, one.size) for one in found.worst] == [(b"lib/", 20, 220)]
    assert found.totals.files == 20
    assert found.totals.wasted_bytes == 220


def test_what_died_in_other_ways_is_not_put_together() -> None:
    ways = [
        (0, 1, Reason.DELETED),
        (0, 2, Reason.DELETED),
        (1, 2, Reason.DELETED),
        (0, 1, Reason.OPAQUE),
        (0, 1, Reason.OVERWRITTEN),
    ]
    waste = [
        dead(f"d/{way}{i}", 10, layer, by, reason)
        for way, (layer, by, reason) in enumerate(ways)
        for i in range(4)
    ]
    found = roll_up(waste, (), ())
    assert [(one.path, one.count, one.size) for one in found] == [(b"d/", 4, 40)] * 5
    assert {(one.layer_index, one.removed_in, Reason(one.reason)) for one in found} == set(ways)


def test_empty_files_are_rolled_up_too() -> None:
    assert rows(*(dead(f"d/{i}", 0) for i in range(5))) == [("d/", 5, 0)]


def test_a_file_with_several_names_is_one() -> None:
    assert rows(dead("d/a", 10, 0, 1, DELETED, "e/b", "f/c")) == [("d/a", 1, 10)]


def test_no_waste_is_no_row() -> None:
    assert roll_up((), (), ()) == ()


def test_the_largest_comes_first_then_the_lowest_layer_then_the_path() -> None:
    found = rows(
        dead("x/b", 5, 1, 3),
        dead("x/a", 5, 1, 2),
        dead("x/z", 5, 0, 3),
        dead("x/big", 50, 2, 3),
        dead("x/small", 1, 0, 1),
    )
    assert [path for path, _, _ in found] == ["x/big", "x/z", "x/a", "x/b", "x/small"]


names = st.sampled_from(["a", "b", "c", "lib"])
paths = st.lists(names, min_size=1, max_size=5).map("/".join)
deaths = st.lists(
    st.tuples(paths, st.integers(0, 1000), st.integers(0, 1), st.sampled_from(list(Reason)))
)


@given(deaths)
def test_rows_hold_every_dead_file_once(
    told: list[tuple[str, int, int, Reason]],
) -> None:
    waste = [
        dead(f"{path}/f{i}", size, layer, 2, r) for i, (path, size, layer, r) in enumerate(told)
    ]
    found = roll_up(waste, (), ())
    sizes: Counter[tuple[int, str]] = Counter()
    counts: Counter[tuple[int, str]] = Counter()
    for one in waste:
        sizes[one.layer_index, one.reason.value] += one.size
        counts[one.layer_index, one.reason.value] += 1
    for row in found:
        sizes[row.layer_index, row.reason] -= row.size
        counts[row.layer_index, row.reason] -= row.count
    assert not any(sizes.values()) and not any(counts.values())
    assert [row.size for row in found] == sorted((row.size for row in found), reverse=True)
    for row in found:
        below = [one for one in waste if covers(row, one)]
        assert len(below) >= row.count
        assert row.path != b"/"
    for one in waste:
        assert any(covers(row, one) for row in found)


near = st.lists(st.sampled_from(["a", "a-", "a.", "b"]), min_size=1, max_size=7).map("/".join)


@given(st.lists(st.tuples(near, st.sampled_from([0, 1, 1, 5, 50, 900]), st.integers(0, 6))))
@settings(max_examples=400)
def test_rows_are_those_of_a_plain_way_level_by_level(told: list[tuple[str, int, int]]) -> None:
    """Units among them: as many parts of a path as the third number says, where it has more."""
    bucket = []
    for path, size, parts in told:
        unit = "/".join(path.split("/")[:parts]).encode()
        whole = unit if parts < path.count("/") + 1 else None
        bucket.append(Dead((path.encode(),), 0, 1, size, DELETED, whole))
    found = roll_up(bucket, (), ())
    assert sorted((row.path, row.count, row.size) for row in found) == roll_up_plainly(bucket)


def test_files_alone_at_the_ends_of_deep_folders_keep_their_names() -> None:
    deep = "/".join(["d"] * 300)
    found = rows(dead(f"{deep}/a", 3), dead(f"{deep}/e/b", 2), dead(f"d/f/{deep}/c", 1))
    assert found == [("d/", 3, 6)]
    assert rows(dead(f"{deep}/a", 3), dead(f"e/{deep}/a", 2)) == [
        (f"{deep}/a", 1, 3),
        (f"e/{deep}/a", 1, 2),
    ]


def test_dead_inodes_come_by_size_then_layer_then_paths() -> None:
    told = [("b", 5, 1), ("a", 5, 1), ("c", 9, 2), ("z", 5, 0), ("a", 5, 0), ("y", 0, 0)]
    ordered = largest_first(dead(path, size, layer, 3) for path, size, layer in told)
    found = [(one.paths[0].decode(), one.size, one.layer_index) for one in ordered]
    assert found == [("c", 9, 2), ("a", 5, 0), ("z", 5, 0), ("a", 5, 1), ("b", 5, 1), ("y", 0, 0)]


def covers(row: WasteGroup, one: Dead) -> bool:
    same = (row.layer_index, row.reason) == (one.layer_index, one.reason.value)
    path = one.paths[0]
    return same and (path.startswith(row.path) if row.path.endswith(b"/") else path == row.path)


# The whole of an image


def test_rows_sum_up_to_the_wasted_bytes_of_an_image(tmp_path: Path) -> None:
    base, above = TarBuilder(), TarBuilder()
    for i in range(30):
        base.file(f"cache/{i}", bytes(7 * i))
        base.file(f"etc/{i}", bytes(3 * i))
        above.file(f"etc/{i}", bytes(3 * i), mode=0o600)
    found = image_of(
        tmp_path,
        ("RUN make", base.file("big", bytes(9000)).file("top", b"1")),
        ("RUN chmod", above.whiteout("big")),
        ("RUN rm", TarBuilder().opaque("cache").dir("top")),
    )
    assert found.totals.wasted_bytes == 7 * 435 + 3 * 435 + 9000 + 1
    assert sum(one.size for one in found.waste) == found.totals.wasted_bytes
    assert sum(one.size for one in found.worst) == found.totals.wasted_bytes
    assert sum(one.count for one in found.worst) == len(found.waste) == 62
    assert [one.reason for one in found.worst] == ["deleted", "opaque", "rewritten", "replaced"]
    assert [one.size for one in found.waste] == sorted(
        (one.size for one in found.waste), reverse=True
    )


# Advice

HISTORY = ("RUN", "COPY", "ADD", None, "RUN")


def advice(reason: Reason, layer: int, by: int) -> str:
    """What is said of a file; the steps of layers 0 to 4 are 2 to 6, that of layer 5 is unknown."""
    steps = (step(0, "ARG"), *(step(i + 1, keyword) for i, keyword in enumerate(HISTORY)))
    owners = (1, 2, 3, 4, 5, None)
    (row,) = roll_up([dead("d/a", 10, layer, by, reason)], steps, owners)
    return row.advice


@pytest.mark.parametrize(
    ("reason", "layer", "words"),
    [
        (Reason.DELETED, 0, ["deleted by step 6", "rm", "RUN of step 2"]),
        (Reason.DELETED, 1, ["deleted by step 6", "COPY of step 3", ".dockerignore"]),
        (Reason.DELETED, 2, ["deleted by step 6", "what the ADD of step 4 brings"]),
        (Reason.DELETED, 3, ["deleted by step 6", "step 5"]),
        (Reason.OPAQUE, 0, ["deleted by step 6", "rm", "RUN of step 2"]),
        (Reason.OPAQUE, 1, ["deleted by step 6", "COPY of step 3", ".dockerignore"]),
        (Reason.REWRITTEN, 0, ["step 6", "metadata", "copied", "step 2"]),
        (Reason.REWRITTEN, 1, ["step 6", "COPY --chmod", "--chown", "step 3"]),
        (Reason.REWRITTEN, 2, ["step 6", "metadata or links", "what the ADD of step 4 brings"]),
        (Reason.OVERWRITTEN, 0, ["overwritten by step 6", "one RUN", "step 2"]),
        (Reason.OVERWRITTEN, 1, ["overwritten by step 6", "leave it out of step 3"]),
        (Reason.REPLACED, 1, ["folder, link or device", "step 6", "step 3"]),
    ],
)
def test_advice_names_both_steps_and_what_to_change(
    reason: Reason, layer: int, words: list[str]
) -> None:
    said = advice(reason, layer, by=4)
    for word in words:
        assert word in said
    assert "\n" not in said
    if reason in (Reason.DELETED, Reason.OPAQUE) and layer:
        assert "rm" not in said.split()  # there is no RUN to put it into


def test_advice_about_a_path_that_one_layer_holds_twice_names_that_layer_alone() -> None:
    said = advice(Reason.SHADOWED, 0, by=0)
    assert "step 2" in said and "twice" in said


def test_advice_names_the_layer_where_the_history_tells_no_step() -> None:
    assert "layer 5" in advice(Reason.DELETED, 0, by=5)
    said = advice(Reason.DELETED, 5, by=5)
    assert "step" not in said and "RUN" not in said


def test_steps_in_advice_are_the_lines_of_the_history_from_1(tmp_path: Path) -> None:
    found = image_of(
        tmp_path,
        ("COPY . / # buildkit", TarBuilder().file("d/key", b"secret")),
        ("RUN /bin/sh -c rm /d/key # buildkit", TarBuilder().whiteout("d/key")),
    )
    (row,) = found.worst
    assert "deleted by step 3" in row.advice  # behind ARG and COPY
    assert "COPY of step 2" in row.advice
