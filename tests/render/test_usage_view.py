"""The view of ``df``: it fits, is plain where it must be, and rounds as docker does."""

from __future__ import annotations

import csv
import io
import re

import pytest
from wcwidth import wcswidth

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.stored import StoredImage, StoredLayer
from oci_inspect.analysis.usage import DiskUsage, usage_of
from oci_inspect.findings import finding
from oci_inspect.render import Style, render
from oci_inspect.render.sizes import human_size
from oci_inspect.render.views import usage_view
from oci_inspect.spec.platform import Platform

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def layer(letter: str, size: int | None, text: str | None) -> StoredLayer:
    chain = None if size is None else digest(letter)
    return StoredLayer(
        digest(letter), chain, chain, None, size, size, size, size is not None, text, text
    )


def image(number: int, *layers: StoredLayer, text: str, **more) -> StoredImage:
    values = {
        "archive": ArchiveInfo(f"a/long/path/to/{text}/{number}.tar", "hybrid", None, 5),
        "references": (f"registry.example.com/{text}:{number}",),
        "image_id": digest(str(number)),
        "manifest_digest": None,
        "platform": Platform("linux", "amd64"),
        "created": f"2024-01-0{number + 1}T00:00:00Z",
        "layers": layers,
        "complete": all(one.complete for one in layers),
    }
    return StoredImage(**{**values, **more})


def usage(text: str) -> DiskUsage:
    shared = layer("a", 70_000_000, f"RUN {text} " * 9)
    findings = (finding("blob-missing", digest("f"), f"{text} is not in the archive"),)
    return usage_of(
        [
            image(0, shared, text=text),
            image(1, shared, layer("b", 999_949, text), text=text),
            image(2, shared, layer("c", 0, None), text=text, references=(), created=None),
            image(3, shared, layer("f", None, text), text=text, findings=findings),
            image(
                4,
                shared,
                text=text,
                image_id=None,
                references=(text,),
                platform=Platform(text, "x"),
            ),
        ]
    )


TEXTS = ("app", "データ日本語のとても長い", "\x1b[31mred\n\x07", "x" * 120)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "ascii"])
def test_no_line_is_wider_than_the_screen(text: str, width: int, unicode: bool) -> None:
    for verbose in (False, True):
        style = Style(width=width, unicode=unicode, verbose=verbose)
        shown = render(usage_view(usage(text), verbose=verbose), "table", style)
        for line in shown.split("\n"):
            assert 0 <= wcswidth(line) <= width, line
            assert line == line.rstrip(" ")
        assert unicode or shown.isascii()
        assert "\n\n\n" not in shown


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_colour_carries_nothing_of_its_own(text: str) -> None:
    view = usage_view(usage(text))
    plain = render(view, "table", Style(width=80))
    assert "\x1b" not in plain
    colored = render(view, "table", Style(width=80, color=True))
    assert ANSI.sub("", colored) == plain != colored


def test_machines_get_every_image_with_exact_bytes() -> None:
    rows = list(csv.DictReader(io.StringIO(render(usage_view(usage("app")), "csv"))))
    assert [int(row["SIZE"]) for row in rows] == [70_000_000] * 2 + [70_999_949] + [70_000_000] * 2
    assert sum(int(row["UNIQUE SIZE"]) for row in rows) == 999_949
    assert {row["STATUS"] for row in rows} == {"complete", "INCOMPLETE"}
    assert [row["REFERENCES"] for row in rows].count("") == 1


def test_no_images_are_a_sentence() -> None:
    assert render(usage_view(usage_of([])), "table") == "no images\n"


@pytest.mark.parametrize(
    ("size", "three", "four"),
    [
        (0, "0B", "0B"),
        (999, "999B", "999B"),
        (1000, "1kB", "1kB"),
        (88_642, "88.6kB", "88.64kB"),
        (3_867, "3.87kB", "3.867kB"),
        (999_499, "999kB", "999.5kB"),
        (999_500, "1MB", "999.5kB"),
        (999_949, "1MB", "999.9kB"),
        (999_950, "1MB", "1MB"),
        (1_234_567_890, "1.23GB", "1.235GB"),
    ],
)
def test_sizes_have_as_many_digits_as_docker_prints(size: int, three: str, four: str) -> None:
    """go-units: HumanSize has four, HumanSizeWithPrecision(size, 3) three."""
    assert (human_size(size), human_size(size, 4)) == (three, four)
