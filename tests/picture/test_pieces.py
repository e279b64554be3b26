"""What is drawn of an image, held against its totals and the files that an engine exported."""

from __future__ import annotations

import tarfile
from collections import Counter

import pytest
from support.fixture_images import ARCHIVES, FIXTURES, REAL, images_of

from oci_inspect import analyze
from oci_inspect.comparing import compare
from oci_inspect.layer.entries import DIRECTORY, FILE
from oci_inspect.picture.pieces import (
    DIFFERENCE_KINDS,
    IMAGE_KINDS,
    difference_pieces,
    image_pieces,
)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_every_byte_is_there_once(path):
    images = images_of(path)
    assert images
    for image in images:
        found = list(image_pieces(image))
        sizes = [0, 0]
        for piece in found:
            sizes[IMAGE_KINDS[piece.kind].side] += piece.size
        totals = image.totals
        assert sum(sizes) == totals.file_bytes
        assert sizes[1] == totals.wasted_bytes
        assert [p.path for p in found if p.kind] == [dead.paths[0] for dead in image.waste]
        dead = Counter(IMAGE_KINDS[piece.kind].key for piece in found if piece.kind)
        assert dead == Counter(one.reason.value for one in image.waste)


@pytest.mark.parametrize("name", ["docker20-app", "docker26-app"])
def test_the_live_ones_are_what_the_engine_exported(name):
    (image,) = analyze(str(REAL / f"{name}.tar")).images
    live = {p.path.decode(): p for p in image_pieces(image) if p.kind == 0}
    # What the engine makes by itself for every container is in no layer.
    made = {"dev", "etc", "proc", "sys", ".dockerenv"}
    with tarfile.open(REAL / f"{name}.rootfs.tar") as exported:
        members = {
            one.name.strip("/"): one
            for one in exported
            if one.name.split("/")[0] not in made and one.name.strip("/")
        }
    kept = {path: p for path, p in live.items() if path.split("/")[0] not in made}
    assert set(kept) == set(members)
    for path, piece in kept.items():
        assert (piece.type == DIRECTORY) == members[path].isdir()
    files = sum(one.size for one in members.values() if one.isreg())
    assert sum(p.size for p in kept.values()) == files


def test_a_folder_comes_before_what_is_in_it():
    (image,) = analyze(str(REAL / "docker26-app.tar")).images
    seen = {b""}
    for piece in image_pieces(image):
        if piece.kind == 0:
            assert piece.path.rpartition(b"/")[0] in seen
            if piece.type == DIRECTORY:
                seen.add(piece.path)


@pytest.mark.parametrize(
    "path", sorted((FIXTURES / "compare").glob("*.a.tar")), ids=lambda p: p.name
)
def test_a_difference_is_what_the_files_say(path):
    found = compare(str(path), str(path).replace(".a.tar", ".b.tar"))
    expected = Counter()
    for one in found.files.differences:
        if not one.content:
            continue
        for side, (there, size) in enumerate(
            ((one.before, one.size_before), (one.after, one.size_after))
        ):
            if there is not None:
                expected[side] += size
    drawn = Counter()
    for piece in difference_pieces(found):
        drawn[DIFFERENCE_KINDS[piece.kind].side] += piece.size
        assert piece.type == FILE or piece.size == 0
    assert +drawn == +expected


def test_kinds_have_a_side_each():
    assert {kind.side for kind in IMAGE_KINDS} == {kind.side for kind in DIFFERENCE_KINDS} == {0, 1}
    assert [kind.key for kind in IMAGE_KINDS if kind.side == 0] == ["live"]
