"""The merged file system as one tar, held against engines, other readers, and what was put in."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.archives import FORMS, delivered
from support.images import COMPRESSIONS, Archive, ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder, gnu_sparse, header, pax
from support.terminals import open_terminal

from oci_inspect import (
    ArchiveError,
    Progress,
    SelectionError,
    analyze,
    export_tar,
    open_archive,
)
from oci_inspect.cli import run as run_command_line
from oci_inspect.errors import CorruptStreamError
from oci_inspect.layer.listing import list_layer
from oci_inspect.limits import KIB, MIB
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent / "fixtures" / "real"
ROOT = Path(__file__).parent.parent

ADDED = {".dockerenv"} | {f"etc/{name}" for name in ("hosts", "hostname", "resolv.conf", "mtab")}
"""What docker adds to a container, beside all that is in dev."""
MOUNTED = {"dev", "proc", "sys"}
"""What it makes where the image lacks it."""


def exported(
    path: Path | str,
    image: str | None = None,
    *,
    up_to: int | None = None,
    layer: int | None = None,
) -> bytes:
    """The export of an archive's image, through the library."""
    from oci_inspect.archive.selection import select_one

    pieces: list[bytes] = []
    with open_archive(path, keep=True) as archive:
        chosen = select_one(archive.images, image)
        export_tar(archive.tree(chosen, up_to=up_to, layer=layer), pieces.append)
    return b"".join(pieces)


def of_layers(*tars: TarBuilder | bytes, compression: str = "none") -> ImageBuilder:
    image = ImageBuilder("example/app:1")
    for tar in tars:
        image.layer(tar, compression=compression)
    return image


def written(folder: Path, archive: Archive) -> Path:
    return archive.write_file(folder / "image.tar")


def export_of(folder: Path, *tars: TarBuilder | bytes, compression: str = "none") -> bytes:
    return exported(written(folder, oci_layout(of_layers(*tars, compression=compression))))


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    """What Python's reader finds, each path once."""
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as tar:
        found = list(tar)
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def content(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as tar:
        opened = tar.extractfile(name)
        assert opened is not None
        return opened.read()


# What engines made of the same images


def on_disk(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: type, mode, owner, size, time, link, content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        kind = stat.S_IFMT(info.st_mode)
        link = os.readlink(path) if kind == stat.S_IFLNK else ""  # noqa: PTH115
        data = path.read_bytes() if kind == stat.S_IFREG else b""
        links = info.st_nlink if kind == stat.S_IFREG else 1
        # docker cuts times to seconds, and gives a link its own
        time = int(info.st_mtime) if kind == stat.S_IFREG else 0
        found[str(path.relative_to(folder))] = (
            *(kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid),
            *(len(data), time, link, info.st_rdev, links, data),
        )
    return found


def unpack(tar: bytes, folder: Path, program: str = "tar", *more: str) -> Path:
    """Unpack with GNU tar, which must have nothing to say."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    folder.mkdir()
    command = [program, "-xpf", "-", "-C", folder, *more]
    done = subprocess.run(command, input=tar, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    return folder


@pytest.mark.parametrize("stem", ["docker20-app", "docker26-app"])
def test_what_tar_unpacks_is_what_docker_exports(stem, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files to others")
    ours = on_disk(unpack(exported(REAL / f"{stem}.tar"), tmp_path / "ours"))
    rootfs = (REAL / f"{stem}.rootfs.tar").read_bytes()
    theirs = on_disk(unpack(rootfs, tmp_path / "theirs"))

    def of_the_image(found: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
        skipped = ADDED | MOUNTED
        return {
            name: one
            for name, one in found.items()
            if name not in skipped and not name.startswith("dev/")
        }

    assert of_the_image(ours) == of_the_image(theirs)
    assert len(of_the_image(ours)) > 15
    assert ours.keys() - theirs.keys() == set()


def same_app() -> list[tuple[str, str]]:
    """Every telling of docker 26's app: the archive, and which image of it."""
    found = [
        ("docker26-app.tar", "@0"),
        ("docker26-app.tar.gz", "@0"),
        ("docker26-two-images.tar", "@1"),
        ("podman-docker.tar", "@0"),
        ("podman-docker-multi.tar", "@0"),
        ("podman-oci.tar", "@0"),
        ("skopeo-docker.tar", "@0"),
        ("skopeo-oci-gzip.tar", "@0"),
        ("skopeo-oci-zstd.tar", "@0"),
        ("skopeo-oci-zstd-chunked.tar", "@0"),
        ("skopeo-dir.tar", "@0"),
        ("umoci-oci-layout-tree.tar", "app"),
    ]
    told = {(name, image.diff_ids) for name in {one[0] for one in found} for image in _apps(name)}
    assert len({diff_ids for _, diff_ids in told}) == 1  # they are one image indeed
    return found


class _App:
    def __init__(self, diff_ids: tuple[str, ...]) -> None:
        self.diff_ids = diff_ids


def _apps(name: str) -> list[_App]:
    images = analyze(REAL / name).images
    return [
        _App(tuple(layer.diff_id or "" for layer in one.layers))
        for one in images
        if len(one.layers) == 11
    ]


def test_one_image_gives_the_same_bytes_whoever_saved_it():
    made = {exported(REAL / name, image) for name, image in same_app()}
    assert len(made) == 1


def test_docker_20_built_another_image():
    """The build ran again: times are others, and mount points were left. All else is equal."""
    old, new = (
        members(exported(REAL / "docker20-app.tar")),
        members(exported(REAL / "docker26-app.tar")),
    )
    assert new.keys() ^ old.keys() == MOUNTED
    for name in new.keys() & old.keys():
        one, other = old[name], new[name]
        assert (one.type, one.mode, one.uid, one.gid, one.size, one.linkname) == (
            *(other.type, other.mode, other.uid, other.gid, other.size, other.linkname),
        ), name


def umoci_unpack(path: Path, folder: Path) -> Path:
    """What umoci makes of the image of an OCI layout."""
    layout = folder / "layout"
    subprocess.run(["tar", "-xf", path, "-C", folder, "--one-top-level=layout"], check=True)
    index = json.loads((layout / "index.json").read_text())
    (one,) = index["manifests"]
    one["annotations"] = {"org.opencontainers.image.ref.name": "app"}
    (layout / "index.json").write_text(json.dumps(index))
    bundle = folder / "bundle"
    command = ["umoci", "unpack", "--image", f"{layout}:app", bundle]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return bundle / "rootfs"


def test_what_tar_unpacks_is_what_umoci_unpacks(tmp_path):
    if shutil.which("umoci") is None:
        pytest.skip("there is no umoci here")
    if os.geteuid() != 0:
        pytest.skip("only root can give files to others")
    path = REAL / "skopeo-oci-gzip.tar"
    theirs = on_disk(umoci_unpack(path, tmp_path))
    assert on_disk(unpack(exported(path), tmp_path / "ours")) == theirs


def podman_export(path: Path, folder: Path, short: Path) -> bytes:
    """What podman exports of a container of the image, which is never started.

    Of its folders those below ``short`` must have paths of no more than 50 characters.
    """
    podman = [
        *("podman", "--storage-driver", "vfs"),
        *("--root", folder / "root", "--runroot", short / "run", "--tmpdir", short / "tmp"),
    ]

    def ask(*arguments: str | Path) -> str:
        done = subprocess.run(
            [*podman, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            pytest.skip(f"podman does not run here: {done.stderr.strip()[-200:]}")
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    image = ask("load", "--quiet", "--input", path).removeprefix("Loaded image: ")
    container = ask("create", "--network", "none", image)
    ask("export", "--output", folder / "rootfs.tar", container)
    ask("rm", container)
    return (folder / "rootfs.tar").read_bytes()


def test_what_tar_unpacks_is_what_podman_exports(tmp_path):
    if shutil.which("podman") is None:
        pytest.skip("there is no podman here")
    if os.geteuid() != 0:
        pytest.skip("only root can give files to others")
    path = REAL / "podman-docker.tar"
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as short:
        theirs = on_disk(unpack(podman_export(path, tmp_path, Path(short)), tmp_path / "theirs"))
    ours = on_disk(unpack(exported(path), tmp_path / "ours"))
    for name in MOUNTED - ours.keys():
        del theirs[name]
    assert ours == theirs


# The same bytes, whatever the way in


@pytest.fixture(name="layers", scope="module")
def _layers() -> list[TarBuilder]:
    """Layers whose order is not that of paths, and files that come from all of them."""
    low = TarBuilder().dir("z", mode=0o700, uid=5).file("z/big", b"1" * 100_000).file("a", b"aa")
    low.file("gone", b"x" * 999).hardlink("b", "z/big").symlink("to", "z/big").fifo("pipe")
    middle = TarBuilder().file("z/small", b"22", mtime=77).whiteout("gone").file("m/n/o", b"3")
    high = TarBuilder().hardlink("c", "z/big").file("y", b"yy" * 50_000).file("a-", b"-")
    return [low, middle, high]


@pytest.fixture(name="plain", scope="module")
def _plain(layers, tmp_path_factory) -> bytes:
    return export_of(tmp_path_factory.mktemp("plain"), *layers)


def test_what_is_in_it(plain):
    found = members(plain)
    names = ["a", "a-", "b", "c", "m", "m/n", "m/n/o", "pipe", "to", "y", "z", "z/big", "z/small"]
    assert list(found) == names
    assert [found[one].type for one in ("b", "c", "z/big")] == [b"0", b"1", b"1"]
    assert (found["c"].linkname, found["z/big"].linkname) == ("b", "b")
    assert content(plain, "b") == b"1" * 100_000
    assert content(plain, "y") == b"yy" * 50_000
    folder = found["m"]  # nothing describes it
    assert (folder.mode, folder.uid, folder.gid, folder.mtime) == (0o755, 0, 0, 0)
    assert (found["z"].mode, found["z"].uid) == (0o700, 5)
    assert found["z/small"].mtime == 77
    assert plain.endswith(bytes(1024)) and len(plain) % 512 == 0


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_compression_of_layers_makes_no_difference(layers, plain, tmp_path, compression):
    # No media type of an OCI manifest stands for xz and bzip2; a docker archive tells of none.
    archive = docker_archive(of_layers(*layers, compression=compression), style="skopeo")
    assert exported(written(tmp_path, archive)) == plain


@pytest.mark.parametrize("style", ["docker", "podman", "skopeo", "kaniko", "jib"])
def test_the_writer_of_a_docker_archive_makes_no_difference(layers, plain, tmp_path, style):
    assert exported(written(tmp_path, docker_archive(of_layers(*layers), style=style))) == plain


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_way_in_makes_no_difference(layers, plain, tmp_path, form, compression):
    archive = oci_layout(of_layers(*layers, compression=compression))
    with delivered(archive, form, tmp_path) as path:
        assert exported(path) == plain


def test_a_million_ways_to_run_it_make_no_difference(layers, plain, tmp_path):
    path = written(tmp_path, oci_layout(of_layers(*layers, compression="gzip")))
    for jobs in ("1", "4"):
        for zone, locale, seed in (("UTC", "C", "1"), ("Pacific/Chatham", "C.UTF-8", "2")):
            done = subprocess.run(
                [sys.executable, "-m", "oci_inspect", "export", path, "--jobs", jobs],
                env={**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=False,
                cwd=ROOT,
            )
            assert (done.returncode, done.stderr) == (0, b"")
            assert done.stdout == plain


# What entries can be


def test_everything_that_a_file_can_have(tmp_path):
    xattrs = {b"user.raw": bytes(range(256)), b"security.capability": b"\1\0\0\2" + bytes(16)}
    low = TarBuilder()
    low.file("setuid", b"1", mode=0o6755, uid=70_000, gid=3_000_000, xattrs=xattrs)
    low.dir("sticky", mode=0o1777, xattrs={b"user.d": b""})
    low.char("null", 1, 3).block("disk", 4095, 1 << 20).fifo("pipe", mode=0o622)
    low.symlink("link", "t" * 300, mode=0o644)
    low.raw(pax({b"mtime": b"1700000000.123456789", b"uid": b"4294967296"}) + header(b"odd"))
    low.raw(pax({b"mtime": b"-1.5"}) + header(b"before"))
    low.raw(header(b"negative", uid=-2, gid=-3, mode=0o100644))
    low.raw(header(b"user", uname=b"somebody", gname=b"people"))
    data = export_of(tmp_path, low)
    found = members(data)
    one = found["setuid"]
    assert (one.mode, one.uid, one.gid) == (0o6755, 70_000, 3_000_000)
    for name, value in xattrs.items():
        told = one.pax_headers[f"SCHILY.xattr.{name.decode()}"]
        assert told.encode("utf-8", "surrogateescape") == value
    assert found["sticky"].mode == 0o1777
    assert found["sticky"].pax_headers["SCHILY.xattr.user.d"] == ""
    assert (found["null"].type, found["null"].devmajor, found["null"].devminor) == (b"3", 1, 3)
    assert (found["disk"].devmajor, found["disk"].devminor) == (4095, 1 << 20)
    assert (found["pipe"].type, found["pipe"].mode) == (b"6", 0o622)
    # Linux knows no mode of a link: it shows 0777, and so does docker export.
    assert (found["link"].linkname, found["link"].mode) == ("t" * 300, 0o777)
    assert found["odd"].pax_headers == {"mtime": "1700000000.123456789", "uid": "4294967296"}
    assert found["before"].pax_headers == {"mtime": "-1.5"}
    assert (found["negative"].uid, found["negative"].gid) == (-2, -3)
    assert found["negative"].mode == 0o644
    assert (found["user"].uname, found["user"].gname) == ("", "")


def test_hard_links_of_what_is_no_file(tmp_path):
    low = TarBuilder().char("zero", 1, 5).symlink("link", "there").fifo("pipe")
    for name in ("zero", "link", "pipe"):
        low.hardlink(f"{name}2", name)
    found = members(export_of(tmp_path, low))
    for name in ("zero", "link", "pipe"):
        assert (found[f"{name}2"].type, found[f"{name}2"].linkname) == (b"1", name)
    assert (found["zero2"].devmajor, found["zero2"].devminor) == (0, 0)


def test_an_inode_whose_first_name_is_gone_has_its_content_at_the_next(tmp_path):
    low = TarBuilder().file("a", b"data", mode=0o640).hardlink("b", "a").hardlink("c", "a")
    data = export_of(tmp_path, low, TarBuilder().whiteout("a"))
    found = members(data)
    assert list(found) == ["b", "c"]
    assert (found["b"].type, found["c"].type, found["c"].linkname) == (b"0", b"1", "b")
    assert (content(data, "b"), found["b"].mode) == (b"data", 0o640)


def test_the_root_has_no_entry_of_its_own(tmp_path):
    assert export_of(tmp_path, TarBuilder().dir("./", mode=0o700)) == bytes(1024)
    assert exported(written(tmp_path, oci_layout(ImageBuilder("a:1")))) == bytes(1024)


SPARSE = ((0, 5), (5_000, 600), (1 << 20, 3))
SPARSE_DATA = b"first" + b"m" * 600 + b"end"


def sparse_layer() -> TarBuilder:
    tar = TarBuilder().file("zz", b"behind")
    tar.raw(gnu_sparse(b"d/sparse", SPARSE, SPARSE_DATA, 2 << 20))
    tar.raw(gnu_sparse(b"d/no-hole", ((0, 300), (300, 5)), b"x" * 305, 305))
    return tar.raw(gnu_sparse(b"d/hole", (), b"", 4 << 20))


def sparse_content() -> bytes:
    whole, at = bytearray(2 << 20), 0
    for offset, length in SPARSE:
        whole[offset : offset + length] = SPARSE_DATA[at : at + length]
        at += length
    return bytes(whole)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_sparse_files_stay_sparse(tmp_path, compression):
    data = export_of(tmp_path, sparse_layer(), compression=compression)
    assert len(data) < 16_384
    assert content(data, "d/sparse") == sparse_content()
    assert content(data, "d/hole") == bytes(4 << 20)
    assert content(data, "d/no-hole") == b"x" * 305
    assert content(data, "zz") == b"behind"
    assert "GNU.sparse.major" not in members(data)["d/no-hole"].pax_headers
    again = written(tmp_path, oci_layout(of_layers(data, compression="gzip")))
    assert exported(again) == data


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_programs_unpack_sparse_files(tmp_path, program):
    found = unpack(export_of(tmp_path, sparse_layer()), tmp_path / "out", program)
    assert (found / "d" / "sparse").read_bytes() == sparse_content()
    assert (found / "d" / "hole").read_bytes() == bytes(4 << 20)
    assert (found / "zz").read_bytes() == b"behind"
    assert (found / "d" / "hole").stat().st_blocks * 512 < MIB


def test_a_sparse_file_of_8_eib_takes_a_kilobyte(tmp_path):
    largest = 2**63 - 1
    low = TarBuilder().raw(gnu_sparse(b"huge", ((0, 3), (largest - 2, 2)), b"abcde", largest))
    for compression in ("none", "gzip"):
        data = export_of(tmp_path, low, compression=compression)
        assert len(data) == 512 * (2 + 1 + 1 + 2 + 2)  # pax, header, map, data, end
        (table,) = [list_layer(BytesSource(data), len(data)).table]
        assert (table.paths, list(table.sizes)) == ([b"huge"], [largest])


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_names_of_any_bytes_are_unpacked(tmp_path, program):
    low = TarBuilder()
    names = [b"\xff\xfe", "é".encode(), b"new\nline", b"\x1b[31m", b"d/" + b"n" * 255, b"e" * 120]
    for name in names:
        low.file(name, name)
    found = unpack(export_of(tmp_path, low), tmp_path / "out", program)
    for name in names:
        assert (found / os.fsdecode(name)).read_bytes() == name


def test_gnu_tar_unpacks_extended_attributes(tmp_path):
    if not hasattr(os, "getxattr"):
        pytest.skip("this system has no extended attributes")
    low = TarBuilder().file("f", b"1", xattrs={b"user.raw": b"\0\xff\n=", b"user.more": b"v"})
    try:
        (tmp_path / "probe").touch()
        os.setxattr(tmp_path / "probe", "user.x", b"")
    except OSError:
        pytest.skip("this file system keeps no extended attributes")
    found = unpack(export_of(tmp_path, low), tmp_path / "out", "tar", "--xattrs")
    assert os.getxattr(found / "f", "user.raw") == b"\0\xff\n="
    assert os.getxattr(found / "f", "user.more") == b"v"


# Random trees: what goes in comes out

NAMES = st.sampled_from([b"a", b"b", b"a-", b"\xff", "é".encode(), b"n" * 120])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
TIMES = st.integers(0, 2**33)


@st.composite
def trees(draw) -> list[tuple[bytes, dict[str, object]]]:
    """Entries by path: no path is below what is no folder."""
    entries: dict[bytes, dict[str, object]] = {}
    for path in draw(st.lists(PATHS, max_size=12, unique=True)):
        parts = path.split(b"/")
        above = [b"/".join(parts[:i]) for i in range(1, len(parts))]
        if any(entries.get(one, {"type": b"5"})["type"] != b"5" for one in above):
            continue
        if any(other.startswith(path + b"/") for other in entries):
            continue
        kind = draw(st.sampled_from([b"0", b"0", b"0", b"2", b"3", b"5", b"6"]))
        entry: dict[str, object] = {
            "type": kind,
            "mode": draw(st.integers(0, 0o7777)),
            "uid": draw(st.integers(0, 2**21 + 5)),
            "gid": draw(st.integers(0, 2**21 + 5)),
            "mtime": draw(TIMES),
            "data": draw(st.binary(max_size=1_200)) if kind == b"0" else b"",
            "link": draw(PATHS) if kind == b"2" else b"",
            "device": draw(st.integers(0, 4095)) if kind == b"3" else 0,
        }
        if kind == b"2":
            entry["mode"] = 0o777
        entries[path] = entry
    return list(entries.items())


def tar_of(tree: list[tuple[bytes, dict[str, object]]]) -> bytes:
    tar = TarBuilder()
    for path, entry in tree:
        records = {}
        link, data = entry["link"], entry["data"]
        assert isinstance(link, bytes) and isinstance(data, bytes)
        if len(path) > 100:
            records[b"path"] = path
        if len(link) > 100:
            records[b"linkpath"] = link
        made = header(
            path[:100],
            type=entry["type"],
            size=len(data),
            linkname=link[:100],
            devmajor=entry["device"],
            devminor=entry["device"],
            **{key: entry[key] for key in ("mode", "uid", "gid", "mtime")},
        )
        tar.raw((pax(records) if records else b"") + made + data + bytes(-len(data) % 512))
    return tar.build()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(), st.sampled_from(["none", "gzip", "zstd"]), st.integers(1, 3))
def test_what_goes_in_comes_out(tmp_path_factory, tree, compression, count):
    step = max(1, -(-len(tree) // count))
    layers = [tar_of(tree[start : start + step]) for start in range(0, len(tree), step)]
    folder = tmp_path_factory.mktemp("tree")
    data = export_of(folder, *layers, compression=compression)
    shutil.rmtree(folder)
    expected = dict(tree)
    table = list_layer(BytesSource(data), len(data)).table
    described = {}
    for row in map(table.row, range(len(table))):
        offset = row.offset
        described[row.path] = (
            *(row.type, row.mode, row.uid, row.gid, row.mtime, row.linkname, row.device),
            data[offset : offset + row.size],
        )
    kinds = {b"0": b"f", b"2": b"l", b"3": b"c", b"5": b"d", b"6": b"p"}
    wanted = {
        path: (
            *(kinds[one["type"]][0], one["mode"], one["uid"], one["gid"], one["mtime"]),
            *(one["link"], (one["device"], one["device"]), one["data"]),
        )
        for path, one in expected.items()
    }
    assert {path: described[path] for path in expected} == wanted
    assert list(described) == sorted(described, key=lambda path: path.split(b"/"))
    implied = described.keys() - expected.keys()
    assert all(described[path][:5] == (ord("d"), 0o755, 0, 0, 0) for path in implied)
    python = members(data)
    assert {os.fsencode(name) for name in python} == described.keys()
    for name, one in python.items():
        assert (one.mode, one.uid, one.gid, one.mtime) == described[os.fsencode(name)][1:5]


# Which layers


def test_up_to_a_layer_and_one_layer_alone(tmp_path):
    layers = [TarBuilder().file("a", b"1"), TarBuilder().whiteout("a").file("b"), TarBuilder()]
    path = written(tmp_path, oci_layout(of_layers(*layers)))
    assert list(members(exported(path, up_to=0))) == ["a"]
    assert list(members(exported(path, up_to=1))) == ["b"]
    assert list(members(exported(path, layer=1))) == ["b"]
    assert exported(path, layer=2) == bytes(1024)
    assert exported(path, up_to=-2) == exported(path, up_to=1)
    assert exported(path, layer=-3) == exported(path, layer=0)
    for number in (3, -4):
        with pytest.raises(SelectionError, match="no layer"):
            exported(path, layer=number)


def test_an_analysis_alone_has_no_files_to_export(layers, tmp_path):
    path = written(tmp_path, oci_layout(of_layers(*layers)))
    with pytest.raises(ArchiveError, match="closed, or was not opened"):
        export_tar(analyze(path).images[0].tree, lambda _: None)
    with open_archive(path) as archive:
        tree = archive.tree()
    with pytest.raises(ArchiveError):
        export_tar(tree, lambda _: None)


def test_progress_is_of_the_content(layers, tmp_path):
    path = written(tmp_path, oci_layout(of_layers(*layers, compression="gzip")))
    progress = Progress()
    with open_archive(path) as archive:
        export_tar(archive.tree(), lambda _: None, progress)
    position = progress.look()
    # a, a-, z/big, m/n/o, y, z/small; not what is gone, and no name twice
    assert position.done == position.total == 2 + 1 + 100_000 + 1 + 100_000 + 2


# The command


Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture(name="run")
def _run(capsysbinary) -> Run:
    def run(*arguments: object) -> tuple[int, bytes, str]:
        capsysbinary.readouterr()
        code = run_command_line(["export", *map(str, arguments)])
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return run


APP = REAL / "docker26-app.tar"


def test_the_command_prints_a_tar_or_writes_it(run, tmp_path):
    made = exported(APP)
    assert run(APP) == (0, made, "")
    assert run(APP, "-o", "-") == (0, made, "")
    path = tmp_path / "rootfs.tar"
    path.write_text("before")
    path.chmod(0o600)
    assert run(APP, "-o", path) == (0, b"", "")
    assert path.read_bytes() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["rootfs.tar"]
    assert run(APP, "--up-to", "3")[1] == exported(APP, up_to=3)
    assert run(APP, "--layer", "4", "-q")[1] == exported(APP, layer=4)
    assert run(APP, "-o", "/dev/null") == (0, b"", "")


def test_wrong_command_lines(run):
    for arguments, words in (
        (("--layer", "1", "--up-to", "1"), "exclude each other"),
        (("--layer", "99"), "its layers are 0 to 10"),
        (("--up-to", "-12"), "no layer -12"),
        (("--format", "json"), "--format"),
        (("--color", "always"), "--color"),
        (("-v",), "-v"),
    ):
        code, out, err = run(APP, *arguments)
        assert (code, out, err.count("\n")) == (2, b"", 1)
        assert words in err, err


def test_a_terminal_gets_no_tar():
    leader, follower = open_terminal()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "oci_inspect", "export", APP],
            stdout=follower,
            stderr=subprocess.PIPE,
            check=False,
            cwd=ROOT,
        )
    finally:
        os.close(follower)
        os.close(leader)
    assert done.returncode == 2
    assert b"standard output is a terminal: use -o FILE, or a pipe" in done.stderr


def test_an_image_that_is_not_all_there_is_not_exported(run, tmp_path):
    archive = oci_layout(of_layers(TarBuilder().file("a", b"1"), TarBuilder().file("b", b"2")))
    layer = of_layers(TarBuilder(), TarBuilder().file("b", b"2")).layers[1].digest
    archive.drop("blobs/sha256/" + layer.removeprefix("sha256:"))
    path, out = written(tmp_path, archive), tmp_path / "out.tar"
    code, printed, err = run(path, "-o", out)
    assert (code, printed) == (3, b"")
    assert err == f"oci-inspect: {path}: layer 1: it is not in the archive: it is not exported\n"
    assert not out.exists()
    assert run(path)[:2] == (3, b"")
    assert run(path, "--up-to", "0")[0] == 0  # the lower one alone is all there
    with pytest.raises(ArchiveError, match="not in the archive"):
        exported(path)


def damaged(folder: Path) -> Path:
    """An image with a layer of 3 MB that is listed well, but ends early when it is read again."""
    big = TarBuilder().file("a", os.urandom(3_000_000)).file("b", b"2")
    return written(folder, oci_layout(of_layers(big, compression="gzip")))


def test_an_error_in_the_middle_leaves_nothing_behind(run, tmp_path, monkeypatch):
    path, out = damaged(tmp_path), tmp_path / "out.tar"
    out.write_text("before")

    def breaks(*_: object) -> bytes:
        raise CorruptStreamError("gzip", "it ends early", 7)

    monkeypatch.setattr("oci_inspect.layer.content.FileContent.read_data", breaks)
    code, printed, err = run(path, "-o", out)
    assert (code, printed) == (3, b"")
    assert err == "oci-inspect: gzip stream: it ends early (near byte 7)\n"
    assert out.read_text() == "before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["image.tar", "out.tar"]

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("oci_inspect.layer.content.FileContent.read_data", fails)
    assert run(path, "-o", out)[::2] == (3, "oci-inspect: /a: Input/output error\n")

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("oci_inspect.layer.content.FileContent.read_data", interrupted)
    assert run(path, "-o", out)[0] == 130
    assert out.read_text() == "before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["image.tar", "out.tar"]


def test_an_archive_that_changed_meanwhile_gives_no_file(run, tmp_path, monkeypatch):
    path, out = tmp_path / "image.tar", tmp_path / "out.tar"
    shutil.copy(APP, path)
    real = export_tar

    def touching(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        os.utime(path, (1, 1))

    monkeypatch.setattr("oci_inspect.exporting.export_tar", touching)
    code, _, err = run(path, "-o", out)
    assert code == 3 and "changed while it was read" in err
    assert not out.exists()


def test_a_full_disk_and_a_closed_pipe():
    full = subprocess.run(
        [sys.executable, "-m", "oci_inspect", "export", APP, "-o", "/dev/full"],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert full.returncode == 2
    assert full.stderr == b"oci-inspect: /dev/full: it cannot be written: No space left on device\n"
    command = f"{sys.executable} -m oci_inspect export {APP}"
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run(
            command.split(), stdout=out, stderr=subprocess.PIPE, check=False, cwd=ROOT
        )
    assert done.returncode == 3
    assert done.stderr == b"oci-inspect: standard output: No space left on device\n"
    script = f"({command}; echo $? >&2) | true"
    piped = subprocess.run(["sh", "-c", script], stderr=subprocess.PIPE, check=False, cwd=ROOT)
    assert piped.stderr in (b"141\n", b"0\n")  # the reader may be gone before or after


# Memory


@pytest.mark.parametrize("size", [100 * MIB, 32 * KIB])
def test_memory_does_not_grow_with_what_must_wait(tmp_path, size):
    """300 MB that come before their turn, from gzip: they wait on disk."""
    count = 300 * MIB // size
    piece = hashlib.shake_128(b"x").digest(4096) * 8
    packed = gzip.compress(piece, mtime=0) * (size // len(piece))
    blob = b"".join(
        gzip.compress(header(b"f%05d" % i, size=size), mtime=0) + packed
        for i in range(count, -1, -1)
    )
    small = of_layers(TarBuilder(), compression="gzip")
    archive = oci_layout(small)
    archive.replace("blobs/sha256/" + small.layers[0].digest.removeprefix("sha256:"), blob)
    path = written(tmp_path, archive)
    pieces: list[int] = []
    with open_archive(path) as archive:
        tree = archive.tree()
        tracemalloc.start()
        try:
            export_tar(tree, lambda data: pieces.append(len(data)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert sum(pieces) == (count + 1) * (size + 512) + 1024
    assert peak < 24 * MIB


# Folders, for those who unpack


@pytest.mark.parametrize("user", [None, 65534])
def test_tar_is_done_with_a_folder_when_it_leaves_it(tmp_path, user):
    """A name such as B.pm sorts between B and B/c, but must not stand there."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    low = TarBuilder().dir("B", mode=0o555, mtime=1000).file("B.pm", b"1").file("B/c", b"2")
    low.dir("B/d", mode=0o500, mtime=2000).file("B/d/e", b"3").file("B/d-", b"4")
    data = export_of(tmp_path, low)
    assert list(members(data)) == ["B", "B/c", "B/d", "B/d/e", "B/d-", "B.pm"]
    folder = Path("/tmp") / f"oci-inspect-test-{os.getpid()}-{user}"
    folder.mkdir()
    try:
        if user is not None:
            os.chown(folder, user, user)
        done = subprocess.run(
            ["tar", "-xpf", "-", "-C", folder],
            input=data,
            capture_output=True,
            check=False,
            user=user,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        for name, time, mode in (("B", 1000, 0o555), ("B/d", 2000, 0o500)):
            info = (folder / name).stat()
            assert (int(info.st_mtime), stat.S_IMODE(info.st_mode)) == (time, mode)
        assert (folder / "B/d/e").read_bytes() == b"3"
    finally:
        shutil.rmtree(folder)
