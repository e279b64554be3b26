"""One table: every place that text of an archive goes to, and every kind of hostile text.

In each place a second tool reads back what was written (html.parser, csv, xml.etree, json,
prometheus-client, the rules of GitHub's runner, a small reader of CommonMark, the file system). It
must find the same text, or the same with escapes that can be seen, and nothing else beside it.
"""

from __future__ import annotations

import ast
import csv
import html
import io
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.checks import commands
from support.tars import TarBuilder
from support.trees import opened

from oci_inspect import extract
from oci_inspect.render import escape
from oci_inspect.render.escape import terminal

PACKAGE = Path(__file__).parent.parent.parent / "oci_inspect"

TEXTS = {
    "plain": "RUN apt-get update && rm -rf /var/lib/apt/lists/*",
    "empty": "",
    "blanks": "   ",
    "blanks around": "  a  b  ",
    "colour": "a\x1b[31mred\x1b[0m",
    "cursor": "a\x1b[2J\x1b[Hb",
    "link": "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x85\x90\x9d",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x08\x08",
    "nul": "a\0b",
    "newlines": "a\nb\r\nc\u2028d\u2029e\x0bf\x0cg\x85h",
    "tab": "a\tb",
    "direction": "\u202egnp.exe\u2066x\u2069\u200f\u061c",
    "invisible": "a\u200b\u2060\ufeffb\U000e0041\u115f\u3164\ufe0f\U000e0101\xad",
    "surrogates": "a\ud800b\udc80\udfff\ud83d",
    "private": "\ue000\U0010ffff\ufdd0\ufffe\uffff",
    "command": "\n::error::boo",
    "command at the start": "::set-output name=x::y",
    "command behind blanks": "  ::add-mask::x ::error file=a,line=1::b",
    "command of azure": "##[error]boo ##vso[task.setvariable]x",
    "percent": "%0A::error::boo%0D%25%3A%2C",
    "script": "</script><script>alert(1)</script><!-- ]]> --><style>",
    "attributes": "\" onclick='x' '><img src=x onerror=alert(1)>",
    "entities": "&lt;b&gt; &#x41; &amp;amp; &nosuch;",
    "template": "{{ 7*7 }} {% raw %} ${HOME} {0} #{x}",
    "pipes": "a|b||c \\| \\\\|",
    "backticks": "a`b``c``` ` ``",
    "both": "a`|`b",
    "markdown": "[x](http://evil.example) ![y](z) **b** _c_ ~~d~~ <u>e</u> [^1] $x$ `f`",
    "mentions": "@someone #1 GH-2 www.evil.example mailto:a@b.c https://evil.example",
    "blocks": "# heading\n- item\n> quote\n---\n1. one\n    code\n|a|b|\n|-|-|\n```\nx\n```",
    "backslashes": "C:\\new\\table \\* \\_ \\` \\x1b[31m \\u202e \\",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula behind blanks": "  =1+1",
    "formulas": "@SUM(1)",
    "plus": "+1+1|cmd",
    "minus": "-1+1",
    "wide formula": "\uff1d1\uff0b1",
    "formula behind a tab": "\t=1",
    "formula behind a line break": "\r\n=1",
    "quotes": 'a"b\'c,d;e\\"f',
    "label": 'x"} 1\na{b="',
    "json": '"}],"verified":true,"x":["',
    "sarif": "[0](http://y) [x\\](y) {1} {{",
    "xml": "]]><!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
    "wide": "日本語" * 5,
    "combining": "e" + "\u0301" * 50,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "path": "../../etc/passwd",
    "uri": "javascript:alert(1)//?a=b#c d%2e",
    "long": "x" * 70_000,
}

PIECES = sorted({piece for text in TEXTS.values() for piece in re.findall(r"\W{1,3}|\w", text)})
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


class Elements(HTMLParser):
    """What a browser would find: elements with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", {}))

    handle_decl = handle_pi = unknown_decl = handle_comment


def in_terminal(text: str) -> str:
    return terminal(text)


def in_ascii_terminal(text: str) -> str:
    """What is beyond ASCII is an escape: undone here, for what could have been shown."""
    told = terminal(text, ascii_only=True)
    assert told.isascii()
    pattern = r"\\x([89a-f][0-9a-f])|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})"
    shown = re.sub(pattern, lambda one: chr(int(one[1] or one[2] or one[3], 16)), told)
    return terminal(shown)


def in_html(text: str) -> str:
    """As pages are made: Jinja2 escapes what was made safe to be seen."""
    markupsafe = pytest.importorskip("markupsafe")
    safe = markupsafe.escape(terminal(text))
    found = Elements(f"<td title='{safe}' lang=\"{safe}\">{safe}</td>")
    ((tag, attributes),) = found.found
    assert tag == "td" and set(attributes) == {"title", "lang"}
    assert attributes["title"] == attributes["lang"] == found.text
    return found.text


MARKUP = re.compile(
    r"[<>|`*~\[$]|(?<![^\W_])_|_(?![^\W_])|(?i:[a-z])://|(?i:www)\.|@\w|(?<![\w&])#\d"
)


def in_markdown(text: str) -> str:
    """Inline text without one mark in it; what a backslash escapes is not there either."""
    cell = escape.markdown(text)
    assert not MARKUP.search(cell), cell
    assert not re.search(r"\\[!-/:-@\[-`{-~]", cell), cell
    assert not re.search(r"&(?!(amp|lt|gt|#\d+);)", cell), cell
    told = html.unescape(cell.replace("&#8203;", ""))
    assert told == terminal(text).strip(" ")
    return terminal(text)


def in_markdown_code(text: str) -> str:
    """A code span is closed by as many backticks as opened it; a blank on each side goes."""
    cell = escape.markdown_code(text)
    assert "|" not in cell
    if not cell:
        assert not terminal(text).strip(" ")
        return terminal(text)
    if cell.startswith("<code>"):
        ((tag, attributes),) = Elements(cell).found
        assert (tag, attributes) == ("code", {})
        assert not re.search(r"[`*\[~$]|(?<!&)#\d", cell.replace("&#", ""))
        return Elements(cell).text
    assert cell[0] == cell[-1] == "`" and "`" not in cell[1:-1]
    inner = cell[1:-1]
    if inner.startswith(" ") and inner.endswith(" ") and inner.strip(" "):
        inner = inner[1:-1]
    return inner


def in_csv(text: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["before", escape.csv_cell(text), "behind"])
    ((before, cell, behind),) = csv.reader(io.StringIO(out.getvalue()), strict=True)
    assert (before, behind) == ("before", "behind")
    assert out.getvalue().count("\n") == 1
    assert cell.lstrip()[:1] not in tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")
    if text.lstrip(" ")[:1] in tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20"):
        assert cell[0] == "'"
        return cell[1:]
    return cell


def in_github(text: str) -> str:
    safe = terminal(text)
    message, title = escape.github_message(safe), escape.github_property(safe)
    ((name, properties, told),) = commands(f"::error title={title},line=1::x{message}\n")
    assert name == "error" and set(properties) == {"title", "line"} - ({"title"} - set(properties))
    assert told == f"x{safe}"
    # The runner takes the blanks off a property's ends.
    assert properties.get("title", "").strip() == safe.strip()
    return safe


def in_github_raw(text: str) -> str:
    """Text of our own may have line breaks; what is not ours does no harm even so."""
    line = f"::error title={escape.github_property(text)}::{escape.github_message(text)}"
    assert "\n" not in line and "\r" not in line and line.isprintable()
    assert len(commands(line)) == 1 and "##[" not in line
    return terminal(text)


def in_xml(text: str) -> str:
    safe = escape.xml_text(text)
    root = ElementTree.fromstring(f"<a b=\"{safe}\" c='{safe}'>{safe}<d/></a>")
    assert [one.tag for one in root.iter()] == ["a", "d"]
    assert root.attrib == {"b": root.text or "", "c": root.text or ""}
    return root.text or ""


def in_json(text: str) -> str:
    document = escape.json_text(json.dumps({"a": text, text: 1}, ensure_ascii=False))
    value = json.loads(document.encode("utf-8"))
    assert value == {"a": text, text: 1}
    assert all(one.isprintable() for one in document)
    return terminal(text)


def in_gitlab(text: str) -> str:
    """JSON whose texts GitLab shows as they are."""
    document = escape.json_text(json.dumps([{"description": terminal(text)}], ensure_ascii=False))
    ((told),) = json.loads(document)
    assert set(told) == {"description"}
    return told["description"]


def in_sarif(text: str) -> str:
    """Section 3.11: a viewer puts arguments for {0} and makes links of [text](target)."""
    document = escape.json_text(json.dumps({"text": escape.sarif_message(text)}))
    told = json.loads(document)["text"]
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", told) and "](" not in told
    return told.replace("{{", "{").replace("}}", "}").replace("] (", "](")


def in_openmetrics(text: str) -> str:
    safe = escape.openmetrics_label(text)
    lines = f'# TYPE a gauge\na{{l="{safe}",m="{safe}"}} 1\n# EOF\n'
    ((sample,),) = (family.samples for family in text_string_to_metric_families(lines))
    assert set(sample.labels) == {"l", "m"} and sample.value == 1
    assert sample.labels["l"] == sample.labels["m"]
    return sample.labels["l"]


def in_uri(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    uri = escape.uri_path(data)
    assert re.fullmatch(r"[A-Za-z0-9/_.~%-]*", uri)
    assert unquote_to_bytes(uri) == data
    return terminal(text)


def in_fragment(text: str) -> str:
    part = escape.uri_component(terminal(text))  # as a page does it
    assert re.fullmatch(r"[A-Za-z0-9_.!~*'()%-]*", part)
    return unquote_to_bytes(part).decode("utf-8")


PLACES: dict[str, Callable[[str], str]] = {
    "terminal": in_terminal,
    "ascii terminal": in_ascii_terminal,
    "html": in_html,
    "markdown": in_markdown,
    "markdown code": in_markdown_code,
    "csv": in_csv,
    "github": in_github,
    "github raw": in_github_raw,
    "xml": in_xml,
    "json": in_json,
    "gitlab": in_gitlab,
    "sarif": in_sarif,
    "openmetrics": in_openmetrics,
    "uri": in_uri,
    "fragment": in_fragment,
}


def check_terminal(told: str) -> None:
    assert told.isprintable()
    assert not re.search(r"(^|\s)::", told)
    assert "##[" not in told


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("place", PLACES)
def test_the_same_text_comes_back_or_its_escapes_and_nothing_else(place, text):
    check_terminal(terminal(text))
    assert PLACES[place](text) == terminal(text) or (
        place == "sarif" and PLACES[place](text) == terminal(text).replace("] (", "](")
    )


@pytest.mark.parametrize("place", PLACES)
@given(text=texts)
def test_whatever_is_put_together_of_them_does_no_harm(place, text):
    check_terminal(terminal(text))
    told = PLACES[place](text)
    assert told == terminal(text) or place == "sarif"
    assert told.replace("] (", "](") == terminal(text).replace("] (", "](")


def test_every_function_of_the_module_is_in_the_table():
    source = ast.parse(Path(escape.__file__).read_text("utf-8"))
    public = {
        one.name
        for one in source.body
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")
    }
    # visible() is a part of terminal(), and terminal_pieces() is terminal() line by line.
    tested = Path(__file__).read_text("utf-8")
    for name in public - {"visible", "terminal_pieces"}:
        assert re.search(rf"\b{name}\(", tested), name


def test_what_terminal_escapes_can_be_told_from_nothing_but_a_backslash():
    """Nothing is lost to the eye: every character is itself or its number."""
    for code in [
        *range(0x3000),
        *range(0xD7F0, 0xE010),
        *range(0xFE00, 0x10000),
        0xE0041,
        0x10FFFF,
    ]:
        told = terminal(f"a{chr(code)}b")[1:-1]
        names = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
        by_number = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        by_number = f"\\U{code:08x}" if code > 0xFFFF else by_number
        assert told in (chr(code), names.get(code, by_number))
        assert chr(code).isprintable() or told != chr(code)


@pytest.mark.parametrize("pieces", [1, 2, 3, 65_536])
def test_text_in_pieces_is_the_text(pieces):
    class Source:
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def read(self, size: int, /) -> bytes:
            return self._data.read(min(size, pieces))

    for text in TEXTS.values():
        if len(text) > 1_000:
            continue
        data = text.encode("utf-8", "backslashreplace")
        told = "".join(escape.terminal_pieces(Source(data)))
        for line in told.split("\n"):
            assert line.replace("\t", "").isprintable()
        if pieces == 65_536:
            lines = data.decode("utf-8").split("\n")
            assert told == "\n".join(terminal(line, keep_tabs=True) for line in lines)


# Names of files, on extract


def test_names_of_files_are_their_own_bytes_on_disk_and_escaped_where_they_are_told(
    tmp_path, capsysbinary
):
    from oci_inspect.cli import run

    names = []
    for text in TEXTS.values():
        name = text.encode("utf-8", "surrogatepass")[:200]
        if name.strip(b"/. ") and b"/" not in name and b"\0" not in name:
            names.append(name)
    assert len(names) > 35
    layer = TarBuilder().dir("d")
    for name in names:
        layer.file(b"d/" + name, b"1")
    out = tmp_path / "out"
    with opened(tmp_path / "in", layer) as (_, stack):
        assert extract(stack.tree(), out).files == len(set(names))
    found = os.listdir(os.fsencode(out / "d"))  # noqa: PTH208
    assert sorted(found) == sorted(set(names))
    assert os.listdir(out) == ["d"]  # noqa: PTH208
    assert run(["extract", str(tmp_path / "in" / "image.tar"), "-C", str(out)]) in (0, 1, 2)
    told = capsysbinary.readouterr()
    for line in (told.out + told.err).decode().split("\n"):
        check_terminal(line)


# No escape of its own anywhere else


ALONE = re.compile(
    r"""&(amp|lt|gt|quot|apos);|&\#\d+;|%0A|%0D|%25|saxutils|\bimport\ html|html\.escape"""
    r"""|quoteattr|str\.maketrans\(|urllib\.parse\ import\ quote|backslashreplace"\)\.replace""",
    re.VERBOSE,
)


@pytest.mark.parametrize(
    "path",
    [one for one in sorted((PACKAGE / "render").rglob("*.py")) if one.name != "escape.py"]
    + sorted((PACKAGE / "cli").rglob("*.py")),
    ids=lambda one: str(one.relative_to(PACKAGE)),
)
def test_nobody_else_has_an_escape_of_his_own(path):
    found = ALONE.search(path.read_text("utf-8"))
    assert found is None, f"{found[0]!r} belongs to render/escape.py"
