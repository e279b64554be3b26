"""The catalogue: every rule with what its value is and one line on it.

A rule has one name, on the command line (``--max-size 500MB``) and in a file
(``max-size = "500MB"``). docs/ci.md has an example of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the value of a rule is."""

    SIZE = "size"
    COUNT = "count"
    SHARE = "share"
    """From 0 to 1, written as ``10%`` or ``0.1``."""
    GROWTH = "growth"
    """A size, or a share of what there was."""
    GLOBS = "globs"
    """Patterns of paths inside the image."""
    LABELS = "labels"
    FINDINGS = "findings"
    """Severities, or names of the rules of docs/findings.md."""
    NAMES = "names"
    """Patterns of names of images, or digests."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. ``help`` is one sentence, ``example`` a value as TOML writes it."""

    name: str
    kind: Kind
    help: str
    example: str

    @property
    def several(self) -> bool:
        """Whether its value is a list."""
        return self.kind in (Kind.GLOBS, Kind.LABELS, Kind.FINDINGS, Kind.NAMES)


_RULES = (
    Rule(
        "require-verified",
        Kind.FLAG,
        "Every digest must match. It is on unless it is switched off.",
        "true",
    ),
    Rule("max-size", Kind.SIZE, "Content of the files of all layers.", '"500MB"'),
    Rule("max-stored-size", Kind.SIZE, "All layers as they are stored.", '"200MB"'),
    Rule("max-unpacked-size", Kind.SIZE, "All layers unpacked, as tars.", '"600MB"'),
    Rule("max-layer-size", Kind.SIZE, "Content of the largest layer.", '"100MB"'),
    Rule("max-layers", Kind.COUNT, "Number of layers.", "20"),
    Rule("max-waste", Kind.SIZE, "Bytes that no container can reach.", '"20MiB"'),
    Rule("max-waste-percent", Kind.SHARE, "The same as a share of the content.", '"10%"'),
    Rule("min-efficiency", Kind.SHARE, "Share of the content that can be reached.", '"90%"'),
    Rule(
        "max-own-waste",
        Kind.SIZE,
        "Unreachable bytes of the layers above the base image; see docs/base.md.",
        '"5MB"',
    ),
    Rule(
        "max-own-waste-percent",
        Kind.SHARE,
        "The same as a share of the content of these layers.",
        '"5%"',
    ),
    Rule(
        "max-growth",
        Kind.GROWTH,
        "Growth of the content against --baseline, in bytes or percent.",
        '"10%"',
    ),
    Rule(
        "max-growth-bytes",
        Kind.SIZE,
        "The same in bytes, beside a max-growth in percent.",
        '"5MB"',
    ),
    Rule(
        "forbid-findings",
        Kind.FINDINGS,
        "Findings that must not be: error, warning, info, or a rule of docs/findings.md.",
        '["error", "path-unsafe"]',
    ),
    Rule(
        "forbid-paths",
        Kind.GLOBS,
        "Paths that must not be in the image.",
        '["**/.git", "**/.npmrc"]',
    ),
    Rule(
        "forbid-paths-in-layers",
        Kind.GLOBS,
        "Paths that must not be in any layer; deleted ones are still there.",
        '["**/id_rsa"]',
    ),
    Rule(
        "allow-setuid",
        Kind.GLOBS,
        "The only files that may be setuid or setgid.",
        '["/usr/bin/su", "/usr/bin/passwd"]',
    ),
    Rule("forbid-root", Kind.FLAG, "The user of the config must not be root.", "true"),
    Rule(
        "require-labels",
        Kind.LABELS,
        "Labels that must be there, as NAME, or NAME=VALUE with * for anything.",
        '["org.opencontainers.image.source=https://*"]',
    ),
    Rule(
        "allow-base",
        Kind.NAMES,
        "The only base images allowed: names with * for anything, or digests.",
        '["debian:12*", "registry.example.com/base/*"]',
    ),
)

CATALOGUE: dict[str, Rule] = {rule.name: rule for rule in _RULES}
"""Every rule by its name, in the order in which verdicts are given."""
