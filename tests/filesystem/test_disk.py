"""What a layer takes up on disk: by hand, by a naive second way, and as it lies on a disk."""

from __future__ import annotations

import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tars import TarBuilder, gnu_sparse

from oci_inspect.filesystem.disk import DiskSizes, disk_bytes
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import Limits
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"


def scan(tar: TarBuilder | bytes, limits: Limits | None = None) -> LayerScan:
    data = tar if isinstance(tar, bytes) else tar.build()
    return scan_layer(BytesSource(data), limits or Limits())


def on_disk(tar: TarBuilder) -> int:
    return disk_bytes(scan(tar).table, FindingCollector())


# By hand


def test_contents_count_and_the_targets_of_symbolic_links_and_nothing_else() -> None:
    tar = TarBuilder().dir("d").file("d/a", b"12345").symlink("d/s", "a/long/target")
    tar.char("c", 1, 3).block("b", 8, 0).fifo("p").whiteout("gone").opaque("d")
    assert on_disk(tar) == 5 + 13


def test_an_inode_counts_once_whatever_its_names() -> None:
    tar = TarBuilder().file("a", b"12345").hardlink("b", "a").hardlink("c", "b")
    tar.symlink("s", "xyz").hardlink("t", "s")
    assert on_disk(tar) == 5 + 3


def test_an_inode_counts_under_the_name_that_is_left() -> None:
    assert on_disk(TarBuilder().file("a", b"12345").hardlink("b", "a").file("a", b"1")) == 6


def test_what_is_named_twice_counts_as_it_was_named_last() -> None:
    assert on_disk(TarBuilder().file("a", b"12345").file("a", b"12")) == 2
    assert on_disk(TarBuilder().file("a", b"12345").symlink("a", "xyz")) == 3
    assert on_disk(TarBuilder().file("a", b"12345").dir("a").file("a/b", b"1")) == 1
    assert on_disk(TarBuilder().dir("d").file("d/a", b"12345").file("d", b"12")) == 2


def test_a_link_to_nothing_and_what_lies_beside_the_root_are_nothing() -> None:
    assert on_disk(TarBuilder().hardlink("a", "of/a/lower/layer")) == 0
    assert on_disk(TarBuilder().file("./", b"12345").dir("./")) == 0


def test_what_is_written_through_a_link_of_its_own_layer_counts_where_it_ends_up() -> None:
    tar = TarBuilder().dir("real").symlink("link", "real").file("link/a", b"123")
    assert on_disk(tar.file("real/a", b"12")) == 4 + 2


def test_a_whiteout_hides_nothing_of_its_own_layer() -> None:
    assert on_disk(TarBuilder().file("d/a", b"123").whiteout("d/a").opaque("d")) == 3


def test_a_sparse_file_counts_with_its_holes() -> None:
    assert on_disk(TarBuilder().raw(gnu_sparse(b"a", [(4096, 4)], b"data", 1 << 20))) == 1 << 20


def test_a_file_that_only_hard_links_of_aufs_lead_to_counts() -> None:
    tar = TarBuilder().file(".wh..wh.plnk/1.2", b"12345").hardlink("a", ".wh..wh.plnk/1.2")
    tar.file(".wh..wh.plnk/3.4", b"of no use")
    assert on_disk(tar) == 5


# A naive second way

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a", "f"])
ENTRIES = st.lists(
    st.one_of(
        st.tuples(st.just("file"), NAMES, st.integers(0, 99)),
        st.tuples(st.just("symlink"), NAMES, st.integers(1, 30)),
        st.tuples(st.just("hardlink"), NAMES, NAMES),
        st.tuples(st.just("whiteout"), NAMES, st.just(0)),
        st.tuples(st.just("dir"), NAMES, st.just(0)),
    ),
    max_size=12,
)


def naive(entries: list[tuple[str, str, object]]) -> int:
    """Names to inodes, one after the other; an inode is a list of its length."""
    inodes: dict[str, list[int]] = {}

    def clear(path: str) -> None:
        for name in [one for one in inodes if one == path or one.startswith(path + "/")]:
            del inodes[name]

    for kind, path, what in entries:
        parents = [path[:i] for i, letter in enumerate(path) if letter == "/"]
        if kind == "whiteout":
            continue
        source = inodes.get(str(what)) if kind == "hardlink" else None
        if kind == "hardlink" and source is not None and source is inodes.get(path):
            continue
        for parent in parents:  # what is no folder makes room
            inodes.pop(parent, None)
        if kind == "dir":
            inodes.pop(path, None)
        elif kind == "hardlink":
            if source is not None and str(what) not in parents:
                clear(path)
                inodes[path] = source
        else:
            clear(path)
            inodes[path] = [int(str(what))]
    return sum(length for (length,) in {id(one): one for one in inodes.values()}.values())


@given(ENTRIES)
def test_a_naive_second_way_counts_the_same(entries: list[tuple[str, str, object]]) -> None:
    tar = TarBuilder()
    links = {path for kind, path, _ in entries if kind == "symlink"}
    folders = {path[:i] for _, path, _ in entries for i, letter in enumerate(path) if letter == "/"}
    if links & folders:  # what goes through links is shown by hand
        entries = [one for one in entries if one[0] != "symlink"]
    for kind, path, what in entries:
        if kind == "file":
            tar.file(path, b"x" * int(str(what)))
        elif kind == "symlink":
            tar.symlink(path, "t" * int(str(what)))
        elif kind == "hardlink":
            tar.hardlink(path, str(what))
        elif kind == "whiteout":
            tar.whiteout(path)
        else:
            tar.dir(path)
    assert on_disk(tar) == naive(entries)


# As it lies on a disk


FILTER = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
"""Newer Pythons want to be told; that of Debian 12 knows no filters."""


@pytest.mark.parametrize("archive", ["docker20-app.tar", "docker26-app.tar", "podman-docker.tar"])
def test_unpacked_layers_of_engines_are_as_large(archive: str, tmp_path: Path) -> None:
    """What Python's tarfile writes, counted by lstat as moby's directory.Size does."""
    seen = 0
    with tarfile.open(REAL / archive) as outer:
        for member in outer:
            file = outer.extractfile(member) if member.isreg() else None
            data = file.read() if file else b""
            if data[257:262] != b"ustar":
                continue
            folder = tmp_path / str(seen)
            with tarfile.open(fileobj=outer.extractfile(member)) as tar:
                for one in tar:
                    if not one.isdev() or one.isfifo():
                        one.mode |= 0o700
                        one.uid, one.gid = os.getuid(), os.getgid()
                        tar.extract(one, folder, **FILTER)
            inodes = {}
            for root, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    status = (Path(root) / name).lstat()
                    if not (Path(root) / name).is_dir() or (Path(root) / name).is_symlink():
                        inodes[status.st_ino] = status.st_size
            assert disk_bytes(scan(data).table, FindingCollector()) == sum(inodes.values())
            seen += 1
    assert seen == 11


# Kept without the rows


def test_a_slim_scan_has_no_rows_and_its_size_is_known() -> None:
    sizes = DiskSizes()
    whole = scan(TarBuilder().file("a", b"12345"))
    slim = sizes.slim(whole)
    assert len(slim.table) == 0 and not slim.listed
    assert replace(slim, table=whole.table, listed=True) == whole
    for one in (slim, whole, replace(slim, digests=dict(slim.digests))):
        assert (sizes.of(one).bytes, sizes.of(one).complete) == (5, True)


def test_a_slim_scan_of_elsewhere_is_never_taken_for_a_whole_one() -> None:
    sizes = DiskSizes()
    whole = scan(TarBuilder().file("a", b"12345"))
    slim = DiskSizes().slim(whole)
    assert (sizes.of(slim).bytes, sizes.of(slim).complete) == (0, False)
    assert (sizes.of(whole).bytes, sizes.of(whole).complete) == (5, True)


def test_what_is_cut_short_is_at_least_so_much() -> None:
    tar = TarBuilder().file("a", b"12345").file("b", b"123")
    cut = scan(tar, Limits(entries=1))
    size = DiskSizes().of(cut)
    assert (size.bytes, size.complete) == (5, False)
    many = TarBuilder().file("a/b/c", b"123").file("d/e/f", b"45")
    size = DiskSizes(Limits(implied_folders=2)).of(scan(many))
    assert (size.bytes, size.complete) == (3, False)
    assert [one.rule for one in size.findings] == ["limit-exceeded"]


def test_an_empty_table_is_nothing() -> None:
    assert disk_bytes(EntryTable(), FindingCollector()) == 0
