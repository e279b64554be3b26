"""Pieces in folders: nothing is lost, the room is kept, the largest have a name."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fixture_images import ARCHIVES, images_of

from oci_inspect.layer.entries import DIRECTORY, FILE
from oci_inspect.picture.pieces import IMAGE_KINDS, Piece, image_pieces
from oci_inspect.picture.plot import FOLDER_COST, LEAF_COST, plant

NAMES = st.sampled_from([b"a", b"b", b"cc", b"\xff", b"__proto__"])


@st.composite
def trees(draw):
    """Paths of a tree: a live one of each, dead ones at any, as often as one likes."""
    pieces = {}
    dead = []
    folders = [b""]
    for _ in range(draw(st.integers(0, 25))):
        above = draw(st.sampled_from(folders))
        path = (above + b"/" if above else b"") + draw(NAMES)
        size = draw(st.sampled_from([0, 1, 5, 5, 100, 10**6]))
        layer = draw(st.integers(0, 3))
        what = draw(st.sampled_from(["folder", "file", "file", "dead"]))
        if what == "dead":
            dead.append(Piece(path, size, layer, draw(st.integers(1, 6)), FILE))
        elif path not in pieces:
            if what == "folder":
                pieces[path] = Piece(path, 0, layer, 0, DIRECTORY)
                folders.append(path)
            else:
                pieces[path] = Piece(path, size, layer, 0, FILE)
    return [*pieces.values(), *dead]


def every(root):
    """Each folder of a plot with its path."""
    paths = {id(root): b""}
    for plot, parent in root.walk():
        if parent is not None:
            above = paths[id(parent)]
            paths[id(plot)] = (above + b"/" if above else b"") + plot.name
        yield plot, paths[id(plot)]


def naive_sums(pieces):
    """Bytes and paths of every folder on each side, by all prefixes of all paths."""
    sums = defaultdict(lambda: [0, 0])
    counts = defaultdict(lambda: [0, 0])
    for piece in pieces:
        if piece.type == DIRECTORY:
            continue
        side = IMAGE_KINDS[piece.kind].side
        parts = piece.path.split(b"/")
        for i in range(len(parts)):
            sums[b"/".join(parts[:i])][side] += piece.size
            counts[b"/".join(parts[:i])][side] += 1
    return sums, counts


def check(pieces, room, root):
    sums, counts = naive_sums(pieces)
    named = Counter()
    spent = 0
    for plot, path in every(root):
        assert plot.sums == sums.get(path, [0, 0])
        assert plot.counts == counts.get(path, [0, 0])
        spent += FOLDER_COST + len(plot.name) if path else 0
        for side in (0, 1):
            here = [leaf.size for leaf in plot.leaves if IMAGE_KINDS[leaf.kind].side == side]
            folded = [rest for rest in plot.rests if IMAGE_KINDS[rest.kind].side == side]
            below = list(plot.folders.values())
            assert plot.sums[side] == (
                sum(here) + sum(r.size for r in folded) + sum(p.sums[side] for p in below)
            )
            assert plot.counts[side] == (
                len(here) + sum(r.paths for r in folded) + sum(p.counts[side] for p in below)
            )
        sizes = [leaf.size for leaf in plot.leaves]
        assert sizes == sorted(sizes, reverse=True)
        for leaf in plot.leaves:
            full = (path + b"/" if path else b"") + leaf.name
            named[Piece(full, *leaf[1:])] += 1
            spent += LEAF_COST + len(leaf.name) + len(str(leaf.size))
    assert spent <= room
    files = Counter(piece for piece in pieces if piece.type != DIRECTORY)
    assert not named - files
    folded = files - named
    if named and folded:
        assert max(p.size for p in folded) <= min(p.size for p in named)
    return named, folded


@given(trees(), st.integers(0, 900))
def test_nothing_is_lost_whatever_the_room(pieces, room):
    check(pieces, room, plant(lambda: pieces, IMAGE_KINDS, room))


@given(trees())
def test_with_room_for_all_nothing_is_folded(pieces):
    root = plant(lambda: pieces, IMAGE_KINDS, 10**6)
    _, folded = check(pieces, 10**6, root)
    assert not folded
    folders = {path for _, path in every(root)}
    assert folders >= {piece.path for piece in pieces if piece.type == DIRECTORY}


@given(trees(), st.integers(0, 900), st.randoms(use_true_random=False))
def test_what_is_kept_depends_on_no_order(pieces, room, chance):
    """But where sizes are equal and there are more of them than the room could ever hold."""
    mixed = list(pieces)
    chance.shuffle(mixed)
    if len(pieces) > room // (LEAF_COST + 1):
        return
    one = plant(lambda: pieces, IMAGE_KINDS, room)
    other = plant(lambda: mixed, IMAGE_KINDS, room)
    assert [(path, plot.leaves, plot.rests) for plot, path in every(one)] == [
        (path, plot.leaves, plot.rests) for plot, path in every(other)
    ]


def test_it_is_the_same_each_time():
    chance = random.Random(5)
    pieces = [
        Piece(b"d%d/f%d" % (chance.randrange(50), i), chance.randrange(9), 0, i % 7, FILE)
        for i in range(5000)
    ]
    runs = [
        [
            (path, plot.leaves, plot.rests)
            for plot, path in every(plant(lambda: iter(pieces), IMAGE_KINDS, 9000))
        ]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("room", [0, 200, 2000, 10**7])
@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_fixtures_add_up_to_their_totals(path, room):
    for image in images_of(path):
        pieces = list(image_pieces(image))
        root = plant(lambda: image_pieces(image), IMAGE_KINDS, room)  # noqa: B023
        assert sum(root.sums) == image.totals.file_bytes
        assert root.sums[1] == image.totals.wasted_bytes
        check(pieces, room, root)


def test_a_rest_has_the_layer_of_most_of_its_bytes():
    pieces = [Piece(b"a", 10, 1, 0, FILE), Piece(b"b", 10, 1, 0, FILE), Piece(b"c", 15, 2, 0, FILE)]
    (rest,) = plant(lambda: pieces, IMAGE_KINDS, 0).rests
    assert rest == (0, 1, 3, 35)


def test_folders_may_be_as_deep_as_they_like():
    path = b"/".join([b"d"] * 3000)
    pieces = [Piece(path + b"/f", 7, 0, 0, FILE), Piece(b"g", 1, 0, 1, FILE)]
    root = plant(lambda: pieces, IMAGE_KINDS, 10**6)
    assert root.sums == [7, 1]
    assert len(list(root.walk())) == 3001
    assert root.lookup(path).leaves[0].name == b"f"
    check(pieces, 10**6, root)
    shallow = plant(lambda: pieces, IMAGE_KINDS, 100)
    assert shallow.sums == [7, 1]
    assert shallow.counts == [1, 1]


def test_a_file_that_died_may_lie_where_a_folder_is():
    pieces = [
        Piece(b"x", 0, 1, 0, DIRECTORY),
        Piece(b"x/y", 3, 1, 0, FILE),
        Piece(b"x", 7, 0, 5, FILE),
    ]
    root = plant(lambda: pieces, IMAGE_KINDS, 1000)
    assert root.sums == [3, 7]
    assert [leaf.name for leaf in root.leaves] == [b"x"]
    assert root.lookup(b"x").sums == [3, 0]


def test_lookup_finds_folders_only():
    pieces = [Piece(b"a/b/c", 3, 0, 0, FILE)]
    root = plant(lambda: pieces, IMAGE_KINDS, 1000)
    assert root.lookup(b"") is root
    assert root.lookup(b"a/b").name == b"b"
    assert root.lookup(b"a/b/c") is None
    assert root.lookup(b"no") is None


def test_nothing_is_an_empty_root():
    root = plant(lambda: [], IMAGE_KINDS, 1000)
    assert (root.sums, root.counts, root.leaves, root.rests) == ([0, 0], [0, 0], [], [])
    assert list(root.walk()) == [(root, None)]
