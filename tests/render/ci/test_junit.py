from __future__ import annotations

import re
from xml.etree import ElementTree

from support.checks import ALL, KEPT, OFF, TOO_LARGE, judged, mixed

from oci_inspect.render.ci.junit import render_check_junit
from oci_inspect.rules.model import Check

# Jenkins' junit-10.xsd: which attributes an element may have, which it must, what may be in it.
ATTRIBUTES = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": (
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log"}
        | {"url", "name", "tests", "failures", "errors"},
        {"name", "tests", "failures", "errors"},
    ),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"skipped", "error", "failure", "system-out"},
}


def parsed(text: str) -> ElementTree.Element:
    """The report, once it is sure that Jenkins and GitLab take it."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, needed = ATTRIBUTES[element.tag]
        assert needed <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    cases = list(root.iter("testcase"))
    for suite in (root, *root):
        inside = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(inside))
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if key != "skipped" or suite is not root:
                assert suite.get(key) == str(sum(one.find(tag) is not None for one in inside))
    # GitLab ignores the second of a name; Jenkins keeps one result of a case.
    assert len({(one.get("classname"), one.get("name")) for one in cases}) == len(cases)
    assert all(len(one) <= 1 for one in cases)
    return root


def results(root: ElementTree.Element) -> dict[str, tuple[str, str | None]]:
    found = {}
    for case in root[0]:
        child = case[0] if len(case) else None
        found[case.get("name")] = ("", None) if child is None else (child.tag, child.text)
    return found


def test_each_rule_is_a_case_of_the_image_s_suite():
    root = parsed(render_check_junit(mixed()))
    assert [suite.get("name") for suite in root] == [
        "example/app:1.2.3 (linux/amd64)",
        "example/other:1 (linux/amd64)",
    ]
    found = results(root)
    assert {name: tag for name, (tag, _) in found.items()} == {
        "max-layers": "",
        "max-waste": "system-out",
        "user": "skipped",
        "max-growth": "error",
        "max-size": "failure",
        "base-age": "system-out",
    }
    assert found["max-size"][1].split("\n") == [
        "error: 67.7MB are more than 50MB.",
        "Put the rm into the RUN of step 1.",
        "rule: ci/.oci-inspect.toml:4",
        "- /usr/share/doc (60MB, layer 0): deleted by step 4",
        "- no file at all (7MB, layer 2)",
        "- a label",
    ]
    assert found["base-age"][1] == "warning: not judged: There is no date."


def test_the_message_of_a_failure_is_one_line():
    root = parsed(render_check_junit(Check((judged(TOO_LARGE),))))
    assert root[0][0][0].attrib == {"type": "max-size", "message": "67.7MB are more than 50MB."}


def test_a_rule_that_comes_twice_is_two_cases():
    root = parsed(render_check_junit(Check((judged(*ALL, *ALL), judged(*ALL)))))
    assert [len(suite) for suite in root] == [12, 6]


def test_a_report_of_nothing_does_not_look_as_if_all_were_well():
    root = parsed(render_check_junit(Check(())))
    assert root.get("errors") == "1"


def test_where_all_is_well_nothing_fails():
    root = parsed(render_check_junit(Check((judged(KEPT, OFF),))))
    assert (root.get("failures"), root.get("errors"), root[0].get("skipped")) == ("0", "0", "1")


def test_no_section_of_character_data_can_be_closed_from_inside():
    assert not re.search(r"\]\]>|<!\[CDATA", render_check_junit(mixed()))
