"""Choosing images of an archive: by reference, digest, ID, position or platform."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from oci_inspect.archive.contents import Image
from oci_inspect.errors import SelectionError
from oci_inspect.spec.platform import Platform
from oci_inspect.spec.reference import familiar

_HEX = re.compile(r"[0-9a-f]{6,64}")


def select(
    images: Sequence[Image], wanted: str | None = None, platform: Platform | None = None
) -> list[Image]:
    """The images that ``wanted`` and ``platform`` ask for. Raises :class:`SelectionError`.

    ``wanted`` is a tag, a full reference, a ref name, a manifest digest, an image ID (or a unique
    prefix of six or more hex digits) or a position (``@0``).
    """
    found = list(images)
    if wanted is not None:
        found = _by_name(images, wanted)
        if not found:
            raise SelectionError(f"no image {wanted!r} in the archive", choices(images))
    if platform is not None:
        fitting = [image for image in found if image.platform.matches(platform)]
        if not fitting:
            here = ", ".join(dict.fromkeys(str(image.platform) for image in found))
            raise SelectionError(f"no image for {platform}: here are {here}", choices(found))
        found = fitting
    return found


def matching(
    images: Sequence[Image], wanted: str | None = None, platform: Platform | None = None
) -> list[Image]:
    """The same, where it may be that there is none; only what is ambiguous is raised."""
    found = list(images) if wanted is None else _by_name(images, wanted)
    return [image for image in found if platform is None or image.platform.matches(platform)]


def select_one(
    images: Sequence[Image], wanted: str | None = None, platform: Platform | None = None
) -> Image:
    """The one image that is asked for. Raises :class:`SelectionError` where there are several."""
    found = select(images, wanted, platform)
    if len(found) == 1:
        return found[0]
    platforms = {str(image.platform) for image in found}
    flag = "--image"
    if len(platforms) == len(found) and len({image.references for image in found}) == 1:
        flag = "--image or --platform"
    if not found:
        raise SelectionError("no image in this archive: 'images' lists what is in it")
    raise SelectionError(f"{len(found)} images: choose one with {flag}", choices(found))


def choices(images: Sequence[Image]) -> tuple[str, ...]:
    """A line for each image: what to give to ``--image``, and what tells it from the others."""
    lines = []
    for position, image in enumerate(images):
        name = image.references[0] if image.references else "(no name)"
        lines.append(f"@{position}  {name}  {image.platform}  {_short(image.image_id)}")
    return tuple(lines)


def _short(digest: str | None) -> str:
    return digest.partition(":")[2][:12] if digest else ""


def _by_name(images: Sequence[Image], wanted: str) -> list[Image]:
    if wanted.startswith("@") and wanted[1:].isascii() and wanted[1:].isdigit():
        position = int(wanted[1:]) if len(wanted) < 10 else len(images)
        return [images[position]] if position < len(images) else []
    short = familiar(wanted)
    tests: tuple[Callable[[Image], bool], ...] = (
        lambda image: short in image.references,
        lambda image: f"{short}:latest" in image.references,
        lambda image: wanted in (image.image_id, image.manifest_digest),
        lambda image: any(name.rpartition(":")[2] == wanted for name in image.references),
        lambda image: any(
            name.endswith("/" + short) or name.rpartition(":")[0] == short
            for name in image.references
        ),
    )
    for test in tests:
        found = [image for image in images if test(image)]
        if found:
            return found
    bare = wanted.removeprefix("sha256:")
    if _HEX.fullmatch(bare):
        fitting = [
            image
            for image in images
            if any(
                digest and digest.partition(":")[2].startswith(bare)
                for digest in (image.image_id, image.manifest_digest)
            )
        ]
        if len({image.image_id for image in fitting}) > 1:
            problem = f"{wanted!r} is the beginning of {len(fitting)} IDs: give more of it"
            raise SelectionError(problem, choices(fitting))
        return fitting
    return []
