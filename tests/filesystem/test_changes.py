"""What each layer changed: two ways of finding out, a naive one, and cases by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from support.naive_changes import Told, naive_changes, random_ops, watched
from support.naive_changes import tar_of as tar_of_ops
from support.scans import table_of
from support.tars import TarBuilder

from oci_inspect.filesystem.changes import Change, Kind, LayerChanges, net_changes
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import IMPLIED, UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable

STACKS = 1500


def merged(tables: Sequence[EntryTable], journal: LayerChanges | None = None) -> UnionTree:
    return merge(tables, FindingCollector(), journal=journal).tree


def changes_of(tables: Sequence[EntryTable]) -> list[tuple[Change, ...]]:
    """The changes of each layer, found out while merging, and the same by comparing two trees."""
    journal = LayerChanges()
    merged(tables, journal)
    for i in range(len(tables)):
        after = merged(tables[: i + 1])
        net = net_changes(merged(tables[:i]), after, after.bases[i])
        assert journal.layers[i] == net, f"layer {i}"
    return [journal.layers[i] for i in range(len(tables))]


def told(changes: Sequence[Change], tree: UnionTree) -> list[Told]:
    def layer(reference: int | None) -> int | None:
        if reference is None:
            return -1
        return None if reference == IMPLIED else tree.layer_of(reference)

    return [
        (
            one.path.decode(),
            one.kind.letter,
            one.why,
            one.size,
            layer(one.before),
            layer(one.after),
        )
        for one in changes
    ]


@pytest.mark.parametrize("share", range(5))
def test_changes_of_random_layers_are_those_between_two_snapshots(share: int) -> None:
    for seed in range(share * STACKS // 5, (share + 1) * STACKS // 5):
        layers = random_ops(random.Random(seed))
        tables = [table_of(tar_of_ops(layer)) for layer in layers]
        tree = merged(tables)
        naive = watched(layers)
        for i, changes in enumerate(changes_of(tables)):
            before, after = naive.snapshots[i : i + 2]
            assert told(changes, tree) == naive_changes(before, after, i), f"seed {seed}, {i}"
        for first in range(len(tables)):
            for last in range(first, len(tables)):
                top = merged(tables[: last + 1])
                net = net_changes(merged(tables[:first]), top, top.bases[first])
                before, after = naive.snapshots[first], naive.snapshots[last + 1]
                assert told(net, top) == naive_changes(before, after, first), f"seed {seed}"


def random_tar(chance: random.Random) -> TarBuilder:
    """A layer of anything: owners, times, xattrs, devices, rows of AUFS, odd names."""
    tar = TarBuilder()
    plnk = [f".wh..wh.plnk/{i}.0" for i in range(2)]

    def path() -> str:
        parts = [chance.choice(("a", "b", "c")) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
        return chance.choice(("", "", "./", "/", "../")) + "/".join(parts)

    for _ in range(chance.choice((1, 3, 5, 8))):
        mode, owner = chance.choice((0o644, 0o755)), {"uid": chance.choice((0, 0, 1))}
        xattrs = {b"user.a": b"1"} if chance.random() < 0.2 else None
        mtime = chance.choice((0, 0, 5))
        match chance.choice("ffffddddsslllhhhwwwoocbpA0"):
            case "f":
                text = chance.choice((b"", b"1", b"2", b"x" * 900))
                tar.file(path(), text, mode=mode, mtime=mtime, xattrs=xattrs, **owner)
            case "d":
                tar.dir(path(), mode=mode, mtime=mtime, xattrs=xattrs, **owner)
            case "s":
                tar.symlink(path(), path(), mtime=mtime)
            case "l":
                tar.hardlink(path(), path())
            case "h":
                tar.hardlink(path(), chance.choice(plnk))
            case "w":
                tar.whiteout(path())
            case "o":
                tar.opaque(path())
            case "c":
                tar.char(path(), 1, chance.choice((3, 5)))
            case "b":
                tar.block(path(), 1, 3)
            case "p":
                tar.fifo(path())
            case "A":
                tar.file(chance.choice(plnk), chance.choice((b"", b"12345")))
            case _:
                tar.dir("./", mode=mode)
    return tar


@pytest.mark.parametrize("share", range(2))
def test_both_ways_tell_the_same_of_layers_of_anything(share: int) -> None:
    for seed in range(share * 600, (share + 1) * 600):
        chance = random.Random(seed)
        changes_of([table_of(random_tar(chance)) for _ in range(chance.choice((2, 3, 4)))])


# By hand


def changed(*layers: TarBuilder) -> dict[str, tuple[str, str, int]]:
    """The changes of the uppermost layer: a letter, what is different, bytes.

    Without the folders that are told only because of something further down.
    """
    return {path: told for path, told in all_changed(*layers).items() if told[1] != "below"}


def all_changed(*layers: TarBuilder) -> dict[str, tuple[str, str, int]]:
    last = changes_of([table_of(one) for one in layers])[-1]
    return {one.path.decode(): (one.kind.letter, " ".join(one.why), one.size) for one in last}


def base() -> TarBuilder:
    tar = TarBuilder().dir("d").file("d/f", b"1" * 10).file("d/g", b"2" * 20)
    tar.symlink("s", "d").char("c", 1, 3).fifo("p").hardlink("d/h", "d/g")
    return tar.file("implied/x", b"3" * 40)


@pytest.mark.parametrize(
    ("over", "why"),
    [
        (TarBuilder().file("d/f", b"1" * 10), ""),
        (TarBuilder().file("d/f", b"9" * 10), "content"),
        (TarBuilder().file("d/f", b"1" * 10, mode=0o600), "mode"),
        (TarBuilder().file("d/f", b"1" * 10, uid=5), "owner"),
        (TarBuilder().file("d/f", b"1" * 10, gid=5), "owner"),
        (TarBuilder().file("d/f", b"1" * 10, mtime=5), "time"),
        (TarBuilder().file("d/f", b"1" * 10, xattrs={b"user.a": b""}), "xattrs"),
        (
            TarBuilder().file("d/f", b"9" * 10, mode=0, uid=1, mtime=2, xattrs={b"a": b"b"}),
            "content mode owner time xattrs",
        ),
    ],
)
def test_file_that_is_there_again_tells_what_is_different(over: TarBuilder, why: str) -> None:
    assert changed(base(), over) == {"d/f": ("C", why, 10)}


@pytest.mark.parametrize(
    ("path", "over", "why"),
    [
        ("s", TarBuilder().symlink("s", "d"), ""),
        ("s", TarBuilder().symlink("s", "d", mode=0o700), ""),
        ("s", TarBuilder().symlink("s", "e"), "target"),
        ("s", TarBuilder().fifo("s", mode=0o777), "type"),
        ("c", TarBuilder().char("c", 1, 3), ""),
        ("c", TarBuilder().char("c", 1, 5), "device"),
        ("c", TarBuilder().block("c", 1, 3), "type"),
        ("p", TarBuilder().fifo("p", mode=0o644), "mode"),
        ("p", TarBuilder().symlink("p", "d"), "type"),
        ("d", TarBuilder().dir("d", mode=0o700), "mode"),
        ("d", TarBuilder().symlink("d", "s"), "type"),
        ("implied", TarBuilder().dir("implied"), "metadata"),
        ("implied", TarBuilder().fifo("implied"), "type metadata"),
    ],
)
def test_everything_else_tells_what_is_different(path: str, over: TarBuilder, why: str) -> None:
    assert changed(base(), over) == {path: ("C", why, 0)}


def test_folder_that_is_described_again_as_it_was_is_no_change() -> None:
    assert changed(base(), TarBuilder().dir("d")) == {}


def test_time_has_fractions() -> None:
    from support.tars import pax

    one, other = (
        TarBuilder().raw(pax({b"mtime": time})).file("a", b"") for time in (b"5.1", b"5.2")
    )
    assert changed(one, other) == {"a": ("C", "time", 0)}


def test_added_file_changes_its_folder_but_not_the_root() -> None:
    assert changed(base(), TarBuilder().file("d/n", b"123")) == {
        "d": ("C", "entries", 0),
        "d/n": ("A", "", 3),
    }
    assert changed(base(), TarBuilder().file("n", b"123")) == {"n": ("A", "", 3)}


def test_every_folder_above_a_change_is_told_but_the_root() -> None:
    low = TarBuilder().file("a/b/c/f", b"1").file("a/x/y", b"2")
    assert all_changed(low, TarBuilder().file("a/b/c/f", b"22")) == {
        "a": ("C", "below", 0),
        "a/b": ("C", "below", 0),
        "a/b/c": ("C", "below", 0),
        "a/b/c/f": ("C", "content", 2),
    }
    assert all_changed(low, TarBuilder().whiteout("a/x/y").dir("a", mode=0o700)) == {
        "a": ("C", "metadata", 0),
        "a/x": ("C", "entries", 0),
        "a/x/y": ("D", "", 1),
    }


def test_folder_with_another_entry_and_other_names_tells_both() -> None:
    over = TarBuilder().dir("d", mtime=5).file("d/n", b"123")
    assert changed(base(), over)["d"] == ("C", "time entries", 0)


def test_added_folders_are_told_one_by_one_and_implied_ones_too() -> None:
    assert changed(base(), TarBuilder().file("x/y/z", b"1")) == {
        "x": ("A", "", 0),
        "x/y": ("A", "", 0),
        "x/y/z": ("A", "", 1),
    }


def test_of_a_deleted_folder_only_itself_is_told_with_the_bytes_below_it() -> None:
    assert changed(base(), TarBuilder().whiteout("d")) == {"d": ("D", "", 30)}


def test_opaque_folder_is_changed_and_each_name_in_it_deleted() -> None:
    deep = TarBuilder().file("d/sub/deep", b"4" * 80)
    assert changed(base(), deep, TarBuilder().opaque("d").file("d/g", b"new")) == {
        "d": ("C", "entries", 0),
        "d/f": ("D", "", 10),
        "d/g": ("C", "content", 3),
        "d/h": ("D", "", 20),
        "d/sub": ("D", "", 80),
    }


def test_deleted_folder_that_is_made_again_is_changed_not_deleted() -> None:
    over = TarBuilder().whiteout("d").dir("d").file("d/new", b"1")
    assert changed(base(), over) == {
        "d": ("C", "entries", 0),
        "d/f": ("D", "", 10),
        "d/g": ("D", "", 20),
        "d/h": ("D", "", 0),  # the same inode as d/g
        "d/new": ("A", "", 1),
    }


def test_folder_that_a_file_replaces_is_changed_and_nothing_below_it_told() -> None:
    assert changed(base(), TarBuilder().file("d", b"12")) == {"d": ("C", "type mode", 2)}


def test_file_that_a_folder_replaces_is_changed_and_what_is_below_it_added() -> None:
    over = TarBuilder().dir("d/f").file("d/f/n", b"12")
    assert changed(base(), over) == {"d/f": ("C", "type mode", 0), "d/f/n": ("A", "", 2)}


def test_file_that_an_implied_folder_replaces_is_changed() -> None:
    assert changed(base(), TarBuilder().file("d/f/n", b"12")) == {
        "d/f": ("C", "type metadata", 0),
        "d/f/n": ("A", "", 2),
    }


def test_folder_over_a_symbolic_link_of_a_lower_layer_is_a_change_of_the_link() -> None:
    assert changed(base(), TarBuilder().file("s/n", b"12")) == {
        "s": ("C", "type metadata", 0),
        "s/n": ("A", "", 2),
    }


def test_file_through_a_symbolic_link_of_its_own_layer_is_told_where_it_is() -> None:
    assert changed(base(), TarBuilder().symlink("t", "d").file("t/n", b"12")) == {
        "d": ("C", "entries", 0),
        "d/n": ("A", "", 2),
        "t": ("A", "", 0),
    }


@pytest.mark.parametrize("target", ["nowhere", "d/f"])
def test_hard_link_over_a_link_that_puts_nothing_new_there_tells_nothing(target: str) -> None:
    over = TarBuilder().symlink("t", "d").hardlink("t/f", target)
    assert changed(base(), over) == {"t": ("A", "", 0)}


def test_hard_link_to_a_lower_file_adds_a_name_and_no_bytes() -> None:
    assert changed(base(), TarBuilder().hardlink("n", "d/f")) == {"n": ("A", "", 0)}
    assert changed(base(), TarBuilder().hardlink("d/f", "d/g")) == {"d/f": ("C", "content", 0)}


def test_hard_links_of_one_layer_count_their_bytes_once() -> None:
    over = TarBuilder().file("z", b"123").hardlink("a", "z").hardlink("d/f", "z")
    assert changed(base(), over) == {
        "a": ("A", "", 3),
        "d/f": ("C", "content", 0),
        "z": ("A", "", 0),
    }


def test_deleting_all_names_of_a_file_counts_its_bytes_once_at_the_first() -> None:
    over = TarBuilder().whiteout("d/h").whiteout("d/g")
    assert changed(base(), over) == {
        "d": ("C", "entries", 0),
        "d/g": ("D", "", 20),
        "d/h": ("D", "", 0),
    }


def test_deleted_name_of_a_file_with_another_hides_its_bytes_there() -> None:
    assert changed(base(), TarBuilder().whiteout("d/g"))["d/g"] == ("D", "", 20)


def test_name_that_comes_back_as_the_same_inode_is_no_change() -> None:
    over = TarBuilder().whiteout("d/h").hardlink("d/h", "d/g")
    assert changed(base(), over) == {}


def test_name_that_came_and_went_in_one_layer_is_not_told() -> None:
    over = TarBuilder().hardlink("n/x", "d/f").file("n", b"1")
    assert changed(base(), over) == {"n": ("A", "", 1)}


def test_path_twice_in_one_layer_is_told_once_with_the_last() -> None:
    over = TarBuilder().file("d/f", b"1").file("d/f", b"22").file("n", b"3").dir("n")
    assert changed(base(), over) == {"d/f": ("C", "content", 2), "n": ("A", "", 0)}


def test_hard_link_into_aufs_metadata_brings_its_bytes() -> None:
    over = TarBuilder().file(".wh..wh.plnk/1.0", b"12345").hardlink("n", ".wh..wh.plnk/1.0")
    assert changed(base(), over) == {"n": ("A", "", 5)}


def test_root_itself_is_never_told() -> None:
    assert changed(base(), TarBuilder().dir("./", mode=0o700)) == {}


def test_only_the_layers_that_were_asked_for_are_told() -> None:
    tables = [table_of(one) for one in (base(), TarBuilder().whiteout("d"), base())]
    journal = LayerChanges([1])
    merged(tables, journal)
    assert list(journal.layers) == [1]
    assert [one.path for one in journal.layers[1]] == [b"d"]


@pytest.mark.parametrize(
    ("over", "copied"),
    [
        (TarBuilder().file("d/f", b"1" * 10), True),
        (TarBuilder().file("d/f", b"1" * 10, mode=0o600), True),
        (TarBuilder().file("d/f", b"9" * 10), False),
        (TarBuilder().file("n", b"1" * 10), False),
        (TarBuilder().dir("d", mode=0o700), False),
        (TarBuilder().hardlink("n", "d/f"), False),
        (TarBuilder().hardlink("d/h", "d/f"), False),
        (TarBuilder().whiteout("d/f"), False),
        (TarBuilder().file("s", b"1"), False),
        (TarBuilder().file("d/f", b""), False),
    ],
)
def test_copied_is_a_file_stored_once_more_with_the_same_content(
    over: TarBuilder, copied: bool
) -> None:
    tables = [table_of(base()), table_of(over)]
    tree = merged(tables)
    changes = changes_of(tables)[-1]
    assert any(one.copied(tree) for one in changes) is copied


def test_kinds_have_dockers_letters() -> None:
    assert [kind.letter for kind in Kind] == ["A", "C", "D"]


def test_empty_file_is_the_same_whoever_lists_it() -> None:
    """A layer that is only listed has no fingerprints; nothing is as empty as nothing."""
    from oci_inspect.layer.listing import list_layer
    from oci_inspect.stream.source import BytesSource

    def listed(tar: bytes) -> EntryTable:
        return list_layer(BytesSource(tar), len(tar)).table

    plain = TarBuilder().file("a").build()
    odd = TarBuilder().file("a", xattrs={b"user.a": b"1"}).build()
    for one in (listed(plain), table_of(plain)):
        for other in (listed(odd), table_of(odd)):
            assert [change.why for change in changes_of([one, other])[-1]] == [("xattrs",)]
            assert [change.why for change in changes_of([other, one])[-1]] == [("xattrs",)]
