"""The folder of scans: what comes back from it, what goes first, and what it never does."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from support.images import compress
from support.tars import TarBuilder, entry, gnu_sparse, pax

from oci_inspect.layer import scan_cache
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.layer.scan_cache import ScanCache
from oci_inspect.layer.scan_record import decode, encode
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import BytesSource

ROOT = Path(__file__).parent.parent.parent
BLOCK = 4096


def a_scan(name: str = "a", size: int = 10) -> LayerScan:
    return scan_layer(BytesSource(TarBuilder().file(name, b"x" * size).build()))


def large_scan(name: str, blocks: int) -> LayerScan:
    """One whose record takes so many blocks of a disk, more or less."""
    builder = TarBuilder()
    for i in range(blocks * 6):
        builder.file(f"{name}{i}", b"", xattrs={b"user.x": os.urandom(700)})
    return scan_layer(BytesSource(builder.build()))


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.scan"))


def kept(cache: ScanCache, scan: LayerScan) -> LayerScan | None:
    return cache.get(scan.digest, DEFAULT_LIMITS)


def put(cache: ScanCache, scan: LayerScan) -> Path:
    """Keep a scan; give the file that it is kept in."""
    before = set(entries(cache.folder))
    cache.put(scan, DEFAULT_LIMITS)
    (path,) = set(entries(cache.folder)) - before
    return path


@pytest.fixture
def cache(tmp_path: Path) -> ScanCache:
    return ScanCache(tmp_path / "some" / "cache")


# What comes back


def test_what_was_put_comes_back_to_everyone(cache: ScanCache) -> None:
    scan = a_scan()
    assert kept(cache, scan) is None
    assert not cache.holds(scan.digest, DEFAULT_LIMITS)
    assert not cache.folder.exists()
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) == scan
    assert kept(ScanCache(str(cache.folder)), scan) == scan
    assert cache.holds(scan.digest, DEFAULT_LIMITS)
    assert kept(cache, a_scan("b")) is None


@pytest.mark.parametrize("digest", ["", "sha256:", "sha512:" + "0" * 128, "sha256:../../x", "x"])
def test_what_is_no_sha256_digest_is_not_looked_for(cache: ScanCache, digest: str) -> None:
    cache.put(a_scan(), DEFAULT_LIMITS)
    assert cache.get(digest, DEFAULT_LIMITS) is None
    assert not cache.holds(digest, DEFAULT_LIMITS)
    cache.put(replace(a_scan(), digests={"sha256": digest}), DEFAULT_LIMITS)
    assert cache.usage().entries == 1


def test_a_scan_that_was_cut_short_is_not_kept(cache: ScanCache) -> None:
    """What is said of a damaged layer depends on the libraries that read it."""
    scan = a_scan()
    cache.put(replace(scan, complete=False, diff_ids={}), DEFAULT_LIMITS)
    cache.put(replace(scan, listed=False), DEFAULT_LIMITS)
    damaged = scan_layer(BytesSource(TarBuilder().file("a", b"x" * 600).build()[:700]))
    assert not damaged.complete or not damaged.listed
    cache.put(damaged, DEFAULT_LIMITS)
    assert not cache.folder.exists()


def test_every_limit_of_a_scan_is_part_of_the_key_and_no_other(cache: ScanCache) -> None:
    scan = a_scan()
    cache.put(scan, DEFAULT_LIMITS)
    found = {
        one.name: cache.get(
            scan.digest,
            replace(DEFAULT_LIMITS, **{one.name: getattr(DEFAULT_LIMITS, one.name) + 1}),
        )
        for one in fields(Limits)
    }
    shared = {name for name, scan in found.items() if scan is not None}
    sources = [
        *(ROOT / "oci_inspect" / "layer").glob("*.py"),
        *(ROOT / "oci_inspect" / "stream").glob("*.py"),
    ]
    asked = {
        name for path in sources for name in re.findall(r"limits\.([a-z_]+)", path.read_text())
    }
    assert asked >= {"entries", "zstd_window", "path_bytes", "xattr_bytes"}
    assert shared == {one.name for one in fields(Limits)} - asked


def test_more_rows_than_the_limits_allow_are_not_taken(cache: ScanCache) -> None:
    scan, few = a_scan(), replace(DEFAULT_LIMITS, entries=1)
    cache.put(scan, few)
    assert cache.get(scan.digest, few) == scan
    crowded = scan_layer(BytesSource(TarBuilder().file("a").file("b").build()))
    cache.put(crowded, few)
    assert cache.get(crowded.digest, few) is None


@pytest.mark.parametrize("name", ["__version__", "SCAN_VERSION", "RECORD_VERSION"])
def test_scans_of_another_version_are_not_found(
    name: str, cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = a_scan()
    cache.put(scan, DEFAULT_LIMITS)
    scan_cache._rules.cache_clear()
    monkeypatch.setattr(scan_cache, name, "other")
    try:
        assert kept(cache, scan) is None
        cache.put(scan, DEFAULT_LIMITS)
    finally:
        scan_cache._rules.cache_clear()
    assert len(entries(cache.folder)) == 2  # neither drives the other out


def test_an_entry_under_another_s_name_is_dropped(cache: ScanCache) -> None:
    one, other = a_scan("a"), a_scan("b")
    path = put(cache, one)
    put(cache, other).replace(path)
    assert kept(cache, one) is None
    assert entries(cache.folder) == []
    cache.put(one, DEFAULT_LIMITS)
    assert kept(cache, one) == one


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "changed":
        data = data[:60] + bytes([data[60] ^ 1]) + data[61:]
    elif how == "cut":
        data = data[: len(data) // 2]
    elif how == "longer":
        data += b"\0"
    elif how == "empty":
        data = b""
    elif how == "foreign":
        data = b"#!/bin/sh\necho hello\n" * 40
    elif how == "pickle":
        data = b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93."
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["changed", "cut", "longer", "empty", "foreign", "pickle"])
def test_a_damaged_entry_is_dropped_and_kept_again(cache: ScanCache, how: str) -> None:
    scan, other = a_scan("a"), a_scan("b")
    path = put(cache, scan)
    put(cache, other)
    damage(path, how)
    assert kept(cache, scan) is None
    assert not path.exists()
    assert kept(cache, other) == other
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) == scan


def test_a_file_of_holes_is_not_read_for_the_size_it_claims(cache: ScanCache) -> None:
    scan = a_scan()
    path = put(cache, scan)
    os.truncate(path, 1 << 40)
    assert kept(cache, scan) is None
    assert not path.exists()


@pytest.mark.parametrize("what", ["symlink", "dangling", "folder", "fifo"])
def test_what_is_no_file_is_neither_followed_nor_waited_for(
    cache: ScanCache, tmp_path: Path, what: str
) -> None:
    scan = a_scan()
    path = put(cache, scan)
    outside = tmp_path / "outside"
    if what == "symlink":
        path.rename(outside)
        path.symlink_to(outside)
    else:
        path.unlink()
        if what == "dangling":
            path.symlink_to(outside)
        elif what == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)
    before = outside.read_bytes() if outside.exists() else None
    assert kept(cache, scan) is None
    assert not cache.holds(scan.digest, DEFAULT_LIMITS)
    cache.put(scan, DEFAULT_LIMITS)
    assert (outside.read_bytes() if outside.exists() else None) == before
    if what != "folder":
        assert stat.S_ISREG(path.lstat().st_mode)
        assert kept(cache, scan) == scan


# Who may read it, who may write it


def test_the_folder_and_its_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        cache = ScanCache(tmp_path / "new" / "cache")
        path = put(cache, a_scan())
    finally:
        os.umask(mask)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, cache.folder, cache.folder.parent)]
    assert modes == [0o600, 0o700, 0o700]
    tag = (cache.folder / "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(cache: ScanCache, mode: int) -> None:
    scan = a_scan()
    cache.put(scan, DEFAULT_LIMITS)
    cache.folder.chmod(mode)
    assert kept(cache, scan) is None
    put_in_vain(cache)
    assert cache.usage().problem == "others can write to the folder"
    cache.folder.chmod(0o755)
    assert kept(cache, scan) == scan
    assert cache.usage().problem is None


def put_in_vain(cache: ScanCache) -> None:
    """A scan that is not kept, and no harm done."""
    scan = a_scan("in vain")
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) is None


def test_a_folder_of_somebody_else_is_not_used(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = a_scan()
    cache.put(scan, DEFAULT_LIMITS)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert kept(cache, scan) is None
    put_in_vain(cache)
    assert cache.usage().problem == "the folder belongs to somebody else"
    assert cache.clear().entries == 0


# Bounds


def used_at(path: Path, when: float) -> None:
    os.utime(path, (when, when))


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache", 20 * BLOCK)
    scans = [large_scan(f"s{i}-", 4) for i in range(4)]
    now = time.time()
    for age, scan in zip((40_000, 10_000, 30_000, 20_000), scans, strict=True):
        used_at(put(cache, scan), now - age)
    assert kept(cache, scans[0]) == scans[0]  # which makes it the last one that was used
    assert cache.usage().entries == 4
    fresh = ScanCache(cache.folder, cache.most_bytes)
    last = large_scan("last-", 4)
    fresh.put(last, DEFAULT_LIMITS)
    assert kept(fresh, last) == last
    assert [kept(fresh, scan) is not None for scan in scans] == [True, True, False, False]
    assert fresh.usage().bytes <= fresh.most_bytes


def test_the_bound_holds_whatever_is_put(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache", 10 * BLOCK)
    for i in range(40):
        cache.put(a_scan(str(i)), DEFAULT_LIMITS)
        assert cache.usage().bytes <= cache.most_bytes
    assert cache.usage().entries > 5
    assert kept(cache, a_scan("39")) is not None


def test_small_files_count_as_what_they_take_of_a_disk(cache: ScanCache) -> None:
    cache.put(a_scan(), DEFAULT_LIMITS)
    usage = cache.usage()
    assert (usage.entries, usage.bytes, usage.folder) == (1, BLOCK, cache.folder)
    assert usage.most_bytes == 512 << 20


def test_what_is_larger_than_the_bound_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache", 3 * BLOCK)
    small = a_scan()
    cache.put(small, DEFAULT_LIMITS)
    large = large_scan("l", 8)
    cache.put(large, DEFAULT_LIMITS)
    assert kept(cache, large) is None
    assert kept(cache, small) == small


def test_the_folder_is_not_listed_for_every_scan(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    for i in range(10):
        cache.put(a_scan(str(i)), DEFAULT_LIMITS)
        assert kept(cache, a_scan(str(i))) is not None
    assert len(listed) == 1


def test_a_use_is_written_down_but_not_each_time(cache: ScanCache) -> None:
    scan = a_scan()
    path = put(cache, scan)
    for age, touched in ((100, False), (10_000, True), (-10_000, True)):
        when = int(time.time() - age)
        used_at(path, when)
        assert kept(cache, scan) == scan
        assert (int(path.stat().st_mtime) != when) == touched
        assert abs(path.stat().st_mtime - time.time()) < 200


def test_what_a_killed_process_left_is_swept_up_in_time(cache: ScanCache) -> None:
    path = put(cache, a_scan())
    old, young = (cache.folder / f".{path.name}.{i:016x}" for i in range(2))
    foreign = cache.folder / ".bashrc"
    for one in (old, young, foreign):
        one.write_bytes(b"half")
        used_at(one, time.time() - (10 if one is young else 10_000))
    ScanCache(cache.folder).put(a_scan("b"), DEFAULT_LIMITS)
    assert not old.exists()
    assert young.exists()
    assert foreign.exists()


def test_clear_takes_what_is_ours_and_nothing_else(cache: ScanCache) -> None:
    path = put(cache, a_scan())
    cache.put(a_scan("b"), DEFAULT_LIMITS)
    (cache.folder / f".{path.name}.{0:016x}").write_bytes(b"half")
    mine = [cache.folder / name for name in ("notes.scan", "x" + path.name, ".profile")]
    for one in mine:
        one.write_text("mine")
    gone = cache.clear()
    assert (gone.entries, gone.bytes, gone.problem) == (2, 3 * BLOCK, None)
    assert sorted(cache.folder.iterdir()) == sorted([*mine, cache.folder / "CACHEDIR.TAG"])
    assert cache.usage().entries == 0
    assert cache.clear().entries == 0
    cache.put(a_scan(), DEFAULT_LIMITS)
    assert cache.usage().entries == 1


def test_clear_says_what_stays(cache: ScanCache) -> None:
    path = put(cache, a_scan())
    path.unlink()
    path.mkdir()
    assert cache.clear().problem == "not all of it can be removed"
    assert ScanCache(cache.folder / "nowhere").clear().problem is None


# What goes wrong


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["write", "rename", "close", "scandir"])
def test_a_full_disk_is_nobody_s_trouble(
    call: str, cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = a_scan("before")
    cache.put(before, DEFAULT_LIMITS)
    real = getattr(os, call)
    failed = []

    def fails(*arguments: object, **more: object) -> object:
        if call == "close" and not stat.S_ISREG(os.fstat(arguments[0]).st_mode):
            return real(*arguments, **more)
        failed.append(call)
        if call == "close":
            real(*arguments)
        raise NO_SPACE

    fresh = ScanCache(cache.folder)
    monkeypatch.setattr(os, call, fails)
    fresh.put(a_scan("after"), DEFAULT_LIMITS)
    assert failed == [call]
    fresh.put(a_scan("again"), DEFAULT_LIMITS)
    assert failed == [call]  # it is not tried again
    if call != "close":
        assert kept(fresh, before) == before
    monkeypatch.undo()
    assert kept(cache, before) == before
    assert [one for one in cache.folder.iterdir() if one.name.startswith(".")] == []
    whole = [decode(one.read_bytes()).digest for one in entries(cache.folder)]
    assert before.digest in whole


def test_writes_that_take_only_a_part_are_gone_on_with(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    scan = a_scan()
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) == scan


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        (tmp_path / "file").write_bytes(b"mine")
        cache = ScanCache(path)
        put_in_vain(cache)
        assert cache.usage().problem == "Not a directory"
        assert cache.clear().entries == 0
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["a"] * 2200)])
def test_a_folder_that_cannot_be_named(name: str, tmp_path: Path) -> None:
    put_in_vain(ScanCache(tmp_path / name))


def test_a_folder_that_cannot_be_written_is_read(cache: ScanCache) -> None:
    scan = a_scan()
    used_at(put(cache, scan), time.time() - 10_000)
    cache.folder.chmod(0o500)
    if os.access(cache.folder, os.W_OK):
        pytest.skip("root writes where nobody can")
    fresh = ScanCache(cache.folder)
    assert kept(fresh, scan) == scan
    put_in_vain(fresh)
    assert fresh.usage().problem == "the folder cannot be written"
    assert fresh.clear().problem == "not all of it can be removed"
    cache.folder.chmod(0o700)


def read_only(*arguments: object, **more: object) -> int:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("calls", [("utime",), ("mkdir",), ("open",), ("unlink",)])
def test_a_read_only_file_system_is_nobody_s_trouble(
    calls: tuple[str, ...], cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, lost = a_scan(), a_scan("lost")
    used_at(put(cache, scan), time.time() - 10_000)
    damage(put(cache, lost), "cut")
    real = os.open

    def opens(path: object, flags: int, *more: int, **others: int) -> int:
        if flags & (os.O_WRONLY | os.O_CREAT):
            read_only()
        return real(path, flags, *more, **others)

    for call in calls:
        monkeypatch.setattr(os, call, opens if call == "open" else read_only)
    fresh = ScanCache(cache.folder)
    assert kept(fresh, scan) == scan
    assert kept(fresh, lost) is None
    fresh.put(a_scan("new"), DEFAULT_LIMITS)
    ScanCache(cache.folder / "below").put(a_scan("new"), DEFAULT_LIMITS)


def test_a_folder_that_goes_away_comes_back(cache: ScanCache) -> None:
    scan = a_scan()
    put(cache, scan)
    cache.clear()
    (cache.folder / "CACHEDIR.TAG").unlink()
    cache.folder.rmdir()
    assert kept(cache, scan) is None
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) == scan


# Several at once


def test_threads_share_one_cache(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache", 12 * BLOCK)
    scans = [a_scan(str(i)) for i in range(20)]
    wrong: list[object] = []

    def work(start: int) -> None:
        try:
            for i in range(60):
                scan = scans[(start + i) % len(scans)]
                found = kept(cache, scan)
                if found is None:
                    cache.put(scan, DEFAULT_LIMITS)
                elif found != scan:
                    wrong.append(found)
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i * 3,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache._keeping
    for path in entries(cache.folder):
        decode(path.read_bytes())


PROGRAM = """
import sys, time
from oci_inspect.layer.scan_cache import ScanCache
from oci_inspect.layer.scan import scan_layer
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.stream.source import BytesSource
from support.images import compress
from support.tars import TarBuilder, entry, gnu_sparse, pax
cache = ScanCache(sys.argv[1], int(sys.argv[2]))
builders = [TarBuilder() for _ in range(12)]
for i, builder in enumerate(builders):
    for j in range(40):
        builder.file(f"{i}-{j}", b"x" * j)
scans = [scan_layer(BytesSource(builder.build())) for builder in builders]
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[3])
done = 0
while time.monotonic() < end:
    for scan in scans:
        cache.put(scan, DEFAULT_LIMITS)
        found = cache.get(scan.digest, DEFAULT_LIMITS)
        assert found is None or found == scan
        done += 1
assert cache._keeping
print(done)
"""


@pytest.fixture
def spawned() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def spawn(*arguments: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
        running.append(process)
        return process

    yield spawn
    for process in running:
        process.kill()
        process.communicate()


def test_processes_that_all_make_room_do_not_trip_over_each_other(
    tmp_path: Path, spawned: Callable[..., subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "cache"
    processes = [spawned(folder, 8 * BLOCK, 1.5) for _ in range(4)]
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert int(out.split()[1]) >= 12
    for path in entries(folder):
        decode(path.read_bytes())
    assert list(folder.glob(".*")) == []


def test_no_half_entry_is_seen_when_writers_are_killed(
    tmp_path: Path, spawned: Callable[..., subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "cache"
    for delay in (0.0, 0.003, 0.01, 0.02):
        process = spawned(folder, 1 << 30, 60)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
        process.kill()
        process.wait(60)
        for path in entries(folder):
            decode(path.read_bytes())


def test_a_writer_killed_between_two_writes_leaves_no_entry(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with certainty: a write that never returns, and nothing that could clean up."""
    write = os.write

    class KilledError(BaseException):
        pass

    def half(file: int, data: bytes) -> int:
        write(file, data[: len(data) // 2])
        monkeypatch.setattr(os, "unlink", read_only)
        raise KilledError

    cache.put(a_scan("first"), DEFAULT_LIMITS)
    monkeypatch.setattr(os, "write", half)
    scan = a_scan()
    with pytest.raises(KilledError):
        cache.put(scan, DEFAULT_LIMITS)
    monkeypatch.undo()
    assert len(list(cache.folder.glob(".*.scan.*"))) == 1
    assert kept(cache, scan) is None
    assert len(entries(cache.folder)) == 1
    cache.put(scan, DEFAULT_LIMITS)
    assert kept(cache, scan) == scan


def test_a_record_is_what_is_in_the_file(cache: ScanCache) -> None:
    scan = a_scan()
    assert put(cache, scan).read_bytes() == encode(scan)


# The scanner's rules


FINGERPRINTS = {1: "8222e6f3feae2c3b", 2: "abb30a7c019e77ea", 3: "83057b9839261009"}
"""Of what the scanner makes of some odd tars, by the version of its rules."""


def odd_tars() -> Iterator[bytes]:
    plain = TarBuilder().dir("d", mode=0o1777).file("./d//a", b"a" * 6000).symlink("s", "d/a")
    plain.hardlink("h", "../d/a").char("c", 1, 3).file("x", b"1", xattrs={b"user.a": b"v"})
    plain.file(b"caf\xe9/../up", b"2").file("n" * 200, b"3").file("\u202e", b"").opaque("d")
    plain.raw(pax({b"mtime": b"-1.25", b"path": b"p\0q"}) + entry(b"t", b"3"))
    plain.raw(gnu_sparse(b"sparse", [(0, 1)], b"y", 4000))
    mapped = {b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"1024"}
    plain.raw(pax(mapped) + entry(b"as-long", b"1\n512\n512\n".ljust(1024, b"\0")))
    plain.raw(gnu_sparse(b"no-hole", [(0, 3)], b"yyy", 3))
    plain.raw(pax({b"GNU.sparse.map": b"0,3"}) + entry(b"folder", type=b"5"))
    yield plain.build()
    yield plain.build(end=b"")
    yield plain.build() + entry(b"behind", b"x")
    yield plain.build(end=bytes(512) + entry(b"lone", b"x") + bytes(1024))
    yield compress(plain.build(), "gzip")
    yield compress(plain.build(), "zstd")


def test_a_change_of_the_rules_has_a_version_of_its_own() -> None:
    """No expectation but a bell: what was kept under the old rules must not be taken for the new.

    Where it rings because the same blob gives another scan now, raise SCAN_VERSION and write the
    new fingerprint beside it. Where only the format changed, it is RECORD_VERSION that goes up.
    """
    told = hashlib.sha256()
    for tar in odd_tars():
        scan = scan_layer(BytesSource(tar))
        assert scan.complete and scan.listed
        blob = {"digests": {"sha256": ""}, "size": 0}  # compressors of other versions, other bytes
        told.update(zlib.decompress(encode(replace(scan, **blob))[52:]))
    assert FINGERPRINTS[scan_cache.SCAN_VERSION] == told.hexdigest()[:16]


def test_a_folder_in_the_place_of_one_entry_spoils_that_one_alone(cache: ScanCache) -> None:
    scan = a_scan()
    other = replace(scan, digests={"sha256": "sha256:" + "5" * 64})
    cache.put(scan, DEFAULT_LIMITS)
    (entry,) = cache.folder.glob("*.scan")
    entry.unlink()
    entry.mkdir()
    cache.put(scan, DEFAULT_LIMITS)
    cache.put(other, DEFAULT_LIMITS)
    assert cache.get(other.digest, DEFAULT_LIMITS) is not None
    assert cache.get(scan.digest, DEFAULT_LIMITS) is None


@pytest.mark.parametrize("step", ["open", "write", "close", "rename"])
def test_ctrl_c_right_after_any_step_leaves_no_part_of_an_entry(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """An interrupt comes between two steps: the first is done, and its result is not kept yet."""
    real = getattr(os, step)

    def interrupted(*arguments: object, **more: object) -> object:
        made = real(*arguments, **more)
        name = os.fsdecode(arguments[0]) if isinstance(arguments[0], str) else ""
        if step in ("write", "close") or ".scan." in name:
            monkeypatch.setattr(os, step, real)
            raise KeyboardInterrupt
        return made

    cache.folder.mkdir(mode=0o700, parents=True)
    scan = scan_layer(BytesSource(TarBuilder().file("a", b"1").build()))
    monkeypatch.setattr(os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.put(scan, DEFAULT_LIMITS)
    assert [one.name for one in cache.folder.iterdir() if one.name.startswith(".")] == []
