"""Where the build cache broke: the first layer that differs, and what is to blame.

A builder takes a layer from its cache where the instruction and all before it are the same, and for
COPY and ADD the files as well (Docker's documentation, "Build cache invalidation"). So the first
difference between two builds is the whole reason: all above it is built again.

What came before is the whole history, the layers that came out the same included: a line may have
changed and made the same layer. The classic builder looks at every step. BuildKit looks only at
what a step depends on (frontend/dockerfile/dockerfile2llb): the layers below, a RUN at what it runs
with, wherever that was set, a COPY at what its own line is made of; LABEL and CMD concern nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from oci_inspect.analysis.results import HistoryStep, ImageAnalysis, Status
from oci_inspect.comparison.instructions import Key, key_of, same_source, text_of
from oci_inspect.comparison.layers import common_layers, identity, layer_sum
from oci_inspect.comparison.results import BreakReason, CacheBreak, Rebuild

_WHOLE_ROOT = re.compile(r"ADD .* /\s*")
_RUN_WITH = frozenset(("ARG", "ENV", "SHELL", "USER", "WORKDIR"))
"""What a RUN gets from lines before it."""
_LINE_OF = frozenset(("ARG", "ENV", "WORKDIR"))
"""What the text of a COPY, ADD or WORKDIR may be made of."""

_OF_THE_SAME_FILES = {
    BreakReason.CONTENT: "the same instruction made the same files",
    BreakReason.BASE: "the bases are not the same layers, though these hold the same files",
}


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
    explanation, reason = blame.explanation, blame.reason
    for one in rebuilds:
        here = one.before == one.after == shared and one.same_files
        if here and blame.reason in _OF_THE_SAME_FILES:
            explanation = f"{_OF_THE_SAME_FILES[blame.reason]}, but for: {_words(one)}"
            if reason is BreakReason.CONTENT:
                reason = BreakReason.METADATA
    rebuilt = after.layers[shared:]
    known = {identity(one) for one in before.layers}
    return CacheBreak(
        shared,
        reason,
        None if blame.before is None else blame.before.index,
        None if blame.after is None else blame.after.index,
        None if blame.before is None else text_of(blame.before),
        None if blame.after is None else text_of(blame.after),
        explanation,
        layer_sum(rebuilt),
        layer_sum(one for one in rebuilt if identity(one) in known),
    )


def _blame(
    before: ImageAnalysis, after: ImageAnalysis, shared: int, base_layers: int | None
) -> _Blame:
    old, new = _own_step(before, shared), _own_step(after, shared)
    for image, which in ((before, "first"), (after, "second")):
        if _doubtful(image, shared):
            why = f"in the {which} image it cannot be read, or is not what its documents claim"
            return _Blame(BreakReason.UNVERIFIED, old, new, why)
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
    if shared == 0 and _is_base(old) and _is_base(new):
        why = "no layer is shared: the images stand on different bases"
        return _Blame(BreakReason.BASE, old, new, why)
    blame = _by_instruction(before.history, after.history, old, new, key_of(before, after))
    if base_layers and _within(blame, before, after, base_layers):
        why = "a line of the base is another: FROM gave another image"
        return blame._replace(reason=BreakReason.BASE, explanation=why)
    return blame


def _doubtful(image: ImageAnalysis, layer: int) -> bool:
    """Whether nothing can be said of a layer, or of whether there is one."""
    if layer < len(image.layers):
        return image.layers[layer].status in (Status.MISMATCH, Status.SKIPPED)
    return not image.layers and not image.complete


def _within(blame: _Blame, before: ImageAnalysis, after: ImageAnalysis, base_layers: int) -> bool:
    """Whether the step to blame came before the uppermost layer of the base."""
    for image, step in ((before, blame.before), (after, blame.after)):
        top = _own_step(image, base_layers - 1)
        if step is not None and top is not None and step.index <= top.index:
            return True
    return False


def _by_instruction(
    before: Sequence[HistoryStep],
    after: Sequence[HistoryStep],
    old: HistoryStep,
    new: HistoryStep,
    key: Key,
) -> _Blame:
    """The first instruction that differs, up to the one that made the layer."""

    def same_line(one: HistoryStep, other: HistoryStep) -> bool:
        args = sorted(one.build_args) == sorted(other.build_args)  # the classic builder sorts them
        return args and key(one) == key(other) and same_source(one, other)

    own = new
    earlier = _that_matter(before, old, after, new, key)
    pairs = list(zip(*earlier, strict=False))
    same = sum(1 for _ in takewhile(lambda pair: same_line(*pair), pairs))
    if same == len(earlier[0]) == len(earlier[1]):
        return _Blame(BreakReason.CONTENT, old, new, _content(new))
    old = earlier[0][same] if same < len(earlier[0]) else old
    new = earlier[1][same] if same < len(earlier[1]) else new
    if key(old) == key(new) and not same_source(old, new):
        why = _content(new)
        if new is not own:
            why += ", though the layer is the same"
        return _Blame(BreakReason.CONTENT, old, new, why)
    names = _changed_arguments(old, new)
    if key(old) == key(new) or names:
        why = f"the build argument {names} is another" if names else "its build arguments differ"
        return _Blame(BreakReason.ARGUMENT, old, new, why)

    def more(one: HistoryStep, here: Sequence[HistoryStep], there: Sequence[HistoryStep]) -> bool:
        """Whether a line stands more often in these steps than in those."""
        return _count(key, one, here) > _count(key, one, there)

    rest = before[old.index + 1 :], after[new.index + 1 :]
    goes_on, went_on = more(old, rest[1], rest[0]), more(new, rest[0], rest[1])
    if goes_on and went_on:
        why = "the instructions stand in another order"
        return _Blame(BreakReason.INSTRUCTION_MOVED, old, new, why)
    if goes_on:
        why = "this instruction is new here; what stood in its place comes later"
        return _Blame(BreakReason.INSTRUCTION_ADDED, None, new, why)
    if went_on:
        why = "an instruction that stood here is gone"
        return _Blame(BreakReason.INSTRUCTION_REMOVED, old, None, why)
    why = "the instruction changed" if new is own else "a line that it depends on changed"
    return _Blame(BreakReason.INSTRUCTION_CHANGED, old, new, why)


def _count(key: Key, step: HistoryStep, steps: Sequence[HistoryStep]) -> int:
    wanted = key(step)
    return sum(key(one) == wanted for one in steps)


def _is_base(step: HistoryStep) -> bool:
    """Whether a lowest step is a base's: of a tool of its own, or a whole root file system."""
    return step.raw or _WHOLE_ROOT.fullmatch(step.instruction) is not None


def _words(rebuild: Rebuild) -> str:
    return ", ".join(rebuild.differ)


def _content(step: HistoryStep) -> str:
    if step.keyword in ("COPY", "ADD"):
        return "the same instruction, other content: what it copies is not the same"
    if step.keyword == "RUN":
        return "the same instruction on the same layers, other content: it ran again"
    return "the same instruction, other content"


def _changed_arguments(old: HistoryStep, new: HistoryStep) -> str:
    """The build arguments that two RUNs or ARGs do not have in common, if they are of one line.

    BuildKit writes an ARG down with the value that it was given.
    """
    was, now = (dict(_arguments(one)) for one in (old, new))
    if old.keyword != new.keyword or (old.keyword == "ARG" and was.keys() != now.keys()):
        return ""
    if old.keyword != "ARG" and old.instruction != new.instruction:
        return ""
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return ", ".join(names[:3])


def _arguments(step: HistoryStep) -> Iterator[tuple[str, str]]:
    if step.keyword == "ARG":
        name, _, value = step.instruction.removeprefix("ARG ").partition("=")
        yield name, value
    for one in step.build_args:
        name, _, value = one.partition("=")
        yield name, value


def _that_matter(
    before: Sequence[HistoryStep],
    old: HistoryStep,
    after: Sequence[HistoryStep],
    new: HistoryStep,
    key: Key,
) -> tuple[list[HistoryStep], list[HistoryStep]]:
    """The steps of both histories that a layer's own may depend on, and that one.

    Where the builders are not of one kind, their words for one line differ: then those behind the
    layer below, and for a RUN what it runs with.
    """
    builders = _builder(old), _builder(new)
    kinds: frozenset[str] = frozenset()
    if new.keyword == "RUN":
        kinds = _RUN_WITH
    elif builders == ("buildkit", "buildkit") and key(old) != key(new):
        kinds = _LINE_OF
    elif not text_of(new).rpartition(" ")[2].lstrip('["').startswith("/"):
        kinds = frozenset(("WORKDIR",))  # where a relative target is

    def matters(step: HistoryStep, own: HistoryStep, first: int) -> bool:
        if builders == ("classic", "classic"):
            return True
        if builders == ("buildkit", "buildkit"):
            return step.layer_index is not None or step.keyword in kinds
        return step.index >= first or step.keyword in kinds

    found = []
    for steps, own in ((before, old), (after, new)):
        first = own.index
        while first > 0 and steps[first - 1].layer_index is None:
            first -= 1
        found.append([one for one in steps[: own.index] if matters(one, own, first)] + [own])
    return found[0], found[1]


def _builder(step: HistoryStep) -> str:
    """Who wrote a step down, as far as that matters here."""
    if step.comment.startswith("buildkit") or step.created_by.endswith("# buildkit"):
        return "buildkit"
    return "classic" if not step.raw and not step.comment else "another"


def _own_step(image: ImageAnalysis, layer: int) -> HistoryStep | None:
    if layer >= len(image.layers):
        return None
    index = image.layers[layer].history_index
    return image.history[index] if index is not None and index < len(image.history) else None
