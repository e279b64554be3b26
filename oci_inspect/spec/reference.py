"""Image references (distribution's reference grammar; image-spec, annotations.md, ref.name)."""

from __future__ import annotations

import re

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*)(?::{_TAG})?(?:@[a-z0-9+._-]+:[a-zA-Z0-9=_-]+)?"
)
_REF_NAME_PART = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = re.compile(rf"{_REF_NAME_PART}(?:/{_REF_NAME_PART})*")


def is_reference(text: str) -> bool:
    """Whether this is ``[host/]name[:tag][@digest]``, its name of at most 255 characters."""
    match = _REFERENCE.fullmatch(text) if len(text) <= 1024 else None
    return match is not None and len(match["name"]) <= 255


def is_ref_name(text: str) -> bool:
    """Whether this may stand in ``org.opencontainers.image.ref.name``; a bare tag may."""
    return len(text) <= 512 and (
        _REF_NAME.fullmatch(text) is not None
        or is_reference(text)
        or re.fullmatch(_TAG, text) is not None
    )


def familiar(reference: str) -> str:
    """The reference as docker prints it: without ``docker.io/`` and ``library/``."""
    short = reference.removeprefix("docker.io/")
    if short != reference:
        short = short.removeprefix("library/")
    return short


def repository_and_tag(reference: str) -> tuple[str | None, str | None]:
    """Repository and tag (or digest, where there is no tag), None for what is not told.

    A bare word is a tag, as an OCI layout may have it; a repository alone has a slash.
    """
    name, at, digest = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    if at:
        return repository, tag or digest
    if not tag and "/" not in repository:
        return None, repository
    return repository or None, tag or None
