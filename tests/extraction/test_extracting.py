"""What is written: contents, modes, times, links, holes; from the whole image or from one layer."""

from __future__ import annotations

import os
import shutil
import stat

import pytest
from support.tars import GNU, TarBuilder, entry, gnu_sparse, header, pax
from support.trees import opened, snapshot

from oci_inspect import Limits, Outcome, PathError, UnionTree, extract
from oci_inspect.errors import (
    ArchiveError,
    LimitExceededError,
    NoSpaceError,
    SelectionError,
    TargetError,
)

ROOT = os.geteuid() == 0
COMPRESSIONS = ("none", "gzip", "zstd", "xz", "bzip2")


def told(result, outcome=None):
    return [(one.path, one.reason) for one in result.told if outcome in (None, one.outcome)]


def base() -> TarBuilder:
    return (
        TarBuilder()
        .dir("etc", mode=0o750, mtime=1_000)
        .file("etc/passwd", b"root\n", mode=0o644, mtime=2_000)
        .file("etc/shadow", b"secret", mode=0o600, mtime=3_000)
        .dir("usr", mtime=4_000)
        .dir("usr/lib", mtime=5_000)
        .file("usr/lib/a.so", bytes(range(256)) * 5_000, mode=0o755, mtime=6_000)
        .hardlink("usr/lib/b.so", "usr/lib/a.so")
        .symlink("lib", "usr/lib", mtime=7_000)
        .file("empty", mtime=8_000)
    )


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_everything(take, out, compression):
    result = take(base(), compression=compression)
    assert (result.files, result.folders, result.symlinks, result.hardlinks) == (4, 3, 1, 1)
    assert result.content_bytes == 5 + 6 + 1_280_000
    assert (result.ok, result.damaged, result.told) == (True, False, [])
    assert (out / "etc/passwd").read_bytes() == b"root\n"
    assert (out / "usr/lib/a.so").read_bytes() == bytes(range(256)) * 5_000
    assert (out / "usr/lib/a.so").samefile(out / "usr/lib/b.so")
    assert (out / "lib").readlink().as_posix() == "usr/lib"
    modes = {name: stat.S_IMODE((out / name).stat().st_mode) for name in ("etc", "etc/shadow")}
    assert modes == {"etc": 0o750, "etc/shadow": 0o600}
    names = ["etc", "etc/passwd", "etc/shadow", "usr", "usr/lib", "usr/lib/a.so", "lib", "empty"]
    assert [(out / name).lstat().st_mtime for name in names] == [
        1000.0 * i for i in range(1, len(names) + 1)
    ]
    assert not [path for path in snapshot(out) if b".oci-inspect." in path]


def test_paths_and_patterns_land_at_their_full_paths(take, out):
    assert take(base(), paths=["etc/pass*", b"lib/a.so", "/empty"]).files == 3
    assert set(snapshot(out)) == {
        *(b"", b"etc", b"etc/passwd", b"usr", b"usr/lib", b"usr/lib/a.so", b"empty")
    }


def test_folders_nobody_asked_for_are_made_as_mkdir_would(take, out):
    take(base(), paths=["etc/passwd"])
    assert stat.S_IMODE((out / "etc").stat().st_mode) == 0o755
    assert (out / "etc").stat().st_mtime > 1_000_000


def test_a_folder_is_taken_with_all_below_it(take, out):
    assert take(base(), paths=["usr", "usr/lib", "usr/**", "**"][:3]).files == 1
    assert set(snapshot(out)) == {
        *(b"", b"usr", b"usr/lib", b"usr/lib/a.so", b"usr/lib/b.so"),
    }


def test_a_link_is_taken_as_a_link_unless_it_is_to_be_followed(take, out):
    assert take(base(), paths=["lib"]).symlinks == 1
    assert set(snapshot(out)) == {b"", b"lib"}
    result = take(base(), paths=["lib"], follow=True)
    assert (result.files, result.hardlinks) == (1, 1)
    assert (out / "usr/lib/a.so").exists()


def test_the_first_name_that_is_taken_carries_the_content(take, out):
    result = take(base(), paths=["usr/lib/b.so"])
    assert (result.files, result.hardlinks) == (1, 0)
    assert (out / "usr/lib/b.so").stat().st_size == 1_280_000
    assert (out / "usr/lib/b.so").stat().st_nlink == 1


@pytest.mark.parametrize("path", ["nope", "etc/nope", "*.nope", "etc/passwd/x", ""])
def test_a_path_that_stands_for_nothing(take, out, path):
    with pytest.raises(PathError):
        take(base(), paths=["etc/passwd", path])
    assert not out.exists()


def test_a_path_leads_nowhere_but_inside_the_image(take, out):
    with pytest.raises(PathError):
        take(base().symlink("up", "../../../../etc/hostname"), paths=["up"], follow=True)
    take(base(), paths=["../../../etc/passwd"])
    assert (out / "etc/passwd").read_bytes() == b"root\n"


def two() -> tuple[TarBuilder, TarBuilder]:
    above = TarBuilder().whiteout("etc/shadow").file("etc/passwd", b"changed", mtime=9_000)
    return base(), above


def test_one_layer_alone_has_what_others_deleted(take, out):
    take(*two())
    assert not (out / "etc/shadow").exists()
    assert (out / "etc/passwd").read_bytes() == b"changed"
    take(*two(), layer=0, force=True)
    assert (out / "etc/shadow").read_bytes() == b"secret"
    assert (out / "etc/passwd").read_bytes() == b"root\n"


def test_a_layer_alone_is_nothing_but_it(take, out):
    assert take(*two(), layer=1).files == 1
    assert set(snapshot(out)) == {b"", b"etc", b"etc/passwd"}
    # a folder that no entry describes is what engines make of it
    assert stat.S_IMODE((out / "etc").stat().st_mode) == 0o755


def test_up_to_a_layer(take, out):
    take(*two(), up_to=0)
    assert (out / "etc/shadow").exists()
    with pytest.raises(SelectionError):
        take(*two(), layer=2)


def test_a_hard_link_across_layers(take, out):
    result = take(base(), TarBuilder().hardlink("passwd", "etc/passwd"))
    assert result.hardlinks == 2
    assert (out / "passwd").samefile(out / "etc/passwd")


def test_times_have_nanoseconds_and_may_be_before_1970(take, out):
    layer = TarBuilder().raw(pax({b"mtime": b"1700000000.123456789"})).file("now", b"x")
    layer.raw(pax({b"mtime": b"-1.25"})).dir("then")
    layer.raw(pax({b"mtime": b"1700000001.5"})).symlink("link", "now")
    assert take(layer).told == []
    assert (out / "now").stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert (out / "then").stat().st_mtime_ns == -1_250_000_000
    assert (out / "link").lstat().st_mtime_ns == 1_700_000_001_500_000_000


def test_a_time_that_no_clock_has_is_told(take, out):
    result = take(TarBuilder().raw(pax({b"mtime": b"9" * 18})).file("late", b"x"))
    assert result.ok and result.files == 1
    assert (out / "late").read_bytes() == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into folders without rights")
def test_folders_without_rights_are_filled_first(take, out):
    layer = TarBuilder().dir("a", mode=0).dir("a/b", mode=0o111).file("a/b/c", b"1", mode=0)
    result = take(layer)
    assert (result.files, result.told) == (1, [])
    found = snapshot(out)
    assert found[b"a"][0] == "d---------"
    assert found[b"a/b"][0] == "d--x--x--x"
    assert found[b"a/b/c"][0] == "----------"


def test_modes_are_those_of_the_image_whatever_the_mask(take, out):
    os.umask(0o077)
    take(TarBuilder().file("a", mode=0o666).dir("d", mode=0o1777).file("d/e/f"))
    found = snapshot(out)
    assert [found[one][0] for one in (b"a", b"d", b"d/e")] == [
        "-rw-rw-rw-",
        "drwxrwxrwt",
        "drwxr-xr-x",
    ]


# Sparse files


def sparse(size: int) -> TarBuilder:
    first, second = b"a" * 4096, b"b" * 8192
    regions = [(8192, 4096), (1 << 20, 8192)]
    return TarBuilder().raw(gnu_sparse(b"holes", regions, first + second, size)).file("z", b"end")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_sparse_files_keep_their_holes(take, out, compression):
    size = 1 << 31
    result = take(sparse(size), compression=compression)
    assert (result.ok, result.content_bytes) == (True, 12_288 + 3)
    info = (out / "holes").stat()
    assert info.st_size == size
    assert info.st_blocks * 512 <= 64 * 1024
    with (out / "holes").open("rb") as file:
        head = file.read((1 << 20) + 10_000)
    assert head[:8192] == bytes(8192) and head[8192:12288] == b"a" * 4096
    assert head[1 << 20 :] == b"b" * 8192 + bytes(10_000 - 8192)
    assert (out / "z").read_bytes() == b"end"


def test_a_file_that_is_one_hole(take, out):
    take(TarBuilder().raw(gnu_sparse(b"hole", [(5_000_000, 0)], b"", 5_000_000)))
    info = (out / "hole").stat()
    assert (info.st_size, info.st_blocks) == (5_000_000, 0)


@pytest.mark.parametrize("lifted", [False, True])
def test_eight_exbibytes_neither_hang_nor_fill_anything(take, out, lifted):
    limits = Limits(layer_bytes=1 << 63) if lifted else Limits()
    with opened(out.parent / "in", sparse((1 << 63) - 1)) as (_, stack):
        stack.files._limits = limits
        result = extract(stack, out, limits=limits)
    if not (out / "holes").exists():
        assert [one.path for one in result.of(Outcome.FAILED)] == [b"holes"]
    assert (out / "z").read_bytes() == b"end"
    assert sum(one.lstat().st_blocks for one in out.iterdir()) < 1_000
    assert result.damaged is (not lifted)


def test_a_sparse_map_that_lies_fails_that_file_alone(take, out):
    wrong = gnu_sparse(b"wrong", [(8192, 4096), (0, 4096)], b"x" * 8192, 1 << 20)
    lines = b"999\n" + b"1\n" * 200
    endless = pax(
        {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"9999"}
    ) + entry(b"endless", lines.ljust(512, b"1"))
    layer = TarBuilder().raw(wrong).raw(endless).file("good", b"good").file("more", b"more")
    for compression in ("none", "gzip"):
        result = take(layer, compression=compression, force=True)
        assert sorted(one.path for one in result.of(Outcome.FAILED)) == [b"endless", b"wrong"]
        assert result.damaged
        assert set(snapshot(out)) == {b"", b"good", b"more"}
        assert (out / "good").read_bytes() + (out / "more").read_bytes() == b"goodmore"


# What is left out unless asked for


def risky() -> TarBuilder:
    return (
        TarBuilder()
        .file("su", b"#!", mode=0o4755)
        .file("wall", b"#!", mode=0o2755)
        .dir("tmp", mode=0o1777)
        .dir("shared", mode=0o2775)
        .char("null", 1, 3, mode=0o666)
        .block("sda", 8, 0)
        .fifo("pipe", mode=0o640)
    )


def test_set_user_id_devices_and_fifos_are_left_out_and_told(take, out):
    result = take(risky())
    assert [one.path for one in result.of(Outcome.SKIPPED)] == [b"null", b"pipe", b"sda"]
    assert [one.path for one in result.of(Outcome.ALTERED)] == [b"su", b"wall"]
    assert (result.ok, result.specials, result.files) == (True, 0, 2)
    found = snapshot(out)
    assert set(found) == {b"", b"su", b"wall", b"tmp", b"shared"}
    assert found[b"su"][0] == found[b"wall"][0] == "-rwxr-xr-x"
    assert (found[b"tmp"][0], found[b"shared"][0]) == ("drwxrwxrwt", "drwxrwsr-x")


@pytest.mark.skipif(not ROOT, reason="only root makes devices")
def test_they_are_made_when_asked_for(take, out):
    result = take(risky(), special=True)
    if not (out / "null").exists():
        pytest.skip("no devices can be made here")
    assert (result.told, result.specials) == ([], 3)
    found = snapshot(out)
    assert found[b"su"][0] == "-rwsr-xr-x" and found[b"wall"][0] == "-rwxr-sr-x"
    assert found[b"null"][0] == "crw-rw-rw-" and found[b"null"][4] == os.makedev(1, 3)
    assert found[b"sda"][0] == "brw-------" and found[b"sda"][4] == os.makedev(8, 0)
    assert found[b"pipe"][0] == "prw-r-----"


def test_a_device_with_numbers_that_none_has_fails_alone(take, out):
    layer = TarBuilder().char("odd", 2**40, 1).file("a", b"1").fifo("pipe")
    result = take(layer, special=True)
    assert [one.path for one in result.of(Outcome.FAILED)] == [b"odd"]
    assert set(snapshot(out)) == {b"", b"a", b"pipe"}


# Owners and attributes


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_owners_set_user_id_bits_and_attributes(take, out):
    layer = (
        TarBuilder()
        .dir("d", uid=12, gid=34)
        .file("d/f", b"x", mode=0o4711, uid=1234, gid=5678, mtime=77, xattrs={b"user.a": b"1"})
        .file("o", xattrs={b"trusted.overlay.opaque": b"y", b"user.overlay.opaque": b"y"})
        .symlink("l", "d")
        .file("odd", mode=0o4755, uid=2**32 - 1, gid=5)
    )
    result = take(layer, same_owner=True)
    found = snapshot(out)
    assert found[b"d"][1:3] == (12, 34)
    assert found[b"d/f"][:4] == ("-rws--x--x", 1234, 5678, 77 * 10**9)
    if "user.a" in os.listxattr(out / "d/f"):
        assert os.getxattr(out / "d/f", "user.a") == b"1"
    assert os.listxattr(out / "o") == []
    # an owner that cannot be given takes the rights that are tied to it along
    assert found[b"odd"][:3] == ("-rwxr-xr-x", 0, 0)
    assert {path for path, _ in told(result, Outcome.ALTERED)} >= {b"o", b"odd"}
    assert result.ok


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_without_being_asked_owners_and_attributes_are_left(take, out):
    layer = TarBuilder().file("f", uid=1234, gid=5678, xattrs={b"user.a": b"1"}).symlink("l", "f")
    assert take(layer).told == []
    assert snapshot(out)[b"f"][1:3] == (0, 0)
    assert os.listxattr(out / "f") == []


def test_same_owner_is_for_root(take, out, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(TargetError, match="only root"):
        take(base(), same_owner=True)
    assert not out.exists()


# Links that lead out


@pytest.mark.parametrize(
    ("path", "target", "out_of_it"),
    [
        ("l", "a", False),
        ("l", "/etc/passwd", True),
        ("l", "/", True),
        ("l", "..", True),
        ("l", "../x", True),
        ("d/l", "..", False),
        ("d/l", "../x", False),
        ("d/l", "../../x", True),
        ("d/l", "../d/../d/../../x", True),
        ("l", "nope/nope/../../x", False),
        ("l", "nope/../../x", True),
        ("l", "d/e/up/x", False),
        ("l", "d/e/up/../x", True),
        ("d/e/f/l", "up/../../x", True),
        ("l", "abs/x", True),
        ("l", "ring/../..", False),
        ("l", "", False),
    ],
)
def test_links_that_lead_out_are_counted(take, path, target, out_of_it):
    layer = (
        TarBuilder()
        .dir("d/e/f")
        .symlink("d/e/up", "../..")
        .symlink("d/e/f/up", "../../..")
        .symlink("abs", "/etc")
        .symlink("ring", "ring")
        .symlink(path, target)
    )
    result = take(layer)
    leading = {one.path.decode() for one in result.of(Outcome.LEADS_OUT)} - {"abs"}
    assert leading == ({path} if out_of_it else set())


def test_following_links_costs_what_it_may(take):
    """Each link leads through forty others of 4,000 bytes."""
    layer = TarBuilder()
    text = "d/../" * 780
    for i in range(40):
        layer.symlink(f"c{i}", f"{text}c{i + 1}" if i < 39 else "d")
    for i in range(3_000):
        layer.symlink(f"l{i}", "./c0/x")
    assert take(layer).symlinks == 3_040


# Limits and room


def test_limits(take, out):
    with pytest.raises(LimitExceededError) as caught:
        take(base(), limits=Limits(extracted_file_bytes=1_279_999))
    assert caught.value.actual == 1_280_000
    assert "/usr/lib/a.so" in str(caught.value)
    with pytest.raises(LimitExceededError) as caught:
        take(base(), limits=Limits(extracted_bytes=1_280_010))
    assert caught.value.actual == 1_280_011
    assert not out.exists()
    limits = Limits(extracted_file_bytes=1_280_000, extracted_bytes=1_280_011)
    assert take(base(), limits=limits).ok


def test_what_cannot_fit_is_not_begun(take, out, monkeypatch):
    real = os.statvfs(out.parent)

    def tight(path):
        values = list(real)
        values[1], values[2], values[3], values[4] = 4096, 10_000, 315, 315
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", tight)
    # 313 blocks for the large file, one each for two others
    assert take(base(), paths=["usr", "etc"]).ok
    shutil.rmtree(out)
    with pytest.raises(NoSpaceError, match=r"1,294,336 bytes do not fit: 1,290,240 are free"):
        take(base().file("more", b"1"), paths=["usr", "etc", "more"])
    assert not out.exists()


def test_sparse_files_count_as_what_is_stored(take, monkeypatch, out):
    real = os.statvfs(out.parent)

    def tight(path):
        values = list(real)
        values[1], values[2], values[3], values[4] = 4096, 10_000, 4, 4
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", tight)
    assert take(sparse(1 << 31)).ok


# Which tree


def test_a_stack_with_problems_is_refused(tmp_path, out):
    damaged = base().build()[:-30_000]
    with opened(tmp_path / "in", base(), damaged) as (_, stack):
        assert stack.problems
        with pytest.raises(ArchiveError, match="layer 1"):
            extract(stack, out)
    assert not out.exists()


def test_a_tree_whose_archive_is_closed(tmp_path, out):
    with opened(tmp_path / "in", base()) as (archive, _):
        tree = archive.tree()
    with pytest.raises(ArchiveError):
        extract(UnionTree(tree.root, tree.tables, tree.bases), out)


def test_an_empty_image(take, out):
    assert take().files == 0
    assert list(out.iterdir()) == []


def test_many_layers_each_read_once_and_in_order(tmp_path, out, monkeypatch):
    """Names and rows stand in opposite orders: the bytes are still read forward, in one pass."""
    from oci_inspect.layer.content import LayerFiles

    passes = []
    real = LayerFiles.tar
    monkeypatch.setattr(LayerFiles, "tar", lambda self: passes.append(self) or real(self))
    layers = []
    for i in range(3):
        layer = TarBuilder()
        for j in range(50):
            layer.file(f"{99 - j}-{i}", b"%d-%d" % (i, j) * 999)
        layers.append(layer)
    with opened(tmp_path / "in", *layers, compression="gzip") as (_, stack):
        assert extract(stack, out).files == 150
    assert len(passes) == 3
    for i in range(3):
        for j in range(50):
            assert (out / f"{99 - j}-{i}").read_bytes() == b"%d-%d" % (i, j) * 999


def test_names_of_all_bytes(take, out):
    names = [bytes([i]) for i in range(1, 256) if i not in b"./"] + [
        b"\xe9" * 255,
        b"-rf",
        b"C:..\\x",
    ]
    layer = TarBuilder()
    for name in names:
        layer.raw(pax({b"path": name}) + header(b"x", type=b"0", size=0, magic=GNU))
    assert take(layer).ok
    assert set(snapshot(out)) == {b"", *names}
