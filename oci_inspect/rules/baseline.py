"""What images were before: read from JSON of ours, made of an analysis, matched to images of today.

A baseline comes from elsewhere, a cache or an artifact of CI: it is read with suspicion, typed and
bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.errors import ArchiveError, RulesError
from oci_inspect.limits import MIB
from oci_inspect.spec.document import Fields, Problem, parse_json
from oci_inspect.spec.reference import familiar, repository_and_tag

SCHEMA = "oci-inspect/baseline"
SCHEMAS = (SCHEMA, "oci-inspect/analysis")
MOST_BYTES = 64 * MIB
"""Bytes of a baseline in JSON."""
_HOW = "--write-baseline makes one"


@dataclass(frozen=True, slots=True)
class BaselineLayer:
    """One layer as it was; ``diff_id`` is None where it was not known. Sizes in bytes."""

    diff_id: str | None
    file_bytes: int


@dataclass(frozen=True, slots=True)
class BaselineImage:
    """One image as it was. ``platform`` is as in ``linux/arm64/v8``. Sizes in bytes."""

    references: tuple[str, ...]
    platform: str
    size: int
    uncompressed_size: int
    file_bytes: int
    wasted_bytes: int
    layers: tuple[BaselineLayer, ...]

    @property
    def name(self) -> str:
        """A name for people."""
        return self.references[0] if self.references else "the image of the baseline"


@dataclass(frozen=True, slots=True)
class Baseline:
    """All images of a baseline; ``path`` is where it was read from."""

    path: str
    images: tuple[BaselineImage, ...]


def is_json(head: bytes) -> bool:
    """Whether a file that begins so is JSON, and no archive."""
    return head.lstrip(b" \t\r\n").startswith(b"{")


def parse_baseline(path: str, data: bytes) -> Baseline:
    """Read what ``--write-baseline`` wrote, or ``analyze --format json``.

    Raises :class:`ArchiveError` for what is no such document or is damaged, :class:`RulesError` for
    one of another kind.
    """
    if len(data) > MOST_BYTES:
        raise ArchiveError(path, f"a baseline of more than {MOST_BYTES:,} bytes", _HOW)
    value, problems = parse_json(data)
    if problems:
        raise ArchiveError(path, f"no baseline: {problems[-1].message}", _HOW)
    if not isinstance(value, dict):
        raise RulesError((f"{path}: no baseline: {_HOW}",))
    kind, version = value.get("schema"), value.get("schema_version")
    if kind not in SCHEMAS:
        named = f"{kind[:60]!r}" if isinstance(kind, str) else "no document of ours"
        raise RulesError((f"{path}: it is {named} and no baseline: {_HOW}",))
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise RulesError((f"{path}: a baseline of another version: {_HOW}",))
    wrong: list[Problem] = []
    document = Fields(value, "", wrong)
    _need(document, "images")
    images = tuple(_image(Fields(one, where, wrong)) for where, one in document.objects("images"))
    if wrong:
        raise ArchiveError(path, f"no baseline: {wrong[0].message}", _HOW)
    return Baseline(path, images)


def _need(fields: Fields, *keys: str) -> None:
    for key in keys:
        if fields.get(key) is None:
            fields.wrong(key, "there")


def _image(fields: Fields) -> BaselineImage:
    _need(fields, "platform", "totals", "layers")
    if fields.get("complete") is not True:
        fields.wrong("complete", "true: the image could not be read to its end")
    platform = fields.object("platform") or {}
    problems: list[Problem] = []
    plain = Fields(platform, "", problems)
    parts = [plain.text("os"), plain.text("architecture"), plain.text("variant")]
    if problems:
        fields.wrong("platform", "a platform")
    found: list[Problem] = []
    totals = Fields(fields.object("totals") or {}, fields.where("totals"), found)
    sizes = {}
    for key in ("size", "uncompressed_size", "file_bytes", "wasted_bytes"):
        _need(totals, key)
        sizes[key] = totals.size(key) or 0
    layers = []
    for where, one in fields.objects("layers"):
        layer = Fields(one, where, found)
        _need(layer, "file_bytes")
        layers.append(BaselineLayer(layer.text("diff_id"), layer.size("file_bytes") or 0))
    for problem in found[:1]:
        name = problem.where.removeprefix(fields.where("")).lstrip(".")
        fields.wrong(name, problem.message.rpartition(" is not ")[2])
    return BaselineImage(
        references=fields.texts("references"),
        platform="/".join(part or "unknown" for part in parts[:2]) + _variant(parts[2]),
        layers=tuple(layers),
        **sizes,
    )


def _variant(variant: str | None) -> str:
    return f"/{variant}" if variant else ""


def baseline_of(path: str, images: Iterable[ImageAnalysis]) -> Baseline:
    """A baseline made of images just looked at. Raises :class:`ArchiveError` for unread ones."""
    made = []
    for image in images:
        if not image.complete:
            raise ArchiveError(path, f"{image.name} could not be read to its end: no baseline")
        made.append(
            BaselineImage(
                references=image.references,
                platform=str(image.platform),
                size=image.totals.size,
                uncompressed_size=image.totals.uncompressed_size,
                file_bytes=image.totals.file_bytes,
                wasted_bytes=image.totals.wasted_bytes,
                layers=tuple(BaselineLayer(one.diff_id, one.file_bytes) for one in image.layers),
            )
        )
    return Baseline(path, tuple(made))


def pair(images: Sequence[ImageAnalysis], baseline: Baseline) -> list[BaselineImage | str]:
    """For each image what it was, or one sentence on why nobody knows.

    By repository and platform, of several by the whole reference. Where there is but one image on
    either side these two are meant, whatever their names, unless their platforms differ; so are
    the only ones of a platform that have no names.
    """
    platforms = Counter(str(one.platform) for one in images)
    alone = len(images) == len(baseline.images) == 1
    return [_of(one, baseline, platforms[str(one.platform)], alone=alone) for one in images]


def _of(image: ImageAnalysis, baseline: Baseline, same: int, *, alone: bool) -> BaselineImage | str:
    """``same`` is how many images are for this platform, ``alone``: one image on either side."""
    platform = str(image.platform)
    fitting = [one for one in baseline.images if one.platform == platform]
    own, whole = _repositories(image.references), set(map(familiar, image.references))
    found = [one for one in fitting if own & _repositories(one.references)]
    if len(found) > 1:
        exact = [one for one in found if whole & set(map(familiar, one.references))]
        found = exact or found
    if not found and same == len(fitting) == 1:
        nameless = not (image.references or fitting[0].references)
        found = fitting if alone or nameless else []
    if len(found) == 1:
        return found[0]
    what = "several images" if found else "no image"
    return f"{baseline.path} has {what} of this name for {platform}"


def _repositories(references: Iterable[str]) -> set[Any]:
    return {repository_and_tag(familiar(one))[0] for one in references} - {None}
