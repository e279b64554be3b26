"""Text that an image may hold, in every place of every format: it parses, and comes back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.checks import TOO_LARGE, commands, hostile, judged
from support.sarif_schema import SARIF

from oci_inspect.render.ci.github import render_check_github
from oci_inspect.render.ci.gitlab import render_check_gitlab
from oci_inspect.render.ci.junit import render_check_junit
from oci_inspect.render.ci.markdown import LIMIT, render_check_markdown
from oci_inspect.render.ci.openmetrics import render_check_openmetrics
from oci_inspect.render.ci.sarif import render_check_sarif
from oci_inspect.render.escape import terminal
from oci_inspect.rules.model import Check, Source

RENDERERS = {
    "github": render_check_github,
    "gitlab": render_check_gitlab,
    "junit": render_check_junit,
    "markdown": render_check_markdown,
    "openmetrics": render_check_openmetrics,
    "sarif": render_check_sarif,
}

TRICKS = (
    "",
    " ",
    "a\nb\r\nc\u2028d",
    "\x1b[31mred\x1b]8;;http://evil\x07",
    "]]>",
    "<!--&amp;<b>'\"",
    "\n::error::boo",
    "::add-mask::x",
    "  ::stop-commands::x",
    "##[error]boo",
    "a::b,c=d%0A%25",
    "\u202egnp.exe\u2066",
    "\udcff\ud800",
    "\ufffe\uffff\U0001fffe",
    "\x00\x0b\x7f\x85",
    '"\\\n',
    "\\n",
    "} 1\n# EOF\nx{",
    "{0} {} [x](1) \\](2)",
    "</details><script>",
    "|`|`",
    "@someone #1",
    "../" * 25,
    "e" + "\u0301" * 80,
)

texts = st.text(st.characters(codec=None), max_size=60)


def with_tricks(test):
    for trick in TRICKS:
        test = example(trick)(test)
    return given(texts)(test)


@with_tricks
def test_every_format_is_text_that_drives_no_terminal(text):
    check = hostile(text)
    for name, render in RENDERERS.items():
        made = render(check)
        made.encode("utf-8")
        assert made.endswith("\n"), name
        for line in made.split("\n"):
            assert line.isprintable(), f"{name}: {line!r}"
            assert "##[" not in line, f"{name}: {line!r}"
            if name != "github":
                assert not line.lstrip().startswith("::"), f"{name}: {line!r}"


@with_tricks
def test_github_reads_as_many_commands_as_we_wrote_and_the_same_text(text):
    found = commands(render_check_github(hostile(text)))
    assert [name for name, _, _ in found] == ["error"] * 4 + ["warning"] * 2 + ["notice"]
    assert all(told.keys() <= {"file", "line", "title"} for _, told, _ in found)
    first = found[0][2].split("\n")
    assert first[0] == terminal(text or "a: failed")
    assert first[-1] == (terminal(text) or "unnamed")
    assert found[4][1]["line"] == "3"


@with_tricks
def test_gitlab_reads_json_with_the_same_text(text):
    issues = json.loads(render_check_gitlab(hostile(text)))
    assert [one["check_name"] for one in issues] == ["a", "b", "c"] * 2
    assert len({one["fingerprint"] for one in issues}) == 6
    tail = f" {terminal(text)}" if text else ""
    assert issues[0]["description"].endswith(f"): {terminal(text) or 'a: failed'}{tail}")
    assert all(one["location"]["path"] for one in issues)


@with_tricks
def test_xml_reads_the_same_text(text):
    root = ElementTree.fromstring(render_check_junit(hostile(text)))
    assert [len(suite) for suite in root] == [5, 5]
    failure = root[0][0][0]
    assert failure.tag == "failure"
    assert failure.get("message") == (terminal(text) or "a: failed")
    assert failure.text.split("\n")[0] == f"error: {terminal(text) or 'a: failed'}"
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(cases)) == 10


@with_tricks
def test_prometheus_reads_the_same_labels(text):
    made = render_check_openmetrics(hostile(text), layers=True)
    found = {one.name: one for one in text_string_to_metric_families(made)}
    samples = found["oci_inspect_rule_passed"].samples
    assert len(samples) == 2 * 4
    named = {one.labels["image"] for one in samples}
    assert all(terminal(text) in name for name in named)
    platform = terminal(f"{text or 'unknown'}/{text or 'unknown'}")
    assert {one.labels["platform"] for one in samples} == {platform}


@with_tricks
def test_sarif_reads_json_with_the_same_text(text):
    log = json.loads(render_check_sarif(hostile(text)))
    Draft202012Validator(SARIF).validate(log)
    result = log["runs"][0]["results"][0]
    told = re.sub(r"\{\{|\}\}", lambda found: found[0][0], result["message"]["text"])
    wanted = terminal(text) or "a: failed"
    assert told.replace("] (", "](").count(wanted.replace("] (", "](")) >= 1
    assert "](" not in told
    first = result["relatedLocations"][0]["logicalLocations"][0]
    path = text.encode("utf-8", "surrogatepass") + b"/\xff\x1b"
    shown = "/" + path.decode("utf-8", "backslashreplace").lstrip("/")
    assert first["name"] == terminal(shown)


@with_tricks
def test_a_markdown_table_keeps_its_cells(text):
    made = render_check_markdown(hostile(text))
    rows = [line for line in made.split("\n") if line.startswith("|")]
    assert len(rows) == 2 * (2 + 4)
    for row in rows:
        assert len(re.split(r"(?<!\\)\|", row)) == 7, row
    prose = re.sub(r"`[^`\n]*`", "", made)
    tags = set(re.findall(r"<[^>]*>", prose))
    assert tags <= {"<code>", "</code>", "<br>"}
    assert "://" not in prose


@pytest.mark.parametrize("name", RENDERERS)
def test_a_megabyte_of_text_is_cut(name):
    made = RENDERERS[name](hostile("x" * 1_048_576))
    assert len(made) < LIMIT
    assert re.search(r"x{100}… ?\(1,048,576 characters\)|… \(1,048,57\d bytes\)", made)


@pytest.mark.parametrize("name", RENDERERS)
def test_the_same_check_gives_the_same_text(name):
    assert RENDERERS[name](hostile("a")) == RENDERERS[name](hostile("a"))


def test_bytes_of_file_names_that_are_not_utf_8_are_shown_as_bytes():
    """Python holds them as surrogates (PEP 383); a URI has them as they are (RFC 3986, 2.5)."""
    place = Source("r\udcff.toml", 3)
    broken = replace(TOO_LARGE, source=place)
    ones = (judged(broken, archive="a\udcfe.tar"), judged(broken, archive="b\udcfd.tar"))
    made = {name: render(Check(ones)) for name, render in RENDERERS.items()}
    for name, text in made.items():
        assert "udcf" not in text, name
        assert "a\\xfe.tar" in text.replace("\\\\", "\\"), name
    for name in ("github", "gitlab", "junit"):
        assert "r\\xff.toml" in made[name].replace("\\\\", "\\"), name
    assert '"uri": "r%FF.toml"' in made["sarif"] and '"uri": "a%FE.tar"' in made["sarif"]
