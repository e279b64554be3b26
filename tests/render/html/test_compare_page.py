"""The page of a comparison: both bars, the figures of JSON, all tables of the view."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import compare, compare_html
from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.render.comparison import comparison_document

FIXTURES = Path(__file__).parent.parent.parent.parent / "fixtures" / "compare"
INFOS = tuple(ArchiveInfo(f"{one}.tar", "docker-archive", None, 1) for one in "ab")
PAIRS = sorted(path.name.removesuffix(".a.tar") for path in FIXTURES.glob("*.a.tar"))


def compared(name: str):
    return compare(FIXTURES / f"{name}.a.tar", FIXTURES / f"{name}.b.tar")


def notes(page, name: str) -> list[str]:
    """What is said of each layer in a bar, behind its figures."""
    links = page.by_id(name).all("a")
    return [one.attributes["data-figures"].rpartition(", ")[2] for one in links]


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_has_a_page_with_links_that_lead_somewhere(name, parse):
    found = compared(name)
    page = parse(compare_html(found, INFOS))
    names = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
    assert len(names) == len(set(names))
    links = {one.attributes["href"].removeprefix("#") for one in page.all("a")}
    assert links <= set(names)
    assert len(page.by_id("bar-a").all("a")) == len(found.before.layers)
    assert len(page.by_id("bar-b").all("a")) == len(found.after.layers)
    tiles = {
        one.all(cls="tile-label")[0].text: one.all(cls="tile-value")[0].text
        for one in page.all(cls="tile")
    }
    document = comparison_document(found, INFOS)
    files = document["files"]
    paths = sum(files[key]["paths"] for key in ("added", "removed", "changed", "metadata"))
    assert tiles["Paths that differ"] == f"{paths:,}"
    assert tiles["Config"] == str(len(document["config"]))
    shared = document["shared"]["by_chain_id"]["layers"]
    assert tiles["Shared layers"] == f"{shared} of {len(found.after.layers)}"
    first = document["first_difference"]
    assert tiles["First that differs"] == (
        "none" if first is None else f"layer {first['layer_index']}"
    )


def test_layers_that_are_the_same_are_marked_and_the_first_that_differs(tmp_path, parse):
    """Three layers in A: one is the same in B, one has other content, one is not there."""
    shared = TarBuilder().file("base", b"12345")
    old, new = ImageBuilder("old:1"), ImageBuilder("new:1")
    for image, text in ((old, b"old"), (new, b"new!")):
        image.layer(shared, created_by="ADD base /")
        image.layer(TarBuilder().file("app", text), created_by="COPY app /")
    old.layer(TarBuilder().file("more", b"123"), created_by="COPY more /")
    paths = [
        docker_archive(one).write_file(tmp_path / f"{name}.tar")
        for one, name in ((old, "old"), (new, "new"))
    ]
    found = compare(*paths)
    text = compare_html(found, INFOS)
    page = parse(text)
    assert notes(page, "bar-a") == ["same", "first that differs", "only in A"]
    assert notes(page, "bar-b") == ["same", "first that differs"]
    classes = page.by_id("bar-a-1").attributes["class"].split()
    assert "first-that-differs" in classes and "layer-1" in classes
    # A has 5 + 3 + 3 bytes, B 5 + 4: its bar ends 2/11 of the width earlier.
    grow = dict(re.findall(r"#(bar-[ab]-\w+)\{flex-grow:(\d+)\}", text))
    assert int(grow["bar-b-rest"]) == 2 * 100_000 // 11
    assert "bar-a-rest" not in grow
    assert int(grow["bar-b-1"]) == 4 * 100_000 // 11
    badge = page.all(cls="badge")[0]
    assert badge.words.startswith("different") and "warning" in badge.attributes["class"]
    document = json.loads(next(one for one in page.all("script") if one.attributes).text)
    assert document["sides"] == ["content only in A", "content only in B"]
    kinds = {
        names: document["kinds"][kind]["key"]
        for folder in document["folders"]
        for _, kind, _, names, _ in folder[2]
    }
    assert kinds == {"app": "changed-after", "more": "removed"} or kinds == {
        "app": "changed-before",
        "more": "removed",
    }
    assert page.by_id("folders") and page.by_id("files") and page.by_id("layers")
    assert page.by_id("facts").words.count("only in A") == 0


def test_an_image_is_the_same_as_itself(parse):
    path = FIXTURES / "base-env.a.tar"
    page = parse(compare_html(compare(path, path), INFOS))
    badge = page.all(cls="badge")[0]
    assert badge.words == "the samesame filesystem, same config"
    assert "ok" in badge.attributes["class"].split()
    assert set(notes(page, "bar-a")) == {"same"}


def test_numbers_of_a_table_are_sorted_as_numbers(parse):
    """Growth is text, such as -60kB: what it is sorted by is a number beside it."""
    from oci_inspect.render.blocks import Column, Size, Table
    from oci_inspect.render.html.blocks import Blocks

    told = ("+1.2kB", "-60kB", "74.7%", "0-2", "1,204", "", Size(None), Size(999))
    rows = tuple((one,) for one in told)
    block = Blocks().one(Table(columns=(Column("N", right=True),), rows=rows))
    found = [row[0].sort for row in block.rows]
    numbers = [None if one == "" else float(one) for one in found]
    assert numbers == [1200, -60000, 74.7, 0, 1204, None, -1, 999]


def test_an_image_that_was_changed_is_not_simply_the_same(tmp_path, parse):
    """The layer holds other bytes than its digest says, in both: what is compared is as false."""
    archive = docker_archive(
        ImageBuilder("a:1").layer(TarBuilder().file("x", b"1"), created_by="COPY x /")
    )
    sound = archive.write_file(tmp_path / "sound.tar")
    name = next(one for one in archive.names() if one.endswith("layer.tar"))
    changed = archive.replace(name, TarBuilder().file("x", b"2").build())
    broken = changed.write_file(tmp_path / "broken.tar")
    for paths, words in (
        ((broken, broken), "the same, but A and B are not verified"),
        ((sound, broken), "different, but B is not verified"),
        ((broken, sound), "different, but A is not verified"),
    ):
        badge = parse(compare_html(compare(*paths), INFOS)).all(cls="badge")[0]
        assert badge.all("strong")[0].words == words
        assert "error" in badge.attributes["class"].split()


def test_images_that_are_equal_have_a_sentence_and_no_picture(parse):
    path = FIXTURES / "base-env.a.tar"
    page = parse(compare_html(compare(path, path), INFOS))
    still = page.all(cls="map-still")[0]
    assert still.words == "No file differs in its content."
    assert not still.all("svg")


def test_layers_in_the_bars_lead_to_their_rows(parse):
    """Layers at the bottom that are the same stand in one row together."""
    spans = set()
    for name in PAIRS:
        page = parse(compare_html(compared(name), INFOS))
        for side in "ab":
            for i, link in enumerate(page.by_id(f"bar-{side}").all("a")):
                cell = page.by_id(link.attributes["href"].removeprefix("#"))
                assert cell.tag == "td"
                assert cell in list(page.by_id("layers").walk())
                first, _, last = cell.words.partition("-")
                spans.add(bool(last))
                assert int(first) <= i <= int(last or first)
    assert spans == {True, False}


def test_the_page_says_why_growth_is_not_what_the_map_shows(parse):
    page = parse(compare_html(compared("other-stack"), INFOS))
    growth = next(one for one in page.all(cls="tile") if "Growth" in one.words)
    assert growth.words.endswith(", dead bytes included")
    note = page.by_id("map").all(cls="map-note")[0].words
    assert note.startswith("This is what a container sees.")
