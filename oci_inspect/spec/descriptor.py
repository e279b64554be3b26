"""Descriptors: what points at a blob (image-spec, descriptor.md)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from oci_inspect.spec.digest import Digest, DigestError, compute_digest, parse_digest
from oci_inspect.spec.document import MOST_ITEMS, Fields, JsonObject, Problem
from oci_inspect.spec.platform import Platform, platform_of


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A typed pointer to a blob.

    ``digest`` is None where the text is none (never a path then); ``claimed_digest`` is the text as
    it stood. ``size`` is in bytes, None where missing or no number.
    """

    media_type: str
    digest: Digest | None
    size: int | None
    claimed_digest: str = ""
    artifact_type: str | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    urls: tuple[str, ...] = ()
    data: bytes | None = None


def parse_descriptor(value: JsonObject, where: str, problems: list[Problem]) -> Descriptor:
    """Read a descriptor; ``where`` names it in messages (``layers[2]``)."""
    fields = Fields(value, where, problems)
    claimed = fields.text("digest") or ""
    digest: Digest | None = None
    try:
        digest = parse_digest(claimed)
    except DigestError as error:
        problems.append(Problem("digest-invalid", f"{where}.digest", f"{where}.digest: {error}"))
    else:
        if not digest.supported:
            problems.append(
                Problem(
                    "digest-unsupported",
                    f"{where}.digest",
                    f"{where}.digest: {digest.algorithm} cannot be computed here",
                )
            )
    for key, rule in (("mediaType", "media-type-mismatch"), ("size", "blob-size-mismatch")):
        if fields.get(key) is None:  # both are REQUIRED
            problems.append(Problem(rule, f"{where}.{key}", f"{where} has no {key}"))
    platform = fields.object("platform")
    return Descriptor(
        media_type=fields.text("mediaType") or "",
        digest=digest,
        size=fields.size("size"),
        claimed_digest=claimed,
        artifact_type=fields.text("artifactType"),
        annotations=fields.strings("annotations"),
        platform=None
        if platform is None
        else platform_of(Fields(platform, f"{where}.platform", problems)),
        urls=fields.texts("urls", MOST_ITEMS),
        data=_embedded(fields, where, digest, problems),
    )


def _embedded(
    fields: Fields, where: str, digest: Digest | None, problems: list[Problem]
) -> bytes | None:
    """The descriptor's ``data``, held against its digest and size."""
    text = fields.text("data")
    if not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        problems.append(Problem("data-mismatch", where, f"{where}.data is not base64"))
        return None
    if digest is None or not digest.supported:
        return None
    if compute_digest(data, digest.algorithm) != str(digest):
        problems.append(
            Problem("data-mismatch", where, f"{where}.data does not hash to the digest beside it")
        )
        return None
    return data
