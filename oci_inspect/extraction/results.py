"""What came of an extraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What happened to a path that did not simply become what the image has there."""

    FAILED = "failed"
    """Not made, though it should have been."""
    SKIPPED = "skipped"
    """Not made, since nobody asked for its kind."""
    ALTERED = "altered"
    """Made, but without all of its metadata."""
    LEADS_OUT = "leads-out"
    """A symbolic link, made as it is, that leads out of the target folder."""


class Told(NamedTuple):
    """One path of the image, and why it is told of."""

    path: bytes
    outcome: Outcome
    reason: str


@dataclass(slots=True)
class Extraction:
    """What was made below ``directory``, and what was not.

    ``files`` are regular files, each content once; ``hardlinks`` the further names that they, and
    whatever else has several, were given. ``folders`` are those that were not there before.
    ``specials`` are devices and FIFOs. ``content_bytes`` are those of files, without holes.
    ``damaged`` is True where content could not be read out of the archive.
    """

    directory: str
    files: int = 0
    folders: int = 0
    symlinks: int = 0
    hardlinks: int = 0
    specials: int = 0
    content_bytes: int = 0
    damaged: bool = False
    told: list[Told] = field(default_factory=list)

    def tell(self, path: bytes, outcome: Outcome, reason: str) -> None:
        """Note what happened to a path."""
        self.told.append(Told(path, outcome, reason))

    def of(self, outcome: Outcome) -> list[Told]:
        """The paths with one outcome, sorted."""
        return sorted(one for one in self.told if one.outcome is outcome)

    def reasons(self) -> Iterator[tuple[Outcome, str, list[bytes]]]:
        """Paths with the same outcome for the same reason, together."""
        groups: dict[tuple[Outcome, str], list[bytes]] = {}
        for path, outcome, reason in sorted(self.told):
            groups.setdefault((outcome, reason), []).append(path)
        order = list(Outcome)
        for (outcome, reason), paths in sorted(
            groups.items(), key=lambda one: (order.index(one[0][0]), -len(one[1]), one[0][1])
        ):
            yield outcome, reason, paths

    @property
    def ok(self) -> bool:
        """Whether all was made that should have been."""
        return not any(one.outcome is Outcome.FAILED for one in self.told)
