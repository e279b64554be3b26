"""Images that mean harm, extracted in every way: nothing but the target folder ever changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tars import GNU, TarBuilder, gnu_sparse, header, pax
from support.trees import opened, snapshot

from oci_inspect import OciInspectError, extract

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into folders without rights"
)

Layers = tuple[TarBuilder | bytes, ...]


def named(name: bytes, content: bytes = b"evil", **more) -> TarBuilder:
    return TarBuilder().file(name, content, **more)


def dots() -> Layers:
    layer = TarBuilder()
    for name in ("../x", "../../x", "a/../../x", "/../x", "a/..", "..", "./..", "a/b/../../../x"):
        layer.file(name, b"evil").dir(name + "/y").symlink(name + "z", "..")
        layer.hardlink("h" + str(len(name)), name)
    return (layer,)


def absolute() -> Layers:
    where = str(Path.cwd())
    return (TarBuilder().file("/etc/evil").file("//evil").file(where + "/evil").dir("/", mode=0),)


def links_as_parents() -> Layers:
    one = TarBuilder()
    for i, target in enumerate(("..", "/", "../outside", "/tmp", "../../..", ".", "nowhere", "")):
        one.symlink(f"l{i}", target).file(f"l{i}/evil", b"evil").dir(f"l{i}/d")
        one.file(f"m{i}/evil", b"evil").symlink(f"m{i}", target)
        one.hardlink(f"l{i}/h", "l0").hardlink(f"k{i}", f"l{i}/passwd").file(f"k{i}", b"evil")
    return (one,)


def links_below_as_parents() -> Layers:
    (below,) = links_as_parents()
    above = TarBuilder()
    for i in range(8):
        above.file(f"l{i}/more", b"evil").file(f"k{i}/more", b"evil").hardlink(
            f"n{i}", f"l{i}/evil"
        )
    return below, above, TarBuilder().whiteout("l0").file("l0/x").opaque("l1").file("l2")


def hard_links() -> Layers:
    layer = TarBuilder().symlink("up", "../outside/f").symlink("deep", "../outside")
    for i, target in enumerate(
        ("../outside/f", "/etc/passwd", "up", "deep/f", "deep", "nowhere", "", ".", "/", f"h{9}")
    ):
        layer.hardlink(f"h{i}", target).file(f"h{i}", b"evil") if i % 2 else layer.hardlink(
            f"h{i}", target
        )
    return (layer.hardlink("self", "self").hardlink("r1", "r2").hardlink("r2", "r1"),)


def roots() -> Layers:
    return (
        TarBuilder().symlink(".", "/tmp").symlink("./", "..").symlink("/", "..").file("x", b"evil"),
        TarBuilder().file(".", b"evil").file("y").hardlink(".", "y").fifo(".").dir("."),
    )


def rings() -> Layers:
    return (
        TarBuilder()
        .symlink("a", "b")
        .symlink("b", "a")
        .symlink("c", "c/../..")
        .file("a/x", b"evil")
        .file("c/x", b"evil")
        .symlink("d", "./d"),
    )


def whiteouts() -> Layers:
    names = (".wh.", ".wh...", ".wh..", ".wh./x", ".wh..wh..opq", "a/.wh...", ".wh..wh.plnk/1")
    layer = TarBuilder().file("a/b", b"1")
    for name in names:
        layer.file(name, b"evil").symlink("s/" + name, "..").dir("d/" + name).fifo("f/" + name)
    return TarBuilder().file("a/c", b"2").symlink("s", "../outside"), layer


def devices() -> Layers:
    return (
        TarBuilder()
        .char("null", 1, 3)
        .block("disk", 8, 0)
        .fifo("p")
        .file("p/x", b"evil")
        .fifo("p2")
        .hardlink("p3", "p2")
        .file("null", b"evil")
        .char("neg", 2**33, 2**33)
        .hardlink("null2", "disk"),
    )


def twice() -> Layers:
    return (
        TarBuilder()
        .file("x", b"1")
        .symlink("x", "../outside/f")
        .file("x", b"2")
        .symlink("y", "../outside")
        .dir("y")
        .file("y/f", b"evil")
        .dir("z")
        .symlink("z", "../outside")
        .file("z/f", b"evil"),
    )


def names() -> Layers:
    layer = TarBuilder()
    for name in (b"File", b"file", b"FILE", "é".encode(), "e\u0301".encode(), b"C:..\\x", b"CON"):
        layer.file(name, b"1")
    for name in (b"a:b", b"a\nb", b"\x1b[2J", b"\r", b" ", b"-rf", b"~", b"*", b"\xff", b"$(id)"):
        layer.file(name, b"1").dir(b"d" + name).symlink(b"s" + name, name)
    for name in (b".oci-inspect.0000", b"a\0b", b"..\0/x", b"../outside\0x"):
        layer.raw(pax({b"path": name}) + header(b"n", type=b"0", magic=GNU))
    return (layer,)


def long_paths() -> Layers:
    deep = b"/".join([b"d" * 254] * 16)[:4096]
    layer = TarBuilder().file(deep[:-1] + b"f", b"1").file(b"n" * 255, b"1")
    layer.symlink("long", "x" * 4000).symlink("longer", b"y" * 4096)
    return (layer, TarBuilder().file(b"../" * 300 + b"x" * 200, b"evil"))


def deep_folders() -> Layers:
    path = "/".join(["d"] * 1000)
    return TarBuilder().file(path + "/f", b"1").hardlink("g", path + "/f"), named(b"d/d/d/x")


def bombs() -> Layers:
    layer = TarBuilder().raw(gnu_sparse(b"eib", [(0, 1), (2**62, 1)], b"ab", 2**63 - 1))
    layer.raw(gnu_sparse(b"tib", [(2**39, 1)], b"a", 2**39 + 1)).file("x", b"1")
    return (layer.raw(gnu_sparse(b"hole", [(2**39, 0)], b"", 2**39)),)


def rights() -> Layers:
    return (
        TarBuilder()
        .dir("a", mode=0)
        .file("a/su", b"evil", mode=0o7777, uid=2**40, gid=2**32 - 1)
        .dir("b", mode=0o7777, mtime=2**33)
        .file("b/x", mode=0o7777, xattrs={b"security.capability": b"x", b"": b"", b"nodot": b"1"}),
    )


CORPUS = (
    dots,
    absolute,
    links_as_parents,
    links_below_as_parents,
    hard_links,
    roots,
    rings,
    whiteouts,
    devices,
    twice,
    names,
    long_paths,
    deep_folders,
    bombs,
    rights,
)


def traps(out: Path, outside: Path, stack) -> None:
    """Put links that lead out where the image has something, and FIFOs nobody reads."""
    out.mkdir()
    tops = sorted({name for name in stack.tree().root if b"\0" not in name})
    for i, name in enumerate(tops):
        place = os.path.join(os.fsencode(out), name)  # noqa: PTH118
        kind = i % 4
        if kind == 3:
            os.mkfifo(place)
        else:
            aim = (outside, outside / "f", outside / "none")[kind]
            os.symlink(aim, place)  # noqa: PTH211


@pytest.mark.parametrize("special", [False, True], ids=["", "special"])
@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
@pytest.mark.parametrize("trapped", [False, True], ids=["", "trapped"])
@pytest.mark.parametrize("make", CORPUS, ids=lambda make: make.__name__)
def test_nothing_outside_of_the_folder_changes(
    make: Callable[[], Layers], tmp_path: Path, trapped: bool, force: bool, special: bool
) -> None:
    around = tmp_path / "around"
    outside = around / "outside"
    (outside / "d").mkdir(parents=True)
    (outside / "f").write_bytes(b"precious")
    (around / "f").write_bytes(b"precious")
    (outside / "passwd").write_bytes(b"precious")
    with opened(tmp_path / "in", *make()) as (_, stack):
        out = around / "out"
        if trapped:
            traps(out, outside, stack)
        else:
            out.mkdir()
        before = {
            path: thing[:4] + thing[5:] if path == b"" else thing
            for path, thing in snapshot(around).items()
            if path.partition(b"/")[0] != b"out"
        }
        trees = [stack.tree(), *(stack.tree(layer=i) for i in range(len(stack)))]
        same_owner = special and os.geteuid() == 0
        for tree in (*trees, *trees):
            try:
                extract(tree, out, force=force, special=special, same_owner=same_owner)
            except OciInspectError as error:
                assert "\n" not in str(error)
            after = {
                path: thing[:4] + thing[5:] if path == b"" else thing
                for path, thing in snapshot(around).items()
                if path.partition(b"/")[0] != b"out"
            }
            assert after == before
            left = [one for one in snapshot(out) if b"/.oci-inspect." in b"/" + one]
            assert [one for one in left if len(one.rpartition(b"/")[2]) > 20] == []


def test_a_1000_folders_deep_file_is_there(take, out):
    assert take(*deep_folders()).ok
    assert (out / "g").read_bytes() == b"1"


def test_a_path_of_4096_bytes_is_there(take, out):
    result = take(long_paths()[0])
    assert result.files == 2
    assert any(len(path) > 4_000 for path in snapshot_by_descriptors(out))


def snapshot_by_descriptors(out: Path) -> list[bytes]:
    found = []
    for place, folders, files, _ in os.fwalk(os.fsencode(out)):
        found += [place + b"/" + name for name in (*folders, *files)]
    return found


def test_many_names_of_one_file_and_many_files_of_one_folder(take, out):
    layer = TarBuilder().file("f", b"1")
    for i in range(3_000):
        layer.hardlink(f"d{i % 7}/{i}", "f")
    result = take(layer)
    assert (result.files, result.hardlinks) == (1, 3_000)
    assert (out / "d3/10").samefile(out / "f")
