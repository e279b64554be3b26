"""Many archives together: each blob scanned once, nothing taken for what it only claims to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.archives import FORMS, delivered
from support.images import (
    OCI_LAYER,
    Archive,
    ImageBuilder,
    blob_name,
    docker_archive,
    hybrid,
    oci_layout,
    v1_chain,
)
from support.tars import TarBuilder

from oci_inspect import (
    ArchiveError,
    DiskUsage,
    Limits,
    ScanCache,
    SelectionError,
    disk_usage,
    open_archive,
    scanning,
)
from oci_inspect.filesystem.disk import DiskSizes
from oci_inspect.reuse import ScanMemory

REAL = Path(__file__).parent.parent / "fixtures" / "real"
TWO = REAL / "docker20-two-images.tar"


@dataclass
class Work:
    """How many blobs were scanned, and how many only hashed."""

    scanned: int = 0
    hashed: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()
    scan, digests = scanning.scan_layer, scanning.blob_digests

    def scan_layer(*arguments: Any) -> Any:
        done.scanned += 1
        return scan(*arguments)

    def blob_digests(*arguments: Any) -> Any:
        done.hashed += 1
        return digests(*arguments)

    monkeypatch.setattr(scanning, "scan_layer", scan_layer)
    monkeypatch.setattr(scanning, "blob_digests", blob_digests)
    return done


def one_file(name: str, size: int) -> TarBuilder:
    return TarBuilder().file(name, (name * size).encode()[:size])


def sizes(usage: DiskUsage) -> dict[str, tuple[int, int, int]]:
    return {
        " ".join(one.references): (one.size, one.shared_size, one.unique_size)
        for one in usage.images
    }


def rules(usage: DiskUsage) -> list[str]:
    return [found.rule for image in usage.images for found in image.findings]


# What an engine says


def test_two_images_take_up_what_the_engine_says() -> None:
    """docker20.system-df.json, and by hand: files of 88,642 bytes, of 3,857, a link of 10."""
    usage = disk_usage([TWO])
    app, base = usage.images
    told = json.loads((REAL / "docker20.system-df.json").read_text())["Images"]
    assert [one["ID"] for one in told] == [app.image_id, base.image_id]
    assert (app.size, app.shared_size, app.unique_size) == (92_509, 88_642, 3_867)
    assert (base.size, base.shared_size, base.unique_size) == (88_642, 88_642, 0)
    assert app.references == ("example/app:1.2.3", "example/app:latest")
    inspected = json.loads((REAL / "docker20-app.inspect.json").read_text())[0]
    assert app.size == inspected["Size"] == inspected["VirtualSize"]
    assert usage.totals.stored_size == 92_509
    assert usage.complete and rules(usage) == []


def test_the_same_image_in_two_archives_of_one_engine_is_one() -> None:
    usage = disk_usage([REAL / "docker20-app.tar", TWO])
    app, base = usage.images
    assert len(app.archives) == 2 and len(base.archives) == 1
    assert (app.size, app.shared_size, app.unique_size) == (92_509, 88_642, 3_867)
    assert usage.totals == disk_usage([TWO]).totals


def test_one_build_in_other_compressions_is_the_same_on_disk() -> None:
    """skopeo wrote the config anew: that is another image, of the very same layers."""
    names = ("skopeo-oci-gzip.tar", "skopeo-oci-zstd.tar", "docker26-app.tar")
    usage = disk_usage([REAL / name for name in names])
    copied, saved = usage.images
    assert len(copied.archives) == len(copied.manifest_digests) == 2
    assert len(usage.archives) == 3 and len(saved.archives) == 1
    for image in usage.images:
        assert (image.size, image.shared_size, image.unique_size) == (92_509, 92_509, 0)
    assert usage.totals.stored_size == 92_509
    assert usage.totals.distinct_layers == usage.totals.distinct_diff_ids == 11
    assert usage.totals.distinct_digests == 33


# Fifty archives


def fifty(write: Callable[[ImageBuilder], Archive], folder: Path, how: str) -> list[Path]:
    """50 images of 20 layers: 18 that all have (10 to 27 bytes), two of their own (1,000 + n)."""
    base = [one_file(f"base/{i}", 10 + i) for i in range(18)]
    paths = []
    for number in range(50):
        image = ImageBuilder(f"app:{number}", created=f"2024-01-01T00:00:{number:02}Z")
        for tar in base:
            image.layer(tar, compression=how)
        image.layer(one_file(f"own/{number}", 1000 + number), compression=how)
        image.layer(one_file(f"other/{number}", 1000 + number), compression=how)
        paths.append(write(image).write_file(folder / f"{number}.tar"))
    return paths


LAYOUTS = {
    "docker-save-before-25": (docker_archive, "none"),
    "docker-save": (hybrid, "none"),
    "oci-gzip": (oci_layout, "gzip"),
    "oci-zstd": (oci_layout, "zstd"),
    "podman": (lambda image: docker_archive(image, style="podman"), "none"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_fifty_archives_each_distinct_blob_is_scanned_once(
    layout: str, work: Work, tmp_path: Path
) -> None:
    write, compression = LAYOUTS[layout]
    paths = fifty(write, tmp_path, compression)
    usage = disk_usage(paths)
    assert work.scanned == 18 + 50 * 2
    assert work.hashed == 49 * 18
    base, own = sum(range(10, 28)), 2 * sum(range(1000, 1050))
    totals = usage.totals
    assert (totals.layers, totals.distinct_layers, totals.distinct_digests) == (1000, 118, 118)
    assert (totals.size, totals.stored_size) == (50 * base + own, base + own)
    assert [one.shared_size for one in usage.images] == [base] * 50
    # the newest comes first
    assert [one.unique_size for one in usage.images] == [2 * (1049 - i) for i in range(50)]
    assert usage.all_but_newest.freed == own - 2 * 1049
    assert sum(len(one.images) == 50 for one in usage.layers) == 18


def test_with_a_cache_beneath_nothing_is_scanned_the_second_time(
    work: Work, tmp_path: Path
) -> None:
    paths = fifty(oci_layout, tmp_path, "gzip")[:10]
    cache = ScanCache(tmp_path / "scans")
    plain = disk_usage(paths)
    work.scanned = 0
    assert disk_usage(paths, cache=cache) == plain
    assert (work.scanned, cache.usage().entries) == (38, 38)
    assert disk_usage(paths, cache=cache) == plain
    assert work.scanned == 38
    with open_archive(paths[0], cache=cache) as archive:  # what was kept has its rows
        assert len(archive.analyze().images[0].layers[0].chain_id or "") == 71
        assert archive.analyze().images[0].totals.files == 20


def test_rows_are_not_kept_between_archives(tmp_path: Path) -> None:
    paths = fifty(oci_layout, tmp_path, "gzip")[:2]
    sizes_ = DiskSizes()
    memory = ScanMemory(slim=sizes_.slim)
    with open_archive(paths[0], cache=memory) as archive:
        (image,) = archive.stored(sizes=sizes_)
    for layer in image.layers:
        kept = memory.get(layer.digest, Limits())
        assert kept is not None and len(kept.table) == 0
        assert sizes_.of(kept).bytes == layer.disk_size


def test_an_archive_by_itself_needs_no_memory(tmp_path: Path) -> None:
    with open_archive(TWO) as archive:
        stored = archive.stored()
        assert [sum(one.disk_size or 0 for one in image.layers) for image in stored] == [
            92_509,
            88_642,
        ]
        (app,) = archive.stored(archive.images[:1])
        assert app == stored[0]


# The ways in which an archive comes


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_archive_says_the_same(form: str, tmp_path: Path) -> None:
    image = ImageBuilder("a:1").layer(one_file("f", 9), compression="gzip")
    other = ImageBuilder("b:1").layer(one_file("f", 9), compression="gzip").layer(one_file("g", 5))
    second = oci_layout(other).write_file(tmp_path / "second.tar")
    with delivered(oci_layout(image), form, tmp_path) as path:
        usage = disk_usage([second, path])
    assert sizes(usage) == {"b:1": (14, 9, 5), "a:1": (9, 9, 0)}
    (tmp_path / "again").mkdir()
    with delivered(oci_layout(image), form, tmp_path / "again") as path:
        assert sizes(disk_usage([path, second])) == {"a:1": (9, 9, 0), "b:1": (14, 9, 5)}


def test_a_stream_leaves_its_scans_for_those_behind_it(work: Work, tmp_path: Path) -> None:
    image = ImageBuilder("a:1").layer(one_file("f", 9)).layer(one_file("g", 5))
    packed = oci_layout(image).write_file(tmp_path / "a.tar.gz", "gzip")
    plain = oci_layout(image).write_file(tmp_path / "a.tar")
    before = disk_usage([plain])
    work.scanned = work.hashed = 0
    usage = disk_usage([packed, plain])
    assert usage.images[0].layers == before.images[0].layers
    assert sizes(usage) == sizes(before) == {"a:1": (14, 0, 14)}
    assert work.hashed == 2


def test_an_archive_that_is_named_twice_is_listed_once() -> None:
    once, twice = disk_usage([TWO]), disk_usage([TWO, TWO])
    assert once == twice


def test_archives_without_a_config_or_a_name(tmp_path: Path) -> None:
    image = ImageBuilder("old:1").layer(one_file("f", 9)).layer(one_file("g", 5))
    nameless = ImageBuilder().layer(one_file("f", 9))
    paths = [
        v1_chain(image).write_file(tmp_path / "v1.tar"),
        oci_layout(nameless).write_file(tmp_path / "oci.tar"),
    ]
    usage = disk_usage(paths)
    assert {row: sizes(usage)[row] for row in ("old:1", "")} == {"old:1": (14, 9, 5), "": (9, 9, 0)}


def test_platforms_are_images_of_their_own(tmp_path: Path) -> None:
    one = ImageBuilder("a:1").layer(one_file("f", 9)).layer(one_file("g", 5))
    two = ImageBuilder("a:1", architecture="arm64").layer(one_file("f", 9))
    path = oci_layout(one, two, nested=True).write_file(tmp_path / "a.tar")
    usage = disk_usage([path])
    told = {image.platform.architecture: image.size for image in usage.images}
    assert told == {"amd64": 14, "arm64": 9}
    assert usage.totals.stored_size == 14
    (image,) = disk_usage([path], platform="linux/arm64").images
    assert (image.size, image.unique_size) == (9, 9)


# What is not there, or not what it says


def test_a_blob_under_the_digest_of_another_is_not_taken_for_it(work: Work, tmp_path: Path) -> None:
    shared, evil = one_file("f", 9), one_file("e", 700)
    first = ImageBuilder("a:1").layer(shared)
    second = ImageBuilder("b:1").layer(shared).layer(one_file("g", 5))
    for number, write in enumerate((oci_layout, hybrid)):
        lying = write(second)
        lying.replace(blob_name(shared.build()), evil.build())
        paths = [
            write(first).write_file(tmp_path / f"a{number}.tar"),
            lying.write_file(tmp_path / f"b{number}.tar"),
        ]
        for order in (paths, paths[::-1]):
            work.scanned = 0
            usage = disk_usage(order)
            assert sizes(usage) == {"a:1": (9, 0, 9), "b:1": (705, 0, 705)}
            assert work.scanned == 3
            assert usage.totals.distinct_digests == 3
            assert "blob-digest-mismatch" in rules(usage)


@pytest.mark.parametrize("foreign", [False, True])
def test_a_layer_that_is_not_there_makes_it_incomplete(foreign: bool, tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar" if foreign else OCI_LAYER
    base = one_file("f", 9)
    image = ImageBuilder("a:1").layer(base, media_type=kind).layer(one_file("g", 5))
    archive = oci_layout(image).drop(blob_name(base.build()))
    other = ImageBuilder("b:1").layer(base).layer(one_file("g", 5))
    usage = disk_usage(
        [
            archive.write_file(tmp_path / "a.tar"),
            oci_layout(other).write_file(tmp_path / "b.tar"),
        ]
    )
    assert sizes(usage) == {"a:1": (5, 0, 5), "b:1": (14, 0, 14)}
    assert {" ".join(one.references): one.complete for one in usage.images} == {
        "a:1": False,
        "b:1": True,
    }
    assert rules(usage) == ["blob-missing"]
    lost = next(one for one in usage.layers if one.disk_size is None)
    assert (lost.chain_id, lost.diff_id, lost.complete) == (None, None, False)
    assert not usage.complete and not usage.limit_exceeded
    # its tar and its blob are the other image's
    assert (usage.totals.distinct_diff_ids, usage.totals.distinct_digests) == (2, 2)


def test_a_damaged_layer_counts_for_what_can_be_read(tmp_path: Path) -> None:
    tar = TarBuilder().file("f", b"123456789").file("g", bytes(100_000))
    image = ImageBuilder("a:1").layer(tar, compression="gzip").layer(one_file("h", 5))
    archive = oci_layout(image)
    blob = blob_name(image.layers[0].blob)
    archive.replace(blob, archive[blob][:-20])
    usage = disk_usage([archive.write_file(tmp_path / "a.tar")])
    (row,) = usage.images
    assert not row.complete and 5 + 9 <= row.size <= 5 + 9 + 100_000
    assert {"layer-corrupt", "blob-digest-mismatch"} <= set(rules(usage))
    assert not usage.limit_exceeded


@pytest.mark.parametrize("limits", [Limits(layers=1), Limits(entries=1), Limits(layer_bytes=1500)])
def test_a_limit_that_is_met_is_told(limits: Limits, tmp_path: Path) -> None:
    tar = TarBuilder().file("f", b"123").file("ggg", b"12345")
    image = ImageBuilder("a:1").layer(tar).layer(one_file("hhh", 5))
    path = oci_layout(image).write_file(tmp_path / "a.tar")
    usage = disk_usage([path, path], limits=limits)
    assert usage.limit_exceeded and not usage.complete
    assert "limit-exceeded" in rules(usage)
    assert usage.images[0].size < 13


def test_an_archive_that_cannot_be_read_stops_all(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"no archive")
    with pytest.raises(ArchiveError) as caught:
        disk_usage([TWO, bad, TWO])
    assert caught.value.path == str(bad)


# Which images


def test_a_reference_beside_a_path_is_about_that_archive() -> None:
    usage = disk_usage([(TWO, "example/base:1"), (REAL / "docker26-two-images.tar", None)])
    told = [" ".join(one.references) for one in usage.images]
    assert told.count("example/base:1") == 2 and len(told) == 3
    with pytest.raises(SelectionError, match=r"docker20-two-images\.tar: no image 'nope'"):
        disk_usage([(TWO, "nope")])


def test_references_for_all_must_fit_somewhere(tmp_path: Path) -> None:
    other = ImageBuilder("b:1").layer(one_file("f", 9))
    path = oci_layout(other).write_file(tmp_path / "b.tar")
    usage = disk_usage([TWO, path], images=["base:1", "b:1"])
    assert sorted(sizes(usage)) == ["b:1", "example/base:1"]
    with pytest.raises(SelectionError, match="no image 'x' in any of 2 archives") as caught:
        disk_usage([TWO, path], images=["b:1", "x"])
    assert len(caught.value.choices) == 3
    with pytest.raises(SelectionError, match="no image 'x' in the archive"):
        disk_usage([TWO], images=["x"])
    with pytest.raises(SelectionError, match="no image for linux/s390x: here are linux/amd64"):
        disk_usage([TWO, path], platform="linux/s390x")
    with pytest.raises(ValueError, match="os/arch"):
        disk_usage([TWO], platform="arm64")


def test_an_image_that_several_references_fit_is_counted_once() -> None:
    usage = disk_usage([TWO], images=["example/app:1.2.3", "latest", "@0"])
    assert sizes(usage) == {"example/app:1.2.3 example/app:latest": (92_509, 0, 92_509)}
