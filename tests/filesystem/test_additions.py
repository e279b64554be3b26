"""Additions: what an entry does to what lies at its path; FORMATS.md sections 3 and 4."""

import pytest
from support.scans import Stack
from support.tars import TarBuilder


def test_folder_over_folder_keeps_children_and_takes_the_new_metadata() -> None:
    stack = Stack(
        TarBuilder().dir("d", mode=0o755).file("d/a", b"a"), TarBuilder().dir("d", mode=0o700)
    )
    assert stack.paths == ["d", "d/a"]
    assert stack.mode("d") == 0o700
    assert stack.layer_of("d") == 1
    assert stack.dead == []
    assert stack.findings == ()


def test_file_over_file_with_other_content_overwrites() -> None:
    stack = Stack(TarBuilder().file("a", b"one"), TarBuilder().file("a", b"two!"))
    assert stack.dead == [("a", 0, 1, 3, "overwritten")]
    assert stack.layer_of("a") == 1


def test_same_size_and_other_content_is_overwritten_not_rewritten() -> None:
    stack = Stack(TarBuilder().file("a", b"one"), TarBuilder().file("a", b"two"))
    assert stack.dead == [("a", 0, 1, 3, "overwritten")]


@pytest.mark.parametrize(
    "change", [{"mode": 0o600}, {"uid": 5}, {"mtime": 9}, {"xattrs": {b"user.k": b"v"}}, {}]
)
def test_same_content_again_is_rewritten_whatever_else_changed(change: dict[str, object]) -> None:
    again = TarBuilder().file("a", b"content", **change)  # type: ignore[arg-type]
    stack = Stack(TarBuilder().file("a", b"content"), again)
    assert stack.dead == [("a", 0, 1, 7, "rewritten")]


def test_empty_file_over_empty_file_is_rewritten_and_wastes_nothing() -> None:
    stack = Stack(TarBuilder().file("a"), TarBuilder().file("a"))
    assert stack.dead == [("a", 0, 1, 0, "rewritten")]
    assert stack.dead_bytes == 0


@pytest.mark.parametrize(
    ("newcomer", "kind"),
    [
        (TarBuilder().dir("a"), "directory"),
        (TarBuilder().symlink("a", "b"), "symlink"),
        (TarBuilder().char("a", 1, 3), "char"),
        (TarBuilder().block("a", 1, 3), "block"),
        (TarBuilder().fifo("a"), "fifo"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_but_a_file_over_a_file_replaces_it(newcomer: TarBuilder, kind: str) -> None:
    stack = Stack(TarBuilder().file("a", b"123"), newcomer)
    assert stack.tree == {"a": kind}
    assert stack.dead == [("a", 0, 1, 3, "replaced")]


@pytest.mark.parametrize("kind", ["file", "symlink", "fifo"])
def test_anything_over_a_folder_replaces_it_with_all_below(kind: str) -> None:
    top = TarBuilder()
    if kind == "file":
        top.file("d", b"new")
    elif kind == "symlink":
        top.symlink("d", "elsewhere")
    else:
        top.fifo("d")
    stack = Stack(TarBuilder().dir("d").file("d/a", b"1").file("d/e/b", b"22"), top)
    assert stack.tree == {"d": kind}
    assert stack.dead == [("d/a", 0, 1, 1, "replaced"), ("d/e/b", 0, 1, 2, "replaced")]


def test_folder_over_file_replaces_the_file() -> None:
    stack = Stack(TarBuilder().file("x", b"1"), TarBuilder().dir("x").file("x/y", b"2"))
    assert stack.tree == {"x": "directory", "x/y": "file"}
    assert stack.dead == [("x", 0, 1, 1, "replaced")]


def test_implied_folder_over_file_replaces_the_file() -> None:
    stack = Stack(TarBuilder().file("x", b"1"), TarBuilder().file("x/y", b"2"))
    assert stack.tree == {"x": "implied", "x/y": "file"}
    assert stack.dead == [("x", 0, 1, 1, "replaced")]


def test_same_path_twice_in_one_layer_the_last_wins_the_first_is_shadowed() -> None:
    stack = Stack(TarBuilder().file("a", b"first").file("a", b"second!"))
    assert stack.dead == [("a", 0, 0, 5, "shadowed")]
    assert stack.subjects("path-duplicate") == ["a"]
    assert stack.live_bytes == 7


def test_same_path_twice_through_other_spellings_is_the_same_path() -> None:
    stack = Stack(TarBuilder().file("./d//a", b"first").file("/d/./a", b"2"))
    assert stack.paths == ["d", "d/a"]
    assert stack.dead == [("d/a", 0, 0, 5, "shadowed")]


def test_folder_twice_in_one_layer_merges_and_the_last_metadata_counts() -> None:
    stack = Stack(TarBuilder().dir("d", mode=0o700).file("d/a", b"1").dir("d", mode=0o755))
    assert stack.mode("d") == 0o755
    assert stack.paths == ["d", "d/a"]
    assert stack.subjects("path-duplicate") == ["d"]


def test_folder_entry_behind_its_implied_self_is_no_duplicate() -> None:
    stack = Stack(TarBuilder().file("d/a", b"1").dir("d"))
    assert stack.tree == {"d": "directory", "d/a": "file"}
    assert stack.findings == ()


def test_file_in_one_layer_shadowed_then_deleted_above_dies_in_its_own_layers() -> None:
    stack = Stack(TarBuilder().file("a", b"1").file("a", b"22"), TarBuilder().whiteout("a"))
    assert stack.dead == [("a", 0, 0, 1, "shadowed"), ("a", 0, 1, 2, "deleted")]


def test_parent_without_an_entry_is_an_implied_folder() -> None:
    stack = Stack(TarBuilder().file("a/b/c", b"1"))
    assert stack.tree == {"a": "implied", "a/b": "implied", "a/b/c": "file"}
    assert stack.layer_of("a") is None


def test_implied_parent_does_not_take_a_lower_folders_metadata() -> None:
    stack = Stack(TarBuilder().dir("d", mode=0o700), TarBuilder().file("d/a", b"1"))
    assert stack.mode("d") == 0o700
    assert stack.layer_of("d") == 0


def test_three_copies_of_a_path_leave_two_dead() -> None:
    stack = Stack(*(TarBuilder().file("a", b"x" * n) for n in (1, 2, 4)))
    assert stack.dead == [("a", 0, 1, 1, "overwritten"), ("a", 1, 2, 2, "overwritten")]


def test_devices_links_and_fifos_never_die() -> None:
    lower = TarBuilder().symlink("l", "x").char("c", 1, 3).block("b", 8, 0).fifo("p")
    stack = Stack(lower, TarBuilder().whiteout("l").whiteout("c").whiteout("b").whiteout("p"))
    assert stack.paths == []
    assert stack.dead == []


def test_file_entry_for_the_root_is_ignored_and_told() -> None:
    stack = Stack(TarBuilder().file("a", b"1"), TarBuilder().file("./", b"").symlink("/", "x"))
    assert stack.paths == ["a"]
    assert "path-unsafe" in stack.rules
    assert stack.merged.added_files == (1, 0)


def test_folder_entry_for_the_root_gives_it_metadata() -> None:
    stack = Stack(TarBuilder().dir("./", mode=0o711).file("./a", b"1"))
    root = stack.merged.tree.entry(stack.merged.tree.root)
    assert root is not None
    assert root.mode == 0o711
    assert stack.paths == ["a"]


def test_dotdot_is_clamped_at_the_root() -> None:
    stack = Stack(TarBuilder().file("../../etc/passwd", b"1").file("a/../b", b"2"))
    assert stack.paths == ["b", "etc", "etc/passwd"]


def test_names_that_differ_by_case_or_unicode_form_are_two_paths() -> None:
    stack = Stack(
        TarBuilder().file("A", b"1").file("a", b"1").file("e\u0301", b"1").file("\xe9", b"1")
    )
    assert len(stack.paths) == 4
    assert stack.dead == []


def test_added_counts_are_told_by_layer_each_inode_once_each_name_once() -> None:
    stack = Stack(
        TarBuilder().dir("d").file("d/a", b"1" * 5).hardlink("d/b", "d/a").symlink("l", "d/a"),
        TarBuilder().file("x", b"1" * 7).whiteout("d/a"),
        TarBuilder(),
    )
    assert stack.merged.added_bytes == (5, 7, 0)
    assert stack.merged.added_files == (2, 1, 0)


def test_no_layers_make_an_empty_tree() -> None:
    stack = Stack()
    assert stack.paths == []
    assert stack.merged.added_bytes == ()


def test_walk_is_sorted_by_the_bytes_of_the_whole_path() -> None:
    stack = Stack(TarBuilder().file("b/z", b"").file("b-", b"").file("a", b"").file("b/A", b""))
    assert stack.paths == ["a", "b", "b-", "b/A", "b/z"]


def test_apparent_size_of_a_sparse_file_is_what_it_adds() -> None:
    from support.tars import gnu_sparse

    stack = Stack(TarBuilder().raw(gnu_sparse(b"s", [(0, 512)], b"x" * 512, 1 << 20)))
    assert stack.added_bytes == stack.live_bytes == 1 << 20


def test_many_opaque_whiteouts_over_many_files_end() -> None:
    """50,000 opaque whiteouts over 100,000 files: linear, or this test would not come back."""
    folders = 50_000
    lower = TarBuilder()
    upper = TarBuilder()
    for i in range(folders):
        lower.file(f"d/{i}/a", b"1").file(f"d/{i}/b", b"2")
        upper.opaque(f"d/{i}")
    stack = Stack(lower, upper)
    assert len(stack.merged.dead) == 2 * folders
    assert stack.live_bytes == 0
    assert len(stack.paths) == folders + 1


def test_a_path_a_thousand_folders_deep_is_walked_without_recursion() -> None:
    deep = "/".join(["d"] * 1024)
    stack = Stack(TarBuilder().file(deep, b"1"), TarBuilder().whiteout("d"))
    assert stack.paths == []
    assert stack.dead == [(deep, 0, 1, 1, "deleted")]
