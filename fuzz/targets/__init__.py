"""All targets by name."""

from __future__ import annotations

from fuzz.target import Target
from fuzz.targets import (
    archives,
    cache_entries,
    compression,
    documents,
    instructions,
    layer_scan,
    merging,
    names,
    patterns,
    rules,
    sparse_maps,
    tar_headers,
    tree_map,
    values,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (
        *(tar_headers, layer_scan, sparse_maps, compression, archives, documents, merging),
        *(names, instructions, rules, patterns, cache_entries, values, tree_map),
    )
    for target in module.TARGETS
}
