"""The pages that the command line makes of every fixture, opened in a browser without a network.

``open_page`` holds each to asking for nothing and logging nothing. The figures are held against
those of ``analyze --format json``, which goes another way through the program.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.browsing import until
from support.fixture_images import ARCHIVES, FIXTURES

from oci_inspect.cli import run

PAIRS = sorted((FIXTURES / "compare").glob("*.a.tar"))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """A file that a command writes."""

    def make(*arguments: str | Path) -> Path:
        path = tmp_path / f"made{len(list(tmp_path.iterdir()))}"
        assert run([*map(str, arguments), "--output", str(path)]) == 0
        return path

    return make


def digits(text: str) -> int:
    return int("".join(filter(str.isdigit, text)))


def tile(page: Any, label: str) -> Any:
    return page.locator(".tile", has=page.locator(".tile-label", has_text=label)).first


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_a_report_says_what_the_json_says(
    path: Path, made: Callable[..., Path], open_page: Any
) -> None:
    analysis = json.loads(made("analyze", path, "--format", "json").read_text())
    for number, image in enumerate(analysis["images"]):
        report = made("report", path, "--image", f"@{number}")
        page = open_page(report.rename(report.with_suffix(".html")))
        totals, layers = image["totals"], image["layers"]
        assert digits(tile(page, "Waste").get_attribute("title")) == totals["wasted_bytes"]
        assert digits(tile(page, "Size").get_attribute("title")) == totals["file_bytes"]
        assert digits(tile(page, "Layers").locator(".tile-value").inner_text()) == len(layers)
        assert digits(tile(page, "Files").locator(".tile-value").inner_text()) == totals["files"]
        badge = page.locator(".badge").inner_text().lower()
        assert ("not verified" in badge) is not image["verified"]
        rows = page.eval_on_selector_all(
            "#layers tbody tr", "rows => rows.map(row => [...row.cells].map(c => c.dataset.v))"
        )
        keys = ("index", "file_bytes", "wasted_bytes", "size", "uncompressed_size", "files")
        expected = [[one[key] for key in keys] for one in layers]
        assert [[float(row[i]) for i in (0, 3, 4, 5, 6, 7)] for row in rows] == expected
        if not totals["file_bytes"]:
            continue
        data = json.loads(page.locator("#map-data").inner_text())
        assert map_sums(data) == [
            totals["file_bytes"] - totals["wasted_bytes"],
            totals["wasted_bytes"],
        ]
        into_the_largest_folder_and_back(page)


def map_sums(data: Any) -> list[int]:
    """The bytes of both sides, from the data that is in the page."""
    sums = [0, 0]
    for _, _, groups, rests in data["folders"]:
        for _, kind, _, _, sizes in groups:
            sums[data["kinds"][kind]["side"]] += sum(sizes)
        for kind, _, _, size in rests:
            sums[data["kinds"][kind]["side"]] += size
    return sums


def into_the_largest_folder_and_back(page: Any) -> None:
    folders = page.locator(".map-tile.map-open, .map-tile.map-folder")
    if not folders.count():
        return
    crumbs = page.locator("#map nav li")
    assert crumbs.count() == 1
    folders.first.click(position={"x": 5, "y": 5})
    until(page, "document.querySelectorAll('#map nav li').length > 1")
    crumbs.first.locator("a").click()
    until(page, "document.querySelectorAll('#map nav li').length === 1")


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.name.partition(".")[0])
def test_a_comparison_opens(path: Path, made: Callable[..., Path], open_page: Any) -> None:
    other = path.with_name(path.name.replace(".a.tar", ".b.tar"))
    found = json.loads(made("compare", path, other, "--format", "json").read_text())
    report = made("compare", path, other, "--format", "html")
    page = open_page(report.rename(report.with_suffix(".html")))
    words = page.locator("body").inner_text().lower()
    assert ("same filesystem, same config" in words) is (
        found["same"]["filesystem"] and found["same"]["config"]
    )
