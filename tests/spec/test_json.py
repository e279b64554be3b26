"""JSON read with suspicion: RFC 8259, and what readers are known to disagree on."""

import json

import pytest

from oci_inspect.spec.document import parse_json


def rules(data: bytes, depth: int = 64) -> list[str]:
    return [one.rule for one in parse_json(data, depth)[1]]


def refused(data: bytes, depth: int = 64) -> str:
    value, problems = parse_json(data, depth)
    assert value is None
    assert [one.rule for one in problems] == ["json-invalid"]
    assert problems[0].message.isprintable()
    return problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        "0",
        "-1",
        '"x"',
        " \t\r\n{} \n",
        '{"a": [1, 2.5, true, null, "\\u00e9"]}',
        "18446744073709551615",
        "-9223372036854775808",
        "1e308",
        '"\\ud83d\\ude00"',
        '{"": {}}',
    ],
)
def test_good_document_is_what_the_standard_library_reads(text: str) -> None:
    value, problems = parse_json(text.encode())
    assert value == json.loads(text)
    assert problems == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"[1,]",
        b'{"a":1,}',
        b"{'a':1}",
        b"{a:1}",
        b'{"a" 1}',
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"0x10",
        b"True",
        b"nul",
        b'"\x01"',
        b'"\n"',
        b'"\\x41"',
        b'"\\u12"',
        b'"open',
        b"// comment\n{}",
        b"{} // comment",
        b"PK\x03\x04",
        b"\0",
    ],
)
def test_bad_syntax_is_refused_with_a_place(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("data", [b"{} {}", b"{}{}", b"{}x", b"[]\n[]", b"{}\0", b"1 2", b"{}}"])
def test_anything_behind_the_document_is_refused(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_anything_but_plain_utf8_is_refused(encoding: str) -> None:
    """RFC 8259 section 8.1: UTF-8, and no byte order mark. json.loads takes all of these."""
    data = '{"a": "é"}'.encode(encoding)
    assert json.loads(data) == {"a": "é"}
    refused(data)


@pytest.mark.parametrize(
    "data", [b'"\xff"', b'"\xc3"', b'"caf\xe9"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b"\xfe\xff"]
)
def test_bytes_that_are_no_utf8_are_refused(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"size": NaN}'])
def test_names_of_numbers_are_refused(text: str) -> None:
    json.loads(text)
    refused(text.encode())


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1" + "0" * 400 + ".0", '{"a": [1e999]}'])
def test_floats_beyond_all_bounds_are_refused(text: str) -> None:
    refused(text.encode())


@pytest.mark.parametrize(
    "text", ["18446744073709551616", "-9223372036854775809", "9" * 21, "9" * 5000, "-" + "9" * 5000]
)
def test_integers_beyond_64_bits_are_refused(text: str) -> None:
    """The standard library gives up at 4,300 digits with an error of its own."""
    refused(f'{{"size": {text}}}'.encode())


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800"', '{"\\udfff": "\\ud8ff"}'])
def test_lone_surrogate_is_kept_for_the_output_to_escape(text: str) -> None:
    """RFC 8259 section 8.2 lets them pass; a label may hold one."""
    value, problems = parse_json(text.encode())
    assert value == json.loads(text)
    assert problems == []


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + (b"1" if opening != b"[" else b"") + closing * depth


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("most", [1, 5, 64])
def test_nesting_is_read_up_to_its_limit(pair: tuple[bytes, bytes], most: int) -> None:
    assert parse_json(nested(most, *pair), most)[1] == []
    value, problems = parse_json(nested(most + 1, *pair), most)
    assert value is None
    assert [one.rule for one in problems] == ["limit-exceeded", "json-invalid"]
    assert f"{most + 1} is over the limit of {most} for json depth" in problems[0].message


@pytest.mark.parametrize("depth", [65, 900, 1100, 100_000])
@pytest.mark.parametrize("closing", [b"]", b""])
def test_nesting_without_end_is_refused(depth: int, closing: bytes) -> None:
    value, problems = parse_json(b"[" * depth + closing * depth)
    assert value is None
    rules = [one.rule for one in problems]
    # Up to some 1,000 levels the standard library reads on, and finds that they are not closed.
    assert rules == ["limit-exceeded", "json-invalid"] or (
        not closing and rules == ["json-invalid"]
    )
    # With the limit out of the way there is the standard library's own.
    value, problems = parse_json(b"[" * depth + closing * depth, 10**6)
    if depth != 900:  # there it depends on how deep the caller stands
        assert (value is None) == (not closing or depth > 900)
    assert "limit-exceeded" not in {one.rule for one in problems}


def test_broad_document_is_not_a_deep_one() -> None:
    assert rules(json.dumps([[[]]] * 10_000).encode()) == []


# Keys


def test_key_that_stands_twice_is_told_and_the_last_one_counts() -> None:
    value, problems = parse_json(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}')
    assert value == {"a": 3, "b": {"c": 2}}
    assert [one.rule for one in problems] == ["json-key-ambiguous"] * 2
    assert {one.where for one in problems} == {"a", "c"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"Layers": [], "layers": []}', {"layers"}),
        ('[{"Config": 1, "config": 2, "CONFIG": 3}]', {"[0].config", "[0].CONFIG"}),
        ('{"config": {"Env": [], "env": []}}', {"config.env"}),
        ('{"a": [{"b": 1}, {"x": 1, "X": 2}]}', {"a[1].X"}),
    ],
)
def test_keys_that_differ_by_case_only_are_told(text: str, where: set[str]) -> None:
    """Go's encoding/json takes either for the same field."""
    value, problems = parse_json(text.encode())
    assert value == json.loads(text)
    assert {(one.rule, one.where) for one in problems} == {
        ("json-key-ambiguous", one) for one in where
    }


@pytest.mark.parametrize("key", ["annotations", "Labels", "labels", "Volumes", "ExposedPorts"])
def test_keys_of_maps_of_names_may_differ_by_case(key: str) -> None:
    assert rules(json.dumps({key: {"Path": "1", "path": "2"}}).encode()) == []


def test_ambiguous_keys_by_the_thousand_are_not_all_told() -> None:
    twice = b"{" + b",".join(b'"k%d":1,"k%d":2' % (i, i) for i in range(5000)) + b"}"
    cases = b"{" + b",".join(b'"k%d":1,"K%d":2' % (i, i) for i in range(5000)) + b"}"
    for data in (twice, cases):
        assert 1 <= len(rules(data)) <= 20


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"text"', b"true"])
def test_any_value_is_a_document(data: bytes) -> None:
    """That it should be an object is for the reader of the manifest to say."""
    assert rules(data) == []
