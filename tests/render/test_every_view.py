"""What holds for every view of every archive: it fits, is plain where it must be, loses nothing."""

from __future__ import annotations

import re

import pytest
from wcwidth import wcswidth

from oci_inspect.render import Style, render
from oci_inspect.render.blocks import Lines

ANSI = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = (40, 60, 80, 100, 200)


@pytest.fixture(scope="session", name="real_views")
def _real_views(real, make_views):
    """Every view of every real archive, in a dictionary of dictionaries."""
    return {name: make_views(analysis) for name, analysis in real.items()}


@pytest.fixture(scope="session", name="all_views")
def _all_views(real_views, make_views, make_analysis):
    """The same with the archive made by hand, which has long words, wide ones and errors."""
    made = {**real_views, "by hand": make_views(make_analysis())}
    return [
        (f"{archive}: {view}", blocks)
        for archive, views in made.items()
        for view, blocks in views.items()
    ]


def without_lines(blocks: list) -> list:
    """Dockerfiles and identifiers stay as they are at any width."""
    return [block for block in blocks if not isinstance(block, Lines)]


@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verbose", [False, True], ids=["", "verbose"])
def test_no_line_is_wider_than_the_screen(all_views, width, unicode, verbose):
    for name, blocks in all_views:
        style = Style(width=width, unicode=unicode, verbose=verbose)
        for line in render(without_lines(blocks), "table", style).split("\n"):
            assert 0 <= wcswidth(line) <= width, f"{name}: {line}"


@pytest.mark.parametrize("width", [40, 80, 200, None])
def test_a_terminal_without_unicode_gets_ascii(all_views, width):
    for name, blocks in all_views:
        assert render(blocks, "table", Style(width=width, unicode=False)).isascii(), name


@pytest.mark.parametrize("width", [40, 80, None])
def test_colour_carries_nothing_of_its_own(all_views, width):
    painted = 0
    for name, blocks in all_views:
        plain = render(blocks, "table", Style(width=width))
        colored = render(blocks, "table", Style(width=width, color=True))
        assert "\x1b" not in plain, name
        assert ANSI.sub("", colored) == plain, name
        painted += colored != plain
    assert painted > len(all_views) / 2


def test_nothing_but_a_line_break_ends_a_text(all_views):
    for name, blocks in all_views:
        for format in ("table", "markdown", "csv"):
            text = render(blocks, format)
            assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), name
            assert "\n\n\n" not in text, name


def test_no_line_of_text_ends_in_blanks(all_views):
    for name, blocks in all_views:
        for line in render(without_lines(blocks), "table", Style(width=80)).split("\n"):
            assert line == line.rstrip(" "), name


def solid(text: str) -> str:
    return re.sub(r"\s", "", text)


def column(text: str, header: str, following: str | None = None) -> str:
    """The cells of one column of a table, all lines joined, without blanks.

    The columns of a table stand where their headers do; its rows go on to the next blank line.
    """
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines):
        start = line.find(header)
        if start < 0:
            continue
        end = line.index(following, start) if following else None
        for row in lines[number + 1 :]:
            if not row:
                break
            found.append(row[start:end])
    return solid("".join(found))


def real_images(real):
    for name, analysis in real.items():
        for i, image in enumerate(analysis.images):
            yield f"{name} {i}", analysis, image


def test_on_a_wide_screen_every_instruction_is_whole(real, real_views):
    seen = 0
    for name, analysis, image in real_images(real):
        views = real_views[name.rpartition(" ")[0]]
        i = analysis.images.index(image)
        steps = {step.index: step for step in image.history}
        told = [steps[layer.history_index].instruction for layer in image.layers]
        for view in ("analyze", f"layers {i}", f"layers no-trunc {i}"):
            cells = column(render(views[view], "table", Style(width=200)), "INSTRUCTION")
            for text in told:
                assert solid(text) in cells, f"{name}: {view}"
        text = render(views[f"history no-trunc {i}"], "table", Style(width=200))
        cells = column(text, "CREATED BY", "SIZE") if image.history else ""
        for step in image.history:
            assert solid(step.created_by) in cells, name
            seen += 1
    assert seen > 200


@pytest.mark.parametrize("width", [40, 60, 80])
def test_history_without_truncation_loses_no_word_on_a_narrow_screen(real, real_views, width):
    for name, analysis, image in real_images(real):
        i = analysis.images.index(image)
        text = render(
            real_views[name.rpartition(" ")[0]][f"history no-trunc {i}"],
            "table",
            Style(width=width),
        )
        for step in image.history:
            assert solid(step.created_by) in solid(text), name


def test_on_a_wide_screen_every_dead_path_and_its_advice_is_whole(real, real_views):
    seen = 0
    for name, analysis, image in real_images(real):
        i = analysis.images.index(image)
        text = render(
            real_views[name.rpartition(" ")[0]][f"waste all {i}"], "table", Style(width=200)
        )
        for group in image.worst:
            assert group.path.decode() in text, name
            assert solid(group.advice) in solid(text), name
            seen += 1
    assert seen > 100


@pytest.mark.parametrize("width", WIDTHS)
def test_messages_of_findings_are_never_cut(analysis, real, make_views, width):
    for one in (analysis, *real.values()):
        text = solid(render(make_views(one)["verify verbose"], "table", Style(width=width)))
        every = [*one.findings, *(found for image in one.images for found in image.findings)]
        for found in every:
            assert solid(found.message) in text
            assert found.rule in text


@pytest.mark.parametrize("format", ["markdown", "csv"])
def test_machines_get_digests_whole(real, real_views, format):
    for name, analysis, image in real_images(real):
        i = analysis.images.index(image)
        text = render(real_views[name.rpartition(" ")[0]][f"layers {i}"], format)
        for layer in image.layers:
            for digest in (layer.digest, layer.diff_id, layer.chain_id):
                assert digest in text, name


def test_digests_are_whole_from_200_columns_on_or_where_asked_for(good, make_views, analysis):
    view = make_views(analysis)["layers 0"]
    digest = good.layers[0].digest
    assert digest in render(view, "table", Style(width=200))
    assert digest not in render(view, "table", Style(width=199))
    assert digest[7:19] in render(view, "table", Style(width=199))
    assert digest in render(view, "table", Style(width=80, verbose=True))
