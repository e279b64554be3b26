"""Values of rules: as people write them, and what is refused."""

from __future__ import annotations

import datetime

import pytest

from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.model import Level
from oci_inspect.rules.values import ValueProblem, parse_level, parse_value
from oci_inspect.rules.wildcards import fits


def parsed(name: str, value: object) -> object:
    return parse_value(CATALOGUE[name], value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("20MiB", 20_971_520),
        ("20 mib", 20_971_520),
        ("1.5GB", 1_500_000_000),
        ("1,500 kB", 1_500_000),
        ("1_000", 1000),
        ("0", 0),
        ("0.1kB", 100),
        ("10k", 10_000),
        (0, 0),
        (2**40, 2**40),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert parsed("max-size", text) == size
    assert isinstance(parsed("max-size", text), int)


# 1,5GB would be 15GB to a reader that drops commas
@pytest.mark.parametrize(
    "value",
    [
        *("", "MB", "500MX", "500%", "1,5GB", "1.5", "-1", -1, 1.5, True, None, [], "1e6"),
        *("9" * 400, "500MB500", "٣MB", datetime.date(2024, 1, 1), 2**63, "9999999TB"),
        *({"value": 1}, "1..5MB"),
    ],
)
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueProblem) as problem:
        parsed("max-size", value)
    assert "\n" not in str(problem.value) and len(str(problem.value)) < 250


@pytest.mark.parametrize(
    ("value", "share"),
    [("10%", 0.1), ("33.3 %", 0.333), (".5", 0.5), (0.25, 0.25), (1.0, 1.0), ("100%", 1.0), (0, 0)],
)
def test_shares(value: object, share: float) -> None:
    assert parsed("max-waste-percent", value) == share
    assert isinstance(parsed("max-waste-percent", value), float)


@pytest.mark.parametrize(
    "value", [10, "10", 1, "1", True, 1.5, "101%", "-1%", -0.1, float("nan"), float("inf"), "x%"]
)
def test_what_is_no_share(value: object) -> None:
    with pytest.raises(ValueProblem):
        parsed("max-waste-percent", value)


def test_a_bare_number_is_told_what_it_may_mean() -> None:
    with pytest.raises(ValueProblem, match=r"write '10%', or 0\.1 for 10%"):
        parsed("min-efficiency", 10)


@pytest.mark.parametrize(
    ("value", "growth"),
    [("10%", 0.1), ("250%", 2.5), (0.5, 0.5), ("20MB", 20_000_000), (1000, 1000), ("0", 0)],
)
def test_growths_are_bytes_or_shares(value: object, growth: float) -> None:
    found = parsed("max-growth", value)
    assert found == growth and isinstance(found, type(growth))


@pytest.mark.parametrize("value", ["0.1", "x", -1, float("nan"), "%", True])
def test_what_is_no_growth(value: object) -> None:
    with pytest.raises(ValueProblem):
        parsed("max-growth", value)


def test_counts() -> None:
    assert parsed("max-layers", 20) == parsed("max-layers", "20") == 20
    for value in (-1, 1.0, "20 layers", True, "", "٣"):
        with pytest.raises(ValueProblem):
            parsed("max-layers", value)


def test_lists() -> None:
    assert parsed("forbid-paths", "**/.git") == ("**/.git",)
    assert parsed("forbid-paths", ["a", "b", "a"]) == ("a", "b")
    assert parsed("allow-setuid", []) == ()
    for name in ("forbid-paths", "forbid-findings", "require-labels", "allow-base"):
        with pytest.raises(ValueProblem, match="the list is empty"):
            parsed(name, [])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("forbid-paths", ["a", "/"], "the root"),
        ("forbid-paths", ["a", "x/../y"], r"'\.\.'"),
        ("forbid-paths", ["[~]/[{]a,b}/[\\]", "~/.ssh"], r"no home folder here: .*\[~\]"),
        ("forbid-paths", ["{a}/,", "x/{a,b}"], r"braces are not expanded .*\[\{\]"),
        ("forbid-paths-in-layers", ["a", "f{1..3}"], r"braces are not expanded"),
        ("forbid-paths", ["[!a]", "!foo"], r"takes nothing back .*\[x\]"),
        ("allow-setuid", ["/!a", r"a\*"], r"a backslash quotes nothing .*\[\*\]"),
        ("forbid-paths", ["a", ""], "an empty text"),
        ("forbid-paths", ["a", 3], "3 is no text"),
        ("forbid-paths", ["a", "x\ny"], "control character"),
        ("forbid-findings", ["error", "eror"], "did you mean 'error'"),
        ("forbid-findings", ["error", "path_unsafe"], "did you mean 'path-unsafe'"),
        ("require-labels", ["a", "=x"], "a label has a name"),
    ],
)
def test_the_place_of_what_is_wrong_in_a_list_is_told(name: str, value: list, told: str) -> None:
    with pytest.raises(ValueProblem, match=told) as problem:
        parsed(name, value)
    assert problem.value.index == 1


def test_levels() -> None:
    assert [parse_level(one) for one in ("error", "warning", "off")] == list(Level)
    for value in ("warn", "", None, True, "ERROR"):
        with pytest.raises(ValueProblem, match="no level: error, warning or off"):
            parse_level(value)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("*/worker:*", "registry.example.com/team/worker:1", True),
        ("*/worker:*", "worker:1", False),
        ("a?[b]", "a?[b]", True),
        ("a?[b]", "axb", False),
        ("A*", "abc", False),
        ("a*c", "abcd", False),
        ("a*", "a\nb", True),
    ],
)
def test_only_a_star_stands_for_others(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not fits("*a" * 200 + "b", "a" * 20_000)


def test_a_rule_has_no_more_than_two_hundred_patterns() -> None:
    most = [f"**/x{i}" for i in range(200)]
    assert len(parsed("forbid-paths", most)) == 200
    with pytest.raises(ValueProblem, match="more than 200 patterns"):
        parsed("forbid-paths", [*most, "a"])
