"""A rules file to begin with: limits a little above what images are today, each with a comment."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.errors import ArchiveError
from oci_inspect.findings import Severity
from oci_inspect.paths import path_text
from oci_inspect.quantities import human_size, percent
from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.paths import setuid_files
from oci_inspect.rules.words import one_line

ROOM = 1.1
"""How much larger than today an image may become."""
_MOST_LISTED = 100
_UNITS = (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12))


def starting_file(images: Sequence[ImageAnalysis]) -> str:
    """The text of a ``.oci-inspect.toml`` that all of the images keep to.

    Raises :class:`ArchiveError` for an image that could not be read to its end, or none at all.
    """
    for image in images:
        if not image.complete:
            raise ArchiveError(image.name, "it could not be read to its end: no limits are set")
    if not images:
        raise ArchiveError("no image", "there is nothing to set limits by")
    return "\n".join([*_lines(images), ""])


def size_above(size: int) -> str:
    """A size that is a tenth larger, rounded up to two digits, as a rules file has it."""
    wanted = size + -(-size // 10)
    if wanted < 1000:
        return str(wanted)
    unit, factor = next((one for one in _UNITS if wanted < one[1] * 1000), _UNITS[-1])
    step = factor * 10 ** max(-1, len(str(wanted // factor)) - 2)
    if step < 1:
        step = factor // 10
    step = int(step)
    rounded = -(-wanted // step) * step
    number = f"{rounded / factor:.1f}".removesuffix(".0")
    return json.dumps(f"{number}{unit}")


def _lines(images: Sequence[ImageAnalysis]) -> Iterator[str]:
    names = ", ".join(one_line(_printable(image.name), 80) for image in images[:5])
    more = f" and {len(images) - 5} more" if len(images) > 5 else ""
    totals = [image.totals for image in images]
    content = max(one.file_bytes for one in totals)
    stored = max(one.size for one in totals)
    layer = max((one.file_bytes for image in images for one in image.layers), default=0)
    count = max(len(image.layers) for image in images)
    waste = max(one.wasted_bytes for one in totals)
    share = max(1 - one.efficiency for one in totals)
    yield f"# Rules for 'oci-inspect check', made by --init of {names}{more}."
    yield "# Limits are a little above what was found. In pyproject.toml it is [tool.oci-inspect]."
    yield '# A level other than error: max-size = { value = "500MB", level = "warning" }, or "off".'
    yield from _rule("max-size", size_above(content), human_size(content))
    yield from _rule("max-stored-size", size_above(stored), human_size(stored))
    yield from _rule("max-layer-size", size_above(layer), human_size(layer))
    yield from _rule("max-layers", str(count + max(1, count // 10)), str(count))
    yield from _rule("max-waste", size_above(max(waste, content // 100)), human_size(waste))
    yield from _rule("max-waste-percent", _share_above(share), percent(share))
    yield from _rule("max-growth", '"10%"', "only with --baseline", commented=True)
    severities = {one.severity for image in images for one in image.findings}
    forbidden = '["error"]' if Severity.WARNING in severities else '["error", "warning"]'
    told = "there are errors" if Severity.ERROR in severities else "none of these"
    broken = Severity.ERROR in severities
    yield from _rule("forbid-findings", forbidden, told, commented=broken)
    paths = '["**/.git", "**/id_rsa", "**/id_ed25519", "**/.npmrc", "**/.aws/credentials"]'
    yield from _rule("forbid-paths-in-layers", paths, "not looked at yet", commented=True)
    yield from _setuid(images)
    yield from _rule("forbid-root", "true", "not looked at yet", commented=True)
    example = CATALOGUE["require-labels"].example
    yield from _rule("require-labels", example, "not looked at yet", commented=True)
    yield ""
    yield "# Other rules for some images; * stands for anything. The last one that fits counts."
    yield "# [[images]]"
    yield '# match = "*/worker:*"'
    yield f"# max-size = {size_above(2 * content)}"


def _rule(name: str, value: str, today: str, *, commented: bool = False) -> Iterator[str]:
    mark = "# " if commented else ""
    yield ""
    yield f"# {CATALOGUE[name].help} Today: {today}."
    yield f"{mark}{name} = {value}"


def _setuid(images: Iterable[ImageAnalysis]) -> Iterator[str]:
    paths = sorted({path for image in images for path, *_ in setuid_files(image.tree)})
    texts = [path_text(path) for path in paths]
    fitting = len(texts) <= _MOST_LISTED and all(
        text.isprintable() and text.encode() == path
        for text, path in zip(texts, paths, strict=True)
    )
    if not fitting:
        yield from _rule("allow-setuid", "[]", f"{len(texts):,}, not listed here", commented=True)
        return
    listed = ", ".join(json.dumps("/" + _plain(text), ensure_ascii=False) for text in texts)
    yield from _rule("allow-setuid", f"[{listed}]", f"{len(texts)}")


def _plain(path: str) -> str:
    """A path as a pattern that matches nothing else."""
    return "".join(f"[{one}]" if one in "*?[{\\" else one for one in path)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)


def _share_above(share: float) -> str:
    return json.dumps(f"{min(100, math.ceil(share * 100 * ROOM + 1e-9))}%")
