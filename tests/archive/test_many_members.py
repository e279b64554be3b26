"""What many members of the outer archive may take: names, what passes by, what does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.archives import delivered
from support.images import Archive, ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import analyze
from oci_inspect.archive.opening import open_store
from oci_inspect.archive.stream_store import VISITED
from oci_inspect.cli import run as run_command_line
from oci_inspect.errors import ArchiveError, LimitExceededError
from oci_inspect.limits import Limits

LONG = "n" * 150
DEEP = "/".join(["d" * 60] * 4)


def image() -> ImageBuilder:
    return ImageBuilder("a:1").layer(TarBuilder().file("a", b"1"))


def with_long_names() -> Archive:
    """Beyond a hundred bytes each: 50 of a name, 143 of a path, 80 of a name and a link."""
    archive = oci_layout(image()).add(LONG, b"1").add(DEEP, b"1")
    return archive.add_link("s" * 90, "t" * 90)


BEYOND = 50 + 143 + 80


@pytest.mark.parametrize("form", ["file", "folder", "stdin", "gzip"])
def test_names_and_links_have_a_limit_together(form: str, tmp_path: Path) -> None:
    with delivered(with_long_names(), form, tmp_path) as path:
        store = open_store(path, limits=Limits(metadata_bytes=BEYOND))
        # What was spent of it is known to whoever spends the rest.
        assert not store.allowance.over
        store.allowance.spend(1)
        assert store.allowance.over
        store.close()


@pytest.mark.parametrize("form", ["file", "folder", "stdin", "gzip"])
def test_one_byte_more_is_an_error(form: str, tmp_path: Path) -> None:
    with (
        delivered(with_long_names(), form, tmp_path) as path,
        pytest.raises(LimitExceededError) as caught,
    ):
        open_store(path, limits=Limits(metadata_bytes=BEYOND - 1))
    assert (caught.value.limit, caught.value.maximum) == ("metadata_bytes", BEYOND - 1)
    assert caught.value.actual == BEYOND


def test_it_is_one_line_that_names_the_flag(tmp_path: Path, capsys) -> None:
    path = with_long_names().write_file(tmp_path / "a.tar")
    words = ["verify", str(path), "--no-cache", "--limit"]
    assert run_command_line([*words, f"metadata_bytes={BEYOND - 1}"]) == 3
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "--limit metadata_bytes=N" in err
    assert run_command_line([*words, f"metadata_bytes={BEYOND}"]) == 0


def test_short_names_cost_nothing(tmp_path: Path) -> None:
    archive = oci_layout(image())
    assert max(len(one.name) + len(one.linkname) for one in archive.members) <= 100
    path = archive.write_file(tmp_path / "a.tar")
    assert analyze(path, limits=Limits(metadata_bytes=0)).ok


def test_names_are_counted_in_bytes(tmp_path: Path) -> None:
    archive = oci_layout(image()).add("\u4e00" * 40, b"1")
    path = str(archive.write_file(tmp_path / "a.tar"))
    open_store(path, limits=Limits(metadata_bytes=20)).close()
    with pytest.raises(LimitExceededError):
        open_store(path, limits=Limits(metadata_bytes=19))


def test_name_that_no_bytes_are_is_of_no_member(tmp_path: Path) -> None:
    """Half a pair of surrogates, as JSON can tell of: it stands in manifest.json as a layer."""
    archive = docker_archive(image())
    archive.edit("manifest.json", lambda all_: all_[0].update(Layers=["\ud800/layer.tar"]))
    found = analyze(archive.write_file(tmp_path / "a.tar"))
    assert any(one.rule == "blob-missing" for one in found.images[0].findings)


def test_what_passes_by_in_a_stream_is_counted(tmp_path: Path) -> None:
    archive = oci_layout(image())
    for i in range(5):
        archive.add(f"large{i}", b"x" * 70_000)
    path = str(archive.write_file(tmp_path / "a.tar.gz", "gzip"))
    for most, visited in ((5 * VISITED, 5), (5 * VISITED - 1, 4)):
        store = open_store(path, lambda source, member: 1, Limits(metadata_bytes=most))
        assert len(store.visited) == visited
        met = [one for one in store.findings if one.rule == "limit-exceeded"]
        assert len(met) == (visited < 5)
    assert open_store(path, limits=Limits(metadata_bytes=0)).visited == {}


def test_a_stream_of_very_many_files_that_is_no_image_is_called_that(tmp_path: Path) -> None:
    archive = Archive()
    for i in range(9):
        archive.add(f"usr/bin/{i}", b"x" * 70_000)
    path = archive.write_file(tmp_path / "a.tar.gz", "gzip")
    with pytest.raises(ArchiveError, match="of 9 members, but no image"):
        analyze(path, limits=Limits(metadata_bytes=4 * VISITED))


def test_a_layer_that_was_not_looked_at_as_it_passed_is_no_silent_success(tmp_path: Path) -> None:
    archive = oci_layout(image().layer(TarBuilder().file("large", bytes(range(256)) * 400)))
    archive.members.reverse()
    path = archive.write_file(tmp_path / "a.tar.gz", "gzip")
    limits = Limits(metadata_bytes=0, kept_bytes=5_000)
    found = analyze(path, limits=limits)
    assert found.limit_exceeded and not found.ok
    assert not any(one.verified for one in found.images)
    assert analyze(path, limits=Limits(kept_bytes=5_000)).ok


def test_large_documents_and_small_layers_leave_room_for_small_documents(tmp_path: Path) -> None:
    """Lists of packages in front of an image, as buildkit attaches them."""
    archive = oci_layout(image())
    needed = len(archive.members)
    for i in range(4):
        archive.add(f"packages{i}", b"{" + b" " * 300_000 + b"}")
        archive.add(f"small{i}", b"x" * 60_000)
    archive.members = archive.members[needed:] + archive.members[:needed]
    path = archive.write_file(tmp_path / "a.tar.gz", "gzip")
    found = analyze(path, limits=Limits(kept_bytes=5_000))
    assert found.ok and found.images[0].references == ("a:1",)
    # A large document that is needed counts with those of its size.
    large = image().patch_config(lambda one: one.update(x="x" * 300_000))
    enough = len(large.config) + len(large.layers[0].blob)
    path = oci_layout(large).write_file(tmp_path / "b.tar.gz", "gzip")
    assert analyze(path, limits=Limits(kept_bytes=enough)).ok
    (told,) = {
        one.message
        for one in analyze(path, limits=Limits(kept_bytes=10_000)).images[0].findings
        if one.rule == "limit-exceeded"
    }
    assert "over the limit of 10,000 for kept bytes" in told


@pytest.mark.parametrize("form", ["file", "folder", "gzip"])
def test_first_of_many_blobs_that_do_not_hold_are_listed(form: str, tmp_path: Path) -> None:
    archive = oci_layout(image())
    for i in range(130):
        archive.add(f"blobs/sha256/{i * 7 % 130:064x}", b"1")
    with delivered(archive, form, tmp_path) as path:
        found = [one for one in analyze(path).findings if one.rule == "blob-digest-mismatch"]
    assert [one.subject for one in found[:-1]] == [f"sha256:{i:064x}" for i in range(100)]
    assert found[-1].message == "30 more of this rule, not listed" and found[-1].count == 30


def test_documents_of_many_images_fit(tmp_path: Path) -> None:
    """Five hundred with configs of ten kilobytes: fifty of them here, within a tenth."""
    step = {
        "created": "2024-01-02T03:04:05.123456789Z",
        "created_by": "RUN /bin/sh -c apt-get update && apt-get install -y " + "x" * 40,
        "comment": "buildkit.dockerfile.v0",
        "empty_layer": True,
    }
    made = []
    for i in range(50):
        one = ImageBuilder(f"a:{i}").layer(TarBuilder().file(f"{i}", b"1"))
        one.patch_config(lambda told: told.update(history=[*told["history"][:1], *[step] * 45]))
        made.append(one)
    assert all(9_000 < len(one.config) < 11_000 for one in made)
    limits = Limits()
    tenth = Limits(json_memory=limits.json_memory // 10, kept_bytes=limits.kept_bytes // 10)
    for form in ("file", "gzip"):
        path = oci_layout(*made).write_file(tmp_path / form, "none" if form == "file" else form)
        found = analyze(path, limits=tenth)
        assert found.ok and len(found.images) == 50


def test_more_names_than_anybody_gives_are_left_out_and_told(tmp_path: Path) -> None:
    archive = docker_archive(image())
    archive.edit(
        "manifest.json", lambda all_: all_[0].update(RepoTags=[f"a:{i}" for i in range(10_001)])
    )
    found = analyze(archive.write_file(tmp_path / "a.tar"))
    assert len(found.images[0].references) == 10_000
    assert any("at most 10,000 strings" in one.message for one in found.findings)


def test_a_thousand_labels_are_shown_and_the_rest_is_counted(tmp_path: Path, capsys) -> None:
    run = {
        "Labels": {f"l{i:05}": "" for i in range(1_003)},
        "Env": [f"E{i}=" for i in range(1_004)],
        "ExposedPorts": {f"{i}": {} for i in range(1_005)},
    }
    made = ImageBuilder("a:1", run=run).layer(TarBuilder().file("a"))
    path = docker_archive(made).write_file(tmp_path / "a.tar")
    assert run_command_line(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    for more in (3, 4, 5):
        assert f"... and {more} more: --format json has all" in out
    assert "l00999" in out and "l01000" not in out and "E999=" in out and "E1000=" not in out
    assert run_command_line(["inspect", str(path), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["images"][0]["config"]["config"]
    assert told == run


def test_more_variables_than_anybody_sets_are_compared_as_one(tmp_path: Path, capsys) -> None:
    paths = []
    for name, last in (("a", "x"), ("b", "y")):
        env = [*(f"E{i}=1" for i in range(10_000)), f"LAST={last}"]
        made = ImageBuilder("a:1", run={"Env": env}).layer(TarBuilder().file("a"))
        paths.append(str(docker_archive(made).write_file(tmp_path / name)))
    assert run_command_line(["compare", *paths, "--format", "json"]) in (0, 1)
    (only,) = json.loads(capsys.readouterr().out)["config"]
    assert (only["key"] if "key" in only else only["name"]) == "Env"
