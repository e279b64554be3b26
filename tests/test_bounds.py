"""Memory and time stay in step with the input, whatever it claims (HOSTILE: promises 3 and 4)."""

from __future__ import annotations

import lzma
import random
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zstandard
from support.archives import delivered
from support.images import (
    OCI_LAYER,
    ImageBuilder,
    compress,
    docker_archive,
    oci_layout,
)
from support.tars import END, TarBuilder, entry, header, pax

from oci_inspect import ScanCache, analyze, open_archive
from oci_inspect.filesystem.merge import merge
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.scan import LayerScan, scan_layer
from oci_inspect.limits import Limits
from oci_inspect.scanning import SHARED_WINDOW, SHARED_XZ
from oci_inspect.spec.document import MOST_ITEMS, Fields, Problem, parse_json
from oci_inspect.stream import compression
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
    """Each of 5,006 bytes and 200, less a hundred that are free."""
    one = pax({b"SCHILY.xattr.user.a": b"x" * 5000}) + entry(b"f")
    assert rules(scan(one * 3 + END)) == set()
    assert rules(scan(one + END, xattr_bytes=5000)) == {"limit-exceeded"}
    others = b"".join(
        pax({b"SCHILY.xattr.user.a": b"%d" % i + b"x" * 4999}) + entry(b"f") for i in range(3)
    )
    assert rules(scan(others + END, metadata_bytes=3 * 5107)) == set()
    assert rules(scan(others + END, metadata_bytes=3 * 5107 - 1)) == {"limit-exceeded"}


def test_attributes_of_a_global_header_are_one_value_for_all_entries() -> None:
    common = pax({b"SCHILY.xattr.user.a": b"x" * 100_000}, type=b"g")
    found = scan(common + entry(b"f") * 500 + END)
    values = {id(one) for one in found.table.xattrs.values()}
    assert (len(found.table.xattrs), len(values), rules(found)) == (500, 1, set())


def test_attributes_that_are_equal_are_one_value_and_count_once() -> None:
    one = pax({b"SCHILY.xattr.user.a": b"x" * 5000}) + entry(b"f")
    found = scan(one * 50 + END, metadata_bytes=6000)
    assert len({id(value) for value in found.table.xattrs.values()}) == 1
    assert (len(found.table.xattrs), rules(found)) == (50, set())
    other = pax({b"SCHILY.xattr.user.b": b"x" * 5000}) + entry(b"f")
    assert rules(scan(one + other + END, metadata_bytes=6000)) == {"limit-exceeded"}


def test_small_attributes_count_as_much_as_they_take() -> None:
    tar = b"".join(pax({b"SCHILY.xattr.user.%d" % i: b""}) + entry(b"f") for i in range(100))
    assert rules(scan(tar + END, metadata_bytes=10_000)) == {"limit-exceeded"}


LONG = b"/".join([b"p" * 200] * 6)


@pytest.mark.parametrize(
    ("tar", "excess"),
    [
        # A folder's path is kept once, a name and a target for each entry, a hundred are free.
        (entry(b"f" * 100) * 9, 0),
        (pax({b"path": LONG + b"/" + b"f" * 50}) + entry(b"x"), 1205 + 50 - 100),
        # All paths but the first are too long as a whole: 1,256 bytes, of which 256 are free.
        ((pax({b"path": LONG + b"/" + b"f" * 50}) + entry(b"x")) * 9, 1205 + 50 - 100 + 8 * 1000),
        ((pax({b"path": b"d/" + b"f" * 250}) + entry(b"x")) * 9, 150 * 9 + 1),
        ((pax({b"linkpath": LONG}) + header(b"link", type=b"2")) * 9, (1205 + 4 - 100) * 9),
        (header(b"link", type=b"2", linkname=b"t" * 96) * 9, 0),
        (header(b"link", type=b"2", linkname=b"t" * 100) * 9, 4 * 9),
        (header(b"f" * 90, magic=b"ustar\00000", patch={345: b"p" * 90}) * 2, 80),
    ],
    ids=range(8),
)
def test_names_count_as_far_as_they_are_kept(tar: bytes, excess: int) -> None:
    found = scan(tar + END)
    assert (found.excess, rules(found) - {"path-duplicate"}) == (excess, set())
    assert rules(scan(tar + END, metadata_bytes=excess)) == set()
    if excess:
        over = scan(tar + END, metadata_bytes=excess - 1)
        assert (len(over.table), over.complete, over.listed) == (0, False, False)
        assert rules(over) == {"limit-exceeded"}
        assert over.diff_ids == found.diff_ids  # the bytes were read and hashed all the same


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
        archive.add(f"small-{number}", b"{" * 100)
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


def xz(data: bytes, dictionary: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": dictionary}]
    return lzma.compress(data, filters=filters)


class Xz:
    """A reader of xz that counts how many there are at once that may take much memory."""

    lock = threading.Lock()
    large: ClassVar[set[int]] = set()
    most = 0

    def __init__(self, memory: int) -> None:
        self._inner = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=memory)
        self._large = memory > SHARED_XZ

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        with Xz.lock:
            if self._large:
                Xz.large.add(id(self))
            Xz.most = max(Xz.most, len(Xz.large))
        time.sleep(0.01)
        try:
            return self._inner.decompress(data, max_length)
        finally:
            with Xz.lock:
                Xz.large.discard(id(self))


def test_layers_of_xz_with_large_dictionaries_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that asks for more than is shared is read again, with all that there is, alone."""
    members = compression._MEMBER_READERS
    monkeypatch.setitem(members, "xz", (Xz, members["xz"][1]))
    image = ImageBuilder("a:1")
    for number in range(6):
        image.layer(TarBuilder().file(f"f{number}", b"1"))
        layer = image.layers[number]
        image.layers[number] = replace(layer, blob=xz(layer.tar, 64 << 20))
    found = analyze(oci_layout(image).write_file(tmp_path / "x.tar"), jobs=4)
    assert [layer.files for layer in found.images[0].layers] == [1] * 6
    assert not found.limit_exceeded
    assert Xz.most == 1


def test_xz_that_asks_for_too_much_memory_meets_a_limit() -> None:
    blob = xz(TarBuilder().file("f", b"1").build(), 64 << 20)
    assert scan(blob).complete
    found = scan(blob, xz_memory=32 << 20)
    (told,) = found.findings
    assert (told.rule, found.complete) == ("limit-exceeded", False)
    assert "33,554,432" in told.message and "--limit xz_memory=N" in told.message


@pytest.mark.parametrize("outer", ["none", "gzip", "zstd", "xz"])
def test_layer_in_an_archive_that_keeps_a_window_has_a_part_of_one(
    outer: str, tmp_path: Path
) -> None:
    """Both windows are in memory at once."""
    wide = zstandard.ZstdCompressionParameters(window_log=24)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    # A blob of less than 64 KiB is kept, and read when the archive has passed by.
    content = random.Random(1).randbytes(100_000)
    image = ImageBuilder("a:1").layer(TarBuilder().file("f", content))
    blob = packer.compress(image.layers[0].tar) + packer.flush()
    image.layers[0] = replace(image.layers[0], blob=blob, media_type=OCI_LAYER + "+zstd")
    path = tmp_path / "x"
    path.write_bytes(compress(oci_layout(image).tar(), outer))
    assert analyze(path, limits=Limits(zstd_window=1 << 27)).ok
    found = analyze(path, limits=Limits(zstd_window=1 << 26))
    assert found.limit_exceeded == (outer in ("zstd", "xz"))


def test_paths_of_folders_that_no_entry_describes_are_bounded_together() -> None:
    """Of each what is beyond a hundred bytes: of 51 of 4 bytes and one more each, 104 to 254."""
    table = scan(TarBuilder().file("/".join(["dddd"] * 51 + ["f"])).build()).table
    excess = sum(max(0, 5 * depth - 1 - 100) for depth in range(1, 52))
    for limits, met in ((excess, []), (excess - 1, ["limit-exceeded"])):
        findings = FindingCollector()
        merge([table], findings, Limits(metadata_bytes=limits))
        assert [one.rule for one in findings] == met


def test_names_that_hard_links_lose_are_bounded_together() -> None:
    """An inode with a second name of 200 bytes, which it loses."""
    name = "n" * 200
    lower = scan(TarBuilder().file("a", b"1").hardlink(name, "a").build()).table
    upper = scan(TarBuilder().file(name, b"2").build()).table
    for limits, met in ((100, []), (99, ["limit-exceeded"])):
        findings = FindingCollector()
        merge([lower, upper], findings, Limits(metadata_bytes=limits))
        assert [one.rule for one in findings] == met


@pytest.fixture(name="together")
def _together(tmp_path: Path) -> Path:
    """Three layers that spend 300 bytes each, and one that spends nothing."""
    image = ImageBuilder("a:1")
    for i in range(3):
        image.layer(TarBuilder().file(f"{i}", b"1").symlink(f"l{i}", "t" * 398))
    image.layer(TarBuilder().file("plain", b"1"))
    return docker_archive(image).write_file(tmp_path / "together.tar")


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_layers_that_are_too_much_together_lose_their_rows_whoever_came_last(
    together: Path, jobs: int
) -> None:
    assert analyze(together, limits=Limits(metadata_bytes=900), jobs=jobs).ok
    found = analyze(together, limits=Limits(metadata_bytes=899), jobs=jobs)
    (image,) = found.images
    assert [layer.entries for layer in image.layers] == [0, 0, 0, 1]
    assert [one.path for one in image.tree.walk()] == [b"plain"]
    assert not (image.complete or image.verified)
    met = [one for one in image.findings if one.rule == "limit-exceeded"]
    assert met and all("900 is over the limit of 899" in one.message for one in met)
    # The digests are told all the same.
    assert all(layer.diff_id is not None for layer in image.layers)


@pytest.mark.parametrize("cached", [False, True])
def test_layers_that_are_listed_or_known_lose_their_rows_as_well(
    together: Path, cached: bool, tmp_path: Path
) -> None:
    cache = ScanCache(tmp_path / "cache") if cached else None
    enough, less = Limits(metadata_bytes=900), Limits(metadata_bytes=899)
    with open_archive(together, limits=enough, cache=cache) as archive:
        assert len([*archive.tree().walk()]) == 7
        archive.analyze()  # now the cache knows the layers
    with open_archive(together, limits=less, cache=cache) as archive:
        for contents in (False, True):
            stack = archive.look(contents=contents)
            assert [len(table) for table in stack.tables] == [0, 0, 0, 1]
            assert len(stack.problems) == 3
        (image,) = archive.analyze().images
        assert [layer.entries for layer in image.layers] == [0, 0, 0, 1]
        assert not image.complete
