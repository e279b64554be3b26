"""Which settings count for an image: of each rule the last one that is for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.model import Setting
from oci_inspect.rules.wildcards import fits_any
from oci_inspect.spec.reference import familiar

DEFAULT = Setting("require-verified", True)
"""What is asked of every image unless it is switched off."""


def names_of(image: ImageAnalysis) -> tuple[str, ...]:
    """What a pattern of images is held against: references, in docker's short form too, digests."""
    names = (*image.references, *map(familiar, image.references))
    return (*dict.fromkeys(names), *filter(None, (image.manifest_digest, image.image_id)))


def is_for(pattern: str | None, image: ImageAnalysis) -> bool:
    """Whether a pattern of images is for this one; None is for all."""
    return pattern is None or fits_any(pattern, names_of(image) or ("",))


def effective(image: ImageAnalysis, settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """The settings that count for an image, in the order of the catalogue."""
    found = {DEFAULT.rule: DEFAULT}
    names = names_of(image) or ("",)
    known: dict[str | None, bool] = {None: True}
    for one in settings:
        if one.images not in known:
            known[one.images] = fits_any(one.images or "", names)
        if known[one.images]:
            found[one.rule] = one
    return tuple(found[name] for name in CATALOGUE if name in found)


def unmatched(patterns: Iterable[str], images: Sequence[ImageAnalysis]) -> list[str]:
    """The patterns that are for none of the images."""
    return [one for one in patterns if not any(is_for(one, image) for image in images)]
