"""Where a tar ends, what counts into its digest, and that the sizes of the reads do not matter."""

import hashlib
from collections.abc import Callable

import pytest
from layer.agreement import Seen, agreed, fast, slow
from support.tars import (
    END,
    ZERO,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    gnu_sparse,
    header,
    pax,
)

Scan = Callable[..., Seen]


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def everything() -> bytes:
    """A tar with one of each form, to be cut into pieces."""
    builder = TarBuilder().dir("d").file("d/a", b"a" * 700, mtime=5).file("d/é", b"x" * 512)
    builder.symlink("s", "d/a").hardlink("h", "d/a").char("c", 1, 3).fifo("p")
    builder.file("n" * 200, b"long", xattrs={b"user.a": b"b" * 600})
    builder.raw(pax({b"comment": b"c"}, type=b"g"))
    builder.raw(gnu_long(b"L", b"g/" * 350 + b"g") + entry(b"g", b"1" * 1500))
    builder.raw(gnu_sparse(b"sparse", [(i, 1) for i in range(30)], b"y" * 30, 4000))
    builder.raw(entry(b"../up", b"z")).file("last", b"l" * 511)
    return builder.build()


@pytest.mark.parametrize(
    ("end", "rules"),
    [
        (END, set()),
        (ZERO * 20, set()),
        (ZERO, {"tar-no-end-mark"}),
        (b"", {"tar-no-end-mark"}),
        (ZERO + bytes(511), {"tar-no-end-mark"}),
        (bytes(100), {"tar-no-end-mark"}),
        (END + bytes(7), set()),
    ],
    ids=["two blocks", "a record", "one block", "none", "not quite two", "a few zeros", "odd"],
)
def test_end_is_two_zero_blocks_and_any_other_is_told(
    scan: Scan, end: bytes, rules: set[str]
) -> None:
    tar = entry(b"a", b"1") + entry(b"b", b"2") + end
    seen = scan(tar)
    assert (seen.paths, seen.rules) == ([b"a", b"b"], rules)
    assert seen.scan.complete
    assert seen.scan.diff_id == seen.scan.digest == sha256(tar)
    assert seen.scan.size == seen.scan.uncompressed_size == len(tar)


def test_empty_layer_of_1024_zeros_is_a_layer(scan: Scan) -> None:
    """Docker's well-known empty layer, 5f70bf18."""
    seen = scan(bytes(1024))
    assert (seen.rows, seen.rules) == ([], set())
    expected = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    assert seen.scan.diff_id == f"sha256:{expected}"


@pytest.mark.parametrize("size", [0, 1, 511, 512])
def test_fewer_zeros_are_a_tar_without_an_end(scan: Scan, size: int) -> None:
    seen = scan(bytes(size))
    assert (seen.rows, seen.rules) == ([], {"tar-no-end-mark"})
    assert seen.scan.digest == sha256(bytes(size))


def test_entries_behind_the_end_are_told_not_listed_and_hashed(scan: Scan) -> None:
    tar = entry(b"a") + END + entry(b"hidden", b"x" * 600) + END
    seen = scan(tar)
    assert seen.paths == [b"a"]
    assert seen.found == {("tar-ambiguous", "hidden")}
    assert seen.scan.diff_id == sha256(tar)


@pytest.mark.parametrize(
    "behind",
    [
        pax({b"path": b"x"}),
        gnu_long(b"L", b"x"),
        header(b"x", type=b"L", size=2 << 20),
        header(b"x", size=base256(-1, 12)),
    ],
    ids=["pax", "long name", "too long a name", "no valid size"],
)
def test_any_header_behind_the_end_is_told(behind: bytes) -> None:
    seen = agreed(entry(b"a") + END + ZERO + behind, subjects=False)
    assert (seen.paths, seen.rules) == ([b"a"], {"tar-ambiguous"})


def test_table_of_contents_of_estargz_behind_the_end_is_no_oddity(scan: Scan) -> None:
    """The eStargz specification puts it there, and a gzip member of its own around it."""
    tar = entry(b"a") + END + entry(b"stargz.index.json", b"{}") + END
    seen = scan(tar)
    assert (seen.paths, seen.rules) == ([b"a"], set())
    assert seen.scan.diff_id == sha256(tar)


@pytest.mark.parametrize("behind", [b"junk", b"j" * 512, b"junk" * 1000, b"\0" * 700 + b"j"])
def test_junk_behind_the_end_is_no_entry_and_hashed(scan: Scan, behind: bytes) -> None:
    tar = entry(b"a") + END + behind
    seen = scan(tar)
    assert (seen.paths, seen.rules) == ([b"a"], set())
    assert seen.scan.diff_id == sha256(tar)


def test_entry_behind_a_lone_zero_block_is_listed_and_told(scan: Scan) -> None:
    """GNU tar warns "A lone zero block" and goes on only with --ignore-zeros; Go goes on."""
    seen = scan(entry(b"a") + ZERO + entry(b"b") + END)
    assert seen.paths == [b"a", b"b"]
    assert seen.rules == {"tar-ambiguous"}


def test_lone_zero_blocks_do_not_add_up_to_an_end(scan: Scan) -> None:
    seen = scan(entry(b"a") + ZERO + entry(b"b") + ZERO + entry(b"c") + END)
    assert seen.paths == [b"a", b"b", b"c"]


def test_zero_blocks_of_a_content_are_no_end(scan: Scan) -> None:
    seen = scan(entry(b"a", bytes(4096)) + entry(b"b") + END)
    assert (seen.paths, seen.rules) == ([b"a", b"b"], set())


def test_missing_padding_of_the_last_content_is_only_a_missing_end(scan: Scan) -> None:
    tar = header(b"a", size=5) + b"12345"
    seen = scan(tar)
    assert [(row.path, row.size) for row in seen.rows] == [(b"a", 5)]
    assert seen.rules == {"tar-no-end-mark"}


@pytest.mark.parametrize("cut", [1, 100, 511])
def test_tar_cut_in_a_header_is_told(scan: Scan, cut: int) -> None:
    seen = scan(entry(b"a", b"1") + entry(b"b")[:cut])
    assert (seen.paths, seen.rules) == ([b"a"], {"tar-truncated"})


@pytest.mark.parametrize("first", [b"", entry(b"first")])
@pytest.mark.parametrize("kept", [0, 1, 700, 1499])
def test_tar_cut_in_a_content_names_the_file(scan: Scan, kept: int, first: bytes) -> None:
    seen = scan(first + entry(b"d/a", b"x" * 1500)[: 512 + kept])
    assert seen.subjects("tar-truncated") == ["d/a"]
    assert seen.rows[-1].size == kept
    assert seen.rows[-1].fingerprint == 0


@pytest.mark.parametrize("cut", [512, 600, 1023])
def test_tar_cut_in_an_extension_is_told(scan: Scan, cut: int) -> None:
    whole = pax({b"SCHILY.xattr.user.a": b"x" * 500})
    assert len(whole) == 512 + 1024
    seen = scan(entry(b"a") + whole[:cut])
    assert (seen.paths, seen.rules) == ([b"a"], {"tar-truncated"})


# The sizes of the reads


@pytest.mark.parametrize("step", [1, 7, 511, 512, 513, 65536])
@pytest.mark.parametrize("cut", [0, 1, 3000])
def test_sizes_of_the_reads_change_nothing(step: int, cut: int) -> None:
    tar = everything()
    tar = tar[: len(tar) - cut]
    whole = fast(tar)
    assert fast(tar, step=step).answer() == whole.answer() == slow(tar, step=step).answer()
    assert (len(whole.rows) == 12) is (cut < 3000)


@pytest.mark.parametrize("step", range(497, 530))
def test_reads_that_end_around_a_header_change_nothing(step: int) -> None:
    tar = b"".join(entry(b"f%d" % i, b"c" * (i * 37 % 600)) for i in range(30)) + END
    assert fast(tar, step=step).answer() == slow(tar).answer()


def test_a_cut_at_every_position_gives_the_same_from_both() -> None:
    tar = everything()
    for size in range(0, len(tar), 509):
        seen = agreed(tar[:size], steps=(1 << 20, 700))
        assert seen.scan.digest == sha256(tar[:size])
        assert seen.rules - {"path-unsafe", "path-encoding"} <= {
            "tar-truncated",
            "tar-no-end-mark",
            "tar-header-invalid",
        }
