"""Why something in a layer is no longer seen."""

from enum import StrEnum


class Reason(StrEnum):
    """How a layer made an inode of a lower one (or its own) unreachable."""

    DELETED = "deleted"
    OPAQUE = "opaque"
    OVERWRITTEN = "overwritten"
    REWRITTEN = "rewritten"
    REPLACED = "replaced"
    SHADOWED = "shadowed"
