"""Streams that never end: what stands behind the tar is looked at so far and no further."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from support.archives import open_archive
from support.images import ImageBuilder, docker_archive, skippable
from support.tars import TarBuilder

from oci_inspect.archive.outer_tar import BEHIND_END

SECONDS = 100
"""After which a reader is taken for one that hangs; it needs one or two."""


def good() -> bytes:
    return docker_archive(ImageBuilder("a:1").layer(TarBuilder().file("a", b"1"))).tar()


def in_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


NAMED = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 60_000 + b"\0" + b"\3\0" + bytes(8)
"""An empty gzip member that has a name (RFC 1952 section 2.3)."""

STREAMS: dict[str, tuple[Callable[[], bytes], bytes]] = {
    "zeros": (good, bytes(1 << 16)),
    "bytes": (good, b"x" * (1 << 16)),
    "zeros behind gzip": (lambda: in_gzip(good()), bytes(1 << 16)),
    "empty gzip members": (lambda: in_gzip(good()), NAMED),
    "zeros in gzip": (lambda: in_gzip(good()), in_gzip(bytes(1 << 20)) * 10),
    "empty zstd frames": (
        lambda: zstandard.ZstdCompressor().compress(good()),
        skippable(b"s" * 5000) * 8,
    ),
}


def fed(arguments: list[str], head: bytes, rest: bytes) -> tuple[int, str, str, int]:
    """Run the command line on a pipe whose writer goes on for ever; how much that was."""
    process = subprocess.Popen(
        [sys.executable, "-m", "oci_inspect", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    pipe, process.stdin = process.stdin, None
    assert pipe is not None
    written = 0
    with suppress(BrokenPipeError):
        left = head
        while process.poll() is None and written < 40 * BEHIND_END:
            left = left or rest
            step = os.write(pipe.fileno(), left[: 1 << 16])
            left = left[step:]
            written += step
    pipe.close()
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode(), err.decode(), written


@pytest.mark.parametrize("name", STREAMS)
def test_stream_that_goes_on_behind_its_end_is_given_up(name: str) -> None:
    make, rest = STREAMS[name]
    code, out, err, written = fed(["verify", "-", "--format", "json"], make(), rest)
    assert (code, err) == (0, "")
    told = json.loads(out)
    trailing = [one for one in told["findings"] if one["rule"] == "archive-trailing-data"]
    assert len(trailing) == 1
    assert f"more than {BEHIND_END:,} bytes behind" in trailing[0]["message"]
    assert told["archive"]["size"] is None
    assert not any(one["rule"] == "tar-truncated" for one in told["findings"])
    assert written < BEHIND_END + (8 << 20)


@pytest.mark.parametrize("name", ["zeros", "zeros behind gzip"])
def test_copy_of_a_stream_ends_as_well(name: str) -> None:
    make, rest = STREAMS[name]
    code, out, _, written = fed(["cat", "-", "/a"], make(), rest)
    assert (code, out) == (0, "1")
    assert written < BEHIND_END + (8 << 20)


def test_file_and_stream_tell_the_same_of_what_is_behind(tmp_path: Path) -> None:
    """A file's size is known, but a stream of the same bytes must not be told of otherwise."""
    start = len(good())
    for size, expected in (
        (BEHIND_END, f"{BEHIND_END:,} bytes behind its end at byte {start:,}"),
        (BEHIND_END + 1, f"more than {BEHIND_END:,} bytes behind its end at byte {start:,}"),
    ):
        for form in ("file", "stdin", "gzip"):
            data = good() + bytes(size - 1) + b"x"
            opened = open_archive(data, tmp_path, form)
            messages = [one.message for one in opened.findings]
            assert messages == [f"{expected} are not looked at"], form


def test_padding_is_no_finding_up_to_the_same_size(tmp_path: Path) -> None:
    for form in ("file", "stdin"):
        assert open_archive(good() + bytes(BEHIND_END), tmp_path, form).findings == ()


def test_sparse_file_of_eight_tebibytes_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(good())
    os.truncate(path, 8 << 40)
    done = subprocess.run(
        [sys.executable, "-m", "oci_inspect", "verify", str(path)],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    assert done.returncode == 0
