"""``df``: as docker system df -v prints it; several archives; what cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import shutil
from pathlib import Path

import pytest
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import Limits, disk_usage

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
TWO = REAL / "docker20-two-images.tar"


def tables(text: str) -> list[list[list[str]]]:
    """The parts between blank lines, as words of their lines."""
    return [[line.split() for line in part.split("\n")] for part in text.split("\n\n")]


# As docker prints it


def test_the_rows_are_those_of_docker_system_df(run):
    told = json.loads((REAL / "docker20.system-df.json").read_text())["Images"]
    header, *rows = tables(run("df", TWO).text)[0]
    assert " ".join(header).startswith("REPOSITORY TAG IMAGE ID CREATED SIZE SHARED SIZE UNIQUE")
    assert [[*row[:3], *row[-3:]] for row in rows] == [
        [
            one["Repository"],
            one["Tag"],
            one["ID"][7:19],
            one["VirtualSize"],
            one["SharedSize"],
            one["UniqueSize"],
        ]
        for one in told
    ]


def test_sizes_are_those_of_docker_image_ls(run):
    told = [json.loads(one) for one in (REAL / "docker20.image-ls.jsonl").read_text().splitlines()]
    rows = list(csv.DictReader(io.StringIO(run("df", TWO, "--format", "csv").text)))
    ours = {name: row for row in rows for name in row["REFERENCES"].split()}
    assert len(ours) == len(told) == 3
    for one in told:
        row = ours[f"{one['Repository']}:{one['Tag']}"]
        assert row["IMAGE ID"] == one["ID"]
        number, unit = re.fullmatch(r"([\d.]+)(k?B)", one["VirtualSize"]).groups()
        assert abs(int(row["SIZE"]) / 1000 - float(number)) <= 0.005 and unit == "kB"
        assert f"{int(row['SIZE']) / 1000:.3g}kB" == one["Size"]


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_no_line_is_wider_than_the_screen(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ("docker20-two-images.tar", "buildx-multi.oci.tar", "docker26-two-images.tar")
    for archives in (names[:1], names):
        result = run("df", *(REAL / name for name in archives), "--all")
        assert max(map(len, result.text.split("\n"))) <= columns


def test_sums_and_what_removing_frees(run):
    text = run("df", TWO).text
    facts = dict(re.findall(r"^(\w[\w ]*?)  +(.*)$", text.split("\n\n")[1], re.MULTILINE))
    assert facts["Images"] == "2 in 1 archive"
    assert facts["Layers"] == "14, 11 distinct"
    assert facts["Stored once"] == "92.51kB"
    assert facts["If nothing were shared"] == "181.2kB"  # 92,509 + 88,642
    assert facts["Saved by sharing"] == "88.64kB (48.9%)"
    assert "all but the newest: 0B (example/app:1.2.3 stays)" in text
    assert "all but each repository's newest: 0B (2 of 2 stay)" in text


@pytest.fixture(name="many")
def _many(tmp_path):
    """Five images of one repository: a common layer of 1,000 bytes, six of 10 to 15 each."""
    paths = []
    for number in range(5):
        image = ImageBuilder(f"app:{number}", created=f"2024-01-0{number + 1}T00:00:00Z")
        image.layer(TarBuilder().file("base", bytes(1000)), created_by="COPY base /")
        for i in range(6):
            image.layer(TarBuilder().file(f"{number}/{i}", bytes(10 + i)))
        paths.append(docker_archive(image).write_file(tmp_path / f"{number}.tar"))
    return paths


def test_layers_say_who_shares_them_and_the_largest_come_first(run, many):
    text = run("df", *many).text
    layers = tables(text)[-1]
    assert layers[0] == ["Layers,", "the", "largest", "first"]
    assert layers[2][:5] == ["1kB", "5", "all", "5", "images"]
    assert layers[3][:3] == ["15B", "1", "app:4"]
    assert len(layers) == 2 + 20 + 2  # title, header, rows, caption and the end
    # 31 layers: the common one, five of 15, 14, 13 bytes, four of 12
    assert " ".join(layers[-2]) == "11 more, 117B: --all shows them"  # 12 + 5 * 11 + 5 * 10
    assert len(tables(run("df", *many, "--all").text)[-1]) == 2 + 31 + 1
    assert "all but the newest: 300B (app:4 stays)" in text  # 4 * (10 + ... + 15)
    assert "repository's" not in text  # there is only one
    three = run("df", *many[:4], f"{TWO}:base:1").text
    assert "app:3, app:2, app:1 and 1 more" in three


def test_images_of_one_name_are_told_apart(run, tmp_path):
    layer = TarBuilder().file("base", bytes(1000))
    paths = []
    for number in range(3):
        image = ImageBuilder("app:1").layer(layer)
        if number:
            image.layer(TarBuilder().file("f", bytes(number)))
        paths.append(docker_archive(image).write_file(tmp_path / f"{number}.tar"))
    text = run("df", *paths, "--all").text
    assert len(set(re.findall(r"app:1 \(([0-9a-f]{12})\)", text))) == 2


def test_quiet_is_the_bytes_stored_once(run, many):
    assert run("df", "-q", TWO).text == "92509\n"
    assert run("df", "-q", *many).text == "1375\n"  # 1,000 + 5 * 75


@pytest.mark.parametrize("format", ["table", "json", "markdown", "csv"])
def test_every_format_of_every_archive(run, format):
    for path in sorted(REAL.glob("*.tar*")):
        if path.name.endswith(".rootfs.tar"):
            continue
        result = run("df", path, "--format", format)
        assert (result.code, result.err) == (0, "")
        if format == "csv":
            rows = list(csv.reader(io.StringIO(result.text)))
            assert len({len(row) for row in rows}) == 1
        if format == "json":
            assert result.json["complete"] is True


def test_the_cache_changes_nothing(run, many, tmp_path, monkeypatch):
    folder = tmp_path / "scans"
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(folder))
    plain = run("df", *many, "--format", "json", "--no-cache")
    assert not folder.exists()
    for _ in range(2):
        assert run("df", *many, "--format", "json").out == plain.out
        assert len(list(folder.rglob("*.scan"))) == 31
    assert run("analyze", many[0]).out == run("analyze", many[0], "--no-cache").out


# Which images, which archives


def test_images_are_chosen_in_each_archive(run, many):
    document = run("df", *many, "--image", "app:1", "--image", "app:3", "--format", "json").json
    assert [one["references"] for one in document["images"]] == [["app:3"], ["app:1"]]
    assert len(document["archives"]) == 5
    result = run("df", *many, "--image", "app:9")
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("oci-inspect: no image 'app:9' in any of 5 archives\n")
    assert run("df", TWO, "--platform", "linux/arm64").code == 2
    assert run("df", TWO, "--platform", "arm64").code == 2
    assert run("df").code == 2


def test_standard_input_is_one_of_the_archives(spawn, many):
    whole = spawn("df", *many[:2], "--format", "json")
    piped = spawn("df", "-", many[1], "--format", "json", input=many[0].read_bytes())
    assert piped.code == 0
    one, other = json.loads(whole.out), json.loads(piped.out)
    assert [archive["path"] for archive in other["archives"]] == ["-", str(many[1])]
    for key in ("images", "layers", "totals", "removing"):
        assert one[key] == other[key]
    chosen = spawn(
        "df", "-q", f"{TWO}:base:1", "docker-archive:-:app:0", input=many[0].read_bytes()
    )
    assert chosen.out == b"89717\n"  # 88,642 + 1,000 + 75


def test_standard_input_cannot_be_read_twice(run):
    for second in ("-", "docker-archive:-:app:1", "docker-archive:-"):
        assert run("df", "-", second).problem.startswith("standard input can be read once")
        assert run("df", "-", second).code == 2


def test_a_thousand_archives_with_few_open_files(spawn, many, tmp_path):
    paths = []
    for number in range(1000):
        paths.append(tmp_path / f"copy{number}.tar")
        os.link(many[number % 5], paths[-1])
    result = spawn(
        "df",
        "-q",
        *paths,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert (result.code, result.out, result.err) == (0, b"1375\n", "")


# What cannot be read


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_archive_of_several_that_cannot_be_read_stops_all(run, many, tmp_path, place):
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"no archive")
    for path, words in ((bad, "bad.tar: "), (tmp_path / "nope.tar", "there is no such file")):
        archives = [many[0], many[1]]
        archives.insert(place, path)
        result = run("df", *archives)
        assert result.code == 3
        assert words in result.problem and path.name in result.problem


def test_a_missing_layer_is_told_and_no_error(run, tmp_path):
    base = TarBuilder().file("f", bytes(1000))
    image = ImageBuilder("a:1").layer(base).layer(TarBuilder().file("g", bytes(50)))
    path = oci_layout(image).drop(blob_name(base.build())).write_file(tmp_path / "a.tar")
    result = run("df", path)
    assert (result.code, result.err) == (0, "")
    assert "INCOMPLETE" in result.text and "at least 50B" in result.text
    assert "blob-missing" in result.text and "Not all layers could be read" in result.text
    document = run("df", path, "--format", "json").json
    assert document["complete"] is False
    assert [layer["disk_size"] for layer in document["layers"]] in ([50, None], [None, 50])


def test_a_limit_is_exit_3_with_what_there_is(run, many):
    result = run("df", many[0], "--limit", "layers=2")
    assert result.code == 3
    assert "limit-exceeded" in result.text and "at least 1.01kB" in result.text
    assert run("df", "-q", many[0], "--limit", "layers=2").text == "1010\n"


def test_the_output_is_none_of_the_inputs(run, many):
    before = many[1].read_bytes()
    result = run("df", *many, "-o", many[1])
    assert result.code == 2 and "name another file for the output" in result.problem
    assert many[1].read_bytes() == before


def test_text_of_an_archive_cannot_drive_a_terminal(run, tmp_path):
    image = ImageBuilder("a:1", architecture="\x1b[31m", created="\x1b[31m")
    image.layer(TarBuilder().file("f", b"1"), created_by="\x1b[31m")
    other = ImageBuilder("b:1").layer(TarBuilder().file("f", b"1"))
    folder = tmp_path / "\x1b[31m"
    folder.mkdir()
    shutil.move(docker_archive(image, other).write_file(tmp_path / "a.tar"), folder / "a.tar")
    for format in ("table", "json", "markdown", "csv"):
        result = run("df", folder / "a.tar", TWO, "--format", format)
        assert result.code == 0
        assert b"\x1b" not in result.out


def test_images_that_a_limit_left_out_make_sums_incomplete(tmp_path: Path) -> None:
    """Two images, of which the documents of one alone may be held."""
    archive = docker_archive(
        ImageBuilder("a:1").layer(TarBuilder().file("a", b"1")),
        ImageBuilder("b:1").layer(TarBuilder().file("b", b"22")),
    )
    path = archive.write_file(tmp_path / "two.tar")
    for limit in range(20_000, 0, -100):
        usage = disk_usage([path], limits=Limits(json_memory=limit))
        if len(usage.images) == 1:
            break
    assert len(usage.images) == 1 and usage.limit_exceeded and not usage.complete
    assert {one.rule for one in usage.findings} == {"limit-exceeded"}
    whole = disk_usage([path])
    assert len(whole.images) == 2 and whole.complete and whole.findings == ()
