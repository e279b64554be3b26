"""Entries of a file system for machines: JSON, a JSON document a line, CSV; piece by piece.

A tree may have millions of entries, so a document is not put together before it is printed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from oci_inspect.filesystem.changes import Change
from oci_inspect.filesystem.items import Item
from oci_inspect.filesystem.path_log import PathEvent
from oci_inspect.filesystem.tree import UnionTree
from oci_inspect.layer.entries import (
    BLOCK_DEVICE,
    CHAR,
    HARDLINK,
    SYMLINK,
    TYPE_NAMES,
    Entry,
)
from oci_inspect.paths import path_text
from oci_inspect.render.escape import csv_cell, json_text
from oci_inspect.render.json import path_keys
from oci_inspect.render.json_base import Json


def mtime_text(entry: Entry | None) -> str | None:
    """A time as RFC 3339, with its fraction where it has one; None where no calendar has it."""
    if entry is None:
        return None
    try:
        time = datetime.fromtimestamp(entry.mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    fraction = f".{entry.mtime_ns:09d}".rstrip("0") if entry.mtime_ns else ""
    return f"{time.year:04}-{time:%m-%dT%H:%M:%S}{fraction}Z"


def item_document(item: Item) -> Json:
    """One entry, as INTERFACE has it, with what only some have behind."""
    entry = item.entry
    bare = entry is None or item.deletion is not None
    document: Json = {
        **path_keys(item.path),
        "type": item.type_name,
        "size": item.size,
        "mode": None if item.deletion else f"{item.mode:04o}",
        "uid": None if item.deletion else 0 if entry is None else entry.uid,
        "gid": None if item.deletion else 0 if entry is None else entry.gid,
        "mtime": None if bare else mtime_text(entry),
        **_link(entry if item.kind in (SYMLINK, HARDLINK) else None),
        "layer_index": item.layer_index,
        "links": item.links,
    }
    if entry is not None and item.kind in (CHAR, BLOCK_DEVICE):
        document["device"] = {"major": entry.device[0], "minor": entry.device[1]}
    if entry is not None and entry.xattrs and not bare:
        document["xattrs"] = [path_text(name) for name, _ in entry.xattrs]
    if item.lost is not None:
        document |= {"removed_in": item.lost.removed_in, "reason": item.lost.reason.value}
    return document


def _link(entry: Entry | None) -> Json:
    return {"linkname": None} if entry is None else path_keys(entry.linkname, "linkname")


def change_document(change: Change, tree: UnionTree) -> Json:
    """One path of ``diff``."""
    return {
        **path_keys(change.path),
        "kind": change.kind.value,
        **_types(tree, change.before, change.after),
        "bytes": change.size,
        "why": list(change.why),
        "copied": change.copied(tree),
    }


def event_document(event: PathEvent, path: bytes, tree: UnionTree) -> Json:
    """One event in the history of a path, with the entry that it left there."""
    after = None
    if event.after is not None and event.after >= 0:
        layer, row = tree.locate(event.after)
        entry = tree.tables[layer].row(row)
        after = item_document(Item(path, entry, layer, tree.names.get(event.after, 1)))
    return {
        "layer_index": event.layer_index,
        "kind": event.kind.value,
        **_types(tree, event.before, event.after),
        "why": list(event.why),
        "reason": event.reason.value if event.reason else None,
        **({"unit": None} if event.unit is None else path_keys(event.unit, "unit")),
        "entry": after,
    }


def _types(tree: UnionTree, before: int | None, after: int | None) -> Json:
    return {
        "type": None if after is None else TYPE_NAMES[tree.kind_of(after)],
        "type_before": None if before is None else TYPE_NAMES[tree.kind_of(before)],
    }


def json_pieces(head: Json, key: str, documents: Iterable[Json]) -> Iterator[str]:
    """A document whose last key is a list that is written as it comes."""
    start = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    yield json_text(f'{start},\n  "{key}": [')
    separator = "\n    "
    for document in documents:
        text = json_text(json.dumps(document, ensure_ascii=False))
        yield f"{separator}{text}"
        separator = ",\n    "
    yield "]\n}\n" if separator == "\n    " else "\n  ]\n}\n"


def json_lines(documents: Iterable[Json]) -> Iterator[str]:
    """A document a line."""
    for document in documents:
        yield json_text(json.dumps(document, ensure_ascii=False)) + "\n"


_COLUMNS = (
    *("path", "type", "size", "mode", "uid", "gid", "mtime", "linkname", "layer_index", "links"),
    *("removed_in", "reason"),
)


def csv_lines(documents: Iterable[Json], columns: tuple[str, ...] = _COLUMNS) -> Iterator[str]:
    """Rows of CSV, those of :data:`_COLUMNS` where no others are named; lists become words."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.upper() for column in columns)
    for document in documents:
        writer.writerow(_value(document.get(column)) for column in columns)
        if out.tell() > 1 << 16:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _value(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else value
