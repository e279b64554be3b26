"""Judged images as GitHub workflow commands: annotations beside the rules that were broken.

Source: docs.github.com, "Workflow commands for GitHub Actions"; actions/toolkit, command.ts.
"""

from __future__ import annotations

from oci_inspect.paths import file_text
from oci_inspect.render.ci.naming import full_name, image_names, platform_of, relative
from oci_inspect.render.ci.wording import (
    State,
    cut,
    item_sentence,
    message,
    outcome,
    severity,
    state,
)
from oci_inspect.render.escape import github_message, github_property, terminal
from oci_inspect.render.sizes import plural
from oci_inspect.rules.model import Check, Level, Verdict

SHOWN = 10
"""Annotations of each level that GitHub shows of one step; the others stay in the log."""
ITEMS = 5


def render_check_github(check: Check) -> str:
    """One ``::error`` or ``::warning`` per broken rule, the worst first, and one ``::notice``.

    ``file`` and ``line`` are the rule's place in the file of rules, and left out where it was
    given on the command line: an annotation needs a file of the repository.
    """
    named = zip(check.images, image_names(check), strict=True)
    broken = [
        (verdict, full_name(name, platform_of(image)))
        for image, name in named
        for verdict in image.verdicts
        if verdict.broken
    ]
    broken.sort(key=lambda pair: severity(pair[0]))
    lines = [_command(verdict, name) for verdict, name in broken]
    text = outcome(check)
    for level in (Level.ERROR, Level.WARNING):
        count = sum(verdict.level is level for verdict, _ in broken)
        if count:
            text += f", {plural(count, level.value)}"
        if count > SHOWN:
            text += f" (GitHub shows {SHOWN}, the log has all)"
    lines.append(f"::notice title=oci-inspect check::{github_message(text)}")
    return "\n".join(lines) + "\n"


def _command(verdict: Verdict, name: str) -> str:
    properties = []
    if verdict.source.path is not None:
        properties.append(("file", file_text(relative(verdict.source.path))))
        if verdict.source.line is not None:
            properties.append(("line", str(verdict.source.line)))
    properties.append(("title", f"{verdict.rule}: {name}"))
    told = ",".join(f"{key}={github_property(terminal(value))}" for key, value in properties)
    command = "error" if verdict.level is Level.ERROR else "warning"
    return f"::{command} {told}::{github_message(_text(verdict))}"


def _text(verdict: Verdict) -> str:
    lines = [message(verdict)]
    if state(verdict) is State.UNJUDGED:
        lines[0] = f"not judged: {lines[0]}"
    if verdict.advice:
        lines.append(cut(verdict.advice))
    lines += [item_sentence(item) for item in verdict.items[:ITEMS]]
    if len(verdict.items) > ITEMS:
        lines.append(f"{len(verdict.items) - ITEMS:,} more")
    # Only the line breaks between these lines are our own.
    return "\n".join(terminal(line) for line in lines)
