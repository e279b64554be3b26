"""How text for a terminal is laid out: all that depends on who is looking."""

from __future__ import annotations

from dataclasses import dataclass

WIDE = 160
"""From this width on nothing is cut: long cells go on in further lines of their column."""

FULL_DIGESTS = 200
"""From this width on digests are shown whole."""


@dataclass(frozen=True, slots=True)
class Style:
    """The place that text is made for.

    ``width`` is in columns, None for no end (nothing is cut and nothing wraps: for pipes).
    ``unicode`` False keeps the output to ASCII. ``verbose`` shows digests whole.
    """

    width: int | None = 80
    color: bool = False
    unicode: bool = True
    verbose: bool = False

    @property
    def wide(self) -> bool:
        """Whether long cells wrap inside their column instead of being cut."""
        return self.width is None or self.width >= WIDE

    @property
    def full_digests(self) -> bool:
        """Whether digests are shown whole."""
        return self.verbose or self.width is None or self.width >= FULL_DIGESTS
