"""Where a base image ends, judged by the history alone.

A place is between two steps that make a layer, with the steps between them. What speaks for it:

- *FROM*: buildah and podman write ``FROM name`` into the comment of the first step of a build. The
  last one is taken.
- *CMD*: a step between the two is a CMD or ENTRYPOINT. A Dockerfile mostly ends with one, so that
  a layer behind it is of another Dockerfile. (Some say CMD early: by itself it is ``possible``.)
- *break*: much time passed between two steps: a minute or more behind that CMD, else an hour or
  more anywhere at the place. A break before the CMD speaks against it: BuildKit gives steps that
  make no layer the time of the layer before them, but those that begin a Dockerfile the time of
  its first layer (``exporter/containerimage/writer.go``, ``normalizeLayersAndHistory``).
- *builder*: the steps at the place were written by different builders.

Two of the last three make a place likely, FROM does so by itself; of several the uppermost counts,
since a base may have a base. FROM gives way only to a likely place above it where the builder
changed, since later builds by buildah write a FROM of their own. Otherwise one sign makes a place
possible: the uppermost change of builder, else the longest break, else the last CMD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from oci_inspect.analysis.results import HistoryStep
from oci_inspect.spec.config import parse_time

BEHIND_CMD = timedelta(minutes=1)
"""The shortest break that counts behind a CMD or ENTRYPOINT."""
ALONE = timedelta(hours=1)
"""The shortest break that counts by itself."""
_REAL_TIMES = 2000
"""Years before this are what reproducible builds write (1, 1970, 1980): no time at all."""
_LONGEST_NAME = 1024
_NO_TIME = timedelta()
_LAST_WORDS = ("CMD", "ENTRYPOINT")
_BUILDERS = (
    ("jib-", "jib"),
    ("ko build", "ko"),
    ("bazel build", "bazel"),
    ("umoci ", "umoci"),
    ("crane ", "crane"),
    ("apko", "apko"),
    ("Buildpacks", "buildpacks"),
    ("# debian.sh", "debuerreotype"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a base may end: above ``layers`` layers.

    ``name`` is what FROM says. ``cmd`` is the last CMD or ENTRYPOINT, ``gap`` the break that
    counts (zero for none) and ``later`` the step behind it, ``builders`` the two that met here.
    """

    layers: int
    name: str | None = None
    said: HistoryStep | None = None
    cmd: HistoryStep | None = None
    gap: timedelta = _NO_TIME
    later: HistoryStep | None = None
    builders: tuple[str, str] | None = None

    @property
    def likely(self) -> bool:
        """Whether enough speaks for it."""
        count = (self.cmd is not None) + bool(self.gap) + (self.builders is not None)
        return self.said is not None or count > 1

    def signs(self) -> Iterator[str]:
        """What speaks for it, in sentences; steps count from 1."""
        if self.said is not None:
            yield f"step {self.said.index + 1} says FROM {self.name}"
        if self.cmd is not None:
            yield f"step {self.cmd.index + 1} is {_a(self.cmd.keyword)}, and layers follow"
        if self.gap and self.later is not None:
            yield f"step {self.later.index + 1} was made {_length(self.gap)} after the one before"
        if self.builders is not None:
            yield f"{self.builders[0]} made what is below, {self.builders[1]} what follows"


def find_place(steps: Sequence[HistoryStep], layers: int) -> Place | None:
    """Where the history says that a base ends; see the top of this module.

    None where nothing speaks for any place, or where the history does not fit the ``layers``.
    ``layers`` of the place is 0 where a build that began with a FROM was squashed into one layer.
    """
    made = [i for i, step in enumerate(steps) if step.layer_index is not None]
    if len(made) != layers or sum(not step.empty_layer for step in steps) != layers:
        return None
    places = [
        _look(steps[below : above + 1], number)
        for number, (below, above) in enumerate(pairwise(made), 1)
    ]
    said = _from(steps)
    likely = [place for place in places if place.likely]
    if said is not None:
        above = [one for one in likely if one.builders is not None and one.layers > said.layers]
        if above:
            return above[-1]
        return None if said.name == "scratch" else said
    if likely:
        return likely[-1]
    changed = [place for place in places if place.builders is not None]
    broken = sorted((one for one in places if one.gap), key=lambda one: (one.gap, one.layers))
    ended = [place for place in places if place.cmd is not None]
    for found in (changed, broken, ended):
        if found:
            return found[-1]
    return None


def _from(steps: Sequence[HistoryStep]) -> Place | None:
    for step in reversed(steps):
        word, _, rest = step.comment.partition(" ")
        name = rest.split()[0] if rest.split() else ""
        if word == "FROM" and name and len(name) <= _LONGEST_NAME:
            below = sum(one.layer_index is not None for one in steps[: step.index])
            return Place(below, name, step)
    return None


def _look(steps: Sequence[HistoryStep], layers: int) -> Place:
    """What speaks for the place between the first and the last of some steps."""
    ends = [i for i, step in enumerate(steps[1:-1], 1) if step.keyword in _LAST_WORDS]
    least = BEHIND_CMD if ends else ALONE
    gap, later = _longest_break(steps[ends[-1] if ends else 0 :])
    if gap < least:
        gap, later = _NO_TIME, None
    known = [builder for step in steps if (builder := _builder(step)) is not None]
    changed = known and known[0] != known[-1]
    return Place(
        layers,
        cmd=steps[ends[-1]] if ends else None,
        gap=gap,
        later=later,
        builders=(known[0], known[-1]) if changed else None,
    )


def _longest_break(steps: Sequence[HistoryStep]) -> tuple[timedelta, HistoryStep | None]:
    longest, found = _NO_TIME, None
    before: datetime | None = None
    for step in steps:
        time = parse_time(step.created) if step.created else None
        if time is None or time.year < _REAL_TIMES:
            continue
        if before is not None and time - before > longest:
            longest, found = time - before, step
        before = time
    return longest, found


def _builder(step: HistoryStep) -> str | None:
    """Who wrote a step, where that can be seen."""
    if step.comment.startswith("buildkit.") or step.created_by.endswith("# buildkit"):
        return "BuildKit"
    if step.comment.startswith("debuerreotype"):
        return "debuerreotype"
    if "#(nop)" in step.created_by or step.created_by.startswith("/bin/sh -c "):
        return "the classic builder or buildah"
    return next((name for text, name in _BUILDERS if step.created_by.startswith(text)), None)


def _a(keyword: str | None) -> str:
    return f"an {keyword}" if keyword == "ENTRYPOINT" else f"a {keyword}"


def _length(gap: timedelta) -> str:
    seconds = int(gap.total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = seconds // unit
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return "less than a minute"
