"""The bar of layers: what a screen reader is told, and the keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze, report_html


def html_of(path: Path) -> str:
    analysis = analyze(path)
    return report_html(analysis.images[0], analysis.archive, analysis.findings)


@pytest.fixture
def uneven(tmp_path: Path) -> str:
    """Three layers: the middle one is nearly all of it, so that the others are narrow."""
    image = ImageBuilder("a:1")
    for i, size in enumerate((10, 100_000, 20)):
        image.layer(TarBuilder().file(f"f{i}", b"x" * size), created_by=f"COPY f{i} /")
    return html_of(docker_archive(image).write_file(tmp_path / "a.tar"))


def test_narrow_layers_have_their_number_in_their_name(uneven: str, open_page: Any) -> None:
    for quiet in (False, True):
        page = open_page(uneven, java_script_enabled=not quiet)
        assert page.locator("#bar-0").bounding_box()["width"] < 20
        for i, size in enumerate(("10B", "100kB", "20B")):
            link = page.locator("#bar").get_by_role("link", name=f"Layer {i}, {size}", exact=True)
            assert link.count() == 1


def test_a_bar_is_one_stop_and_arrow_keys_go_through_it(uneven: str, open_page: Any) -> None:
    page = open_page(uneven)
    assert page.locator('#bar a[tabindex="0"]').count() == 1
    page.focus("#bar-0 a")
    for key, layer in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowRight", 2),
        ("Home", 0),
        ("End", 2),
        ("ArrowLeft", 1),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.hash") == f"#layer-{layer}"
        assert page.locator("#bar-line").inner_text().startswith(f"Layer {layer}, ")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#bar')")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.hash") == "#layer-1"


def test_a_layer_that_is_not_what_it_says_is_marked(open_page: Any, tmp_path: Path) -> None:
    image = ImageBuilder("a:1")
    for i in range(3):
        image.layer(TarBuilder().file(f"f{i}", b"x" * 100), created_by=f"COPY f{i} /")
    archive = docker_archive(image)
    name = [one for one in archive.names() if one.endswith("layer.tar")][1]
    changed = archive.replace(name, TarBuilder().file("f1", b"y" * 100).build())
    page = open_page(html_of(changed.write_file(tmp_path / "a.tar")))
    names = page.locator("#bar a .vh").all_inner_texts()
    assert [one.partition(", not")[0] == one for one in names] == [True, False, True]
    assert names[1] == "Layer 1, 100B, not verified: mismatch"
    sign = "getComputedStyle(document.getElementById('bar-{}'), '::after').content"
    assert page.evaluate(sign.format(1)) == '"!"'
    assert page.evaluate(sign.format(0)) == "none"
    assert page.locator(".badge a").get_attribute("href") == "#findings"
