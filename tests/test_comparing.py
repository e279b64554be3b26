"""Real archives held against each other: one image as several engines saved it, a base and an app.

The second witnesses are the root file systems that the engines exported, read with
:mod:`tarfile`, the Dockerfiles, and the blobs that skopeo compressed.
"""

from __future__ import annotations

import json
import re
import tarfile
import zlib
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import open_archive
from oci_inspect.archive.contents import CompressedSize
from oci_inspect.cli import run
from oci_inspect.comparing import compare
from oci_inspect.comparison.results import BreakReason, Comparison, Match
from oci_inspect.estimating import PIECE, PIECES, sampled
from oci_inspect.filesystem.comparing import Turn
from oci_inspect.reuse import ScanMemory
from oci_inspect.stream.source import BytesSource

REAL = Path(__file__).parent.parent / "fixtures" / "real"

DOCKER = (
    "docker26-app.tar",
    "docker26-app.tar.gz",
    "podman-docker.tar",
    "skopeo-docker.tar",
    "skopeo-dir.tar",
)
OCI = (
    "podman-oci.tar",
    "skopeo-oci-gzip.tar",
    "skopeo-oci-zstd.tar",
    "skopeo-oci-zstd-chunked.tar",
    "umoci-oci-layout-tree.tar",
)
"""One image, copied from one to the other by fixtures/real/make.sh."""
IMAGES = {"umoci-oci-layout-tree.tar": "app"}


@pytest.fixture(scope="module", name="between")
def _between():
    """Compare two fixtures; each blob is scanned once for all tests."""
    memory = ScanMemory()

    def between(one: str, other: str) -> Comparison:
        (old, first), (new, second) = (
            (name, IMAGES.get(name)) if "@" not in name else name.split("@")
            for name in (one, other)
        )
        return compare(REAL / old, REAL / new, image_before=first, image_after=second, cache=memory)

    return between


# One image


@pytest.mark.parametrize(("one", "other"), [*combinations(DOCKER, 2), *combinations(OCI, 2)])
def test_one_image_in_two_formats_is_the_same_whatever_its_digests(
    between, one: str, other: str
) -> None:
    found = between(one, other)
    assert found.same_filesystem and found.same_config and found.same_layers
    assert found.same and found.complete
    assert found.cache is None
    assert found.groups == found.files.differences == found.config == ()
    assert [pair.match for pair in found.layers] == [Match.CHAIN_ID] * 11
    assert found.pull.layers == ()


@pytest.mark.parametrize(("one", "other"), [*product(DOCKER, OCI)])
def test_docker_archive_and_oci_layout_of_one_image_differ_in_the_health_check_alone(
    between, one: str, other: str
) -> None:
    """The config of OCI has no field for it (image-spec, config.md): podman and skopeo drop it."""
    found = between(one, other)
    assert found.same_filesystem and found.same_layers and not found.same
    (lost,) = found.config
    assert (lost.key, lost.turn, lost.after) == ("Healthcheck", Turn.REMOVED, None)
    assert lost.before == {"Test": ["CMD", "/bin/step"], "Interval": 30_000_000_000, "Retries": 2}


def test_one_image_has_as_many_digests_as_compressions(between) -> None:
    """Where both blobs are compressed, and otherwise, a push moves them all."""
    found = between("skopeo-oci-gzip.tar", "skopeo-oci-zstd.tar")
    assert not any(pair.same_digest for pair in found.layers)
    assert found.push.layers == tuple(range(11))
    assert (found.push.estimated, found.push.unknown) == (0, 0)
    with tarfile.open(REAL / "skopeo-oci-zstd.tar") as tar:
        blobs = {Path(one.name).name: one.size for one in tar}
    digests = [layer.digest.partition(":")[2] for layer in found.after.layers]
    assert found.push.size == sum(blobs[one] for one in digests)
    assert between("skopeo-oci-gzip.tar", "podman-oci.tar").push.layers == ()
    assert between("docker26-app.tar", "skopeo-oci-gzip.tar").push.layers == ()


@pytest.mark.parametrize("name", [*DOCKER, *OCI])
def test_archive_against_itself_is_empty(between, name: str) -> None:
    found = between(name, name)
    assert found.same and found.same_layers and found.complete
    assert found.cache is None
    assert not found.config and not found.files.differences and not found.groups
    assert not found.rebuilds and not found.push.layers and not found.pull.layers
    assert all(pair.same_digest for pair in found.layers)
    assert found.files.unchanged == 1 + sum(1 for _ in found.after.tree.walk())


# Base and app

BASE_AND_APP = (
    ("docker26-two-images.tar@base:1", "docker26-two-images.tar@app:1.2.3"),
    ("docker20-two-images.tar@base:1", "docker20-two-images.tar@app:1.2.3"),
    ("podman-docker-multi.tar@base:1", "podman-docker-multi.tar@app:1.2.3"),
    ("docker26-containerd-base.tar", "docker26-containerd-app.tar"),
    ("docker26-two-images.tar@base:1", "podman-docker.tar"),
    ("docker26-two-images.tar@base:1", "skopeo-oci-zstd.tar"),
)


def layer_lines() -> list[str]:
    """The lines of Dockerfile.app that make a layer: /site was not there, so WORKDIR made it."""
    text = (REAL / "context" / "Dockerfile.app").read_text()
    return [line for line in text.splitlines() if re.match("RUN|COPY|ADD|WORKDIR", line)]


@pytest.mark.parametrize(("base", "app"), BASE_AND_APP)
def test_first_layer_that_differs_between_base_and_app_is_the_app_s_first(
    between, base: str, app: str
) -> None:
    lines = layer_lines()
    found = between(base, app)
    assert found.cache is not None
    assert (found.cache.layer_index, found.cache.reason) == (3, BreakReason.ADDED)
    assert found.cache.instruction_before is None
    assert found.cache.instruction_after == lines[0] == "WORKDIR /site"
    assert found.cache.rebuilt.layers == len(lines) == 8
    assert [pair.match for pair in found.layers] == [Match.CHAIN_ID] * 3 + [None] * 8
    assert found.shared.by_chain_id.layers == found.shared.by_diff_id.layers == 3
    assert found.pull.layers == tuple(range(3, 11))
    # what the files of each layer come to: site/ 15 + 7; put 90, chmod 700; put 400; put 1675, 5
    # and 7, ln of a file below 15; chown 15, chmod 5; put 800 and 123
    assert found.cache.rebuilt.file_bytes == 22 + 790 + 400 + 1687 + 15 + 20 + 923

    back = between(app, base)
    assert back.cache is not None
    assert (back.cache.layer_index, back.cache.reason) == (3, BreakReason.REMOVED)
    assert back.cache.instruction_before == "WORKDIR /site"
    assert back.cache.rebuilt.layers == 0
    assert back.pull.layers == back.push.layers == ()


@pytest.mark.parametrize(("base", "app"), BASE_AND_APP)
def test_config_of_the_app_is_what_its_dockerfile_adds(between, base: str, app: str) -> None:
    found = {one.key: (one.before, one.after) for one in between(base, app).config}
    lost = found.pop("Healthcheck", None)
    assert (lost is None) == ("oci" in app)
    assert found == {
        "User": (None, "33"),
        "WorkingDir": (None, "/site"),
        "Entrypoint": (None, ["/bin/step"]),
        "Cmd": (["/bin/step"], ["put", "/tmp/x", "1"]),
        "Env.APP_HOME": (None, "/site"),
        "ExposedPorts.80/tcp": (None, True),
        "ExposedPorts.443/udp": (None, True),
        "Volumes./data": (None, True),
        "Labels.org.opencontainers.image.title": ("base", "app"),
        "Labels.org.opencontainers.image.version": (None, "1.2.3"),
        "StopSignal": (None, "SIGQUIT"),
    }


@pytest.mark.parametrize(("base", "app"), BASE_AND_APP)
def test_files_of_the_app_are_what_its_dockerfile_does(between, base: str, app: str) -> None:
    found = between(base, app).files.differences
    files = {
        one.path.decode(): (one.turn.value, one.size_before, one.size_after)
        for one in found
        if one.content and (one.size_before or one.size_after)
    }
    assert files == {
        "cache/one": ("removed", 1000, 0),
        "cache/two": ("removed", 2000, 0),
        "cache/three": ("removed", 3000, 0),
        "cache/four": ("added", 0, 400),
        "data/big": ("removed", 60_000, 0),
        "data/keep": ("changed", 700, 800),
        "etc/app.conf": ("changed", 14, 90),
        "site/index.html": ("added", 0, 15),
        "site/hard.html": ("added", 0, 15),
        "site/style.css": ("added", 0, 7),
        "site/with space": ("added", 0, 5),
        "site/ünïcode": ("added", 0, 7),
        "site/moved": ("added", 0, 123),
    }
    (keep,) = (one for one in found if one.path == b"data/keep")
    assert {"content", "mode"} <= {*keep.why}


# Engines' own root file systems

OF_THE_ENGINE = {
    *(".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "proc", "sys"),
    *("etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"),
}
"""What docker puts into a container that it makes, in order to export it."""


def exported(name: str) -> dict[str, tuple[object, ...]]:
    """What an engine exported, by path: type, content, mode, owner and time."""
    found = {}
    with tarfile.open(REAL / name) as tar:
        for one in tar:
            if one.name in OF_THE_ENGINE:
                continue
            file = tar.extractfile(one) if one.isreg() else None
            content = file.read() if file else one.linkname
            mode = one.mode & 0o7777
            found[one.name] = (one.type, content, mode, (one.uid, one.gid), int(one.mtime))
    return found


WORDS = ("type", "content", "mode", "owner", "time")


def test_two_builds_of_one_dockerfile_differ_as_the_engines_exports_do(between) -> None:
    """docker 20 and docker 26 built it at other times."""
    found = between("docker20-app.tar", "docker26-app.tar")
    one, other = exported("docker20-app.rootfs.tar"), exported("docker26-app.rootfs.tar")
    expected = {}
    for path in {*one, *other}:
        if path in one and path in other:
            pairs = zip(WORDS, one[path], other[path], strict=True)
            why = tuple(word for word, a, b in pairs if a != b)
            if why:
                expected[path] = ("changed", why)
        else:
            expected[path] = ("removed" if path in one else "added", ())
    assert len(expected) == 18
    assert {
        item.path.decode(): (item.turn.value, item.why)
        for item in found.files.differences
        if item.path.decode() not in OF_THE_ENGINE
    } == expected
    assert found.same_config
    assert found.cache is not None
    assert found.cache.explanation == "the same instruction made the same files, but for: time"
    assert {one.differ[0] for one in found.rebuilds} == {"time"}
    assert all(one.same_files for one in found.rebuilds)


@pytest.mark.parametrize("engine", ["docker20", "docker26"])
def test_added_and_common_are_what_the_engine_exported(between, engine: str) -> None:
    archive = f"{engine}-two-images.tar"
    found = between(f"{archive}@base:1", f"{archive}@app:1.2.3")
    there = exported(f"{engine}-app.rootfs.tar")
    added = {
        one.path.decode()
        for one in found.files.differences
        if one.turn is Turn.ADDED and one.path.decode() not in OF_THE_ENGINE
    }
    assert added < there.keys()
    sizes = {path: len(one[1]) for path, one in there.items() if one[0] == tarfile.REGTYPE}  # type: ignore[arg-type]
    after = sum(one.size_after for one in found.files.differences) + found.files.unchanged_bytes
    assert after == sum(sizes.values()) == sum(new for _, new in found.files.folders.values())
    tops: dict[str, int] = {}
    for path, size in sizes.items():
        top = path.partition("/")[0]
        tops[top] = tops.get(top, 0) + size
    told = {path.decode(): new for path, (_, new) in found.files.folders.items() if new}
    assert told == tops


# All against all

ALL = (*DOCKER[:2], OCI[0], "docker20-app.tar", "docker26-containerd-app.tar")
BASES = ("docker26-two-images.tar@base:1", "docker20-two-images.tar@base:1")
MIRROR = {Turn.ADDED: Turn.REMOVED, Turn.REMOVED: Turn.ADDED, Turn.CHANGED: Turn.CHANGED}


@pytest.mark.parametrize(("one", "other"), [*combinations((*ALL, *BASES), 2)])
def test_mirrored_comparison_is_the_comparison_of_the_mirrored(
    between, one: str, other: str
) -> None:
    found, back = between(one, other), between(other, one)
    assert [
        (d.path, MIRROR[d.turn], d.why, d.size_after, d.size_before, d.unit)
        for d in found.files.differences
    ] == [
        (d.path, d.turn, d.why, d.size_before, d.size_after, d.unit) for d in back.files.differences
    ]
    assert [(c.key, MIRROR[c.turn], c.after, c.before) for c in found.config] == [
        (c.key, c.turn, c.before, c.after) for c in back.config
    ]
    assert {(p.after, p.before, p.match, p.same_digest) for p in found.layers} == {
        (p.before, p.after, p.match, p.same_digest) for p in back.layers
    }
    assert {
        replace(g, turn=MIRROR[g.turn], size_before=g.size_after, size_after=g.size_before)
        for g in found.groups
    } == set(back.groups)
    assert (found.cache is None) == (back.cache is None)
    if found.cache is not None and back.cache is not None:
        assert found.cache.layer_index == back.cache.layer_index
        assert found.cache.instruction_before == back.cache.instruction_after
    assert [(r.after, r.before, r.differ) for r in found.rebuilds] == [
        (r.before, r.after, r.differ) for r in back.rebuilds
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("docker26-two-images.tar@base:1", "docker26-app.tar"),
        ("docker26-app.tar", "podman-oci.tar"),
        ("docker20-app.tar", "docker26-app.tar.gz"),
    ],
)
def test_library_and_command_line_say_the_same(
    between, capsysbinary: pytest.CaptureFixture[bytes], one: str, other: str
) -> None:
    from oci_inspect.render.comparison import comparison_document

    paths = [str(REAL / name.replace("@", ":")) for name in (one, other)]
    assert run(["compare", *paths, "--format", "json"]) == 0
    printed = json.loads(capsysbinary.readouterr().out)
    with (
        open_archive(REAL / one.partition("@")[0]) as a,
        open_archive(REAL / other.partition("@")[0]) as b,
    ):
        document = json.loads(
            json.dumps(comparison_document(between(one, other), (a.info, b.info)))
        )
    for side in ("before", "after"):
        for each in (printed, document):
            each[side]["archive"]["path"] = Path(each[side]["archive"]["path"]).name
    assert printed.keys() >= document.keys()
    assert {key: printed[key] for key in document} == document


# What travels


def gzip_6(data: bytes) -> int:
    packer = zlib.compressobj(6, wbits=31)
    return len(packer.compress(data)) + len(packer.flush())


def plain_layers(name: str) -> list[bytes]:
    """The layers of docker's archive, read with tarfile."""
    with tarfile.open(REAL / name) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        files = [tar.extractfile(path) for path in json.load(manifest)[0]["Layers"]]
        return [file.read() for file in files if file is not None]


def sizes_of(name: str) -> tuple[CompressedSize | None, ...]:
    with open_archive(REAL / name) as archive:
        return archive.compressed_sizes(archive.images[0])


def test_estimate_of_a_small_layer_is_what_gzip_makes_of_it() -> None:
    expected = [CompressedSize(gzip_6(one), True) for one in plain_layers("docker26-app.tar")]
    assert list(sizes_of("docker26-app.tar")) == expected


def test_estimate_is_near_what_skopeo_made_of_the_same_layers() -> None:
    """Go's gzip at its default level makes a little more of it than zlib does.

    On layers of a few hundred bytes, as most are here, a few of them are a large share: the largest
    by far, of 22 kB, is 4% beside, the sum of all 6%.
    """
    real = sizes_of("skopeo-oci-gzip.tar")
    estimated = sizes_of("docker26-app.tar")
    assert len(real) == len(estimated) == 11
    total = [0, 0]
    for one, other in zip(estimated, real, strict=True):
        assert one is not None and other is not None
        assert one.estimated and not other.estimated
        assert abs(one.size - other.size) <= max(24, 0.2 * other.size)
        total[0] += one.size
        total[1] += other.size
    assert abs(total[0] - total[1]) < 0.1 * total[1]


def test_archive_that_is_compressed_as_a_whole_is_estimated_too() -> None:
    """Small layers are kept in memory as they pass by; a large one is taken to shrink as all do."""
    whole, plain = sizes_of("docker26-app.tar.gz"), sizes_of("docker26-app.tar")
    layers = plain_layers("docker26-app.tar")
    small = [i for i, one in enumerate(layers) if len(one) <= 1 << 16]
    assert len(small) == 10
    assert [whole[i] for i in small] == [plain[i] for i in small]
    (large,) = {*range(11)} - {*small}
    with tarfile.open(REAL / "docker26-app.tar") as tar:
        of_all = sum(one.size for one in tar if one.isreg())
    share = (REAL / "docker26-app.tar.gz").stat().st_size / of_all
    assert whole[large] == CompressedSize(round(len(layers[large]) * share), True)


def test_large_layer_is_judged_by_pieces_of_it() -> None:
    """Of 64 times 64 KiB all is compressed; of more as much, spread evenly from front to end.

    Gzip looks back 32 KiB, so half of each piece is packed worse than in its place: by 10%.
    """
    text = b"".join(b"%08d some text that is here again\n" % i for i in range(240_000))
    exact = text[: PIECES * PIECE]
    assert sampled(BytesSource(exact), len(exact)) == gzip_6(exact)
    assert sampled(BytesSource(b""), 0) == gzip_6(b"")
    assert len(text) > 2 * PIECES * PIECE
    assert abs(sampled(BytesSource(text), len(text)) - gzip_6(text)) < 0.1 * gzip_6(text)
    # half of it zeros, which a look at the front alone would not see
    half = text + bytes(len(text))
    assert abs(sampled(BytesSource(half), len(half)) - gzip_6(half)) < 0.1 * gzip_6(half)


def test_push_of_plain_layers_is_estimated_and_said_to_be(between) -> None:
    found = between("docker26-two-images.tar@base:1", "docker26-app.tar")
    own = plain_layers("docker26-app.tar")[3:]
    assert found.push.layers == tuple(range(3, 11))
    assert found.push.size == sum(map(gzip_6, own))
    assert (found.push.estimated, found.push.unknown) == (8, 0)
    packed = between("docker26-containerd-base.tar", "docker26-containerd-app.tar")
    assert packed.push.layers == packed.pull.layers == tuple(range(3, 11))
    assert packed.push.estimated == 0
    assert packed.push.size == sum(layer.size or 0 for layer in packed.after.layers[3:])


# The work is not done twice, and what is claimed decides nothing


class Counting(ScanMemory):
    """Counts the scans that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    def put(self, scan, limits) -> None:  # type: ignore[no-untyped-def]
        self.given.append(scan.digest)
        super().put(scan, limits)


def test_layer_that_both_archives_have_is_scanned_once() -> None:
    memory = Counting()
    compare(REAL / "docker26-app.tar", REAL / "podman-docker.tar", cache=memory)
    assert len(memory.given) == len({*memory.given}) == 11


def test_claim_of_a_diff_id_makes_no_layer_the_same(tmp_path: Path) -> None:
    """The second archive claims the first one's diff_id for other bytes."""
    one = ImageBuilder("a:1").layer(TarBuilder().file("a", b"right"))
    other = ImageBuilder("a:1").layer(TarBuilder().file("a", b"wrong"))
    other.patch_config(
        lambda config: config["rootfs"].update(diff_ids=[layer.diff_id for layer in one.layers])
    )
    found = compare(
        docker_archive(one).write_file(tmp_path / "a.tar"),
        docker_archive(other).write_file(tmp_path / "b.tar"),
    )
    assert [(d.path, d.why) for d in found.files.differences] == [(b"a", ("content",))]
    assert not found.same and not found.same_layers
    assert not found.after.verified


@pytest.mark.parametrize("compressions", [("none", "gzip"), ("zstd", "none")])
def test_missing_layer_makes_a_comparison_incomplete(
    tmp_path: Path, compressions: tuple[str, str]
) -> None:
    image = ImageBuilder("a:1")
    for name, compression in zip("xy", compressions, strict=True):
        image.layer(TarBuilder().file(name, name.encode()), compression=compression)
    whole = oci_layout(image).write_file(tmp_path / "whole.tar")
    lost = oci_layout(image)
    lost.drop(f"blobs/sha256/{image.layers[1].digest.partition(':')[2]}")
    part = lost.write_file(tmp_path / "part.tar")
    found = compare(whole, part)
    assert not found.complete
    assert [(d.path, d.turn) for d in found.files.differences] == [(b"y", Turn.REMOVED)]
    same = compare(part, part)
    assert same.same and not same.complete
