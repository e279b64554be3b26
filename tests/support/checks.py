"""Judged images made by hand, for what is rendered of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from oci_inspect import analyze
from oci_inspect.analysis.results import Analysis, ArchiveInfo, ImageAnalysis
from oci_inspect.rules.model import Check, ImageCheck, Item, Level, Source, Unit, Verdict
from oci_inspect.spec.platform import Platform

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"


@cache
def app() -> Analysis:
    """What docker 26 saved of the example."""
    return analyze(REAL / "docker26-app.tar")


def named(reference: str | None, platform: Platform | None = None) -> ImageAnalysis:
    """The example's image under another name; without one where it is None."""
    image = app().images[0]
    references = () if reference is None else (reference,)
    return replace(image, references=references, platform=platform or image.platform)


def judged(
    *verdicts: Verdict,
    reference: str | None = "example/app:1.2.3",
    archive: str = "image.tar",
    platform: Platform | None = None,
) -> ImageCheck:
    """An image with these verdicts."""
    info = ArchiveInfo(archive, "docker-archive", None, 1_000)
    return ImageCheck(info, named(reference, platform), verdicts)


TOO_LARGE = Verdict(
    "max-size",
    Level.ERROR,
    False,
    "67.7MB are more than 50MB.",
    Unit.BYTES,
    67_700_000,
    50_000_000,
    "Put the rm into the RUN of step 1.",
    (
        Item("deleted by step 4", b"usr/share/doc", 0, 60_000_000),
        Item("no file at all", None, 2, 7_000_000),
        Item("a label", None, None, None),
    ),
    Source("ci/.oci-inspect.toml", 4),
)
WASTEFUL = Verdict(
    "max-waste", Level.WARNING, False, "6% of it is dead.", Unit.RATIO, 0.06, 0.05, source=Source()
)
KEPT = Verdict("max-layers", Level.ERROR, True, "7 of at most 20.", Unit.COUNT, 7, 20)
UNJUDGED = Verdict("max-growth", Level.ERROR, None, "There is no baseline.")
UNJUDGED_WARNING = Verdict("base-age", Level.WARNING, None, "There is no date.")
OFF = Verdict("user", Level.OFF, None, "Switched off.")

ALL = (KEPT, WASTEFUL, OFF, UNJUDGED, TOO_LARGE, UNJUDGED_WARNING)


def mixed() -> Check:
    """An image with a verdict of each kind, and one that keeps its rule."""
    return Check((judged(*ALL), judged(KEPT, reference="example/other:1")))


def hostile(text: str, count: int = 2) -> Check:
    """Images about which everything that may come from outside says ``text``.

    So do the paths of the archive and of the rules, though they come from the user: the beginning.
    """
    path = text.encode("utf-8", "surrogatepass") + b"/\xff\x1b"
    items = (Item(text, path, 0, 5), Item(text, None, 3), Item(text))
    verdicts = (
        Verdict("a", Level.ERROR, False, text, Unit.BYTES, 2.0, 1.0, text, items),
        Verdict("b", Level.WARNING, False, text, advice=text, source=Source(text[:100] or "x", 3)),
        Verdict("c", Level.ERROR, None, text, items=items),
        Verdict("d", Level.ERROR, True, text),
        Verdict("e", Level.OFF, None, text),
    )
    platform = Platform(text, text)
    return Check(
        tuple(
            judged(*verdicts, reference=text, archive=text[:100], platform=platform)
            for _ in range(count)
        )
    )


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner makes of each line: name, properties, message.

    Written by the rules of actions/runner, ``ActionCommand.TryParseV2``: a line that begins with
    ``::`` behind blanks; the next ``::`` ends name and properties; those are split at ``,``.
    """
    found = []
    for line in text.split("\n"):
        rest = line.lstrip()
        if not rest.startswith("::"):
            assert not rest, f"no command: {line!r}"
            continue
        end = rest.index("::", 2)
        name, _, told = rest[2:end].partition(" ")
        properties = {}
        for pair in filter(None, told.split(",")):
            key, _, value = pair.partition("=")
            properties[key.strip()] = _decoded(value, (*_DATA, ("%3A", ":"), ("%2C", ",")))
        found.append((name, properties, _decoded(rest[end + 2 :], _DATA)))
    return found


_DATA = (("%0D", "\r"), ("%0A", "\n"))


def _decoded(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for code, character in pairs:
        text = text.replace(code, character)
    return text.replace("%25", "%")
