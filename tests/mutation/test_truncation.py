"""Archives and layers that were cut: none passes unless all content is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mutation.test_flips import ARCHIVES, REAL, SLOW, compressed_layers
from support.archive_map import content_end, regions

from oci_inspect import OciInspectError, analyze, scan_layer
from oci_inspect.stream.source import BytesSource


def cuts(tar: bytes) -> list[int]:
    """Every 512 bytes; every byte of the last block with content, of the end mark, of the last."""
    last = (content_end(tar) - 1) // 512 * 512
    step = 1 if SLOW else 37
    places = {*range(0, len(tar) + 1, 512), *range(last, last + 512 + 1025, step)}
    places |= {*range(len(tar) - 512, len(tar) + 1, step)}
    places |= {content_end(tar) + i for i in (-1, 0, 1)}
    return sorted(places)


def rules_of(path: Path) -> set[str] | None:
    """The rules of a verdict that passes; None where it does not."""
    try:
        analysis = analyze(path, jobs=1)
    except OciInspectError as error:
        assert str(error).isprintable()
        return None
    return (
        {one.rule for one in analysis.findings if one.severity != "info"} if analysis.ok else None
    )


@pytest.mark.parametrize("name", ARCHIVES)
def test_archive_passes_only_where_all_of_its_members_are_there(name: str, tmp_path: Path) -> None:
    """What may be missing is padding and the end mark, and a mark that is not whole is told."""
    tar = (REAL / name).read_bytes()
    end = content_end(tar)
    marked = end + -end % 512 + 1024
    path = tmp_path / "cut.tar"
    path.write_bytes(tar)
    for size in reversed(cuts(tar)):
        os.truncate(path, size)
        rules = rules_of(path)
        if size < end:
            assert rules is None, size
        else:
            assert rules == (set() if size >= marked else {"tar-no-end-mark"}), size


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_compressed_layer_that_is_cut_has_no_diff_id(kind: str) -> None:
    blob = compressed_layers()[kind]
    for size in range(4, len(blob)):  # below, nobody knows that it is compressed
        scan = scan_layer(BytesSource(blob[:size]))
        assert not scan.complete, size
        assert scan.diff_ids == {}, size
        assert {one.rule for one in scan.findings} == {"layer-corrupt"}, size


def test_plain_layer_that_is_cut_says_so_and_is_another() -> None:
    tar = (REAL / "docker20-untagged.tar").read_bytes()
    layers = [
        tar[one.start : one.end]
        for one in regions(tar)
        if one.kind == "content" and one.member.endswith("layer.tar")
    ]
    layer = min(layers, key=len)
    whole = scan_layer(BytesSource(layer))
    headers = [one.start for one in regions(layer) if one.kind == "header"]
    end = content_end(layer)
    for size in range(len(layer)):
        scan = scan_layer(BytesSource(layer[:size]))
        rules = {one.rule for one in scan.findings}
        assert scan.digest != whole.digest, size
        assert len(scan.table) <= sum(at + 512 <= size for at in headers), size
        if size < end:
            at_boundary = any(one.start == size for one in regions(layer) if one.kind == "header")
            padding = any(
                one.start <= size < one.end for one in regions(layer) if one.kind == "padding"
            )
            quiet = at_boundary or padding
            assert rules == ({"tar-no-end-mark"} if quiet else {"tar-truncated"}), size
        else:
            marked = size >= end + -end % 512 + 1024
            assert rules == (set() if marked else {"tar-no-end-mark"}), size
