"""Whatever an archive says is text in a page, seen as it is, and cut where it would not end."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from support.images import OCI_MANIFEST, ImageBuilder, descriptor, oci_layout
from support.tars import TarBuilder

from oci_inspect import analyze, compare, compare_html, report_html
from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.findings import finding

from ..test_hostile_text import BASE_NAME, TRICKS, archives_that_say

TAGS = {
    *("", "html", "head", "meta", "title", "style", "body", "script", "nav", "main", "header"),
    *("footer", "section", "div", "span", "p", "a", "h1", "h2", "h3", "h4", "small", "ul", "ol"),
    *("li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "b"),
    *("i", "br", "strong", "details", "summary", "svg", "path", "rect", "pattern"),
    *("g", "text", "tspan", "desc", "defs", "use", "clippath"),  # of still pictures
}


def check(page) -> None:
    """No element that no template of ours has, no handler, no style, no link out of the page."""
    assert {one.tag for one in page.walk()} <= TAGS
    assert len(page.all("script")) == 2 and len(page.all("style")) == 1
    for element in page.walk():
        assert "style" not in element.attributes
        for name, value in element.attributes.items():
            assert not name.startswith("on"), name
            assert name != "href" or value.startswith("#"), value
            assert is_plain(value), (element.tag, name, value)
        if element.tag not in ("script", "style"):
            for one in element.children:
                assert not isinstance(one, str) or is_plain(one), one


def is_plain(text: str) -> bool:
    """Nothing that hides, turns or steers; the line breaks are the templates' own."""
    return not any(
        unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and one != "\n"
        for one in text
    )


@pytest.mark.parametrize("name", TRICKS)
def test_text_of_an_archive_is_text_and_nothing_else(name, tmp_path, parse):
    for archive in archives_that_say(TRICKS[name]):
        for member in archive.members:
            member.name = member.name.encode("utf-8", "replace").decode()
        analysis = analyze(archive.write_file(tmp_path / "image.tar"))
        for image in analysis.images[:1]:
            info = ArchiveInfo(TRICKS[name], analysis.archive.kind, None, None)
            page = report_html(image, info, analysis.findings)
            page.encode("utf-8")
            check(parse(page))


@pytest.mark.parametrize("name", TRICKS)
def test_a_comparison_says_it_as_text_too(name, tmp_path, parse):
    (archive, _), (plain, _) = archives_that_say(TRICKS[name]), archives_that_say("harmless")
    for member in archive.members:
        member.name = member.name.encode("utf-8", "replace").decode()
    paths = tmp_path / "a.tar", tmp_path / "b.tar"
    archive.write_file(paths[0])
    plain.write_file(paths[1])
    for one, other in (paths, paths[::-1]):
        found = compare(one, other, image_before="@0", image_after="@0")
        info = ArchiveInfo(TRICKS[name], "oci-archive", None, None)
        check(parse(compare_html(found, (info, info))))


def evil(place: str) -> str:
    """Markup, quotes, a colour and a mark of direction, with the name of the place it is in."""
    return f"<img src=x onerror='{place}'>\"&\x1b[31m\u202e{{{{7*7}}}}"


def seen(place: str) -> str:
    """The same as it stands in a page, for one who reads it."""
    return f"<img src=x onerror='{place}'>\"&\\x1b[31m\\u202e{{{{7*7}}}}"


@pytest.fixture(scope="module", name="evil_page")
def _evil_page(tmp_path_factory, parse):
    """A page of an image that says something evil in each place, another thing in every one."""
    run = {
        "User": evil("user"),
        "Env": [evil("env")],
        "Cmd": ["x"],
        "WorkingDir": evil("folder"),
        "Labels": {evil("label"): evil("value"), BASE_NAME: evil("base")},
        "ExposedPorts": {evil("port"): {}},
        "Volumes": {evil("volume"): {}},
        "StopSignal": evil("signal"),
        "OnBuild": [evil("onbuild")],
    }
    image = ImageBuilder(
        evil("reference"), os=evil("os"), architecture=evil("cpu"), created=evil("created"), run=run
    )
    path = evil("path").replace("/", "").encode()
    image.layer(
        TarBuilder().file(path, b"12345").file("setuid" + evil("setuid"), b"1", mode=0o4755),
        created_by=f"RUN {evil('instruction')}",
    )
    image.empty(evil("raw"))
    image.empty("CMD x")
    image.layer(TarBuilder().whiteout(path), created_by="RUN rm")
    image.layer(TarBuilder().file("x", b"1"), created_by="COPY", media_type=evil("layer type"))
    image.patch_config(lambda config: config.update(author=evil("author")))
    image.patch_manifest(
        lambda one: one.update(annotations={evil("annotation"): evil("annotated")})
    )
    file = tmp_path_factory.mktemp("evil") / "image.tar"
    more = [descriptor(OCI_MANIFEST, b"{}", artifactType="x")]
    analysis = analyze(oci_layout(image, more=more).write_file(file))
    info = ArchiveInfo(evil("archive"), analysis.archive.kind, None, None)
    others = (finding("archive-legacy", evil("subject"), evil("message")),)
    page = report_html(analysis.images[0], info, others)
    return page, parse(page)


PLACES = {
    "reference": ("top", "identity"),
    "os": ("top", "identity"),
    "cpu": ("top", "identity"),
    "created": ("top", "identity"),
    "archive": ("identity",),
    "base": ("top",),
    "instruction": ("layers", "dockerfile", "waste"),
    "raw": ("dockerfile",),
    "path": ("waste",),
    "user": ("config",),
    "env": ("config",),
    "folder": ("config",),
    "label": ("config",),
    "value": ("config",),
    "port": ("config",),
    "volume": ("config",),
    "signal": ("config",),
    "onbuild": ("config",),
    "annotation": ("config",),
    "annotated": ("config",),
    "author": ("identity",),
    "layer type": ("findings",),
    "setuid": ("findings",),
    "subject": ("findings",),
    "message": ("findings",),
}
"""What an archive can say, and the sections that say it again."""


@pytest.mark.parametrize("place", PLACES)
def test_each_place_of_a_page_says_it_as_it_is(evil_page, place):
    text, page = evil_page
    for section in PLACES[place]:
        assert seen(place) in " ".join(page.by_id(section).text.split()), section
    assert "<img" not in text
    assert "\x1b" not in text and "\u202e" not in text


def test_attributes_say_it_as_it_is_too(evil_page):
    _, page = evil_page
    titles = [one.attributes["title"] for one in page.by_id("bar").all("a")]
    assert titles[0] == f"RUN {seen('instruction')}"
    (home,) = page.all(cls="nav-home")
    assert home.attributes["title"] == seen("reference")
    archive = next(one for one in page.by_id("top").all("dd") if "title" in one.attributes)
    assert archive.attributes["title"] == seen("archive")
    assert page.all("title")[0].text == f"{seen('reference')} · oci-inspect"
    check(page)


def test_the_data_of_the_map_cannot_end_its_element(evil_page):
    _, page = evil_page
    (script,) = [one for one in page.all("script") if "type" in one.attributes]
    assert not re.search("[<>&\u2028\u2029]", script.text)
    document = json.loads(script.text)
    names = [name for folder in document["folders"] for name in folder[2]]
    assert any(seen("path") in group[3] for group in names)
    assert seen("instruction") in document["layers"][0]["instruction"]


def test_a_long_text_is_cut_and_says_how_much_is_not_there(tmp_path, parse):
    run = {"Env": ["A=" + "x" * 10_000], "Labels": {"a": "y" * 2_000, "b": "z" * 2_001}}
    image = ImageBuilder("a:1", run=run)
    image.layer(TarBuilder().file("f", b"1"), created_by="RUN " + "w\n" * 3_000)
    analysis = analyze(oci_layout(image).write_file(tmp_path / "a.tar"))
    page = parse(report_html(analysis.images[0], analysis.archive))
    config = page.by_id("config").words
    assert f"A={'x' * 1_998}… 8,002 more characters" in config
    assert "y" * 2_000 in config and "y … " not in config
    assert "z" * 2_000 + " … 1 more characters" in config
    assert page.by_id("step-1").text.count("w\n") < 1_100
    assert re.search(r"… [\d,]+ more characters", page.by_id("step-1").text)
