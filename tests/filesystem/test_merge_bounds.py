"""What a layer may ask of the merge: folders that no entry describes, and paths behind links."""

from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.analysis.census import take_census
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import Limits


def limits_met(stack: Stack) -> list[str]:
    return [found.message for found in stack.findings if found.rule == "limit-exceeded"]


def balanced(stack: Stack) -> bool:
    return stack.live_bytes + stack.dead_bytes == stack.added_bytes


def chain(links: int, far: str) -> TarBuilder:
    """Links, each to the end of a long path behind the next one."""
    tar = TarBuilder()
    for i in range(links):
        tar.symlink(f"l{i}", f"l{i + 1}/{far}")
    return tar


def test_paths_behind_links_are_bounded_and_what_is_beyond_is_left_out() -> None:
    layer = chain(20, "d/" * 50 + "e")
    for i in range(100):
        layer.file(f"l0/{i}/f", b"12")
    assert limits_met(Stack(layer)) == []
    stack = Stack(layer, limits=Limits(link_bytes=100_000))
    (told,) = limits_met(stack)
    assert "100,000 for link bytes" in told and "--limit link_bytes=N" in told
    unpacked = [path for path in stack.paths if path.endswith("/f")]
    assert 10 < len(unpacked) < 90
    assert stack.merged.added_files == (len(unpacked),)
    assert balanced(stack) and stack.added_bytes == 2 * len(unpacked)


def test_long_path_behind_a_short_name_counts_for_each_entry() -> None:
    """Or a million short entries, deleted later, would be told with as many long paths."""
    far = "/".join(["d" * 99] * 10)
    layer = TarBuilder().symlink("l", far)
    for i in range(100):
        layer.file(f"l/{i}", b"1")
    stack = Stack(layer, TarBuilder().whiteout("d" * 99), limits=Limits(link_bytes=50_000))
    assert len(limits_met(stack)) == 1
    assert 40 < len(stack.merged.dead) < 60
    assert balanced(stack)


def test_links_that_lengthen_no_path_cost_next_to_nothing() -> None:
    layer = TarBuilder().symlink("usr/lib64", "lib")
    for i in range(200):
        layer.file(f"usr/lib64/{i}", b"1")
    stack = Stack(layer, limits=Limits(link_bytes=100))
    assert limits_met(stack) == []
    assert "usr/lib/199" in stack.paths


def test_targets_of_hard_links_behind_links_are_bounded() -> None:
    layer = chain(20, "d/" * 50 + "e")
    for i in range(100):
        layer.hardlink(f"h{i}", f"l0/{i}")
    assert limits_met(Stack(layer)) == []
    stack = Stack(layer, limits=Limits(link_bytes=100_000))
    assert len(limits_met(stack)) == 1
    assert "hardlink-dangling" in stack.rules


def test_where_links_lead_that_folders_replace_is_bounded() -> None:
    lower = chain(20, "d/" * 50 + "e").dir("d")
    upper = TarBuilder()
    for i in range(100):
        lower.symlink(f"a{i}", "/d/" + "d/../" * 100)
        upper.dir(f"a{i}")
    whole = Stack(lower, upper)
    assert limits_met(whole) == []
    assert len(whole.subjects("directory-replaces-symlink")) == 100
    stack = Stack(lower, upper, limits=Limits(link_bytes=10_000))
    assert len(limits_met(stack)) == 1
    assert 10 < len(stack.subjects("directory-replaces-symlink")) < 90


def test_what_stands_where_no_folder_may_be_made_stays_alive() -> None:
    upper = TarBuilder().file("a/b", b"22").file("a/c", b"333")
    assert Stack(TarBuilder().file("a", b"1"), upper).dead == [("a", 0, 1, 1, "replaced")]
    none = Limits(implied_folders=0)
    stack = Stack(TarBuilder().file("a", b"1"), upper, TarBuilder().whiteout("a"), limits=none)
    assert len(limits_met(stack)) == 1
    assert stack.dead == [("a", 0, 2, 1, "deleted")]
    assert stack.merged.added_files == (1, 0, 0)
    assert balanced(stack)


def test_metadata_of_aufs_that_is_named_again_after_its_death_keeps_the_balance() -> None:
    layer = (
        TarBuilder()
        .file(".wh..wh.plnk/1.2", b"shared")
        .hardlink("a", ".wh..wh.plnk/1.2")
        .file("a", b"1")
        .hardlink("b", ".wh..wh.plnk/1.2")
    )
    assert Stack(layer).tree == {"a": "file", "b": "file"}
    assert balanced(Stack(layer))
    assert take_census(Stack(layer).merged.tree, FindingCollector()).files == 2
    gone = Stack(layer, TarBuilder().whiteout("b"))
    assert balanced(gone) and gone.live_bytes == 1


def test_names_of_an_inode_are_told_in_the_order_in_which_they_went() -> None:
    lower = (
        TarBuilder()
        .file("d/z", b"12345")
        .hardlink("d/sub/m", "d/z")
        .hardlink("d/a", "d/z")
        .hardlink("d/sub/b", "d/z")
    )
    assert Stack(lower, TarBuilder().whiteout("d")).dead[0][0] == "d/z d/sub/m d/sub/b d/a"
    assert Stack(lower, TarBuilder().opaque("d")).dead[0][0] == "d/z d/sub/m d/sub/b d/a"
