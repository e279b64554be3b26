"""Lines of keys: against documents whose writer noted them, and cases worked by hand."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_inspect.rules.toml_lines import Key, key_lines, line_of

TRAPS = ["x", "a = 1", "[t]", "[[t]]", "# no", "]", "}", '"', "'", "\\", "é", "a.b", ", ", ""]


class Writer:
    """Writes TOML piece by piece and notes on which line each key begins."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = lambda strategy: data.draw(strategy)
        self.text = ""
        self.lines: dict[Key, int] = {}
        self.value: dict[str, Any] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def gap(self, *, breaks: bool) -> None:
        choices = ["", " ", "\t "]
        if breaks:
            choices += ["\n", "\r\n", " # ] } ''' \"\"\" [x] a = 1\n", "\n\n  "]
        self.text += self.draw(st.sampled_from(choices))

    def key(self, name: str) -> None:
        forms = [json.dumps(name, ensure_ascii=False)]
        if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
            forms.append(name)
        if "'" not in name:
            forms.append(f"'{name}'")
        self.text += self.draw(st.sampled_from(forms))

    def scalar(self) -> Any:
        kind = self.draw(st.sampled_from(["int", "float", "bool", "date", "basic", "long", "raw"]))
        if kind == "int":
            self.text += "1_000"
            return 1000
        if kind == "float":
            self.text += "1e3"
            return 1000.0
        if kind == "bool":
            self.text += "true"
            return True
        if kind == "date":
            self.text += "1979-05-27 07:32:00"
            return tomllib.loads("x = 1979-05-27 07:32:00")["x"]
        body = "".join(self.draw(st.lists(st.sampled_from(TRAPS), max_size=4)))
        if kind == "basic":
            self.text += json.dumps(body, ensure_ascii=False)
            return body
        if kind == "long":
            more = self.draw(st.sampled_from(["", '"', '""', "\n", "\nk = 2\n[k]\n"]))
            escaped = json.dumps(body, ensure_ascii=False)[1:-1]
            self.text += f'"""x{escaped}\n{escaped} {more}"""'
            return f"x{body}\n{body} {more}"
        body = body.replace("'", "")
        more = self.draw(st.sampled_from(["", "'", "''", "\n", "\nk = 2\n"]))
        self.text += f"'''x{body}\n# {body} {more}'''"
        return f"x{body}\n# {body} {more}"

    def any(self, key: Key, depth: int) -> Any:
        kinds = ["scalar", "scalar"] + (["array", "inline"] if depth else [])
        kind = self.draw(st.sampled_from(kinds))
        if kind == "array":
            self.text += "["
            items = []
            for i in range(self.draw(st.integers(0, 3))):
                self.gap(breaks=True)
                self.lines[(*key, i)] = self.line
                items.append(self.any((*key, i), depth - 1))
                self.gap(breaks=True)
                self.text += ","
            self.gap(breaks=True)
            self.text += "]"
            return items
        if kind == "inline":
            self.text += "{"
            table: dict[str, Any] = {}
            names = self.draw(st.lists(st.sampled_from(["a", "b", "é"]), unique=True, max_size=3))
            for i, name in enumerate(names):
                self.text += ", " if i else " "
                self.pair(table, key, name, depth - 1)
            self.text += "}"
            return table
        return self.scalar()

    def pair(self, table: dict[str, Any], key: Key, name: str, depth: int) -> None:
        """A key, perhaps a dotted one, and its value."""
        line = self.line
        here: Key = (*key, name)
        self.lines.setdefault(here, line)
        self.key(name)
        if self.draw(st.booleans()):
            self.gap(breaks=False)
            self.text += "."
            self.gap(breaks=False)
            self.key("in side")
            table = table.setdefault(name, {})
            name = "in side"
            here = (*here, name)
            self.lines.setdefault(here, line)
        self.gap(breaks=False)
        self.text += "="
        self.gap(breaks=False)
        table[name] = self.any(here, depth)

    def pairs(self, table: dict[str, Any], key: Key) -> None:
        names = ["k", "value", "é", "a b", "", "#", "]", "."]
        for name in self.draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
            self.gap(breaks=True)
            self.pair(table, key, name, 2)
            self.gap(breaks=False)
            self.text += "# [no]\n" if self.draw(st.booleans()) else "\n"

    def document(self) -> str:
        self.pairs(self.value, ())
        for name in self.draw(st.lists(st.sampled_from(["t", "u", "ü"]), unique=True)):
            for i in range(self.draw(st.integers(0, 3))):
                self.gap(breaks=True)
                line = self.line
                self.lines.setdefault((name,), line)
                self.lines[(name, i)] = line
                self.text += "[["
                self.gap(breaks=False)
                self.key(name)
                self.text += "]]  # x\n"
                item: dict[str, Any] = {}
                self.value.setdefault(name, []).append(item)
                self.pairs(item, (name, i))
                if self.draw(st.booleans()):
                    self.lines[(name, i, "sub")] = self.line
                    self.text += "["
                    self.key(name)
                    self.text += " . sub ]\n"
                    item["sub"] = {}
                    self.pairs(item["sub"], (name, i, "sub"))
        if self.draw(st.booleans()):
            self.lines[("tool",)] = self.lines[("tool", "oci-inspect")] = self.line
            self.text += "[tool.oci-inspect]\n"
            self.value["tool"] = {"oci-inspect": {}}
            self.pairs(self.value["tool"]["oci-inspect"], ("tool", "oci-inspect"))
        return self.text


@given(st.data())
@settings(max_examples=600)
def test_lines_are_those_that_the_writer_noted(data: st.DataObject) -> None:
    writer = Writer(data)
    text = writer.document()
    assert tomllib.loads(text) == writer.value  # the writer writes what it means
    assert key_lines(text) == writer.lines


@given(st.text(alphabet="ab.=[]{}'\"#\\\n \t,1", max_size=40))
@settings(max_examples=500)
def test_any_text_is_read_to_an_end(text: str) -> None:
    lines = key_lines(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_a_file_worked_by_hand() -> None:
    text = (
        "# rules\n"
        'max-size = "1MB"\n'
        "forbid-paths = [ # a ] \n"
        "  '**/.git',\n"
        '  """\\\n'
        '   x""", # two lines\n'
        "  'b',\n"
        "]\n"
        "max-waste = {value = 1, level = 'off'}\n"
        "\n"
        "[[images]]\n"
        "match = 'a'\n"
        "[images.max-layers]\n"
        "value = 3\n"
        "[[images]]\n"
        "match = 'b'\n"
    )
    lines = key_lines(text)
    assert lines["max-size",] == 2
    assert [lines["forbid-paths", i] for i in range(3)] == [4, 5, 7]
    assert lines["max-waste", "level"] == 9
    assert lines["images",] == lines["images", 0] == 11
    assert lines["images", 0, "max-layers"] == 13
    assert lines["images", 0, "max-layers", "value"] == 14
    assert lines["images", 1] == 15
    assert lines["images", 1, "match"] == 16


def test_the_nearest_table_is_told_where_a_key_is_not_known() -> None:
    lines = key_lines("[a.b]\nc = 1\n")
    assert line_of(lines, ("a", "b", "d", 4)) == 1
    assert line_of(lines, ("a", "b", "c")) == 2
    assert line_of(lines, ("z",)) is None


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = [" + "{a=" * 50_000])
def test_what_is_nested_deep_does_no_harm(text: str) -> None:
    assert key_lines(text)["a",] == 1
