"""Two builds of one instruction: what keeps their layers from being the same bytes.

The tar of a layer holds times, owners and an order that a container may never see, and any of them
makes another diff_id (reproducible-builds.org, "Archive metadata"; BuildKit,
docs/build-repro.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.comparison.results import LayerPair, Match, Rebuild
from oci_inspect.filesystem.comparing import PathDifference, Turn, compare_trees
from oci_inspect.filesystem.deletions import Mark, marks
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import DIRECTORY, EntryTable

EXAMPLES = 5

_ORDER = (
    *("files", "deletions", "time", "owner", "mode", "xattrs", "links", "folders", "order", "tar"),
)
_ADVICE = {
    "time": "times: set SOURCE_DATE_EPOCH and build with 'buildx build --output"
    " type=image,rewrite-timestamp=true', or touch -d 1970-01-01 what a RUN makes",
    "owner": "owners: COPY --chown with numbers, tar --owner=0 --group=0 --numeric-owner",
    "mode": "modes: COPY --chmod, or the same umask wherever it is built",
    "xattrs": "extended attributes: build on file systems and kernels that label files alike",
    "links": "hard links: the same builder and storage driver on both sides",
    "deletions": "deletions: the same builder and storage driver on both sides",
    "folders": "entries of folders: the same builder and version on both sides",
    "order": "order of the entries: sort what is written (tar --sort=name), or the same builder",
    "tar": "headers or padding of the tar alone: the same builder and version on both sides",
    "compression": "the same tar, compressed otherwise: the same compressor, version and level",
}
_CULPRITS = (
    ((b"/var/log/",), "logs hold times: remove var/log/* in the RUN that writes them"),
    (
        (b"/var/cache/", b"/.cache/", b"/root/.npm/"),
        "caches hold times and inode numbers: remove them in the RUN that writes them",
    ),
    ((b"/var/lib/apt/lists/",), "package lists change daily: remove var/lib/apt/lists/*"),
    (
        (b".pyc",),
        "Python byte code holds the times of its sources: PYTHONDONTWRITEBYTECODE=1, or"
        " python -m compileall --invalidation-mode checked-hash",
    ),
    ((b"/etc/machine-id", b"/var/lib/dbus/machine-id"), "machine-id is random: empty it"),
)
"""Folders, with a slash behind them, and ends of paths."""


def compare_rebuilds(
    before: ImageAnalysis, after: ImageAnalysis, pairs: Sequence[LayerPair]
) -> tuple[Rebuild, ...]:
    """Hold the layers of one instruction against each other, where they are not the same bytes."""
    found = []
    seen: dict[tuple[int, int], Rebuild] = {}  # layers of the same tar may stand there often
    for pair in pairs:
        i, j = pair.before, pair.after
        if i is None or j is None or pair.match in (None, Match.POSITION) or pair.same_digest:
            continue
        if pair.match in (Match.CHAIN_ID, Match.DIFF_ID):
            kinds = before.layers[i].compression, after.layers[j].compression
            if kinds[0] == kinds[1] is not None:
                advice = (_ADVICE["compression"],)
                found.append(Rebuild(i, j, ("compression",), 0, 0, 0, 0, (), advice))
        elif i < len(before.tree.tables) and j < len(after.tree.tables):
            tables = id(before.tree.tables[i]), id(after.tree.tables[j])
            if tables not in seen:
                seen[tables] = _rebuild(i, j, before.tree, after.tree)
            found.append(replace(seen[tables], before=i, after=j))
    return tuple(found)


def _rebuild(i: int, j: int, before: UnionTree, after: UnionTree) -> Rebuild:
    old, new = before.tables[i], after.tables[j]
    trees = _alone(old), _alone(new)
    found = compare_trees(*trees).differences

    def kind(one: PathDifference) -> int:
        return trees[0].kind_of(one.before) or trees[1].kind_of(one.after)

    gone, came = _deletions(old), _deletions(new)
    added = [one.path for one in found if one.turn is Turn.ADDED and kind(one) != DIRECTORY]
    removed = [one.path for one in found if one.turn is Turn.REMOVED and kind(one) != DIRECTORY]
    content = [one.path for one in found if one.turn is Turn.CHANGED and one.content]
    touched = [one for one in found if not one.content]
    differ = {"folders" if word == "metadata" else word for one in touched for word in one.why}
    alone = [one for one in found if one.turn is not Turn.CHANGED]
    units = {one.unit for one in alone if kind(one) != DIRECTORY}
    if any(kind(one) == DIRECTORY and one.unit not in units for one in alone):
        differ.add("folders")  # one that is not just where files came or went
    if added or removed or content:
        differ.add("files")
    if gone.keys() != came.keys():
        differ.add("deletions")
    elif gone != came:
        differ.add("time")
    if (
        not differ & {"files", "folders", "deletions"}
        and old.paths != new.paths
        and sorted(old.paths) == sorted(new.paths)
    ):
        differ.add("order")
    if not differ:
        differ.add("tar")
    shown = [*content, *added, *removed, *(one.path for one in touched)]
    return Rebuild(
        before=i,
        after=j,
        differ=tuple(word for word in _ORDER if word in differ),
        added=len(added),
        removed=len(removed),
        content=len(content),
        touched=len(touched),
        examples=tuple(islice(dict.fromkeys(shown), EXAMPLES)),
        advice=tuple(_advice(differ, [*content, *added, *removed])),
    )


def _alone(table: EntryTable) -> UnionTree:
    """What a layer holds, by itself."""
    return merge([table], FindingCollector()).tree


def _deletions(table: EntryTable) -> dict[bytes, tuple[int, int]]:
    """What a layer deletes, and the times of those entries; with a slash a folder it empties."""
    return {
        path + b"/" if mark is Mark.OPAQUE else path: (
            table.mtimes[row],
            table.mtime_ns.get(row, 0),
        )
        for mark, row, path in marks(table)
        if mark in (Mark.WHITEOUT, Mark.OPAQUE)
    }


def _advice(differ: set[str], others: Sequence[bytes]) -> list[str]:
    """A sentence for each thing that could be done; ``others`` are files of other content."""
    found = []
    for parts, sentence in _CULPRITS:
        if any(_is_of(b"/" + path, part) for path in others for part in parts):
            found.append(sentence)
    return [*found, *(_ADVICE[word] for word in _ORDER if word in differ and word in _ADVICE)]


def _is_of(path: bytes, part: bytes) -> bool:
    return part in path if part.endswith(b"/") else path.endswith(part)
