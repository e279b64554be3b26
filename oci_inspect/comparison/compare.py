"""Two analyses put side by side; no I/O but the contents of sparse files."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from oci_inspect.analysis.results import Confidence, ImageAnalysis
from oci_inspect.archive.contents import CompressedSize
from oci_inspect.comparison.cache import find_break
from oci_inspect.comparison.config import compare_configs
from oci_inspect.comparison.files import group_files
from oci_inspect.comparison.instructions import layer_instructions
from oci_inspect.comparison.layers import pair_layers, shared_layers
from oci_inspect.comparison.rebuilds import compare_rebuilds
from oci_inspect.comparison.results import Comparison
from oci_inspect.comparison.transfer import pull, push
from oci_inspect.filesystem.comparing import compare_trees


def compare_images(
    before: ImageAnalysis,
    after: ImageAnalysis,
    sizes: Sequence[CompressedSize | None] | None = None,
    forged: Container[tuple[int, int]] = (),
) -> Comparison:
    """Compare two images; ``before`` is the first, ``after`` the second.

    ``sizes`` are those of the second image's layers on their way, by default as they are stored.
    Contents are compared by size and CRC-32 where the layers they come from are not the same
    (docs/decisions/0003); ``forged`` are as in
    :func:`~oci_inspect.filesystem.comparing.compare_trees`.
    """
    after = _with_the_same_tables(before, after)
    pairs = pair_layers(before.layers, after.layers, layer_instructions(before, after))
    files = compare_trees(before.tree, after.tree, forged)
    rebuilds = compare_rebuilds(before, after, pairs)
    if sizes is None:
        sizes = [
            None if one.size is None else CompressedSize(one.size, estimated=False)
            for one in after.layers
        ]
    return Comparison(
        before=before,
        after=after,
        config=compare_configs(before.image.config, after.image.config),
        layers=pairs,
        shared=shared_layers(before.layers, after.layers),
        cache=find_break(before, after, rebuilds, _base_layers(before, after)),
        rebuilds=rebuilds,
        files=files,
        groups=group_files(files.differences),
        push=push(before.layers, after.layers, sizes),
        pull=pull(before.layers, after.layers, sizes),
    )


def _base_layers(before: ImageAnalysis, after: ImageAnalysis) -> int | None:
    """How many of the lowest layers belong to the base of either image, where that is sure enough.

    What stands below the base of one of them is not what its Dockerfile built.
    """
    known = [
        image.base.layers
        for image in (before, after)
        if image.base is not None
        and image.base.layers is not None
        and image.base.confidence is not Confidence.POSSIBLE
    ]
    return max(known, default=None)


def _with_the_same_tables(before: ImageAnalysis, after: ImageAnalysis) -> ImageAnalysis:
    """The second image, with the first one's rows for layers that both have.

    The same diff_id is the same tar, and the same tar has the same rows.
    """
    known = {
        layer.diff_id: table
        for layer, table in zip(before.layers, before.tree.tables, strict=False)
        if layer.diff_id is not None
    }
    tables = [
        known.get(layer.diff_id or "", table) if len(table) else table
        for layer, table in zip(after.layers, after.tree.tables, strict=False)
    ]
    return replace(after, tree=replace(after.tree, tables=tables))
