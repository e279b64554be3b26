"""The page of an image: its policy, its places, its figures, its size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import analyze, compare, compare_html, report_html
from oci_inspect.errors import MissingPackageError
from oci_inspect.render import json as documents

REAL = Path(__file__).parent.parent.parent.parent / "fixtures" / "real"


def page_of(path) -> str:
    analysis = analyze(path)
    return report_html(analysis.images[0], analysis.archive, analysis.findings)


def comparison_of(before, after) -> str:
    archives = analyze(before).archive, analyze(after).archive
    return compare_html(compare(before, after), archives)


@pytest.fixture(scope="module", name="app")
def _app(parse):
    """The page of a real image, and its analysis."""
    analysis = analyze(REAL / "docker26-app.tar")
    text = report_html(analysis.images[0], analysis.archive, analysis.findings)
    return text, parse(text), analysis


# The policy


def policy_of(page) -> dict[str, str]:
    (meta,) = [one for one in page.all("meta") if "http-equiv" in one.attributes]
    assert meta.attributes["http-equiv"] == "Content-Security-Policy"
    parts = (one.split(" ", 1) for one in meta.attributes["content"].split("; "))
    return {one[0]: one[-1] for one in parts}


def hash_of(element) -> str:
    digest = hashlib.sha256(element.text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def test_nothing_runs_but_the_one_script_and_nothing_is_loaded(app):
    text, page, _ = app
    policy = policy_of(page)
    (style,) = page.all("style")
    data, script = sorted(page.all("script"), key=lambda one: "type" not in one.attributes)
    assert data.attributes == {"type": "application/json", "id": "map-data"}
    assert script.attributes == {}
    assert policy == {
        "default-src": "'none'",
        "style-src": hash_of(style),
        "script-src": hash_of(script),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert page.all()[1].tag == "html" and text.startswith("<!DOCTYPE html>\n")
    assert not re.search(r"@import|url\((?!#)|https?://(?!www\.w3\.org/)", style.text + script.text)
    for element in page.walk():
        assert not {"style", "src", "srcset", "action", "xlink:href"} & element.attributes.keys()
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.attributes.get("href", "#").startswith("#")


def test_the_policy_comes_before_what_it_is_about(app):
    text, _, _ = app
    assert text.index("Content-Security-Policy") < text.index("<style") < text.index("<script")


def test_the_script_makes_no_markup_of_text(app):
    _, page, _ = app
    for script in page.all("script"):
        if "type" not in script.attributes:
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|fetch\("
                r"|XMLHttpRequest|localStorage|sessionStorage|import\(",
                script.text,
            )


# What is on it


def test_every_link_of_the_page_leads_somewhere_and_every_name_is_used_once(app):
    _, page, _ = app
    names = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
    assert len(names) == len(set(names))
    links = [one.attributes["href"] for one in page.all("a")]
    assert len(links) > 60
    assert {one.removeprefix("#") for one in links} <= set(names)
    for element in page.walk():
        for name in element.attributes.get("aria-labelledby", "").split():
            assert name in names
    for section in ("map", "search", "waste", "layers", "dockerfile", "findings", "config"):
        assert section in names


def test_the_first_screen_says_which_image_and_whether_it_is_what_it_says(app):
    _, page, _ = app
    top = page.by_id("top")
    assert [one.words for one in top.all("h1")] == ["example/app:1.2.3"]
    assert top.all(cls="badge")[0].words == "verifiedevery digest matches"
    assert "ok" in top.all(cls="badge")[0].attributes["class"].split()
    tiles = {
        one.all(cls="tile-label")[0].text: one.all(cls="tile-value")[0].text
        for one in top.all(cls="tile")
    }
    assert tiles == {
        "Size": "92.5kB",
        "Waste": "69.1kB",
        "Efficiency": "25.3%",
        "Layers": "11",
        "Files": "11",
        "Findings": "0",
    }


def test_the_figures_are_those_of_json(app):
    _, page, analysis = app
    document = json.loads(documents.dumps(documents.layers_document(analysis)))
    layers = document["images"][0]["layers"]
    rows = page.by_id("layers").all("tbody")[0].all("tr")
    assert [one.attributes["id"] for one in rows] == [f"layer-{i}" for i in range(len(layers))]
    keys = ("file_bytes", "wasted_bytes", "size", "uncompressed_size", "files")
    for row, layer in zip(rows, layers, strict=True):
        cells = [one.attributes.get("data-v", one.words) for one in row.all("td")]
        assert [int(one) for one in cells[2:7]] == [layer[key] for key in keys]
        assert cells[7:] == [layer["status"], layer["digest"], layer["diff_id"]]
        titles = [
            one.attributes.get("title") for one in row.all("td")[8:] for one in one.all("code")
        ]
        assert titles == [layer["digest"], layer["diff_id"]]


def test_the_bar_has_a_segment_for_each_layer_in_order(app):
    text, page, analysis = app
    (image,) = analysis.images
    links = page.by_id("bar").all("a")
    assert [one.attributes["href"] for one in links] == [
        f"#layer-{layer.index}" for layer in image.layers
    ]
    assert links[2].words == "Layer 2, 66.7kB, 66.7kB dead"
    assert links[2].attributes["title"].startswith("RUN /bin/step mkdir /data")
    grow = dict(re.findall(r"#bar-(\d+)\{flex-grow:(\d+)\}", text))
    whole = sum(layer.file_bytes for layer in image.layers)
    for layer in image.layers:
        assert abs(int(grow[str(layer.index)]) / 100_000 - layer.file_bytes / whole) < 0.0001
    dead = dict(re.findall(r"#bar-(\d+) \.dead\{width:([0-9.]+)%\}", text))
    assert dead == {
        str(layer.index): str(round(100 * layer.wasted_bytes / layer.file_bytes, 2))
        for layer in image.layers
        if layer.wasted_bytes
    }


def test_the_history_reads_as_the_dockerfile_does(app):
    from oci_inspect.render.views import dockerfile_text

    _, page, analysis = app
    told = [
        line
        for one in page.by_id("dockerfile").all("pre")
        for line in one.text.split("\n")
        if not line.startswith("#")
    ]
    wanted = dockerfile_text(analysis.images[0], comments=False).rstrip("\n").split("\n")
    assert told == wanted
    step = page.by_id("step-5")
    assert step.all(cls="margin-size")[0].words == "66.7kB"
    assert step.all(cls="margin-layer")[0].attributes["href"] == "#layer-2"
    assert "empty" in page.by_id("step-6").attributes["class"].split()


def test_the_waste_has_its_advice(app):
    _, page, analysis = app
    (image,) = analysis.images
    table = page.by_id("waste").all("table")[0]
    rows = [[cell.words for cell in row.all("td")] for row in table.all("tbody")[0].all("tr")]
    assert [row[-1] for row in rows] == [" ".join(one.advice.split()) for one in image.worst]
    assert rows[0][:5] == ["60kB", "data/big", "2", "5", "deleted"]


def test_the_config_and_the_names_are_there_in_full(app):
    _, page, analysis = app
    (image,) = analysis.images
    config = page.by_id("config").words
    for word in ("PATH=/bin", "APP_HOME=/site", "443/udp", "SIGQUIT", "org.opencontainers.image"):
        assert word in config
    identity = page.by_id("identity").words
    for digest in (image.image_id, image.manifest_digest, *(one.chain_id for one in image.layers)):
        assert digest in identity


def test_the_same_image_gives_the_same_page(app):
    assert page_of(REAL / "docker26-app.tar") == app[0]


@pytest.mark.parametrize(
    "path",
    sorted(one for one in REAL.glob("*.tar*") if not one.name.endswith(".rootfs.tar")),
    ids=lambda path: path.name,
)
def test_every_real_archive_has_a_page(parse, path):
    analysis = analyze(path)
    for image in analysis.images:
        page = parse(report_html(image, analysis.archive))
        assert len(page.by_id("bar").all("a")) == len(image.layers)
        names = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
        assert len(names) == len(set(names))


def test_an_image_that_is_not_what_it_says(tmp_path, parse):
    image = ImageBuilder("a:1").layer(TarBuilder().file("x", b"1"), created_by="COPY x /")
    archive = docker_archive(image)
    name = next(one for one in archive.names() if one.endswith("layer.tar"))
    path = archive.replace(name, TarBuilder().file("x", b"2").build()).write_file(
        tmp_path / "a.tar"
    )
    page = parse(page_of(path))
    badge = page.all(cls="badge")[0]
    assert badge.words.startswith("NOT VERIFIED") and "error" in badge.attributes["class"]
    errors = page.by_id("findings-error")
    assert "diff-id-mismatch" in errors.words
    assert page.by_id("finding-diff-id-mismatch") in list(errors.walk())


def test_an_image_without_layers_or_history(tmp_path, parse):
    path = docker_archive(ImageBuilder("a:1")).write_file(tmp_path / "a.tar")
    page = parse(page_of(path))
    assert page.by_id("bar").words == "no layers"
    assert "tells no history" in page.by_id("dockerfile").words


def test_a_config_of_four_megabytes_makes_no_large_page(tmp_path):
    """Every kind of thing that a config may have many of, each text full of what takes entities."""
    word = "&<\u202e\"'" * 300
    run = {
        "Env": [f"{i}={word}" for i in range(300)],
        "Labels": {f"{i}{word}": word for i in range(300)},
        "Cmd": [word] * 100,
        "ExposedPorts": {f"{i}/tcp": {} for i in range(3_000)},
    }
    image = ImageBuilder("a:1", run=run).layer(TarBuilder().file("x", b"1"), created_by=word * 20)
    for i in range(20_000):
        image.empty(f"ENV A{i}=<&>")
    image.patch_manifest(
        lambda one: one.update(annotations={f"{i}{word}": word for i in range(300)})
    )
    path = oci_layout(image).write_file(tmp_path / "a.tar")
    assert len(image.config) > 2_000_000
    page = page_of(path)
    assert len(page.encode()) < 5_000_000
    assert "9,400 more steps: 'oci-inspect history' lists them" in page
    assert re.search(r"… [\d,]+ more characters", page)


LINES = {
    "entities": ('"' * 38 + "\n") * 50,
    "unseen": ("\U000e0101" * 38 + "\n") * 8,
    "empty": "\n" * 1_900,
}


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_short_lines_make_no_large_page(tmp_path, text):
    """Each line is short, and markup stands around it."""
    run = {"Env": [f"{i}={text}" for i in range(150)], "Cmd": [text] * 100, "OnBuild": [text] * 100}
    image = ImageBuilder("a:1", run=run)
    for i in range(300):
        image.layer(TarBuilder().file(f"f{i}", b"x"), created_by=f"RUN {i} {text}")
    for i in range(300):
        image.empty(f"RUN {i} {text}")
    path = docker_archive(image).write_file(tmp_path / "a.tar")
    assert 1_000_000 < len(image.config) < 4 * 1024 * 1024
    for page in (page_of(path), comparison_of(path, path)):
        assert len(page.encode()) < 5_000_000


def test_digests_are_whole_also_behind_many_long_instructions(tmp_path):
    image = ImageBuilder("a:1")
    for i in range(200):
        image.layer(TarBuilder().file(f"f{i}", b"x"), created_by=f"RUN {i} " + "w " * 950)
    path = oci_layout(image).write_file(tmp_path / "a.tar")
    analysis = analyze(path)
    page = page_of(path)
    found = analysis.images[0]
    digests = [found.image_id, found.manifest_digest, *(one.chain_id for one in found.layers)]
    assert all(page.count(digest) for digest in digests)
    identity = page.partition('id="identity"')[2]
    assert all(digest in identity for digest in digests)
    assert "more characters" not in identity


def test_a_page_of_as_many_layers_as_an_image_may_have(tmp_path, parse):
    image = ImageBuilder("a:1")
    for i in range(512):
        image.layer(TarBuilder().file(f"f{i}", b"x" * i), created_by=f"RUN {i}")
    text = page_of(docker_archive(image).write_file(tmp_path / "a.tar"))
    assert len(text.encode()) < 1_700_000
    assert len(parse(text).by_id("bar").all("a")) == 512


def test_without_jinja_one_sentence_says_how_to_get_it(app, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    analysis = app[2]
    with pytest.raises(MissingPackageError) as caught:
        report_html(analysis.images[0], analysis.archive)
    told = "the HTML report needs Jinja2: pip install 'oci-inspect[html]'"
    assert str(caught.value) == told
    assert (caught.value.package, caught.value.extra) == ("Jinja2", "html")


def test_where_there_are_no_bytes_a_sentence_stands_for_the_picture(tmp_path, parse):
    bare = ImageBuilder("a:1")
    empty = ImageBuilder("a:1").layer(TarBuilder().file("x", b""), created_by="COPY x /")
    for i, (image, told) in enumerate(
        ((bare, "There are no files in it."), (empty, "No file in it has any bytes."))
    ):
        page = parse(page_of(docker_archive(image).write_file(tmp_path / f"{i}.tar")))
        still = page.all(cls="map-still")[0]
        assert still.words == told
        assert not still.all("svg")


def test_paths_of_the_waste_lead_into_the_map(tmp_path, parse):
    """As the map itself writes addresses: what a script calls encodeURIComponent."""
    names = (b"a b", b"c#d", b"e\x1bf", b"g%", b"h'(!)", "é".encode(), b"\xff")
    image, tar, gone = ImageBuilder("a:1"), TarBuilder(), TarBuilder()
    for i, name in enumerate(names):
        tar.file(f"d{i}/".encode() + name, b"x" * 1000).file(f"e{i}/keep", b"1")
        gone.whiteout(f"d{i}/".encode() + name)
    image.layer(tar, created_by="COPY / /").layer(gone, created_by="RUN rm")
    page = parse(page_of(docker_archive(image).write_file(tmp_path / "a.tar")))
    links = {one.attributes["data-place"] for one in page.by_id("waste").all("a", cls="place")}
    written = ("a%20b", "c%23d", "e%5Cx1bf", "g%25", "h'(!)", "%C3%A9", "%5Cxff")
    assert links == {f"#map=/d{i}/{one}" for i, one in enumerate(written)}


def test_what_has_no_place_in_the_map_is_no_link():
    from oci_inspect.picture.pieces import IMAGE_KINDS, Piece
    from oci_inspect.picture.plot import plant
    from oci_inspect.render.html.places import Places

    kept = [Piece(b"d/large", 9, 0, 0, ord("f")), Piece(b"x" * 1_001, 8, 0, 0, ord("f"))]
    places = Places(plant(lambda: kept, IMAGE_KINDS, 100_000))
    assert [places(one) for one in (b"d/large", b"/d/", b"d", b"d/small", b"e/large", b"")] == [
        *("#map=/d/large", "#map=/d", "#map=/d", "", "", "")
    ]
    assert places(b"x" * 1_001) == ""


def test_the_still_picture_has_a_legend_of_its_layers(app):
    _, page, analysis = app
    (image,) = analysis.images
    entries = page.all(cls="still-legend")[0].all("li")
    with_bytes = [layer.index for layer in image.layers if layer.file_bytes]
    assert [one.words.partition(":")[0] for one in entries] == [f"layer {i}" for i in with_bytes]
    row = page.by_id("layer-2").all(cls="swatch")[0].attributes["class"]
    assert entries[with_bytes.index(2)].all(cls="swatch")[0].attributes["class"] == row


def test_duplicates_are_told_with_the_waste(tmp_path, parse):
    tar = TarBuilder().file("a", b"x" * 5000).file("b", b"x" * 5000)
    image = ImageBuilder("a:1").layer(tar, created_by="COPY / /")
    page = parse(page_of(docker_archive(image).write_file(tmp_path / "a.tar")))
    assert "Duplicates 5kB of live content is there more than once." in page.by_id("waste").words


def test_what_could_not_be_read_is_said_near_every_picture(tmp_path, parse):
    image = ImageBuilder("a:1").layer(TarBuilder().file("x", b"1" * 3000), created_by="COPY x /")
    archive = docker_archive(image)
    name = next(one for one in archive.names() if one.endswith("layer.tar"))
    half = archive.replace(name, TarBuilder().file("x", b"1" * 3000).build()[:1100])
    path = half.write_file(tmp_path / "a.tar")
    told = "Not all layers could be read: figures are lower bounds."
    for page in (parse(page_of(path)), parse(comparison_of(path, path))):
        assert page.all(cls="unread")[0].words == told
        assert page.all(cls="map-note")[0].words == told
        assert page.all(cls="unread")[0] in list(page.by_id("bar-box").walk())


def test_a_finding_about_a_path_leads_to_it(tmp_path, parse):
    tar = TarBuilder().file("bin/su", b"x" * 10, mode=0o4755)
    image = ImageBuilder("a:1").layer(tar, created_by="COPY / /")
    page = parse(page_of(docker_archive(image).write_file(tmp_path / "a.tar")))
    (link,) = page.by_id("finding-setuid").all("a", cls="subject")
    assert (link.words, link.attributes["data-place"]) == ("bin/su", "#map=/bin/su")
