"""Memory and time stay in step with the input, whatever it claims (HOSTILE: promises 3 and 4)."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from support.archives import delivered
from support.images import OCI_LAYER, ImageBuilder, docker_archive, oci_layout
from support.tars import END, TarBuilder, entry, header, pax

from oci_inspect import analyze
from oci_inspect.filesystem.merge import merge
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import Limits
from oci_inspect.scanning import SHARED_WINDOW
from oci_inspect.spec.document import MOST_ITEMS, Fields, Problem, parse_json
from oci_inspect.stream.compression import decompress
from oci_inspect.stream.source import BytesSource, drain


def peak(work: Callable[[], Any]) -> tuple[int, Any]:
    """Bytes that Python held at the most while working, and what came of it."""
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def scan(data: bytes, **limits: int) -> LayerScan:
    return scan_layer(BytesSource(data), Limits(**limits))


def rules(found: LayerScan) -> set[str]:
    return {one.rule for one in found.findings}


def test_long_key_over_a_long_list_is_not_multiplied() -> None:
    data = b'{"%s":[%s1]}' % (b"k" * 30_000, b"1," * 30_000)
    memory, (value, problems) = peak(lambda: parse_json(data, 64))
    assert value is not None and problems == []
    assert memory < 20_000_000


def test_long_arrays_of_objects_are_read_up_to_a_bound() -> None:
    problems: list[Problem] = []
    fields = Fields({"layers": [{}] * (MOST_ITEMS + 1)}, "", problems)
    assert len(fields.objects("layers")) == MOST_ITEMS
    assert [one.rule for one in problems] == ["json-invalid"]


def test_decoder_of_zstd_is_freed_with_its_source() -> None:
    """Its window may be 128 MiB, and the collector cannot see through the library's reader."""
    source = decompress("zstd", BytesSource(zstandard.compress(b"x" * 1000)))
    seen = weakref.ref(source)
    drain(source)
    del source
    assert seen() is None


@pytest.mark.parametrize("kind", [b"1", b"2"])
def test_target_of_a_link_is_bounded(kind: bytes) -> None:
    tar = entry(b"a") + pax({b"linkpath": b"t/" * 3000}) + header(b"l", type=kind) + END
    found = scan(tar)
    assert (found.table.paths, rules(found), found.complete) == ([b"a"], {"limit-exceeded"}, False)


def test_attributes_of_an_entry_and_of_a_layer_are_bounded() -> None:
    one = pax({b"SCHILY.xattr.user.a": b"x" * 5000}) + entry(b"f")
    assert rules(scan(one * 3 + END)) == set()
    assert rules(scan(one + END, xattr_bytes=5000)) == {"limit-exceeded"}
    assert rules(scan(one * 3 + END, layer_xattr_bytes=11_000)) == {"limit-exceeded"}


def test_attributes_of_a_global_header_are_one_value_for_all_entries() -> None:
    common = pax({b"SCHILY.xattr.user.a": b"x" * 100_000}, type=b"g")
    found = scan(common + entry(b"f") * 500 + END)
    values = {id(one) for one in found.table.xattrs.values()}
    assert (len(found.table.xattrs), len(values), rules(found)) == (500, 1, set())


def test_folders_that_no_entry_describes_are_bounded() -> None:
    layer = TarBuilder()
    for number in range(20):
        layer.file(f"{number}/" + "d/" * 10 + "f", b"")
    table = scan(layer.build()).table
    findings = FindingCollector()
    merge([table], findings, Limits(implied_folders=220))
    assert [one.rule for one in findings] == []
    merge([table], findings, Limits(implied_folders=50))
    assert [one.rule for one in findings] == ["limit-exceeded"]


def test_small_members_of_a_stream_are_kept_up_to_a_bound(tmp_path: Path) -> None:
    """What did not fit is a limit that was met, never an archive without a manifest."""
    archive = docker_archive(ImageBuilder("a:1").layer(TarBuilder().file("a", b"1")))
    for number in range(600):
        archive.add(f"small-{number}", b"s" * 100)
    manifest = archive["manifest.json"]
    archive.drop("manifest.json").add("manifest.json", manifest)
    with delivered(archive, "stdin", tmp_path) as path:
        assert analyze(path).ok
    with delivered(archive, "stdin", tmp_path) as path:
        found = analyze(path, limits=Limits(kept_bytes=50_000))
    assert found.limit_exceeded and not found.ok


def test_layers_with_large_windows_take_turns_and_are_read_all_the_same(tmp_path: Path) -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=24)
    image = ImageBuilder("a:1")
    for number in range(4):
        image.layer(TarBuilder().file(f"f{number}", b"1"))
        layer = image.layers[number]
        packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
        blob = packer.compress(layer.tar) + packer.flush()
        image.layers[number] = replace(layer, blob=blob, media_type=OCI_LAYER + "+zstd")
    path = oci_layout(image).write_file(tmp_path / "x.tar")
    assert SHARED_WINDOW < 1 << 24
    for jobs in (1, 4):
        assert analyze(path, jobs=jobs).ok
    found = analyze(path, limits=Limits(zstd_window=1 << 23))
    assert found.limit_exceeded and not found.ok
