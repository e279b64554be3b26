"""The still map: nothing is lost, nothing overlaps, areas are in proportion, whatever the box."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.layer.entries import DIRECTORY, FILE
from oci_inspect.picture.pieces import IMAGE_KINDS, Piece
from oci_inspect.picture.plot import Plot, plant
from oci_inspect.picture.squarify import Rect
from oci_inspect.picture.treemap import Spacing, Tile, treemap

LIVE, DELETED, OVERWRITTEN = 0, 1, 3
BOX = Rect(10.0, 20.0, 800.0, 400.0)
PLAIN = Spacing(header=0, edge=0, gap=0, least=0, open_from=0)


def file(path: str, size: int, layer: int = 0, kind: int = LIVE) -> Piece:
    return Piece(path.encode(), size, layer, kind, FILE)


def planted(*pieces: Piece, room: int = 10**6) -> Plot:
    return plant(lambda: pieces, IMAGE_KINDS, room)


def area(tile: Tile) -> float:
    return tile.rect.width * tile.rect.height


def closed(tiles: list[Tile]) -> list[Tile]:
    return [tile for tile in tiles if not tile.is_open]


def by_path(tiles: list[Tile]) -> dict[bytes, Tile]:
    return {tile.path: tile for tile in tiles if not tile.is_rest}


def test_the_sides_stand_next_to_each_other_in_proportion():
    plot = planted(file("a", 300), file("b", 100, kind=DELETED))
    live, dead = (tile for tile in treemap(plot, IMAGE_KINDS, BOX, PLAIN) if tile.depth == 0)
    assert live.rect == Rect(10, 20, 600, 400)
    assert dead.rect == Rect(610, 20, 200, 400)
    assert (live.size, dead.size, live.side, dead.side) == (300, 100, 0, 1)


def test_the_sides_are_stacked_where_the_box_is_higher_than_wide():
    plot = planted(file("a", 300), file("b", 100, kind=DELETED))
    box = Rect(0, 0, 100, 400)
    live, dead = (tile for tile in treemap(plot, IMAGE_KINDS, box, PLAIN) if tile.depth == 0)
    assert live.rect == Rect(0, 0, 100, 300)
    assert dead.rect == Rect(0, 300, 100, 100)


def test_between_the_sides_is_a_gap_and_folders_have_an_edge_and_a_strip():
    plot = planted(file("a", 300), file("b", 100, kind=DELETED))
    box = Rect(0, 0, 810, 400)
    spacing = Spacing(header=20, edge=3, gap=10, least=0)
    live, dead = (tile for tile in treemap(plot, IMAGE_KINDS, box, spacing) if tile.depth == 0)
    assert (live.rect, dead.rect) == (Rect(0, 0, 600, 400), Rect(610, 0, 200, 400))
    assert (live.inside, dead.inside) == (Rect(3, 20, 594, 377), Rect(613, 20, 194, 377))


@pytest.mark.parametrize("kind", [LIVE, DELETED])
def test_a_side_without_bytes_takes_no_room(kind):
    tiles = treemap(planted(file("a", 5, kind=kind)), IMAGE_KINDS, BOX, PLAIN)
    assert [tile.rect for tile in tiles if tile.depth == 0] == [BOX]


def test_without_bytes_there_is_no_tile():
    assert treemap(planted(file("a", 0)), IMAGE_KINDS, BOX) == []
    assert treemap(planted(), IMAGE_KINDS, BOX) == []


def test_folders_hold_their_files_and_areas_are_bytes():
    plot = planted(
        file("usr/lib/a", 400, 1), file("usr/lib/b", 200, 2), file("usr/c", 100), file("d", 100, 3)
    )
    tiles = by_path(treemap(plot, IMAGE_KINDS, BOX, PLAIN))
    assert set(tiles) == {b"", b"usr", b"usr/lib", b"usr/lib/a", b"usr/lib/b", b"usr/c", b"d"}
    whole = BOX.width * BOX.height
    for path, size in ((b"usr", 700), (b"usr/lib", 600), (b"usr/lib/a", 400), (b"d", 100)):
        assert area(tiles[path]) == pytest.approx(whole * size / 800), path
        assert tiles[path].size == size
    assert [tiles[path].depth for path in (b"", b"usr", b"usr/lib", b"usr/lib/a")] == [0, 1, 2, 3]
    assert tiles[b"usr/lib"].is_folder and not tiles[b"usr/lib/a"].is_folder
    assert (tiles[b"usr"].paths, tiles[b"usr/lib/b"].layer_index) == (3, 2)
    assert tiles[b"usr/lib"].layer_index == 1  # of most of its bytes


def test_folders_with_nothing_but_a_folder_in_them_are_one_tile():
    plot = planted(file("var/lib/apt/lists/x", 60), file("var/lib/apt/lists/y", 40), file("z", 1))
    tiles = by_path(treemap(plot, IMAGE_KINDS, BOX, PLAIN))
    assert tiles[b"var/lib/apt/lists"].name == b"var/lib/apt/lists"
    assert tiles[b"var/lib/apt/lists"].depth == 1
    assert b"var" not in tiles


def test_a_folder_that_also_has_an_empty_file_is_still_shown_as_itself():
    tiles = by_path(
        treemap(planted(file("a/b/c", 60), file("a/empty", 0)), IMAGE_KINDS, BOX, PLAIN)
    )
    assert {b"a", b"a/b"} <= set(tiles)


def test_what_is_small_is_one_tile_with_its_number():
    small = [file(f"many/{i:04}", 1, 5) for i in range(1204)]
    tiles = treemap(planted(file("many/big", 8796), *small), IMAGE_KINDS, BOX, Spacing(least=20))
    (rest,) = (tile for tile in tiles if tile.is_rest)
    assert (rest.paths, rest.size, rest.path, rest.name) == (1204, 1204, b"many", b"")
    assert rest.layer_index == 5


def test_smaller_things_that_are_most_of_a_folder_come_first():
    small = [file(f"{i:04}", 1) for i in range(6000)]
    tiles = treemap(planted(file("big", 4000), *small), IMAGE_KINDS, BOX, PLAIN, most=3)
    (rest,) = (tile for tile in tiles if tile.is_rest)
    assert rest.rect == pytest.approx(Rect(10, 20, 480, 400))


def test_what_the_plot_folded_already_counts_too():
    small = [file(f"many/{i:04}", 1) for i in range(1204)]
    plot = planted(file("many/big", 8796), *small, room=40 + 40 * 20)
    assert plot.folders[b"many"].rests[0].paths > 1000
    tiles = treemap(plot, IMAGE_KINDS, BOX, Spacing(least=20))
    (rest,) = (tile for tile in tiles if tile.is_rest)
    assert (rest.paths, rest.size) == (1204, 1204)


def test_two_sides_of_one_folder_do_not_mix():
    plot = planted(
        file("d/a", 30), file("d/a", 70, 1, DELETED), file("d/b", 20, 2, OVERWRITTEN), file("e", 5)
    )
    tiles = treemap(plot, IMAGE_KINDS, BOX, PLAIN)
    leaves = {(tile.side, tile.path, tile.kind, tile.size) for tile in tiles if not tile.is_folder}
    assert leaves == {
        (0, b"d/a", LIVE, 30),
        (0, b"e", LIVE, 5),
        (1, b"d/a", DELETED, 70),
        (1, b"d/b", OVERWRITTEN, 20),
    }


def test_the_largest_folders_are_opened_first_and_then_no_more():
    pieces = [file(f"f{i}/{j}", 10 if i else 1000) for i in range(40) for j in range(20)]
    tiles = treemap(planted(*pieces), IMAGE_KINDS, BOX, PLAIN, most=70)
    assert len(tiles) <= 70
    assert by_path(tiles)[b"f0"].is_open
    assert sum(tile.size for tile in closed(tiles)) == 20 * 1000 + 39 * 20 * 10


@pytest.mark.parametrize("beside", [0, 1])
def test_a_thousand_folders_in_each_other_are_no_danger(beside):
    pieces = [file("/".join(["d"] * 1024), 100)]
    pieces += [file("/".join(["d"] * depth) + "/f", 3) for depth in range(1, 1020) if beside]
    plot = planted(*pieces)
    tiles = treemap(plot, IMAGE_KINDS, BOX)
    assert sum(tile.size for tile in closed(tiles)) == sum(piece.size for piece in pieces)


NAMES = st.sampled_from(["a", "b", "usr", "lib", "x y", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
PIECES = st.lists(
    st.builds(
        file,
        PATHS,
        st.one_of(st.integers(0, 9), st.integers(0, 10**9)),
        st.integers(0, 12),
        st.integers(0, len(IMAGE_KINDS) - 1),
    ),
    max_size=60,
)
BOXES = st.builds(Rect, st.just(3.0), st.just(7.0), st.floats(0.5, 3000), st.floats(0.5, 3000))
SPACINGS = st.sampled_from(
    [PLAIN, Spacing(), Spacing(least=40, open_from=90, largest=50), Spacing(header=60, edge=9)]
)


@given(
    pieces=PIECES,
    box=BOXES,
    spacing=SPACINGS,
    most=st.integers(2, 90),
    room=st.sampled_from([40, 200, 10**6]),
)
def test_whatever_is_drawn_nothing_is_lost_and_nothing_overlaps(pieces, box, spacing, most, room):
    pieces = [one for one in pieces if not any(b.path.startswith(one.path + b"/") for b in pieces)]
    pieces += [Piece(b"empty", 0, 0, LIVE, DIRECTORY)]
    plot = planted(*pieces, room=room)
    tiles = treemap(plot, IMAGE_KINDS, box, spacing, most)
    for side in (0, 1):
        bytes_there = sum(one.size for one in pieces if IMAGE_KINDS[one.kind].side == side)
        assert sum(tile.size for tile in closed(tiles) if tile.side == side) == bytes_there
        assert sum(tile.depth == 0 and tile.side == side for tile in tiles) == (bytes_there > 0)
    assert len(tiles) <= most
    everything = sum(one.size for one in pieces)
    for tile in tiles:
        assert tile.size > 0
        assert IMAGE_KINDS[tile.kind].side == tile.side
    groups = children(tiles)
    for parent, below in groups:
        room_there = box if parent is None else parent.inside
        inside(below, room_there)
        if parent is not None:
            assert sum(tile.size for tile in below) == parent.size
            assert sum(tile.paths for tile in below) <= parent.paths
            whole = room_there.width * room_there.height
            for tile in below:
                share = tile.size / parent.size
                assert area(tile) == pytest.approx(whole * share, rel=1e-6, abs=1e-6 * whole)
        elif len(below) == 2:
            assert area(below[0]) / (area(below[0]) + area(below[1])) == pytest.approx(
                below[0].size / everything, abs=1e-9
            )


def children(tiles: list[Tile]) -> list[tuple[Tile | None, list[Tile]]]:
    """Tiles by what they are in: the tile of their folder, told by their own path."""
    opened = {(tile.side, tile.path): tile for tile in tiles if tile.is_open}
    groups: dict[tuple[int, bytes] | None, list[Tile]] = defaultdict(list)
    for tile in tiles:
        if tile.depth == 0:
            groups[None].append(tile)
            continue
        path = tile.path
        if not tile.is_rest:
            path = path[: -len(tile.name)].removesuffix(b"/")
        groups[tile.side, path].append(tile)
    return [(None if key is None else opened[key], below) for key, below in groups.items()]


def inside(tiles: list[Tile], box: Rect) -> None:
    slack = 1e-6 * (box.width + box.height) + 1e-9
    for i, tile in enumerate(tiles):
        one = tile.rect
        assert one.width >= 0 and one.height >= 0
        assert one.x >= box.x - slack and one.y >= box.y - slack
        assert one.x + one.width <= box.x + box.width + slack
        assert one.y + one.height <= box.y + box.height + slack
        for other in tiles[:i]:
            two = other.rect
            wide = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
            high = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
            assert wide <= slack or high <= slack
