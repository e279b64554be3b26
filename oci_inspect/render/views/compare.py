"""``compare``: two images side by side."""

from __future__ import annotations

import json
from collections import Counter

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.comparison.results import (
    CacheBreak,
    Comparison,
    Transfer,
)
from oci_inspect.paths import file_text
from oci_inspect.render.blocks import (
    MISSING,
    Block,
    Cell,
    Column,
    Digest,
    Facts,
    Fit,
    Heading,
    Role,
    Size,
    Table,
    Text,
)
from oci_inspect.render.sizes import clock, human_size, percent, plural
from oci_inspect.render.views.common import step_of, title, verdict, waste_line
from oci_inspect.render.views.compare_files import TURNS, files_table, folders_table, signed
from oci_inspect.render.views.compare_layers import layers_table, rebuild_blocks

SETTINGS = 25
"""Settings that are listed at least."""
TOP = 10
"""Groups of files, and folders, that are listed unless more are asked for."""


def compare_view(
    found: Comparison, archives: tuple[str, str], top: int | None = TOP
) -> list[Block]:
    """What is the same and what is not.

    ``top`` groups of files and folders are listed. Where it is None, all folders are, and no files:
    those are listed one by one, see :func:`path_lines`.
    """
    blocks: list[Block] = [
        Heading(f"{title(found.before)} compared with {title(found.after)}", level=1),
        _facts(found, archives),
        _identity(found),
    ]
    if found.config:
        blocks.append(_config(found, None if top is None else max(top, SETTINGS)))
    blocks.append(layers_table(found))
    if found.rebuilds:
        blocks += rebuild_blocks(found)
    folders = folders_table(found, top)
    if folders is not None:
        blocks.append(folders)
    if found.groups and top is not None:
        blocks.append(files_table(found.groups, top))
    return blocks


def verdict_line(found: Comparison) -> str:
    """One line: whether a container would see and do the same."""
    line = f"{_filesystem(found)}; {_settings(found)}"
    if found.same:
        line = "same filesystem, same config"
    if not found.proven:
        line += ", by size and CRC-32 alone: a stream cannot be read again"
    return line if found.complete else f"{line}, as far as they could be read"


def _filesystem(found: Comparison) -> str:
    if found.same_filesystem:
        return "same filesystem"
    count = len(found.files.differences)
    if not any(one.content for one in found.files.differences):
        return f"same files, but for the metadata of {plural(count, 'path')}"
    return f"{plural(count, 'difference')} in the filesystem"


def _settings(found: Comparison) -> str:
    if found.same_config:
        return "same config"
    return f"{plural(len(found.config), 'difference')} in the config"


def _facts(found: Comparison, archives: tuple[str, str]) -> Facts:
    verified = found.before.verified and found.after.verified
    sure = found.same and found.complete and found.proven and verified
    role = Role.OK if sure else Role.WARNING
    pairs: list[tuple[str, Cell | tuple[Cell, ...]]] = [
        ("A", _side(found.before, archives[0])),
        ("B", _side(found.after, archives[1])),
        ("Verdict", Text(verdict_line(found), role)),
        ("Layers", _shared_line(found)),
    ]
    if found.cache is not None:
        pairs.append(("First that differs", _break_cells(found, found.cache)))
    if not found.same_filesystem:
        pairs.append(("Paths", _sums_line(found)))
    pairs += [
        ("Push of B", f"{_transfer(found.push)} to a registry that has A"),
        ("Pull of B", f"{_transfer(found.pull)} to a docker host that has A"),
    ]
    return Facts(tuple(pairs))


def _side(image: ImageAnalysis, archive: str) -> tuple[Cell, ...]:
    """Which image of which archive, and what is wrong with it."""
    name = f"{title(image)} in {file_text(archive)}"
    if image.verified and image.complete:
        return (name,)
    told = verdict(image)
    return name, Text(f"{told.text} ('verify' tells more)", told.role)


def _shared_line(found: Comparison) -> str:
    shared, count = found.shared, len(found.after.layers)
    if found.same_layers:
        if not count:
            return "none in either"
        blobs = shared.by_digest.layers
        line = f"all {count} are the same" if count != 1 else "the only one is the same"
        return line if blobs == count else f"{line}, {blobs} of them by digest too"
    line = f"{shared.by_chain_id.layers} of B's {count} shared"
    if shared.by_chain_id.layers:
        line += f" ({human_size(shared.by_chain_id.file_bytes)})"
    return f"{line}; by diff_id {shared.by_diff_id.layers}, by digest {shared.by_digest.layers}"


def _break_cells(found: Comparison, one: CacheBreak) -> tuple[Cell, ...]:
    cells: list[Cell] = [f"layer {one.layer_index}{_own_line(found, one)}: {one.explanation}"]
    if one.instruction_before == one.instruction_after and one.instruction_after:
        cells.append(Text(one.instruction_after, Role.CODE))
    else:
        if one.instruction_before:
            cells.append(Text(f"A: {one.instruction_before}", Role.CODE))
        if one.instruction_after:
            cells.append(Text(f"B: {one.instruction_after}", Role.CODE))
    rebuilt, again = one.rebuilt, one.same_again
    if rebuilt.layers:
        count, size = plural(rebuilt.layers, "layer"), human_size(rebuilt.file_bytes)
        text = f"{count} of B, {size}, from there up"
        if again.layers:
            text += f"; {again.layers} of them came out the same as in A"
        cells.append(text)
    return tuple(cells)


def _own_line(found: Comparison, one: CacheBreak) -> str:
    """The layer's own instruction, where another one is to blame."""
    if one.layer_index >= len(found.after.layers) or one.step_after is None:
        return ""
    step = step_of(found.after, found.after.layers[one.layer_index])
    if step is None or step.index == one.step_after or not step.instruction:
        return ""
    return f" ({step.instruction.splitlines()[0][:60]})"


def _sums_line(found: Comparison) -> str:
    sums = {key: [0, 0] for key in TURNS}
    for one in found.files.differences:
        entry = sums[one.turn, one.content]
        entry[0] += 1
        entry[1] += one.growth
    parts = []
    for (turn, content), (paths, growth) in sums.items():
        if paths:
            if content:
                parts.append(f"{paths:,} {turn.value} ({signed(growth)})")
            else:
                parts.append(f"{paths:,} with other metadata only ({_words(found)})")
    return f"{', '.join(parts)}; {found.files.unchanged:,} the same"


def _words(found: Comparison) -> str:
    """In what metadata differ, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in found.files.differences:
        if not one.content:
            counts.update(one.why)
    return ", ".join(word for word, _ in counts.most_common())


def _transfer(one: Transfer) -> str:
    if not one.layers:
        return "0B"
    least = "at least " if one.unknown else "about " if one.estimated else ""
    text = f"{least}{human_size(one.size)} in {plural(len(one.layers), 'layer')}"
    notes = ["estimated: the archive holds them uncompressed"] if one.estimated else []
    if one.unknown:
        notes.append(f"of {one.unknown} nothing tells the size")
    return f"{text} ({'; '.join(notes)})" if notes else text


def _identity(found: Comparison) -> Table:
    """Both images, row by row; rows that are the same step back."""
    rows: list[tuple[Cell, ...]] = []
    both = found.before, found.after

    def row(label: str, old: Cell, new: Cell) -> None:
        same = Text("same", Role.DIM) if old == new else "differ"
        rows.append((label, old, new, None if old is None or new is None else same))

    row("Image ID", *(Digest(one.image_id) if one.image_id else None for one in both))
    if any(one.manifest_digest for one in both):
        row(
            "Manifest",
            *(Digest(one.manifest_digest) if one.manifest_digest else None for one in both),
        )
    row("Platform", *(str(one.platform) for one in both))
    row("Created", *(clock(one.created) for one in both))
    row("Layers", *(str(len(one.layers)) for one in both))
    row("Files", *(f"{one.totals.files:,}" for one in both))
    row("Size", *(Size(one.totals.file_bytes) for one in both))
    row("Stored", *(Size(one.totals.size) for one in both))
    row("Waste", *(_waste(one) for one in both))
    return Table(
        title="Side by side",
        columns=(Column(""), Column("A"), Column("B"), Column("")),
        rows=tuple(rows),
    )


def _waste(image: ImageAnalysis) -> str:
    if not image.complete:
        return waste_line(image)
    return f"{human_size(image.totals.wasted_bytes)} ({percent(1 - image.totals.efficiency)})"


def _config(found: Comparison, most: int | None) -> Table:
    shown = found.config if most is None else found.config[:most]
    left = len(found.config) - len(shown)
    return Table(
        title="Config",
        columns=(
            Column("CHANGE"),
            Column("SETTING", fit=Fit.MIDDLE, least=12),
            Column("A", fit=Fit.END, least=12),
            Column("B", fit=Fit.END, least=12),
        ),
        rows=tuple(
            (TURNS[one.turn, True], one.key, _value(one.before), _value(one.after)) for one in shown
        ),
        caption=f"{left:,} more: --all shows them" if left else "",
    )


def _value(value: object) -> Cell:
    if value is None:
        return MISSING
    if value is True:
        return "yes"
    if value == "":
        return '""'
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
