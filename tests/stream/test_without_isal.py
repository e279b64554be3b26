"""Where isal has no wheel, zlib does its work: the same bytes out, the same streams refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream.pieces import DATA, gz, unpacked

from oci_inspect.errors import CorruptStreamError
from oci_inspect.stream import compression

ROOT = Path(__file__).parent.parent.parent
igzip = pytest.mark.skipif(compression.igzip_lib is None, reason="isal is not here")

PROGRAM = """
import hashlib, json, sys
sys.modules["isal"] = None
from oci_inspect.errors import CorruptStreamError
from oci_inspect.stream import compression
from stream.pieces import unpacked
assert compression.igzip_lib is None
results = []
for blob in json.load(sys.stdin):
    for step in (1 << 20, 1, 700):
        try:
            data = unpacked(bytes.fromhex(blob), "gzip", step, 5000)
        except CorruptStreamError:
            results.append(None)
        else:
            results.append(hashlib.sha256(data).hexdigest())
sums = [compression.adler32(b"abc", 1), compression.crc32(b"abc", 0)]
print(json.dumps([results, sums]))
"""


def streams() -> list[bytes]:
    """Good ones and damaged ones."""
    whole = gz(DATA)
    small = gz(b"small")
    good = [whole, small, gz(b""), small + whole, gz(DATA, 0), small + bytes(900), small * 50]
    bad = [whole[:-1], whole[:-8], whole[:-9], whole[:5000], small[:9], small[:3], whole + b"x"]
    bad += [small + b"\x1f", small + bytes(9) + b"x", small + bytes(9) + small, small + whole[:-4]]
    bad += [small[:at] + bytes([small[at] ^ 1]) + small[at + 1 :] for at in range(-8, 0)]
    return good + bad


def outcome(blob: bytes, step: int) -> str | None:
    try:
        return hashlib.sha256(unpacked(blob, "gzip", step, 5000)).hexdigest()
    except CorruptStreamError:
        return None


def test_without_isal_every_stream_gives_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps([blob.hex() for blob in streams()]),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    results, sums = json.loads(done.stdout)
    assert results == [outcome(blob, step) for blob in streams() for step in (1 << 20, 1, 700)]
    assert results.count(None) == 3 * 19
    assert sums == [zlib.adler32(b"abc"), zlib.crc32(b"abc")]


@igzip
def test_sums_of_isal_are_those_of_zlib() -> None:
    for size in (0, 1, 15, 512, 70_000):
        data = random.Random(size).randbytes(size)
        for start in (0, 1, 0xFFFFFFFF, 12345):
            assert compression.crc32(data, start) == zlib.crc32(data, start)
        assert compression.adler32(data) == zlib.adler32(data)
        assert compression.adler32(data, 54321) == zlib.adler32(data, 54321)


def with_zlib(blob: bytes, step: int, size: int) -> bytes | None:
    """As :func:`unpacked`, with isal out of reach."""
    kept, compression.igzip_lib = compression.igzip_lib, None
    try:
        return unpacked(blob, "gzip", step, size)
    except CorruptStreamError:
        return None
    finally:
        compression.igzip_lib = kept


def with_isal(blob: bytes, step: int, size: int) -> bytes | None:
    try:
        return unpacked(blob, "gzip", step, size)
    except CorruptStreamError:
        return None


SIZES = st.sampled_from([1, 2, 7, 100, 4096, 1 << 20])


@igzip
@given(
    st.lists(st.binary(max_size=300) | st.just(DATA[:50_000]), min_size=1, max_size=4), SIZES, SIZES
)
def test_both_read_the_same_members(parts: list[bytes], step: int, size: int) -> None:
    if sum(map(len, parts)) > 1000:
        step, size = max(step, 100), max(size, 100)
    blob = b"".join(map(gz, parts))
    assert with_zlib(blob, step, size) == with_isal(blob, step, size) == b"".join(parts)


@igzip
@given(st.integers(0, 2**32))
def test_both_take_or_refuse_the_same_damaged_streams(seed: int) -> None:
    """The header's free bytes (time, system, names) may change; flags and method may not."""
    chance = random.Random(seed)
    head = b"\x1f\x8b\x08\x08" + struct.pack("<I", 5) + b"\x00\xffname\0"
    damaged = bytearray(head + gz(b"some content " * chance.randint(0, 40))[10:] + gz(b"second"))
    for _ in range(chance.randint(1, 2)):
        damaged[chance.randrange(4, len(damaged))] ^= chance.randint(1, 255)
    if chance.random() < 0.3:
        del damaged[chance.randrange(4, len(damaged)) :]
    assert with_zlib(bytes(damaged), 1 << 20, 4096) == with_isal(bytes(damaged), 1 << 20, 4096)


@igzip
@pytest.mark.parametrize("flags", range(256))
def test_both_take_or_refuse_the_same_header_flags(flags: int) -> None:
    """RFC 1952 section 2.3.1: five are known, three are reserved and must be refused."""
    blob = gz(b"content" * 9)
    changed = blob[:3] + bytes([flags]) + blob[4:]
    assert with_zlib(changed, 1 << 20, 4096) == with_isal(changed, 1 << 20, 4096)
