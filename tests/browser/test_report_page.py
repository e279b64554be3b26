"""The page of an image in a real browser: it asks for nothing, sorts, prints, and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze, compare, compare_html, report_html

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "fixtures" / "real"
PAIRS = ROOT / "fixtures" / "compare"


def html_of(path: Path) -> str:
    analysis = analyze(path)
    return report_html(analysis.images[0], analysis.archive, analysis.findings)


@pytest.fixture(scope="module")
def app() -> str:
    return html_of(REAL / "docker26-app.tar")


@pytest.fixture(scope="module")
def pair() -> str:
    paths = PAIRS / "label-and-copy.a.tar", PAIRS / "label-and-copy.b.tar"
    infos = tuple(analyze(path).archive for path in paths)
    return compare_html(compare(*paths), (infos[0], infos[1]))


def column(page: Any, index: int) -> list[str]:
    """What the rows of the table of layers are sorted by, in the order in which they stand."""
    cells = f"rows => rows.map(row => row.cells[{index}].dataset.v)"
    return page.eval_on_selector_all("#layers tbody tr", cells)


def test_the_table_of_layers_sorts_by_any_column(app: str, open_page: Any) -> None:
    page = open_page(app)
    heads = page.locator("#layers thead th")
    assert heads.count() == 11
    plain = column(page, 0)
    assert plain == [str(i) for i in range(11)]
    for index in range(2, 8):  # columns of numbers
        heads.nth(index).locator("button").click()
        assert heads.nth(index).get_attribute("aria-sort") == "descending"
        numbers = [float(one) for one in column(page, index)]
        assert numbers == sorted(numbers, reverse=True)
        # Equal ones stand in the order of the layers, from the first on.
        pairs = [(-number, int(row)) for number, row in zip(numbers, column(page, 0), strict=True)]
        assert pairs == sorted(pairs)
        heads.nth(index).locator("button").click()
        assert heads.nth(index).get_attribute("aria-sort") == "ascending"
        numbers = [float(one) for one in column(page, index)]
        assert numbers == sorted(numbers)
        assert page.locator("#layers thead [aria-sort]").count() == 1
    for index in (9, 10):  # digests
        heads.nth(index).locator("button").click()
        assert column(page, index) == sorted(column(page, index))
    heads.nth(0).locator("button").click()
    page.keyboard.press("Enter")
    assert column(page, 0) in (plain, plain[::-1])


def test_a_segment_of_the_bar_tells_its_instruction_and_leads_to_its_row(
    app: str, open_page: Any
) -> None:
    page = open_page(app)
    line = page.locator("#bar-line")
    before = line.inner_text()
    page.hover("#bar-2 a")
    assert line.inner_text().startswith("Layer 2, 66.7kB, 66.7kB dead")
    assert "RUN /bin/step mkdir /data" in line.inner_text()
    page.hover("h1")
    assert line.inner_text() == before
    page.focus("#bar-0 a")
    assert "COPY step /bin/step" in line.inner_text()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector(':target').id") == "layer-0"


def test_a_path_of_the_waste_leads_to_it_in_the_map(app: str, open_page: Any) -> None:
    page = open_page(app)
    page.locator("#waste a.place", has_text="data/big").click()
    assert page.url.endswith("#map=/data/big")
    assert page.locator(".map-path").inner_text() == "/data/big"
    assert page.locator("#map").bounding_box()["y"] < 200
    quiet = open_page(app, java_script_enabled=False)
    assert quiet.locator("#waste a.place").first.get_attribute("href") == "#map"


def test_the_files_of_a_layer_are_pointed_out_in_the_map(app: str, open_page: Any) -> None:
    page = open_page(app)
    page.get_by_role("link", name="5 files of layer 2, in the map").click()
    assert page.locator("#map").bounding_box()["y"] < 200
    pressed = page.locator('.map-legend [aria-pressed="true"]')
    assert pressed.inner_text().startswith("layer 2: RUN /bin/step mkdir /data")
    labels = "nodes => nodes.map(node => node.getAttribute('aria-label'))"
    pointed = page.eval_on_selector_all(".map-pointed", labels)
    assert any("/data/" in one for one in pointed)
    assert not any(one.startswith("/bin/step,") for one in pointed)  # of layer 0
    assert page.locator("a[data-layer='3']").count() == 0  # it has no bytes


def test_what_the_search_finds_is_in_the_view(app: str, open_page: Any) -> None:
    page = open_page(app, viewport={"width": 1280, "height": 800})
    assert page.locator(".nav a", has_text="Search").is_visible()
    page.locator('.map-tile[tabindex="0"]').focus()
    page.keyboard.press("/")
    page.keyboard.type("data")
    page.locator(".search-hits li").first.wait_for()
    box = page.locator("#search-text").bounding_box()
    assert box["y"] > page.locator(".nav").bounding_box()["height"]
    hit = page.locator(".search-hits li").first.bounding_box()
    assert box["y"] < hit["y"] and hit["y"] + hit["height"] < 800
    quiet = open_page(app, java_script_enabled=False)
    assert quiet.locator(".nav a", has_text="Search").is_hidden()


@pytest.mark.parametrize("size", [(360, 740), (1280, 720), (2560, 1440)])
def test_no_page_scrolls_sideways(
    app: str, pair: str, open_page: Any, size: tuple[int, int]
) -> None:
    for text in (app, pair):
        page = open_page(text, viewport={"width": size[0], "height": size[1]})
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        quiet = open_page(
            text, viewport={"width": size[0], "height": size[1]}, java_script_enabled=False
        )
        wide = quiet.locator("main").bounding_box()["width"]
        assert wide <= size[0]


def test_the_first_screen_needs_no_scrolling(app: str, open_page: Any) -> None:
    page = open_page(app, viewport={"width": 1280, "height": 720})
    box = page.locator("#bar-box").bounding_box()
    assert box["y"] + box["height"] < 720


def test_without_javascript_all_text_is_there(app: str, open_page: Any) -> None:
    page = open_page(app, java_script_enabled=False)
    assert page.locator("button").count() == 0
    assert page.locator("#layers tbody tr").count() == 11
    assert page.locator("#layers tbody tr").nth(2).is_visible()
    assert page.locator("#search").is_hidden()


def test_what_is_folded_is_printed(open_page: Any, tmp_path: Path) -> None:
    image = ImageBuilder("a:1")
    tar = TarBuilder()
    for i in range(30):
        tar.file(f"setuid{i}", b"1", mode=0o4755)
        tar.file(f"World{i}", b"1").file(f"world{i}", b"1")
    image.layer(tar, created_by="COPY / /")
    page = open_page(html_of(docker_archive(image).write_file(tmp_path / "a.tar")))
    folded = page.locator("details:not([open])")
    count = folded.count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert folded.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count() == count


EVIL = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'><svg onload=alert(3)>",
    "</script><script>alert(4)</script>",
    "javascript:alert(5)",
    "\x1b[31m\u202etxt.exe",
    "{{7*7}}${7*7}",
    "]]><!--",
)


def test_an_image_made_of_markup_runs_nothing_and_is_shown_as_text(
    open_page: Any, tmp_path: Path
) -> None:
    everything = " ".join(EVIL)
    image = ImageBuilder(
        everything,
        run={"Env": list(EVIL), "Labels": {one: one for one in EVIL}, "User": everything},
    )
    tar, gone = TarBuilder(), TarBuilder()
    for one in EVIL:
        name = one.replace("/", "\\")
        tar.file(f"live/{name}", b"x" * 500).file(f"dead/{name}", b"y" * 700)
        gone.whiteout(f"dead/{name}")
    image.layer(tar, created_by=f"RUN {everything}")
    image.layer(gone, created_by=f"RUN rm {everything}")
    path = docker_archive(image).write_file(tmp_path / "evil.tar")
    page = open_page(html_of(path))
    page.wait_for_timeout(200)
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    shown = everything.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert page.locator("h1").inner_text() == shown
    for one in EVIL:
        seen = one.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
        assert page.locator("#config dd code", has_text=seen).count() >= 1, one
    page.hover("#bar-0 a")
    assert everything[:20] in page.locator("#bar-line").inner_text()
    assert page.evaluate("document.querySelectorAll('[onerror],[onload]').length") == 0


def test_axe_finds_nothing(app: str, pair: str, open_page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for text in (app, pair):
        for scheme in ("light", "dark"):
            # What axe puts into the page is no script of the page's.
            page = open_page(text, color_scheme=scheme, bypass_csp=True)
            found = axe.run(page).response["violations"]
            assert [(one["id"], one["impact"]) for one in found] == [], scheme


def test_forced_colours_leave_legends_and_the_section_that_is_read(
    app: str, open_page: Any
) -> None:
    page = open_page(app, forced_colors="active")
    for one in (".legend-live", ".legend-dead", "#layers .swatch", "#map .map-swatch"):
        adjusted = "node => getComputedStyle(node).forcedColorAdjust"
        assert page.locator(one).first.evaluate(adjusted) == "none", one
    page.locator("#waste").scroll_into_view_if_needed()
    page.evaluate("location.hash = '#waste'")
    page.locator(".nav a[aria-current]").wait_for()
    style = "node => getComputedStyle(node).outlineStyle"
    assert page.locator(".nav a[aria-current]").evaluate(style) == "solid"
    other = page.locator(".nav li:not([hidden]) a:not([aria-current])").first
    assert other.evaluate(style) == "none"


def test_an_address_is_there_at_once(app: str, open_page: Any) -> None:
    """Without flying over the page: nothing scrolls smoothly."""
    page = open_page(app, "#layer-4")
    row = page.locator("#layer-4").bounding_box()
    assert 0 < row["y"] < 720
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert page.evaluate(behaviour) == "auto"
