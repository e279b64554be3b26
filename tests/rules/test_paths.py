"""Paths in layers: against a walk over the tree after each layer, with patterns of another make."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.counting import calls
from support.images import ImageBuilder, docker_archive
from support.naive_merge import Op
from support.random_layers import LAYERS, tar_of
from support.tars import TarBuilder, entry

from oci_inspect import Analysis, analyze, open_archive
from oci_inspect.filesystem.tree import Folder
from oci_inspect.rules.judging import judge
from oci_inspect.rules.model import Setting, Verdict
from oci_inspect.rules.paths import setuid_files
from oci_inspect.rules.patterns import Patterns

PATTERNS = ["a", "**/a", "a/b", "*/b", "**/b/c", "b/**", "**", "[ab]/", "**/c/", "?/?/?", "x"]


def naive(pattern: str, path: str, *, folder: bool) -> bool:
    """Whether a path matches, part by part; what is in a folder that matches does as well."""
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        is_folder = folder or count < len(parts)
        if pattern.endswith("/") and not is_folder:
            continue
        if _match([one for one in pattern.split("/") if one], parts[:count]):
            return True
    return False


def _match(pattern: list[str], parts: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(parts)
        return any(_match(pattern[1:], parts[i:]) for i in range(len(parts) + 1))
    return (
        bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _match(pattern[1:], parts[1:])
    )


def verdict(analysis: Analysis, rule: str, *patterns: str) -> Verdict:
    check = judge(analysis.images[0], [Setting(rule, patterns)], analysis.archive)
    return check.verdicts[-1]


def covered(found: Verdict, path: str) -> bool:
    """Whether a path is one of the items, or in a folder that is."""
    return any(
        path == item.path.decode().rstrip("/")
        or path.startswith(item.path.decode().rstrip("/") + "/")
        for item in found.items
        if item.path is not None
    )


@given(LAYERS, st.sampled_from(PATTERNS))
@settings(max_examples=250)
def test_what_was_ever_there_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Op]], pattern: str
) -> None:
    image = ImageBuilder("a:1")
    for layer in layers:
        image.layer(tar_of(layer))
    path = docker_archive(image).write_file(tmp_path_factory.mktemp("paths") / "a.tar")
    seen: dict[str, set[str]] = {"forbid-paths": set(), "forbid-paths-in-layers": set()}
    with open_archive(path) as archive:
        for height in range(len(layers)):
            for one in archive.tree(up_to=height).walk():
                name = one.path.decode()
                if naive(pattern, name, folder=isinstance(one.node, Folder)):
                    seen["forbid-paths-in-layers"].add(name)
                    if height == len(layers) - 1:
                        seen["forbid-paths"].add(name)
        analysis = archive.analyze()
    for rule, paths in seen.items():
        found = verdict(analysis, rule, pattern)
        assert found.passed is not bool(found.items)
        if len(found.items) < 100:
            assert all(covered(found, one) for one in paths)
        for item in found.items:
            assert item.path is not None
            name = item.path.decode().rstrip("/")
            assert name in paths or _twice(layers, name)


def _twice(layers: list[list[Op]], name: str) -> bool:
    """Whether a layer may hold a path twice: the first of the two is in no tree."""
    return any(
        sum(op.path.startswith(name) or name.startswith(op.path) for op in layer) > 1
        for layer in layers
    )


def made(tmp_path: Path, *layers: TarBuilder) -> Analysis:
    image = ImageBuilder("a:1")
    for i, layer in enumerate(layers):
        image.layer(layer, created_by=f"RUN step{i}")
    return analyze(docker_archive(image).write_file(tmp_path / "image.tar"))


def test_a_path_through_a_link_is_where_it_leads(tmp_path: Path) -> None:
    """Layer 0 writes through a link of its own, layer 1 deletes it there."""
    analysis = made(
        tmp_path,
        TarBuilder().dir("real").symlink("link", "real").file("link/id_rsa", b"12345"),
        TarBuilder().whiteout("real/id_rsa"),
    )
    assert verdict(analysis, "forbid-paths", "**/id_rsa").passed is True
    found = verdict(analysis, "forbid-paths-in-layers", "**/id_rsa")
    (item,) = found.items
    assert (item.path, item.layer_index, item.size) == (b"real/id_rsa", 0, 5)
    assert "deleted in layer 1" in item.text


def test_a_repository_that_was_copied_and_deleted(tmp_path: Path) -> None:
    analysis = made(
        tmp_path,
        TarBuilder().file("app/.git/config", b"123").file("app/.git/objects/aa/1", b"4567"),
        TarBuilder().file(".git/HEAD", b"1").file("app/.gitignore", b"1"),
        TarBuilder().whiteout("app/.git"),
    )
    found = verdict(analysis, "forbid-paths-in-layers", "**/.git")
    assert [(item.path, item.layer_index, item.size) for item in found.items] == [
        (b"app/.git/", 0, 7),
        (b".git/", 1, 1),
    ]
    assert found.actual == 2
    assert found.advice == "leave it out of step 1: RUN step0"
    live = verdict(analysis, "forbid-paths", "**/.git")
    assert [item.path for item in live.items] == [b".git/"]


def test_names_of_one_file_count_its_bytes_once(tmp_path: Path) -> None:
    layer = TarBuilder().file("keys/a", bytes(1000)).hardlink("keys/b", "keys/a")
    analysis = made(tmp_path, layer, TarBuilder().whiteout("keys"))
    for pattern in ("keys", "keys/"):
        (item,) = verdict(analysis, "forbid-paths-in-layers", pattern).items
        assert item.size == 1000
    live = made(tmp_path, layer)
    (item,) = verdict(live, "forbid-paths", "keys").items
    assert item.size == 1000


def test_a_million_paths_are_counted_and_a_hundred_told(tmp_path: Path) -> None:
    layer = TarBuilder()
    for i in range(3000):
        layer.file(f"f{i}", b"x", mode=0o4755)
    analysis = made(tmp_path, layer, TarBuilder().file("f7", b"yy"))
    for rule in ("forbid-paths", "forbid-paths-in-layers"):
        found = verdict(analysis, rule, "f*")
        assert (found.actual, len(found.items)) == (3000, 100)
        assert found.items[0].path == b"f7"
    found = verdict(analysis, "allow-setuid", "/f1*")
    assert found.actual == 3000 - 1 - 1111  # f7 is plain now; f1, f1?, f1??, f1???
    assert len(found.items) == 100


def test_setuid_files_are_those_of_the_merged_tree(tmp_path: Path) -> None:
    analysis = made(
        tmp_path,
        TarBuilder()
        .file("su", b"", mode=0o4755)
        .file("wall", b"", mode=0o2755)
        .file("gone", b"", mode=0o4755)
        .dir("shared", mode=0o2775)
        .hardlink("again", "su")
        .file("plain", b"", mode=0o1755),
        TarBuilder().whiteout("gone"),
    )
    paths = sorted(path for path, *_ in setuid_files(analysis.images[0].tree))
    assert paths == [b"again", b"su", b"wall"]
    assert verdict(analysis, "allow-setuid", "/su", "/wall").actual == 1


def test_hard_links_whose_header_is_setuid_make_their_file_setuid(tmp_path: Path) -> None:
    """What moby's, containerd's and containers/storage's unpackers do: chmod by each header."""
    links = (
        TarBuilder()
        .file("bin/su", b"12345")
        .raw(entry(b"evil", type=b"1", linkname=b"bin/su", mode=0o6755))
        .file("bin/plain", b"")
        .hardlink("same", "bin/plain")
        .raw(entry(b"nothing", type=b"1", linkname=b"not/there", mode=0o6755))
    )
    found = verdict(made(tmp_path, links), "allow-setuid")
    assert [(item.path, item.size) for item in found.items] == [(b"bin/su", 5), (b"evil", 5)]
    assert "mode 6755 by a hard link" in found.items[0].text
    for gone in ("evil", "bin/su"):
        analysis = made(tmp_path, links, TarBuilder().whiteout(gone))
        assert verdict(analysis, "allow-setuid", "/bin/su", "/evil").passed is True
        (item,) = verdict(analysis, "allow-setuid").items
        assert item.path == ({b"evil", b"bin/su"} - {gone.encode()}).pop()
    rewritten = TarBuilder().file("bin/su", b"1").file("evil", b"2")
    assert verdict(made(tmp_path, links, rewritten), "allow-setuid").passed is True
    linked_anew = TarBuilder().file("bin/su", b"1").hardlink("evil", "bin/su")
    assert verdict(made(tmp_path, links, linked_anew), "allow-setuid").passed is True


def test_hard_links_through_links_of_folders(tmp_path: Path) -> None:
    layer = (
        TarBuilder()
        .file("usr/bin/su", b"")
        .symlink("bin", "usr/bin")
        .raw(entry(b"bin/evil", type=b"1", linkname=b"bin/su", mode=0o4755))
    )
    found = verdict(made(tmp_path, layer), "allow-setuid")
    assert [item.path for item in found.items] == [b"usr/bin/evil", b"usr/bin/su"]


def linked() -> TarBuilder:
    return (
        TarBuilder()
        .file("usr/bin/nc", b"123", mode=0o4755)
        .symlink("bin", "usr/bin")
        .symlink("root", "/home/root")
        .file("home/root/.npmrc", b"1")
        .file("home/root/.ssh/id", b"1")
        .symlink("a", "a")
        .symlink("odd", "x[1]")
        .file("x[1]/y", b"")
        .file("x1/y", b"")
        .symlink("top", "/")
    )


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/bin/nc", [b"usr/bin/nc"]),
        ("bin/n*", [b"usr/bin/nc"]),
        ("/bin/**", [b"usr/bin/nc"]),
        ("top/bin/nc", [b"usr/bin/nc"]),
        ("/root/.npmrc", [b"home/root/.npmrc"]),
        ("/root/.ssh/", [b"home/root/.ssh/"]),
        ("/bin", [b"bin"]),
        ("/bin/", [b"usr/bin/"]),
        ("/top/", []),
        ("/a/x", []),
        ("/odd/y", [b"x[1]/y"]),
        ("/ro[o]t/.npmrc", []),
        ("/bin/none", []),
    ],
)
def test_links_in_front_of_patterns_are_followed(
    tmp_path: Path, pattern: str, paths: list[bytes]
) -> None:
    """By hand, as ls has it in a chroot."""
    analysis = made(tmp_path, linked())
    for rule in ("forbid-paths", "forbid-paths-in-layers"):
        assert [item.path for item in verdict(analysis, rule, pattern).items] == paths


def test_links_are_followed_to_what_was_deleted(tmp_path: Path) -> None:
    gone = TarBuilder().whiteout("home").whiteout("usr/bin/nc")
    analysis = made(tmp_path, linked(), gone)
    for pattern, path in (("/root/.npmrc", b"home/root/.npmrc"), ("/bin/nc", b"usr/bin/nc")):
        assert verdict(analysis, "forbid-paths", pattern).passed is True
        (item,) = verdict(analysis, "forbid-paths-in-layers", pattern).items
        assert item.path == path and "deleted in layer 1" in item.text


def test_a_list_of_setuid_files_may_name_them_over_links(tmp_path: Path) -> None:
    analysis = made(tmp_path, linked())
    assert verdict(analysis, "allow-setuid", "/bin/nc").passed is True
    assert verdict(analysis, "allow-setuid", "/bin/su").passed is False


# In step with the paths: counted, not timed


def _steps(work: Callable[[], object]) -> int:
    work()  # what is imported or remembered at the first time
    return calls(work)


def test_depth_of_lost_and_setuid_files_costs_each_folder_once(tmp_path: Path) -> None:
    def steps(depth: int) -> int:
        above = "/".join(["d"] * depth)
        layer = TarBuilder()
        for i in range(100):
            layer.file(f"{above}/f{i}", b"", mode=0o4755)
        live = made(tmp_path, layer)
        lost = made(tmp_path, layer, TarBuilder().whiteout("d"))
        count = _steps(lambda: verdict(live, "allow-setuid", "**/x", "**/y*"))
        return count + _steps(lambda: verdict(lost, "forbid-paths-in-layers", "**/x", "**/y*"))

    assert steps(150) - steps(50) < 100 * 100


def test_folders_in_turn_are_stepped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    step = Patterns.step

    def counting(self: Patterns, state: int, name: bytes) -> int:
        nonlocal counted
        counted += 1
        return step(self, state, name)

    monkeypatch.setattr(Patterns, "step", counting)
    patterns = Patterns([b"**/x"])
    ends = [b"/".join([b"d"] * 100 + [end]) for end in (b"a", b"b")]
    for i in range(100):
        assert patterns.prefix(ends[i % 2] + b"/%d" % i, folder=False) is None
    assert counted == 100 + 2 + 100


def test_many_patterns_take_one_step_together(tmp_path: Path) -> None:
    layer = TarBuilder()
    for i in range(500):
        layer.file(f"d/f{i}", b"", mode=0o4755)
    analysis = made(tmp_path, layer)

    def steps(count: int) -> int:
        patterns = [f"**/x{i}" for i in range(count)]
        return _steps(lambda: verdict(analysis, "allow-setuid", *patterns))

    assert steps(200) - steps(100) < 100 * 500 / 2


@given(
    st.lists(st.sampled_from([*PATTERNS, "a*/**/[!c]", "**/a/**/b"]), max_size=5),
    st.lists(st.sampled_from(["a", "b", "c", "ab"]), min_size=1, max_size=5),
    st.booleans(),
)
def test_patterns_together_are_what_each_is_alone(
    chosen: list[str], parts: list[str], folder: bool
) -> None:
    patterns = Patterns([one.encode() for one in chosen])
    expected = None
    for count in range(len(parts), 0, -1):
        is_folder = folder or count < len(parts)
        for one in chosen:
            if (is_folder or not one.endswith("/")) and _match(
                [part for part in one.split("/") if part], parts[:count]
            ):
                expected = "/".join(parts[:count]).encode()
    for _ in range(2):
        assert patterns.prefix("/".join(parts).encode(), folder=folder) == expected
