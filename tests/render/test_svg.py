"""Pictures as SVG: well-formed and harmless whatever an archive says, and true to the analysis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder
from wcwidth import wcswidth

from oci_inspect import Analysis, analyze, compare
from oci_inspect.analysis.results import Status
from oci_inspect.picture.colours import LAYERS
from oci_inspect.picture.pieces import (
    DIFFERENCE_KINDS,
    IMAGE_KINDS,
    difference_pieces,
    image_pieces,
)
from oci_inspect.picture.plot import plant
from oci_inspect.quantities import human_size, percent
from oci_inspect.render.svg import report_svg, still_map
from oci_inspect.render.svg.elements import fit, text_width

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "fixtures" / "real"
APP = REAL / "docker26-app.tar"
ARCHIVES = sorted((*REAL.glob("*.tar"), *(ROOT / "fixtures" / "compare").glob("*.tar")))
ARCHIVES = [path for path in ARCHIVES if "rootfs" not in path.name]

NAMESPACE = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "g", "text"}
ATTRIBUTES = {
    *("xmlns", "width", "height", "viewBox", "role", "aria-labelledby", "id", "class", "d"),
    *("x", "y", "rx", "color", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity"),
    *("stroke-linejoin", "stroke-linecap", "paint-order", "text-anchor", "patternUnits"),
    *("font-family", "font-size", "font-weight"),
}

HOSTILE = {
    "script": "</text></svg><script>alert(1)</script>",
    "style": "</style><style>@import 'http://evil.example/x.css'",
    "quotes": '"onload="alert(1)" x=\'',
    "cdata": "]]><![CDATA[x]]>",
    "entity": "&lt;&#60;&amp;&nbsp;&evil;",
    "escape": "a\x1b[31mred\x07\x08",
    "direction": "\u202egnp.exe\u2066x\u200f",
    "odd": "\ufffe\uffff\ufdd0\x85\u2028\x0b\x0c",
    "wide": "日本語" * 40,
    "line": "a\nb\r\nc\td",
    "long": "x" * 4_000,
    "comment": "<!-- --> --!> <?xml x?><!DOCTYPE a>",
    "url": "url(http://evil.example/) javascript:alert(1)",
}


def parsed(svg: str) -> ElementTree.Element:
    """The picture as a parser sees it, after it was looked at for all that must not be there."""
    root = ElementTree.fromstring(svg)
    svg.encode("ascii")
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    for one in root.iter():
        assert one.tag.removeprefix(NAMESPACE) in ELEMENTS, one.tag
        assert one.tag.startswith(NAMESPACE)
        for name, value in one.attrib.items():
            assert name in ATTRIBUTES, name
            for target in re.findall(r"url\(([^)]*)\)", value):
                assert target.startswith("#") and target[1:] in ids
        if one.tag == f"{NAMESPACE}style":
            assert not re.search(r"url|@import|expression|<", one.text)
        for part in (one.text or "", one.tail or ""):
            if part.strip():
                assert part.isprintable(), part
    assert root.get("role") == "img"
    labels = root.get("aria-labelledby").split(" ")
    assert labels == [one.get("id") for one in (root[0], root[1])]
    assert [one.tag for one in (root[0], root[1])] == [f"{NAMESPACE}title", f"{NAMESPACE}desc"]
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{NAMESPACE}text")]


def card(analysis: Analysis, position: int = 0) -> str:
    return report_svg(analysis.images[position], analysis.archive)


def map_of(analysis: Analysis, **more: object) -> str:
    plot = plant(lambda: image_pieces(analysis.images[0]), IMAGE_KINDS, 100_000)
    return still_map(plot, IMAGE_KINDS, ("live", "dead"), **more)


def built(tmp_path: Path, image: ImageBuilder) -> Analysis:
    return analyze(docker_archive(image).write_file(tmp_path / "image.tar"))


@pytest.fixture(scope="module")
def app() -> Analysis:
    return analyze(APP)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_every_fixture_is_drawn_with_the_figures_of_its_analysis(path):
    analysis = analyze(path)
    assert analysis.images
    for position, image in enumerate(analysis.images):
        shown = texts(parsed(card(analysis, position)))
        totals = image.totals
        assert human_size(totals.file_bytes) in shown
        assert human_size(totals.wasted_bytes) in shown
        assert percent(totals.efficiency) in shown
        assert str(len(image.layers)) in shown
        if image.references:
            assert image.references[0] in shown


def test_the_card_of_the_application_says_what_was_worked_out_by_hand(app):
    # fixtures/README.md: 92,499 bytes of files, 69,109 of them dead.
    shown = texts(parsed(card(app)))
    for words in (
        *("example/app:1.2.3", "verified: every digest matches", "92.5kB", "69.1kB", "25.3%"),
        *("dead (74.7%)", "big", "60kB", "step", "21.9kB", "COPY step /bin/step", "data/big"),
        "deleted by step 12: put the rm into the RUN of step 5",
    ):
        assert words in shown, words
    # 23,390 bytes live; the name of that side is cut, and so is the other, to be of one kind.
    assert {"live 23.4kB", "dead 69.1kB"} <= set(shown)


def test_the_picture_is_told_in_words(app):
    root = parsed(card(app))
    told = root.find(f"{NAMESPACE}desc").text
    for words in ("example/app:1.2.3", "verified", "92.5kB", "69.1kB", "74.7%", "data/big"):
        assert words in told


def test_the_bar_is_as_wide_as_the_bytes_say(app):
    root = parsed(card(app))
    groups = [
        one for one in root.iter(f"{NAMESPACE}g") if one.find(f"{NAMESPACE}title") is not None
    ]
    wide = {}
    for group in groups:
        label = re.match(r"layer (\d+): ", group.find(f"{NAMESPACE}title").text)
        if label:
            wide[int(label[1])] = float(group.find(f"{NAMESPACE}rect").get("width"))
    with_bytes = {layer.index for layer in app.images[0].layers if layer.file_bytes}
    assert set(wide) == with_bytes
    # 66,700 against 21,904 bytes; the hairlines of seven small layers and gaps take some pixels.
    assert wide[2] / wide[0] == pytest.approx(66_700 / 21_904, rel=0.02)


def test_what_is_dead_is_hatched_and_what_lives_is_not(app):
    root = parsed(map_of(app))
    for group in root.iter(f"{NAMESPACE}g"):
        title = group.find(f"{NAMESPACE}title")
        if title is None or "url(" not in ElementTree.tostring(group, "unicode"):
            continue
        assert re.search("deleted|emptied|overwritten|written again|dead", title.text)
    hatched = [one for one in root.iter() if one.get("fill") == "url(#still-hatch)"]
    assert len(hatched) >= 4


def test_a_map_for_a_page_has_no_style_and_ids_of_its_own(app):
    svg = map_of(app, prefix="p1-", width=500, height=300)
    root = parsed(svg)
    assert "style" not in svg
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == (
        "0 0 500 300", "500", "300",
    )  # fmt: skip
    ids = {one.get("id") for one in root.iter() if one.get("id")}
    assert ids == {"p1-title", "p1-desc", "p1-hatch"}
    classes = {one.get("class") for one in root.iter() if one.get("class")}
    assert classes and classes <= {f"layer-{i}" for i in range(len(LAYERS))} | {"layer-none"}


def test_a_map_can_be_coloured_by_kind_and_without_hatching(app):
    root = parsed(map_of(app, by="kind", hatched=()))
    classes = {one.get("class") for one in root.iter() if one.get("class")}
    assert {"kind-live", "kind-deleted"} <= classes <= {f"kind-{k.key}" for k in IMAGE_KINDS}
    assert "url(" not in map_of(app, by="kind", hatched=())


def test_a_difference_is_drawn_by_kinds():
    # fixtures/compare/make.sh: /conf has six bytes in A and eight in B, all else is the same.
    pair = [ROOT / "fixtures" / "compare" / f"label-and-copy.{one}.tar" for one in "ab"]
    found = compare(*pair)
    plot = plant(lambda: difference_pieces(found), DIFFERENCE_KINDS, 100_000)
    sides = ("only in A", "only in B")
    root = parsed(still_map(plot, DIFFERENCE_KINDS, sides, by="kind", hatched=()))
    assert sorted(texts(root)) == ["6B", "8B", "conf", "conf", "only in A, 6B", "only in B, 8B"]
    classes = [one.get("class") for one in root.iter() if one.get("class")]
    assert sorted(classes) == ["kind-changed-after", "kind-changed-before"]


@pytest.mark.parametrize("trick", HOSTILE.values(), ids=HOSTILE)
def test_text_of_an_archive_is_text(tmp_path, trick):
    name = trick.replace("/", "|").encode("utf-8", "replace")[:200]
    name = name.decode("utf-8", "ignore").encode() + b"\xff\xed\xa0\x80"
    first = TarBuilder().file(name, b"x" * 5000).file(b"d/" + name + b"/" + name, b"y" * 9000)
    second = TarBuilder().whiteout(b"d/" + name).file("kept", b"z" * 3000)
    image = ImageBuilder(trick, os=trick, architecture=trick)
    image.layer(first, created_by=trick).layer(second, created_by=trick)
    analysis = built(tmp_path, image)
    assert analysis.images[0].totals.wasted_bytes == 9000
    for svg in (card(analysis), map_of(analysis)):
        root = parsed(svg)
        assert "<script" not in svg and "<!" not in svg and "&evil" not in svg
        assert any(human_size(9000) in one for one in texts(root))


def test_markup_in_a_name_is_shown_letter_by_letter(tmp_path):
    image = ImageBuilder("a:1").layer(TarBuilder().file("<b>&amp;\"'", b"x" * 50))
    assert "<b>&amp;\"'" in texts(parsed(card(built(tmp_path, image))))


def test_surrogates_and_nul_in_documents_are_shown_as_escapes(app):
    image = replace(app.images[0], references=("a\0b\ud800c:1",))
    root = parsed(report_svg(image, app.archive))
    assert "a\\x00b\\ud800c:1" in texts(root)


def test_an_image_without_layers_says_so(tmp_path):
    analysis = built(tmp_path, ImageBuilder("empty:1"))
    shown = texts(parsed(card(analysis)))
    assert "no layers" in shown and "0B" in shown
    assert any("no file has any bytes" in one for one in texts(parsed(map_of(analysis))))


def test_layers_without_bytes_are_no_trouble(tmp_path):
    image = ImageBuilder("empty:1").layer(TarBuilder().dir("a")).layer(TarBuilder().file("b"))
    shown = texts(parsed(card(built(tmp_path, image))))
    assert "2 more layers, 0B" in shown


def test_five_hundred_layers_fit_into_the_bar(tmp_path):
    image = ImageBuilder("many:1")
    for i in range(500):
        image.layer(TarBuilder().file(f"f{i}", b"x" * (1 + i % 7)), created_by=f"RUN {i}")
    analysis = built(tmp_path, image)
    root = parsed(card(analysis))
    width = float(root.get("width"))
    for one in root.iter(f"{NAMESPACE}rect"):
        assert float(one.get("width")) >= 0
        assert float(one.get("x", 0)) + float(one.get("width")) <= width + 0.01
    assert (
        sum((one.text or "").startswith("layer ") for one in root.iter(f"{NAMESPACE}title")) == 500
    )
    assert any("496 more layers" in one for one in texts(root))


def test_what_could_not_be_read_is_not_hidden(tmp_path):
    image = ImageBuilder("broken:1").layer(TarBuilder().file("a", b"x" * 100))
    archive = docker_archive(image.layer(b"no tar at all" * 100))
    analysis = analyze(archive.write_file(tmp_path / "broken.tar"))
    assert not analysis.images[0].verified
    shown = texts(parsed(card(analysis)))
    assert any(one.startswith("NOT VERIFIED") for one in shown)
    assert "verified: every digest matches" not in shown
    assert not analysis.images[0].complete
    assert "unknown" in shown and "dead, at least" in shown and "in 1 file, at least" in shown


def test_a_layer_that_is_not_what_it_claims_is_listed_however_small(app):
    image = app.images[0]
    layers = list(image.layers)
    assert "COPY etc/ /etc/" not in texts(parsed(card(app)))
    layers[1] = replace(layers[1], status=Status.MISMATCH)
    shown = texts(parsed(report_svg(replace(image, layers=tuple(layers)), app.archive)))
    assert "COPY etc/ /etc/" in shown and "mismatch" in shown


def test_nothing_lies_outside_the_picture(app):
    for svg in (card(app), map_of(app, width=90, height=700), map_of(app, width=12, height=9)):
        root = parsed(svg)
        width, height = float(root.get("width")), float(root.get("height"))
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
        for one in root.iter(f"{NAMESPACE}rect"):
            x, y = float(one.get("x")), float(one.get("y"))
            assert x >= 0 and x + float(one.get("width")) <= width + 0.02
            assert y >= 0 and y + float(one.get("height")) <= height + 0.02
        for one in root.iter(f"{NAMESPACE}text"):
            assert 0 <= float(one.get("x")) <= width and 0 <= float(one.get("y")) <= height


def test_text_is_cut_to_its_room_and_wide_characters_count_twice():
    assert fit("short", 10, 100) == "short"
    for words in ("a long name of a file", "日本語日本語日本語日本語日本語"):
        cut = fit(words, 10, 60)
        assert cut.endswith("…") and words.startswith(cut[:-1]) and len(cut) > 3
        assert text_width(cut, 10) <= 60
    assert fit("abcdef", 10, 8) == ""
    # No character is taken for narrower than half of what a terminal gives it, at half an em each.
    assert text_width("日本語", 10) >= 10 * wcswidth("日本語") / 2
    assert fit("日本語日本語", 12, 38.0, mono=True) == ""


def test_two_runs_draw_the_same_bytes():
    code = (
        "import sys; from oci_inspect import analyze;"
        "from oci_inspect.render.svg import report_svg;"
        "a = analyze(sys.argv[1]); sys.stdout.write(report_svg(a.images[0], a.archive))"
    )
    found = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, str(APP)]
        found.add(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    assert len(found) == 1
