"""Every rule of verification fires where it must, and keeps still where the case is only near.

The cases are in ``test_findings_*.py``, by topic. Here are the list of rules, written down by hand,
the machinery that the topics share, and the check that every rule has cases of both kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest
from support.images import Archive, BuiltLayer, ImageBuilder
from support.tars import TarBuilder

from oci_inspect import Analysis, Finding, Limits, analyze
from oci_inspect.findings import RULES
from oci_inspect.limits import DEFAULT_LIMITS

ERRORS = """
    blob-digest-mismatch blob-size-mismatch blob-missing diff-id-mismatch layer-order
    layer-count-mismatch image-id-mismatch manifests-disagree layer-corrupt tar-truncated
    tar-header-checksum tar-header-invalid json-invalid data-mismatch index-cycle digest-invalid
    schema-version layout-version manifest-ambiguous whiteout-invalid limit-exceeded
"""
WARNINGS = """
    tar-no-end-mark json-key-ambiguous digest-unsupported media-type-mismatch reference-duplicate
    reference-invalid history-mismatch platform-missing platform-mismatch created-invalid
    config-invalid path-unsafe path-through-symlink tar-ambiguous whiteout-not-empty
    directory-replaces-symlink hardlink-dangling archive-duplicate-member archive-trailing-data
    archive-legacy
"""
INFOS = """
    media-type-unknown hardlink-across-layers attestation-target-missing subject-dangling
    created-zero path-duplicate path-collision path-encoding whiteout-dangling aufs-metadata setuid
    world-writable device-node blob-unreferenced
"""

TOPICS = ("blobs", "census", "containers", "digests", "documents", "indexes", "merging", "tars")


@dataclass(frozen=True)
class Built:
    """An archive and what must be said of it.

    ``on`` is the position of the image that the finding is about, None where it is about the
    archive. ``also`` are the other rules that fire, on anything: no rule beside them may.
    """

    archive: Archive | bytes
    subjects: tuple[str, ...] = ()
    on: int | None = 0
    also: frozenset[str] = frozenset()
    severity: str | None = None
    limits: Limits = DEFAULT_LIMITS


def fires(
    archive: Archive | bytes,
    *subjects: str,
    on: int | None = 0,
    also: str = "",
    severity: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Built:
    """The rule fires once for each of ``subjects``."""
    assert subjects
    return Built(archive, subjects, on, frozenset(also.split()), severity, limits)


def quiet(archive: Archive | bytes, *, also: str = "", limits: Limits = DEFAULT_LIMITS) -> Built:
    """The rule does not fire."""
    return Built(archive, also=frozenset(also.split()), limits=limits)


Make = Callable[[], Built]


class Cases:
    """The cases of one topic: functions that build an archive, each under a rule."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Make]] = []

    def __call__(self, rule: str) -> Callable[[Make], Make]:
        """File a function under a rule."""

        def keep(make: Make) -> Make:
            self.made.append((rule, make))
            return make

        return keep

    def parameters(self) -> list[object]:
        """One parameter of a test for each case."""
        return [pytest.param(rule, make, id=f"{rule}-{make.__name__}") for rule, make in self.made]


def everything(analysis: Analysis) -> list[Finding]:
    """The findings about the archive and about all images."""
    return [*analysis.findings, *(one for image in analysis.images for one in image.findings)]


def check(rule: str, make: Make, folder: Path) -> None:
    """Write the archive of a case, analyse it and hold the findings against the case."""
    built = make()
    path = folder / "image.tar"
    path.write_bytes(built.archive if isinstance(built.archive, bytes) else built.archive.tar())
    analysis = analyze(path, limits=built.limits)
    about = analysis.findings if built.on is None else analysis.images[built.on].findings
    severity = built.severity or RULES[rule]
    told = [one for one in about if one.rule == rule]
    assert [one.subject for one in told] == list(built.subjects)
    assert {one.severity for one in told} <= {severity}
    assert all(one.message.strip() for one in told)
    for one in everything(analysis):  # only a blob may be missed without being an error
        assert one.severity == RULES[one.rule] or one.rule == "blob-missing"
    everywhere = [one.rule for one in everything(analysis)]
    assert everywhere.count(rule) == len(built.subjects)
    assert set(everywhere) - {rule} == built.also
    if built.subjects and severity == "error":
        assert not analysis.ok
        assert built.on is None or not analysis.images[built.on].verified


def app(*references: str, content: bytes = b"content", compression: str = "none") -> ImageBuilder:
    """A sound image of one layer with one file."""
    tar = TarBuilder().file("a", content)
    return ImageBuilder(*(references or ("a:1",))).layer(tar, compression=compression)


def stack(*layers: TarBuilder | bytes) -> ImageBuilder:
    """An image of these layers."""
    image = ImageBuilder("a:1")
    for layer in layers:
        image.layer(layer)
    return image


def with_blob(image: ImageBuilder, blob: bytes, media_type: str | None = None) -> ImageBuilder:
    """The image with another blob for its top layer, whose diff_id stays."""
    top: BuiltLayer = image.layers[-1]
    image.layers[-1] = replace(top, blob=blob, media_type=media_type or top.media_type)
    return image


def test_rules_and_severities_are_those_that_were_promised() -> None:
    promised = {
        **dict.fromkeys(ERRORS.split(), "error"),
        **dict.fromkeys(WARNINGS.split(), "warning"),
        **dict.fromkeys(INFOS.split(), "info"),
    }
    assert {rule: severity.value for rule, severity in RULES.items()} == promised


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    firing: set[str] = set()
    silent: set[str] = set()
    for topic in TOPICS:
        for rule, make in import_module(f"test_findings_{topic}").cases.made:
            (firing if make().subjects else silent).add(rule)
    assert firing == silent == RULES.keys()


def test_every_topic_is_looked_at() -> None:
    there = {path.stem for path in Path(__file__).parent.glob("test_findings_*.py")}
    assert there == {f"test_findings_{topic}" for topic in TOPICS} | {"test_findings_verdict"}
