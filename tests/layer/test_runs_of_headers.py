"""Many plain headers at once and an odd one among them: nothing is lost or invented."""

from __future__ import annotations

import random

import pytest
from layer.agreement import agreed
from support.tars import (
    BLOCK,
    END,
    GNU,
    USTAR,
    ZERO,
    base256,
    checksum_of,
    entry,
    gnu_long,
    header,
    octal,
    pax,
)

from oci_inspect.layer.plain_headers import PlainHeaders
from oci_inspect.limits import DEFAULT_LIMITS, Limits

LONG = b"usr/share/" + b"d" * 60 + b"/" + b"f" * 60

FULL = header(b"\xff" * 100, patch={265: b"\xff" * 247})
WRAPPED = header(
    b"\xff" * 100,
    patch={265: b"\xff" * 247},
    checksum=octal(checksum_of(FULL) - 65521, 7) + b" ",
)
"""Its checksum is wrong by the modulus of Adler-32."""

ODD: dict[str, bytes] = {
    "a header of high bytes": FULL,
    "a checksum that Adler-32 would take for right": WRAPPED,
    "a size far below zero": header(b"odd", size=b"-7777777777\0"),
    "a wrong checksum": header(b"odd", checksum=b"000001\0 "),
    "a checksum that is no number": header(b"odd", checksum=b"xxxxxx\0 "),
    "an uid in base 256": header(b"odd", uid=base256(1 << 40, 8)),
    "a negative time": header(b"odd", mtime=base256(-5, 12)),
    "a blank uid": header(b"odd", uid=b" " * 8),
    "a name that is no ASCII": header("h\u00e4".encode()),
    "a name that is no UTF-8": header(b"h\xe4"),
    "a name with a newline": header(b"a\nb"),
    "a name with a control character": header(b"a\x1bb"),
    "an empty name": header(b""),
    "a hidden file": header(b"usr/.hidden"),
    "a name from the root": header(b"/usr/lib"),
    "a name from here": header(b"./usr/lib"),
    "a name upwards": header(b"usr/../../lib"),
    "a double slash": header(b"usr//lib"),
    "a file with a slash behind its name": header(b"odd/"),
    "a folder": header(b"folder/", type=b"5"),
    "a folder with two slashes": header(b"folder//", type=b"5"),
    "the root": header(b"./", type=b"5"),
    "the root as a slash": header(b"/", type=b"5"),
    "a symbolic link": header(b"link", type=b"2", linkname=b"../to"),
    "a hard link": header(b"hard", type=b"1", linkname=b"./plain-00003"),
    "a hard link that leaves": header(b"hard", type=b"1", linkname=b"../../x"),
    "a link with a body": header(b"link", type=b"2", linkname=b"to", size=600) + b"b" * 1024,
    "a folder with a size": header(b"folder", type=b"5", size=600),
    "a device": header(b"dev", type=b"3", devmajor=1, devminor=3),
    "an unknown type": header(b"odd", type=b"?"),
    "an old file": header(b"odd", type=b"\0"),
    "a contiguous file": header(b"odd", type=b"7"),
    "a prefix": header(b"name", prefix=b"a/long/prefix"),
    "a prefix and a slash": header(b"name/", prefix=b"a/long/prefix", type=b"5"),
    "a prefix and only a slash": header(b"/", prefix=b"a/long/prefix", type=b"5"),
    "a long prefix": header(b"n" * 100, prefix=b"p" * 76 + b"/" + b"p" * 77),
    "GNU's header with a time where the prefix is": header(
        b"name", magic=GNU, patch={345: b"14371573007\0"}
    ),
    "a size with spaces in front": header(b"odd", size=b"         12 ") + b"x" * BLOCK,
    "a size with an underscore": header(b"odd", size=b"000000_0012\0") + b"x" * BLOCK,
    "a size with a sign": header(b"odd", size=b"-0000000012\0"),
    "a size with a prefix": header(b"odd", size=b"0o000000012\0") + b"x" * BLOCK,
    "a size with no end": header(b"odd", size=b"000000000012") + b"x" * BLOCK,
    "a size in base 256": header(b"odd", size=base256(10, 12)) + b"x" * BLOCK,
    "a huge size": header(b"odd", size=b"77777777777\0"),
    "a lone zero block": ZERO,
    "garbage": b"garbage!" * 64,
    "an extension": pax({b"path": LONG}) + header(b"short"),
    "a long name": gnu_long(b"L", LONG) + header(b"short"),
    "two of one name": header(b"twice") + header(b"twice"),
    "a file of some size": entry(b"content", b"c" * 700),
    "a large file": entry(b"large", b"c" * 6000),
}


def plain(count: int, start: int = 0) -> bytes:
    return b"".join(
        entry(b"plain-%05d" % i, b"%d" % i * (i % 400), mtime=i % 7, magic=(USTAR, GNU)[i % 2])
        for i in range(start, start + count)
    )


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("before", [0, 1, 2, 30])
def test_an_odd_header_among_plain_ones_is_read_as_the_reference_reads_it(
    odd: bytes, before: int
) -> None:
    agreed(plain(before) + odd + plain(37, before) + END)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_headers_in_a_row(odd: bytes) -> None:
    agreed(plain(3) + odd * 3 + plain(2, 3) + odd + END)


def test_any_mixture() -> None:
    generator = random.Random(20)
    kinds = list(ODD.values())
    for _ in range(60):
        pieces = [
            generator.choice(kinds) if generator.random() < 0.1 else plain(1, i) for i in range(90)
        ]
        agreed(b"".join(pieces) + END, steps=(1 << 20, 7001))


@pytest.mark.parametrize("entries", [1, 2, 15, 16, 17, 40])
def test_the_limit_on_entries_is_met_at_the_same_row(entries: int) -> None:
    limits = Limits(entries=entries)
    scans = [agreed(plain(41) + END, limits, steps=(step,)).scan for step in (1 << 20, 513)]
    assert all([one.rule for one in scan.findings] == ["limit-exceeded"] for scan in scans)


@pytest.mark.parametrize("at", [0, 1, 20, 39])
def test_a_path_over_the_limit_ends_the_listing_in_front_of_it(at: int) -> None:
    limits = Limits(path_part_bytes=50)
    tar = plain(at) + entry(b"x" * 51) + plain(39 - at, at) + END
    seen = agreed(tar, limits)
    assert "limit-exceeded" in seen.rules


def test_plain_headers_stop_where_one_is_not() -> None:
    tar = plain(5) + ODD["a wrong checksum"] + plain(5) + END
    taken = PlainHeaders().take(tar, 0, 1000)
    assert taken is not None
    assert taken.names == [b"plain-%05d" % i for i in range(5)]
    assert taken.end == len(plain(5))
    assert PlainHeaders().take(tar, taken.end, 1000) is None


def test_an_odd_header_every_other_entry_does_not_make_longer_runs_in_vain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    columns = PlainHeaders.columns

    def counting(self, blocks, *rest):  # type: ignore[no-untyped-def]
        nonlocal looked
        looked += len(blocks)
        return columns(self, blocks, *rest)

    monkeypatch.setattr(PlainHeaders, "columns", counting)
    pair = plain(1) + ODD["an uid in base 256"]
    count = 2000
    agreed(pair * count + END, steps=(1 << 20,), subjects=False)
    assert looked < 2 * count * 4


def test_default_limits_let_a_whole_run_pass() -> None:
    assert len(agreed(plain(5000) + END, DEFAULT_LIMITS, steps=(1 << 20, 100_003)).rows) == 5000
