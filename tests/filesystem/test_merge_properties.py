"""Random stacks of layers: the invariant, and a naive merge of our own as the witness."""

from hypothesis import example, given, settings
from support.naive_merge import NaiveMerge, Op
from support.random_layers import LAYERS, PLAIN_LAYERS, tar_of
from support.scans import Stack

from oci_inspect.filesystem.tree import IMPLIED


def check(layers: list[list[Op]]) -> None:
    stack = Stack(*map(tar_of, layers))
    naive = NaiveMerge()
    for layer in layers:
        naive.apply(layer)
    kinds = {path: inode.kind for path, inode in naive.paths.items()}
    shown = {"directory": "dir", "implied": "dir"}
    assert {path: shown.get(kind, kind) for path, kind in stack.tree.items()} == kinds
    for one in stack.merged.tree.walk():
        assert stack.merged.tree.lookup(one.path) == one.node
    for path, inode in naive.paths.items():
        assert stack.layer_of(path) == inode.layer, path
    assert list(stack.merged.added_bytes) == naive.added
    assert sorted(
        (
            sorted(set(map(bytes.decode, one.paths))),
            one.layer_index,
            one.removed_in,
            one.size,
            one.reason,
        )
        for one in stack.merged.dead
    ) == sorted(
        (sorted(one.names), one.layer, one.removed_in, one.size, one.reason) for one in naive.dead
    )


@given(LAYERS)
@settings(max_examples=300)
def test_masks_and_counts_of_names_agree_with_a_walk(layers: list[list[Op]]) -> None:
    tree = Stack(*map(tar_of, layers)).merged.tree
    paths: dict[int, set[bytes]] = {}
    for path, node, _ in tree.walk():
        reference = node if isinstance(node, int) else node.reference
        if reference != IMPLIED:
            paths.setdefault(reference, set()).add(path)
    rows = {
        base + row: (table.paths[row], live[row], stray[row])
        for table, base, live, stray in zip(
            tree.tables, tree.bases, tree.live, tree.stray, strict=True
        )
        for row in range(len(table))
    }
    assert {reference for reference, (_, live, _) in rows.items() if live} == paths.keys()
    for reference, found in paths.items():
        own, _, stray = rows[reference]
        assert stray or found == {own}
        assert tree.names.get(reference, 1) == len(found)
    assert dict(tree.paths_of(paths)).keys() == {path for found in paths.values() for path in found}


@given(LAYERS)
@settings(max_examples=400)
def test_reachable_and_dead_bytes_are_the_added_bytes(layers: list[list[Op]]) -> None:
    stack = Stack(*map(tar_of, layers))
    assert stack.live_bytes + stack.dead_bytes == stack.added_bytes


@given(LAYERS)
@settings(max_examples=200)
def test_no_inode_dies_twice_and_none_dies_before_it_lived(layers: list[list[Op]]) -> None:
    merged = Stack(*map(tar_of, layers)).merged
    files = sum(op.kind == "file" for layer in layers for op in layer)
    assert len(merged.dead) <= files
    assert all(one.layer_index <= one.removed_in for one in merged.dead)
    for one in merged.dead:
        assert (one.reason == "shadowed") == (one.layer_index == one.removed_in)


@given(PLAIN_LAYERS)
@settings(max_examples=500)
def test_merge_agrees_with_the_naive_one_without_symbolic_links(layers: list[list[Op]]) -> None:
    check(layers)


@given(LAYERS)
@settings(max_examples=500)
@example([[Op("symlink", "a", "/"), Op("file", "a/b/c", "x")]])
@example([[Op("file", "a/x", "1")], [Op("symlink", "b", "a"), Op("file", "b/x", "22")]])
@example(
    [
        [
            Op("symlink", "b", "a"),
            Op("file", "b/x", "1"),
            Op("file", "b", "2"),
            Op("file", "b/c", "3"),
        ]
    ]
)
def test_merge_agrees_with_the_naive_one(layers: list[list[Op]]) -> None:
    check(layers)
