"""A phone: what is on the first screen, tables as cards, and what touch is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze, report_html

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "fixtures" / "real"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def html_of(path: Path) -> str:
    analysis = analyze(path)
    return report_html(analysis.images[0], analysis.archive, analysis.findings)


@pytest.fixture(scope="module")
def app() -> str:
    return html_of(REAL / "docker26-app.tar")


def test_the_bar_of_layers_is_on_the_first_screen(app: str, open_page: Any) -> None:
    page = open_page(app, **PHONE)
    box = page.locator("#bar").bounding_box()
    assert box["y"] + box["height"] < 740


@pytest.mark.parametrize("width", [360, 700])
def test_no_column_of_a_long_table_is_out_of_sight(app: str, open_page: Any, width: int) -> None:
    page = open_page(app, viewport={"width": width, "height": 740})
    for name in ("#layers", "#waste"):
        table = page.locator(f"{name} table").first
        frame = page.locator(f"{name} .scroll").first.bounding_box()
        for cell in table.locator("tbody tr").first.locator("th, td").all():
            box = cell.bounding_box()
            if box is not None:  # what is empty has no place
                assert frame["x"] <= box["x"]
                assert box["x"] + box["width"] <= frame["x"] + frame["width"]
        assert table.locator("tbody tr").first.get_by_role("cell").count() >= 6
    label = "getComputedStyle(document.querySelector('#layers td.num'), '::before').content"
    assert '"Size"' in page.evaluate(label)


def test_cards_sort_as_the_table_does(app: str, open_page: Any) -> None:
    page = open_page(app, **PHONE)
    page.locator("#layers").get_by_role("button", name="Waste", exact=True).tap()
    assert page.locator("#layers tbody tr").first.get_attribute("id") == "layer-2"


def test_touch_is_told_of_no_pointer_and_no_keys(app: str, open_page: Any) -> None:
    text = open_page(app, **PHONE).locator("body").inner_text()
    assert "Point at" not in text and "Arrow keys" not in text and "key /" not in text
    assert "Tap a layer" in text and "Tap a tile" in text
    text = open_page(app).locator("body").inner_text()
    assert "Point at" in text and "Tap a" not in text


def test_six_figures_stand_in_even_rows(app: str, open_page: Any) -> None:
    for width, rows in ((360, 2), (768, 2), (1024, 1), (1280, 1), (2560, 1)):
        page = open_page(app, viewport={"width": width, "height": 900})
        tops = [one.bounding_box()["y"] for one in page.locator(".tiles li").all()]
        assert sorted(tops.count(top) for top in set(tops)) == [6 // rows] * rows, width


def test_the_end_of_the_sections_is_reached(app: str, open_page: Any) -> None:
    page = open_page(app, **PHONE)
    page.locator(".nav a", has_text="Identity").focus()
    box = page.locator(".nav a", has_text="Identity").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with 60 dead files, each with a line of advice of its own."""
    image, tar, gone = ImageBuilder("a:1"), TarBuilder(), TarBuilder()
    for i in range(60):
        tar.file(f"d{i}/f", b"x" * (1000 + i))
        gone.whiteout(f"d{i}/f")
    image.layer(tar, created_by="COPY / /").layer(gone, created_by="RUN rm")
    folder = tmp_path_factory.mktemp("long")
    return html_of(docker_archive(image).write_file(folder / "a.tar"))


def test_a_long_table_shows_its_first_rows_until_all_are_asked_for(
    long: str, open_page: Any
) -> None:
    def seen(page: Any) -> int:
        rows = page.locator("#waste table").first.locator("tbody tr").all()
        return sum(row.is_visible() for row in rows)

    page = open_page(long)
    assert seen(page) == 25
    page.emulate_media(media="print")
    assert seen(page) == 60
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Show all: 35 more rows").click()
    assert seen(page) == 60
    assert page.locator(".show-all").count() == 0
    assert seen(open_page(long, java_script_enabled=False)) == 60


def test_axe_finds_nothing_on_a_narrow_screen(app: str, open_page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for scheme in ("light", "dark"):
        page = open_page(app, color_scheme=scheme, bypass_csp=True, **PHONE)
        found = axe.run(page).response["violations"]
        told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
        assert told == [], scheme
