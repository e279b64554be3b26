"""What tells one image, and one verdict, from the others: names to show, and fingerprints.

A name is for people and must be its own in one report: JUnit readers and OpenMetrics drop or
refuse a second one. A fingerprint is for machines that hold two reports against each other: it
must be the same in the next build, so neither figures nor digests nor tags are in it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from posixpath import basename

from oci_inspect.paths import file_text
from oci_inspect.render.ci.wording import NAME_LENGTH, cut
from oci_inspect.render.escape import terminal
from oci_inspect.render.views.common import title
from oci_inspect.rules.model import Check, ImageCheck, Verdict
from oci_inspect.spec.reference import repository_and_tag


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verdict is shown: the file of rules and its line, else the archive.

    ``line`` counts from 1, None where it is not known. ``path`` is as the system gave it; ``text``
    is what is shown of it, not yet escaped.
    """

    path: str
    line: int | None

    @property
    def text(self) -> str:
        """The path without the surrogates that stand for bytes."""
        return file_text(self.path)


def place_of(image: ImageCheck, verdict: Verdict) -> Place:
    """The line to look at for a verdict."""
    if verdict.source.path is not None:
        return Place(relative(verdict.source.path), verdict.source.line)
    return Place(relative(image.archive.path), None)


def relative(path: str) -> str:
    """A path as CI systems want it: without ``./`` in front."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path or "."


def platform_of(image: ImageCheck) -> str:
    """The platform as one line of text."""
    return terminal(cut(str(image.image.platform), NAME_LENGTH))


def image_names(check: Check) -> tuple[str, ...]:
    """A name for each image, in the order of the check, no two the same for one platform.

    The reference, or a short digest; with the archive's path where that is not enough; numbered
    where that is not enough either. Each is one line without anything that is not seen.
    """
    platforms = [platform_of(one) for one in check.images]
    names = [terminal(cut(title(one.image), NAME_LENGTH)) for one in check.images]
    counts = Counter(map(full_name, names, platforms))
    for i, one in enumerate(check.images):
        if counts[full_name(names[i], platforms[i])] > 1:
            names[i] = f"{names[i]} in {terminal(cut(file_text(one.archive.path), NAME_LENGTH))}"
    taken: set[str] = set()
    for i, name in enumerate(names):
        number = 1
        while full_name(names[i], platforms[i]) in taken:
            number += 1
            names[i] = f"{name} #{number}"
        taken.add(full_name(names[i], platforms[i]))
    return tuple(names)


def full_name(name: str, platform: str) -> str:
    """A name of :func:`image_names` with the platform: no two of a check are the same."""
    return f"{name} ({platform})"


def rule_names(image: ImageCheck) -> tuple[str, ...]:
    """The rule of each verdict as one line, numbered from the second of a name on."""
    seen: Counter[str] = Counter()
    names = []
    for verdict in image.verdicts:
        name = terminal(cut(verdict.rule, NAME_LENGTH))
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return tuple(names)


def fingerprints(check: Check) -> tuple[tuple[str, ...], ...]:
    """For each image, for each of its verdicts, 64 hex digits that stay the same in later builds.

    Made of the rule, the repository (the archive's file name where the image has none) and the
    platform; several that would be the same are numbered in their order.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    result = []
    for image in check.images:
        own = []
        for verdict in image.verdicts:
            key = (verdict.rule, _lasting_name(image), str(image.image.platform))
            seen[key] += 1
            own.append(_digest("oci-inspect/1", *key, str(seen[key])))
        result.append(tuple(own))
    return tuple(result)


def _lasting_name(image: ImageCheck) -> str:
    for reference in image.image.references:
        repository, _ = repository_and_tag(reference)
        if repository:
            return repository
    return basename(image.archive.path.rstrip("/"))


def _digest(*parts: str) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "big"))
        hashed.update(data)
    return hashed.hexdigest()
