"""Where the build cache broke: the first layer that differs, and what is to blame.

A builder takes a layer from its cache where the instruction and all before it are the same, and for
COPY and ADD the files as well (Docker's documentation, "Build cache invalidation"). So the first
difference between two builds is the whole reason: all above it is built again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from oci_inspect.analysis.results import HistoryStep, ImageAnalysis
from oci_inspect.comparison.instructions import key_of
from oci_inspect.comparison.layers import common_layers, identity, layer_sum
from oci_inspect.comparison.results import BreakReason, CacheBreak, Rebuild

_WHOLE_ROOT = re.compile(r"ADD .* /\s*")


class _Blame(NamedTuple):
    reason: BreakReason
    before: HistoryStep | None
    after: HistoryStep | None
    explanation: str


def find_break(
    before: ImageAnalysis,
    after: ImageAnalysis,
    rebuilds: Sequence[Rebuild] = (),
    base_layers: int | None = None,
) -> CacheBreak | None:
    """The first layer that differs; None where all layers are the same.

    ``rebuilds`` are layers that were held against each other; ``base_layers`` is how many of the
    lowest layers belong to the base of either image, where that is known.
    """
    shared = common_layers(before.layers, after.layers)
    if shared == len(before.layers) == len(after.layers):
        return None
    blame = _blame(before, after, shared, base_layers)
    explanation = blame.explanation
    for one in rebuilds:
        here = one.before == one.after == shared and one.same_files
        if here and blame.reason is BreakReason.CONTENT:
            explanation = f"the same instruction made the same files, but for: {_words(one)}"
    rebuilt = after.layers[shared:]
    known = {identity(one) for one in before.layers}
    return CacheBreak(
        shared,
        blame.reason,
        None if blame.before is None else blame.before.index,
        None if blame.after is None else blame.after.index,
        None if blame.before is None else _line(blame.before),
        None if blame.after is None else _line(blame.after),
        explanation,
        layer_sum(rebuilt),
        layer_sum(one for one in rebuilt if identity(one) in known),
    )


def _blame(
    before: ImageAnalysis, after: ImageAnalysis, shared: int, base_layers: int | None
) -> _Blame:
    old, new = _own_step(before, shared), _own_step(after, shared)
    if shared == len(before.layers):
        why = "the first image ends here: this layer and all above it came on top of it"
        return _Blame(BreakReason.ADDED, None, new, why)
    if shared == len(after.layers):
        why = "the second image ends here: the first goes on"
        return _Blame(BreakReason.REMOVED, old, None, why)
    if base_layers is not None and shared < base_layers:
        why = "it belongs to the base: FROM gave another image"
        return _Blame(BreakReason.BASE, old, new, why)
    if old is None or new is None:
        why = "the history does not tell which instruction made it"
        return _Blame(BreakReason.UNKNOWN, old, new, why)
    if shared == 0 and old.raw and new.raw:
        why = "no layer is shared: the images stand on different bases"
        return _Blame(BreakReason.BASE, old, new, why)
    if shared == 0 and all(_WHOLE_ROOT.fullmatch(one.instruction) for one in (old, new)):
        why = "no layer is shared: the images stand on different root file systems"
        return _Blame(BreakReason.BASE, old, new, why)
    return _by_instruction(before.history, after.history, old, new, key_of(before, after))


def _by_instruction(
    before: Sequence[HistoryStep],
    after: Sequence[HistoryStep],
    old: HistoryStep,
    new: HistoryStep,
    key: Callable[[HistoryStep], str],
) -> _Blame:
    """The first instruction that differs, up to the one that made the layer."""

    def same_line(one: HistoryStep, other: HistoryStep) -> bool:
        return key(one) == key(other) and one.build_args == other.build_args

    earlier = _since_last_layer(before, old), _since_last_layer(after, new)
    pairs = list(zip(*earlier, strict=False))
    same = sum(1 for _ in takewhile(lambda pair: same_line(*pair), pairs))
    if same == len(earlier[0]) == len(earlier[1]):
        return _Blame(BreakReason.CONTENT, old, new, _content(new))
    old = earlier[0][same] if same < len(earlier[0]) else old
    new = earlier[1][same] if same < len(earlier[1]) else new
    if key(old) == key(new):
        names = _changed_arguments(old, new)
        why = f"the build argument {names} is another" if names else "its build arguments differ"
        return _Blame(BreakReason.ARGUMENT, old, new, why)
    goes_on = key(old) in {key(one) for one in after[new.index + 1 :]}
    went_on = key(new) in {key(one) for one in before[old.index + 1 :]}
    if goes_on and went_on:
        why = "the instructions stand in another order"
        return _Blame(BreakReason.INSTRUCTION_MOVED, old, new, why)
    if goes_on:
        why = "this instruction is new here; what stood in its place comes later"
        return _Blame(BreakReason.INSTRUCTION_ADDED, None, new, why)
    if went_on:
        why = "an instruction that stood here is gone"
        return _Blame(BreakReason.INSTRUCTION_REMOVED, old, None, why)
    return _Blame(BreakReason.INSTRUCTION_CHANGED, old, new, "the instruction changed")


def _words(rebuild: Rebuild) -> str:
    return ", ".join(rebuild.differ)


def _content(step: HistoryStep) -> str:
    if step.keyword in ("COPY", "ADD"):
        return "the same instruction, other content: what it copies is not the same"
    if step.keyword == "RUN":
        return "the same instruction on the same layers, other content: it ran again"
    return "the same instruction, other content"


def _changed_arguments(old: HistoryStep, new: HistoryStep) -> str:
    was, now = (dict(_argument(one) for one in step.build_args) for step in (old, new))
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return ", ".join(names[:3])


def _argument(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _since_last_layer(steps: Sequence[HistoryStep], own: HistoryStep) -> list[HistoryStep]:
    """The steps behind the one that made the layer below, up to this layer's own."""
    first = own.index
    while first > 0 and steps[first - 1].layer_index is None:
        first -= 1
    return list(steps[first : own.index + 1])


def _own_step(image: ImageAnalysis, layer: int) -> HistoryStep | None:
    if layer >= len(image.layers):
        return None
    index = image.layers[layer].history_index
    return image.history[index] if index is not None and index < len(image.history) else None


def _line(step: HistoryStep) -> str:
    return step.instruction or step.created_by or step.comment
