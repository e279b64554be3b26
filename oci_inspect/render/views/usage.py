"""``df``: what images take up together, who shares which layer, what removing some would free."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from oci_inspect.analysis.usage import DiskUsage, ImageUsage, LayerUsage, Removal
from oci_inspect.paths import file_text
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Count,
    Digest,
    Facts,
    Fit,
    Note,
    Role,
    Size,
    Table,
    Text,
    Time,
)
from oci_inspect.render.cells import short_digest
from oci_inspect.render.sizes import clock, human_size, percent, plural, rfc3339
from oci_inspect.render.views.common import findings_table
from oci_inspect.spec.reference import repository_and_tag

TOP = 20
"""Layers that are listed unless all are asked for."""

_DIGITS = 4
"""docker system df prints sizes with one digit more than docker image ls."""
_NAMED = 3
"""Images that are named where they share a layer; the others are counted."""
_NONE = Text("<none>", Role.DIM)
_PER_RULE = 3
_INCOMPLETE = "Not all layers could be read: sizes are at least those shown."


def usage_view(usage: DiskUsage, *, everything: bool = False, verbose: bool = False) -> list[Block]:
    """Images as ``docker system df -v`` lists them, the sums, and the largest layers, or all."""
    if not usage.images:
        return [Note("no images", Role.WARNING)]
    names = _names(usage)
    blocks: list[Block] = [_images(usage, verbose), Facts(tuple(_sums(usage, names)))]
    if not usage.complete:
        blocks.append(Note(_INCOMPLETE, Role.WARNING))
    own = (found for one in usage.images for found in one.findings)
    findings = tuple(dict.fromkeys((*usage.findings, *own)))
    if findings:
        table = findings_table(findings, "Findings", None if verbose else _PER_RULE)
        blocks.append(replace(table, main=False))
    blocks.append(_layers(usage, names, None if everything else TOP))
    return blocks


def _images(usage: DiskUsage, verbose: bool) -> Table:
    several = len(usage.archives) > 1
    platforms = len({one.platform for one in usage.images}) > 1
    columns = (
        Column("REPOSITORY", fit=Fit.MIDDLE, least=12),
        Column("TAG", fit=Fit.MIDDLE, least=6),
        Column("IMAGE ID"),
        Column("CREATED", group=1),
        Column("PLATFORM", group=1, data_only=not platforms),
        Column("ARCHIVE", fit=Fit.MIDDLE, least=16, group=1, data_only=not several),
        Column("SIZE", right=True, group=2),
        Column("SHARED SIZE", right=True, group=2),
        Column("UNIQUE SIZE", right=True, group=2),
        Column("STATUS", group=2, data_only=usage.complete),
        Column("REFERENCES", data_only=True),
    )
    rows = tuple(
        (
            *_name_cells(image),
            _id_cell(image, verbose),
            Time(rfc3339(image.created), clock(image.created)),
            str(image.platform),
            _archives(image),
            _size(image.size),
            _size(image.shared_size),
            _size(image.unique_size),
            _status(image),
            " ".join(image.references),
        )
        for image in usage.images
    )
    return Table(columns=columns, rows=rows)


def _id_cell(image: ImageUsage, verbose: bool) -> Cell:
    if image.image_id is None:
        return _NONE
    return Digest(image.image_id, "full" if verbose else "short")


def _name_cells(image: ImageUsage) -> tuple[Cell, Cell]:
    if not image.references:
        return _NONE, _NONE
    repository, tag = repository_and_tag(image.references[0])
    return _NONE if repository is None else repository, _NONE if tag is None else tag


def _archives(image: ImageUsage) -> str:
    more = len(image.archives) - 1
    return file_text(image.archives[0].path) + (f" and {more:,} more" if more else "")


def _status(image: ImageUsage) -> Text:
    return Text("complete", Role.OK) if image.complete else Text("INCOMPLETE", Role.WARNING)


def _size(size: int | None) -> Size:
    return Size(size, Role.DIM if size == 0 else Role.PLAIN, _DIGITS)


# The sums


def _sums(usage: DiskUsage, names: list[str]) -> list[tuple[str, Cell | tuple[Cell, ...]]]:
    totals = usage.totals
    least = "" if usage.complete else "at least "
    pairs: list[tuple[str, Cell | tuple[Cell, ...]]] = [
        ("Images", f"{totals.images:,} in {plural(len(usage.archives), 'archive')}"),
        ("Layers", f"{totals.layers:,}, {totals.distinct_layers:,} distinct"),
        ("Stored once", least + _human(totals.stored_size)),
        ("If nothing were shared", least + _human(totals.size)),
    ]
    share = f" ({percent(totals.saved_size / totals.size)})" if totals.saved_size else ""
    pairs.append(("Saved by sharing", _human(totals.saved_size) + share))
    pairs += [
        ("As tars", _each_once(totals.uncompressed_size, totals.distinct_diff_ids, "diff ID")),
        ("As blobs", _each_once(totals.blob_size, totals.distinct_digests, "digest")),
    ]
    if totals.images > 1:
        pairs.append(("Removing frees", _removals(usage, names)))
    return pairs


def _each_once(size: int, count: int, noun: str) -> str:
    return f"{_human(size)} of {count:,} distinct {noun}" + ("" if count == 1 else "s")


def _human(size: int) -> str:
    return human_size(size, _DIGITS)


def _removals(usage: DiskUsage, names: list[str]) -> tuple[Cell, ...]:
    newest, of_each = usage.all_but_newest, usage.all_but_newest_of_each
    lines = [
        "an image: its UNIQUE SIZE",
        f"all but the newest: {_human(newest.freed)} ({_kept(newest, names)})",
    ]
    if of_each.kept != newest.kept:
        freed = _human(of_each.freed)
        lines.append(f"all but each repository's newest: {freed} ({_kept(of_each, names)})")
    return tuple(lines)


def _kept(removal: Removal, names: list[str]) -> str:
    if len(removal.kept) == 1:
        return f"{names[removal.kept[0]]} stays"
    return f"{len(removal.kept):,} of {len(names):,} stay"


# The layers


def _names(usage: DiskUsage) -> list[str]:
    """What to call each image: a reference, its ID behind it where others are called so too."""
    ids = [
        short_digest(image.image_id or next(iter(image.manifest_digests), "image"))
        for image in usage.images
    ]
    names = [
        image.references[0] if image.references else short
        for image, short in zip(usage.images, ids, strict=True)
    ]
    counts = Counter(names)
    return [
        f"{name} ({short})" if counts[name] > 1 and name != short else name
        for name, short in zip(names, ids, strict=True)
    ]


def _layers(usage: DiskUsage, names: list[str], top: int | None) -> Table:
    shown = usage.layers[:top]
    left = usage.layers[len(shown) :]
    rest = sum(layer.disk_size or 0 for layer in left)
    return Table(
        title="Layers, the largest first",
        main=False,
        columns=(
            Column("SIZE", right=True),
            Column("IMAGES", right=True),
            Column("SHARED BY", fit=Fit.END, least=16),
            Column("INSTRUCTION", fit=Fit.END, least=16, weight=2),
        ),
        rows=tuple(
            (
                _size(layer.disk_size),
                Count(len(layer.images)),
                _sharers(layer, names),
                _instruction(layer),
            )
            for layer in shown
        ),
        caption=f"{len(left):,} more, {_human(rest)}: --all shows them" if left else "",
        empty="no layers",
        more=": history --no-trunc shows all",
    )


def _sharers(layer: LayerUsage, names: list[str]) -> Cell:
    if len(layer.images) == 1:
        return names[layer.images[0]]
    if len(layer.images) == len(names):
        return f"all {len(names):,} images"
    told = ", ".join(names[i] for i in layer.images[:_NAMED])
    more = len(layer.images) - _NAMED
    return f"{told} and {more:,} more" if more > 0 else told


def _instruction(layer: LayerUsage) -> Cell:
    if layer.instruction:
        return Text(layer.instruction, Role.CODE)
    return MISSING
