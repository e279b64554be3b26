"""Hard links, symbolic links as parents, and what dies with several names."""

from support.scans import Stack
from support.tars import TarBuilder


def test_hard_link_is_a_second_name_whose_bytes_count_once() -> None:
    stack = Stack(TarBuilder().file("a", b"12345").hardlink("b", "a"))
    assert stack.tree == {"a": "file", "b": "file"}
    assert stack.added_bytes == stack.live_bytes == 5
    assert stack.findings == ()


def test_inode_lives_until_its_last_name_is_gone() -> None:
    lower = TarBuilder().file("a", b"12345").hardlink("b", "a")
    one_gone = Stack(lower, TarBuilder().whiteout("a"))
    assert one_gone.paths == ["b"]
    assert one_gone.dead == []
    all_gone = Stack(lower, TarBuilder().whiteout("a"), TarBuilder().file("b", b"new"))
    assert all_gone.dead == [("a b", 0, 2, 5, "overwritten")]


def test_hard_link_to_a_lower_layer_keeps_its_inode_and_is_told() -> None:
    stack = Stack(TarBuilder().file("a", b"12345"), TarBuilder().hardlink("b", "a"))
    assert stack.layer_of("b") == 0
    assert stack.merged.added_bytes == (5, 0)
    assert stack.merged.added_files == (1, 1)
    assert stack.subjects("hardlink-across-layers") == ["b"]


def test_hard_link_takes_the_inode_of_that_moment() -> None:
    """`b` is linked to the first `a`; the second `a` leaves the first alive as `b`."""
    stack = Stack(TarBuilder().file("a", b"one").hardlink("b", "a").file("a", b"second"))
    assert stack.dead == []
    assert stack.live_bytes == 9


def test_hard_link_to_a_later_entry_of_its_layer_is_dangling() -> None:
    stack = Stack(TarBuilder().hardlink("b", "a").file("a", b"one"))
    assert stack.paths == ["a"]
    assert stack.subjects("hardlink-dangling") == ["b"]


def test_hard_link_to_nothing_is_dangling_and_leaves_what_lies_there() -> None:
    stack = Stack(TarBuilder().file("b", b"1"), TarBuilder().hardlink("b", "no"))
    assert stack.paths == ["b"]
    assert stack.dead == []
    assert stack.subjects("hardlink-dangling") == ["b"]


def test_hard_link_to_a_path_that_its_layer_deletes_is_dangling() -> None:
    stack = Stack(TarBuilder().file("a", b"1"), TarBuilder().hardlink("b", "a").whiteout("a"))
    assert stack.paths == []
    assert stack.subjects("hardlink-dangling") == ["b"]
    assert stack.dead == [("a", 0, 1, 1, "deleted")]


def test_hard_link_to_a_folder_is_dangling() -> None:
    stack = Stack(TarBuilder().dir("d").hardlink("b", "d"))
    assert stack.paths == ["d"]
    assert stack.subjects("hardlink-dangling") == ["b"]


def test_hard_link_to_itself_is_dangling_or_nothing_new() -> None:
    assert Stack(TarBuilder().hardlink("a", "a")).subjects("hardlink-dangling") == ["a"]
    stack = Stack(TarBuilder().file("a", b"1").hardlink("a", "a"))
    assert stack.paths == ["a"]
    assert stack.dead == []


def test_hard_link_over_another_file_kills_it() -> None:
    stack = Stack(TarBuilder().file("a", b"1").file("b", b"22"), TarBuilder().hardlink("b", "a"))
    assert stack.dead == [("b", 0, 1, 2, "overwritten")]
    assert stack.live_bytes == 1


def test_hard_link_over_the_folder_that_holds_its_target_keeps_the_inode() -> None:
    stack = Stack(
        TarBuilder().file("d/f", b"1").file("d/g", b"22"), TarBuilder().hardlink("d", "d/f")
    )
    assert stack.tree == {"d": "file"}
    assert stack.dead == [("d/g", 0, 1, 2, "replaced")]
    assert stack.live_bytes == 1


def test_hard_link_to_a_symbolic_link_is_a_second_name_of_the_link() -> None:
    stack = Stack(TarBuilder().symlink("l", "x").hardlink("m", "l"))
    assert stack.tree == {"l": "symlink", "m": "symlink"}
    assert stack.added_bytes == 0
    assert stack.merged.added_files == (0,)


def test_hard_link_target_is_normalised() -> None:
    stack = Stack(TarBuilder().file("d/a", b"1").hardlink("b", "./d//a").hardlink("c", "/d/a"))
    assert stack.paths == ["b", "c", "d", "d/a"]
    assert stack.live_bytes == 1


def test_inode_with_three_names_in_a_deleted_folder_dies_once() -> None:
    lower = TarBuilder().file("d/a", b"12345").hardlink("d/b", "d/a").hardlink("d/c", "d/b")
    stack = Stack(lower, TarBuilder().whiteout("d"))
    assert stack.dead == [("d/a d/b d/c", 0, 1, 5, "deleted")]


def test_names_given_by_higher_layers_are_names_of_the_dead_too() -> None:
    stack = Stack(
        TarBuilder().file("a", b"12345"),
        TarBuilder().hardlink("b", "a"),
        TarBuilder().whiteout("b"),
        TarBuilder().whiteout("a"),
    )
    assert stack.dead == [("b a", 0, 3, 5, "deleted")]


def test_hard_link_as_a_copy_up_of_the_same_content_is_rewritten() -> None:
    """What docker writes for `ln site/index.html site/hard.html`: the file again, then the link."""
    stack = Stack(
        TarBuilder().file("site/index.html", b"hello"),
        TarBuilder().file("site/hard.html", b"hello").hardlink("site/index.html", "site/hard.html"),
    )
    assert stack.dead == [("site/index.html", 0, 1, 5, "rewritten")]
    assert stack.live_bytes == 5


def test_aufs_hard_links_into_plnk_are_resolved() -> None:
    layer = (
        TarBuilder()
        .file(".wh..wh.plnk/12.34", b"shared")
        .hardlink("bin/a", ".wh..wh.plnk/12.34")
        .hardlink("bin/b", ".wh..wh.plnk/12.34")
    )
    stack = Stack(layer)
    assert stack.tree == {"bin": "implied", "bin/a": "file", "bin/b": "file"}
    assert stack.added_bytes == stack.live_bytes == 6
    gone = Stack(layer, TarBuilder().whiteout("bin"))
    assert [row[3:] for row in gone.dead] == [(6, "deleted")]


def test_aufs_plnk_file_may_come_behind_its_links() -> None:
    layer = TarBuilder().hardlink("a", ".wh..wh.plnk/1.2").file(".wh..wh.plnk/1.2", b"shared")
    assert Stack(layer).live_bytes == 6
    assert Stack(layer).paths == ["a"]


def test_hard_link_to_a_folder_of_aufs_is_dangling() -> None:
    stack = Stack(TarBuilder().dir(".wh..wh.plnk").hardlink("a", ".wh..wh.plnk"))
    assert stack.paths == []
    assert stack.subjects("hardlink-dangling") == ["a"]


# Symbolic links as parents


def test_link_of_a_lower_layer_as_parent_is_hidden_by_a_folder_and_told() -> None:
    lower = TarBuilder().file("usr/lib/a", b"1").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().file("lib/x.so", b"22"))
    assert stack.tree == {
        "lib": "implied",
        "lib/x.so": "file",
        "usr": "implied",
        "usr/lib": "implied",
        "usr/lib/a": "file",
    }
    assert stack.subjects("path-through-symlink") == ["lib"]


def test_link_of_the_same_layer_as_parent_is_followed() -> None:
    stack = Stack(TarBuilder().dir("usr/lib").symlink("lib", "usr/lib").file("lib/x.so", b"22"))
    assert stack.paths == ["lib", "usr", "usr/lib", "usr/lib/x.so"]
    assert stack.tree["lib"] == "symlink"
    assert "path-through-symlink" not in stack.rules


def test_link_of_the_same_layer_is_followed_to_folders_of_lower_layers() -> None:
    stack = Stack(
        TarBuilder().file("usr/lib/a", b"1"),
        TarBuilder().symlink("lib", "usr/lib").file("lib/b", b""),
    )
    assert stack.paths == ["lib", "usr", "usr/lib", "usr/lib/a", "usr/lib/b"]


def test_link_of_the_same_layer_is_followed_with_folders_behind_it() -> None:
    stack = Stack(TarBuilder().symlink("l", "d/e").file("l/f/g/x", b"1"))
    assert stack.paths == ["d", "d/e", "d/e/f", "d/e/f/g", "d/e/f/g/x", "l"]


def test_absolute_link_of_the_same_layer_stays_inside_the_root() -> None:
    stack = Stack(TarBuilder().symlink("l", "/d").file("l/x", b"1"))
    assert stack.paths == ["d", "d/x", "l"]


def test_link_out_of_the_root_is_clamped() -> None:
    stack = Stack(TarBuilder().symlink("a/l", "../../../etc").file("a/l/passwd", b"1"))
    assert stack.paths == ["a", "a/l", "etc", "etc/passwd"]


def test_link_to_the_root_is_followed() -> None:
    assert Stack(TarBuilder().symlink("l", "/").file("l/x", b"1")).paths == ["l", "x"]


def test_link_to_the_root_is_followed_with_folders_behind_it() -> None:
    stack = Stack(TarBuilder().symlink("l", "/").file("l/d/x", b"1").file("d/y", b"2"))
    assert stack.paths == ["d", "d/x", "d/y", "l"]
    assert stack.merged.tree.lookup(b"d/x") is not None


def test_link_to_dot_is_followed_to_its_own_folder() -> None:
    stack = Stack(TarBuilder().symlink("d/l", ".").file("d/l/x", b"1").file("d/l/e/y", b"1"))
    assert stack.paths == ["d", "d/e", "d/e/y", "d/l", "d/x"]


def test_dot_itself_as_a_link_out_is_no_link_to_follow() -> None:
    stack = Stack(TarBuilder().symlink(".", "/etc").file("./passwd", b"1"))
    assert stack.paths == ["passwd"]


def test_link_to_dot_at_the_root_is_followed_with_folders_behind_it() -> None:
    stack = Stack(
        TarBuilder().file("d/x", b"1"), TarBuilder().symlink("l", ".").file("l/d/x", b"22")
    )
    assert stack.dead == [("d/x", 0, 1, 1, "overwritten")]


def test_chain_of_links_is_followed() -> None:
    stack = Stack(TarBuilder().symlink("a", "b").symlink("b", "c").file("a/x", b"1"))
    assert stack.paths == ["a", "b", "c", "c/x"]


def test_ring_of_links_ends_with_a_finding() -> None:
    stack = Stack(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", b"1"))
    assert stack.paths == ["a", "b"]
    assert stack.findings != ()


def test_link_that_grows_its_own_path_ends() -> None:
    stack = Stack(TarBuilder().symlink("a", "a/a").file("a/x", b"1"))
    assert "a" in stack.paths
    assert stack.findings != ()


def test_file_of_a_lower_layer_dies_under_its_real_name_when_reached_through_a_link() -> None:
    stack = Stack(
        TarBuilder().file("usr/lib/x", b"old"),
        TarBuilder().symlink("lib", "usr/lib").file("lib/x", b"newer"),
    )
    assert stack.dead == [("usr/lib/x", 0, 1, 3, "overwritten")]


def test_same_path_twice_through_a_link_is_shadowed() -> None:
    stack = Stack(TarBuilder().dir("d").file("d/x", b"1").symlink("l", "d").file("l/x", b"22"))
    assert [row[1:] for row in stack.dead] == [(0, 0, 1, "shadowed")]
    assert stack.live_bytes == 2


def test_hard_link_target_through_a_link_of_its_own_layer_is_found() -> None:
    stack = Stack(
        TarBuilder().symlink("lib", "usr/lib").file("usr/lib/x", b"1").hardlink("h", "lib/x")
    )
    assert "h" in stack.paths
    assert stack.live_bytes == 1


def test_hard_link_target_through_a_link_to_the_root_is_found() -> None:
    stack = Stack(TarBuilder().symlink("l", "/").file("d/x", b"1").hardlink("h", "l/d/x"))
    assert stack.subjects("hardlink-dangling") == []
    assert stack.tree["h"] == "file"


def test_link_replaced_by_a_folder_later_in_its_layer_is_no_longer_followed() -> None:
    stack = Stack(TarBuilder().symlink("l", "d").file("l/a", b"1").dir("l").file("l/b", b"22"))
    assert stack.paths == ["d", "d/a", "l", "l/b"]


def test_way_through_a_link_replaced_by_a_folder_is_forgotten() -> None:
    stack = Stack(TarBuilder().symlink("l", "d").file("l/s/a", b"1").dir("l").file("l/s/b", b"22"))
    assert stack.paths == ["d", "d/s", "d/s/a", "l", "l/s", "l/s/b"]


def test_folder_replaced_by_a_link_later_in_its_layer_is_followed_from_there() -> None:
    stack = Stack(TarBuilder().dir("l").file("l/a", b"1").symlink("l", "d").file("l/b", b"22"))
    assert stack.paths == ["d", "d/b", "l"]
    assert stack.dead == [("l/a", 0, 0, 1, "shadowed")]


def test_folder_replaced_by_another_folder_of_files_is_not_written_to_any_more() -> None:
    stack = Stack(TarBuilder().file("d/a", b"1").file("d", b"22").file("d/b", b"333"))
    assert stack.paths == ["d", "d/b"]
    assert stack.live_bytes == 3
    assert stack.dead_bytes == 3


def test_target_of_a_link_replaced_is_not_written_to_through_memory() -> None:
    """`l` leads to `d`; `d` becomes a file, so what goes into `l` next needs a new `d`."""
    stack = Stack(
        TarBuilder().symlink("l", "d").file("l/a", b"1").file("d", b"2").file("l/b", b"3")
    )
    assert stack.paths == ["d", "d/b", "l"]
    assert stack.live_bytes == 1


def test_link_changed_to_another_target_is_followed_anew() -> None:
    stack = Stack(
        TarBuilder().symlink("l", "d").file("l/a", b"1").symlink("l", "e").file("l/b", b"2")
    )
    assert stack.paths == ["d", "d/a", "e", "e/b", "l"]


def test_folder_entry_over_a_link_to_a_folder_is_told() -> None:
    lower = TarBuilder().file("usr/lib/a", b"1").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().dir("lib").file("lib/b", b"2"))
    assert stack.tree["lib"] == "directory"
    assert stack.subjects("directory-replaces-symlink") == ["lib"]
    assert stack.findings[0].severity.value == "warning"


def test_folder_entry_over_a_link_to_a_link_to_a_folder_is_told() -> None:
    lower = TarBuilder().dir("d").symlink("m", "d").symlink("l", "m")
    assert Stack(lower, TarBuilder().dir("l")).subjects("directory-replaces-symlink") == ["l"]


def test_folder_entry_over_a_link_to_a_file_or_nothing_is_not_told() -> None:
    lower = TarBuilder().file("f", b"1").symlink("a", "f").symlink("b", "no").symlink("c", "c")
    stack = Stack(lower, TarBuilder().dir("a").dir("b").dir("c"))
    assert "directory-replaces-symlink" not in stack.rules


def test_link_over_a_lower_folder_is_not_followed_by_the_layers_above() -> None:
    stack = Stack(
        TarBuilder().file("lib/a", b"1"),
        TarBuilder().symlink("lib", "usr/lib"),
        TarBuilder().file("lib/b", b"2"),
    )
    assert stack.tree == {"lib": "implied", "lib/b": "file"}
    assert stack.subjects("path-through-symlink") == ["lib"]


def test_link_deleted_by_the_layer_that_writes_below_is_no_trap() -> None:
    lower = TarBuilder().dir("usr/lib").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().whiteout("lib").file("lib/x", b"1"))
    assert stack.tree["lib"] == "implied"
    assert "path-through-symlink" not in stack.rules


def test_each_hidden_link_is_told_once_a_layer() -> None:
    lower = TarBuilder().dir("usr/lib").symlink("lib", "usr/lib")
    stack = Stack(lower, TarBuilder().file("lib/x", b"1").file("lib/y", b"1"))
    assert stack.subjects("path-through-symlink") == ["lib"]
