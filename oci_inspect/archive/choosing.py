"""Choosing images where several archives are named: what fits in none of them is an error."""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect.archive.contents import Image
from oci_inspect.archive.selection import choices, matching, select
from oci_inspect.errors import SelectionError
from oci_inspect.spec.platform import Platform

_CHOICES = 20
"""Images that are listed where none fits; archives may have thousands."""


class Choice:
    """Which images are meant, in archives that come one by one."""

    def __init__(self, wanted: Sequence[str], platform: Platform | None) -> None:
        self._wanted = dict.fromkeys(wanted)
        self._platform = platform
        self._missed = dict(self._wanted)
        self._archives = 0
        self._found = 0
        self._here: list[Image] = []

    def among(self, path: str, images: Sequence[Image], reference: str | None) -> list[Image]:
        """The images of one archive that are meant, each once, in its order.

        ``reference`` stood beside its ``path``. Raises :class:`SelectionError` where it fits none.
        """
        self._archives += 1
        self._here += images[: max(0, _CHOICES - len(self._here))]
        if self._wanted:
            found = []
            for name in self._wanted:
                fitting = matching(images, name, self._platform)
                if fitting:
                    self._missed.pop(name, None)
                found += fitting
        elif reference is not None:
            try:
                found = select(images, reference, self._platform)
            except SelectionError as error:
                problem = f"{path}: {error.problem}"
                raise SelectionError(problem, error.choices) from error
        else:
            found = matching(images, None, self._platform)
        meant = {id(one) for one in found}
        self._found += len(meant)
        return [image for image in images if id(image) in meant]

    def check(self) -> None:
        """Raise :class:`SelectionError` for what fitted no image of any archive."""
        where = "the archive" if self._archives == 1 else f"any of {self._archives:,} archives"
        for name in self._missed:
            on = f" for {self._platform}" if self._platform else ""
            raise SelectionError(f"no image {name!r}{on} in {where}", self._choices())
        if self._platform is not None and not self._found:
            here = ", ".join(dict.fromkeys(str(image.platform) for image in self._here))
            raise SelectionError(f"no image for {self._platform}: here are {here or 'none'}")

    def _choices(self) -> tuple[str, ...]:
        if self._archives == 1:
            return choices(self._here)
        return tuple(line.partition("  ")[2] for line in choices(self._here))
