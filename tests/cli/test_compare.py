"""``compare``: choosing two images, exit codes, and what is shown where."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder
from wcwidth import wcswidth

from .conftest import PROGRAM
from .test_output import ANSI, in_a_terminal

SAME = "same filesystem, same config\n"
REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two archives: their images differ in a file and a variable."""
    paths = []
    for name in ("old", "new"):
        image = ImageBuilder(f"{name}:1", run={"Env": [f"A={name}"]})
        image.layer(TarBuilder().dir("etc").file("etc/x", b"same"), created_by="ADD r / # buildkit")
        image.layer(TarBuilder().file("app", name.encode()), created_by="COPY app / # buildkit")
        paths.append(docker_archive(image).write_file(tmp_path / f"{name}.tar"))
    return paths[0], paths[1]


def images(result) -> tuple[str, str]:
    """What was compared with what."""
    assert result.code == 0, result.err
    document = result.json
    first, second = (document[side]["references"] for side in ("before", "after"))
    return (first or ["?"])[0], (second or ["?"])[0]


def compared(run, *arguments: str | Path) -> tuple[str, str]:
    return images(run("compare", *arguments, "--format", "json"))


# Choosing


def test_two_archives(run, pair):
    assert compared(run, *pair) == ("old:1", "new:1")
    assert compared(run, *reversed(pair)) == ("new:1", "old:1")


def test_two_images_of_one_archive(run, two_images):
    base, app = "example/base:1", "example/app:1.2.3"
    assert compared(run, two_images, "--image", "base:1", "--image", "example/app") == (base, app)
    assert compared(run, two_images, "--image", "@1", "--image", "@0") == (app, base)
    assert compared(run, f"{two_images}:{base}", f"{two_images}:{app}") == (base, app)
    assert compared(run, f"{two_images}:{base}", "--image", "example/app") == (base, app)
    assert compared(run, two_images, two_images, "--image", "@0", "--image", "@1") == (base, app)
    assert compared(run, f"docker-archive:{two_images}:{base}", f"{two_images}:app:1.2.3") == (
        base,
        app,
    )


def test_one_reference_for_two_archives_is_looked_for_in_both(run, two_images, app):
    name = "example/app:1.2.3"
    assert compared(run, two_images, app, "--image", "example/app") == (name, name)
    assert compared(run, f"{two_images}:base:1", app, "--image", "example/app") == (
        "example/base:1",
        name,
    )


def test_image_of_one_archive_against_the_only_one_of_another(run, two_images, app):
    found = compared(run, f"{two_images}:base:1", app)
    assert found == ("example/base:1", "example/app:1.2.3")


def test_same_file_by_two_names(run, pair, tmp_path):
    (tmp_path / "link.tar").symlink_to(pair[0])
    os.link(pair[0], tmp_path / "hard.tar")
    for other in (pair[0], tmp_path / "link.tar", tmp_path / "hard.tar"):
        result = run("compare", pair[0], other, "--quiet", "--exit-code")
        assert (result.code, result.text) == (0, SAME)


def test_platform_is_looked_for_in_both(run, platforms):
    result = run("compare", platforms, platforms, "--platform", "linux/arm64", "--quiet")
    assert (result.code, result.text) == (0, SAME)
    result = run("compare", platforms, "--image", "@0", "--image", "@1", "--format", "json")
    assert [c["key"] for c in result.json["config"]][:1] == ["architecture"]


@pytest.mark.parametrize("side", [0, 1])
def test_one_side_may_be_standard_input(spawn, pair, side):
    arguments = [str(pair[0]), str(pair[1])]
    data = pair[side].read_bytes()
    arguments[side] = "-"
    result = spawn("compare", *arguments, "--format", "json", input=data)
    assert images(result) == ("old:1", "new:1")
    assert [one["path"] for one in result.json["differences"]] == ["app"]


def test_two_images_of_standard_input(spawn, two_images):
    data = two_images.read_bytes()
    found = spawn("compare", "-", "--image", "@0", "--image", "@1", "--format", "json", input=data)
    assert images(found) == ("example/base:1", "example/app:1.2.3")


def problem(result) -> str:
    """The first line of what was wrong with the command line."""
    assert result.code == 2 and result.out == b""
    assert "Traceback" not in result.err
    return result.err


def test_wrong_counts(run, pair, two_images):
    one, other = pair
    assert "one archive: give --image twice" in problem(run("compare", one))
    assert "one archive: give --image twice" in problem(run("compare", two_images))
    assert "give --image twice" in problem(run("compare", two_images, "--image", "@0"))
    assert "give --image twice" in problem(run("compare", f"{two_images}:base:1"))
    assert "3 archives: two are compared" in problem(run("compare", one, other, one))
    three = ["--image", "@0"] * 3
    assert "3 times --image: two" in problem(run("compare", one, other, *three))
    assert "three images are named" in problem(run("compare", f"{two_images}:base:1", *three[:4]))
    assert "named twice" in problem(run("compare", f"{two_images}:base:1", one, *three[:4]))
    assert "ARCHIVE" in problem(run("compare")) or "A [B]" in problem(run("compare"))


def test_standard_input_can_be_only_one(spawn):
    result = spawn("compare", "-", "-", input=b"")
    assert "standard input can be only one of the two" in problem(result)


def test_ambiguous_archive_names_itself_and_its_images(run, pair, two_images):
    for arguments in ((pair[0], two_images), (two_images, pair[0])):
        told = problem(run("compare", *arguments))
        assert f"oci-inspect: {two_images}: " in told
        assert "example/base:1" in told and "example/app:1.2.3" in told
    told = problem(run("compare", pair[0], two_images, "--image", "nope"))
    assert f"{pair[0]}: no image 'nope'" in told


@pytest.mark.parametrize("top", ["0", "-1", "x"])
def test_top_is_a_number(run, pair, top):
    assert "--top" in problem(run("compare", *pair, "--top", top))


# Exit codes


def test_exit_code_tells_only_where_it_is_asked_for(run, pair):
    assert run("compare", *pair).code == 0
    for form in ("table", "json", "markdown"):
        assert run("compare", *pair, "--exit-code", "--format", form).code == 1
    assert run("compare", *pair, "--exit-code", "--quiet").code == 1
    assert run("compare", pair[0], pair[0], "--exit-code").code == 0


def test_exit_code_asks_for_filesystem_and_config_alone(run, tmp_path):
    def archive(name: str, run_config: dict, **fields: int) -> Path:
        image = ImageBuilder(f"{name}:1", run=run_config, created=f"20{len(name)}1-01-01T00:00:00Z")
        image.layer(TarBuilder().file("a", b"1", **fields), created_by=f"RUN {name}")
        return docker_archive(image).write_file(tmp_path / f"{name}.tar")

    one = archive("a", {})
    assert run("compare", one, archive("bb", {}), "--exit-code").code == 0  # history, times, names
    assert run("compare", one, archive("c", {"User": "1"}), "--exit-code").code == 1
    assert run("compare", one, archive("d", {}, mtime=1), "--exit-code").code == 1
    assert run("compare", one, archive("e", {"User": ""}), "--exit-code").code == 0


def test_damaged_layer(run, pair, tmp_path):
    """One bit of a file is another: it differs, and the image is said not to be verified."""
    data = bytearray(pair[0].read_bytes())
    data[data.index(b"same")] ^= 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(data)
    result = run("compare", pair[0], damaged)
    assert result.code == 0
    assert "NOT VERIFIED" in result.text and "'verify' tells more" in result.text
    document = run("compare", pair[0], damaged, "--format", "json").json
    assert (document["before"]["verified"], document["after"]["verified"]) == (True, False)
    assert [one["why"] for one in document["differences"]] == [["content"]]
    assert document["shared"]["by_chain_id"]["layers"] == 0
    assert run("compare", pair[0], damaged, "--exit-code").code == 1


def test_damage_to_what_nobody_sees_is_said_and_no_difference(run, app, corrupt):
    """The file is deleted in a higher layer."""
    result = run("compare", app, corrupt, "--exit-code")
    assert result.code == 0
    assert SAME.strip() in result.text and "NOT VERIFIED" in result.text
    assert "2 of B's 11 shared" in result.text


@pytest.mark.parametrize("quiet", [True, False])
def test_missing_layer_is_said_and_counts_as_a_difference(run, tmp_path, quiet):
    image = ImageBuilder("a:1")
    for name in "xy":
        image.layer(TarBuilder().file(name, name.encode()), compression="gzip")
    whole = oci_layout(image).write_file(tmp_path / "whole.tar")
    lost = oci_layout(image)
    lost.drop(f"blobs/sha256/{image.layers[1].digest.partition(':')[2]}")
    part = lost.write_file(tmp_path / "part.tar")
    arguments = ["--quiet"] if quiet else []
    for one, other in ((whole, part), (part, whole), (part, part)):
        result = run("compare", one, other, "--exit-code", *arguments)
        assert result.code == 1
        assert "as far as they could be read" in " ".join(result.text.split())
        assert quiet or "INCOMPLETE" in result.text
        assert run("compare", one, other, *arguments).code == 0


def test_limit_that_is_met(run, pair):
    for more in ((), ("--exit-code",), ("--quiet",), ("--format", "json")):
        result = run("compare", *pair, "--limit", "entries=1", *more)
        assert result.code == 3
        assert b"Traceback" not in result.out


def test_input_that_is_none(run, app, tmp_path):
    (tmp_path / "noise").write_bytes(b"\0noise" * 500)
    (tmp_path / "empty").touch()
    for bad in ("noise", "empty", "nowhere"):
        for arguments in ((app, tmp_path / bad), (tmp_path / bad, app)):
            result = run("compare", *arguments)
            assert result.code == 3
            assert str(tmp_path / bad) in result.problem


def test_file_that_is_cut(run, app, tmp_path):
    data = app.read_bytes()
    for length in (100, 5_000, 60_000, len(data) - 20_000):
        path = tmp_path / "cut.tar"
        path.write_bytes(data[:length])
        for arguments in ((app, path), (path, app), (path, path)):
            result = run("compare", *arguments, "--exit-code")
            assert result.code in (1, 3)
            assert "Traceback" not in result.err


# What is shown


def test_quiet_is_one_line(run, pair, app):
    assert run("compare", *pair, "-q").text == (
        "1 difference in the filesystem; 1 difference in the config\n"
    )
    assert run("compare", app, REAL / "podman-oci.tar", "-q").text == (
        "same filesystem; 1 difference in the config\n"
    )


def test_metadata_alone_is_said_to_be_so(run, tmp_path):
    paths = []
    for time in (1, 2):
        tar = TarBuilder().file("a", b"1", mtime=time).file("b", b"1")
        image = ImageBuilder("a:1").layer(tar, created_by="RUN /bin/sh -c make # buildkit")
        paths.append(docker_archive(image).write_file(tmp_path / f"{time}.tar"))
    assert run("compare", *paths, "-q").text == (
        "same files, but for the metadata of 1 path; same config\n"
    )
    text = run("compare", *paths).text
    assert "same files, but for: time" in text.replace("\n", " ")
    assert "SOURCE_DATE_EPOCH" in text


@pytest.fixture(name="many")
def _many(tmp_path: Path) -> tuple[Path, Path]:
    """Forty large files in as many folders."""
    paths = []
    for name in ("old", "new"):
        tar = TarBuilder()
        for i in range(40 if name == "new" else 0):
            tar.file(f"d{i:02}/f", b"x" * (1000 + i)).file(f"d{i:02}/g{i}", b"")
        image = ImageBuilder(f"{name}:1").layer(tar.file("kept"), created_by="RUN make")
        paths.append(docker_archive(image).write_file(tmp_path / f"{name}-many.tar"))
    return paths[0], paths[1]


def test_top_and_all(run, many):
    def rows(text: str, title: str) -> list[str]:
        after = text.partition(f"{title}\n")[2].partition("\n\n")[0]
        return [line for line in after.splitlines() if "/d" in line]

    for arguments, groups, folders in (
        ((), 10, 10),
        (("--top", "3"), 3, 3),
        (("--top", "99"), 40, 40),
    ):
        text = run("compare", *many, *arguments).text
        assert len(rows(text, "Files, by growth")) == groups
        assert len(rows(text, "Growth by folder")) == folders
        assert ("30 more: --top shows them" in text) == (groups == 10)
    text = run("compare", *many, "--all").text
    lines = text.partition("Files, by path\n")[2].splitlines()
    assert len(lines) == 40 * 3
    words = [line.split() for line in lines[:3]]
    assert words == [["A", "/d00"], ["A", "+1kB", "/d00/f"], ["A", "/d00/g0"]]
    assert len(rows(text, "Growth by folder")) == 40
    assert "Files, by growth" not in text


def test_all_of_two_images_that_are_the_same(run, app):
    result = run("compare", app, app, "--all", "--exit-code")
    assert result.code == 0
    assert "Files, by path" not in result.text


def test_markdown_has_tables(run, many, pair):
    text = run("compare", *pair, "--format", "markdown").text
    assert text.startswith("## old:1 compared with new:1\n")
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 4
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    every = run("compare", *many, "--format", "markdown", "--all").text
    assert every.count("`/d") >= 120


def test_output_goes_to_a_file(run, pair, tmp_path):
    for more in ((), ("--all",), ("--format", "json"), ("--format", "markdown"), ("--quiet",)):
        printed = run("compare", *pair, *more)
        target = tmp_path / "out"
        result = run("compare", *pair, *more, "-o", target)
        assert (result.code, result.out) == (0, b"")
        assert target.read_bytes() == printed.out
    for one in pair:
        result = run("compare", *pair, "-o", one)
        assert result.code == 2 and "is what is read" in result.err
        assert one.stat().st_size > 1000


@pytest.mark.parametrize("more", [[], ["--all"], ["--format", "json"], ["--format", "markdown"]])
def test_reader_that_goes_away_is_no_error(many, more):
    process = subprocess.Popen(
        [*PROGRAM, "compare", *map(str, many), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(30) in (0, 141)


PAIRS = [
    ("docker26-two-images.tar:base:1", "docker26-app.tar"),
    ("docker20-app.tar", "docker26-app.tar"),
    ("docker26-app.tar", "docker26-containerd-app.tar"),
    ("docker26-app.tar", "podman-oci.tar"),
    ("docker20-two-images.tar:base:1", "docker26-app.tar.gz"),
]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_line_is_longer_than_the_terminal(one, other, columns):
    paths = [str(REAL / name) for name in (one, other)]
    text = in_a_terminal(["compare", *paths, "--quiet"], {}, columns=columns)
    assert "Traceback" not in text
    text = in_a_terminal(["compare", *paths, "--color", "never"], {}, columns=columns)
    shown = text[text.rindex("\x1b[K") + 3 :] if "\x1b[K" in text else text
    shown = ANSI.sub("", shown)
    long = [line for line in shown.replace("\r", "\n").split("\n") if wcswidth(line) > columns]
    assert long == []


# Names that were made to do harm

NASTY = "a\x1b]0;owned\x07\x1b[2J\r\n|`</td>*_\u202e\u200fgnp.exe\u2066x"


@pytest.fixture(name="hostile")
def _hostile(tmp_path: Path) -> tuple[Path, Path]:
    """Everything that can be named is named so: two images that differ in all of it."""
    paths = []
    for number in "12":
        name = NASTY + number
        run = {
            "Env": [f"{name}={name}", f"X={name}"],
            "Labels": {f"l{NASTY}": name},
            "User": name,
            "Entrypoint": [name],
            "ExposedPorts": {name: {}},
            "Volumes": {name: {}},
            name: name,
        }
        image = ImageBuilder(f"img{number}:1", run=run, architecture=name)
        image.layer(TarBuilder().file("b", number.encode()), created_by=f"RUN {name}")
        tar = (
            TarBuilder().file(f"d/{name}", number.encode() * 9).file(f"e/{NASTY}", number.encode())
        )
        tar.symlink(f"s{NASTY}", name).dir(f"{name}dir").file(b"d/\xff\xfe" + number.encode())
        image.layer(tar, created_by="COPY . / # buildkit").empty(f"CMD {name}")
        image.layer(TarBuilder().file("t", mtime=int(number)), created_by=f"RUN {NASTY}")
        paths.append(docker_archive(image).write_file(tmp_path / f"{number}.tar"))
    return paths[0], paths[1]


BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("more", [[], ["--all"], ["--quiet"], ["--verbose"]])
@pytest.mark.parametrize("form", ["table", "markdown"])
def test_hostile_names_drive_no_terminal_and_break_no_table(run, hostile, form, more):
    result = run("compare", *hostile, "--format", form, *more)
    assert result.code == 0
    assert not BAD.search(result.text)
    assert result.err == ""
    if form == "markdown":
        for block in result.text.split("\n\n"):
            if block.startswith("|"):
                pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
                assert len(pipes) == 1, block
        assert "<td" not in re.sub(r"`[^`]*`", "", result.text).replace("\\<", "")


def test_hostile_names_drive_no_real_terminal(hostile):
    for more in ([], ["--all"]):
        text = in_a_terminal(["compare", *map(str, hostile), *more], {})
        assert not BAD.search(ANSI.sub("", text.replace("\r", "")))
        assert "owned\x07" not in text


def test_hostile_names_are_whole_in_json(run, hostile):
    result = run("compare", *hostile, "--format", "json")
    keys = {one["key"] for one in result.json["config"]}
    assert f"Env.{NASTY}1" in keys and f"Labels.l{NASTY}" in keys
    paths = {one["path"] for one in result.json["differences"]}
    assert f"d/{NASTY}1" in paths
    assert not BAD.search(result.text.replace("\n", ""))


def test_scans_are_shared_with_other_commands(run, pair, tmp_path, monkeypatch):
    """With a cache, without one, and again: the same is said."""
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    first = run("compare", *pair).text
    assert run("compare", *pair).text == run("compare", *pair, "--no-cache").text == first
    assert run("compare", *pair, "--jobs", "1").text == first
