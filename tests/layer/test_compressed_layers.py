"""Layers as blobs: what was compressed is told by its bytes, hashed twice, read to its end."""

import gzip
import hashlib
import lzma
import random
from collections.abc import Callable

import pytest
import zstandard
from layer.agreement import Pieces, Seen, agreed, fast, slow
from support.images import compress
from support.tars import END, TarBuilder, entry

from oci_inspect.errors import LimitExceededError
from oci_inspect.layer.scan import scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import BytesSource

Scan = Callable[..., Seen]
TAR = TarBuilder().dir("d").file("d/a", b"content " * 200).file("b", bytes(3000)).build()


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def gz(data: bytes, level: int = 9) -> bytes:
    return gzip.compress(data, level, mtime=0)


def zstd(data: bytes, *, size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=size).compress(data)


def skippable(payload: bytes, kind: int = 0) -> bytes:
    """RFC 8878 section 3.1.2."""
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + len(payload).to_bytes(4, "little") + payload


WELL = {
    "gzip": gz(TAR),
    "gzip, stored": gz(TAR, 0),
    "gzip, a member a block": b"".join(gz(TAR[at : at + 512]) for at in range(0, len(TAR), 512)),
    "gzip, empty members": gz(b"") + gz(TAR) + gz(b"") * 2,
    "gzip, padded": gz(TAR) + bytes(5000),
    "zstd": zstd(TAR),
    "zstd, two frames": zstd(TAR[:700]) + zstd(TAR[700:]),
    "zstd, no content size": zstd(TAR, size=False),
    "zstd, skippable frames": skippable(b"x" * 99)
    + zstd(TAR[:700])
    + skippable(b"", 15)
    + zstd(TAR[700:])
    + skippable(b"table of contents", 7),
}


@pytest.mark.parametrize("blob", WELL.values(), ids=WELL)
def test_compressed_layer_is_the_same_layer(scan: Scan, blob: bytes) -> None:
    seen = scan(blob)
    assert seen.rows == slow(TAR).rows
    assert seen.rules == set()
    assert seen.scan.complete
    assert (seen.scan.digest, seen.scan.diff_id) == (sha256(blob), sha256(TAR))
    assert (seen.scan.size, seen.scan.uncompressed_size) == (len(blob), len(TAR))


@pytest.mark.parametrize("name", WELL)
def test_compression_is_told_by_its_magic(scan: Scan, name: str) -> None:
    assert scan(WELL[name]).scan.compression == name.partition(",")[0]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("blob", WELL.values(), ids=WELL)
def test_sizes_of_the_reads_change_nothing(blob: bytes, step: int) -> None:
    assert fast(blob, step=step).answer() == slow(blob, step=step).answer()


def test_tar_is_compressed_by_nothing(scan: Scan) -> None:
    seen = scan(TAR)
    assert seen.scan.compression == "none"
    assert seen.scan.diff_id == seen.scan.digest


def test_tar_whose_first_name_looks_like_a_magic_is_a_tar(scan: Scan) -> None:
    for name in (b"BZh91AYX", b"\x1f\x8b\x07", b"\x28\xb5\x2e"):
        seen = scan(entry(name, b"1") + END)
        assert (seen.scan.compression, seen.paths) == ("none", [name])


@pytest.mark.parametrize(
    "wrap",
    [gz, zstd, lambda data: gz(gz(data))],
    ids=["gzip in gzip", "zstd in gzip", "gzip in gzip in gzip"],
)
def test_what_lies_in_a_compression_is_not_unpacked_again(
    scan: Scan, wrap: Callable[[bytes], bytes]
) -> None:
    """A layer is compressed once; the inner bytes are a tar or nothing."""
    inner = wrap(TAR)
    seen = scan(gz(inner))
    assert seen.rows == []
    assert seen.rules & {"tar-header-checksum", "tar-truncated"}
    assert seen.scan.diff_id == sha256(inner)


def damaged(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes([blob[at] ^ 0x55]) + blob[at + 1 :]


GZIP, ZSTD = WELL["gzip"], zstandard.ZstdCompressor(write_checksum=True).compress(TAR)
BROKEN = {
    "gzip, crc": damaged(GZIP, len(GZIP) - 8),
    "gzip, length": damaged(GZIP, len(GZIP) - 1),
    "gzip, without its trailer": GZIP[:-8],
    "gzip, cut in its trailer": GZIP[:-1],
    "gzip, cut in the middle": GZIP[: len(GZIP) // 2],
    "gzip, cut in its header": GZIP[:5],
    "gzip, garbage behind": GZIP + b"garbage",
    "gzip, one byte behind": GZIP + b"g",
    "gzip, half a magic behind": GZIP + b"\x1f\x8b",
    "gzip, garbage behind padding": GZIP + bytes(700) + b"garbage",
    "gzip, member behind padding": GZIP + bytes(700) + GZIP,
    "gzip, second member cut": GZIP + GZIP[:-3],
    "gzip, second member broken": GZIP + damaged(GZIP, len(GZIP) - 8),
    "gzip, another method": GZIP + b"\x1f\x8b\x07" + GZIP[3:],
    "gzip, zstd behind": GZIP + ZSTD,
    "zstd, checksum": damaged(ZSTD, len(ZSTD) - 1),
    "zstd, cut in its checksum": ZSTD[:-1],
    "zstd, cut in the middle": ZSTD[: len(ZSTD) // 2],
    "zstd, cut in its header": ZSTD[:5],
    "zstd, cut in a skippable frame": ZSTD + skippable(b"x" * 50)[:-1],
    "zstd, cut in a skippable header": ZSTD + skippable(b"")[:-2],
    "zstd, garbage behind": ZSTD + b"garbage",
    "zstd, one byte behind": ZSTD + b"g",
    "zstd, zeros behind": ZSTD + bytes(512),
    "zstd, gzip behind": ZSTD + GZIP,
    "zstd, second frame cut": ZSTD + ZSTD[:-1],
}


@pytest.mark.parametrize("blob", BROKEN.values(), ids=BROKEN)
def test_damaged_compression_is_told_and_has_no_diff_id(scan: Scan, blob: bytes) -> None:
    seen = scan(blob)
    assert "layer-corrupt" in seen.rules
    assert not seen.scan.complete
    assert seen.scan.diff_ids == {}
    assert seen.scan.digest == sha256(blob)
    assert seen.scan.size == len(blob)


@pytest.mark.parametrize("step", [1, 3, 50])
@pytest.mark.parametrize("blob", BROKEN.values(), ids=BROKEN)
def test_damage_is_found_whatever_the_sizes_of_the_reads(blob: bytes, step: int) -> None:
    seen = fast(blob, step=step)
    assert "layer-corrupt" in seen.rules
    assert seen.scan.digest == sha256(blob)


def test_message_of_damage_names_the_compression_on_one_line() -> None:
    for name, blob in BROKEN.items():
        (found,) = [one for one in fast(blob).scan.findings if one.rule == "layer-corrupt"]
        assert found.message.startswith(name.partition(",")[0])
        assert found.message.isprintable()


def test_what_was_read_before_the_damage_is_listed() -> None:
    tar = b"".join(entry(b"f%d" % i, b"x" * 900) for i in range(3000)) + END
    blob = gz(tar, 1)
    seen = fast(blob[: len(blob) // 2] + b"\xff" * 100)
    assert 0 < len(seen.rows) < 3000
    assert "layer-corrupt" in seen.rules


def test_window_over_the_limit_is_a_limit_and_no_damage() -> None:
    """RFC 8878 section 3.1.1.1.2: exponent 21, a window of 2 GiB."""
    blob = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00"
    seen = fast(blob)
    assert seen.rules == {"limit-exceeded"}
    assert (seen.scan.complete, seen.scan.diff_ids) == (False, {})
    assert seen.scan.digest == sha256(blob)
    assert not slow(blob).scan.complete


def test_other_digests_are_computed_on_request() -> None:
    blob = gz(TAR)
    scan = scan_layer(Pieces(blob, 100), algorithms=("sha256", "sha512"))
    assert scan.digests["sha512"] == "sha512:" + hashlib.sha512(blob).hexdigest()
    assert scan.diff_ids["sha512"] == "sha512:" + hashlib.sha512(TAR).hexdigest()


def test_xz_layer_that_docker_would_take_is_read() -> None:
    """In no specification, but moby's pkg/archive unpacks it."""
    seen = fast(lzma.compress(TAR))
    assert seen.scan.compression == "xz"
    assert seen.scan.diff_id == sha256(TAR)


# Limits on bytes


def test_layer_over_its_limit_of_bytes_is_told(scan: Scan) -> None:
    blob = gz(TAR)
    at_limit = scan(blob, Limits(layer_bytes=len(TAR)))
    assert (at_limit.rules, at_limit.scan.complete) == (set(), True)
    above = scan(blob, Limits(layer_bytes=len(TAR) - 1))
    assert (above.rules, above.scan.diff_ids) == ({"limit-exceeded"}, {})
    assert above.scan.digest == sha256(blob)


def test_layer_that_expands_too_far_is_told_above_the_floor_only(scan: Scan) -> None:
    tar = entry(b"zeros", bytes(3 << 20)) + END
    for blob in (gz(tar), zstd(tar)):
        assert len(tar) > 200 * len(blob)
        bomb = scan(blob, Limits(expansion_floor=1 << 20))
        assert (bomb.rules, bomb.scan.complete) == ({"limit-exceeded"}, False)
        assert scan(blob, Limits(expansion_floor=4 << 20)).rules == set()
        wide = Limits(expansion_floor=1 << 20, expansion_ratio=100_000)
        assert scan(blob, wide).rules == set()


def test_limit_names_itself_and_the_flag() -> None:
    seen = fast(gz(TAR), Limits(layer_bytes=1000))
    (found,) = seen.scan.findings
    assert str(LimitExceededError("layer_bytes", 1000, len(TAR), "the layer")) == found.message
    assert "--limit layer_bytes=N" in found.message


def test_members_by_the_thousand_are_read_in_a_moment() -> None:
    """estargz has one for every file."""
    tar = b"".join(entry(b"f%d" % i, b"x") for i in range(3000)) + END
    blob = b"".join(gz(tar[at : at + 1024], 1) for at in range(0, len(tar), 1024))
    assert len(agreed(blob, steps=(1 << 20,)).rows) == 3000


@pytest.mark.parametrize("how", ["gzip", "zstd"])
@pytest.mark.parametrize("harm", ["none", "cut", "garbage", "flipped", "edge of a limit"])
def test_pieces_of_a_pipe_make_no_difference_not_even_to_a_damaged_layer(
    how: str, harm: str
) -> None:
    noise = random.Random(7).randbytes(300_000)
    tar = TarBuilder().file("a", noise + bytes(3_000_000)).file("b", noise[::-1]).build()
    blob = compress(tar, how)
    limits = DEFAULT_LIMITS
    if harm == "cut":
        blob = blob[: len(blob) // 2]
    elif harm == "garbage":
        blob += b"garbage"
    elif harm == "flipped":
        middle = len(blob) - 1000
        blob = blob[:middle] + bytes([blob[middle] ^ 255]) + blob[middle + 1 :]
    elif harm == "edge of a limit":
        limits = Limits(expansion_floor=1, expansion_ratio=len(tar) // len(blob))
    whole = scan_layer(BytesSource(blob), limits)
    for step in (1000, 4096, 65_536):
        assert scan_layer(Pieces(blob, step), limits) == whole, step
