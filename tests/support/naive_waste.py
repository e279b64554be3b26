"""Rolling waste up, plainly: a folder after all folders below it, each level by itself.

The rules once more, in recursion; shares nothing with the package but the values it works on.
"""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect import Dead

Row = tuple[bytes, int, int]
"""A path (of a folder: with a slash behind it), how many files, how many bytes."""


def roll_up_plainly(bucket: Sequence[Dead]) -> list[Row]:
    """Dead files with one maker, remover and reason, rolled up; sorted."""
    rows: list[Row] = []
    for unit in {one.unit for one in bucket if one.unit}:
        inside = [one for one in bucket if one.unit == unit]
        path = unit + b"/" if len(inside) > 1 else inside[0].paths[0]
        rows.append((path, len(inside), sum(one.size for one in inside)))
    alone = [one for one in bucket if not one.unit]
    for path in {one.paths[0] for one in alone}:
        same = [one for one in alone if one.paths[0] == path]
        rows.append((path, len(same), sum(one.size for one in same)))
    return sorted(_rolled(b"", rows, sum(one.size for one in bucket)))


def _rolled(folder: bytes, rows: list[Row], total: int) -> list[Row]:
    """What is left of the rows below a folder, which ends in a slash (the root is nothing)."""
    inside = [row for row in rows if row[0].startswith(folder) and row[0] != folder]
    names = [row[0][len(folder) :].rstrip(b"/") for row in inside]
    left = [row for row, name in zip(inside, names, strict=True) if b"/" not in name]
    for name in {name.partition(b"/")[0] for name in names if b"/" in name}:
        left += _rolled(folder + name + b"/", rows, total)
    small = [row for row in left if not total or row[2] / total < _large(row[0])]
    if not folder or len(small) < 3:
        return left
    rolled = (folder, sum(row[1] for row in small), sum(row[2] for row in small))
    return [row for row in left if row not in small] + [rolled]


def _large(path: bytes) -> float:
    """The share of the bytes with which a file or a folder keeps its name."""
    return 0.1 if path.endswith(b"/") else 0.6
