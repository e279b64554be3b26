"""dive's rules files, and their judgement.

What is read how was held against real dive (d6c6919).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_inspect import ImageAnalysis, analyze
from oci_inspect.analysis.dive import DiveFigures, DivePath, dive_figures
from oci_inspect.rules.dive_ci import DiveRule, DiveRules, parse_dive_rules, read_dive_rules
from oci_inspect.rules.dive_judging import judge_dive
from oci_inspect.rules.dive_yaml import LARGEST, RulesError
from oci_inspect.rules.model import Level, Source, Unit, Verdict

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"

README = """\
rules:
  # If the efficiency is measured below X%, mark as failed.
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB
  highestUserWastedPercent: 0.20
"""


def limits(text: str) -> tuple[float | None, float | None, float | None]:
    rules = parse_dive_rules(text.encode(), ".dive-ci")
    return (
        rules.lowest_efficiency.limit,
        rules.highest_wasted_bytes.limit,
        rules.highest_user_wasted_percent.limit,
    )


def problems(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(RulesError) as caught:
        parse_dive_rules(text if isinstance(text, bytes) else text.encode(), "f")
    assert str(caught.value).isprintable()
    return caught.value.problems


# Reading


def test_the_file_of_dives_readme() -> None:
    rules = parse_dive_rules(README.encode(), ".dive-ci")
    assert rules.lowest_efficiency == DiveRule(
        "dive-lowest-efficiency", 0.95, Source(".dive-ci", 3)
    )
    assert rules.highest_wasted_bytes == DiveRule(
        "dive-highest-wasted-bytes", 20_000_000, Source(".dive-ci", 4)
    )
    assert rules.highest_user_wasted_percent == DiveRule(
        "dive-highest-user-wasted-percent", 0.2, Source(".dive-ci", 5)
    )


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "rules:\n", "rules: {}\n", "---\n", "log:\n  level: info\n"]
)
def test_what_is_left_out_keeps_its_default(text: str) -> None:
    assert limits(text) == (0.9, None, 0.1)
    assert parse_dive_rules(text.encode(), "f").lowest_efficiency.source == Source("f", None)


@pytest.mark.parametrize("value", ["", " ~", " null"])
def test_no_value_keeps_the_default(value: str) -> None:
    assert limits(f"rules:\n  lowestEfficiency:{value}\n") == (0.9, None, 0.1)


@pytest.mark.parametrize(
    "value", ["disabled", "off", "Off", "false", "FALSE", "''", '"  off "', "' Disabled'"]
)
def test_all_that_disables_a_rule(value: str) -> None:
    text = f"lowestEfficiency: {value}\n  highestUserWastedPercent: {value}\n"
    assert limits(f"rules:\n  {text}") == (None, None, None)


def test_a_dive_yaml_has_other_names_and_other_things() -> None:
    text = """\
container-engine: podman
ignore-errors: false
keybinding:
  quit: ctrl+c
diff: {hide: [added, removed]}
rules:
  lowest-efficiency: 0.8
  highest-wasted-bytes: 1 MiB
  highest-user-wasted-percent: off
"""
    assert limits(text) == (0.8, 1 << 20, None)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("32025", 32_025),
        ("'32025'", 32_025),
        ("20MB", 20_000_000),
        ("20Mb", 20_000_000),
        ("20 mb", 20_000_000),
        ("20M", 20_000_000),
        ("20MiB", 20 << 20),
        ("20 mi", 20 << 20),
        ("31.3KiB", 32_051),
        ("32.025 kB", 32_025),
        ("32,025", 32_025),
        (".5k", 500),
        ("5.", 5),
        ("1.9", 1),
        ("0", 0),
        ("7B", 7),
        ("1GB", 10**9),
        ("1TiB", 1 << 40),
        ("2PB", 2 * 10**15),
        ("5e", 5 * 10**18),
    ],
)
def test_sizes_as_go_humanize_reads_them(value: str, size: int) -> None:
    assert limits(f"rules:\n  highestWastedBytes: {value}\n")[1] == size


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "MB",
        "1e3",
        "0x10",
        "1_000",
        "20 miles",
        "1.2.3",
        "no",
        "99999999999999E",
        "20%",
        "'٣'",
    ],
)
def test_sizes_that_dive_refuses(value: str) -> None:
    (problem,) = problems(f"rules:\n  highestWastedBytes: {value}\n")
    assert problem.startswith("f:2: highestWastedBytes: ")


@pytest.mark.parametrize(
    ("value", "ratio"),
    [("0", 0), ("1", 1), (".5", 0.5), ("1.", 1), ("+0.5", 0.5), ("5e-1", 0.5), ("1_0E-1", 1.0)],
)
def test_ratios(value: str, ratio: float) -> None:
    assert limits(f"rules:\n  lowestEfficiency: {value}\n")[0] == ratio


@pytest.mark.parametrize(
    "value",
    ["1.1", "-0.1", "99%", "95", "no", "yes", "true", "' 0.5'", "e", ".", "[0.9]", "{a: 1}"],
)
def test_ratios_that_dive_refuses(value: str) -> None:
    for name in ("lowestEfficiency", "highest-user-wasted-percent"):
        (problem,) = problems(f"rules:\n  {name}: {value}\n")
        assert problem.startswith(f"f:2: {name}")


@pytest.mark.parametrize("value", ["NaN", ".nan", "inf", "0x1p-1"])
def test_what_go_reads_as_a_number_but_is_no_limit(value: str) -> None:
    """dive takes NaN for a limit, and passes whatever the image."""
    assert problems(f"rules:\n  lowestEfficiency: {value}\n")


# A file that is never ignored in silence


def test_every_problem_is_told_with_its_line() -> None:
    text = """\
rule:
  lowestEfficiency: 0.99
lowestEfficiency: 0.99
rules:
  lowestEfficency: 0.99
  highestWastedBytes: lots
  lowestEfficiency: 2
  lowest-efficiency: 0.5
"""
    assert problems(text) == (
        "f:1: dive knows no 'rule'",
        "f:3: lowestEfficiency must stand below rules:",
        "f:5: dive has no rule 'lowestEfficency', only lowestEfficiency, highestWastedBytes and "
        "highestUserWastedPercent",
        "f:6: highestWastedBytes: 'lots' is no size such as 20MB, and not disabled",
        "f:7: lowestEfficiency: '2' is no ratio from 0 to 1, and not disabled",
        "f:8: lowest-efficiency is already set in line 7",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules\n", "f:1: the file must be names with values"),
        ("- rules\n", "f:1: the file must be names with values"),
        ("rules: 5\n", "f:1: rules must be names with values"),
        ("rules:\n- lowestEfficiency\n", "f:2: rules must be names with values"),
        ("rules: {}\nrules: {}\n", "f:2: rules stands here a second time"),
        ("rules:\n  lowestEfficiency: &a 1\n  highestUserWastedPercent: *a\n", "f:3: an alias"),
        ("rules:\n  lowestEfficiency: !!float 1\n", "f:2: a tag"),
        ("rules:\n  lowestEfficiency: !!python/object:os.system 1\n", "f:2: a tag"),
        ("rules: {}\n---\nrules: {}\n", "f:2: a second document"),
        ("rules:\n\t- a\n", "f:2: no YAML: "),
        ("rules: {\n", "f:2: no YAML: "),
        ("rules: [" + "[" * 20_000, "f:1: nested more than 16 deep"),
        ("rules: [" + "a," * 20_000 + "]", "f:1: more than 10,000 values"),
        ("<<: {rules: {}}\n", "f:1: dive knows no '<<'"),
        ("[a]: 1\n", "f:1: dive knows no "),
        ("rules:\n  ? {a: 1}\n  : 2\n", "f:2: dive has no rule "),
        ('"\\e[2J\\n": 1\n', "f:1: dive knows no '\\x1b[2J\\n'"),
    ],
)
def test_broken_files(text: str, problem: str) -> None:
    assert problems(text)[0].startswith(problem)


def test_of_many_problems_some_are_told_and_the_others_counted() -> None:
    told = problems("rules:\n" + "".join(f"  a{i}: 1\n" for i in range(200)))
    assert len(told) == 51
    assert told[-1] == "f: and 150 more"


@pytest.mark.parametrize("data", [b"\xff", b"rules: \x00", "rules: é".encode("latin-1")])
def test_bytes_that_are_no_text(data: bytes) -> None:
    assert problems(data)[0].startswith("f: no YAML: ")


def test_a_file_that_is_too_large() -> None:
    assert problems(b"#" * (LARGEST + 1)) == ("f: more than 65,536 bytes are no rules of dive's",)


def test_a_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / ".dive-ci"
    path.write_text(README)
    assert read_dive_rules(path).lowest_efficiency.source == Source(str(path), 3)
    path.write_bytes(b"#" * 200_000)
    with pytest.raises(RulesError, match="more than 65,536 bytes"):
        read_dive_rules(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """dive goes by its defaults without a word."""
    with pytest.raises(RulesError, match="none: No such file or directory"):
        read_dive_rules(tmp_path / "none")
    with pytest.raises(RulesError, match="Is a directory"):
        read_dive_rules(tmp_path)


def test_without_pyyaml_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert problems(README) == (
        "f: reading dive's rules needs PyYAML: pip install 'oci-inspect[dive]'",
    )


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text("rules:{}[]&*!|>-'\"\n\t #%?,a1", max_size=60)))
def test_whatever_is_in_it_there_are_rules_or_problems(data: bytes | str) -> None:
    try:
        parse_dive_rules(data if isinstance(data, bytes) else data.encode(), "f")
    except RulesError as error:
        assert error.problems
        assert str(error).isprintable()


# Judging


@pytest.fixture(scope="module")
def app() -> ImageAnalysis:
    return analyze(REAL / "docker26-app.tar").images[0]


def judged(app: ImageAnalysis, rules: str, figures: DiveFigures | None = None) -> list[Verdict]:
    if figures is None:
        figures = dive_figures(app.tree.tables)
    return list(judge_dive(parse_dive_rules(rules.encode(), ".dive-ci"), figures, app))


def test_dives_figure_and_ours_are_side_by_side(app: ImageAnalysis) -> None:
    """64,019 of 92,499 bytes by real dive; 69,109 are dead (tests/test_real_archives.py)."""
    efficiency, wasted, user = judged(app, README)
    assert [one.rule for one in (efficiency, wasted, user)] == [
        "dive-lowest-efficiency",
        "dive-highest-wasted-bytes",
        "dive-highest-user-wasted-percent",
    ]
    assert wasted == Verdict(
        rule="dive-highest-wasted-bytes",
        level=Level.ERROR,
        passed=True,
        message="dive counts 64,019 bytes as wasted, at most 20,000,000 is asked for; "
        "exactly 69,109 bytes are dead",
        unit=Unit.BYTES,
        actual=64_019,
        limit=20_000_000,
        source=Source(".dive-ci", 4),
    )
    assert efficiency.fails
    assert efficiency.message.startswith("dive's efficiency is 31.5668%, at least 95% is asked for")
    assert user.fails
    assert "dive counts 90.6849% of what lies above the first layer as wasted" in user.message
    assert efficiency.items[0].path == b"data/big"
    assert efficiency.items[0].size == 60_000
    assert efficiency.items[0].text == "dive met it 2 times"
    assert all(item.size for item in efficiency.items)
    assert efficiency.advice == f"/{app.worst[0].path.decode()}: {app.worst[0].advice}"
    assert not wasted.items
    assert not wasted.advice


def test_a_rule_that_is_disabled_is_off(app: ImageAnalysis) -> None:
    for verdict in judged(app, "rules:\n  lowestEfficiency: off\n  highestUserWastedPercent: off"):
        assert (verdict.level, verdict.passed, verdict.limit) == (Level.OFF, None, None)
        assert not verdict.broken
        assert "the rule is disabled" in verdict.message


def test_defaults_are_called_so(app: ImageAnalysis) -> None:
    efficiency, wasted, user = judged(app, "")
    assert "at least 90% is asked for (dive's default)" in efficiency.message
    assert "the rule is disabled by dive's default" in wasted.message
    assert "at most 10% is asked for (dive's default)" in user.message


FIGURES = DiveFigures(0.5, 1000, 2000, 0.5, 4000, (DivePath(b"a", 2, 1000),))


@pytest.mark.parametrize(
    ("rules", "passed"),
    [
        (("0.5", "1000", "0.5"), (True, True, True)),
        (("0.51", "999", "0.49"), (False, False, False)),
        (("0", "1001", "1"), (True, True, True)),
    ],
)
def test_what_is_met_exactly_is_no_failure(
    app: ImageAnalysis, rules: tuple[str, str, str], passed: tuple[bool, bool, bool]
) -> None:
    """dive's README says "at least X or larger"; its source compares strictly."""
    names = ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")
    text = "rules:\n" + "".join(f"  {n}: {v}\n" for n, v in zip(names, rules, strict=True))
    assert tuple(one.passed for one in judged(app, text, FIGURES)) == passed


def test_no_number_passes_and_an_infinite_one_fails(app: ImageAnalysis) -> None:
    nothing = replace(FIGURES, user_wasted_percent=nan)
    *_, verdict = judged(app, "", nothing)
    assert (verdict.passed, verdict.actual) == (True, None)
    assert "nothing above the first layer" in verdict.message
    *_, verdict = judged(app, "", replace(FIGURES, user_wasted_percent=inf))
    assert (verdict.passed, verdict.actual) == (False, None)
    assert "nan" not in verdict.message and "inf" not in verdict.message


def test_an_image_that_was_cut_short_is_not_judged(app: ImageAnalysis) -> None:
    rules = parse_dive_rules(README.encode(), "f")
    cut = replace(app, complete=False)
    for verdicts in (judge_dive(rules, FIGURES, cut), judge_dive(rules, None, cut)):
        assert [(one.passed, one.fails) for one in verdicts] == [(None, True)] * 3
    assert isinstance(rules, DiveRules)
