"""Manifests and indexes (image-spec, manifest.md and image-index.md; Docker's schema 2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from oci_inspect.spec.descriptor import Descriptor, parse_descriptor
from oci_inspect.spec.document import Fields, JsonObject, Problem


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image's, or one artifact's, config and layers. ``raw`` is the whole document."""

    media_type: str
    artifact_type: str | None
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: dict[str, str]
    raw: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """A list of manifests and of other indexes. ``raw`` is the whole document."""

    media_type: str
    artifact_type: str | None
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: dict[str, str]
    raw: JsonObject = field(repr=False)


def looks_like_index(value: JsonObject) -> bool:
    """Whether a document without a word about its type is an index rather than a manifest."""
    fields = Fields(value, "", [])
    return fields.get("manifests") is not None and fields.get("config") is None


def parse_manifest(value: JsonObject, problems: list[Problem]) -> Manifest:
    """Read a manifest."""
    fields = Fields(value, "", problems)
    _check_version(fields, problems)
    if fields.get("manifests") is not None:
        problems.append(_ambiguous())
    config = fields.object("config")
    return Manifest(
        media_type=fields.text("mediaType") or "",
        artifact_type=fields.text("artifactType"),
        config=None if config is None else parse_descriptor(config, "config", problems),
        layers=tuple(
            parse_descriptor(one, where, problems) for where, one in fields.objects("layers")
        ),
        subject=_subject(fields, problems),
        annotations=fields.strings("annotations"),
        raw=value,
    )


def parse_index(value: JsonObject, problems: list[Problem]) -> Index:
    """Read an index. ``"manifests": null``, as docker 25.0.2 wrote it, is an empty one.

    One without ``manifests`` is none (image-index.md: it must be there, and may be empty).
    """
    fields = Fields(value, "", problems)
    _check_version(fields, problems)
    if fields.get("layers") is not None or fields.get("config") is not None:
        problems.append(_ambiguous())
    if not fields.has("manifests"):
        problems.append(Problem("json-invalid", "manifests", "an index without 'manifests'"))
    return Index(
        media_type=fields.text("mediaType") or "",
        artifact_type=fields.text("artifactType"),
        manifests=tuple(
            parse_descriptor(one, where, problems) for where, one in fields.objects("manifests")
        ),
        subject=_subject(fields, problems),
        annotations=fields.strings("annotations"),
        raw=value,
    )


def _subject(fields: Fields, problems: list[Problem]) -> Descriptor | None:
    value = fields.object("subject")
    return None if value is None else parse_descriptor(value, "subject", problems)


def _check_version(fields: Fields, problems: list[Problem]) -> None:
    version = fields.get("schemaVersion")
    if version != 2 or isinstance(version, bool):
        shown = "missing" if version is None else repr(version)[:40]
        problems.append(
            Problem("schema-version", "schemaVersion", f"schemaVersion is {shown}, it must be 2")
        )


def _ambiguous() -> Problem:
    return Problem(
        "manifest-ambiguous",
        "manifests",
        "one document carries both 'manifests' and 'layers' or 'config' (CVE-2021-41190)",
    )
