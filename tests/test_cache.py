"""With a cache everything is as without one, only sooner: and nothing passes for what it is not."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.archives import FORMS, delivered
from support.images import (
    Archive,
    ImageBuilder,
    blob_name,
    compress,
    docker_archive,
    hybrid,
    oci_layout,
    skopeo_dir,
    v1_chain,
)
from support.tars import TarBuilder
from test_findings import TOPICS, Built

from oci_inspect import (
    Analysis,
    ArchiveError,
    Image,
    Limits,
    OciInspectError,
    ScanCache,
    analyze,
    open_archive,
    scanning,
)
from oci_inspect.folding import analyze_image
from oci_inspect.layer.scan import scan_layer
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.render import json as documents
from oci_inspect.reuse import Reuse, likely_digests
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent / "fixtures" / "real"
ARCHIVES = sorted(path for path in REAL.glob("*.tar*") if not path.name.endswith(".rootfs.tar"))


@dataclass
class Work:
    """How many blobs were scanned."""

    scanned: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts the scans of blobs that can be opened again."""
    done = Work()
    real = scanning.scan_layer

    def scan(*arguments: Any) -> Any:
        done.scanned += 1
        return real(*arguments)

    monkeypatch.setattr(scanning, "scan_layer", scan)
    return done


@pytest.fixture
def cache(tmp_path: Path) -> ScanCache:
    return ScanCache(tmp_path / "scans")


def told(analysis: Analysis) -> list[str]:
    """Every document that the commands print of it."""
    return [
        documents.dumps(document(analysis))
        for document in (
            documents.analysis_document,
            documents.images_document,
            documents.history_document,
            documents.layers_document,
            documents.verify_document,
            documents.waste_document,
        )
    ]


def outcome(path: str | Path, limits: Limits = DEFAULT_LIMITS, **more: Any) -> list[str]:
    try:
        return told(analyze(path, limits=limits, **more))
    except OciInspectError as error:
        return [f"{type(error).__name__}: {error}"]


def app(content: bytes = b"content", compression: str = "none") -> ImageBuilder:
    """Two layers, the upper one of which kills a file of the lower one."""
    base = TarBuilder().dir("d").file("d/a", content * 40).symlink("s", "d/a").hardlink("h", "d/a")
    base.file(b"caf\xe9", b"x", xattrs={b"user.a": b"1"}).char("c", 1, 3)
    image = ImageBuilder("a:1").layer(base, compression=compression)
    return image.layer(TarBuilder().whiteout("d/a").file("../e", b"2"), compression=compression)


# The same in every case


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_archives_of_engines_are_told_the_same_cold_and_warm(
    path: Path, cache: ScanCache, work: Work
) -> None:
    plain = outcome(path)
    work.scanned = 0
    assert outcome(path, cache=cache) == plain
    scanned, work.scanned = work.scanned, 0
    assert outcome(path, cache=cache) == plain
    if path.suffix == ".tar":
        assert (scanned > 0, work.scanned) == (True, 0)
    assert cache.usage().entries > 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ScanCache:
    """One cache for archives that have a lot in common."""
    return ScanCache(tmp_path_factory.mktemp("shared") / "scans")


def every_case() -> Iterator[Any]:
    for topic in TOPICS:
        module = import_module(f"test_findings_{topic}")
        for rule, make in module.cases.made:
            yield pytest.param(make, id=f"{rule}-{make.__name__}")


@pytest.mark.parametrize("make", list(every_case()))
def test_archives_with_something_wrong_are_told_the_same_cold_and_warm(
    make: Callable[[], Built], shared: ScanCache, tmp_path: Path
) -> None:
    built = make()
    path = tmp_path / "image.tar"
    path.write_bytes(built.archive if isinstance(built.archive, bytes) else built.archive.tar())
    plain = outcome(path, built.limits)
    for jobs in (1, 3):
        assert outcome(path, built.limits, cache=shared, jobs=jobs) == plain


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_archive_is_told_the_same(
    form: str, cache: ScanCache, tmp_path: Path
) -> None:
    """Whatever the first form was whose scans were kept."""
    archive = oci_layout(app(os.urandom(3_000), "gzip"))

    def outcomes(*caches: ScanCache | None) -> list[list[str]]:
        found = []
        for i, one in enumerate(caches):
            (folder := tmp_path / f"{form}{i}").mkdir()
            with delivered(archive, form, folder) as path:
                found.append([text.replace(path, "PATH") for text in outcome(path, cache=one)])
        return found

    plain, cold, warm = outcomes(None, cache, cache)
    assert plain == cold == warm
    assert cache.usage().entries == 2
    file = archive.write_file(tmp_path / "image.tar")
    assert outcome(file, cache=cache) == outcome(file)


STYLES: dict[str, Callable[[ImageBuilder], Archive]] = {
    "docker": docker_archive,
    "podman": lambda image: docker_archive(image, style="podman"),
    "skopeo": lambda image: docker_archive(image, style="skopeo"),
    "kaniko": lambda image: docker_archive(image, style="kaniko"),
    "jib": lambda image: docker_archive(image, style="jib"),
    "backslash": lambda image: docker_archive(image, style="backslash"),
    "layout": oci_layout,
    "hybrid": hybrid,
    "dir": skopeo_dir,
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_layers_are_known_again_in_every_kind_of_archive(
    style: str, compression: str, cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    """Where no blob has a digest of its own, the config's diff_id is that of a plain layer."""
    path = STYLES[style](app(compression=compression)).write_file(tmp_path / "image.tar")
    plain = outcome(path, cache=cache)
    work.scanned = 0
    assert outcome(path, cache=cache) == plain == outcome(path)
    unnamed = compression != "none" and style in (
        "docker",
        "podman",
        "skopeo",
        "backslash",
        "hybrid",
    )
    assert work.scanned == (4 if unnamed and style != "hybrid" else 2)


def test_v1_chains_are_scanned_each_time(cache: ScanCache, work: Work, tmp_path: Path) -> None:
    """Nothing tells which digest a layer may have."""
    path = v1_chain(app()).write_file(tmp_path / "image.tar")
    assert outcome(path, cache=cache) == outcome(path, cache=cache) == outcome(path)
    assert work.scanned == 6


def test_one_scan_serves_other_archives_with_the_same_layer(
    cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    image = app()
    outcome(docker_archive(image).write_file(tmp_path / "one.tar"), cache=cache)
    work.scanned = 0
    other = oci_layout(image.layer(TarBuilder().file("new", b"3")))
    path = other.write_file(tmp_path / "other.tar")
    assert outcome(path, cache=cache) == outcome(path)
    assert work.scanned == 1 + 3


def test_other_limits_give_other_scans(cache: ScanCache, tmp_path: Path) -> None:
    path = oci_layout(app(compression="gzip")).write_file(tmp_path / "image.tar")
    outcome(path, cache=cache)
    tight = replace(DEFAULT_LIMITS, entries=2)
    assert outcome(path, tight, cache=cache) == outcome(path, tight)
    assert analyze(path, limits=tight, cache=cache).limit_exceeded
    assert not analyze(path, cache=cache).limit_exceeded


# Nothing passes for what it is not


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("form", ["file", "folder"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_byte_that_changed_after_its_blob_was_kept_is_found(
    form: str, compression: str, cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    image = app(os.urandom(500), compression)
    archive = oci_layout(image)
    with delivered(archive, form, tmp_path) as path:
        assert analyze(path, cache=cache).ok
        blob = image.layers[0].blob
        work.scanned = 0
        for at in (0, len(blob) // 2, len(blob) - 1):
            if form == "file":
                place = Path(path)
                start = place.read_bytes().index(blob)
            else:
                place, start = Path(path) / blob_name(blob), 0
            flip(place, start + at)
            found = analyze(path, cache=cache)
            assert not found.ok
            assert "blob-digest-mismatch" in {one.rule for one in found.images[0].findings}
            assert outcome(path, cache=cache) == outcome(path)
            flip(place, start + at)
            assert analyze(path, cache=cache).ok
        assert work.scanned == 3 * (1 + 1 + 2)


def test_a_blob_under_the_name_of_one_that_is_kept_is_told_as_what_it_is(
    cache: ScanCache, tmp_path: Path
) -> None:
    """The claim decides where to look, the bytes decide what is true."""
    image, other = app(), app(b"another")
    outcome(oci_layout(image).write_file(tmp_path / "good.tar"), cache=cache)
    archive = oci_layout(image).replace(blob_name(image.layers[0].blob), other.layers[0].blob)
    path = archive.write_file(tmp_path / "bad.tar")
    assert outcome(path, cache=cache) == outcome(path)
    assert not analyze(path, cache=cache).ok


def test_every_byte_of_every_blob_is_read_with_a_warm_cache(
    cache: ScanCache, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = app(os.urandom(900))
    extra = os.urandom(70_000)
    archive = oci_layout(image).add_blob(extra)
    path = archive.write_file(tmp_path / "image.tar")
    analyze(path, cache=cache)
    work.scanned = 0
    read: list[tuple[int, int]] = []
    pread = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        data = pread(fd, size, offset)
        read.append((offset, offset + len(data)))
        return data

    monkeypatch.setattr(os, "pread", counted)
    assert analyze(path, cache=cache).ok
    assert work.scanned == 0
    data = path.read_bytes()
    for blob in (*(layer.blob for layer in image.layers), extra):
        at = data.index(blob)
        parts = sorted(
            one for one in read if at <= one[0] and one[1] <= at + len(blob) and one[0] < one[1]
        )
        covered = at
        for start, end in parts:
            assert start <= covered
            covered = max(covered, end)
        assert covered == at + len(blob)


@pytest.mark.parametrize("how", ["changed", "cut", "foreign", "swapped", "unreadable"])
def test_damaged_entries_are_replaced_in_silence(
    how: str, cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    path = oci_layout(app()).write_file(tmp_path / "image.tar")
    plain = outcome(path, cache=cache)
    first, second = sorted(cache.folder.glob("*.scan"))
    if how == "changed":
        flip(first, 70)
    elif how == "cut":
        first.write_bytes(first.read_bytes()[:90])
    elif how == "foreign":
        first.write_bytes(b"GIF89a" * 100)
    elif how == "swapped":
        shutil.copy(second, first)
    else:
        first.unlink()
        first.symlink_to(first)
    work.scanned = 0
    assert outcome(path, cache=cache) == plain
    assert work.scanned == 1
    assert outcome(path, cache=cache) == plain
    assert work.scanned == 1


# Digests of other algorithms


def with_sha512(image: ImageBuilder) -> Archive:
    """An image whose first layer goes by its sha512, and so does its tar."""
    blob, tar = image.layers[0].blob, image.layers[0].tar
    name = hashlib.sha512(blob).hexdigest()
    image.patch_manifest(lambda one: one["layers"][0].update(digest=f"sha512:{name}"))
    diff_id = "sha512:" + hashlib.sha512(tar).hexdigest()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(0, diff_id))
    return oci_layout(image).rename(blob_name(blob), f"blobs/sha512/{name}")


def test_a_scan_without_a_digest_that_is_wanted_is_made_anew(
    cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    """A diff_id in sha512 cannot be told from what was kept for sha256."""
    plain = oci_layout(app(compression="gzip")).write_file(tmp_path / "plain.tar")
    image = app(compression="gzip")
    diff_id = "sha512:" + hashlib.sha512(image.layers[0].tar).hexdigest()
    image.patch_config(lambda one: one["rootfs"]["diff_ids"].__setitem__(0, diff_id))
    path = oci_layout(image).write_file(tmp_path / "sha512.tar")
    outcome(plain, cache=cache)
    work.scanned = 0
    expected = outcome(path)
    assert work.scanned == 2
    assert outcome(path, cache=cache) == expected
    assert work.scanned == 2 + 1
    for one in (path, plain, path, plain):  # now both digests are kept
        assert outcome(one, cache=cache) == outcome(one)
    assert work.scanned == 2 + 1 + 4 * 2
    assert analyze(path, cache=cache).ok


def test_a_reused_scan_has_the_digests_that_a_new_one_would_have(
    cache: ScanCache, tmp_path: Path
) -> None:
    """Not those as well that another archive asked for."""
    blob = app(compression="gzip").layers[0].blob
    both, one = ("sha256", "sha512"), ("sha256",)
    cache.put(scan_layer(BytesSource(blob), DEFAULT_LIMITS, both), DEFAULT_LIMITS)
    image = app(compression="gzip")
    with open_archive(oci_layout(image).write_file(tmp_path / "image.tar")) as archive:
        reuse = Reuse(cache, DEFAULT_LIMITS, archive.images)
    for algorithms in (one, both):
        fresh = scan_layer(BytesSource(blob), DEFAULT_LIMITS, algorithms)
        assert reuse.take(blob_name(blob), algorithms, lambda fresh=fresh: fresh.digests) == fresh
    assert reuse.take(blob_name(blob), both, lambda: None) is None
    assert reuse.take("another", one, lambda: fresh.digests) is None


def test_what_is_expected_of_a_changed_blob_is_not_what_is_told(
    cache: ScanCache, tmp_path: Path
) -> None:
    """The fold of what the cache expects is thrown away where one blob is another."""
    image = app(compression="gzip")
    path = oci_layout(image).write_file(tmp_path / "image.tar")
    analyze(path, cache=cache)
    folds = []

    def folding(*arguments: Any) -> Any:
        folds.append(arguments[1])
        return analyze_image(*arguments)

    with patch("oci_inspect.folding.analyze_image", folding):
        assert analyze(path, cache=cache).ok
        assert len(folds) == 1
        archive = oci_layout(image)
        blob = image.layers[0].blob
        archive.replace(blob_name(blob), blob[:-1] + bytes([blob[-1] ^ 1]))
        changed = archive.write_file(tmp_path / "changed.tar")
        found = analyze(changed, cache=cache)
    assert not found.ok
    assert len(folds) == 3
    assert documents.analysis_document(found) == documents.analysis_document(analyze(changed))


def test_layers_by_other_digests_than_sha256_are_verified_as_ever(
    cache: ScanCache, tmp_path: Path
) -> None:
    archive = with_sha512(app())
    path = archive.write_file(tmp_path / "image.tar")
    plain = outcome(path)
    assert outcome(path, cache=cache) == outcome(path, cache=cache) == plain
    assert analyze(path, cache=cache).ok


# Streams


@pytest.mark.parametrize("form", ["stdin", "gzip", "zstd"])
def test_a_stream_gives_to_the_cache_and_never_takes(
    form: str, cache: ScanCache, work: Work, tmp_path: Path
) -> None:
    """Its layers passed by before anybody knew what they were called."""
    image = ImageBuilder("a:1").layer(TarBuilder().file("a", os.urandom(100_000)))
    archive = oci_layout(image)
    with delivered(archive, form, tmp_path) as path:
        analyze(path, cache=cache)
    (entry,) = cache.folder.glob("*.scan")
    written = entry.stat().st_ino
    (tmp_path / "again").mkdir()
    with delivered(archive, form, tmp_path / "again") as path:
        assert analyze(path, cache=cache).ok
    assert entry.stat().st_ino == written  # it was there
    work.scanned = 0
    assert analyze(archive.write_file(tmp_path / "image.tar"), cache=cache).ok
    assert work.scanned == 0


# What goes wrong with the blobs


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_blob_that_cannot_be_read_is_the_same_error(
    number: int, cache: ScanCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = app(os.urandom(5_000))
    path = oci_layout(image).write_file(tmp_path / "image.tar")
    analyze(path, cache=cache)
    start = path.read_bytes().index(image.layers[0].blob)
    pread = os.pread

    def fails(fd: int, size: int, offset: int) -> bytes:
        if start <= offset < start + len(image.layers[0].blob):
            raise OSError(number, os.strerror(number))
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", fails)
    expected = outcome(path)
    assert expected[0].startswith("ArchiveError")
    assert outcome(path, cache=cache) == expected


def test_a_blob_that_is_gone_is_the_same_finding(cache: ScanCache, tmp_path: Path) -> None:
    image = app()
    folder = oci_layout(image).write_folder(tmp_path / "layout")
    analyze(folder, cache=cache)
    with open_archive(folder, cache=cache) as archive, open_archive(folder) as plain:
        blob = folder / blob_name(image.layers[0].blob)
        blob.unlink()
        first, second = archive.analyze(), plain.analyze()
        assert told(first) == told(second)
        assert "blob-missing" in {one.rule for one in first.images[0].findings}
        blob.symlink_to(tmp_path / "elsewhere")
        assert told(archive.analyze()) == told(plain.analyze())


def test_an_archive_that_changes_meanwhile_is_noticed(cache: ScanCache, tmp_path: Path) -> None:
    path = oci_layout(app()).write_file(tmp_path / "image.tar")
    analyze(path, cache=cache)
    with open_archive(path, cache=cache) as archive:
        os.utime(path, (1, 1))
        with pytest.raises(ArchiveError, match="changed while it was read"):
            archive.analyze()


# What is not asked for does not happen


def test_the_library_keeps_nothing_unless_it_is_given_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "OCI_INSPECT_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    path = oci_layout(app()).write_file(tmp_path / "image.tar")
    analyze(path)
    with open_archive(path) as archive:
        archive.analyze()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["image.tar"]


def test_damaged_layers_are_scanned_each_time(cache: ScanCache, work: Work, tmp_path: Path) -> None:
    image = ImageBuilder("a:1").layer(compress(TarBuilder().file("a", b"1").build(), "gzip")[:-3])
    path = oci_layout(image).write_file(tmp_path / "image.tar")
    assert outcome(path, cache=cache) == outcome(path, cache=cache)
    assert work.scanned == 2
    assert cache.usage().entries == 0


def test_where_to_look_is_told_by_the_documents(tmp_path: Path) -> None:
    image = app(compression="gzip")
    with open_archive(oci_layout(image).write_file(tmp_path / "a.tar")) as archive:
        images: tuple[Image, ...] = archive.images
    first, second = image.layers
    assert likely_digests(images) == {
        blob_name(first.blob): [first.digest, first.diff_id],
        blob_name(second.blob): [second.digest, second.diff_id],
    }
    with open_archive(with_sha512(app()).write_file(tmp_path / "b.tar")) as archive:
        likely = likely_digests(archive.images)
    assert sorted(likely.values()) == [[], [app().layers[1].digest]]
