"""The map of a page stays within its room, whatever is in it."""

from __future__ import annotations

import json

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze, report_html
from oci_inspect.render.html import map_section


@pytest.mark.parametrize("layers", [1, 40])
def test_the_data_fits_and_no_byte_is_lost(layers, tmp_path, monkeypatch):
    """With many layers each file of a folder is in a group of its own, which takes more room."""
    monkeypatch.setattr(map_section, "LEAST", 100)
    image = ImageBuilder("a:1")
    for i in range(layers):
        tar = TarBuilder()
        for j in range(800 // layers):
            tar.file(f"folder {j % 7}/{i}-{j}", b"x" * (i + j))
        image.layer(tar, created_by="RUN x")
    (found,) = analyze(docker_archive(image).write_file(tmp_path / "a.tar")).images
    section = map_section.image_map(found, 8_000)
    assert 5_000 < len(section.data.encode()) <= 8_000
    document = json.loads(section.data)
    sizes = [size for _, _, groups, _ in document["folders"] for one in groups for size in one[4]]
    rests = [rest for *_, some in document["folders"] for rest in some]
    assert sum(sizes) + sum(rest[3] for rest in rests) == found.totals.file_bytes
    assert len(sizes) + sum(rest[2] for rest in rests) == 800


def test_a_page_of_which_all_else_is_large_has_a_smaller_map(tmp_path, monkeypatch):
    image = ImageBuilder("a:1", run={"Env": ["A=" + "x" * 1_900] * 100})
    tar = TarBuilder()
    for i in range(20_000):
        tar.file(f"folder {i % 7}/a name of some length {i}", b"x" * (i % 10))
    image.layer(tar, created_by="RUN x")
    analysis = analyze(docker_archive(image).write_file(tmp_path / "a.tar"))
    page = report_html(analysis.images[0], analysis.archive)
    assert 600_000 < len(page.encode()) < map_section.MOST
    monkeypatch.setattr(map_section, "MOST", 600_000)
    smaller = report_html(analysis.images[0], analysis.archive)
    assert 400_000 < len(smaller.encode()) <= 600_000
    assert smaller.count("x" * 1_900) == page.count("x" * 1_900) == 100
