"""Every byte of small real archives changed: what is protected is told, what is not stays quiet.

What a byte is for is worked out in ``support/archive_map.py``, which shares nothing with the
package. A sample runs always; every byte with every mask does where ``OCI_INSPECT_SLOW`` is 1.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.archive_map import Meaning, Region, meaning, regions

from oci_inspect import Analysis, OciInspectError, analyze, scan_layer
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
SLOW = os.environ.get("OCI_INSPECT_SLOW") == "1"
MASKS = (0x01, 0x20, 0x80)
"""The lowest bit, the one that makes letters large or small, and the one that ends ASCII."""
A_KIND = 40
"""Flips of each kind of region and role of a member, where only a sample is tried."""

ARCHIVES = ["docker20-untagged.tar", "docker26-containerd-base.tar", "podman-oci.tar"]
Flip = tuple[Region, int, int]


def flips(tar: bytes) -> Iterator[Flip]:
    """All of them, or as many of each kind."""
    everything = {region: range(region.start, region.end) for region in regions(tar)}
    if SLOW:
        for region, places in everything.items():
            for position in places:
                for mask in MASKS:
                    yield region, position, mask
        return
    chance = random.Random(8)
    kinds: dict[tuple[str, str], list[Flip]] = {}
    for region, places in everything.items():
        role = region.member if "." in region.member or region.member == "oci-layout" else "blob"
        one = kinds.setdefault((region.kind, role), [])
        one += ((region, chance.choice(places), chance.choice(MASKS)) for _ in range(A_KIND))
    for one in kinds.values():
        yield from chance.sample(one, min(A_KIND, len(one)))


def told(path: Path) -> tuple[bool, bool]:
    """Whether ``verify`` fails, and whether at least something stands in its findings."""
    try:
        analysis: Analysis = analyze(path, jobs=1)
    except OciInspectError:
        return True, True
    findings = [*analysis.findings, *(one for image in analysis.images for one in image.findings)]
    return not analysis.ok, any(one.severity in ("error", "warning") for one in findings)


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_flip_of_what_is_protected_is_told(
    name: str, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    tar = (REAL / name).read_bytes()
    path = tmp_path / "flipped.tar"
    path.write_bytes(tar)
    assert told(path) == (False, False)  # so that every finding comes from the flip
    counts: Counter[str] = Counter()
    missed = []
    with path.open("r+b", buffering=0) as file:
        for region, position, mask in flips(tar):
            value = tar[position] ^ mask
            expected = meaning(tar, region, position, value)
            os.pwrite(file.fileno(), bytes([value]), position)
            failed, warned = told(path)
            os.pwrite(file.fileno(), tar[position : position + 1], position)
            counts["flips"] += 1
            counts["failed" if failed else "warned" if warned else "quiet"] += 1
            counts[f"{expected.value}, {'told' if failed or warned else 'quiet'}"] += 1
            right = {
                Meaning.PROTECTED: failed,
                Meaning.DECLARED: failed or warned,
                # Nothing is a lie where nothing changed; elsewhere there may be something to say.
                Meaning.FREE: not failed or region.kind != "padding",
            }[expected]
            if not right:
                missed.append((region.kind, region.member, position, hex(mask), expected.value))
    sys.stdout.write(f"\n{name}: {dict(sorted(counts.items()))}\n")  # seen with -s
    record_property("counts", dict(counts))
    assert counts["protected, told"] and counts["free, quiet"]
    assert not missed, f"{len(missed)}, the first of them: {missed[:10]}"


def compressed_layers() -> dict[str, bytes]:
    """Layers of real archives that are under a kilobyte or so."""
    found = {}
    for archive in ("podman-oci.tar", "skopeo-oci-zstd.tar"):
        tar = (REAL / archive).read_bytes()
        for region in regions(tar):
            data = tar[region.start : region.end]
            kind = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(data[:2])
            if region.kind == "content" and kind and kind not in found and len(data) > 150:
                found[kind] = data
    return found


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_every_flip_of_a_compressed_layer_gives_the_same_tar_or_is_told(kind: str) -> None:
    """The header of gzip has bytes that mean nothing, and so may the last bits of deflate."""
    blob = compressed_layers()[kind]
    whole = scan_layer(BytesSource(blob))
    assert whole.complete
    counts: Counter[str] = Counter()
    for position in range(len(blob)) if SLOW else range(0, len(blob), 3):
        for mask in MASKS:
            flipped = bytearray(blob)
            flipped[position] ^= mask
            seen = scan_layer(BytesSource(bytes(flipped)))
            assert seen.digest == "sha256:" + hashlib.sha256(flipped).hexdigest() != whole.digest
            same = seen.diff_ids == whole.diff_ids
            if kind == "gzip" and position >= 4:  # before: it may be no gzip any more
                assert same == (unpacked(bytes(flipped)) == gzip.decompress(blob)), position
            if not same and not seen.diff_ids:
                assert {one.rule for one in seen.findings} & {"layer-corrupt", "limit-exceeded"}
            counts["same tar" if same else "another tar" if seen.diff_ids else "refused"] += 1
    sys.stdout.write(f"\n{kind} layer of {len(blob)} bytes: {dict(counts)}\n")


def unpacked(blob: bytes) -> bytes | None:
    member = zlib.decompressobj(wbits=31)
    try:
        data = member.decompress(blob)
    except zlib.error:
        return None
    return data if member.eof and not member.unused_data.strip(b"\0") else None
