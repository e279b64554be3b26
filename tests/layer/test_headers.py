"""What one header says: ustar and v7 (POSIX.1-2017, "ustar Interchange Format"; GNU tar manual)."""

from collections.abc import Callable
from zlib import adler32, crc32

import pytest
from layer.agreement import Seen
from support.tars import (
    END,
    GNU,
    USTAR,
    V7,
    TarBuilder,
    base256,
    entry,
    header,
    octal,
    signed_checksum_of,
)

Scan = Callable[..., Seen]
FIRST = entry(b"first", b"1")
"""Something in front: a scanner may read the first header in another way than later ones."""


def test_every_field_of_a_ustar_header_is_read(scan: Scan) -> None:
    tar = entry(
        b"bin/sh", b"content", mode=0o4755, uid=1000, gid=0o1777777, mtime=1_700_000_000, type=b"0"
    )
    row = scan(tar + END).only
    assert (row.path, chr(row.type), row.size, row.stored_size) == (b"bin/sh", "f", 7, 7)
    assert (row.mode, row.uid, row.gid) == (0o4755, 1000, 0o1777777)
    assert (row.mtime, row.mtime_ns) == (1_700_000_000, 0)
    assert (row.linkname, row.device, row.xattrs) == (b"", (0, 0), ())


def test_offset_is_where_the_content_begins_and_the_fingerprint_is_of_the_content(
    scan: Scan,
) -> None:
    first, second = b"a" * 513, b"b" * 512
    tar = entry(b"a", first) + entry(b"b", second) + entry(b"e") + END
    rows = scan(tar).rows
    assert [row.offset for row in rows] == [512, 512 + 1024 + 512, 512 + 1024 + 512 + 512 + 512]
    assert [tar[row.offset : row.offset + row.size] for row in rows] == [first, second, b""]
    expected = [adler32(data) << 32 | crc32(data) for data in (first, second, b"")]
    assert [row.fingerprint for row in rows] == expected


def test_type_bits_in_the_mode_are_dropped(scan: Scan) -> None:
    """Some writers store the whole ``st_mode``."""
    assert scan(FIRST + header(b"a", mode=0o100644) + END).rows[1].mode == 0o644


@pytest.mark.parametrize(
    ("flag", "letter"),
    list(zip([b"0", b"\0", b"7", b"1", b"2", b"3", b"4", b"5", b"6"], "fffhlcbdp", strict=True)),
)
def test_each_type_flag_is_what_posix_says(scan: Scan, flag: bytes, letter: str) -> None:
    seen = scan(FIRST + header(b"x", type=flag, linkname=b"first") + END)
    assert seen.kinds == "f" + letter
    assert seen.rules == set()
    assert seen.rows[1].linkname == (b"first" if letter in "hl" else b"")


def test_devices_carry_their_numbers(scan: Scan) -> None:
    tar = FIRST + header(b"null", type=b"3", devmajor=1, devminor=3)
    tar += header(b"sda", type=b"4", devmajor=8, devminor=base256(300, 8))
    assert [row.device for row in scan(tar + END).rows] == [(0, 0), (1, 3), (8, 300)]


def test_device_numbers_of_other_types_mean_nothing(scan: Scan) -> None:
    assert scan(header(b"a", devmajor=1, devminor=3) + END).only.device == (0, 0)


def test_targets_keep_their_text_if_symbolic_and_become_paths_if_hard(scan: Scan) -> None:
    tar = FIRST + header(b"s", type=b"2", linkname=b"/usr/./lib/../x/")
    tar += header(b"h", type=b"1", linkname=b"./usr//lib/")
    assert [row.linkname for row in scan(tar + END).rows] == [b"", b"/usr/./lib/../x/", b"usr/lib"]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 155])
def test_prefix_stands_in_front_of_the_name(scan: Scan, size: int) -> None:
    prefix = (b"p/" * 80)[: max(size - 1, 0)] + b"q" * (size > 0)
    name = b"n" * 100
    row = scan(FIRST + header(name, prefix=prefix) + END).rows[1]
    assert row.path == (prefix + b"/" + name if size else name)


def test_prefix_is_no_prefix_without_posix_magic(scan: Scan) -> None:
    """GNU's own form keeps times there, v7 nothing that was promised."""
    tar = b"".join(header(b"name", prefix=b"other", magic=magic) for magic in (USTAR, GNU, V7))
    assert scan(tar + END).paths == [b"other/name", b"name", b"name"]


def test_v7_header_without_magic_is_read(scan: Scan) -> None:
    tar = entry(b"old", b"data", type=b"\0", magic=V7, mode=0o600) + header(
        b"s", type=b"2", linkname=b"old", magic=V7
    )
    seen = scan(tar + END)
    assert (seen.paths, seen.kinds, seen.rules) == ([b"old", b"s"], "fl", set())


@pytest.mark.parametrize("name", [b"d/", b"d//"])
def test_type_of_v7_and_a_slash_at_the_end_is_a_folder(scan: Scan, name: bytes) -> None:
    """v7 had no type for folders."""
    seen = scan(FIRST + header(name, type=b"\0") + header(b"d/f") + END)
    assert (seen.paths, seen.kinds, seen.rules) == ([b"first", b"d", b"d/f"], "fdf", set())


def test_type_of_a_file_and_a_slash_at_the_end_is_a_file_and_told(scan: Scan) -> None:
    """As Go's archive/tar and Python's tarfile have it; GNU tar and bsdtar make it a folder."""
    seen = scan(FIRST + entry(b"d/", b"data", type=b"0") + header(b"e") + END)
    assert (seen.paths, seen.kinds) == ([b"first", b"d", b"e"], "fff")
    assert seen.subjects("tar-ambiguous") == ["d/"]


def test_folder_with_a_size_has_no_body(scan: Scan) -> None:
    """POSIX: the size of a folder is a quota, no data follow."""
    seen = scan(FIRST + header(b"d", type=b"5", size=4096) + header(b"f") + END)
    assert (seen.paths, seen.kinds, seen.rules) == ([b"first", b"d", b"f"], "fdf", set())
    assert [row.size for row in seen.rows] == [1, 0, 0]


def test_folder_of_v7_with_a_size_is_told(scan: Scan) -> None:
    """GNU tar skips what Go's archive/tar and bsdtar take for the next header."""
    seen = scan(FIRST + header(b"d/", type=b"\0", size=512) + header(b"f") + END)
    assert (seen.paths, seen.kinds) == ([b"first", b"d", b"f"], "fdf")
    assert seen.subjects("tar-ambiguous") == ["d/"]


def test_unknown_type_is_taken_for_a_file_and_told(scan: Scan) -> None:
    """POSIX: unknown types shall be treated as regular files."""
    seen = scan(FIRST + entry(b"q", b"abc", type=b"Z") + entry(b"z") + END)
    assert (seen.paths, seen.kinds) == ([b"first", b"q", b"z"], "fff")
    assert seen.subjects("tar-ambiguous") == ["q"]


def test_name_field_may_be_full_and_ends_at_a_nul(scan: Scan) -> None:
    full = b"n" * 100
    tar = FIRST + header(full) + header(b"cut\0off") + header(b"s", type=b"2", linkname=b"l" * 100)
    seen = scan(tar + END)
    assert seen.paths == [b"first", full, b"cut", b"s"]
    assert seen.rows[3].linkname == b"l" * 100


# Names


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"./a", b"a"),
        (b"/a", b"a"),
        (b"//a//b", b"a/b"),
        (b"././a/./b/.", b"a/b"),
        (b"a/b/", b"a/b"),
        (b"a///", b"a"),
        (b"./", b""),
        (b".", b""),
        (b"/", b""),
        (b"...", b"..."),
        (b"a..b", b"a..b"),
        (b".hidden", b".hidden"),
        (b"C:\\x", b"C:\\x"),
        (b" ", b" "),
        (b"a ", b"a "),
    ],
)
def test_names_become_paths_from_the_root(scan: Scan, name: bytes, path: bytes) -> None:
    seen = scan(header(name, type=b"5") + header(name, type=b"5") + END)
    assert seen.paths == [path, path]
    assert seen.rules == set()


@pytest.mark.parametrize(
    ("name", "path"),
    [(b"../a", b"a"), (b"a/../../b", b"b"), (b"a/..", b""), (b"..", b""), (b"a/b/../c", b"a/c")],
)
def test_dotdot_is_clamped_at_the_root_and_told(scan: Scan, name: bytes, path: bytes) -> None:
    seen = scan(FIRST + header(name) + END)
    assert seen.paths == [b"first", path]
    assert seen.subjects("path-unsafe") == [name.decode()]


def test_dotdot_in_the_target_of_a_hard_link_is_clamped_and_told(scan: Scan) -> None:
    tar = FIRST + header(b"h", type=b"1", linkname=b"../../etc/shadow")
    seen = scan(tar + header(b"s", type=b"2", linkname=b"../x") + END)
    assert seen.rows[1].linkname == b"etc/shadow"
    assert seen.subjects("path-unsafe") == ["h"]


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"ok/\xc3("])
def test_name_that_is_not_utf8_keeps_its_bytes_and_is_told(scan: Scan, name: bytes) -> None:
    seen = scan(FIRST + header(name) + END)
    assert seen.paths[1] == name
    assert seen.rules == {"path-encoding"}


def test_utf8_name_is_an_ordinary_one(scan: Scan) -> None:
    seen = scan(FIRST + header("größe/日本".encode()) + END)
    assert seen.paths[1].decode() == "größe/日本"
    assert seen.rules == set()


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[0m", "a\x7f", "a\x85b", "a\u202eb", "a\u2066b"])
def test_control_characters_in_a_name_are_told(scan: Scan, text: str) -> None:
    seen = scan(FIRST + header(text.encode()) + END)
    assert seen.paths[1] == text.encode()
    assert seen.rules == {"path-encoding"}
    assert all(one.subject.isprintable() for one in seen.scan.findings)


def test_path_that_stands_twice_makes_two_rows(scan: Scan) -> None:
    seen = scan(TarBuilder().file("a", b"1").file("a", b"22").build())
    assert [(row.path, row.size) for row in seen.rows] == [(b"a", 1), (b"a", 2)]


# Numbers


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000755\0", 0o755),
        (b"000755 \0", 0o755),
        (b"    755\0", 0o755),
        (b"755\0\0\0\0\0", 0o755),
        (b"755     ", 0o755),
        (b"00000755", 0o755),
        (b"\0" * 8, 0),
        (b" " * 8, 0),
        (b"755\0junk", 0o755),
        (base256(0o755, 8), 0o755),
    ],
)
def test_numbers_are_octal_however_they_are_padded(scan: Scan, field: bytes, value: int) -> None:
    seen = scan(FIRST + header(b"a", mode=field, uid=field) + END)
    assert (seen.rows[1].mode, seen.rows[1].uid) == (value, value)
    assert seen.rules == set()


@pytest.mark.parametrize(
    ("field", "value"),
    [(b"00000000010 ", 8), (b"10\0", 8), (b"         10\0", 8), (b"000000000010", 8)],
)
def test_sizes_are_read_however_they_are_padded(scan: Scan, field: bytes, value: int) -> None:
    seen = scan(FIRST + entry(b"a", b"12345678", size=field) + entry(b"b") + END)
    assert [(row.path, row.size) for row in seen.rows[1:]] == [(b"a", value), (b"b", 0)]
    assert seen.rules == set()


@pytest.mark.parametrize("value", [8**7, 2**32, 2**40, 2**55 - 1])
def test_large_ids_come_in_base_256(scan: Scan, value: int) -> None:
    row = scan(FIRST + header(b"a", uid=value, gid=value) + END).rows[1]
    assert (row.uid, row.gid) == (value, value)


@pytest.mark.parametrize("value", [-1, -2, -86400, -(2**40), 8**11, 2**62])
def test_times_before_1970_and_far_ahead_come_in_base_256(scan: Scan, value: int) -> None:
    assert scan(FIRST + header(b"a", mtime=value) + END).rows[1].mtime == value


@pytest.mark.parametrize("what", ["mode", "uid", "gid", "mtime"])
@pytest.mark.parametrize("field", [b"0000008\0", b"12 34\0", b"-0001\0", b"zz", b"0x1f\0"])
def test_field_that_is_no_number_counts_as_0_and_is_told(
    scan: Scan, what: str, field: bytes
) -> None:
    seen = scan(FIRST + header(b"a", **{what: field}) + END)  # type: ignore[arg-type]
    assert getattr(seen.rows[1], what) == 0
    assert seen.found == {("tar-header-invalid", "a")}


# Checksums


def test_signed_checksum_of_old_suns_is_right_too(scan: Scan) -> None:
    name = "größe".encode()
    block = header(name, checksum=b"%06o\0 " % signed_checksum_of(header(name)))
    seen = scan(FIRST + block + END)
    assert seen.paths == [b"first", name]
    assert seen.rules == set()


@pytest.mark.parametrize("form", [b"%06o\0 ", b"%07o\0", b"%06o  ", b"%6o\0 ", b"%08o"])
def test_checksum_may_be_written_in_any_padding(scan: Scan, form: bytes) -> None:
    total = sum(header(b"a", checksum=b" " * 8))
    seen = scan(FIRST + header(b"a", checksum=form % total) + END)
    assert (seen.paths, seen.rules) == ([b"first", b"a"], set())


@pytest.mark.parametrize("by", [-1, 1, 256, -256, 65520, 65521, 65536, 2 * 65521])
def test_checksum_that_is_off_is_no_checksum(scan: Scan, by: int) -> None:
    """65521: the sum may be checked by way of Adler-32, which counts modulo that."""
    total = sum(header(b"a", checksum=b" " * 8))
    seen = scan(FIRST + header(b"a", checksum=octal(total + by, 8)) + entry(b"b") + END)
    assert seen.paths == [b"first", b"b"]
    assert seen.found == {("tar-header-checksum", "byte 1,024")}


def test_checksum_of_a_header_of_high_bytes_is_not_taken_modulo_anything(scan: Scan) -> None:
    fields = {"prefix": b"\xfe" * 155, "linkname": b"\xfe" * 100, "uname": b"\xfe" * 32}
    total = sum(header(b"\xfe" * 100, checksum=b" " * 8, **fields))  # type: ignore[arg-type]
    assert total > 65521
    for checksum, count in ((total, 2), (total - 65521, 1)):
        block = header(b"\xfe" * 100, checksum=octal(checksum, 8), **fields)  # type: ignore[arg-type]
        assert len(scan(FIRST + block + END).paths) == count


@pytest.mark.parametrize("field", [b"\0" * 8, b" " * 8, b"zzzzzz\0 ", base256(-1, 8)])
def test_blank_or_odd_checksum_does_not_hold(scan: Scan, field: bytes) -> None:
    assert scan(FIRST + header(b"a", checksum=field) + END).rules == {"tar-header-checksum"}
