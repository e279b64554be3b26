"""Merging: the layers of an image, applied bottom to top.

In one layer all deletions (:mod:`~oci_inspect.filesystem.deletions`) come before all additions
(:mod:`~oci_inspect.filesystem.additions`), wherever they stand in the tar. The whole merge is
linear in the entries and the lengths of their paths: no step looks at more of the tree than it
removes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oci_inspect.filesystem.additions import Additions
from oci_inspect.filesystem.applying import Applying
from oci_inspect.filesystem.deaths import Dead, Deaths
from oci_inspect.filesystem.deletions import delete
from oci_inspect.filesystem.journal import Journal
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import EntryTable
from oci_inspect.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    ``added_bytes`` and ``added_files`` have one number a layer: the content of the regular files it
    brought (each inode once) and the names it gave to regular files.
    """

    tree: UnionTree
    dead: tuple[Dead, ...]
    added_bytes: tuple[int, ...]
    added_files: tuple[int, ...]


def merge(
    tables: Iterable[EntryTable],
    findings: FindingCollector,
    limits: Limits = DEFAULT_LIMITS,
    journal: Journal | None = None,
) -> Merged:
    """Apply layers bottom to top. What is odd about them goes to ``findings``.

    A ``journal`` is told which names came and went, and is asked after each layer what it makes of
    that.
    """
    tree = UnionTree()
    deaths = Deaths(tree, journal, limits)
    additions = Additions(tree, deaths, limits)
    added_bytes: list[int] = []
    added_files: list[int] = []
    for table in tables:
        layer = Applying(tree, table, findings)
        if journal is not None:
            journal.begin_layer(layer)
        delete(layer, deaths)
        additions.add(layer)
        added_bytes.append(layer.added_bytes)
        added_files.append(layer.added_files)
        if journal is not None:
            journal.end_layer(layer)
    if deaths.exceeded is not None:
        findings.add("limit-exceeded", "", str(deaths.exceeded))
    return Merged(tree, tuple(deaths.dead), tuple(added_bytes), tuple(added_files))
