"""docs/ci-formats.md shows what is written: each of its examples is a part of a report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.checks import KEPT, TOO_LARGE, UNJUDGED, WASTEFUL, judged

from oci_inspect.render.ci import CHECK_FORMATS, render_check
from oci_inspect.render.ci.github import render_check_github
from oci_inspect.render.ci.gitlab import render_check_gitlab
from oci_inspect.render.ci.junit import render_check_junit
from oci_inspect.render.ci.markdown import LIMIT, render_check_markdown
from oci_inspect.render.ci.openmetrics import render_check_openmetrics
from oci_inspect.render.ci.sarif import render_check_sarif
from oci_inspect.rules.model import Check

ROOT = Path(__file__).parent.parent.parent.parent
PAGE = (ROOT / "docs" / "ci-formats.md").read_text("utf-8")
SHOWN = {
    "GitHub workflow commands": render_check_github,
    "Markdown": render_check_markdown,
    "SARIF": render_check_sarif,
    "JUnit": render_check_junit,
    "GitLab code quality": render_check_gitlab,
    "OpenMetrics": render_check_openmetrics,
}


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return text


@pytest.mark.parametrize("title", SHOWN)
def test_the_examples_are_parts_of_reports(title):
    check = Check((judged(TOO_LARGE, WASTEFUL, KEPT, UNJUDGED),))
    made = SHOWN[title](check).splitlines()
    (block,) = re.findall(r"^```\w+\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    start = 0
    for line in block.splitlines():
        start = made.index(line, start) + 1


def test_each_format_is_made_by_its_name_and_is_on_the_page():
    check = Check((judged(TOO_LARGE),))
    assert {render_check(check, name) for name in CHECK_FORMATS} == {
        render(check) for render in SHOWN.values()
    }
    assert [f"`{name}`" for name in sorted(CHECK_FORMATS)] == sorted(
        re.findall(r"^\| (`\w+`) \|", PAGE.partition("\n## ")[0], re.MULTILINE)
    )
    told = {"max-size": "It is not too large."}
    assert "It is not too large." in render_check(check, "sarif", told)


def test_every_metric_is_on_the_page():
    made = render_check_openmetrics(Check((judged(TOO_LARGE),)))
    names = set(re.findall(r"^# TYPE oci_inspect_(\w+) ", made, re.MULTILINE))
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
    assert names <= set(told)


def test_the_length_of_a_report_is_on_the_page():
    assert f"at most {LIMIT:,} bytes" in PAGE
