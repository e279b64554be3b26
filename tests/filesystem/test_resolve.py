"""Finding what lies at a path: as the kernel does in a chroot (path_resolution(7), symlink(7))."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.errors import LimitExceededError, PathError
from oci_inspect.filesystem.resolve import resolve
from oci_inspect.filesystem.tree import Folder, UnionTree
from oci_inspect.limits import Limits

TREES = 60
PATHS = 400  # for each tree

ASK = """
import json, os, sys
def ask(call, path):
    try:
        return call(os.fsencode(path)).st_ino
    except OSError as error:
        return -error.errno
for line in sys.stdin:
    root, paths = json.loads(line)
    sys.stdout.flush()
    if os.fork() == 0:
        os.chroot(root)
        os.chdir("/")
        print(json.dumps([[ask(os.stat, one), ask(os.lstat, one)] for one in paths]), flush=True)
        os._exit(0)
    os.wait()
"""
"""Asks the kernel, in a process of its own for each tree."""


def error_of(error: PathError) -> int:
    if error.missing:
        return errno.ENOENT
    assert error.problem.endswith("is no folder")
    return errno.ENOTDIR


def found(tree: UnionTree, path: str, *, follow: bool) -> str | int:
    """The real path, or the kernel's number for what is wrong, below zero."""
    try:
        real, node = resolve(tree, path.encode(), follow=follow)
    except LimitExceededError:
        return -errno.ELOOP
    except PathError as error:
        return -error_of(error)
    assert tree.lookup(real) is node or tree.lookup(real) == node
    return real.decode()


Spec = dict[str, str | None]
"""What is at each path: the target of a link, None for a folder, no text for a file."""


def make_tree(chance: random.Random) -> Spec:
    spec: Spec = {}
    folders = [""]
    names = ["a", "b", "c", "d"]
    for _ in range(chance.randint(3, 22)):
        folder = chance.choice(folders)
        path = f"{folder}/{chance.choice(names)}".lstrip("/")
        if path in spec:
            continue
        kind = chance.random()
        if kind < 0.35:
            spec[path] = None
            folders.append(path)
        elif kind < 0.5:
            spec[path] = ""
        else:
            spec[path] = make_path(chance, names)
    length = chance.randint(36, 44)
    for i in range(length):
        spec[f"k{i}"] = chance.choice(("", "", "/", "./", "../")) + f"k{i + 1}"
    spec[f"k{length}"] = chance.choice((None, "", "a", "missing", f"k{length}"))
    spec["here"] = chance.choice((".", "./", "/", "../.", "here2/.."))
    spec["here2"] = None
    return spec


def make_path(chance: random.Random, names: list[str]) -> str:
    parts = [
        chance.choice((*names, *names, "..", "..", ".", "", "x"))
        for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 5)))
    ]
    path = chance.choice(("", "", "/")) + "/".join(parts) + chance.choice(("", "", "", "/", "/."))
    return path or "/"


def make_query(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.1:
        return "here/" * chance.randint(38, 43) + chance.choice(("", "a", "here", "k39"))
    if kind < 0.2:
        return f"k{chance.randint(0, 44)}" + chance.choice(("", "/", "/..", "/a", "/../k40"))
    if kind < 0.25:
        return (
            "here/" * chance.randint(0, 5) + f"k{chance.randint(0, 9)}/" + make_path(chance, ["a"])
        )
    return make_path(chance, ["a", "b", "c", "d", "here"])


def write(spec: Spec, root: Path) -> dict[int, str]:
    """Make a tree on disk; return the path of each inode."""
    root.mkdir()
    for path, what in spec.items():
        place = root / path
        if what is None:
            place.mkdir()
        elif what == "":
            place.touch()
        else:
            place.symlink_to(what)
            assert os.readlink(place) == what  # noqa: PTH115 (it would drop slashes)
    return {root.stat().st_ino: "", **{(root / path).lstat().st_ino: path for path in spec}}


def tar_of(spec: Spec) -> TarBuilder:
    tar = TarBuilder()
    for path, what in spec.items():
        if what is None:
            tar.dir(path)
        elif what == "":
            tar.file(path)
        else:
            tar.symlink(path, what)
    return tar


@pytest.mark.skipif(not hasattr(os, "chroot") or os.geteuid() != 0, reason="only root may chroot")
def test_every_path_leads_where_the_kernel_finds_it(tmp_path: Path) -> None:
    specs, lines, inodes = [], [], []
    for seed in range(TREES):
        chance = random.Random(seed)
        spec = make_tree(chance)
        paths = [make_query(chance) for _ in range(PATHS)]
        inodes.append(write(spec, tmp_path / str(seed)))
        specs.append((spec, paths))
        lines.append(json.dumps([str(tmp_path / str(seed)), paths]))
    asked = subprocess.run(
        [sys.executable, "-c", ASK], input="\n".join(lines), capture_output=True, text=True
    )
    if "PermissionError" in asked.stderr:
        pytest.skip("this root may not chroot")
    assert asked.stderr == ""
    met = set()
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    for seed, ((spec, paths), known, told) in enumerate(zip(specs, inodes, answers, strict=True)):
        tree = Stack(tar_of(spec)).merged.tree
        for path, numbers in zip(paths, told, strict=True):
            for number, follow in zip(numbers, (True, False), strict=True):
                expected = known[number] if number > 0 else number
                assert found(tree, path, follow=follow) == expected, (seed, path, follow, spec)
                met.add(expected if isinstance(expected, int) else 0)
    assert met == {0, -errno.ENOENT, -errno.ENOTDIR, -errno.ELOOP}


# By hand


def tree() -> UnionTree:
    return Stack(
        TarBuilder()
        .file("usr/lib/x", b"x")
        .symlink("lib", "usr/lib")
        .symlink("abs", "/usr/lib")
        .symlink("up", "../../..//usr/./lib/")
        .symlink("usr/back", "..")
        .symlink("ring", "ring2")
        .symlink("ring2", "/ring")
        .symlink("self", "self")
        .symlink("nowhere", "none/at/all")
        .symlink("file", "usr/lib/x")
        .symlink("slashed", "usr/lib/x/")
        .fifo("pipe")
    ).merged.tree


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("", ""),
        ("/", ""),
        ("..", ""),
        ("/../../usr", "usr"),
        ("usr/lib/x", "usr/lib/x"),
        ("//usr///lib/.//x", "usr/lib/x"),
        ("lib/x", "usr/lib/x"),
        ("abs/x", "usr/lib/x"),
        ("up/x", "usr/lib/x"),
        ("lib/../lib/x", "usr/lib/x"),
        ("lib/..", "usr"),
        ("usr/back/usr/back/lib", "usr/lib"),
        ("file", "usr/lib/x"),
        ("lib/", "usr/lib"),
    ],
)
def test_links_are_followed_inside_the_root(path: str, real: str) -> None:
    assert found(tree(), path, follow=True) == real


@pytest.mark.parametrize(
    ("path", "real"),
    [("lib", "lib"), ("lib/", "usr/lib"), ("lib/.", "usr/lib"), ("usr/back/lib", "lib")],
)
def test_link_at_the_end_is_itself_if_so_wished_but_not_before_a_slash(
    path: str, real: str
) -> None:
    assert found(tree(), path, follow=False) == real


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("none", errno.ENOENT),
        ("none/..", errno.ENOENT),
        ("usr/lib/x/", errno.ENOTDIR),
        ("usr/lib/x/..", errno.ENOTDIR),
        ("usr/lib/x/y", errno.ENOTDIR),
        ("pipe/.", errno.ENOTDIR),
        ("slashed", errno.ENOTDIR),
        ("file/", errno.ENOTDIR),
        ("nowhere", errno.ENOENT),
        ("ring", errno.ELOOP),
        ("ring/x", errno.ELOOP),
        ("self", errno.ELOOP),
    ],
)
def test_what_leads_nowhere_says_why(path: str, number: int) -> None:
    assert found(tree(), path, follow=True) == -number


def test_messages_name_the_path_and_the_part_that_is_wrong() -> None:
    def said(path: str) -> str:
        with pytest.raises(PathError) as caught:
            tree().resolve(path)
        return str(caught.value)

    assert said("none") == "/none: no such file or folder"
    assert said("usr/none/x") == "/usr/none/x: no such file or folder: there is no /usr/none"
    assert said("nowhere") == "/nowhere: no such file or folder: there is no /none"
    assert said("lib/x/y") == "/lib/x/y: /usr/lib/x is no folder"
    with pytest.raises(LimitExceededError, match=r"^/ring: 41 is over the limit of 40 for links"):
        tree().resolve("ring")


@pytest.mark.parametrize(("links", "fits"), [(39, True), (40, True), (41, False)])
def test_forty_links_are_followed_and_no_more(links: int, fits: bool) -> None:
    tar = TarBuilder().dir("0")
    for i in range(links):
        tar.symlink(f"{i + 1}", f"{i}")
    tree = Stack(tar).merged.tree
    assert found(tree, f"{links}", follow=True) == ("0" if fits else -errno.ELOOP)
    # The last one is not followed, and does not count.
    assert found(tree, f"{links}", follow=False) == f"{links}"
    assert found(tree, f"{links}/", follow=False) == ("0" if fits else -errno.ELOOP)


def test_limit_on_links_can_be_set() -> None:
    with pytest.raises(LimitExceededError, match=r"1 is over the limit of 0 .*--limit links=N"):
        resolve(tree(), b"lib/x", limits=Limits(links=0))
    assert resolve(tree(), b"lib/x", limits=Limits(links=1))[0] == b"usr/lib/x"


def test_link_to_nothing_leads_nowhere() -> None:
    tree = Stack(TarBuilder().symlink("a", "")).merged.tree
    assert found(tree, "a", follow=False) == "a"
    with pytest.raises(PathError):
        resolve(tree, b"a")


def test_names_are_bytes_and_text_stands_for_utf_8() -> None:
    name = "h\u00e9/\udcff"
    raw = name.encode("utf-8", "surrogateescape")
    tree = Stack(TarBuilder().file(raw, b"1")).merged.tree
    assert tree.resolve(name).path == tree.resolve(raw).path == raw


def test_located_says_the_layer() -> None:
    stack = Stack(TarBuilder().dir("d"), TarBuilder().file("d/f").symlink("s", "d/f"))
    tree = stack.merged.tree
    assert tree.resolve("/s").layer_index == 1
    assert tree.resolve("/d").layer_index == 0
    root = tree.resolve("/")
    assert isinstance(root.node, Folder) and root.layer_index is None


@pytest.mark.parametrize(("path", "what"), [("/usr", "directory"), ("/pipe", "fifo")])
def test_only_regular_files_are_opened(path: str, what: str) -> None:
    with pytest.raises(PathError, match=f"no regular file but a {what}"):
        tree().open(path)


def test_path_of_a_million_parts_takes_a_moment() -> None:
    assert found(tree(), "usr/../" * 300_000 + "lib/x", follow=True) == "usr/lib/x"
