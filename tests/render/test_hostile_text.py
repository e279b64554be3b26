"""One archive for each trick, which stands in every place that an archive can say anything in."""

from __future__ import annotations

import csv
import io
import re

import pytest
from support.images import (
    OCI_MANIFEST,
    Archive,
    ImageBuilder,
    descriptor,
    docker_archive,
    oci_layout,
)
from support.tars import TarBuilder
from wcwidth import wcswidth

from oci_inspect import Analysis, analyze
from oci_inspect.render import Style, render
from oci_inspect.render import json as documents

TRICKS = {
    "colour": "a\x1b[31mred\x1b[0m",
    "cursor": "a\x1b[2J\x1b[Hb",
    "link": "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x85\x90",
    "del": "a\x7fb\x08\x08",
    "newline": "a\nb\r\nc\u2028d\u2029e\x0bf\x0cg",
    "tab": "a\tb",
    "direction": "\u202egnp.exe\u2066x\u2069\u200f",
    "invisible": "a\u200b\u2060\ufeffb\U000e0041",
    "surrogate": "a\ud800b",
    "command": "\n::error::boo",
    "command at the start": "::set-output name=x::y",
    "command of azure": "##[error]boo",
    "percent": "%0A::error::boo",
    "pipe": "a|b||c",
    "backtick": "a`b``c```",
    "both": "a`|`b",
    "script": "</script><script>alert(1)</script>",
    "markdown": "[x](http://evil.example) ![y](z) **b** <img src=x> @someone #1",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula after blanks": "  =1+1",
    "sum": "@SUM(1)",
    "plus": "+1+1",
    "minus": "-1+1",
    "quotes": "a\"b'c,d;e",
    "wide": "日本語" * 40,
    "combining": "e" + "\u0301" * 100,
    "long word": "x" * 1_200,
    "long text": "word " * 300,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "empty": "",
    "blanks": "   ",
    "escapes": "\\x1b[31m \\n \\|",
}


BASE_NAME = "org.opencontainers.image.base.name"


def image_that_says(text: str) -> ImageBuilder:
    raw = text.encode("utf-8", "replace").replace(b"\0", b"") or b"x"
    path = raw[:200] + b"\xff\xfe"
    image = ImageBuilder(
        text,
        os=text,
        architecture=text,
        variant=text or None,
        created=text,
        run={
            "User": text,
            "Env": [text, f"A={text}"],
            "Cmd": [text],
            "Entrypoint": [text],
            "WorkingDir": text,
            "Labels": {text: text, "b": text, BASE_NAME: text},
            "ExposedPorts": {text: {}},
            "Volumes": {text: {}},
            "StopSignal": text,
            "Shell": [text],
            "OnBuild": [text],
            "Healthcheck": {"Test": ["CMD", text]},
        },
    )
    image.layer(
        TarBuilder().dir("d").file(b"d/" + path, b"1" * 4_000).file(path, b"12"),
        created_by=f"RUN {text}",
        media_type=text,
    )
    image.empty(text, comment=text)
    image.empty("CMD sh", comment=f"FROM {text}")
    image.layer(
        TarBuilder().whiteout(path).opaque("d").file(b"setuid " + path, b"1", mode=0o4755),
        created_by=text,
    )
    image.layer(b"no tar at all", created_by=f"/bin/sh -c #(nop) COPY {text}")
    image.patch_config(lambda config: config.update(author=text, docker_version=text))
    image.patch_config(lambda config: [one.update(author=text) for one in config["history"]])
    image.patch_manifest(
        lambda manifest: manifest.update(annotations={text: text, BASE_NAME: text})
    )
    return image


def archives_that_say(text: str) -> list[Archive]:
    other = descriptor(
        OCI_MANIFEST,
        b"{}",
        artifactType=text,
        platform={"os": text, "architecture": text},
        annotations={text: text},
    )
    more = [other, descriptor(text, b"{ }"), {**descriptor(text, b"-"), "digest": text}]
    image = image_that_says(text)
    plain = ImageBuilder("example/app:1").layer(TarBuilder().file("a", b"1"))
    return [
        oci_layout(image, plain, platforms=True, more=more),
        docker_archive(image, plain).add(text or "x", b"nobody needs it"),
    ]


@pytest.fixture(scope="module", name="analyses")
def _analyses(tmp_path_factory) -> dict[str, list[Analysis]]:
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "image.tar"

    def made(text: str) -> list[Analysis]:
        found = []
        for archive in archives_that_say(text):
            archive_path = archive_file(archive, path)
            found.append(analyze(archive_path))
        return found

    return {name: made(text) for name, text in TRICKS.items()}


def archive_file(archive: Archive, path):
    for member in archive.members:
        member.name = member.name.encode("utf-8", "replace").decode()
    return archive.write_file(path)


@pytest.fixture(scope="module", params=TRICKS, name="views")
def _views(request, analyses, make_views):
    return [
        (f"{i}: {name}", blocks)
        for i, analysis in enumerate(analyses[request.param])
        for name, blocks in make_views(analysis).items()
    ]


def test_the_tricks_reach_the_results(analyses):
    """The tests below show something only if the text came as far as this."""
    reached = 0
    for name, text in TRICKS.items():
        layout, docker = analyses[name]
        for image in (layout.images[0], docker.images[0]):
            assert image.history[1].created_by == text
            assert image.image.config.raw["config"]["Labels"][text] == text
            assert any(found.severity == "error" for found in image.findings)
            reached += any(text in found.message for found in image.findings)
        assert layout.images[0].image.manifest.annotations[text] == text
        assert any(other.media_type == text for other in layout.other) or not text
    assert reached > len(TRICKS) / 2


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_is_told_nothing_and_no_line_grows_wider_than_it(views, width):
    for name, blocks in views:
        text = render(blocks, "table", Style(width=width))
        whole = name.partition(" ")[2].startswith("dockerfile")
        for line in text.replace("\t", " " if whole else "\t").split("\n"):
            assert line.isprintable(), f"{name}: {line!r}"
            assert not line.lstrip().startswith("::"), f"{name}: {line!r}"
            assert "##[" not in line
            assert whole or 0 <= wcswidth(line) <= width, f"{name}: {line!r}"


def test_ascii_stays_ascii(views):
    for name, blocks in views:
        assert render(blocks, "table", Style(width=80, unicode=False)).isascii(), name


def test_the_only_escapes_are_our_own_colours(views):
    own = re.compile(r"\x1b\[(0|1|2|31|32|35|36|1;31)m")
    for name, blocks in views:
        colored = render(blocks, "table", Style(width=80, color=True))
        rest = own.sub("", colored)
        assert "\x1b" not in rest, name
        assert rest == render(blocks, "table", Style(width=80)), name


def rows_of(text: str) -> list[list[str]]:
    """The rows of each table, as GitHub takes a document apart."""
    tables: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


def cells_of(row: str) -> list[str]:
    """GitHub splits at every pipe that has no backslash before it, in code spans too."""
    assert row.startswith("| ") and row.endswith(" |"), row
    return re.split(r"(?<!\\)\|", row[1:-1])


def test_a_markdown_table_keeps_its_cells(views):
    seen = 0
    for name, blocks in views:
        text = render(blocks, "markdown")
        for line in text.split("\n"):
            assert line.isprintable() or "\t" in line, f"{name}: {line!r}"
            assert not line.lstrip().startswith("::"), f"{name}: {line!r}"
        for table in rows_of(text):
            seen += 1
            assert len({len(cells_of(row)) for row in table}) == 1, f"{name}: {table}"
            assert re.fullmatch(r"(\| -{3}:? )+\|", table[1]), name
    assert seen > 10


def test_markdown_has_no_element_link_or_image_of_the_archive(views):
    for name, blocks in views:
        if "dockerfile" in name:
            continue
        for line in render(blocks, "markdown").split("\n"):
            prose = re.sub(r"`[^`]*`", "", line).replace("<code>", "").replace("</code>", "")
            assert not re.search(r"<\w|</|\[|://|`", prose), (name, line)


def test_the_fence_of_a_dockerfile_cannot_be_closed_from_inside(views):
    for name, blocks in views:
        if "dockerfile" not in name:
            continue
        first, *lines, last, end = render(blocks, "markdown").split("\n")
        assert end == ""
        assert re.fullmatch(r"`{3,}dockerfile", first)
        assert last == first.removesuffix("dockerfile")
        assert not any(last in line for line in lines), name


NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def test_csv_keeps_its_cells_and_holds_no_formula(views):
    seen = 0
    for name, blocks in views:
        text = render(blocks, "csv")
        assert all(line.isprintable() for line in text.split("\n")), name
        for part in filter(None, text.split("\n\n")):
            rows = list(csv.reader(io.StringIO(part), strict=True))
            assert len({len(row) for row in rows}) == 1, name
            for cell in (cell for row in rows for cell in row):
                seen += 1
                first = cell.lstrip()[:1]
                assert NUMBER.fullmatch(cell) or first not in list("=+-@|%"), f"{name}: {cell!r}"
    assert seen > 100


def test_json_is_text_that_can_be_encoded(analyses):
    import json

    for name, found in analyses.items():
        for analysis in found:
            for make in (
                documents.analysis_document,
                documents.images_document,
                documents.history_document,
                documents.layers_document,
                documents.verify_document,
                documents.waste_document,
            ):
                text = documents.dumps(make(analysis))
                assert json.loads(text.encode("utf-8")), name
                assert not [one for one in text if ord(one) < 32 and one != "\n"]
