"""Judged images as Markdown, for a comment on a pull request or ``$GITHUB_STEP_SUMMARY``."""

from __future__ import annotations

from collections.abc import Iterable

from oci_inspect.render.ci.naming import image_names, platform_of
from oci_inspect.render.ci.wording import (
    State,
    cut,
    cut_path,
    figures,
    item_facts,
    message,
    outcome,
    state,
    summary,
    worst_first,
)
from oci_inspect.render.escape import markdown, markdown_code
from oci_inspect.render.sizes import plural
from oci_inspect.render.views.common import waste_line
from oci_inspect.rules.model import Check, ImageCheck, Item, Verdict

LIMIT = 60_000
"""Bytes of one report: a comment on GitHub holds 65,536 characters, a step's summary 1 MiB."""
ITEMS = 50
"""Things that broke a rule which are listed of each."""
FEW = 3
"""Things that are listed without being folded."""

_STRONG = (State.FAILED, State.UNJUDGED, State.WARNING)


def render_check_markdown(check: Check, *, limit: int = LIMIT) -> str:
    """A line for each image, a table of its rules with the worst first, and what broke them.

    Images that fail come first. Never longer than ``limit`` bytes of UTF-8: what does not fit is
    told in less words, and at the end only counted.
    """
    named = sorted(zip(check.images, image_names(check), strict=True), key=_order)
    parts = [f"## oci-inspect check: {markdown(outcome(check))}"]
    # Room for the line that says what is missing.
    room = limit - len(parts[0].encode()) - 200
    for i, (image, name) in enumerate(named):
        for section in _sections(image, name, room):
            size = len(section.encode()) + 2
            if size <= room:
                break
        else:
            parts.append(f"{plural(len(named) - i, 'more image')}: there is no room for them here.")
            break
        room -= size
        parts.append(section)
    return "\n\n".join(parts) + "\n"


def _order(pair: tuple[ImageCheck, str]) -> int:
    image, _ = pair
    return 0 if not image.ok else 1 if any(one.broken for one in image.verdicts) else 2


def _sections(image: ImageCheck, name: str, room: int) -> Iterable[str]:
    """The section of an image, ever shorter; what cannot fit into ``room`` bytes is not made."""
    verdict = "passed" if image.ok else "failed"
    heading = f"### {markdown_code(name)} ({markdown(platform_of(image))}): {verdict}"
    waste = waste_line(image.image, nothing="no waste")
    line = f"{markdown(summary(image))}; {markdown(waste)}."
    asked = [one for one in worst_first(image.verdicts) if state(one) is not State.OFF]
    broken = [one for one in asked if one.broken]
    if not asked:
        yield f"{heading}\n\n{line}"
        return
    table = _table(asked)
    if not broken:
        folded = _folded(plural(len(asked), "rule"), table)
        yield f"{heading}\n\n{line}\n\n{folded}"
    else:
        lists = _lists(broken, room)
        if lists is not None:
            yield "\n\n".join((heading, line, table, *lists))
        yield f"{heading}\n\n{line}\n\n{table}"
        yield f"{heading}\n\n{line}\n\n{_table(broken)}"
    yield f"{heading}\n\n{line}"


def _table(verdicts: Iterable[Verdict]) -> str:
    lines = ["| Rule | Verdict | Actual | Limit | Why |", "| --- | --- | ---: | ---: | --- |"]
    for one in verdicts:
        found = state(one)
        word = f"**{found}**" if found in _STRONG else str(found)
        actual, limit = figures(one)
        why = markdown(message(one))
        if one.advice and one.broken:
            why = f"{why}<br>{markdown(cut(one.advice))}"
        cells = (markdown_code(cut(one.rule)), word, markdown(actual), markdown(limit), why)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _lists(verdicts: Iterable[Verdict], room: int) -> list[str] | None:
    """What broke each rule; None as soon as that is more than ``room`` bytes."""
    lists = []
    for one in verdicts:
        if one.items:
            lists.append(_items(one))
            room -= len(lists[-1])
        if room < 0:
            return None
    return lists


def _items(verdict: Verdict) -> str:
    lines = [_item(one) for one in verdict.items[:ITEMS]]
    if len(verdict.items) > ITEMS:
        lines.append(f"- {len(verdict.items) - ITEMS:,} more")
    rule = markdown(cut(verdict.rule))
    text = "\n".join(lines)
    if len(lines) <= FEW:
        return f"{rule}:\n\n{text}"
    return _folded(f"{rule}: {len(verdict.items):,}", text)


def _item(item: Item) -> str:
    facts, text = item_facts(item), markdown(cut(item.text))
    if item.path is None:
        return f"- {text} ({facts})" if facts else f"- {text}"
    head = markdown_code(cut_path(item.path))
    head = f"{head} ({facts})" if facts else head
    return f"- {head}: {text}" if text else f"- {head}"


def _folded(title: str, text: str) -> str:
    """Text behind a line to click on. The blank lines make GitHub read it as Markdown again."""
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"
