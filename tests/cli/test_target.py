"""What ``ARCHIVE`` may be: PATH:REF, with and without a transport."""

from __future__ import annotations

import pytest

from oci_inspect.cli.target import split_target


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    for name in ("image.tar", "with:colon.tar", "a", "a:b", "oci:named.tar"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("argument", "path", "reference"),
    [
        ("image.tar", "image.tar", None),
        ("image.tar:app", "image.tar", "app"),
        ("image.tar:app:1", "image.tar", "app:1"),
        ("image.tar:localhost:5000/app:1@sha256:aa", "image.tar", "localhost:5000/app:1@sha256:aa"),
        ("image.tar:@0", "image.tar", "@0"),
        ("./image.tar:app", "./image.tar", "app"),
        ("image.tar:", "image.tar", None),
        ("folder:app", "folder", "app"),
        ("folder/:app", "folder/", "app"),
        # a path that exists is that path, and the longest one counts
        ("with:colon.tar", "with:colon.tar", None),
        ("with:colon.tar:app", "with:colon.tar", "app"),
        ("a:b", "a:b", None),
        ("a:b:c", "a:b", "c"),
        ("a:c", "a", "c"),
        ("oci:named.tar", "oci:named.tar", None),
        # a transport is none of the path
        ("oci:folder:app", "folder", "app"),
        ("oci-archive:image.tar:app:1", "image.tar", "app:1"),
        ("docker-archive:image.tar", "image.tar", None),
        ("dir:a:b", "a:b", None),
        # standard input
        ("-", "-", None),
        ("-:app:1", "-", "app:1"),
        ("docker-archive:-:app", "-", "app"),
        # what is not there is named as it was written; a transport tells where the path ends
        ("nope.tar", "nope.tar", None),
        ("nope.tar:app:1", "nope.tar:app:1", None),
        ("oci:nope:app:1", "nope", "app:1"),
        ("", "", None),
        (":app", ":app", None),
    ],
)
def test_an_argument_is_a_path_and_perhaps_a_reference(argument, path, reference):
    assert split_target(argument) == (path, reference)


def test_every_command_takes_a_reference_behind_the_path(run, two_images):
    for command in ("history", "ls", "images", "df"):
        by_path = run(command, f"{two_images}:example/base:1", "--format", "json")
        assert by_path.code == 0, by_path.err
        assert (
            by_path.json == run(command, two_images, "--image", "base:1", "--format", "json").json
        )


def test_a_reference_behind_a_path_that_fits_nothing_is_exit_2(run, two_images):
    result = run("history", f"{two_images}:example/none:1")
    assert (result.code, result.out) == (2, b"")
    assert "no image 'example/none:1' in the archive" in result.err


def test_a_path_that_is_not_there_is_named_whole(run, tmp_path):
    missing = f"{tmp_path}/nope.tar:app:1"
    assert run("history", missing).problem.startswith(f"{missing}: there is no such file")
