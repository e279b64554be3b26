"""``cache info``: where scans are kept."""

from __future__ import annotations

from oci_inspect.paths import path_text
from oci_inspect.render.blocks import MISSING, Block, Count, Facts, Role, Text
from oci_inspect.render.sizes import human_size


def cache_view(
    *, folder: bytes | None, entries: int, size: int, most: int, problem: str | None
) -> list[Block]:
    """Folder, number of scans, bytes; and why none are kept, where none are."""
    used = Text(f"no: {problem}", Role.WARNING) if problem else Text("yes", Role.OK)
    return [
        Facts(
            (
                ("Folder", MISSING if folder is None else path_text(folder)),
                ("In use", used),
                ("Scans", Count(entries)),
                ("Size", f"{human_size(size)} of at most {human_size(most)}"),
            )
        )
    ]
