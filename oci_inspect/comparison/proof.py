"""Whether files that look the same are: their bytes, read once more.

A fingerprint tells changed from unchanged, it proves nothing: who wants two files to have one
CRC-32 can make them so. Where a whole comparison ends in "the same" because of fingerprints, the
files are read, those of compressed layers in one pass over each.
"""

from __future__ import annotations

from collections.abc import Iterable

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.content import LayerFiles, same_bytes
from oci_inspect.layer.ordered import OrderedFiles


def forged_pairs(
    before: UnionTree, after: UnionTree, pairs: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Those of some pairs of files, by their references, whose bytes are not the same.

    Both archives must be open and allow to be read again. Raises :class:`ArchiveError`.
    """
    ordered = sorted(pairs)
    forged = set()
    with (
        _opened(before, (one for one, _ in ordered)) as old,
        _opened(after, (other for _, other in ordered)) as new,
    ):
        for pair in ordered:
            first = old.open(*before.locate(pair[0]))
            second = new.open(*after.locate(pair[1]))
            try:
                same = same_bytes(first, second)
            except (CorruptStreamError, LimitExceededError):
                same = False
            if not same:
                forged.add(pair)
    return forged


def _opened(tree: UnionTree, references: Iterable[int]) -> OrderedFiles:
    masks: dict[int, bytearray] = {}
    for reference in references:
        layer, row = tree.locate(reference)
        masks.setdefault(layer, bytearray(len(tree.tables[layer])))[row] = 1
    files = tree.files

    def layer_files(layer: int) -> LayerFiles:
        assert files is not None
        return files.layer(layer)

    return OrderedFiles(layer_files, lambda layer: bytes(masks.get(layer, b"")))
