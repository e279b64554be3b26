"""The targets of ``fuzz/`` once more with hypothesis, which makes small what breaks.

And properties of entry points that have no tests of the kind elsewhere.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.from_root import beside
from support.tars import END, entry, pax, pax_record

from oci_inspect.archive.outer_tar import OuterTar, StreamCursor
from oci_inspect.filesystem.patterns import matcher
from oci_inspect.findings import FindingCollector
from oci_inspect.quantities import parse_quantity
from oci_inspect.rules.toml_lines import key_lines
from oci_inspect.stream.pax import pax_records
from oci_inspect.stream.source import BytesSource

targets: dict[str, Any] = beside("fuzz.targets").TARGETS
SLOW = {"archive_file", "archive_stream", "archive_folder", "layer_scan", "cache_folder"}


@st.composite
def inputs(draw: st.DrawFn, target: Any) -> bytes:
    """A seed with some bytes changed and words put in, or any bytes."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=600))
    data = bytearray(draw(st.sampled_from(list(target.seeds()))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        if target.words and draw(st.booleans()):
            data[at:at] = draw(st.sampled_from(target.words))
        else:
            data[at : at + 1] = draw(st.binary(max_size=2))
    return bytes(data[: target.most])


@pytest.mark.parametrize("name", targets)
def test_nothing_but_what_is_documented_comes_out(name: str) -> None:
    target = targets[name]

    @settings(max_examples=15 if name in SLOW else 60)
    @given(inputs(target))
    def holds(data: bytes) -> None:
        target.attempt(data)

    holds()


KEYS = st.binary(min_size=1, max_size=9).filter(lambda key: b"=" not in key)


@given(st.lists(st.tuples(KEYS, st.binary(max_size=120)), max_size=6), st.integers(0, 9))
def test_pax_records_are_read_as_they_were_written(
    records: list[tuple[bytes, bytes]], zeros: int
) -> None:
    data = b"".join(pax_record(key, value) for key, value in records) + bytes(zeros)
    assert pax_records(data) == (records, None)


MEMBERS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=90).map(lambda name: name.replace(b"\0", b"x"))
              .filter(lambda name: not name.endswith(b"/")), st.binary(max_size=1200)),
    max_size=5,
)  # fmt: skip


@given(MEMBERS, st.data())
def test_outer_tar_gives_what_was_put_in_however_much_of_it_is_read(
    members: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    tar = b"".join(
        pax({b"path": name}) + entry(b"short", content) if i % 2 else entry(name, content)
        for i, (name, content) in enumerate(members)
    )
    findings = FindingCollector()
    outer = OuterTar(StreamCursor(BytesSource(tar + END)), findings)
    seen = []
    for header in outer.entries():
        some = outer.read(data.draw(st.integers(0, 1300)))
        seen.append((header.name, header.size, some))
    assert [one[:2] for one in seen] == [(name, len(content)) for name, content in members]
    for (_, _, some), (_, content) in zip(seen, members, strict=True):
        assert content.startswith(some)
    assert findings.result() == ()


@given(st.integers(0, 10**15), st.sampled_from(["", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB"]))
def test_quantities_are_their_number_times_their_unit(number: int, unit: str) -> None:
    steps = ["", "k", "m", "g"].index(unit.lower().removesuffix("b").removesuffix("i"))
    factor = (1024 if "i" in unit else 1000) ** steps
    for text in (f"{number}{unit}", f"{number:,}{unit}", f" {number} {unit.upper()} "):
        assert parse_quantity(text) == number * factor, text
    assert parse_quantity(f"{number}.5{unit}") == Decimal(f"{number}.5") * factor
    assert parse_quantity(f"-{number}{unit}") is None


LITERAL = st.text("ab/.*?[]\\!^-é", max_size=8)


@given(LITERAL, st.text("ab/.*?é", max_size=8))
def test_quoted_pattern_matches_itself_and_nothing_else(pattern: str, other: str) -> None:
    quoted = "".join("\\" + char for char in pattern).encode()
    match = matcher(quoted)
    assert match(pattern.encode())
    assert match(other.encode()) == (other == pattern)
    assert matcher(b"*" + quoted + b"*")((other + pattern + other).encode())


NAMES = st.text("abc", min_size=1, max_size=3)


@given(st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=8, unique_by=lambda one: one[0]))
def test_lines_of_keys_are_where_they_were_written(keys: list[tuple[str, int]]) -> None:
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for name, blanks in keys:
        lines += ["# " + name + " = 1"] * blanks
        expected[name,] = len(lines) + 1
        if blanks:
            expected |= {(name, 0): len(lines) + 2, (name, 1): len(lines) + 3}
        lines += [f"{name} = [", "  1, # ]", f'  "{name} = 2"', "]"] if blanks else [f"{name} = 1"]
    assert key_lines("\n".join(lines)) == expected
