"""Two layers of one instruction held against each other, and what would make them the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.images import ImageBuilder
from support.results import analysis_of
from support.tars import END, TarBuilder, pax

from oci_inspect.comparison.compare import compare_images
from oci_inspect.comparison.results import Match, Rebuild

LINE = "RUN /bin/sh -c make # buildkit"


def rebuilds(
    folder: Path,
    one: TarBuilder | bytes,
    other: TarBuilder | bytes,
    *,
    compressions: Sequence[str] = ("none", "none"),
    lines: Sequence[str] = (LINE, LINE),
) -> tuple[Rebuild, ...]:
    """What is said of two layers of one instruction, and the other way round."""
    images = []
    for tar, compression, line in zip((one, other), compressions, lines, strict=True):
        image = ImageBuilder("a:1").layer(
            TarBuilder().file("base"), created_by="ADD b / # buildkit"
        )
        images.append(
            analysis_of(folder, image.layer(tar, compression=compression, created_by=line))
        )
    found = compare_images(images[0], images[1]).rebuilds
    back = compare_images(images[1], images[0]).rebuilds
    assert [(b.differ, b.added, b.removed, b.content, b.touched) for b in back] == [
        (f.differ, f.removed, f.added, f.content, f.touched) for f in found
    ]
    return found


def rebuild(folder: Path, one: TarBuilder | bytes, other: TarBuilder | bytes) -> Rebuild:
    (found,) = rebuilds(folder, one, other)
    assert (found.before, found.after) == (1, 1)
    return found


def tree(**fields: int) -> TarBuilder:
    tar = TarBuilder().dir("d", **fields).file("d/a", b"1" * 10, **fields)
    return tar.file("d/b", b"2" * 20, **fields)


def test_layers_of_the_same_bytes_are_not_told(tmp_path: Path) -> None:
    assert rebuilds(tmp_path, tree(), tree()) == ()
    assert rebuilds(tmp_path, tree(), tree(), compressions=("gzip", "gzip")) == ()


def test_layers_of_other_instructions_are_not_told(tmp_path: Path) -> None:
    assert rebuilds(tmp_path, tree(), tree(mtime=1), lines=(LINE, LINE.replace("k", "c"))) == ()


@pytest.mark.parametrize(
    ("fields", "word"), [({"mtime": 5}, "time"), ({"uid": 5}, "owner"), ({"gid": 5}, "owner")]
)
def test_metadata_alone(tmp_path: Path, fields: dict[str, int], word: str) -> None:
    found = rebuild(tmp_path, tree(), tree(**fields))
    assert found.differ == (word,)
    assert found.same_files
    assert (found.added, found.removed, found.content, found.touched) == (0, 0, 0, 3)
    assert found.examples == (b"d", b"d/a", b"d/b")


def test_times_below_the_second(tmp_path: Path) -> None:
    one, other = (
        TarBuilder().raw(pax({b"mtime": time})).file("a", b"1") for time in (b"7.25", b"7.5")
    )
    assert rebuild(tmp_path, one, other).differ == ("time",)


def test_modes(tmp_path: Path) -> None:
    one, other = (TarBuilder().file("a", b"1", mode=mode) for mode in (0o644, 0o664))
    assert rebuild(tmp_path, one, other).differ == ("mode",)


def test_extended_attributes(tmp_path: Path) -> None:
    other = TarBuilder().file("a", b"1", xattrs={b"security.selinux": b"x"})
    assert rebuild(tmp_path, TarBuilder().file("a", b"1"), other).differ == ("xattrs",)


def test_several_at_once_are_told_in_one_order(tmp_path: Path) -> None:
    one = TarBuilder().file("a", b"1", mode=0o600, uid=1, mtime=2).file("b", b"2")
    other = TarBuilder().file("b", b"2").file("a", b"1", xattrs={b"user.a": b"x"})
    assert rebuild(tmp_path, one, other).differ == ("time", "owner", "mode", "xattrs", "order")


def test_order_alone(tmp_path: Path) -> None:
    one = TarBuilder().file("a", b"1").file("b", b"2")
    other = TarBuilder().file("b", b"2").file("a", b"1")
    found = rebuild(tmp_path, one, other)
    assert (found.differ, found.touched, found.examples) == (("order",), 0, ())
    assert found.advice[0].startswith("order of the entries: sort")


def test_order_that_makes_another_name_the_file_and_the_first_the_link(tmp_path: Path) -> None:
    one = TarBuilder().file("a", b"1").hardlink("b", "a")
    other = TarBuilder().file("b", b"1").hardlink("a", "b")
    assert rebuild(tmp_path, one, other).differ == ("order",)


LONG = "long/" * 30 + "name"


def test_flavour_of_the_tar_alone(tmp_path: Path) -> None:
    """A long name as pax, GNU and ustar have it; GNU's magic; padding behind the end."""
    flavours = [
        TarBuilder(form).file(LONG, b"1").file("b", b"2").build()
        for form in ("pax", "gnu", "ustar")
    ]
    flavours.append(TarBuilder("ustar").file(LONG, b"1").file("b", b"2").build(END * 10))
    for i, one in enumerate(flavours):
        for other in flavours[:i]:
            found = rebuild(tmp_path, one, other)
            assert found.differ == ("tar",)
            assert found.same_files
            assert "headers or padding" in found.advice[0]


def test_entries_of_folders_that_one_leaves_out(tmp_path: Path) -> None:
    one = TarBuilder().dir("d").dir("d/e").file("d/e/f", b"1")
    found = rebuild(tmp_path, one, TarBuilder().file("d/e/f", b"1"))
    assert (found.differ, found.touched) == (("folders",), 2)
    empty = rebuild(tmp_path, TarBuilder().file("f").dir("proc"), TarBuilder().file("f"))
    assert (empty.differ, empty.same_files) == (("folders",), True)
    assert (empty.added, empty.removed) == (0, 0)
    root = rebuild(tmp_path, TarBuilder().dir("./").file("f"), TarBuilder().file("f"))
    assert root.differ == ("folders",)


def test_deletions(tmp_path: Path) -> None:
    """rm -rf of a folder that is made again: overlay2 says opaque, others delete name by name."""
    one = TarBuilder().dir("d").opaque("d").file("d/new", b"1")
    other = TarBuilder().dir("d").whiteout("d/old").file("d/new", b"1")
    found = rebuild(tmp_path, one, other)
    assert (found.differ, found.same_files) == (("deletions",), True)
    assert rebuild(
        tmp_path, TarBuilder().whiteout("d").file("f"), TarBuilder().file("f")
    ).differ == ("deletions",)


def test_whiteouts_of_another_time(tmp_path: Path) -> None:
    """containerd gives them the time of the build: a layer may differ in nothing else."""
    one, other = (TarBuilder().file(".wh.x", mtime=time).file("d/.wh..wh..opq") for time in (1, 2))
    assert rebuild(tmp_path, one, other).differ == ("time",)


def test_hard_links(tmp_path: Path) -> None:
    """cp -al: one storage driver keeps links, the other writes the file out twice."""
    one = TarBuilder().file("a", b"123").hardlink("b", "a")
    other = TarBuilder().file("a", b"123").file("b", b"123")
    found = rebuild(tmp_path, one, other)
    assert (found.differ, found.same_files) == (("links",), True)


def test_other_files(tmp_path: Path) -> None:
    one = TarBuilder().file("a", b"1").file("b", b"2").symlink("s", "x").file("gone").file("t")
    other = TarBuilder().file("a", b"9").file("b", b"2", mtime=5).symlink("s", "y").file("new")
    found = rebuild(tmp_path, one, other.fifo("t", mode=0o644))
    assert found.differ == ("files", "time")
    assert not found.same_files
    assert (found.added, found.removed, found.content, found.touched) == (1, 1, 3, 1)
    assert found.examples == (b"a", b"s", b"t", b"new", b"gone")


def test_same_tar_compressed_otherwise(tmp_path: Path) -> None:
    (found,) = rebuilds(tmp_path, tree(), tree(), compressions=("gzip", "gzip-members"))
    assert (found.differ, found.same_files) == (("compression",), True)
    assert found.advice[0].startswith("the same tar, compressed otherwise")
    (higher,) = rebuilds(
        tmp_path,
        TarBuilder().file("own", b"1").build(),
        TarBuilder().file("own", b"2").build(),
        compressions=("gzip", "zstd"),
    )
    assert higher.differ == ("files",)


@pytest.mark.parametrize("compressions", [("gzip", "none"), ("gzip", "zstd"), ("none", "zstd")])
def test_compression_of_another_kind_is_how_an_archive_was_saved(
    tmp_path: Path, compressions: tuple[str, str]
) -> None:
    """Nobody asked for the same bytes: that is no matter of the build."""
    assert rebuilds(tmp_path, tree(), tree(), compressions=compressions) == ()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("var/log/dpkg.log", "logs hold times"),
        ("var/cache/ldconfig/aux-cache", "caches hold times and inode numbers"),
        ("root/.cache/pip/http/0/1", "caches"),
        (".cache/x", "caches"),
        ("root/.npm/_logs/1", "caches"),
        ("var/lib/apt/lists/debian_InRelease", "package lists"),
        ("usr/lib/python3/__pycache__/a.cpython-311.pyc", "Python byte code"),
        ("etc/machine-id", "machine-id"),
        ("var/lib/dbus/machine-id", "machine-id"),
    ],
)
def test_contents_that_change_by_themselves_are_named(
    tmp_path: Path, path: str, words: str
) -> None:
    def layer(text: bytes, *more: str) -> TarBuilder:
        tar = TarBuilder().file(path, text)
        for one in more:
            tar.file(one)
        return tar

    other = "/".join([*path.split("/")[:-1], "other.pyc" if path.endswith("pyc") else "other"])
    for one, two in ((layer(b"1"), layer(b"2")), (layer(b"1"), TarBuilder().file("x"))):
        found = rebuild(tmp_path, one, two)
        assert found.differ == ("files",)
        assert len(found.advice) == 1 and words in found.advice[0]
    if path.count("/") > 1 and "machine-id" not in path:
        found = rebuild(tmp_path, layer(b"1"), layer(b"1", other))
        assert words in found.advice[0]


@pytest.mark.parametrize(
    "path", ["opt/log/x", "opt/x.pycharm", "usr/machine-id", "etc/machine-id.bak", "a.cache/x"]
)
def test_contents_of_which_nothing_is_known_have_no_advice(tmp_path: Path, path: str) -> None:
    found = rebuild(tmp_path, TarBuilder().file(path, b"1"), TarBuilder().file(path, b"2"))
    assert (found.differ, found.advice) == (("files",), ())


def test_times_of_files_that_changed_by_themselves_bring_no_advice_on_times(tmp_path: Path) -> None:
    one, other = (TarBuilder().file("var/log/x", bytes([t]), mtime=t) for t in (1, 2))
    found = rebuild(tmp_path, one, other)
    assert found.differ == ("files",)
    assert [one.partition(":")[0] for one in found.advice] == ["logs hold times"]


def test_rebuild_is_a_matter_of_the_same_instruction_not_of_the_same_place(tmp_path: Path) -> None:
    images = []
    for time, lines in ((1, "abc"), (2, "xabc")):
        made = ImageBuilder("a:1")
        for line in lines:
            made.layer(TarBuilder().file(line, mtime=time), created_by=f"RUN {line} # buildkit")
        images.append(analysis_of(tmp_path, made))
    found = compare_images(*images)
    assert [(pair.before, pair.after, pair.match) for pair in found.layers] == [
        (None, 0, None),
        (0, 1, Match.INSTRUCTION),
        (1, 2, Match.INSTRUCTION),
        (2, 3, Match.INSTRUCTION),
    ]
    assert [(one.before, one.after, one.differ) for one in found.rebuilds] == [
        (0, 1, ("time",)),
        (1, 2, ("time",)),
        (2, 3, ("time",)),
    ]
