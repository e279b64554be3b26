"""The API of looking into an image: stacks, trees, files; what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import (
    ArchiveError,
    PathError,
    Progress,
    SelectionError,
    extract,
    open_archive,
)
from oci_inspect.filesystem.changes import Kind


def same_size_twice(compression: str) -> ImageBuilder:
    """A file whose content changes, then only its mode; size and time stay."""
    return (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("f", b"before", mode=0o644), compression=compression)
        .layer(TarBuilder().file("f", b"behind", mode=0o644), compression=compression)
        .layer(TarBuilder().file("f", b"behind", mode=0o600), compression=compression)
    )


@pytest.fixture(name="plain")
def _plain(tmp_path: Path) -> Path:
    return docker_archive(same_size_twice("none"), style="skopeo").write_file(tmp_path / "a.tar")


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_log_of_a_tree_tells_contents_apart_without_a_scan(
    tmp_path: Path, compression: str
) -> None:
    path = oci_layout(same_size_twice(compression)).write_file(tmp_path / "image.tar")
    with open_archive(path) as archive:
        tree = archive.tree()
        assert [event.why for event in tree.log("/f")] == [(), ("content",), ("mode",)]
        assert tree.log("./x/../f") == tree.log("f")
        assert tree.log("nothing") == ()


def test_what_changed_is_not_told_of_layers_that_were_only_listed(plain: Path) -> None:
    with open_archive(plain) as archive:
        stack = archive.look()
        for question in (stack.changes, stack.lost, lambda: stack.net_changes(0, 1)):
            with pytest.raises(ValueError, match="contents=True"):
                question()
        stack = archive.look(contents=True)
        tree, changes = stack.changes()
        assert [(one.kind, one.why) for one in changes[1]] == [(Kind.CHANGED, ("content",))]
        assert [one.copied(tree) for layer in changes.values() for one in layer] == [
            *(False, False, True)
        ]
        assert [(one.path, one.removed_in) for one in stack.lost()[1]] == [(b"f", 1), (b"f", 2)]


def test_layers_count_from_either_end(plain: Path) -> None:
    with open_archive(plain) as archive:
        stack = archive.look()
        assert len(stack) == 3
        with stack.tree(layer=0).open("f") as file:
            assert file.read() == b"before"
        with archive.tree(layer=-3).open("f") as file:
            assert file.read() == b"before"
        for wrong in (3, -4):
            with pytest.raises(SelectionError, match="its layers are 0 to 2"):
                archive.tree(layer=wrong)
            with pytest.raises(SelectionError):
                archive.tree(up_to=wrong)


def test_nothing_is_read_of_a_closed_archive(plain: Path, tmp_path: Path) -> None:
    """Not even through a descriptor that has become another file's."""
    archive = open_archive(plain)
    tree = archive.tree()
    begun = tree.open("f")
    archive.close()
    other = tmp_path / "other"
    other.write_bytes(b"secret " * 10_000)
    with other.open("rb"):
        with pytest.raises(ArchiveError, match="closed"):
            begun.read()
        with pytest.raises(ArchiveError, match="closed"):
            tree.open("f")


def test_files_are_binary_streams(plain: Path) -> None:
    with open_archive(plain) as archive, archive.tree().open(b"f") as file:
        assert file.readable() and not file.seekable() and not file.writable()
        assert file.read(3) == b"beh"
        assert file.peek(1)[:1] == b"i"
        assert list(file) == [b"ind"]
        assert file.read() == b""


def test_what_is_no_file_cannot_be_opened(tmp_path: Path) -> None:
    tar = TarBuilder().dir("d").fifo("p").symlink("s", "nowhere").char("c", 1, 3)
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "image.tar")
    with open_archive(path) as archive:
        tree = archive.tree()
        for name, words in (
            ("d", "a directory"),
            ("p", "a fifo"),
            ("c", "a char"),
            ("s", "there is no /nowhere"),
            ("", "a directory"),
        ):
            with pytest.raises(PathError, match=words):
                tree.open(name)
        assert tree.resolve("s", follow=False).path == b"s"


def test_an_image_of_which_a_layer_is_missing_gives_no_tree_but_a_stack(tmp_path: Path) -> None:
    image = same_size_twice("gzip")
    archive_of = oci_layout(image)
    archive_of.members = [one for one in archive_of.members if one.data != image.layers[1].blob]
    path = archive_of.write_file(tmp_path / "image.tar")
    with open_archive(path) as archive:
        with pytest.raises(ArchiveError, match="layer 1"):
            archive.tree()
        stack = archive.look()
        assert stack.problems == ["layer 1: it is not in the archive"]
        assert stack.tree().lookup(b"f") is not None
        assert archive.tree(layer=2).lookup(b"f") is not None


def test_progress_of_an_extraction_counts_its_bytes(tmp_path: Path) -> None:
    tar = TarBuilder().file("a", bytes(3_000_000)).file("b", b"12345").symlink("c", "a")
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "image.tar")
    progress = Progress()
    with open_archive(path) as archive:
        extract(archive.tree(), tmp_path / "out", progress=progress)
    position = progress.look()
    assert position.done == position.total == 3_000_005
    assert sorted(os.listdir(tmp_path / "out")) == ["a", "b", "c"]  # noqa: PTH208
