"""Which instructions of two histories are the same line of a Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Callable

from oci_inspect.analysis.results import HistoryStep, ImageAnalysis

_CHECKSUM = re.compile(r"<(file|dir|multi):[0-9a-f]+>")
_SOURCE_AND_TARGET = re.compile(r"(ADD|COPY) (?:.*\s)?(\S+)\s*", re.DOTALL)
_OF_A_LIST = '"[]'

Key = Callable[[HistoryStep], str]


def text_of(step: HistoryStep) -> str:
    """A step's line, or whatever else its history says of it."""
    return step.instruction or step.created_by or step.comment


def key_of(before: ImageAnalysis, after: ImageAnalysis) -> Key:
    """What the steps of two images are compared by: the instruction without checksums.

    Docker's classic builder wrote down a checksum in the place of what COPY and ADD take. Where it
    built one of the images alone, those are compared by where they put it.
    """
    sums = [_has_checksums(image) for image in (before, after)]
    mixed = sums[0] != sums[1]

    def key(step: HistoryStep) -> str:
        text = text_of(step)
        found = _SOURCE_AND_TARGET.fullmatch(text) if mixed else None
        # a target with spaces stands in a list, or its last word does by itself
        return f"{found[1]} {found[2].strip(_OF_A_LIST)}" if found else _CHECKSUM.sub(r"<\1>", text)

    return key


def _has_checksums(image: ImageAnalysis) -> bool:
    return any(_CHECKSUM.search(step.instruction) for step in image.history)


def same_source(one: HistoryStep, other: HistoryStep) -> bool:
    """Whether no checksum tells that two steps of one key took other files."""
    sums = [_CHECKSUM.findall(text_of(step)) and text_of(step) for step in (one, other)]
    return not all(sums) or sums[0] == sums[1]


def layer_instructions(
    before: ImageAnalysis, after: ImageAnalysis
) -> tuple[list[str | None], list[str | None]]:
    """What made each layer of both images, to be compared; None where nothing is known."""
    key = key_of(before, after)
    return _of_layers(before, key), _of_layers(after, key)


def _of_layers(image: ImageAnalysis, key: Callable[[HistoryStep], str]) -> list[str | None]:
    found: list[str | None] = [None] * len(image.layers)
    for step in image.history:
        if step.layer_index is not None and step.layer_index < len(found):
            found[step.layer_index] = key(step) or None
    return found
