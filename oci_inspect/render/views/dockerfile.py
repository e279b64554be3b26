"""``dockerfile``: the Dockerfile that the history still tells."""

from __future__ import annotations

from oci_inspect.analysis.instructions import from_comment
from oci_inspect.analysis.results import HistoryStep, ImageAnalysis
from oci_inspect.render.blocks import Block, Lines
from oci_inspect.render.sizes import human_size


def dockerfile_text(image: ImageAnalysis, comments: bool = True, unicode: bool = True) -> str:
    """The Dockerfile as text that is safe to print."""
    from oci_inspect.render import Style, render

    return render(dockerfile_view(image, comments), "table", Style(unicode=unicode))


def dockerfile_view(image: ImageAnalysis, comments: bool = True) -> list[Block]:
    """One block of lines, oldest step first; what is lost or no instruction is a comment.

    Without ``comments`` only what a builder would obey is left.
    """
    if not comments:
        kept = [] if any(_is_from(step) for step in image.history[:1]) else ["FROM scratch"]
        for step in image.history:
            kept += [] if step.raw else step.instruction.split("\n")
        return [Lines(tuple(kept), language="dockerfile")]
    lines = [
        # First, and no comment of the archive before it: a parser directive would have to be.
        f"# Rebuilt from the history of {_one_line(image.name)}",
        "# Sources of COPY and ADD, other build stages and quoting may be lost.",
        "",
    ]
    if not any(_is_from(step) for step in image.history[:1]):
        lines += ["FROM scratch", ""]
    for step in image.history:
        text = _step(step)
        # Steps that only set something stay together; what made a layer stands alone.
        apart = step.layer_index is not None or len(text) > 1
        if apart and lines[-1]:
            lines.append("")
        lines += [*text, ""] if apart else text
    while lines and not lines[-1]:
        lines.pop()
    return [Lines(tuple(lines), language="dockerfile")]


def _is_from(step: HistoryStep) -> bool:
    return not step.raw and step.keyword == "FROM"


def _step(step: HistoryStep) -> list[str]:
    lines: list[str] = []
    base = from_comment(step.comment)
    if base is not None and step.index:
        lines.append(f"# FROM {_one_line(base)}: all steps above are its own")
    if step.layer_index is not None:
        size = human_size(step.size)
        lines.append(f"# step {step.index + 1}, layer {step.layer_index}: {size}")
    if step.note:
        lines.append(f"# note: {_one_line(step.note)}")
    if step.build_args:
        lines.append(f"# build arguments: {_one_line(' '.join(step.build_args))}")
    if step.raw:
        text = step.instruction or step.created_by or step.comment or "(nothing is recorded)"
        lines += [f"# {line}".rstrip() for line in text.split("\n")]
    else:
        lines += step.instruction.split("\n")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
