"""What lies in the target folder already: it is not replaced unasked, and never led through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.tars import TarBuilder
from support.trees import snapshot

from oci_inspect import Outcome, TargetError


def image() -> TarBuilder:
    return (
        TarBuilder()
        .dir("d", mode=0o700, mtime=1)
        .file("d/f", b"new", mtime=2)
        .hardlink("d/g", "d/f")
        .symlink("l", "d/f")
        .file("top", b"new")
    )


def failed(result):
    return sorted(one.path for one in result.of(Outcome.FAILED))


@pytest.fixture(name="outside")
def _outside(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    (outside / "d").mkdir(parents=True)
    (outside / "f").write_bytes(b"precious")
    (outside / "d/f").write_bytes(b"precious")
    return outside


@pytest.mark.parametrize("kind", ["file", "link", "fifo", "dangling", "folder"])
@pytest.mark.parametrize("name", ["top", "l", "d/g"])
def test_nothing_is_replaced_unasked(take, out, outside, kind, name):
    place = out / name
    place.parent.mkdir(parents=True)
    if kind == "file":
        place.write_bytes(b"mine")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(outside / "f" if kind == "link" else "nowhere")
    before = snapshot(out.parent)
    with pytest.raises(TargetError) as caught:
        take(image())
    assert f"in the way: {name}: " in str(caught.value)
    after = snapshot(out.parent)
    assert {k: v for k, v in after.items() if not k.startswith(b"in") and k} == {
        k: v for k, v in before.items() if k
    }
    result = take(image(), force=True)
    assert failed(result) == ([name.encode()] if kind == "folder" else [])
    if kind != "folder":
        assert place.read_bytes() == b"new"
    assert (outside / "f").read_bytes() == b"precious"


def test_a_second_time_names_the_first_few(take, out):
    layer = TarBuilder()
    for i in range(2_000):
        layer.file(f"{i:04}")
    take(layer)
    with pytest.raises(TargetError, match=r"0000, 0001, 0002 and 1,997 more"):
        take(layer)
    assert take(layer, force=True).files == 2_000


def test_folders_that_are_there_are_used_and_left_as_they_are(take, out):
    (out / "d").mkdir(parents=True)
    (out / "d").chmod(0o751)
    (out / "d/mine").write_bytes(b"mine")
    os.utime(out / "d", (5, 5))
    result = take(image())
    assert (result.folders, result.files) == (0, 2)
    assert (out / "d").stat().st_mode & 0o777 == 0o751
    take(image(), force=True)
    assert (out / "d").stat().st_mode & 0o777 == 0o700
    assert (out / "d").stat().st_mtime == 1
    assert (out / "d/mine").read_bytes() == b"mine"


def test_a_parent_nobody_asked_for_keeps_its_mode_even_with_force(take, out):
    (out / "d").mkdir(parents=True)
    (out / "d").chmod(0o751)
    take(image(), paths=["d/f"], force=True)
    assert (out / "d").stat().st_mode & 0o777 == 0o751


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "fifo"])
def test_what_is_no_folder_is_never_gone_through_nor_replaced_by_one(take, out, outside, kind):
    out.mkdir()
    if kind == "file":
        (out / "d").write_bytes(b"mine")
    elif kind == "fifo":
        os.mkfifo(out / "d")
    else:
        (out / "d").symlink_to(outside / "d" if kind == "link" else outside / "none")
    before = (snapshot(outside), os.lstat(out / "d"))
    with pytest.raises(TargetError, match="in the way: d: "):
        take(image())
    result = take(image(), force=True)
    assert failed(result) == [b"d", b"d/f", b"d/g"]
    (reason,) = {one.reason for one in result.of(Outcome.FAILED)}
    link = kind in ("link", "dangling")
    assert reason == f"{'a symbolic link' if link else 'something that is no folder'} is in the way"
    assert before == (snapshot(outside), os.lstat(out / "d"))
    assert (out / "top").read_bytes() == b"new"


def test_the_folder_may_be_reached_through_a_link_that_its_owner_named(take, out, tmp_path):
    (tmp_path / "real").mkdir()
    out.symlink_to(tmp_path / "real")
    assert take(image()).ok
    assert (tmp_path / "real/d/f").read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["file", "link to a file", "below a file"])
def test_a_target_that_is_no_folder(take, out, tmp_path, kind):
    (tmp_path / "file").write_bytes(b"mine")
    if kind == "file":
        out.write_bytes(b"")
    elif kind == "link to a file":
        out.symlink_to(tmp_path / "file")
    else:
        out.symlink_to(tmp_path / "file/below")
    with pytest.raises(TargetError):
        take(image())
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_missing_folders_above_are_made(take, out):
    out = out / "a/b/c"
    from support.trees import opened

    from oci_inspect import extract

    with opened(out.parent.parent.parent.parent / "in", image()) as (_, stack):
        assert extract(stack, out).ok
    assert (out / "d/f").exists()


def test_a_link_that_appears_meanwhile_leads_nowhere(take, out, outside, monkeypatch):
    """Every part of a path is opened anew or held: swapping a folder for a link is met."""
    from oci_inspect.extraction import target

    monkeypatch.setattr(target, "_KEPT", 0)
    from oci_inspect.extraction.writing import Writer

    real = Writer._write_files

    def swap(self):
        (out / "d").rename(out / "e")
        (out / "d").symlink_to(outside / "d")
        real(self)

    monkeypatch.setattr(Writer, "_write_files", swap)
    before = snapshot(outside)
    result = take(image(), force=True)
    assert snapshot(outside) == before
    assert {b"d/f", b"d/g"} <= set(failed(result))


def test_a_file_that_appears_meanwhile_is_not_replaced(take, out, monkeypatch):
    from oci_inspect.extraction.writing import Writer

    real = Writer._write_files

    def rival(self):
        (out / "top").write_bytes(b"mine")
        real(self)

    monkeypatch.setattr(Writer, "_write_files", rival)
    result = take(image())
    assert failed(result) == [b"top"]
    assert (out / "top").read_bytes() == b"mine"


@pytest.mark.parametrize("error", [1, 95])  # EPERM, EOPNOTSUPP
def test_where_there_are_no_hard_links(take, out, monkeypatch, error):
    def link(*arguments, **more):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "link", link)
    result = take(image())
    assert failed(result) == [b"d/g"]
    assert {b"d/f", b"l", b"top"} < set(snapshot(out))
    result = take(image(), force=True)
    assert failed(result) == [b"d/f"]
    assert not [path for path in snapshot(out) if b".oci-inspect." in path]


def test_one_name_that_cannot_be_does_not_take_the_others_along(take, out):
    (out / "d/f").mkdir(parents=True)
    result = take(image(), force=True)
    assert failed(result) == [b"d/f"]
    assert (out / "d/g").read_bytes() == b"new"
    assert result.files == 2
