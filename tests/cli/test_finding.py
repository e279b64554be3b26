"""``ls``, ``find``, ``tree`` and ``cat`` against GNU find, du and cat on the same tree unpacked.

The tree is what ``docker export`` wrote of the image, unpacked by GNU tar.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, to_json
from support.tars import END, TarBuilder, entry, header, padded

from .conftest import PROGRAM
from .test_output import in_a_terminal

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
ADDED = {
    *(".dockerenv", "dev/console", "dev/pts", "dev/shm", "etc/hostname", "etc/hosts"),
    *("etc/mtab", "etc/resolv.conf"),
}
"""What a container has beside its image."""


@pytest.fixture(scope="module", name="root")
def _root(tmp_path_factory) -> Path:
    if shutil.which("find") is None or shutil.which("tar") is None:
        pytest.skip("no find or no tar on this machine")
    root = tmp_path_factory.mktemp("root")
    rootfs = REAL / "docker26-app.rootfs.tar"
    subprocess.run(["tar", "-xpf", rootfs, "-C", root], check=True)
    for name in sorted(ADDED, reverse=True):
        path = root / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    return root


def gnu_find(root: Path, *arguments: str) -> list[bytes]:
    """The paths that GNU find finds, from the root, sorted."""
    done = subprocess.run(
        ["find", ".", *arguments, "-print0"],
        cwd=root,
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return sorted(path.removeprefix(b".") for path in done.stdout.split(b"\0") if path != b".")[1:]


QUERIES = {
    "everything": ((), ()),
    "name": (("--name", "*.html"), ("-name", "*.html")),
    "two names": (
        ("--name", "s*", "--name", "?[po]*"),
        ("(", "-name", "s*", "-o", "-name", "?[po]*", ")"),
    ),
    "path": (("--path", "/s*l"), ("-path", "./s*l")),
    "files": (("--type", "f"), ("-type", "f")),
    "folders": (("--type", "d"), ("-type", "d")),
    "links and fifos": (("--type", "l,p"), ("-type", "l,p")),
    "classes": (("--name", "[[:lower:]]*[^p]"), ("-name", "[[:lower:]]*[^p]")),
    "brackets": (("--name", "[!a-m]?*[.-]*"), ("-name", "[!a-m]?*[.-]*")),
    "escapes": (("--name", r"with\ sp\ace"), ("-name", r"with\ sp\ace")),
    "range": (("--size", "+20", "--size", "-400"), ("-size", "+20c", "-size", "-400c")),
    "larger": (("--size", "+90"), ("-type", "f", "-size", "+90c")),
    "smaller": (("--size", "-90"), ("-type", "f", "-size", "-90c")),
    "exactly": (("--size", "90"), ("-type", "f", "-size", "90c")),
    "kilobytes": (("--size", "+20KiB"), ("-type", "f", "-size", "+20480c")),
    "setuid": (("--setuid",), ("-perm", "-4000", "!", "-type", "l")),
    "setgid": (("--setgid",), ("-perm", "-2000", "!", "-type", "l")),
    "writable": (("--world-writable",), ("-perm", "-0002", "!", "-type", "l")),
    "newer than a file": (("--newer", "/etc/passwd"), ("-newer", "etc/passwd")),
    "newer": (
        ("--newer", "2026-11-21T03:08:01Z"),
        ("-newermt", "2026-11-21 03:08:01 UTC"),
    ),
    "newer twice": (
        ("--newer", "2026-11-21T03:08:01Z", "--newer", "/etc/passwd"),
        ("-newermt", "2026-11-21 03:08:01 UTC", "-newer", "etc/passwd"),
    ),
    "all at once": (
        ("--type", "f", "--name", "*e*", "--size", "-20"),
        ("-type", "f", "-name", "*e*", "-size", "-20c"),
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_find_finds_what_gnu_find_finds(run, app, root, query):
    ours, theirs = QUERIES[query]
    wanted = gnu_find(root, *theirs)
    result = run("find", app, *ours, "-0")
    assert result.code == 0
    # The root is left out: what is unpacked lies in a folder of the test's own.
    assert sorted(path for path in result.out.split(b"\0")[:-1] if path != b"/") == wanted
    assert wanted or query in ("setgid", "writable", "brackets")


@pytest.mark.parametrize("owner", [("--user", "33"), ("--group", "33"), ("--user", "root")])
def test_find_by_owner(run, app, root, owner):
    if os.geteuid() != 0:
        pytest.skip("only root can unpack owners")
    wanted = gnu_find(root, owner[0].replace("--", "-"), owner[1])
    found = run("find", app, *owner, "-0").out.split(b"\0")[:-1]
    assert [path for path in found if path != b"/"] == wanted


def test_find_below_a_folder_and_through_a_link(run, tmp_path):
    tar = TarBuilder().file("usr/lib/a", b"1").file("usr/libx", b"2").symlink("lib", "usr/lib")
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    assert run("find", path, "/usr/lib").text == "/usr/lib\n/usr/lib/a\n"
    assert run("find", path, "/lib").text == "/usr/lib\n/usr/lib/a\n"
    assert run("find", path, "/usr/lib/a").text == "/usr/lib/a\n"
    assert run("find", path, "lib/nothing").code == 1


def test_listing_is_what_find_prints_of_each_entry(run, app, root):
    """Path, type, size of files, mode, time and target of links, by ``find -printf``."""
    done = subprocess.run(
        ["find", ".", "-mindepth", "1", "-printf", r"%P\t%y\t%s\t%m\t%T@\t%l\0"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    wanted = {}
    for line in done.stdout.decode().split("\0")[:-1]:
        name, kind, size, mode, time, target = line.split("\t")
        wanted[name] = (
            {"f": "file", "d": "directory", "l": "symlink", "p": "fifo"}[kind],
            int(size) if kind == "f" else 0,
            mode.zfill(4),
            None if kind == "d" else float(time),  # docker touches folders it adds to
            target or None,
        )
    from datetime import datetime

    entries = run("ls", app, "--format", "json").json["entries"]
    found = {
        one["path"]: (
            one["type"],
            one["size"],
            one["mode"],
            None
            if one["type"] == "directory"
            else datetime.fromisoformat(one["mtime"]).timestamp(),
            one["linkname"],
        )
        for one in entries
    }
    assert found == wanted
    paths = [one["path"].encode() for one in entries]
    assert paths == sorted(paths)


def test_first_column_of_the_long_form_is_that_of_ls(run, app, root):
    done = subprocess.run(
        ["ls", "-l", root / "site"], capture_output=True, check=True, text=True, encoding="utf-8"
    )
    wanted = [line.split()[0].rstrip(".+") for line in done.stdout.splitlines()[1:]]
    lines = run("ls", "-l", app, "/site").text.splitlines()[1:]
    names = sorted(os.listdir(root / "site"), key=os.fsencode)  # noqa: PTH208
    by_name = dict(zip(sorted(os.listdir(root / "site")), wanted, strict=True))  # noqa: PTH208
    shown = [line.split()[0] for line in lines]
    assert sorted(shown) == sorted(wanted)
    assert len(by_name) == len(names) == len(shown)


def test_cat_prints_what_lies_there(run, app, root):
    for path in sorted(root.rglob("*")):
        if path.is_file():
            result = run("cat", app, f"/{path.relative_to(root)}")
            assert (result.code, result.out) == (0, path.read_bytes()), path
    both = run("cat", app, "/etc/passwd", "site/style.css")
    assert both.out == (root / "etc/passwd").read_bytes() + (root / "site/style.css").read_bytes()


def test_tree_adds_up_what_du_adds_up(run, app, root):
    document = run("tree", app, "--format", "json", "--depth", "9").json["tree"]

    def check(node, folder: Path) -> None:
        files = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
        if folder.is_dir() and not folder.is_symlink():
            assert node["size"] == sum(one.lstat().st_size for one in files)
            assert node["files"] == len(files)
        sizes = [one["size"] for one in node["children"]]
        assert sizes == sorted(sizes, reverse=True)
        assert sum(one["size"] for one in node["layers"]) == node["size"]
        for one in node["children"]:
            check(one, root / one["path"])

    check(document, root)
    inside = {one["path"] for one in document["children"]}
    assert inside == set(os.listdir(root))  # noqa: PTH208


def test_a_file_with_two_names_is_counted_once(run, tmp_path):
    tar = TarBuilder().file("a/x", bytes(1000)).hardlink("b/y", "a/x").file("b/z", bytes(10))
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    tree = run("tree", path, "--format", "json").json["tree"]
    assert tree["size"] == 1010
    assert {one["path"]: one["size"] for one in tree["children"]} == {"a": 1000, "b": 10}
    links = {
        one["path"]: one["links"] for one in run("ls", path, "--format", "json").json["entries"]
    }
    assert links == {"a": 1, "a/x": 2, "b": 1, "b/y": 2, "b/z": 1}


def test_small_things_are_folded(run, tmp_path):
    tar = TarBuilder()
    for i in range(30):
        tar.file(f"d/{i:02}", bytes(i))
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    lines = run("tree", path, "--top", "3").text.splitlines()
    assert [line.split()[-1] for line in lines[3:6]] == ["29", "28", "27"]
    assert lines[6].endswith("└── 27 smaller")
    assert lines[6].split()[0] == f"{sum(range(27))}B"
    assert len(run("tree", path, "--all").text.splitlines()) == 33


def test_a_look_at_a_large_layer_reads_little(run, tmp_path):
    """Headers and the file itself: contents are passed over without being read."""
    path = tmp_path / "image.tar"
    layer = b"".join(
        (
            header(b"big", size=500_000_000),
            b"@CONTENT@",
            header(b"etc/small", size=1000),
            padded(b"x" * 1000),
            END,
        )
    )
    before, _, after = layer.partition(b"@CONTENT@")
    hole = 500_000_000 + -500_000_000 % 512
    size = len(before) + hole + len(after)
    config = to_json({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}})
    manifest = to_json([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l.tar"]}])
    with path.open("wb") as file:
        for name, document in ((b"manifest.json", manifest), (b"c.json", config)):
            file.write(entry(name, document))
        file.write(header(b"l.tar", size=size) + before)
        file.seek(hole, os.SEEK_CUR)
        file.write(after + bytes(-size % 512) + END)

    def bytes_read() -> int:
        fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(fields["rchar"])

    if not Path("/proc/self/io").exists():
        pytest.skip("this system does not count what is read")
    for arguments in (("cat", path, "etc/small"), ("ls", "-lR", path), ("tree", path)):
        run("--version")
        start = bytes_read()
        result = run(*arguments)
        assert result.code == 0
        assert bytes_read() - start < 5_000_000, arguments
    assert run("cat", path, "etc/small").out == b"x" * 1000


# Layers, and what is gone


@pytest.fixture(name="layered")
def _layered(tmp_path) -> Path:
    image = (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("d/one", b"1").file("d/two", b"22").file("keep", b"k"))
        .layer(TarBuilder().whiteout("d/one").file("keep", b"changed").dir("e").file("e/f", b"f"))
        .layer(TarBuilder().opaque("d").file("d/new", b"n").whiteout("e"))
    )
    return docker_archive(image).write_file(tmp_path / "image.tar")


def test_trees_after_each_layer(run, layered):
    def after(layer):
        return run("ls", "-R", layered, "--up-to", str(layer)).text.split()

    assert after(0) == ["/d", "/d/one", "/d/two", "/keep"]
    assert after(1) == ["/d", "/d/two", "/e", "/e/f", "/keep"]
    assert after(2) == after(-1) == ["/d", "/d/new", "/keep"]
    assert run("ls", "-R", layered).text.split() == after(2)
    assert run("cat", layered, "keep", "--up-to", "0").text == "k"


def test_layers_as_they_are(run, layered):
    def layer(number):
        entries = run("ls", layered, "--layer", number, "--format", "json").json["entries"]
        return [(one["path"], one["type"]) for one in entries]

    assert layer("1") == [
        ("d/one", "whiteout"),
        ("e", "directory"),
        ("e/f", "file"),
        ("keep", "file"),
    ]
    assert ("d", "opaque") in layer("2") and ("e", "whiteout") in layer("2")
    assert run("ls", layered, "--layer", "2").text.splitlines() == [
        "d",
        "d  (emptied here)",
        "e  (deleted here)",
    ]
    assert run("cat", layered, "/d/one", "--layer", "0").text == "1"


def test_what_is_gone_and_who_took_it(run, layered):
    entries = run("ls", layered, "--deleted", "--format", "json").json["entries"]
    found = [(one["path"], one["layer_index"], one["removed_in"], one["reason"]) for one in entries]
    assert found == [
        ("d/one", 0, 1, "deleted"),
        ("d/two", 0, 2, "opaque"),
        ("e", 1, 2, "deleted"),
        ("e/f", 1, 2, "deleted"),
        ("keep", 0, 1, "overwritten"),
    ]
    assert run("find", layered, "--deleted", "--name", "t*").text == (
        "/d/two  (layer 0, its folder was emptied in layer 2)\n"
    )
    earlier = run("find", layered, "--deleted", "--up-to", "1", "-0").out.split(b"\0")
    assert earlier == [b"/d/one", b"/keep", b""]
    tree = run("tree", layered, "--deleted", "--format", "json").json["tree"]
    assert tree["size"] == 1 + 2 + 1 + 1


def test_a_missing_file_is_exit_1_and_told_where_it_was(run, layered):
    result = run("cat", layered, "/d/one")
    assert result.code == 1
    assert "layer 0 had it" in result.problem
    assert "there is no /nothing" in run("ls", layered, "/nothing/at/all").problem
    assert run("cat", layered, "/d").code == 1
    assert "/keep is no folder" in run("ls", layered, "/keep/x").problem
    assert run("ls", layered, "/d/one", "--layer", "1").code == 0
    assert run("ls", layered, "/x", "--layer", "1").code == 1
    assert run("find", layered, "/x", "--deleted").code == 1


def test_options_that_contradict_each_other_are_refused(run, layered):
    for arguments in (
        ("ls", layered, "--layer", "1", "--up-to", "1"),
        ("ls", layered, "--layer", "1", "--deleted"),
        ("diff", layered, "--layer", "1", "--layers", "0..1"),
        ("ls", layered, "--layer", "3"),
        ("diff", layered, "--layers", "2..1"),
        ("diff", layered, "--layers", "x"),
        ("find", layered, "--type", "q"),
        ("find", layered, "--size", "big"),
        ("find", layered, "--user", "nobody"),
        ("cat", layered),
    ):
        result = run(*arguments)
        assert result.code == 2, arguments
        assert result.problem


def test_links_are_followed_inside_the_image_alone(run, tmp_path):
    tar = (
        TarBuilder()
        .file("etc/passwd", b"inside")
        .symlink("abs", "/etc/passwd")
        .symlink("up", "../../../../etc/passwd")
        .symlink("ring", "ring")
        .symlink("out", "/proc/self/environ")
    )
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    assert run("cat", path, "/abs").text == run("cat", path, "../up").text == "inside"
    assert "41 is over the limit of 40 for links" in run("cat", path, "ring").problem
    assert "there is no /proc" in run("cat", path, "out").problem
    assert run("ls", path, "abs").text == "/abs\n"
    assert run("ls", "-l", path, "abs").text.splitlines()[1].endswith("/abs -> /etc/passwd")


# diff and log


def test_diff_says_what_a_copy_on_write_cost(run, tmp_path):
    image = (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("big", bytes(40_000_000), mode=0o644), compression="gzip")
        .layer(TarBuilder().file("big", bytes(40_000_000), mode=0o600), compression="gzip")
    )
    path = docker_archive(image, style="skopeo").write_file(tmp_path / "i.tar")
    lines = run("diff", path, "--layer", "1").text.splitlines()
    assert lines[1] == "C  40MB  /big  (40MB stored again for: mode)"
    assert "40MB of it again" in lines[2]
    (change,) = run("diff", path, "--layer", "-1", "--format", "json").json["changes"]
    assert (change["why"], change["bytes"], change["copied"]) == (["mode"], 40_000_000, True)


def test_diff_of_layers_together(run, layered):
    lines = run("diff", layered, "--layers", "1..2", "-q").text.splitlines()
    assert lines == ["C /d", "A /d/new", "D /d/one", "D /d/two", "C /keep"]
    assert (
        run("diff", layered, "-q", "--layers", "1").text
        == run("diff", layered, "-q", "--layer", "1").text
    )


def test_log_tells_a_path_from_its_making_to_its_end(run, layered):
    assert run("log", layered, "/d/two", "-q").text == "0 added\n2 deleted\n"
    assert run("log", layered, "keep", "-q").text == "0 added\n1 changed\n"
    (_, end) = run("log", layered, "d/two", "--format", "json").json["events"]
    assert (end["reason"], end["unit"]) == ("opaque", "d")
    assert run("log", layered, "nothing").code == 1


# A terminal


def test_cat_to_a_terminal_prints_nothing_that_it_obeys(tmp_path):
    """In a pipe the same content is as it is."""
    hostile = b"\x1b]52;c;ZXZpbA==\x07 \x1b[2J\ttab\r\nline\xff\n\xc2\x9b31m"
    tar = TarBuilder().file("f", hostile)
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    shown = in_a_terminal(["cat", str(path), "f"], {})
    lines = shown.split("\n")
    assert lines == [
        "\\x1b]52;c;ZXZpbA==\\x07 \\x1b[2J\ttab\\r",
        "line\\xff",
        "\\x9b31m",
    ]
    piped = subprocess.run(
        [*PROGRAM, "cat", path, "f"], capture_output=True, check=True, stdin=subprocess.DEVNULL
    )
    assert piped.stdout == hostile


def test_names_stand_in_columns_on_a_terminal(tmp_path):
    tar = TarBuilder()
    for i in range(40):
        tar.file(f"file-{i:02}", b"")
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    lines = in_a_terminal(["ls", str(path)], {"NO_COLOR": "1"}, columns=60).splitlines()
    assert len(lines) == 7
    assert lines[0].split() == [f"file-{i:02}" for i in range(0, 40, 7)]
    assert max(map(len, lines)) <= 60


def test_find_begins_with_the_folder_it_is_given(run, tmp_path):
    tar = TarBuilder().dir("./", mode=0o777).dir("d", mode=0o2775).file("d/f", b"")
    path = docker_archive(ImageBuilder("a:1").layer(tar)).write_file(tmp_path / "i.tar")
    assert run("find", path).text == "/\n/d\n/d/f\n"
    assert run("find", path, "--world-writable").text == "/\n"
    assert run("find", path, "/d", "--setgid").text == "/d\n"
    assert [one["path"] for one in run("find", path, "--format", "json").json["entries"]] == [
        *("", "d", "d/f")
    ]


def test_sizes_in_bytes(run, app):
    lines = run("ls", "-lb", app, "/bin").text.splitlines()
    assert lines[1].split()[4] == "21904"
    assert run("find", app, "-l", "--bytes", "--name", "step").text.splitlines()[1].split()[4] == (
        "21904"
    )


def test_diff_of_one_path(run, layered):
    assert run("diff", layered, "/d", "-q", "--layers", "1..").text.splitlines() == [
        *("C /d", "A /d/new", "D /d/one", "D /d/two")
    ]
    assert run("diff", layered, "keep", "-q").text.splitlines() == ["A /keep", "C /keep"]
    assert (
        run("diff", layered, "-q", "--layers", "..0").text
        == run("diff", layered, "-q", "--layer", "0").text
    )
    assert run("diff", layered, "--layers", "").code == 2


@pytest.mark.parametrize("command", ["ls", "export", "cat", "analyze"])
def test_an_output_that_is_the_input_is_refused(run, app, tmp_path, command):
    archive, link, twin = tmp_path / "image.tar", tmp_path / "link", tmp_path / "twin"
    shutil.copy(app, archive)
    link.symlink_to(archive)
    os.link(archive, twin)
    more = ("/etc/passwd",) if command == "cat" else ()
    for output in (archive, link, twin):
        result = run(command, archive, *more, "-o", output)
        assert result.code == 2
        assert "is what is read" in result.problem
    assert archive.read_bytes() == app.read_bytes()
