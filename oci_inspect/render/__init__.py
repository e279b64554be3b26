"""Results as text: views make blocks of them, renderers make text of blocks.

Nothing here prints, asks the environment, or looks at a clock: width, colour and the present time
are arguments. Importing this costs nothing; each format is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from oci_inspect.render.style import Style

if TYPE_CHECKING:
    from oci_inspect.render.blocks import Block as Block

Format = Literal["table", "markdown", "csv"]
"""The formats that blocks can be rendered in."""

__all__ = ["Format", "Style", "render"]


def render(blocks: Iterable[Block], format: Format, style: Style | None = None) -> str:
    """The blocks in a format, ending in a line break. ``style`` matters to ``table`` alone."""
    if format == "markdown":
        from oci_inspect.render.markdown import render_markdown

        return render_markdown(blocks)
    if format == "csv":
        from oci_inspect.render.csv import render_csv

        return render_csv(blocks)
    from oci_inspect.render.text import render_text

    return render_text(blocks, style or Style())
