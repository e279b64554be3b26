"""Two trees held against each other: a naive second way, laws, and cases by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.naive_changes import Snapshot, random_ops, tar_of, watched
from support.naive_comparison import Told, naive_comparison
from support.naive_merge import Op
from support.scans import Stack, table_of
from support.tars import TarBuilder, gnu_sparse, pax

from oci_inspect.comparing import compare
from oci_inspect.filesystem.comparing import TreeComparison, Turn, compare_trees
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import FILE, EntryTable

PAIRS = 3000


def merged(tables: Sequence[EntryTable]) -> UnionTree:
    return merge(tables, FindingCollector()).tree


def told(found: TreeComparison) -> list[Told]:
    return [
        (
            one.path.decode(),
            one.turn.value,
            one.why,
            one.size_before,
            one.size_after,
            None if one.unit is None else one.unit.decode(),
        )
        for one in found.differences
    ]


# Random stacks


def retouched(chance: random.Random, there: Snapshot) -> list[Op]:
    """A layer with other contents, targets and links for some of what there is."""
    files = sorted(path for path, one in there.items() if one.kind == "file")
    links = sorted(path for path, one in there.items() if one.kind == "symlink")
    ops = [
        Op("file", path, chance.choice(("", "x", "yy", "zz")))
        for path in files
        if chance.random() < 0.3
    ]
    ops += [Op("symlink", path, chance.choice("ab")) for path in links if chance.random() < 0.3]
    if files and chance.random() < 0.5:
        folder = chance.choice(files).rpartition("/")[0]
        new = f"{folder}/d" if folder else "d"
        ops.append(Op("hardlink", chance.choice([*files, new, new]), chance.choice(files)))
    return ops


def random_pair(
    chance: random.Random,
) -> tuple[list[list[Op]], list[list[Op]], list[EntryTable], list[EntryTable]]:
    """Two stacks that share some layers: as the very same rows, or as others that say the same."""
    ops = random_ops(chance), random_ops(chance)
    one, other = ops
    shared = chance.choice((0, 0, 1, 2, 3))
    other = [*one[:shared], *other]
    if chance.random() < 0.5:  # the same, and a layer that changes what is there
        other = [*one, retouched(chance, watched(one).paths)]
    if chance.random() < 0.3:  # one of the same layers, higher up
        other.insert(chance.randrange(len(other) + 1), chance.choice(one))
    if chance.random() < 0.2:
        one = [*one, chance.choice(other)]
    if chance.random() < 0.3:  # a whole layer that is the same but for one entry
        own = list(chance.choice(one))
        if own:
            own[chance.randrange(len(own))] = chance.choice(random_ops(chance)[0] or own)
        other.insert(chance.randrange(len(other) + 1), own)
    same_rows = chance.random() < 0.5
    known: dict[int, EntryTable] = {}

    def rows(layer: list[Op]) -> EntryTable:
        return known.setdefault(id(layer), table_of(tar_of(layer)))

    old = [rows(layer) for layer in one]
    new = [rows(layer) if same_rows else table_of(tar_of(layer)) for layer in other]
    return one, other, old, new


@pytest.mark.parametrize("share", range(5))
def test_differences_of_random_stacks_are_those_of_two_snapshots(share: int) -> None:
    seen: dict[str, int] = {}
    for seed in range(share * PAIRS // 5, (share + 1) * PAIRS // 5):
        one, other, old, new = random_pair(random.Random(seed))
        naive = naive_comparison(watched(one).paths, watched(other).paths)
        found = compare_trees(merged(old), merged(new))
        assert told(found) == naive.told, f"seed {seed}"
        assert found.unchanged == naive.unchanged, f"seed {seed}"
        assert found.unchanged_bytes == naive.unchanged_bytes, f"seed {seed}"
        folders = {top.decode(): sizes for top, sizes in found.folders.items()}
        assert folders == naive.folders, f"seed {seed}"
        for difference in naive.told:
            for word in (difference[1], *difference[2], "unit" if difference[5] else "by itself"):
                seen[word] = seen.get(word, 0) + 1
    # the random stacks are worth something
    assert all(
        seen[word] > 30
        for word in (
            *("added", "removed", "changed", "type", "content", "target", "metadata", "links"),
            *("unit", "by itself"),
        )
    ), seen


def random_tar(chance: random.Random) -> TarBuilder:
    """A layer of anything: owners, times, xattrs, devices, odd names, an entry for the root."""
    tar = TarBuilder(chance.choice(("pax", "gnu")))

    def path() -> str:
        parts = [chance.choice(("a", "b", "c")) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
        return chance.choice(("", "", "./", "/")) + "/".join(parts)

    for _ in range(chance.choice((1, 3, 5, 8))):
        mode, uid = chance.choice((0o644, 0o755)), chance.choice((0, 0, 1))
        xattrs = {b"user.a": b"1"} if chance.random() < 0.2 else None
        mtime = chance.choice((0, 0, 5))
        match chance.choice("ffffddddssslllhhwwocbp0"):
            case "f":
                text = chance.choice((b"", b"1", b"2", b"x" * 900))
                tar.file(path(), text, mode=mode, mtime=mtime, xattrs=xattrs, uid=uid)
            case "d":
                tar.dir(path(), mode=mode, mtime=mtime, xattrs=xattrs, uid=uid)
            case "s":
                tar.symlink(path(), path(), mtime=mtime)
            case "l" | "h":
                tar.hardlink(path(), path())
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
            case _:
                tar.dir("./", mode=mode)
    return tar


def live_bytes(tree: UnionTree) -> int:
    """The content of regular files that some path leads to, each inode once."""
    sizes = {}
    for one in tree.walk():
        if isinstance(one.node, int) and tree.kind(one.node) == FILE:
            entry = tree.entry(one.node)
            assert entry is not None
            sizes[one.node] = entry.size
    return sum(sizes.values())


def random_trees(seed: int) -> tuple[UnionTree, UnionTree]:
    chance = random.Random(seed)
    layers = [table_of(random_tar(chance)) for _ in range(4)]
    old, new = ([chance.choice(layers) for _ in range(chance.choice((1, 2, 3)))] for _ in range(2))
    shared = layers[: chance.choice((0, 1, 2))]
    return merged([*shared, *old]), merged([*shared, *new])


MIRROR = {Turn.ADDED: Turn.REMOVED, Turn.REMOVED: Turn.ADDED, Turn.CHANGED: Turn.CHANGED}


@pytest.mark.parametrize("share", range(2))
def test_laws_hold_for_layers_of_anything(share: int) -> None:
    for seed in range(share * 1500, (share + 1) * 1500):
        old, new = random_trees(seed)
        found, mirrored = compare_trees(old, new), compare_trees(new, old)

        # A against B mirrored is B against A
        assert [
            one._replace(
                turn=MIRROR[one.turn],
                before=one.after,
                after=one.before,
                size_before=one.size_after,
                size_after=one.size_before,
            )
            for one in found.differences
        ] == list(mirrored.differences), f"seed {seed}"
        assert found.unchanged == mirrored.unchanged
        assert found.unchanged_bytes == mirrored.unchanged_bytes, f"seed {seed}"
        assert mirrored.folders == {top: (b, a) for top, (a, b) in found.folders.items()}

        # what is added, changed and the same makes up B; removed, changed and the same A
        added, removed, changed = (
            [one for one in found.differences if one.turn is turn]
            for turn in (Turn.ADDED, Turn.REMOVED, Turn.CHANGED)
        )
        for tree, alone, size in (
            (new, added, sum(one.size_after for one in (*added, *changed))),
            (old, removed, sum(one.size_before for one in (*removed, *changed))),
        ):
            paths = {b"", *(one.path for one in tree.walk())}
            assert len(paths) == len(alone) + len(changed) + found.unchanged
            assert paths >= {one.path for one in (*alone, *changed)}
            assert live_bytes(tree) == size + found.unchanged_bytes, f"seed {seed}"
        assert sum(one for one, _ in found.folders.values()) == live_bytes(old)
        assert sum(one for _, one in found.folders.values()) == live_bytes(new)
        assert found.same == (not found.differences)


def test_tree_against_itself_is_the_same() -> None:
    for seed in range(500):
        chance = random.Random(seed)
        tars = [random_tar(chance) for _ in range(3)]
        tables = [table_of(one) for one in tars]
        tree = merged(tables)
        for other in (tree, merged(tables), merged([table_of(one) for one in tars])):
            found = compare_trees(tree, other)
            assert found.same and found.differences == ()
            assert found.unchanged == 1 + sum(1 for _ in tree.walk())
            assert found.unchanged_bytes == live_bytes(tree)
            assert all(one == two for one, two in found.folders.values())


# By hand


def between(
    one: TarBuilder | Sequence[TarBuilder], other: TarBuilder | Sequence[TarBuilder]
) -> TreeComparison:
    stacks = [[one] if isinstance(one, TarBuilder) else one for one in (one, other)]
    return compare_trees(*(Stack(*layers).merged.tree for layers in stacks))


def short(found: TreeComparison) -> dict[str, tuple[str, str, int, int]]:
    """Each path with a letter, what is different, and both sizes."""
    return {
        one.path.decode(): (
            one.turn.value[0].upper(),
            " ".join(one.why),
            one.size_before,
            one.size_after,
        )
        for one in found.differences
    }


def base() -> TarBuilder:
    tar = TarBuilder().dir("d").file("d/f", b"1" * 10).file("d/g", b"2" * 20)
    tar.symlink("s", "d").char("c", 1, 3).fifo("p").hardlink("d/h", "d/g")
    return tar.file("implied/x", b"3" * 40)


@pytest.mark.parametrize(
    ("over", "why"),
    [
        (TarBuilder().file("d/f", b"9" * 10), "content"),
        (TarBuilder().file("d/f", b"1" * 10, mode=0o600), "mode"),
        (TarBuilder().file("d/f", b"1" * 10, uid=5), "owner"),
        (TarBuilder().file("d/f", b"1" * 10, gid=5), "owner"),
        (TarBuilder().file("d/f", b"1" * 10, mtime=5), "time"),
        (TarBuilder().raw(pax({b"mtime": b"0.5"})).file("d/f", b"1" * 10), "time"),
        (TarBuilder().file("d/f", b"1" * 10, xattrs={b"user.a": b""}), "xattrs"),
        (
            TarBuilder().file("d/f", b"9" * 10, mode=0, uid=1, mtime=2, xattrs={b"a": b"b"}),
            "content mode owner time xattrs",
        ),
    ],
)
def test_changed_file_tells_in_what(over: TarBuilder, why: str) -> None:
    found = between(base(), [base(), over])
    assert short(found) == {"d/f": ("C", why, 10, 10)}
    assert found.differences[0].content is ("content" in why)


@pytest.mark.parametrize(
    ("path", "over", "why", "content"),
    [
        ("s", TarBuilder().symlink("s", "e"), "target", True),
        ("s", TarBuilder().fifo("s", mode=0o777), "type", True),
        ("c", TarBuilder().char("c", 1, 5), "device", True),
        ("c", TarBuilder().block("c", 1, 3), "type", True),
        ("p", TarBuilder().fifo("p", mode=0o644), "mode", False),
        ("d", TarBuilder().dir("d", mode=0o700), "mode", False),
        ("implied", TarBuilder().dir("implied"), "metadata", False),
        ("", TarBuilder().dir("./"), "metadata", False),
    ],
)
def test_everything_else_tells_in_what(
    path: str, over: TarBuilder, why: str, content: bool
) -> None:
    found = between(base(), [base(), over])
    assert short(found) == {path: ("C", why, 0, 0)}
    assert found.differences[0].content is content
    assert b"" not in found.folders


def test_what_nobody_sees_is_no_difference() -> None:
    """The mode of a symbolic link, an entry that is there twice, other layers, other headers."""
    one = TarBuilder().dir("d").symlink("d/s", "t", mode=0o777).file("d/f", b"x" * 300)
    two = TarBuilder().symlink("d/s", "t", mode=0o755).file("d/f", b"other").file("./d/f", b"old")
    two.dir("/d/")
    three = TarBuilder("gnu").whiteout("d/nothing").file("d/f", b"x" * 300)
    found = between(one, [two, three])
    assert found.same
    assert (found.unchanged, found.unchanged_bytes) == (4, 300)


def test_moved_file_went_and_came() -> None:
    assert short(between(TarBuilder().file("a", b"123"), TarBuilder().file("b", b"123"))) == {
        "a": ("R", "", 3, 0),
        "b": ("A", "", 0, 3),
    }


def test_folder_that_became_a_file_is_changed_and_what_was_in_it_removed() -> None:
    found = between(
        TarBuilder().dir("x").file("x/a", b"1").file("x/sub/b", b"22"), TarBuilder().file("x", b"5")
    )
    assert short(found) == {
        "x": ("C", "type mode", 0, 1),
        "x/a": ("R", "", 1, 0),
        "x/sub": ("R", "", 0, 0),
        "x/sub/b": ("R", "", 2, 0),
    }
    assert [one.unit for one in found.differences] == [None, b"x", b"x", b"x"]
    assert found.folders == {b"x": (3, 1)}


def test_unit_is_the_uppermost_folder_that_is_new() -> None:
    found = between(TarBuilder().dir("d"), TarBuilder().dir("d").file("d/n/m/f", b"1").file("d/g"))
    assert {one.path: one.unit for one in found.differences} == {
        b"d/g": None,
        b"d/n": b"d/n",
        b"d/n/m": b"d/n",
        b"d/n/m/f": b"d/n",
    }


def test_inode_counts_at_the_first_name_that_both_trees_have() -> None:
    one = TarBuilder().file("m", b"12345").hardlink("z", "m")
    other = TarBuilder().file("a", b"12345").hardlink("m", "a").hardlink("z", "m")
    assert short(between(one, other)) == {
        "a": ("A", "", 0, 0),
        "m": ("C", "links", 5, 5),
        "z": ("C", "links", 0, 0),
    }


def test_inode_without_a_common_name_counts_at_its_first() -> None:
    other = TarBuilder().file("n/z", b"12345").hardlink("n/a", "n/z").hardlink("b", "n/z")
    assert short(between(TarBuilder(), other)) == {
        "b": ("A", "", 0, 5),
        "n": ("A", "", 0, 0),
        "n/a": ("A", "", 0, 0),
        "n/z": ("A", "", 0, 0),
    }


def test_two_files_that_became_one_are_of_other_links() -> None:
    one = TarBuilder().file("a", b"123").file("b", b"123")
    other = TarBuilder().file("a", b"123").hardlink("b", "a")
    found = between(one, other)
    assert short(found) == {"a": ("C", "links", 3, 3), "b": ("C", "links", 3, 0)}
    assert found.folders == {b"a": (3, 3), b"b": (3, 0)}


def test_links_are_told_where_as_many_names_are_others() -> None:
    """Who writes to a writes to b in one image, and to c in the other."""

    def tar(pairs: Sequence[str]) -> TarBuilder:
        made = TarBuilder()
        for first, second in pairs:
            made.file(first, b"123").hardlink(second, first)
        return made

    found = between(tar(["ab", "cd"]), tar(["ac", "bd"]))
    assert short(found) == {
        "a": ("C", "links", 3, 3),
        "b": ("C", "links", 0, 3),
        "c": ("C", "links", 3, 0),
        "d": ("C", "links", 0, 0),
    }
    assert between(tar(["ab", "cd"]), tar(["ba", "dc"])).same


def test_symbolic_links_and_pipes_have_names_as_files_have() -> None:
    one = TarBuilder().symlink("a", "t").hardlink("b", "a").fifo("p").hardlink("q", "p")
    other = TarBuilder().symlink("a", "t").symlink("b", "t").fifo("p").fifo("q")
    assert {
        path: why for path, (_, why, _, _) in short(between(one, other)).items()
    } == dict.fromkeys("abpq", "links")


def test_inode_of_very_many_names_is_the_same_as_itself() -> None:
    """Its names are held against those in the other tree once, not once for each of them."""
    many = 30_000
    made = []
    for _ in range(2):
        tar = TarBuilder().file("0", b"123")
        for i in range(1, many):
            tar.hardlink(str(i), "0")
        made.append(tar)
    found = between(*made)
    assert found.same
    assert (found.unchanged, found.unchanged_bytes) == (many + 1, 3)


# Sparse files: what is stored of them tells nothing of their holes

HOLES_FIRST = gnu_sparse(b"s", [(1024, 4), (2048, 0)], b"data", 2048)
DATA_FIRST = gnu_sparse(b"s", [(0, 4), (2048, 0)], b"data", 2048)
PLAIN = TarBuilder().file("s", bytes(1024) + b"data" + bytes(1020))
OTHER_MAP = gnu_sparse(b"s", [(512, 516), (2048, 0)], bytes(512) + b"data", 2048)
LAYERS = {
    "holes": TarBuilder().raw(HOLES_FIRST),
    "data": TarBuilder().raw(DATA_FIRST),
    "plain": PLAIN,
    "map": TarBuilder().raw(OTHER_MAP),
    "text": TarBuilder().raw(gnu_sparse(b"s", [(1024, 4), (2048, 0)], b"text", 2048)),
}
"""The same two kilobytes but for ``data``: four bytes of data at another place."""


def sparse_pair(
    folder: Path, one: str, other: str, compressions: tuple[str, str] = ("none", "none")
) -> tuple[str, ...]:
    paths = []
    for name, layer, compression in zip("ab", (one, other), compressions, strict=True):
        # a layer of its own below, so that not all layers are shared
        image = ImageBuilder(f"{name}:1").layer(TarBuilder().file("own", name.encode()))
        image.layer(LAYERS[layer], compression=compression)
        paths.append(docker_archive(image).write_file(folder / f"{name}.tar"))
    found = compare(*paths)
    changed = {one.path: one.why for one in found.files.differences}
    assert changed.pop(b"own") == ("content",)
    assert changed.keys() <= {b"s"}
    return changed.get(b"s", ())


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("holes", "data", ("content",)),
        ("data", "holes", ("content",)),
        ("holes", "plain", ()),
        ("plain", "holes", ()),
        ("holes", "map", ()),
        ("data", "map", ("content",)),
        ("data", "plain", ("content",)),
        ("holes", "text", ("content",)),
    ],
)
def test_sparse_files_of_plain_layers_are_read(
    tmp_path: Path, one: str, other: str, why: tuple[str, ...]
) -> None:
    assert sparse_pair(tmp_path, one, other) == why


@pytest.mark.parametrize("compressions", [("gzip", "none"), ("none", "zstd"), ("gzip", "gzip")])
def test_sparse_files_of_compressed_layers_count_as_different(
    tmp_path: Path, compressions: tuple[str, str]
) -> None:
    assert sparse_pair(tmp_path, "holes", "map", compressions) == ("content",)


@pytest.mark.parametrize("compressions", [("gzip", "none"), ("zstd", "gzip"), ("gzip", "gzip")])
def test_sparse_files_of_one_diff_id_are_the_same_however_compressed(
    tmp_path: Path, compressions: tuple[str, str]
) -> None:
    assert sparse_pair(tmp_path, "holes", "holes", compressions) == ()


def test_sparse_files_of_trees_without_an_archive_count_as_different() -> None:
    trees = [merged([table_of(LAYERS[name])]) for name in ("holes", "map")]
    assert [one.why for one in compare_trees(*trees).differences] == [("content",)]


def test_holes_are_not_read_however_large_they_are(tmp_path: Path) -> None:
    """A file of 4 EiB, as a login with a large number makes of lastlog, and worse."""
    size = 1 << 62
    paths = []
    for name, at in (("a", 1 << 40), ("b", 1 << 40), ("c", 1 << 41)):
        sparse = gnu_sparse(b"s", [(at, 4), (size, 0)], b"data", size)
        tar = TarBuilder().file("own", name.encode()).raw(sparse)
        image = ImageBuilder(f"{name}:1").layer(tar)
        paths.append(docker_archive(image).write_file(tmp_path / f"{name}.tar"))
    same, moved = compare(paths[0], paths[1]), compare(paths[1], paths[2])
    assert [one.path for one in same.files.differences] == [b"own"]
    assert [one.path for one in moved.files.differences] == [b"own", b"s"]


def test_sparse_file_whose_map_leads_nowhere_counts_as_different(tmp_path: Path) -> None:
    """The map speaks of more than the file has: it cannot be read, and stops nobody."""
    paths = []
    for name, end in (("a", 2048), ("b", 4096)):
        tar = TarBuilder().file("own", name.encode())
        tar.raw(gnu_sparse(b"s", [(1024, 4), (end, 0)], b"data", 2048))
        image = ImageBuilder(f"{name}:1").layer(tar)
        paths.append(docker_archive(image).write_file(tmp_path / f"{name}.tar"))
    found = compare(*paths)
    assert [one.path for one in found.files.differences] == [b"own", b"s"]
