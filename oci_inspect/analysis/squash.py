"""Squashing on paper: what would be saved if layers were merged into one.

The rule: a squash leaves out exactly the dead inodes that lie in the range and died in it, those
that their own layer killed included. What a layer above the range killed was alive when the range
ended, and is in the new layer; what the range killed below it stays in the layer that has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.archive.contents import layer_index, parse_layers
from oci_inspect.errors import SelectionError
from oci_inspect.filesystem.deaths import Dead


@dataclass(frozen=True, slots=True)
class Squash:
    """The layers ``first`` to ``last`` merged into one.

    ``files`` dead inodes are left out, ``saved_bytes`` is their content, exactly;
    ``saved_compressed`` what they may take compressed, an estimate: None where the compressed size
    of the ``unknown`` layers is not known. ``base_layers`` of the squashed layers are the base's,
    with ``base_bytes`` of content; None where it is not known where the base ends.
    """

    first: int
    last: int
    files: int
    saved_bytes: int
    saved_compressed: int | None
    unknown: tuple[int, ...]
    base_layers: int | None
    base_bytes: int | None

    @property
    def layers(self) -> int:
        """How many layers become one."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Some squashes of one image, bottom to top, and what is left afterwards.

    ``wasted_bytes`` stay dead. ``saved_compressed`` is the sum of estimates, None where one is.
    """

    squashes: tuple[Squash, ...]
    layers_before: int
    layers_after: int
    saved_bytes: int
    saved_compressed: int | None
    wasted_bytes: int


def check_spec(spec: str) -> None:
    """Raise :class:`SelectionError` for what is no list of ranges, whatever the image."""
    if spec in ("all", "own"):
        return
    for part in spec.split(","):
        if parse_layers(part.strip()) is None:
            raise SelectionError(
                f"{spec!r} names no layers: give all, own, or ranges such as 3..7 or 1..2,5.."
            )


def what_if(image: ImageAnalysis, spec: str, compressed: Sequence[int | None]) -> WhatIf:
    """What squashing the layers of ``spec`` would save.

    ``spec`` is ``all``, ``own`` (those above the base), or ranges such as ``3..7``, ``3..`` and
    ``..-2`` with commas between them, each of which becomes one layer. ``compressed`` is the
    compressed size of each layer, None where not known. Raises :class:`SelectionError`.
    """
    ranges = _ranges(image, spec)
    squashes = tuple(_squash(image, first, last, compressed) for first, last in ranges)
    saved = sum(one.saved_bytes for one in squashes)
    estimates = [one.saved_compressed for one in squashes]
    known = [one for one in estimates if one is not None]
    count = len(image.image.layers)
    return WhatIf(
        squashes=squashes,
        layers_before=count,
        layers_after=count - sum(one.layers - 1 for one in squashes),
        saved_bytes=saved,
        saved_compressed=sum(known) if len(known) == len(estimates) else None,
        wasted_bytes=image.totals.wasted_bytes - saved,
    )


def left_out(dead: Iterable[Dead], first: int, last: int) -> Iterator[Dead]:
    """The dead inodes that a squash of the layers ``first`` to ``last`` would leave out."""
    return (one for one in dead if first <= one.layer_index and one.removed_in <= last)


def _squash(
    image: ImageAnalysis, first: int, last: int, compressed: Sequence[int | None]
) -> Squash:
    files = 0
    saved: Counter[int] = Counter()
    for one in left_out(image.waste, first, last):
        files += 1
        saved[one.layer_index] += one.size
    packed = {
        layer: _packed(image, layer, size, compressed) for layer, size in saved.items() if size
    }
    unknown = tuple(sorted(layer for layer, size in packed.items() if size is None))
    end = image.base.layers if image.base is not None else None
    below = (
        None if end is None else [one for one in image.layers[first : last + 1] if one.index < end]
    )
    return Squash(
        first=first,
        last=last,
        files=files,
        saved_bytes=sum(saved.values()),
        saved_compressed=None if unknown else round(sum(size or 0 for size in packed.values())),
        unknown=unknown,
        base_layers=None if below is None else len(below),
        base_bytes=None if below is None else sum(one.file_bytes for one in below),
    )


def _packed(
    image: ImageAnalysis, layer: int, size: int, compressed: Sequence[int | None]
) -> float | None:
    """What some bytes of a layer take compressed, were they like the rest of it.

    Never more than all of it: a sparse file is longer than what a layer has of it.
    """
    packed, unpacked = compressed[layer], image.layers[layer].uncompressed_size
    if packed is None or not unpacked:
        return None
    return min(float(packed), size * packed / unpacked)


def _ranges(image: ImageAnalysis, spec: str) -> list[tuple[int, int]]:
    check_spec(spec)
    count = len(image.image.layers)
    if not count:
        raise SelectionError(f"{image.name} has no layers to squash")
    if spec == "all":
        return [(0, count - 1)]
    if spec == "own":
        return [(_first_own(image), count - 1)]
    ranges = []
    for part in spec.split(","):
        named = parse_layers(part.strip())
        assert named is not None
        first, last = (layer_index(image.image, one) for one in named)
        if last < first:
            raise SelectionError(f"{part.strip()!r} ends before it begins")
        ranges.append((first, last))
    ranges.sort()
    for (_, last), (first, _) in pairwise(ranges):
        if first <= last:
            raise SelectionError(f"{spec!r} has layer {first} in two ranges")
    return ranges


def _first_own(image: ImageAnalysis) -> int:
    base, count = image.base, len(image.image.layers)
    if base is None or base.layers is None:
        told = "nothing tells of a base" if base is None else "nothing tells where the base ends"
        raise SelectionError(f"{told}: name it with --base ARCHIVE, or give ranges such as 3..")
    if base.layers >= count:
        raise SelectionError(f"all {count} layers are the base's: there are none of your own")
    return base.layers
