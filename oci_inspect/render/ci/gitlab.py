"""Judged images as a GitLab code quality report.

Source: docs.gitlab.com, "Code Quality", section "Code Quality report format".
"""

from __future__ import annotations

from oci_inspect.render.ci.naming import fingerprints, full_name, image_names, place_of, platform_of
from oci_inspect.render.ci.wording import State, cut, message, state
from oci_inspect.render.escape import terminal
from oci_inspect.render.json import dumps
from oci_inspect.rules.model import Check, Level

_SEVERITY = {Level.ERROR: "major", Level.WARNING: "minor"}


def render_check_gitlab(check: Check) -> str:
    """A JSON array with one object per broken rule and image; an empty one where none is broken.

    Errors are ``major``, warnings ``minor``. A rule without a place in a file is shown at line 1
    of the archive: GitLab drops what has no line.
    """
    issues = []
    images = zip(check.images, image_names(check), fingerprints(check), strict=True)
    for image, name, prints in images:
        for verdict, fingerprint in zip(image.verdicts, prints, strict=True):
            if not verdict.broken:
                continue
            place = place_of(image, verdict)
            unjudged = "not judged: " if state(verdict) is State.UNJUDGED else ""
            advice = f" {cut(verdict.advice)}" if verdict.advice else ""
            text = f"{full_name(name, platform_of(image))}: {unjudged}{message(verdict)}{advice}"
            issues.append(
                {
                    "description": terminal(text),
                    "check_name": terminal(verdict.rule),
                    "fingerprint": fingerprint,
                    "severity": _SEVERITY[verdict.level],
                    "location": {
                        "path": terminal(place.text),
                        "lines": {"begin": place.line or 1},
                    },
                }
            )
    return dumps(issues)
