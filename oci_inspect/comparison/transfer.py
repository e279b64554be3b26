"""What must travel so that the second image is where the first is already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from oci_inspect.analysis.results import LayerResult
from oci_inspect.archive.contents import CompressedSize
from oci_inspect.comparison.layers import identity
from oci_inspect.comparison.results import Transfer


def push(
    before: Sequence[LayerResult],
    after: Sequence[LayerResult],
    sizes: Sequence[CompressedSize | None],
) -> Transfer:
    """The layers that a registry lacks which has the first image: it knows blobs by their digest.

    Of layers that one archive holds uncompressed nobody knows which digest they have there. Those
    are taken for the same blob where the tar is the same (distribution-spec, "Checking for the
    presence of blobs").
    """
    return _transfer(missing_layers(before, after), after, sizes)


def missing_layers(before: Sequence[LayerResult], after: Sequence[LayerResult]) -> list[int]:
    """The layers of the second image whose blobs nobody has who has the first."""
    digests = {one.digest for one in before}
    tars = {identity(one) for one in before}
    plain = {identity(one) for one in before if one.compression == "none"}
    missing = []
    for i, layer in enumerate(after):
        known = layer.digest in digests or identity(layer) in plain
        if not known and layer.compression == "none":
            known = identity(layer) in tars
        if not known:
            missing.append(i)
    return missing


def pull(
    before: Sequence[LayerResult],
    after: Sequence[LayerResult],
    sizes: Sequence[CompressedSize | None],
) -> Transfer:
    """The layers that a docker host fetches which has the first image.

    From the first layer on that it lacks docker fetches all (moby, distribution/xfer/download.go).
    """
    return _transfer(range(common_blobs(before, after), len(after)), after, sizes)


def common_blobs(before: Sequence[LayerResult], after: Sequence[LayerResult]) -> int:
    """How many layers, from the bottom, are the same tar, or the same blob where one is not read.

    A blob that is not in the archive goes by its claimed digest, as it does where it travels.
    """
    pairs = zip(before, after, strict=False)
    return sum(
        1
        for _ in takewhile(
            lambda pair: identity(pair[0]) == identity(pair[1]) or pair[0].digest == pair[1].digest,
            pairs,
        )
    )


def _transfer(
    chosen: Iterable[int], layers: Sequence[LayerResult], sizes: Sequence[CompressedSize | None]
) -> Transfer:
    """The sum of some layers, each blob once."""
    seen: set[str] = set()
    indexes = []
    total = estimated = unknown = 0
    for i in chosen:
        layer = layers[i]
        if layer.digest in seen:
            continue
        seen.add(layer.digest)
        indexes.append(i)
        size = sizes[i] if i < len(sizes) else None
        if size is None:
            unknown += 1
        else:
            total += size.size
            estimated += size.estimated
    return Transfer(tuple(indexes), total, estimated, unknown)
