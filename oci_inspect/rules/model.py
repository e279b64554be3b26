"""What is asked of images, and what came of it: frozen values.

A *rule* is one of the catalogue, by name. A *setting* is a rule with a value and a level, from the
command line or from a line of a file. A *verdict* is a setting held against one image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from oci_inspect.analysis.results import ArchiveInfo, ImageAnalysis

Value = int | float | bool | str | tuple[str, ...] | None
"""Bytes and counts as int, shares from 0 to 1 as float, globs, labels and users as text."""


class Level(StrEnum):
    """How much a broken rule matters. Only errors fail a build."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


class Unit(StrEnum):
    """What a figure counts."""

    BYTES = "bytes"
    COUNT = "count"
    RATIO = "ratio"
    """From 0 to 1; shown in percent."""
    NONE = "none"
    """No figure: paths, labels, a user."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a setting was made. ``path`` is None for the command line; ``line`` counts from 1."""

    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A rule that is asked for, with its value.

    ``images`` is a pattern of references that it is for (``*`` in it matches anything), None for
    all images; of two settings of one rule the one that stands later, and is for the image, counts.
    """

    rule: str
    value: Value
    level: Level = Level.ERROR
    source: Source = field(default_factory=Source)
    images: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that broke a rule: a path of the image, a layer, a label, a finding.

    ``path`` is None where it is no file. ``layer_index`` is where it lies, ``size`` its bytes,
    ``text`` one sentence on it, such as who deleted it.
    """

    text: str
    path: bytes | None = None
    layer_index: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule held against one image.

    ``passed`` is None where it could not be judged (no baseline, no config, an image that could not
    be read to its end): that is no pass. ``actual`` and ``limit`` are figures in ``unit``, None
    where the rule has none. ``message`` is one sentence with both, ``advice`` the line to change,
    or empty. ``items`` are what broke it, the worst first.
    """

    rule: str
    level: Level
    passed: bool | None
    message: str
    unit: Unit = Unit.NONE
    actual: float | None = None
    limit: float | None = None
    advice: str = ""
    items: tuple[Item, ...] = ()
    source: Source = field(default_factory=Source)

    @property
    def broken(self) -> bool:
        """Whether it is broken or could not be judged, and is not switched off."""
        return self.passed is not True and self.level is not Level.OFF

    @property
    def fails(self) -> bool:
        """Whether it fails the build."""
        return self.broken and self.level is Level.ERROR


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """An image with its verdicts, in the order of the catalogue."""

    archive: ArchiveInfo
    image: ImageAnalysis
    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing fails the build."""
        return not any(one.fails for one in self.verdicts)


@dataclass(frozen=True, slots=True)
class Check:
    """All images of one call."""

    images: tuple[ImageCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether there are images and nothing fails the build."""
        return bool(self.images) and all(one.ok for one in self.images)
