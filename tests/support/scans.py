"""Short ways from tars to scans and merged trees."""

from __future__ import annotations

from oci_inspect.filesystem.merge import Merged, merge
from oci_inspect.findings import Finding, FindingCollector
from oci_inspect.layer.entries import TYPE_NAMES, EntryTable
from oci_inspect.layer.scan import scan_layer
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.stream.source import BytesSource
from support.tars import TarBuilder


def table_of(layer: TarBuilder | bytes | EntryTable) -> EntryTable:
    """The rows of a layer; those that are there already as they are."""
    if isinstance(layer, EntryTable):
        return layer
    data = layer if isinstance(layer, bytes) else layer.build()
    return scan_layer(BytesSource(data)).table


class Stack:
    """Layers merged, with the questions that tests ask of the result."""

    def __init__(
        self, *layers: TarBuilder | bytes | EntryTable, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        collector = FindingCollector()
        self.merged: Merged = merge([table_of(one) for one in layers], collector, limits)
        self.findings: tuple[Finding, ...] = collector.result()

    @property
    def rules(self) -> set[str]:
        """The rules that fired."""
        return {found.rule for found in self.findings}

    def subjects(self, rule: str) -> list[str]:
        """What the findings of one rule are about."""
        return [found.subject for found in self.findings if found.rule == rule]

    @property
    def paths(self) -> list[str]:
        """Every path of the merged tree, in the order of the walk."""
        return [one.path.decode() for one in self.merged.tree.walk()]

    @property
    def tree(self) -> dict[str, str]:
        """Every path with its type, ``implied`` for folders without an entry."""
        tree = self.merged.tree
        result = {}
        for one in tree.walk():
            entry = tree.entry(one.node)
            result[one.path.decode()] = "implied" if entry is None else TYPE_NAMES[entry.type]
        return result

    def layer_of(self, path: str) -> int | None:
        """The layer that a path's entry is in."""
        for one in self.merged.tree.walk():
            if one.path == path.encode():
                return one.layer_index
        raise KeyError(path)

    def mode(self, path: str) -> int:
        """The permission bits at a path."""
        node = self.merged.tree.lookup(path.encode())
        assert node is not None
        entry = self.merged.tree.entry(node)
        assert entry is not None
        return entry.mode

    @property
    def dead(self) -> list[tuple[str, int, int, int, str]]:
        """Each dead inode: names, layer, the layer that killed it, size, reason; sorted."""
        return sorted(
            (
                " ".join(path.decode() for path in one.paths),
                one.layer_index,
                one.removed_in,
                one.size,
                one.reason.value,
            )
            for one in self.merged.dead
        )

    @property
    def dead_bytes(self) -> int:
        """What a squash would save."""
        return sum(one.size for one in self.merged.dead)

    @property
    def live_bytes(self) -> int:
        """The content of regular files that some path leads to, each inode once."""
        tree = self.merged.tree
        found = {}
        for one in tree.walk():
            if isinstance(one.node, int):
                entry = tree.entry(one.node)
                assert entry is not None
                if TYPE_NAMES[entry.type] == "file":
                    found[one.node] = entry.size
        return sum(found.values())

    @property
    def added_bytes(self) -> int:
        """The content of regular files that the layers bring, each inode once."""
        return sum(self.merged.added_bytes)
