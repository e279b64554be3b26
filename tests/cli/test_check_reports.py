"""``check``: several reports at once, and dive's rules beside ours."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.sarif_schema import SARIF

from oci_inspect.cli.check import FORMATS
from oci_inspect.render.ci import CHECK_FORMATS

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
APP = REAL / "docker26-app.tar"


@pytest.fixture(name="here", autouse=True)
def _here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_every_format_for_a_ci_is_one_of_the_command():
    assert set(CHECK_FORMATS) | {"table", "json"} == set(FORMATS)


def test_all_formats_in_one_run(run, here):
    """Dead are 69,109 bytes (worked out by hand in tests/test_real_archives.py)."""
    arguments = []
    for name in FORMATS:
        arguments += ["--format", name, "--output", str(here / name)]
    result = run("check", APP, "--max-waste", "69108", "--max-layers", "11", *arguments)
    assert (result.code, result.out, result.err) == (1, b"", "")
    text = {name: (here / name).read_text("utf-8") for name in FORMATS}
    broken = ["max-waste"]
    verdicts = json.loads(text["json"])["images"][0]["verdicts"]
    assert [one["rule"] for one in verdicts if one["fails"]] == broken
    sarif = json.loads(text["sarif"])
    Draft202012Validator(SARIF).validate(sarif)
    assert [one["ruleId"] for one in sarif["runs"][0]["results"]] == broken
    helps = {one["id"]: one["shortDescription"]["text"] for one in rules_of(sarif)}
    assert helps["max-waste"] == "Bytes that no container can reach."
    cases = ET.fromstring(text["junit"]).iter("testcase")
    assert [one.get("name") for one in cases if one.find("failure") is not None] == broken
    assert [one["check_name"] for one in json.loads(text["gitlab"])] == broken
    wasted = [
        sample.value
        for family in text_string_to_metric_families(text["openmetrics"])
        for sample in family.samples
        if sample.name == "oci_inspect_image_wasted_bytes"
    ]
    assert wasted == [69_109]
    assert "::error title=max-waste" in text["github"]
    assert "`max-waste` | **failed**" in text["markdown"]
    assert "max-waste FAILED" in text["table"]


def rules_of(sarif):
    return sarif["runs"][0]["tool"]["driver"]["rules"]


def test_what_two_formats_would_print_to_one_place_is_refused(run, here):
    result = run("check", APP, "--format", "json", "--format", "github")
    assert (result.code, result.out) == (2, b"")
    result = run("check", APP, "--format", "json", "-o", "x", "--format", "github", "-o", "x")
    assert result.code == 2
    assert not (here / "x").exists()


# dive's rules: what real dive says of this image stands in tests/analysis/test_dive.py


def dive_rules(here: Path, text: str) -> str:
    path = here / ".dive-ci"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("lowestEfficiency: 0.31\n  highestWastedBytes: 64019\n", 1),  # the default of the third
        ("lowestEfficiency: 0.31\n  highestUserWastedPercent: disabled\n", 0),
        ("lowestEfficiency: 0.32\n  highestUserWastedPercent: disabled\n", 1),
        (
            "lowestEfficiency: 0\n  highestWastedBytes: 64019\n"
            "  highestUserWastedPercent: disabled\n",
            0,
        ),
        (
            "lowestEfficiency: 0\n  highestWastedBytes: 64018\n"
            "  highestUserWastedPercent: disabled\n",
            1,
        ),
    ],
)
def test_dive_s_rules_fail_a_build_where_dive_would(run, here, rules, code):
    path = dive_rules(here, f"rules:\n  {rules}")
    assert run("check", APP, "--no-config", "--dive-ci", path).code == code


def test_dive_s_rules_have_levels_too(run, here):
    path = dive_rules(here, "rules:\n  lowestEfficiency: 0\n  highestWastedBytes: 1kB\n")
    levels = ["--level", "dive-highest-user-wasted-percent=off"]
    assert run("check", APP, "--dive-ci", path, *levels).code == 1
    levels += ["--level", "dive-highest-wasted-bytes=warning"]
    assert run("check", APP, "--dive-ci", path, *levels).code == 0
    assert run("check", APP, *levels).code == 2  # nobody asked for those rules
    assert run("check", APP, "--dive-ci", path, "--level", levels[1] + "x").code == 2


def test_dive_s_figures_stand_beside_the_exact_ones(run, here):
    path = dive_rules(here, "rules:\n  highestWastedBytes: 1kB\n")
    result = run("check", APP, "--dive-ci", path, "--format", "json")
    verdicts = {one["rule"]: one for one in result.json["images"][0]["verdicts"]}
    told = verdicts["dive-highest-wasted-bytes"]
    assert (told["actual"], told["limit"], told["fails"]) == (64_019, 1000, True)
    assert "exactly 69,109 bytes are dead" in told["message"]
    assert (told["source"]["path"], told["source"]["line"]) == (path, 2)


def test_a_wrong_file_of_dive_s_rules_passes_no_build(run, here):
    path = dive_rules(here, "rules:\n  lowestEfficency: 0.1\n  highestWastedBytes: many\n")
    result = run("check", APP, "--dive-ci", path)
    assert (result.code, result.out) == (2, b"")
    lines = result.err.splitlines()
    assert [line.partition(" ")[2].partition(": ")[0] for line in lines] == [
        f"{path}:2",
        f"{path}:3",
    ]
    missing = run("check", APP, "--dive-ci", str(here / "none"))
    assert missing.code == 2
    assert "none: No such file or directory" in missing.err


def test_without_yaml_one_line_says_what_to_install(run, here, monkeypatch):
    path = dive_rules(here, "rules:\n  lowestEfficiency: 0.1\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    result = run("check", APP, "--dive-ci", path)
    assert result.code == 2
    assert "pip install 'oci-inspect[dive]'" in result.err
    assert len(result.err.splitlines()) == 1
