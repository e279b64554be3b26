from __future__ import annotations

import json

from support.checks import ALL, KEPT, judged, mixed

from oci_inspect.render.ci.gitlab import render_check_gitlab
from oci_inspect.rules.model import Check


def check_report(issues: object) -> None:
    """What docs.gitlab.com, "Code Quality report format", asks for."""
    assert isinstance(issues, list)
    for issue in issues:
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(issue)
        assert all(isinstance(issue[key], str) and issue[key] for key in ("description",))
        assert isinstance(issue["check_name"], str) and issue["check_name"]
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        path, lines = issue["location"]["path"], issue["location"]["lines"]
        assert isinstance(path, str) and path and not path.startswith("./")
        assert isinstance(lines["begin"], int) and lines["begin"] >= 1
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(prints)


def test_each_broken_rule_is_an_issue():
    text = render_check_gitlab(mixed())
    issues = json.loads(text)
    check_report(issues)
    told = [
        (one["check_name"], one["severity"], one["location"]["path"], one["location"]["lines"])
        for one in issues
    ]
    assert told == [
        ("max-waste", "minor", "image.tar", {"begin": 1}),
        ("max-growth", "major", "image.tar", {"begin": 1}),
        ("max-size", "major", "ci/.oci-inspect.toml", {"begin": 4}),
        ("base-age", "minor", "image.tar", {"begin": 1}),
    ]
    assert issues[2]["description"] == (
        "example/app:1.2.3 (linux/amd64): 67.7MB are more than 50MB."
        " Put the rm into the RUN of step 1."
    )
    assert "not judged: There is no baseline." in issues[1]["description"]
    # The report begins with no byte order mark: GitLab refuses one.
    assert text.startswith("[")


def test_the_same_image_twice_has_its_own_fingerprints():
    issues = json.loads(render_check_gitlab(Check((judged(*ALL), judged(*ALL)))))
    assert len(issues) == 8
    check_report(issues)


def test_where_all_is_well_the_report_is_an_empty_list():
    assert json.loads(render_check_gitlab(Check((judged(KEPT),)))) == []
