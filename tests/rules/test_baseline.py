"""Baselines: read with suspicion, matched by name and platform; and files to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import ArchiveError, ImageAnalysis, Limits, analyze
from oci_inspect.errors import RulesError
from oci_inspect.render.check import baseline_document
from oci_inspect.render.json import analysis_document, dumps
from oci_inspect.rules.baseline import Baseline, baseline_of, is_json, pair, parse_baseline
from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.judging import judge
from oci_inspect.rules.rules_file import read_rules_file
from oci_inspect.rules.starting import size_above, starting_file
from oci_inspect.rules.values import parse_value

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
ARCHIVES = sorted(path for path in REAL.glob("*.tar*") if not path.name.endswith(".rootfs.tar"))


def written(images: Any) -> bytes:
    return json.dumps(baseline_document(images)).encode()


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_what_is_written_is_read_again(path: Path) -> None:
    analysis = analyze(path)
    expected = baseline_of("b", analysis.images)
    assert parse_baseline("b", written(analysis.images)) == expected
    assert parse_baseline("b", dumps(analysis_document(analysis)).encode()) == expected
    if len({one.platform for one in expected.images}) == len(expected.images):
        assert pair(analysis.images, expected) == list(expected.images)


def whole() -> Any:
    return baseline_document(analyze(REAL / "docker26-app.tar").images)


def broken(change: Any) -> bytes:
    document = whole()
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda d: d.update(schema="oci-inspect/waste"), RulesError, "it is 'oci-inspect/waste'"),
        (lambda d: d.update(schema=3), RulesError, "no document of ours"),
        (lambda d: d.pop("schema"), RulesError, "no document of ours"),
        (lambda d: d.update(schema_version="2.0"), RulesError, "another version"),
        (lambda d: d.update(schema_version=1), RulesError, "another version"),
        (lambda d: d.pop("images"), ArchiveError, "images is not there"),
        (lambda d: d.update(images={}), ArchiveError, "images is not an array"),
        (lambda d: d.update(images=[3]), ArchiveError, r"images\[0\] is not an object"),
        (lambda d: d["images"][0].pop("totals"), ArchiveError, r"images\[0\].totals is not there"),
        (
            lambda d: d["images"][0]["totals"].update(file_bytes=-1),
            ArchiveError,
            r"images\[0\].totals.file_bytes is not a whole number",
        ),
        (
            lambda d: d["images"][0]["totals"].pop("size"),
            ArchiveError,
            r"images\[0\].totals.size is not there",
        ),
        (
            lambda d: d["images"][0]["layers"][3].update(file_bytes="1"),
            ArchiveError,
            r"images\[0\].layers\[3\].file_bytes is not a whole number",
        ),
        (
            lambda d: d["images"][0]["platform"].update(os=3),
            ArchiveError,
            r"images\[0\].platform is not a platform",
        ),
        (
            lambda d: d["images"][0].update(complete=False),
            ArchiveError,
            "could not be read to its end",
        ),
        (lambda d: d["images"][0].update(references="x"), ArchiveError, "references is not"),
    ],
)
def test_what_is_wrong_with_a_baseline(change: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        parse_baseline("b", broken(change))


@pytest.mark.parametrize(
    "data", [b"{", b"{}x", b'{"a": NaN}', b"{" * 100_000, b'{"a":' * 5000, b"\xff{", b""]
)
def test_what_is_no_json_is_no_baseline(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="no baseline"):
        parse_baseline("b", data)


def test_json_is_told_from_an_archive() -> None:
    assert is_json(b" \r\n\t{")
    for head in (b"", b"blobs/", b"\x1f\x8b", b"["):
        assert not is_json(head)


# Which image was which


def image(tmp_path: Path, name: str | None, size: int = 1, arch: str = "amd64") -> ImageAnalysis:
    builder = ImageBuilder(name) if name else ImageBuilder()
    builder.patch_config(lambda config: config.update(architecture=arch))
    builder.layer(TarBuilder().file("f", bytes(size)))
    path = tmp_path / f"{name or 'none'}-{size}-{arch}.tar".replace("/", "_").replace(":", "_")
    return analyze(docker_archive(builder).write_file(path)).images[0]


def sizes(images: list[ImageAnalysis], before: list[ImageAnalysis]) -> list[int | None]:
    baseline: Baseline = baseline_of("b", before)
    return [None if isinstance(one, str) else one.file_bytes for one in pair(images, baseline)]


def test_images_are_matched_by_repository_and_platform(tmp_path: Path) -> None:
    def made(name: str | None, size: int = 1, arch: str = "amd64") -> ImageAnalysis:
        return image(tmp_path, name, size, arch)

    assert sizes([made("app:2")], [made("app:1", 7), made("other:2", 8)]) == [7]
    assert sizes([made("app:2")], [made("app:1", 7), made("app:2", 8)]) == [8]
    assert sizes([made("app:3")], [made("app:1", 7), made("app:2", 8)]) == [None]
    assert sizes([made("app:1")], [made("docker.io/library/app:9", 7), made("b:1")]) == [7]
    assert sizes([made("app:1")], [made("r/app:1", 7), made("s/app:1", 8)]) == [None]
    two = [made("app:1", 7), made("app:1", 8, "arm64")]
    assert sizes([made("app:1", 1, "arm64"), made("app:1")], two) == [8, 7]
    assert sizes([made("app:1", 1, "s390x")], two) == [None]
    assert sizes([made("new:1")], [made("old:1", 7)]) == [7]  # there is no other
    assert sizes([made(None)], [made(None, 7)]) == [7]
    assert sizes([made("new:1", 1, "arm64")], [made("old:1", 7)]) == [None]
    assert sizes([made("new:1"), made("app:1")], [made("old:1", 7)]) == [None, None]


# A file to begin with


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_images_keep_to_the_file_that_is_made_of_them(path: Path, tmp_path: Path) -> None:
    analysis = analyze(path)
    made = tmp_path / "rules.toml"
    made.write_text(starting_file(analysis.images), "utf-8")
    found = read_rules_file(made)
    assert len(found.settings) >= 7
    for one in analysis.images:
        check = judge(one, found.settings, analysis.archive, findings=analysis.findings)
        assert check.ok, [v.message for v in check.verdicts if v.fails]
    # What stands there as a comment is a rule as well.
    text = made.read_text("utf-8")
    lines = [
        line.removeprefix("# ") if line.removeprefix("# ").split(" = ")[0] in CATALOGUE else line
        for line in text.split("\n# Other rules")[0].split("\n")
    ]
    made.write_text("\n".join(lines), "utf-8")
    assert len(read_rules_file(made).settings) == 12


@pytest.mark.parametrize("size", [0, 1, 9, 10, 899, 909, 910, 999, 1000, 12_345, 92_499, 999_999])
def test_a_size_above_another_is_a_little_above(size: int) -> None:
    for factor in (1, 1000, 10**6, 10**9):
        above = parse_value(CATALOGUE["max-size"], json.loads(size_above(size * factor)))
        assert isinstance(above, int)
        assert 1.1 * size * factor <= above <= 1.22 * size * factor + 1


def test_paths_in_it_match_nothing_else(tmp_path: Path) -> None:
    odd = ["a*", "[b]", "{c,d}", 'q"', "back\\slash", "é"]
    layer = TarBuilder()
    for name in odd:
        layer.file(name, b"x", mode=0o4755)
    path = docker_archive(ImageBuilder("odd:1").layer(layer)).write_file(tmp_path / "odd.tar")
    made = tmp_path / "rules.toml"
    made.write_text(starting_file(analyze(path).images), "utf-8")
    settings = read_rules_file(made).settings
    more = TarBuilder().file("ab", b"x", mode=0o4755).file("b", b"x", mode=0o2755)
    grown = docker_archive(ImageBuilder("odd:1").layer(layer).layer(more))
    analysis = analyze(grown.write_file(tmp_path / "more.tar"))
    check = judge(analysis.images[0], settings, analysis.archive)
    (found,) = [one for one in check.verdicts if one.rule == "allow-setuid"]
    assert [item.path for item in found.items] == [b"ab", b"b"]


def test_nothing_is_made_of_what_could_not_be_read() -> None:
    cut = analyze(REAL / "docker26-app.tar", limits=Limits(layers=4)).images
    with pytest.raises(ArchiveError, match="no limits are set"):
        starting_file(cut)
    with pytest.raises(ArchiveError, match="no baseline"):
        baseline_of("b", cut)
    with pytest.raises(ArchiveError):
        starting_file([])
