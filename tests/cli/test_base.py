"""``--base`` and ``--what-if``: whose the waste is, and what would help."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder
from support.terminals import open_terminal

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
SCHEMAS = Path(__file__).parent.parent.parent / "docs" / "schema"
APP = REAL / "docker26-containerd-app.tar"
BASE = REAL / "docker26-containerd-base.tar"
OWN = 1_675 + 5 + 700 + 15
REMOVED = 60_000 + 6_000 + 700 + 14


def valid(document: object, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_bytes())
    Draft202012Validator(schema).validate(document)


def bytes_in_files(path: Path) -> int:
    """What Python's tarfile finds in the layers of an archive."""
    total = 0
    with tarfile.open(path) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                total += sum(one.size for one in layer if one.isreg())
    return total


@pytest.mark.parametrize("command", ["analyze", "waste"])
def test_json_tells_the_base_and_what_is_the_user_s_own(run, command):
    result = run(command, APP, "--base", BASE, "--format", "json")
    assert (result.code, result.err) == (0, "")
    (image,) = result.json["images"]
    assert image["base"] == {
        "layers": 3,
        "name": "example/base:1",
        "digest": json.loads(run("images", BASE, "--format", "json").out)["images"][0][
            "manifest_digest"
        ],
        "confidence": "certain",
        "signs": ["the lowest 3 layers are those of example/base:1"],
        "own_file_bytes": 92_499 - bytes_in_files(BASE),
        "own_wasted_bytes": OWN,
        "base_bytes_removed": REMOVED,
    }
    valid(result.json, "analysis" if command == "analyze" else "waste")


@pytest.mark.parametrize("command", ["analyze", "waste"])
def test_json_without_any_sign_of_a_base(run, command):
    result = run(command, BASE, "--format", "json")
    (image,) = result.json["images"]
    assert image["base"] is None
    assert "what_if" not in image


@pytest.mark.parametrize("command", ["analyze", "waste"])
def test_a_base_that_is_none_is_told_in_one_line(run, command, app):
    result = run(command, app, "--base", BASE)
    assert result.code == 0
    assert result.err == (
        "oci-inspect: example/app:1.2.3: not built on example/base:1: none of its 3 layers is"
        " shared\n"
    )
    assert "possible: step 6 is a CMD" in result.text


def test_the_waste_line_says_how_much_is_the_user_s_own(run):
    text = run("analyze", APP, "--base", BASE).text
    assert "69.1kB of 92.5kB dead (74.7%), 2.4kB of it your own, efficiency 25.3%" in text
    assert "Base      example/base:1, the lowest 3 of 11 layers (certain: " in text
    assert "2.4kB of it perhaps your own" in run("analyze", APP).text


def test_waste_says_what_only_the_base_can_save(run):
    text = run("waste", APP, "--base", BASE).text
    assert "Your own    2.4kB of the waste; 66.7kB lie in the base" in text
    assert "no sign of a base image" in run("waste", BASE).text


def test_the_base_may_be_given_as_other_commands_take_an_archive(run, app, two_images):
    wanted = "example/base:1, the lowest 3 of 11 layers (certain"
    for base in (f"{two_images}:example/base:1", f"docker-archive:{two_images}:base:1"):
        assert wanted in run("waste", app, "--base", base).text


def test_one_of_the_two_may_come_on_standard_input(spawn):
    wanted = "example/base:1, the lowest 3 of 11 layers (certain"
    with BASE.open("rb") as stream:
        assert wanted in spawn("waste", APP, "--base", "-", stdin=stream).text
    with APP.open("rb") as stream:
        assert wanted in spawn("waste", "-", "--base", BASE, stdin=stream).text


def test_the_platform_chooses_a_base_where_there_are_several(run, platforms):
    result = run("waste", platforms, "--platform", "linux/arm64", "--base", platforms)
    assert result.code == 0
    assert "all 3 layers (certain" in result.text


def test_the_choices_are_listed_where_the_base_is_one_of_several(run, app, two_images):
    result = run("waste", app, "--base", two_images)
    assert (result.code, result.out) == (2, b"")
    first, *choices = result.err.splitlines()
    assert "2 images: say which is the base, as in PATH:REF" in first
    assert [one.split()[:2] for one in choices] == [
        ["@0", "example/base:1"],
        ["@1", "example/app:1.2.3"],
    ]


@pytest.mark.parametrize(
    ("base", "code", "said"),
    [
        ("nothing.tar", 3, "there is no such file"),
        (str(REAL / "docker26-app.rootfs.tar"), 3, "not a saved image"),
        (f"{BASE}:other", 2, "no image 'other'"),
        ("", 3, "no such file"),
    ],
)
def test_a_base_that_cannot_be_read(run, app, base, code, said):
    result = run("waste", app, "--base", base)
    assert result.code == code
    assert said in result.problem if code == 3 else said in result.err


def test_standard_input_cannot_be_both(spawn):
    result = spawn("waste", "-", "--base", "-")
    assert result.code == 2
    assert "cannot be both" in result.problem


def test_a_terminal_is_no_base(spawn, app):
    ours, theirs = open_terminal()
    try:
        result = spawn("waste", app, "--base", "-", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert result.code == 2
    assert "standard input is a terminal" in result.problem


def test_the_base_is_not_overwritten(run, app, tmp_path):
    copy = tmp_path / "base.tar"
    copy.write_bytes(BASE.read_bytes())
    assert run("waste", app, "--base", copy, "-o", copy).code == 2
    assert copy.read_bytes() == BASE.read_bytes()


def test_no_layer_of_the_base_is_read(run, tmp_path):
    """It may be without any."""
    lower = docker_archive(ImageBuilder("b:1").layer(TarBuilder().file("a", b"1")))
    image = ImageBuilder("a:1").layer(TarBuilder().file("a", b"1")).layer(TarBuilder().dir("d"))
    path = docker_archive(image).write_file(tmp_path / "image.tar")
    (name,) = (one for one in lower.names() if lower[one][:1] == b"a")
    below = lower.replace(name, b"rubbish").write_file(tmp_path / "base.tar")
    assert "b:1, the lowest of 2 layers (certain" in run("waste", path, "--base", below).text


# Squashing on paper


def test_what_if_in_json(run):
    result = run("waste", APP, "--base", BASE, "--what-if", "own", "--format", "json")
    assert (result.code, result.err) == (0, "")
    valid(result.json, "waste")
    (image,) = result.json["images"]
    told = image["what_if"]
    (squash,) = told["squashes"]
    assert (squash["first_layer"], squash["last_layer"], squash["files"]) == (3, 10, 4)
    assert told["saved_bytes"] == squash["saved_bytes"] == OWN
    assert 0 < told["estimated_saved_compressed_bytes"] < OWN
    assert told["wasted_bytes_left"] == 69_109 - OWN
    assert (told["layers_before"], told["layers_after"]) == (11, 4)


def test_what_if_as_text(run):
    text = run("waste", APP, "--base", BASE, "--what-if", "1..2,-6..").text
    lines = [line.split() for line in text.splitlines()]
    assert ["LAYERS", "DEAD", "FILES", "SAVED", "COMPRESSED", "(ESTIMATE)"] in lines
    assert ["Layers", "11", "before,", "5", "after"] in lines
    assert "(an estimate)" in text
    assert "no longer shared with other images: 2 of them are the base's, with 66.7kB." in text
    assert run("waste", APP, "--what-if", "all", "--format", "markdown").text.count("estimate") == 2


def test_what_if_has_no_csv_and_says_so(run):
    result = run("waste", APP, "--format", "csv", "--what-if", "all")
    assert (result.code, result.out) == (2, b"")
    assert "--what-if has no CSV" in result.err


def test_what_if_with_quiet_is_what_stays_dead(run):
    assert run("waste", APP, "-q", "--what-if", "own").text == f"{69_109 - OWN}\n"
    assert run("waste", APP, "-q", "--what-if", "all").text == "0\n"


def test_a_stream_of_plain_layers_has_no_estimate(spawn, app):
    """But for layers of less than 64 KiB, which are kept: layer 2 is the one that is larger."""
    with app.open("rb") as stream:
        result = spawn("waste", "-", "--what-if", "all", stdin=stream)
    assert result.code == 0
    assert "Saved     69.1kB unpacked\n" in result.text.replace("Saved      ", "Saved     ")
    assert "Nothing tells how large layer 2 would be compressed" in result.text
    with app.open("rb") as stream:
        found = spawn("waste", "-", "--what-if", "all", "--format", "json", stdin=stream).json
    told = found["images"][0]["what_if"]
    assert told["estimated_saved_compressed_bytes"] is None
    assert told["squashes"][0]["unknown_layers"] == [2]
    valid(found, "waste")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "names no layers"),
        ("rubbish", "names no layers"),
        ("5..3", "ends before it begins"),
        ("0..3,2", "layer 2 in two ranges"),
        ("11", "its layers are 0 to 10"),
    ],
)
def test_layers_that_are_none(run, app, spec, said):
    result = run("waste", app, "--what-if", spec)
    assert result.code == 2
    assert said in result.problem


def test_what_is_no_range_is_told_before_anything_is_read(run):
    result = run("waste", "nothing.tar", "--what-if", "x")
    assert result.code == 2
    assert "names no layers" in result.problem


def test_own_needs_a_base(run):
    result = run("waste", BASE, "--what-if", "own")
    assert result.code == 2
    assert result.problem.startswith("nothing tells of a base: name it with --base ARCHIVE")
    result = run("waste", BASE, "--base", BASE, "--what-if", "own")
    assert result.code == 2
    assert "there are none of your own" in result.problem
