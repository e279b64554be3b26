"""What each byte of an image archive is for, worked out without the package and without tarfile.

:func:`regions` cuts a tar of plain headers into headers, contents, paddings and its end.
:func:`meaning` says of one changed byte what any careful reader can know: that something protected
changed, that a declared type did, or nothing. What the formats leave unprotected:

* names and tags, ``RepoTags``, ``repositories``, annotations of ``index.json``: under no digest.
* what nothing refers to: ``VERSION`` and ``<id>/json`` of docker's old archives.
* keys that no reader looks at, and how keys are capitalised (Go matches them without case).
* padding behind contents, all that follows the last content, and what stands behind the number of
  a header's checksum. All other bytes of a header are under that checksum.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Meaning(Enum):
    """What must come of a change: an error, at least a warning, or nothing."""

    PROTECTED = "protected"
    DECLARED = "declared"
    FREE = "free"


@dataclass(frozen=True)
class Region:
    """Bytes ``start`` to ``end`` of a tar; ``kind`` is header, content, padding or end."""

    start: int
    end: int
    kind: str
    member: str = ""


def regions(tar: bytes) -> list[Region]:
    """A tar of ustar headers without extensions, from its first to its last byte."""
    found = []
    at = 0
    while (block := tar[at : at + 512]) and block.strip(b"\0"):
        if block[156:157] not in (b"0", b"5", b"\0") or block[257:262] != b"ustar":
            raise ValueError(f"byte {at} is no plain header")
        name = block[:100].split(b"\0")[0].decode()
        size = int(block[124:136].split(b"\0")[0], 8)
        found.append(Region(at, at + 512, "header", name))
        at += 512
        for kind, length in (("content", size), ("padding", -size % 512)):
            if length:
                found.append(Region(at, at + length, kind, name))
            at += length
    found.append(Region(at, len(tar), "end"))
    return found


def content_end(tar: bytes) -> int:
    """The place behind the last byte that belongs to a member."""
    return max(one.end for one in regions(tar) if one.kind in ("header", "content"))


def meaning(tar: bytes, region: Region, position: int, value: int) -> Meaning:
    """What it means that the byte at ``position``, in ``region``, becomes ``value``."""
    if region.kind in ("padding", "end"):
        return Meaning.FREE
    was = tar[region.start : region.end]
    at = position - region.start
    now = was[:at] + bytes([value]) + was[at + 1 :]
    if region.kind == "header":
        return Meaning.FREE if checksum_holds(now) else Meaning.PROTECTED
    return _of_content(region.member, was, now)


def checksum_holds(block: bytes) -> bool:
    """POSIX: octal digits, ended by a space or a NUL, of the sum with blanks in their place."""
    number = re.match(rb" *([0-7]+)[ \0]", block[148:156])
    return number is not None and int(number[1], 8) == sum(block[:148] + b" " * 8 + block[156:])


def _of_content(name: str, was: bytes, now: bytes) -> Meaning:
    if name in _VIEWS:
        protected, declared = _VIEWS[name]
        before, after = _document(was), _document(now)
        if after is None or protected(before) != protected(after):
            return Meaning.PROTECTED
        return Meaning.DECLARED if declared(before) != declared(after) else Meaning.FREE
    if re.fullmatch(r"[0-9a-f]{64}/(VERSION|json)|repositories", name):
        return Meaning.FREE
    return Meaning.PROTECTED  # a blob: its digest is its name, or a diff_id


def _document(data: bytes) -> Any:
    """JSON with its keys in small letters; None for what is none. No key may come twice."""
    try:
        return json.loads(data.decode(), object_pairs_hook=_folded)
    except (ValueError, RecursionError):
        return None


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key.casefold(): value for key, value in pairs}


def _of_index(value: Any) -> Any:
    """What of ``index.json`` the rest of the archive confirms: which manifests, of which size."""
    if not isinstance(value, dict):
        return None
    listed = value.get("manifests")
    told = [(one.get("digest"), one.get("size")) for one in listed] if listed else None
    return value.get("schemaversion"), told


def _types(value: Any) -> Any:
    if not isinstance(value, dict):
        return None
    return [one.get("mediatype") for one in value.get("manifests") or ()]


def _of_docker(value: Any) -> Any:
    """What of docker's ``manifest.json`` leads to something with a digest."""
    if not isinstance(value, list):
        return None
    return [(one.get("config"), one.get("layers")) for one in value]


def _nothing(value: Any) -> Any:
    return None


def _whole(value: Any) -> Any:
    return isinstance(value, dict) and value.get("imagelayoutversion")


_VIEWS = {
    "index.json": (_of_index, _types),
    "manifest.json": (_of_docker, _nothing),
    "oci-layout": (_whole, _nothing),
}
