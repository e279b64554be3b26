"""Whole trees: those of real engines beside what GNU tar makes of their export, and random ones."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tars import TarBuilder
from support.trees import opened, snapshot

from oci_inspect import extract, open_archive

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
BY_A_CONTAINER = {b"dev", b"etc", b"proc", b"sys"}
"""Folders that an engine makes, or writes into, when it makes a container."""


def of_the_image(found: dict, names: set[bytes]) -> dict:
    return {path: thing for path, thing in found.items() if path in names}


@pytest.mark.parametrize(
    ("archive", "rootfs"),
    [
        ("docker26-app.tar", "docker26-app.rootfs.tar"),
        ("docker26-app.tar.gz", "docker26-app.rootfs.tar"),
        ("docker20-app.tar", "docker20-app.rootfs.tar"),
    ],
)
def test_a_real_image_is_what_docker_export_and_tar_make_of_it(tmp_path, archive, rootfs):
    if shutil.which("tar") is None:
        pytest.skip("no tar here")
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    words = ["tar", "-xpf", str(REAL / rootfs), "-C", str(theirs), "--no-same-owner"]
    subprocess.run(words, check=True)
    with open_archive(REAL / archive, keep=True) as opened_archive:
        extract(opened_archive.tree(opened_archive.images[0]), ours, special=True)
    expected, found = snapshot(theirs), snapshot(ours)
    # what a container adds, and the time of folders that it is added to
    added = expected.keys() - found.keys()
    assert all(path.partition(b"/")[0] in (*BY_A_CONTAINER, b".dockerenv") for path in added), added
    for path in found.keys() - {b""}:
        kind = str(found[path][0])[0]
        if path in BY_A_CONTAINER:
            assert str(expected[path][0])[0] == kind == "d"
        elif kind == "d":
            assert (found[path][0], found[path][4]) == (expected[path][0], expected[path][4])
        else:
            ours_is, theirs_is = list(found[path]), list(expected[path])
            # an export has whole seconds
            assert ours_is[3] // 10**9 == theirs_is[3] // 10**9
            ours_is[3] = theirs_is[3] = None
            assert ours_is == theirs_is, path


names = st.sampled_from(["a", "b", "c", "é", "-x"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
modes = st.sampled_from([0o644, 0o755, 0o000, 0o777, 0o1600])
entries = st.one_of(
    st.tuples(st.just("file"), paths, modes, st.binary(max_size=9), st.integers(0, 2**33)),
    st.tuples(st.just("dir"), paths, modes, st.just(b""), st.integers(0, 2**33)),
    st.tuples(st.just("link"), paths, modes, st.just(b""), st.integers(0, 2**33)),
)


class Model:
    """What unpacking does, on a dictionary: no entry has a link among its parents."""

    def __init__(self) -> None:
        self.things: dict[str, tuple] = {}
        self.tar = TarBuilder()

    def add(self, kind: str, path: str, mode: int, content: bytes, when: int) -> None:
        parents = ["/".join(path.split("/")[:i]) for i in range(1, path.count("/") + 1)]
        if any(self.things.get(one, ("d",))[0] != "d" for one in parents) or path in self.things:
            return
        for one in parents:
            self.things.setdefault(one, ("d", 0o755, None, None))
        files = sorted(one for one, thing in self.things.items() if thing[0] == "f")
        if kind == "file":
            self.things[path] = ("f", mode, when, [content])
            self.tar.file(path, content, mode=mode, mtime=when)
        elif kind == "dir":
            self.things[path] = ("d", mode, when, None)
            self.tar.dir(path, mode=mode, mtime=when)
        elif when % 2 and files:
            first = files[when % len(files)]
            self.things[path] = self.things[first]
            self.tar.hardlink(path, first)
        else:
            self.things[path] = ("l", None, when, f"../{mode}")
            self.tar.symlink(path, f"../{mode}", mtime=when)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into folders without rights")
@settings(max_examples=60)
@given(st.lists(entries, max_size=25), st.sampled_from(["none", "gzip"]))
def test_random_trees_are_what_the_model_says(some, compression):
    model = Model()
    for one in some:
        model.add(*one)
    folder = Path(tempfile.mkdtemp())
    try:
        with opened(folder / "in", model.tar, compression=compression) as (_, stack):
            result = extract(stack, folder / "out")
        assert result.ok and result.folders == sum(v[0] == "d" for v in model.things.values())
        there = {str(one.relative_to(folder / "out")) for one in (folder / "out").rglob("*")}
        assert there == model.things.keys()
        inodes: dict[int, int] = {}
        for path, (kind, mode, when, content) in model.things.items():
            place = folder / "out" / path
            info = place.lstat()
            if when is not None:
                assert info.st_mtime_ns == when * 10**9
            if kind == "l":
                assert str(place.readlink()) == content
                continue
            assert stat.S_IMODE(info.st_mode) == mode
            if kind == "f":
                assert place.read_bytes() == content[0]
                assert inodes.setdefault(id(content), info.st_ino) == info.st_ino
        assert len(set(inodes.values())) == len(inodes) == result.files
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
