"""The map of a page, in a browser: what is drawn, where one can go, what is told."""

from __future__ import annotations

import random
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from support.browsing import until
from support.map_page import data_of, difference_data, file, map_page

from oci_inspect.quantities import human_size, percent

MB = 10**6
SMALL = [
    file("usr/lib/libc.so", 30 * MB),
    file("usr/lib/libm.so", 10 * MB, 1),
    file("usr/bin/sh", 20 * MB, 1),
    file("var/lib/apt/lists/main", 300 * MB, 1, 1),
    file("var/lib/apt/lists/other", 100 * MB, 1, 1),
    file("usr/bin/sh", 15 * MB, 0, 3),
    file("var/log/dpkg.log", 5 * MB, 2),
    file("etc/empty", 0, 2),
]
MOST_TILES = 1600
TILES = """() => { const {tiles, nodes} = document.getElementById("map").ociMap.state;
    return tiles.map((t, i) => ({...t, label: nodes[i].getAttribute("aria-label"),
        classes: nodes[i].className, words: nodes[i].textContent})) }"""


def tiles(page):
    return page.evaluate(TILES)


def tile(page, start):
    return page.locator(f'.map-tile[aria-label^="{start},"]')


def click(page, start):
    """Click on the strip or the corner of a tile, which is its own."""
    tile(page, start).first.click(position={"x": 6, "y": 8})


def crumbs(page):
    return page.locator(".map-crumbs li").all_inner_texts()


def rows(page):
    return [
        [cell.strip() for cell in row.split("\t")]
        for row in page.locator(".map-table tbody tr").all_inner_texts()
    ]


@pytest.fixture
def small(open_page):
    return open_page(map_page(data_of(SMALL)), viewport={"width": 1280, "height": 900})


def test_live_and_dead_lie_beside_each_other_in_proportion(small):
    areas = small.evaluate(
        """() => [...document.querySelectorAll(".map-side")].map((side) => {
            const all = [...side.children].map((one) => one.getBoundingClientRect());
            const edge = (name, pick) => pick(...all.map((one) => one[name]));
            return [edge("left", Math.min), edge("right", Math.max),
                edge("top", Math.min), edge("bottom", Math.max)] })"""
    )
    (left, right, top, bottom), (left2, right2, top2, bottom2) = areas
    assert right < left2
    assert (top, bottom) == (top2, bottom2)
    assert (right - left) / (right2 - left2) == pytest.approx(65 / 415, rel=0.02)
    labels = small.locator(".map-label").all_inner_texts()
    assert labels == [f"live 65MB · {percent(65 / 480)}", f"dead 415MB · {percent(415 / 480)}"]


def test_areas_are_in_proportion_to_bytes(small):
    found = {one["label"].split(",")[0]: one for one in tiles(small) if one["type"] == "file"}
    main, other = (found[f"/var/lib/apt/lists/{name}"] for name in ("main", "other"))
    area = main["width"] * main["height"] / (other["width"] * other["height"])
    assert area == pytest.approx(3, rel=0.03)


def test_no_tile_lies_upon_one_beside_it_or_leaves_its_folder(small):
    every = tiles(small)
    assert len(every) > 8
    for i, one in enumerate(every):
        for other in every[i + 1 :]:
            wide = min(one["x"] + one["width"], other["x"] + other["width"])
            high = min(one["y"] + one["height"], other["y"] + other["height"])
            if wide > max(one["x"], other["x"]) and high > max(one["y"], other["y"]):
                assert one["open"]
                assert one["type"] == "folder"
                assert other["depth"] > one["depth"]
                assert other["x"] > one["x"]
                assert other["x"] + other["width"] <= one["x"] + one["width"]
                assert other["y"] + other["height"] <= one["y"] + one["height"]


def test_what_is_dead_is_hatched(small):
    for one in tiles(small):
        assert ("map-dead" in one["classes"]) == (one["side"] == 1)
    image = small.locator(".map-file.map-dead").first.evaluate(
        "node => getComputedStyle(node).backgroundImage"
    )
    assert "gradient" in image


def test_a_click_goes_into_a_folder_and_the_crumbs_come_back(small):
    assert crumbs(small) == ["/"]
    click(small, "/usr/")
    assert crumbs(small) == ["/", "usr"]
    assert small.url.endswith("#map=/usr")
    labels = [one["label"].split(",")[0] for one in tiles(small)]
    assert "/usr/lib/libc.so" in labels
    assert not any(label.startswith("/var") for label in labels)
    small.locator(".map-crumbs a", has_text="/").click()
    assert crumbs(small) == ["/"]
    assert any(one["label"].startswith("/var/lib/apt/lists/") for one in tiles(small))


def test_folders_that_have_nothing_but_one_folder_are_one_tile(small):
    names = [one["words"] for one in tiles(small) if one["type"] == "folder" and one["side"] == 1]
    assert any(re.match(r"var/lib/apt/lists", name) for name in names)
    click(small, "/var/lib/apt/lists/")
    assert crumbs(small) == ["/", "var", "lib", "apt", "lists"]


def test_back_and_forward_go_through_the_folders(small):
    click(small, "/usr/")
    click(small, "/usr/lib/")
    small.go_back()
    until(small, "document.querySelectorAll('.map-crumbs li').length === 2")
    assert crumbs(small) == ["/", "usr"]
    small.go_back()
    until(small, "document.querySelectorAll('.map-crumbs li').length === 1")
    small.go_forward()
    until(small, "document.querySelectorAll('.map-crumbs li').length === 2")
    assert crumbs(small) == ["/", "usr"]


def test_an_address_opens_its_folder_and_shows_the_map(open_page):
    above = "<p>text</p>" * 100
    page = open_page(map_page(data_of(SMALL), above), "#map=/usr/lib")
    assert crumbs(page) == ["/", "usr", "lib"]
    assert page.locator("#map").bounding_box()["y"] < 100


def test_an_address_of_a_file_tells_of_it(open_page):
    page = open_page(map_page(data_of(SMALL)), "#map=/usr/bin/sh")
    assert crumbs(page) == ["/", "usr", "bin"]
    assert page.locator(".map-path").inner_text() == "/usr/bin/sh"
    assert page.locator(".map-facts dl").count() == 2


def test_an_address_that_is_not_there_opens_what_is_nearest_and_says_so(open_page):
    page = open_page(map_page(data_of(SMALL)), "#map=/usr/lib/no/such")
    assert crumbs(page) == ["/", "usr", "lib"]
    assert "/usr/lib/no/such" in page.locator(".map-line").inner_text()
    broken = open_page(map_page(data_of(SMALL)), "#map=/%E0%A4%A")
    assert crumbs(broken) == ["/"]


def test_a_file_tells_what_it_is(open_page):
    data = data_of([*SMALL, file("usr/odd", 1_234_567, 1, 1)])
    page = open_page(map_page(data, below='<h3 id="layer-1">layer 1</h3>'))
    click(page, "/var/lib/apt/lists/main")
    facts = page.locator(".map-facts")
    text = facts.inner_text()
    assert "/var/lib/apt/lists/main" in text
    assert "300MB (300,000,000 bytes)" in text
    assert "deleted by a later layer" in text
    assert facts.locator("a").get_attribute("href") == "#layer-1"
    assert facts.locator("a").inner_text() == "layer 1: RUN step 1"
    chosen = page.locator('.map-tile[aria-selected="true"]')
    assert chosen.get_attribute("aria-label").startswith("/var/lib/apt/lists/main,")
    assert page.locator('.map-crumbs [aria-current="location"]').inner_text() == "/"


def test_a_layer_that_the_page_does_not_show_is_no_link(small):
    click(small, "/usr/bin/sh")
    assert small.locator(".map-facts a").count() == 0


def test_the_table_has_every_figure(small):
    assert rows(small) == [
        ["var/", "5MB", "400MB", "405MB"],
        ["usr/", "60MB", "15MB", "75MB"],
        ["etc/", "0B", "0B", "0B"],
    ]
    small.locator(".map-table a", has_text="usr/").click()
    assert rows(small) == [["lib/", "40MB", "0B", "40MB"], ["bin/", "20MB", "15MB", "35MB"]]
    small.locator(".map-table a", has_text="bin/").click()
    assert rows(small) == [["sh", "20MB", "15MB", "35MB"]]
    small.locator(".map-table tbody button", has_text="sh").click()
    assert small.locator(".map-path").inner_text() == "/usr/bin/sh"


def test_the_table_begins_with_the_largest_and_shows_all_when_asked(open_page):
    page = open_page(map_page(data_of(file(f"f{i}", 1000 + i) for i in range(700))))
    assert page.locator(".map-table tbody tr").count() == 50
    assert rows(page)[0][0] == "f699"
    page.get_by_role("button", name="Show 500 more of 650").click()
    assert page.locator(".map-table tbody tr").count() == 550
    page.get_by_role("button", name="Show all: 150 more").click()
    assert page.locator(".map-table tbody tr").count() == 700
    assert page.locator(".map-table .map-button").is_hidden()


def test_colours_are_by_layer_or_by_kind(small):
    def classes(path):
        return next(one["classes"] for one in tiles(small) if one["label"].startswith(path))

    assert "layer-1" in classes("/var/lib/apt/lists/main")
    assert "layer-0" in classes("/usr/lib/libc.so")
    texts = small.locator(".map-legend").inner_text()
    assert "layer 0: RUN step 0" in texts
    small.get_by_label("by kind").check()
    assert "kind-deleted" in classes("/var/lib/apt/lists/main")
    assert "kind-live" in classes("/usr/lib/libc.so")
    legend = small.locator(".map-legend").all_inner_texts()[0].split("\n")
    assert legend == ["live", "deleted by a later layer", "overwritten with other content"]


def test_the_legend_points_out_its_tiles(small):
    button = small.locator(".map-legend button", has_text="layer 0")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    pointed = {one["label"].split(",")[0] for one in tiles(small) if "pointed" in one["classes"]}
    assert "/usr/lib/libc.so" in pointed
    assert "/usr/lib/libm.so" not in pointed
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert not any("pointed" in one["classes"] for one in tiles(small))


def test_what_is_pointed_out_stays_so_in_other_folders(small):
    small.locator(".map-legend button", has_text="layer 1").click()
    click(small, "/usr/")
    button = small.locator(".map-legend button", has_text="layer 1")
    assert button.get_attribute("aria-pressed") == "true"
    pointed = {one["label"].split(",")[0] for one in tiles(small) if "pointed" in one["classes"]}
    assert pointed == {"/usr/lib/libm.so", "/usr/bin/sh"}
    small.evaluate("document.getElementById('map').ociMap.open('/var/log')")
    assert button.get_attribute("aria-pressed") == "true"  # though nothing of it is here
    assert small.locator(".map-pointed").count() == 0
    button.click()
    assert small.locator(".map-pointing").count() == 0


def test_a_file_that_is_clicked_has_an_address(small):
    click(small, "/usr/lib/libc.so")
    assert small.url.endswith("#map=/usr/lib/libc.so")
    assert crumbs(small) == ["/"]
    small.go_back()
    until(small, "!document.querySelector('.map-facts')")


def test_names_that_would_read_the_same_are_two(open_page):
    kept = [file("a\x1bb", 5), file(r"a\x1bb", 7), file(r"dev\x2dsda", 9)]
    page = open_page(map_page(data_of(kept)))
    assert [row[0] for row in rows(page)] == [r"dev\x2dsda", r"a\x5cx1bb", r"a\x1bb"]


def test_the_line_that_names_the_tile_is_seen_while_keys_move(open_page):
    """However far down the picture one goes, the line and the tile itself are in the view."""
    data = data_of(file(f"d{i % 5}/f{i}", 1000 + i) for i in range(90))
    page = open_page(map_page(data, "<p>text</p>" * 60), viewport={"width": 1280, "height": 500})
    page.locator('.map-tile[tabindex="0"]').focus()
    for key in ["ArrowDown"] * 12 + ["End"] + ["ArrowUp"] * 12:
        page.keyboard.press(key)
        assert focused(page) in page.locator(".map-line").inner_text()
        box = page.locator(".map-line").bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 500
        own = page.locator(".map-tile:focus").bounding_box()
        assert box["y"] + box["height"] <= own["y"] < 500


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label') || ''").split(",")[0]


def test_the_keyboard_goes_everywhere(small):
    assert small.locator('.map-tile[tabindex="0"]').count() == 1
    small.locator('.map-tile[tabindex="0"]').focus()
    seen = {focused(small)}
    # To every tile by arrow keys alone: breadth first, each from where it was reached.
    count = len(tiles(small))
    queue = [0]
    reached = {0}
    while queue:
        start = queue.pop()
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
            small.locator(".map-tile").nth(0).evaluate(
                """(_, at) => { const {nodes} = document.getElementById("map").ociMap.state;
                nodes[at].focus(); document.getElementById("map").ociMap.state.at = at }""",
                start,
            )
            small.keyboard.press(key)
            at = small.evaluate("document.activeElement.ociTile")
            seen.add(focused(small))
            if at not in reached:
                reached.add(at)
                queue.append(at)
    assert len(reached) == count
    assert "/usr/bin/sh" in seen


def test_enter_goes_in_and_keys_go_up(small):
    first = small.locator('.map-tile[tabindex="0"]')
    first.focus()
    assert focused(small) == "/usr/"
    small.keyboard.press("Enter")
    assert crumbs(small) == ["/", "usr"]
    assert focused(small) == "/usr/lib/"
    for key in ("Backspace", "Escape", "Alt+ArrowUp"):
        small.evaluate("document.getElementById('map').ociMap.open('/usr/lib')")
        small.locator('.map-tile[tabindex="0"]').focus()
        small.keyboard.press(key)
        assert crumbs(small) == ["/", "usr"], key
    for left in ("/usr/bin", "/usr/lib"):
        small.evaluate("path => document.getElementById('map').ociMap.open(path)", left)
        small.locator('.map-tile[tabindex="0"]').focus()
        small.keyboard.press("Backspace")
        assert focused(small) == f"{left}/"
    small.keyboard.press("End")
    small.keyboard.press(" ")
    assert small.locator(".map-facts").count() == 1
    assert small.locator("[role=status].map-status").inner_text().startswith("/usr/")


def test_the_line_above_tells_of_the_tile_under_the_pointer(small):
    tile(small, "/var/lib/apt/lists/main").hover(position={"x": 5, "y": 40})
    line = small.locator(".map-line").inner_text()
    assert "/var/lib/apt/lists/main" in line
    assert f"300MB, {percent(300 / 480)}" in line
    assert "deleted by a later layer" in line
    assert "layer 1: RUN step 1" in line


def test_without_javascript_the_still_picture_is_there(open_page):
    page = open_page(map_page(data_of(SMALL)), java_script_enabled=False)
    assert page.locator(".map-still").is_visible()
    assert page.locator("#search").is_hidden()


def test_with_it_the_still_picture_is_for_paper(small):
    assert small.locator(".map-still").is_hidden()
    small.emulate_media(media="print")
    assert small.locator(".map-still").is_visible()
    assert small.locator(".map-app").is_hidden()


def test_another_width_is_laid_out_anew(small):
    def extent():
        return max(one["x"] + one["width"] for one in tiles(small))

    before = extent()
    small.set_viewport_size({"width": 700, "height": 900})
    until(small, "document.getElementById('map').ociMap.state.width < 700")
    assert extent() < 700 < before


def test_on_a_narrow_screen_the_sides_lie_above_each_other(open_page):
    options = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    page = open_page(map_page(data_of(SMALL)), **options)
    assert page.locator(".map-picture").bounding_box()["height"] >= 300
    sides = [
        [one["y"] for one in tiles(page) if one["side"] == side and one["depth"] == 0]
        for side in (0, 1)
    ]
    assert max(sides[0]) < min(sides[1])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    over = page.evaluate(
        """() => [...document.querySelectorAll(".map-tile .map-words > span")].filter((one) => {
            const text = one.getBoundingClientRect();
            const box = one.closest(".map-tile").getBoundingClientRect();
            return text.right > box.right + 1 || text.bottom > box.bottom + 1 }).length"""
    )
    assert over == 0
    tile(page, "/usr/").first.tap(position={"x": 6, "y": 8})
    assert crumbs(page) == ["/", "usr"]


def test_a_side_without_bytes_takes_no_room(open_page):
    page = open_page(map_page(data_of([file("a/b", 5), file("c", 3)])))
    assert page.locator(".map-side").count() == 1
    assert page.locator(".map-label").all_inner_texts() == ["live 8B · 100%"]
    empty = open_page(map_page(data_of([file("a", 0)])))
    assert empty.locator(".map-tile").count() == 0
    assert "Nothing in this folder" in empty.locator(".map-picture").inner_text()


def test_where_there_is_nothing_a_sentence_says_so(open_page):
    image = open_page(map_page(data_of([])))
    assert image.locator(".map-none").inner_text() == "There are no files in it."
    assert image.locator("#search").is_hidden()
    difference = open_page(map_page(difference_data([])))
    assert difference.locator(".map-none").inner_text() == "No file differs in its content."


def test_a_side_that_is_tiny_is_seen(open_page):
    page = open_page(map_page(data_of([file("a", 10**12), file("b", 1, 0, 1)])))
    dead = next(one for one in tiles(page) if one["side"] == 1)
    assert dead["width"] >= 2


def test_two_images_have_a_side_each(open_page):
    page = open_page(map_page(difference_data([file("a/x", 30, 1, 0), file("a/y", 50, 1, 2)])))
    labels = page.locator(".map-label").all_inner_texts()
    assert [label.split(" · ")[0] for label in labels] == ["only in A 30B", "only in B 50B"]
    assert not any("map-dead" in one["classes"] for one in tiles(page))
    assert page.locator(".map-legend").inner_text().split("\n") == ["only in A", "only in B"]
    page.get_by_label("by layer").check()
    legend = page.locator(".map-legend").inner_text()
    assert "A layer 1: COPY A" in legend
    assert "B layer 1: COPY B" in legend
    heads = page.locator(".map-table thead th").all_inner_texts()
    assert heads == ["name", "only in A", "only in B", "total"]


ODD = [
    *("__proto__", "constructor", "toString", "<b>bold</b>", "%2e", "a#b", "two words", "?x=1"),
    *('"quoted"', "'single'", "&amp;", "\\", "x" * 255, "é", "文", ".", "hasOwnProperty"),
    "</script><script>alert(1)</script>",
]


def test_odd_names_are_names(open_page):
    kept = [file(f"{name}/{name}", 1000 + i) for i, name in enumerate(ODD) if name != "."]
    page = open_page(map_page(data_of(kept)))
    for one in kept:
        name = one.path.decode().split("/")[0]
        if "/" in name or one.path.count(b"/") != 1:
            continue
        page.evaluate("path => document.getElementById('map').ociMap.open(path)", f"/{name}/{name}")
        shown = page.locator(".map-path").inner_text()
        assert shown == f"/{name}/{name}"
        again = open_page(page_file(page), page.evaluate("location.hash"))
        assert again.locator(".map-path").inner_text() == shown
    assert page.locator("b", has_text="bold").count() == 0


def page_file(page):
    return Path(unquote(urlsplit(page.url).path))


def test_addresses_are_those_that_others_write(open_page):
    kept = [file(f"{name}/f", 5) for name in ("a b", "ü", "100%", "a+b", "c#d")]
    page = open_page(map_page(data_of(kept)))
    links = {
        link.inner_text(): link.get_attribute("href")
        for link in page.locator(".map-table tbody a").all()
    }
    assert len(links) == 5
    for text, link in links.items():
        assert link == "#map=/" + quote(text.removesuffix("/"), safe="")


def test_a_dead_file_and_a_folder_of_one_name_are_two(open_page):
    kept = [file("x", 700, 0, 1), file("x/y", 300, 1)]
    page = open_page(map_page(data_of(kept)))
    assert sorted(one[0] for one in rows(page)) == ["x", "x/"]
    click(page, "/x")
    assert "700B" in page.locator(".map-facts").inner_text()
    click(page, "/x/")
    assert crumbs(page) == ["/", "x"]
    assert rows(page) == [["y", "300B", "0B", "300B"]]


def test_folders_may_be_very_deep(open_page):
    deep = "/".join(f"d{i}" for i in range(1024))
    page = open_page(map_page(data_of([file(f"{deep}/f", 7 * MB), file("g", MB)])))
    assert "live 8MB" in page.locator(".map-label").inner_text()
    click(page, "/" + deep + "/")
    assert crumbs(page)[-1] == "d1023"
    assert len(crumbs(page)) < 15
    page.locator('.map-tile[tabindex="0"]').focus()
    page.keyboard.press("Backspace")
    assert crumbs(page)[-1] == "d1022"


def test_what_is_small_is_folded_with_what_was_folded_before(open_page):
    kept = [file(f"{i:04}", 1 + i % 3) for i in range(4000)] + [file("large", 8000)]
    page = open_page(map_page(data_of(kept, room=20_000)))
    named = page.evaluate("document.getElementById('map').ociMap.leafCount")
    assert 100 < named < 4000
    (rest,) = [one for one in tiles(page) if one["type"] == "rest"]
    drawn = sum(one["type"] == "file" for one in tiles(page))
    assert rest["count"] == 4001 - drawn
    assert rest["size"] == 8000 + sum(1 + i % 3 for i in range(4000)) - sum(
        one["size"] for one in tiles(page) if one["type"] == "file"
    )
    page.get_by_role("button", name="Show 500 more").click()
    page.evaluate(
        "() => { for (let i = 0; i < 8; i += 1) "
        "document.querySelector('.map-table .map-button').click() }"
    )
    assert rows(page)[-1][0] == f"{4001 - named:,} smaller files"


def test_a_folder_of_equal_files_is_one_rest(open_page):
    page = open_page(map_page(data_of([file(f"{i:05}", 100) for i in range(30_000)])))
    only = tiles(page)
    assert [one["type"] for one in only] == ["rest"]
    assert only[0]["count"] == 30_000
    assert "30,000 smaller files" in only[0]["words"]
    assert human_size(3 * MB) in only[0]["words"]


@pytest.fixture(scope="module")
def large():
    chance = random.Random(3)
    folders = ["usr", "var", "opt"]
    for i in range(3000):
        folders.append(f"{chance.choice(folders)}/d{i}")
    kept = [
        file(
            f"{chance.choice(folders)}/f{i}",
            int(chance.paretovariate(1) * 500),
            chance.randrange(12),
            int(chance.random() < 0.3),
        )
        for i in range(200_000)
    ]
    return kept, map_page(data_of(kept))


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_two_hundred_thousand_files_are_few_tiles(open_page, large, width):
    kept, text = large
    assert len(text) < 5_000_000
    page = open_page(text, viewport={"width": width, "height": 2000})
    page.evaluate(
        """() => { window.made = 0; const make = Document.prototype.createElement;
        Document.prototype.createElement = function (...names) {
            made += 1; return make.apply(this, names) } }"""
    )
    live = sum(one.size for one in kept if one.kind == 0)
    assert f"live {human_size(live)} " in page.locator(".map-label").first.inner_text()
    for path in ("/usr", "/var", "/opt", "/"):
        before = page.evaluate("made")
        page.evaluate("path => document.getElementById('map').ociMap.open(path)", path)
        assert 50 < page.locator(".map-tile").count() <= MOST_TILES
        # A tile has at most four elements; crumbs, table and legend some hundred.
        assert page.evaluate("made") - before < 4 * MOST_TILES + 1000


def test_sizes_are_written_as_everywhere_else(open_page):
    page = open_page(map_page(data_of([file("a", 1)])))
    chance = random.Random(1)
    numbers = [*range(2100), *(int(10 ** chance.uniform(0, 15.9)) for _ in range(4000))]
    for exponent in range(16):
        for digits in (
            999,
            9995,
            99949,
            9994,
            1225,
            12250,
            1125,
            1135,
            10005,
            10015,
            99950,
            5,
            125,
        ):
            numbers += [
                n for n in (digits * 10**exponent + d for d in (-1, 0, 1)) if 0 <= n < 2**53
            ]
    found = page.evaluate(
        "all => all.map(document.getElementById('map').ociMap.humanSize)", numbers
    )
    assert found == [human_size(n) for n in numbers]


def test_shares_are_written_as_everywhere_else(open_page):
    page = open_page(map_page(data_of([file("a", 1)])))
    pairs = [(part, whole) for whole in (1, 7, 8, 400, 1000, 16000) for part in range(whole + 1)]
    found = page.evaluate(
        "all => all.map(([a, b]) => document.getElementById('map').ociMap.percent(a, b))", pairs
    )
    assert found == [percent(part / whole) for part, whole in pairs]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = axe.__file__.replace("sync_playwright.py", "axe.min.js")
    page = open_page(map_page(data_of(SMALL)), "#map=/usr/bin/sh", color_scheme=scheme)
    page.fill("#search-text", "lib")
    page.locator(".search-hits li").first.wait_for()
    page.evaluate(Path(path).read_text() + "; 0")
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], [n["target"] for n in one["nodes"]]) for one in found] == []
