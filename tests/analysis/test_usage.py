"""Who shares what, and what removing images frees: by hand, and by a naive second way."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.analysis.results import ArchiveInfo
from oci_inspect.analysis.stored import StoredImage, StoredLayer
from oci_inspect.analysis.usage import DiskUsage, usage_of
from oci_inspect.spec.platform import Platform

AMD, ARM = Platform("linux", "amd64"), Platform("linux", "arm64")


def archive(name: str = "a.tar") -> ArchiveInfo:
    return ArchiveInfo(name, "oci-archive", None, 1)


def layer(name: str, size: int | None = None, *, packed: str = "", chained: bool = True):
    """A layer whose name is the chain: two of one last letter are the same tar."""
    known = size is not None
    return StoredLayer(
        digest=f"blob:{name[-1]}{packed}",
        diff_id=f"tar:{name[-1]}" if known else None,
        chain_id=f"chain:{name}" if known and chained else None,
        compression="gzip" if packed else "none",
        size=size if known else None,
        uncompressed_size=None if size is None else size + 1000,
        disk_size=size,
        complete=known,
    )


def image(
    name: str,
    *layers: StoredLayer,
    created: str | None = None,
    image_id: str | None = "",
    where: str = "a.tar",
    platform: Platform = AMD,
) -> StoredImage:
    names = tuple(name.split())
    return StoredImage(
        archive=archive(where),
        references=names,
        image_id=f"id:{name}" if image_id == "" else image_id,
        manifest_digest=None,
        platform=platform,
        created=created,
        layers=layers,
        complete=all(one.complete for one in layers),
    )


def sizes(usage: DiskUsage) -> dict[str, tuple[int, int, int]]:
    return {
        " ".join(one.references): (one.size, one.shared_size, one.unique_size)
        for one in usage.images
    }


BASE, TOP, OTHER = layer("b", 100), layer("bt", 7), layer("bo", 20)


# By hand


def test_a_layer_of_two_images_is_stored_once_and_shared_by_both() -> None:
    usage = usage_of([image("base:1", BASE), image("x:1", BASE, TOP), image("y:1", BASE, OTHER)])
    assert sizes(usage) == {"base:1": (100, 100, 0), "x:1": (107, 100, 7), "y:1": (120, 100, 20)}
    assert [(one.disk_size, one.images) for one in usage.layers] == [
        (100, (0, 1, 2)),
        (20, (2,)),
        (7, (1,)),
    ]
    assert [one.layers for one in usage.images] == [(0,), (0, 2), (0, 1)]
    totals = usage.totals
    assert (totals.size, totals.stored_size, totals.saved_size) == (327, 127, 200)
    assert (totals.images, totals.layers, totals.distinct_layers) == (3, 5, 3)
    assert usage.complete


def test_the_same_tar_upon_other_layers_is_another_layer_but_the_same_blob() -> None:
    usage = usage_of([image("x:1", layer("bt", 7)), image("y:1", layer("ct", 7))])
    totals = usage.totals
    assert (totals.distinct_layers, totals.stored_size) == (2, 14)
    assert (totals.distinct_diff_ids, totals.uncompressed_size) == (1, 1007)
    assert (totals.distinct_digests, totals.blob_size) == (1, 7)
    assert sizes(usage) == {"x:1": (7, 0, 7), "y:1": (7, 0, 7)}


def test_a_layer_in_two_compressions_is_stored_once_and_is_two_blobs() -> None:
    usage = usage_of([image("x:1", BASE), image("y:1", layer("b", 100, packed="z"))])
    assert usage.totals.stored_size == 100
    assert (usage.totals.distinct_digests, usage.totals.blob_size) == (2, 200)
    assert usage.layers[0].digests == ("blob:b", "blob:bz")


def test_one_image_of_several_archives_and_names_is_one_row_that_shares_nothing() -> None:
    usage = usage_of(
        [
            image("x:1 x:2", BASE, image_id="id", where="a.tar"),
            image("x:2 y:1", BASE, image_id="id", where="b.tar"),
        ]
    )
    (row,) = usage.images
    assert row.references == ("x:1", "x:2", "y:1")
    assert [one.path for one in row.archives] == ["a.tar", "b.tar"]
    assert (row.size, row.shared_size, row.unique_size) == (100, 0, 100)
    assert usage.totals.size == usage.totals.stored_size == 100
    assert [one.path for one in usage.archives] == ["a.tar", "b.tar"]


def test_an_image_id_with_other_layers_is_another_row() -> None:
    usage = usage_of([image("x", BASE, image_id="id"), image("x", OTHER, image_id="id")])
    assert len(usage.images) == 2


def test_images_without_an_id_are_the_same_where_their_layers_are() -> None:
    usage = usage_of(
        [image("x", BASE, image_id=None), image("y", BASE, image_id=None), image("z", TOP)]
    )
    assert [one.references for one in usage.images] == [("x", "y"), ("z",)]


def test_layers_without_a_chain_id_are_shared_with_none() -> None:
    lost, above = layer("l"), layer("lt", 7, chained=False)
    usage = usage_of([image("x:1", lost, above), image("y:1", lost, above), image("z", BASE)])
    assert sizes(usage)["x:1"] == sizes(usage)["y:1"] == (7, 0, 7)
    assert (usage.totals.distinct_layers, usage.totals.distinct_digests) == (5, 2)
    assert [one.complete for one in usage.images] == [False, False, True]
    assert not usage.complete
    same = usage_of([image("x", lost, above), image("x", lost, above, where="b.tar")])
    assert (len(same.images), len(same.layers)) == (1, 2)


def test_the_newest_image_comes_first_and_one_without_a_time_last() -> None:
    usage = usage_of(
        [
            image("never"),
            image("old", created="2024-01-01T00:00:00Z"),
            image("new", created="2024-01-01T00:00:00.000001Z"),
            image("nonsense", created="yesterday"),
            image("zone", created="2024-01-01T00:30:00+01:00"),
        ]
    )
    order = [one.references[0] for one in usage.images]
    assert order == ["new", "old", "zone", "never", "nonsense"]


def kept(usage: DiskUsage) -> tuple[list[str], list[str]]:
    both = (usage.all_but_newest, usage.all_but_newest_of_each)
    first, second = ([usage.images[i].references[0] for i in one.kept] for one in both)
    return first, second


def test_what_is_freed_by_all_but_the_newest() -> None:
    usage = usage_of(
        [
            image("x:1", BASE, TOP, created="2024-01-01T00:00:00Z"),
            image("x:2", BASE, OTHER, created="2024-01-02T00:00:00Z"),
            image("y:1", layer("y", 3), created="2024-01-03T00:00:00Z"),
            image("y:0", layer("z", 4), created="2024-01-01T00:00:00Z"),
        ]
    )
    assert kept(usage) == (["y:1"], ["y:1", "x:2"])
    assert usage.all_but_newest.freed == 100 + 7 + 20 + 4
    assert usage.all_but_newest_of_each.freed == 7 + 4


def test_images_of_one_time_stay_together_and_platforms_apart() -> None:
    late, later = "2024-01-01T00:00:00Z", "2024-01-01T00:00:02Z"
    usage = usage_of(
        [
            image("x:1", TOP, created=late),
            image("x:2", OTHER, created=later, platform=ARM),
            image("x:3", BASE, created=late),
        ]
    )
    assert kept(usage) == (["x:2"], ["x:2", "x:1", "x:3"])
    assert usage.all_but_newest_of_each.freed == 0


def test_an_image_stays_where_it_is_the_newest_of_one_of_its_repositories() -> None:
    usage = usage_of(
        [
            image("x:1 z:1", TOP, created="2024-01-01T00:00:00Z"),
            image("x:2", OTHER, created="2024-01-02T00:00:00Z"),
        ]
    )
    assert kept(usage) == (["x:2"], ["x:2", "x:1"])


def test_no_images_are_nothing() -> None:
    usage = usage_of([], [archive()])
    assert (usage.totals.stored_size, usage.totals.images) == (0, 0)
    assert usage.archives == (archive(),)
    assert usage.all_but_newest.kept == ()


# A naive second way

STACKS = st.lists(
    st.tuples(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 3), st.booleans()),
    max_size=8,
)


@given(STACKS)
def test_a_naive_second_way_finds_the_same(made: list[tuple[list[int], int, bool]]) -> None:
    """Sets of stacks: a layer is the whole way from the bottom up to it."""
    images = []
    for (stack, day, packed), number in zip(made, count(), strict=False):
        names = ["".join(map(str, stack[: i + 1])) for i in range(len(stack))]
        layers = [
            layer(name, 10 ** stack[i], packed="z" if packed else "")
            for i, name in enumerate(names)
        ]
        created = f"2024-01-0{day + 1}T00:00:00Z"
        name = f"r{number % 2}:{''.join(map(str, stack))}-{day}"
        images.append(image(name, *layers, created=created))
    usage = usage_of(images)

    there = {
        (one.image_id, tuple(one_layer.chain_id for one_layer in one.layers)) for one in images
    }
    size_of = {
        one_layer.chain_id: one_layer.disk_size or 0 for one in images for one_layer in one.layers
    }

    def total(stacks: set[tuple[str | None, tuple[str | None, ...]]]) -> int:
        return sum(size_of[one] for one in {chain for _, stack in stacks for chain in stack})

    assert len(usage.images) == len(there)
    assert usage.totals.stored_size == total(there)
    assert usage.totals.size == sum(size_of[one] for _, stack in there for one in stack)
    blobs = {one_layer.digest: one_layer.size for one in images for one_layer in one.layers}
    assert usage.totals.blob_size == sum(size or 0 for size in blobs.values())
    for row in usage.images:
        chain = tuple(usage.layers[i].chain_id for i in row.layers)
        assert (row.image_id, chain) in there
        assert row.size == sum(size_of[one] for one in chain)
        assert row.unique_size == total(there) - total(there - {(row.image_id, chain)})
        assert row.shared_size == row.size - row.unique_size
    for i, one in enumerate(usage.layers):
        assert one.images == tuple(n for n, row in enumerate(usage.images) if i in row.layers)
    latest = max((one.created or "" for one in images), default="")
    newest = {
        key for key in there for one in images if one.image_id == key[0] and one.created == latest
    }
    assert usage.all_but_newest.freed == total(there) - total(newest)
    stay = set()
    for repository in ("r0:", "r1:"):
        mine = [one for one in images if one.references[0].startswith(repository)]
        top = max((one.created or "" for one in mine), default="")
        stay |= {one.image_id for one in mine if one.created == top}
    left = {key for key in there if key[0] in stay}
    assert usage.all_but_newest_of_each.freed == total(there) - total(left)
