"""A small archive's results, made by hand: two images, one of them with everything wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_inspect import analyze
from oci_inspect.analysis.results import (
    Analysis,
    ArchiveInfo,
    Base,
    Confidence,
    HistoryStep,
    ImageAnalysis,
    LayerResult,
    OwnShare,
    Status,
    Totals,
    WasteGroup,
)
from oci_inspect.analysis.squash import Squash, WhatIf
from oci_inspect.archive.contents import Image, LayerRef, Other
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.tree import Folder, UnionTree
from oci_inspect.findings import finding
from oci_inspect.spec.config import ImageConfig
from oci_inspect.spec.platform import Platform

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
LINUX = Platform("linux", "amd64")
LONG_RUN = "RUN " + " && ".join(f"apt-get install -y package-number-{i}" for i in range(12))
HEREDOC = 'RUN <<EOF\n\techo "first"\n\techo "second"\nEOF'


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def step(index: int, created_by: str, layer: int | None, size: int = 0, **more) -> HistoryStep:
    return HistoryStep(
        index=index,
        created="2026-11-21T03:06:17.123456789Z",
        created_by=more.pop("raw_text", created_by),
        instruction=created_by,
        comment=more.pop("comment", "buildkit.dockerfile.v0"),
        author=None,
        empty_layer=layer is None,
        layer_index=layer,
        size=size,
        keyword=created_by.split(" ")[0],
        **more,
    )


def layer(index: int, letter: str, step_index: int | None, **more) -> LayerResult:
    values = {
        "index": index,
        "digest": digest(letter),
        "diff_id": digest(letter),
        "chain_id": digest(letter),
        "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
        "compression": "gzip",
        "status": Status.VERIFIED,
        "size": 1_234_567,
        "uncompressed_size": 70_000_000,
        "entries": 7,
        "files": 5,
        "file_bytes": 66_700_000,
        "wasted_bytes": 0,
        "history_index": step_index,
        "created_by": None,
    }
    return LayerResult(**{**values, **more})


def documents(references: tuple[str, ...], config: dict | None) -> Image:
    return Image(
        references=references,
        image_id=digest("1"),
        manifest_digest=digest("2"),
        manifest=None,
        manifest_data=b"{}",
        config=None
        if config is None
        else ImageConfig("2026-11-21T03:06:17Z", "someone", LINUX, (), (), config),
        config_data=b"{}",
        platform=LINUX,
        layers=(
            LayerRef(None, "blobs/sha256/aa", None, digest("a"), 1234, "application/x-tar", ()),
        ),
        findings=(),
    )


def good_image(references: tuple[str, ...] = ("example/app:1.2.3", "example/app:latest")):
    config = {
        "config": {
            "Env": ["PATH=/bin", "A=b"],
            "Entrypoint": ["/bin/step"],
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {"org.opencontainers.image.title": "app"},
            "User": "33",
        }
    }
    return ImageAnalysis(
        references=references,
        image_id=digest("1"),
        manifest_digest=digest("2"),
        platform=LINUX,
        created="2026-11-21T03:06:17Z",
        verified=True,
        complete=True,
        findings=(finding("setuid", "site/with space", "1 setuid file: site/with space"),),
        layers=(
            layer(0, "a", 0, wasted_bytes=66_000_000),
            layer(1, "b", 2, file_bytes=0),
            layer(2, "c", 3, file_bytes=40_000),
            layer(3, "d", 4, file_bytes=999_999),
        ),
        history=(
            step(0, LONG_RUN, 0, 66_700_000, note="its quoting is lost", build_args=("A=b c",)),
            step(1, 'CMD ["sh"]', None),
            step(2, "WORKDIR /データ/日本語のとても長いディレクトリ名", 1),
            step(3, HEREDOC, 2, 40_000),
            step(4, "COPY site/ /site/", 3, 999_999, comment="FROM docker.io/library/alpine"),
        ),
        waste=(Dead((b"data/big",), 0, 2, 66_000_000, Reason.DELETED),),
        worst=(
            WasteGroup(
                b"usr/share/doc/",
                1204,
                60_000_000,
                0,
                2,
                "deleted",
                "deleted by step 4: put the rm into the RUN of step 1",
            ),
            WasteGroup(
                b"very/long/path/" * 12 + b"the-end.bin",
                1,
                6_000_000,
                0,
                3,
                "rewritten",
                "step 5 changed only its metadata and so copied it whole: use COPY --chmod or"
                " --chown in step 1",
            ),
            *(
                WasteGroup(b"small/%d" % i, 1, 10, 0, 3, "deleted", "deleted by step 5")
                for i in range(12)
            ),
        ),
        totals=Totals(4_900_000, 280_000_000, 67_739_999, 66_000_000, 0.0257, 1204, 15),
        image=documents(references, config),
        tree=UnionTree(Folder(), [], []),
        base=Base(
            1,
            "registry.example.org:5000/a/rather/long/path/to/the/base:2026-11-21",
            digest("6"),
            Confidence.LIKELY,
            ("step 2 is a CMD, and layers follow", "step 3 was made 3 days after the one before"),
        ),
        own=OwnShare(1_039_999, 0, 66_000_000),
    )


def bad_image(text: str = "evil") -> ImageAnalysis:
    """An image about which everything that an archive can say is ``text``."""
    path = text.encode("utf-8", "surrogatepass") + b"/\xff\x1b"
    return ImageAnalysis(
        references=(text,),
        image_id=digest("3"),
        manifest_digest=None,
        platform=Platform(text, text),
        created=text,
        verified=False,
        complete=False,
        findings=(
            finding("blob-digest-mismatch", digest("a"), f"layer 0: hashes to {digest('f')}"),
            finding("path-unsafe", text, f"{text} leads out of the root, which is a long story"),
        ),
        layers=(
            layer(0, "a", 0, status=Status.MISMATCH, media_type=text, compression=text),
            layer(
                1,
                "b",
                None,
                status=Status.SKIPPED,
                diff_id=None,
                chain_id=None,
                size=None,
                uncompressed_size=None,
                file_bytes=0,
                created_by=text,
            ),
        ),
        history=(
            step(
                0,
                f"RUN {text}",
                0,
                66_700_000,
                raw_text=text,
                note=text,
                build_args=(text,),
                comment=text,
            ),
            step(1, text, None, raw=True, comment=text),
        ),
        waste=(Dead((path,), 0, 1, 6, Reason.OPAQUE),),
        worst=(WasteGroup(path, 1, 6, 0, 1, "opaque", text),),
        totals=Totals(1_234_567, 70_000_000, 66_700_000, 6, 0.9999999, 3),
        image=documents((text,), {"config": {"Env": [text], "Labels": {text: text}, "User": text}}),
        tree=UnionTree(Folder(), [], []),
        base=Base(None, text, None, Confidence.POSSIBLE, (f"the label names {text}",)),
    )


def archive(*images: ImageAnalysis, path: str = "image.tar") -> Analysis:
    return Analysis(
        archive=ArchiveInfo(path, "oci-archive", "gzip", 180_000),
        images=images,
        other=(
            Other(digest("9"), "application/vnd.in-toto+json", None, "attestation", 567, LINUX),
            Other(digest("8"), "application/x", "application/y", "signature", None),
        ),
        findings=(finding("archive-legacy", path, "written by an old docker, without a config"),),
    )


WHAT_IF = WhatIf(
    (
        Squash(0, 2, 1204, 66_000_000, 999_999, (), 1, 66_700_000),
        Squash(3, 3, 0, 0, None, (3,), 0, 0),
    ),
    4,
    2,
    66_000_000,
    None,
    0,
)


@pytest.fixture(name="good")
def _good() -> ImageAnalysis:
    return good_image()


@pytest.fixture(name="analysis")
def _analysis() -> Analysis:
    return archive(good_image(), bad_image())


@pytest.fixture(scope="session", name="make_analysis")
def _make_analysis():
    return lambda: archive(good_image(), bad_image())


@pytest.fixture(scope="session", name="make_views")
def _make_views():
    """Every view of an analysis, by name; ``dockerfile`` is left out where lines are measured."""
    from datetime import UTC, datetime

    from oci_inspect.render import views

    now = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

    def make(analysis: Analysis) -> dict:
        made = {
            "analyze": views.analyze_view(analysis),
            "analyze verbose": views.analyze_view(analysis, verbose=True),
            "analyze quiet": views.analyze_view(analysis, quiet=True),
            "images": views.images_view(analysis, now),
            "images no-trunc": views.images_view(analysis, no_trunc=True),
            "verify": views.verify_view(analysis),
            "verify verbose": views.verify_view(analysis, verbose=True),
        }
        for i, image in enumerate(analysis.images):
            made |= {
                f"history {i}": views.history_view(image, now=now),
                f"history no-trunc {i}": views.history_view(image, no_trunc=True, now=now),
                f"history bytes {i}": views.history_view(image, human=False, now=now),
                f"layers {i}": views.layers_view(image),
                f"layers no-trunc {i}": views.layers_view(image, no_trunc=True),
                f"waste {i}": views.waste_view(image),
                f"waste all {i}": views.waste_view(image, top=None),
                f"waste what if {i}": views.waste_view(image, what_if=WHAT_IF),
                f"inspect {i}": views.inspect_view(image.image, analysis.archive),
                f"dockerfile {i}": views.dockerfile_view(image),
            }
        return made

    return make


@pytest.fixture(scope="session", name="real")
def _real() -> dict[str, Analysis]:
    """What the archives of real engines hold, by file name."""
    return {
        path.name: analyze(path)
        for path in sorted(REAL.glob("*.tar*"))
        if not path.name.endswith(".rootfs.tar")
    }
