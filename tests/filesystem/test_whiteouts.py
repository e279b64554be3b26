"""Deletions: image-spec, layer.md, Whiteouts; FORMATS.md section 3."""

import pytest
from support.scans import Stack
from support.tars import TarBuilder


def base() -> TarBuilder:
    return (
        TarBuilder()
        .dir("d")
        .file("d/a", b"a" * 10)
        .file("d/b", b"b" * 20)
        .dir("d/sub")
        .file("d/sub/c", b"c" * 40)
        .file("top", b"t" * 80)
    )


def test_whiteout_removes_a_file_of_a_lower_layer() -> None:
    stack = Stack(base(), TarBuilder().whiteout("d/a"))
    assert stack.paths == ["d", "d/b", "d/sub", "d/sub/c", "top"]
    assert stack.dead == [("d/a", 0, 1, 10, "deleted")]
    assert stack.findings == ()


def test_whiteout_removes_a_whole_folder() -> None:
    stack = Stack(base(), TarBuilder().whiteout("d"))
    assert stack.paths == ["top"]
    assert stack.dead == [
        ("d/a", 0, 1, 10, "deleted"),
        ("d/b", 0, 1, 20, "deleted"),
        ("d/sub/c", 0, 1, 40, "deleted"),
    ]


def test_whiteout_at_the_root_removes_a_top_entry() -> None:
    assert "top" not in Stack(base(), TarBuilder().whiteout("top")).paths


def test_whiteout_never_touches_an_entry_of_its_own_layer_behind_it() -> None:
    stack = Stack(base(), TarBuilder().whiteout("d/a").file("d/a", b"new"))
    assert stack.layer_of("d/a") == 1
    assert stack.dead == [("d/a", 0, 1, 10, "deleted")]


def test_whiteout_never_touches_an_entry_of_its_own_layer_before_it() -> None:
    stack = Stack(base(), TarBuilder().file("d/a", b"new").whiteout("d/a"))
    assert stack.layer_of("d/a") == 1
    assert stack.dead == [("d/a", 0, 1, 10, "deleted")]


def test_whiteout_of_a_folder_that_the_layer_makes_anew_leaves_the_new_children_only() -> None:
    stack = Stack(base(), TarBuilder().dir("d").file("d/n", b"n").whiteout("d"))
    assert stack.paths == ["d", "d/n", "top"]
    assert stack.layer_of("d") == 1


def test_whiteout_of_an_entry_of_its_own_layer_only_is_dangling_and_deletes_nothing() -> None:
    stack = Stack(base(), TarBuilder().file("n", b"n").whiteout("n"))
    assert "n" in stack.paths
    assert stack.subjects("whiteout-dangling") == [".wh.n"]


def test_whiteout_that_hides_nothing_is_info() -> None:
    stack = Stack(base(), TarBuilder().whiteout("d/zz").whiteout("no/where"))
    assert stack.subjects("whiteout-dangling") == ["d/.wh.zz", "no/.wh.where"]
    assert {found.severity.value for found in stack.findings} == {"info"}
    assert "no" not in stack.paths


def test_whiteout_in_the_lowest_layer_is_dangling() -> None:
    stack = Stack(TarBuilder().whiteout("x").opaque("y").file("z", b"1"))
    assert stack.paths == ["z"]
    assert len(stack.subjects("whiteout-dangling")) == 2


def test_opaque_hides_lower_children_and_keeps_the_folder() -> None:
    stack = Stack(base(), TarBuilder().opaque("d"))
    assert stack.paths == ["d", "top"]
    assert stack.layer_of("d") == 0
    assert stack.dead == [
        ("d/a", 0, 1, 10, "opaque"),
        ("d/b", 0, 1, 20, "opaque"),
        ("d/sub/c", 0, 1, 40, "opaque"),
    ]


def test_opaque_after_siblings_hides_only_lower_layers() -> None:
    stack = Stack(base(), TarBuilder().file("d/new", b"n").dir("d/sub").opaque("d"))
    assert stack.paths == ["d", "d/new", "d/sub", "top"]
    assert stack.layer_of("d/sub") == 1


def test_opaque_before_siblings_is_the_same_as_behind_them() -> None:
    before = Stack(base(), TarBuilder().opaque("d").file("d/new", b"n").dir("d/sub"))
    after = Stack(base(), TarBuilder().file("d/new", b"n").dir("d/sub").opaque("d"))
    assert before.tree == after.tree
    assert before.dead == after.dead


def test_opaque_of_the_root_hides_everything_below() -> None:
    stack = Stack(base(), TarBuilder().file("n", b"n").opaque())
    assert stack.paths == ["n"]
    assert stack.dead_bytes == 150


def test_opaque_of_a_nested_folder_leaves_its_siblings() -> None:
    assert Stack(base(), TarBuilder().opaque("d/sub")).paths == ["d", "d/a", "d/b", "d/sub", "top"]


def test_opaque_of_a_folder_that_is_not_there_is_dangling_and_makes_nothing() -> None:
    stack = Stack(base(), TarBuilder().opaque("no/such"))
    assert stack.subjects("whiteout-dangling") == ["no/such/.wh..wh..opq"]
    assert "no" not in stack.paths


def test_opaque_reaches_through_several_lower_layers() -> None:
    stack = Stack(base(), TarBuilder().file("d/x", b"x" * 5), TarBuilder().opaque("d"))
    assert ("d/x", 1, 2, 5, "opaque") in stack.dead
    assert stack.paths == ["d", "top"]


def test_deleted_path_comes_back_in_a_later_layer() -> None:
    stack = Stack(base(), TarBuilder().whiteout("d"), TarBuilder().file("d/a", b"again"))
    assert stack.tree == {"d": "implied", "d/a": "file", "top": "file"}
    assert stack.dead_bytes == 70


def test_whiteout_in_a_folder_that_its_layer_makes_opaque_is_dangling() -> None:
    stack = Stack(base(), TarBuilder().opaque("d").whiteout("d/a"))
    assert stack.dead[0] == ("d/a", 0, 1, 10, "opaque")
    assert stack.subjects("whiteout-dangling") == ["d/.wh.a"]


def test_whiteout_below_a_symbolic_link_is_lexical() -> None:
    lower = TarBuilder().file("usr/lib/x", b"x").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().whiteout("lib/x"))
    assert "usr/lib/x" in stack.paths
    assert stack.tree["lib"] == "symlink"
    assert stack.subjects("whiteout-dangling") == ["lib/.wh.x"]


def test_whiteout_removes_a_symbolic_link_and_not_what_it_leads_to() -> None:
    lower = TarBuilder().file("usr/lib/x", b"x").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().whiteout("lib"))
    assert stack.paths == ["usr", "usr/lib", "usr/lib/x"]
    assert stack.dead == []


@pytest.mark.parametrize("name", [".wh.", "d/.wh.", ".wh..", "d/.wh..", ".wh...", "d/.wh..."])
def test_whiteout_that_names_nothing_deletes_nothing_and_is_an_error(name: str) -> None:
    stack = Stack(base(), TarBuilder().file(name))
    assert stack.paths == Stack(base()).paths
    assert stack.subjects("whiteout-invalid") == [name]
    assert stack.findings[0].severity.value == "error"


def test_whiteout_without_a_name_with_a_slash_behind_is_no_opaque_whiteout() -> None:
    stack = Stack(base(), TarBuilder().file("d/.wh./x", b"1"))
    assert {"d/a", "d/b", "d/sub/c", "top"} <= set(stack.paths)


def test_name_of_three_dots_is_a_name() -> None:
    stack = Stack(TarBuilder().file("...", b"1"), TarBuilder().file(".wh...."))
    assert stack.paths == []
    assert stack.findings == ()


def test_folder_with_a_whiteouts_name_is_an_ordinary_path() -> None:
    stack = Stack(base(), TarBuilder().dir("d/.wh.a").file("d/.wh.a/in", b"1"))
    assert stack.tree["d/.wh.a"] == "directory"
    assert stack.tree["d/.wh.a/in"] == "file"
    assert "d/a" in stack.paths
    assert stack.subjects("whiteout-not-empty") == ["d/.wh.a"]


def test_whiteout_with_bytes_still_deletes_and_is_a_warning() -> None:
    stack = Stack(base(), TarBuilder().file("d/.wh.a", b"bytes"))
    assert "d/a" not in stack.paths
    assert stack.subjects("whiteout-not-empty") == ["d/.wh.a"]
    assert stack.findings[0].severity.value == "warning"


def test_whiteout_that_is_a_link_still_deletes_and_is_a_warning() -> None:
    stack = Stack(base(), TarBuilder().symlink("d/.wh.a", "x"))
    assert "d/a" not in stack.paths
    assert "d/.wh.a" not in stack.paths
    assert stack.subjects("whiteout-not-empty") == ["d/.wh.a"]


def test_whiteouts_bytes_are_no_files_of_the_tree() -> None:
    stack = Stack(base(), TarBuilder().file("d/.wh.a", b"bytes"))
    assert stack.live_bytes + stack.dead_bytes == stack.added_bytes == 150


@pytest.mark.parametrize(
    "name", [".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk/1.2", "d/.wh..wh.x", ".wh..wh."]
)
def test_aufs_names_are_metadata_that_deletes_nothing(name: str) -> None:
    stack = Stack(base(), TarBuilder().file(name))
    assert stack.paths == Stack(base()).paths
    assert stack.subjects("aufs-metadata") == [name]
    assert stack.findings[0].severity.value == "info"


def test_opaque_whiteout_is_no_aufs_metadata() -> None:
    assert Stack(base(), TarBuilder().opaque("d")).subjects("aufs-metadata") == []


def test_whiteout_of_a_whiteouts_name_is_aufs_metadata_not_a_deletion() -> None:
    lower = TarBuilder().dir(".wh.x").file("x", b"1")
    stack = Stack(lower, TarBuilder().file(".wh..wh.x"))
    assert stack.tree == {".wh.x": "directory", "x": "file"}


def test_windows_layers_whiteout_by_basename_below_files() -> None:
    lower = TarBuilder().dir("Files").file("Files/Windows/a.dll", b"1").file("Hives/System", b"2")
    stack = Stack(lower, TarBuilder().file("Files/Windows/.wh.a.dll"))
    assert stack.paths == ["Files", "Files/Windows", "Hives", "Hives/System"]


def test_whiteout_of_a_path_with_bytes_that_are_no_text() -> None:
    lower = TarBuilder().file(b"d/\xff\xfe", b"12")
    stack = Stack(lower, TarBuilder().whiteout(b"d/\xff\xfe"))
    assert stack.paths == ["d"]
    assert stack.merged.dead[0].paths == (b"d/\xff\xfe",)
