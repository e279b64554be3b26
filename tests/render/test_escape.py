from __future__ import annotations

import json
import re

import pytest

from oci_inspect.render.escape import (
    csv_cell,
    github_message,
    github_property,
    json_text,
    markdown,
    markdown_code,
    openmetrics_label,
    sarif_message,
    terminal,
    xml_text,
)

HOSTILE = [
    "\x1b[31mred",
    "\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m",
    "a\x7fb\x00c",
    "a\r\nb\tc\x0b\x0c\x85\u2028\u2029",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u200b\u200d\ufeff\u2060",
    "\u115f\u3164\ufe0f\U000e0101",
    "\udc80\ud800",
    "\ue000\U0010ffff",
    "\xa0\u3000",
    "\n::error::boo",
    "  ::error file=x::boo",
    "##[error]boo",
    "a ##vso[task.setvariable variable=x]boo",
    "##teamcity[buildStop]",
    "%0A::error::boo",
    "</script><script>alert(1)</script>",
    "a|b`c``d",
    "=HYPERLINK(0)",
    "@SUM(1)",
    "\\|\\`",
]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain text, with \\ and 'quotes'", "plain text, with \\ and 'quotes'"),
        ("ünïcode 日本", "ünïcode 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202egnp", "\\u202egnp"),
        ("\u200bx", "\\u200bx"),
        ("\ufe0f", "\\ufe0f"),
        ("\udc80", "\\udc80"),
        ("\U000e0101", "\\U000e0101"),
        ("::error::x", "\\x3a:error::x"),
        ("a ::warning::x", "a \\x3a:warning::x"),
        ("std::string", "std::string"),
        ("##[error]x", "#\\x23[error]x"),
        ("a ###vso[x]", "a ##\\x23vso[x]"),
        ("## a [link]", "## a [link]"),
    ],
)
def test_a_terminal_shows_what_it_must_not_obey(text, safe):
    assert terminal(text) == safe


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_gets_one_printable_line(text):
    safe = terminal(text)
    assert safe.isprintable()
    assert not safe.lstrip().startswith("::")
    assert not re.search(r"##[a-z]*\[", safe)
    assert terminal(safe) == safe
    assert terminal(text, ascii_only=True).isascii()


def test_tabs_stay_where_they_are_asked_for():
    assert terminal("a\tb\x1b", keep_tabs=True) == "a\tb\\x1b"
    assert terminal("\t::error::", keep_tabs=True) == "\t\\x3a:error::"


@pytest.mark.parametrize("make", [markdown, markdown_code])
@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_cells_hold_no_pipe_no_element_and_no_line_break(make, text):
    cell = make(text)
    assert cell.isprintable()
    assert "|" not in cell
    inner = re.sub(r"`[^`]*`", "", cell).replace("<code>", "").replace("</code>", "")
    assert not re.search(r"[<>`]", inner)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a|b", "a&#124;b"),
        ("a_b __c__", "a_b &#95;&#95;c&#95;&#95;"),
        ("*x* ~y~", "&#42;x&#42; &#126;y&#126;"),
        ("[a](http://b)", "&#91;a](http&#58;//b)"),
        ("www.evil.com", "www&#46;evil.com"),
        ("@someone and #12", "@&#8203;someone and #&#8203;12"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("&lt;", "&amp;lt;"),
        ("\\", "&#92;"),
        ("\x1b", "\\x1b"),
    ],
)
def test_prose_in_markdown_is_text_and_nothing_else(text, cell):
    assert markdown(text) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("RUN x && <y> @z", "`RUN x && <y> @z`"),
        ("a | b", "<code>a &#124; b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("", ""),
        ("\n", "`\\n`"),
    ],
)
def test_code_in_markdown(text, cell):
    assert markdown_code(text) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM", "'@SUM"),
        ("\tx", "'\\tx"),
        ("\rx", "'\\rx"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("a\nb", "a\\nb"),
        ("", ""),
    ],
)
def test_csv_cells_are_no_formulas(text, cell):
    assert csv_cell(text) == cell


@pytest.mark.parametrize(
    ("text", "message", "told"),
    [
        ("50% done\r\n::error::x", "50%25 done%0D%0A::error::x", None),
        ("a:b,c\n", "a:b,c%0A", "a%3Ab%2Cc%0A"),
        ("%0A%3A", "%250A%253A", "%250A%253A"),
        ("\x1b", "\\x1b", "\\x1b"),
        ("##[error]x", "#\\x23[error]x", "#\\x23[error]x"),
        ("::x", "\\x3a:x", "\\x3a%3Ax"),
        ("\udcff\u202e", "\\udcff\\u202e", "\\udcff\\u202e"),
    ],
)
def test_workflow_commands_stay_one_line(text, message, told):
    assert github_message(text) == message
    assert github_property(text) == (message.replace(":", "%3A") if told is None else told)


@pytest.mark.parametrize(
    ("text", "xml"),
    [
        ("<a b='c' d=\"e\">&lt;", "&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;lt;"),
        ("]]>", "]]&gt;"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x00\x1b\x85", "\\x00\\x1b\\x85"),
        ("\udc80\ufffe\uffff", "\\udc80\\ufffe\\uffff"),
        ("\u202e", "\\u202e"),
        ("::error::x", "\\x3a:error::x"),
        ("ünïcode 日本", "ünïcode 日本"),
    ],
)
def test_xml_holds_no_markup_and_nothing_that_it_cannot_hold(text, xml):
    assert xml_text(text) == xml


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\\\nb"),
        ('"} 1', '\\"} 1'),
        ("\udc80\x1b", "\\\\udc80\\\\x1b"),
        ("{a=b,c}# EOF", "{a=b,c}# EOF"),
    ],
)
def test_labels_of_openmetrics_stay_between_their_quotes(text, label):
    assert openmetrics_label(text) == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${HOME} {0}", "${{HOME}} {{0}}"),
        ("[x](http://y)", "[x] (http://y)"),
        ("[x\\](y)", "[x\\] (y)"),
        ("[0] (a)", "[0] (a)"),
        ("a\nb\udc80", "a\\nb\\udc80"),
    ],
)
def test_messages_of_sarif_have_no_placeholder_and_no_link(text, message):
    assert sarif_message(text) == message


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain \u00e9 \u6f22 \U0001f600", "plain \u00e9 \u6f22 \U0001f600"),
        ("\x9b31m", "\\u009b31m"),
        ("\x7f", "\\u007f"),
        ("\u202e\u2066\u2028", "\\u202e\\u2066\\u2028"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("\udc80", "\\udc80"),
        ("##[error]x ##vso[x] # #[x]", "#\\u0023[error]x #\\u0023vso[x] # #[x]"),
    ],
)
def test_json_stays_the_same_document_without_what_drives_a_terminal(text, escaped):
    document = json.dumps(text, ensure_ascii=False)
    assert json_text(document) == f'"{escaped}"'
    assert json.loads(json_text(document)) == text
