"""Headers that are written: held against POSIX by hand, and against four readers of other people.

Where the readers differ, what was measured (GNU tar 1.34, bsdtar 3.6.2, Python 3.11, Go 1.26) is
told at the test.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from support.tars import END, base256, padded, pax_record
from support.tars import header as block

from oci_inspect.stream.tar import HeaderReader, TarHeader
from oci_inspect.stream.tar_writer import (
    IS_BLOCK,
    IS_CHAR,
    IS_FIFO,
    IS_FILE,
    IS_FOLDER,
    IS_HARDLINK,
    IS_SYMLINK,
    NewEntry,
    header,
    padding,
    sparse_map,
)

PLAIN = {"devmajor": 0, "devminor": 0}
"""POSIX wants numbers in all number fields; docker and GNU tar write zeros as well."""


def pax_and(path: bytes, records: bytes, **fields: object) -> bytes:
    """A pax header in front of a block, as the writer's documentation says."""
    name = b"PaxHeaders.0/" + path.rstrip(b"/").rpartition(b"/")[2]
    extended = block(name[:100], type=b"x", size=len(records), **PLAIN) + padded(records)
    return extended + block(path[:100], **{**PLAIN, **fields})  # type: ignore[arg-type]


def test_a_plain_file_takes_one_block_and_no_more():
    made = header(NewEntry(b"etc/motd", IS_FILE, 0o4755, 12, 34, 56, 1_700_000_000))
    assert made == block(
        b"etc/motd", mode=0o4755, uid=12, gid=34, size=56, mtime=1_700_000_000, **PLAIN
    )
    assert [len(padding(size)) for size in (0, 1, 511, 512, 513)] == [0, 511, 1, 0, 511]


@pytest.mark.parametrize(
    ("kind", "flag", "more", "fields"),
    [
        (IS_FOLDER, b"5", {}, {}),
        (IS_FIFO, b"6", {}, {}),
        (IS_HARDLINK, b"1", {"linkname": b"a/b"}, {"linkname": b"a/b"}),
        (IS_SYMLINK, b"2", {"linkname": b"../x"}, {"linkname": b"../x"}),
        (IS_CHAR, b"3", {"device": (1, 3)}, {"devmajor": 1, "devminor": 3}),
        # Linux has 12 bits of major and 20 of minor numbers.
        (IS_BLOCK, b"4", {"device": (4095, 1 << 20)}, {"devmajor": 4095, "devminor": 1 << 20}),
        (IS_CHAR, b"3", {"device": (1 << 40, -1)}, {"devmajor": 1 << 40, "devminor": -1}),
    ],
)
def test_every_type(kind, flag, more, fields):
    path = b"x/" if kind == IS_FOLDER else b"x"
    made = header(NewEntry(b"x", kind, 0o600, **more))
    assert made == block(path, type=flag, mode=0o600, **{**PLAIN, **fields})


def test_numbers_at_the_edge_of_their_fields():
    assert header(NewEntry(b"a", IS_FILE, 0, 0o7777777, 0o7777777, 8**11 - 1, 8**11 - 1)) == block(
        b"a", mode=0, uid=0o7777777, gid=0o7777777, size=8**11 - 1, mtime=8**11 - 1, **PLAIN
    )
    records = b"".join(
        pax_record(key, b"%d" % value)
        for key, value in (
            (b"gid", 2**32),
            (b"mtime", 8**11),
            (b"size", 2**63 - 1),
            (b"uid", 8**7),
        )
    )
    made = header(NewEntry(b"a", IS_FILE, 0, 8**7, 2**32, 2**63 - 1, 8**11))
    assert made == pax_and(b"a", records, mode=0)


def test_a_negative_owner_is_binary_since_no_pax_record_can_hold_it():
    made = header(NewEntry(b"a", IS_FILE, 0, -1, -(2**31)))
    assert made == block(b"a", mode=0, uid=base256(-1, 8), gid=base256(-(2**31), 8), **PLAIN)


@pytest.mark.parametrize(
    ("seconds", "nanoseconds", "text"),
    [
        (5, 500, b"5.0000005"),
        (5, 100_000_000, b"5.1"),
        (0, 999_999_999, b"0.999999999"),
        (-1, 0, b"-1"),
        (-1, 500_000_000, b"-0.5"),
        (-2, 500_000_000, b"-1.5"),
        (-3, 999_999_999, b"-2.000000001"),
        (2**40, 1, b"1099511627776.000000001"),
    ],
)
def test_times_as_pax_has_them(seconds, nanoseconds, text):
    field = seconds if 0 <= seconds < 8**11 else 0
    made = header(NewEntry(b"a", IS_FILE, 0, mtime=seconds, mtime_ns=nanoseconds))
    assert made == pax_and(b"a", pax_record(b"mtime", text), mode=0, mtime=field)


def test_a_long_name_is_split_where_it_can_be_and_a_record_where_it_cannot():
    for prefix, name in ((155, 100), (1, 100), (50, 60)):
        path = b"p" * prefix + b"/" + b"n" * name
        made = header(NewEntry(path, IS_FILE, 0))
        assert made == block(b"n" * name, prefix=b"p" * prefix, mode=0, **PLAIN)
    assert header(NewEntry(b"n" * 100, IS_FILE, 0)) == block(b"n" * 100, mode=0, **PLAIN)
    folder = b"p" * 155 + b"/" + b"n" * 99  # and a slash
    made = header(NewEntry(folder, IS_FOLDER, 0))
    assert made == block(b"n" * 99 + b"/", type=b"5", prefix=b"p" * 155, mode=0, **PLAIN)
    for path in (b"n" * 101, b"p" * 156 + b"/" + b"n" * 100, b"p/" + b"n" * 101):
        made = header(NewEntry(path, IS_FILE, 0))
        assert made == pax_and(path, pax_record(b"path", path), mode=0)


def test_text_that_is_utf_8_is_said_to_be_and_other_bytes_stand_as_they_are():
    path, target = "é".encode(), "ü".encode()
    records = pax_record(b"linkpath", target) + pax_record(b"path", path)
    made = header(NewEntry(path, IS_SYMLINK, 0, linkname=target))
    assert made == pax_and(path, records, type=b"2", mode=0, linkname=target)
    assert header(NewEntry(b"\xff", IS_FILE, 0)) == block(b"\xff", mode=0, **PLAIN)
    long = b"\xff" * 101
    records = pax_record(b"hdrcharset", b"BINARY") + pax_record(b"path", long)
    assert header(NewEntry(long, IS_FILE, 0)) == pax_and(long, records, mode=0)


def test_extended_attributes_are_records_of_raw_bytes():
    xattrs = ((b"user.z", b""), (b"security.capability", b"\1\0\0\2=\n\xff"), (b"user.a=b", b"v"))
    records = (
        pax_record(b"SCHILY.xattr.security.capability", b"\1\0\0\2=\n\xff")
        + pax_record(b"SCHILY.xattr.user.a%3Db", b"v")
        + pax_record(b"SCHILY.xattr.user.z", b"")
    )
    assert header(NewEntry(b"a", IS_FILE, 0, xattrs=xattrs)) == pax_and(b"a", records, mode=0)
    none = ((b"", b"x"), (b"user.\0", b"x"))
    assert header(NewEntry(b"a", IS_FILE, 0, xattrs=none)) == block(b"a", mode=0, **PLAIN)


@pytest.mark.parametrize("length", [*range(1, 12), *range(85, 105), *range(980, 1_005), 99_990])
def test_the_length_of_a_record_counts_itself(length):
    made = header(NewEntry(b"a", IS_FILE, 0, xattrs=((b"u", b"v" * length),)))
    record = pax_record(b"SCHILY.xattr.u", b"v" * length)
    assert made[512 : 512 + len(record)] == record


# Sparse files: the GNU tar manual, "Storing Sparse Files", version 1.0


def test_the_map_of_a_sparse_file_is_lines_in_front_of_its_data():
    told = sparse_map(((0, 512), (8192, 5)))
    assert told == (((0, 512), (8192, 5)), (0, 0))
    made = header(NewEntry(b"d/f", IS_FILE, 0, size=10_000, sparse=told))
    records = b"".join(
        pax_record(b"GNU.sparse." + key, value)
        for key, value in (
            (b"major", b"1"),
            (b"minor", b"0"),
            (b"name", b"d/f"),
            (b"realsize", b"10000"),
        )
    )
    # The hole behind the last run is told by an empty run at the end.
    lines = padded(b"3\n0\n512\n8192\n5\n10000\n0\n")
    extended = block(b"PaxHeaders.0/f", type=b"x", size=len(records), **PLAIN) + padded(records)
    told_block = block(b"d/GNUSparseFile.0/f", size=512 + 517, mode=0, **PLAIN)
    assert made == extended + told_block + lines


@pytest.mark.parametrize(
    ("regions", "runs", "fillers"),
    [
        ((), (), ()),
        (((5, 7),), ((5, 7),), (0,)),
        (((0, 3), (600, 4)), ((0, 512), (600, 4)), (509, 0)),
        # What lies closer than a block is one run, with the hole between as zeros.
        (((0, 3), (100, 4), (9000, 1)), ((0, 512), (9000, 1)), (97, 408, 0)),
        (((0, 3), (3, 4)), ((0, 7),), (0, 0)),
        (((0, 3), (512, 4)), ((0, 516),), (509, 0)),
    ],
)
def test_every_run_but_the_last_is_whole_blocks(regions, runs, fillers):
    assert sparse_map(regions) == (runs, fillers)


# Other people's readers

ODD = [
    NewEntry(b"plain", IS_FILE, 0o4711, 7, 8, 0, 1_600_000_000, 123_456_789),
    NewEntry(b"d", IS_FOLDER, 0o1777, mtime=9),
    NewEntry(b"d/" + b"n" * 250, IS_FILE, 0o644),
    NewEntry("d/é".encode(), IS_FILE, 0o644, mtime=-5),
    NewEntry(b"d/raw-\xff\xfe", IS_FILE, 0o644),
    NewEntry(b"d/raw-\xff" + b"x" * 150, IS_FILE, 0o644),
    NewEntry(b"d/new\nline \x1b[31m", IS_FILE, 0o644),
    NewEntry(b"p" * 120 + b"/" + b"\xfe" * 90, IS_FILE, 0o600),
    NewEntry(b"s", IS_SYMLINK, 0o777, linkname=b"t" * 400),
    NewEntry(b"s\xff", IS_SYMLINK, 0o777, linkname=b"\xfe" + b"t" * 200),
    NewEntry(b"hard", IS_HARDLINK, 0o4711, 7, 8, linkname=b"d/raw-\xff" + b"x" * 150),
    NewEntry(b"fifo", IS_FIFO, 0o640),
    NewEntry(b"huge", IS_FILE, 0o644, 3_000_000_000, 2_097_152),
]


def tar_of(entries: list[NewEntry]) -> bytes:
    return b"".join(map(header, entries)) + END


def test_python_reads_it_back():
    with tarfile.open(fileobj=io.BytesIO(tar_of(ODD)), encoding="utf-8") as tar:
        for entry, member in zip(ODD, tar, strict=True):
            assert os.fsencode(member.name) == entry.path
            assert os.fsencode(member.linkname) == entry.linkname
            assert (member.mode, member.uid, member.gid) == (entry.mode, entry.uid, entry.gid)
            assert member.mtime == pytest.approx(entry.mtime + entry.mtime_ns / 10**9, abs=1e-6)


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_tar_programs_unpack_it(program, tmp_path):
    """GNU tar says of ``hdrcharset`` that it does not know it; the names are right nonetheless."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    root = os.geteuid() == 0
    entries = [one for one in ODD if root or one.path != b"huge"]
    path = tmp_path / "one.tar"
    path.write_bytes(tar_of(entries))
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(
        [program, "-xpf", path, "-C", out], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if b"hdrcharset" not in line]
    assert all(b"implausibly old time stamp" in line for line in said), said
    for entry in entries:
        found = Path(out, os.fsdecode(entry.path))
        info = found.lstat()
        if entry.type == IS_SYMLINK:
            assert os.fsencode(found.readlink()) == entry.linkname
        elif entry.type == IS_HARDLINK:
            assert found.samefile(Path(out, os.fsdecode(entry.linkname)))
        else:
            assert info.st_mtime_ns == entry.mtime * 10**9 + entry.mtime_ns
            assert info.st_mode & 0o1777 == entry.mode & 0o1777
            if root:
                assert (info.st_uid, info.st_gid) == (entry.uid, entry.gid)
    count = sum(len(folders) + len(files) for _, folders, files in os.walk(out))
    assert count == len(entries) + 1  # the folder that nothing describes


def test_our_own_reader_reads_it_back():
    for entry in [
        *ODD,
        NewEntry(b"neg", IS_FILE, 0, -1, -5, mtime=-2, mtime_ns=500_000_000),
        NewEntry(b"x", IS_FILE, 0, 1 << 40, 2**63 - 1, 2**63 - 1, 2**50),
        NewEntry(b"y", IS_FILE, 0, xattrs=((b"u", b"\0\xff"),)),
        NewEntry(b"dev", IS_BLOCK, 0, device=(1 << 30, 1 << 33)),
    ]:
        made = header(entry)
        reader = HeaderReader()
        found = reader.header(made[:512])
        if isinstance(found, int):
            assert reader.payload(made[512 : 512 + found]) is None
            found = reader.header(made[-512:])
        assert isinstance(found, TarHeader)
        path = entry.path + b"/" if entry.type == IS_FOLDER else entry.path
        assert found[:-1] == (
            *(path, entry.type, entry.mode, entry.uid, entry.gid, entry.size, entry.size),
            *(entry.mtime, entry.mtime_ns, entry.linkname, entry.device, entry.xattrs),
        )
        assert reader.notes == []


def test_nothing_is_of_the_clock_or_the_machine(monkeypatch, tmp_path: Path):
    before = tar_of(ODD)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.chdir(tmp_path)
    assert tar_of(ODD) == before
