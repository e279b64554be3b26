"""Saying which image: --image, --platform, and the transports of skopeo and podman."""

from __future__ import annotations

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout, skopeo_dir
from support.tars import TarBuilder

APP_ID = "sha256:24733d2f94bcc8679abc5c48bdcd732f31e4666ace8a2500b25c555a5d7cd004"
BASE_ID = "sha256:4916d13f80e24dc4dd00b67275d59ff56409ea4cc2e763c240793cfc65f6a4d9"


def chosen(result) -> list[str]:
    assert result.code == 0, result.err
    return [image["image_id"] for image in result.json["images"]]


@pytest.mark.parametrize(
    ("reference", "image_id"),
    [
        ("example/app:1.2.3", APP_ID),
        ("example/app:latest", APP_ID),
        ("example/app", APP_ID),
        ("docker.io/example/app:1.2.3", APP_ID),
        ("1.2.3", APP_ID),
        ("app:1.2.3", APP_ID),
        ("example/base:1", BASE_ID),
        (APP_ID, APP_ID),
        (APP_ID[7:], APP_ID),
        (APP_ID[7:13], APP_ID),
        (APP_ID[:15], APP_ID),
        ("@0", BASE_ID),
        ("@1", APP_ID),
    ],
)
def test_one_of_two_images(run, two_images, reference, image_id):
    for command in ("history", "analyze"):
        result = run(command, two_images, "--image", reference, "--format", "json")
        assert chosen(result) == [image_id]


def test_by_the_digest_of_the_manifest(run, two_images):
    (one, *_) = run("analyze", two_images, "--format", "json").json["images"]
    by_digest = run("layers", two_images, "--image", one["manifest_digest"], "--format", "json")
    assert chosen(by_digest) == [one["image_id"]]


@pytest.mark.parametrize("reference", ["nope", "example/app:9", "@2", "@99999999999", "247", ""])
def test_an_image_that_is_not_there(run, two_images, reference):
    result = run("history", two_images, "--image", reference)
    assert result.code == 2 and result.out == b""
    problem, *choices = result.err.splitlines()
    assert problem == f"oci-inspect: no image {reference!r} in the archive"
    assert [one.split() for one in choices] == [
        ["@0", "example/base:1", "linux/amd64", BASE_ID[7:19]],
        ["@1", "example/app:1.2.3", "linux/amd64", APP_ID[7:19]],
    ]


@pytest.mark.parametrize("command", ["inspect", "history", "dockerfile", "layers", "waste"])
def test_commands_about_one_image_ask_which(run, two_images, command):
    result = run(command, two_images)
    assert result.code == 2 and result.out == b""
    problem, *choices = result.err.splitlines()
    assert problem == "oci-inspect: 2 images: choose one with --image"
    assert len(choices) == 2
    for position, choice in enumerate(choices):
        assert choice.split()[0] == f"@{position}"
        assert run(command, two_images, "--image", choice.split()[0]).code == 0


def test_an_ambiguous_name_is_asked_about(run, tmp_path):
    layer = TarBuilder().file("a", b"1")
    images = [ImageBuilder(f"{name}/app:1").layer(layer, created_by=name) for name in "xy"]
    path = docker_archive(*images).write_file(tmp_path / "image.tar")
    result = run("history", path, "--image", "app:1")
    assert result.code == 2
    assert "2 images: choose one with --image" in result.err
    assert "x/app:1" in result.err and "y/app:1" in result.err


def test_commands_about_the_archive_take_all(run, two_images):
    for command in ("analyze", "images", "verify"):
        assert chosen(run(command, two_images, "--format", "json")) == [BASE_ID, APP_ID]


def test_platforms(run, platforms):
    for name in ("amd64", "arm64"):
        result = run("history", platforms, "--platform", f"linux/{name}", "--format", "json")
        assert result.json["images"][0]["platform"]["architecture"] == name
    result = run("history", platforms)
    assert result.code == 2
    assert "choose one with --image or --platform" in result.err
    result = run("history", platforms, "--platform", "linux/s390x")
    assert result.code == 2
    assert "here are linux/amd64, linux/arm64" in result.err
    assert "not of the form os/arch" in run("history", platforms, "--platform", "arm64").problem


@pytest.fixture(name="layouts")
def _layouts(tmp_path):
    """The same image in each form that a transport names, in a folder with a colon."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    image = ImageBuilder("example/app:1.2").layer(TarBuilder().file("a", b"1"))
    other = ImageBuilder("example/other:3").layer(TarBuilder().file("b", b"2"))
    docker_archive(image, other).write_file(folder / "docker.tar")
    oci_layout(image, other).write_file(folder / "oci.tar")
    oci_layout(image, other).write_folder(folder / "oci")
    skopeo_dir(image).write_folder(folder / "dir")
    return folder, image.image_id, other.image_id


def test_transports_with_a_reference(run, layouts):
    folder, one, other = layouts
    for source in (
        f"docker-archive:{folder}/docker.tar",
        f"oci-archive:{folder}/oci.tar",
        f"oci:{folder}/oci",
    ):
        for reference, image_id in (("example/app:1.2", one), ("example/other:3", other)):
            result = run("history", f"{source}:{reference}", "--format", "json")
            assert chosen(result) == [image_id], source
        assert chosen(run("images", source, "--format", "json")) == [one, other], source
        assert run("history", f"{source}:nope").code == 2


def test_the_transport_dir(run, layouts):
    folder, one, _ = layouts
    assert chosen(run("history", f"dir:{folder}/dir", "--format", "json")) == [one]


def test_image_wins_over_the_reference_of_a_transport(run, layouts):
    folder, _, other = layouts
    source = f"oci:{folder}/oci:example/app:1.2"
    assert chosen(run("history", source, "--image", "@1", "--format", "json")) == [other]


def test_a_file_that_is_called_like_a_transport_is_a_file(run, layouts, monkeypatch):
    folder, _, _ = layouts
    (folder / "docker.tar").rename(folder / "oci:image.tar")
    monkeypatch.chdir(folder)
    assert run("images", "oci:image.tar").code == 0
    assert "nope.tar" in run("images", "oci-archive:nope.tar:x").problem
