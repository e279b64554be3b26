from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from support.checks import ALL, KEPT, TOO_LARGE, WASTEFUL, hostile, judged, mixed
from support.sarif_schema import SARIF

from oci_inspect.render.ci.sarif import render_check_sarif
from oci_inspect.rules.model import Check, Item, Level, Source, Verdict

WRITTEN = Draft202012Validator(SARIF)
OFFICIAL = os.environ.get("OCI_INSPECT_SARIF_SCHEMA")


def run_of(check: Check, **more) -> dict:
    """The only run, once it is sure that the log is what the standard asks for."""
    log = json.loads(render_check_sarif(check, **more))
    WRITTEN.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    # 3.19.23: no two of an id; 3.27.5, 3.27.6: the index is that of the rule
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        # 3.28.2: no two locations of a result have the same id
        ids = [one["id"] for one in result.get("relatedLocations", ())]
        assert len(set(ids)) == len(ids)
    return run


def test_the_schema_is_one_and_would_see_a_mistake():
    Draft202012Validator.check_schema(SARIF)
    log = json.loads(render_check_sarif(mixed()))
    for spoil in (
        lambda log: log.update(version="2.0.0"),
        lambda log: log["runs"][0]["results"][0].pop("message"),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0].update(extra=1),
        lambda log: log["runs"][0].pop("tool"),
    ):
        spoilt = json.loads(json.dumps(log))
        spoil(spoilt)
        assert not WRITTEN.is_valid(spoilt)


CHECKS = {
    "mixed": mixed(),
    "twice": Check((judged(*ALL), judged(*ALL))),
    "fine": Check((judged(KEPT),)),
    "none": Check(()),
    "nameless": hostile("", 1),
    "blank": hostile("  ", 1),
    "hostile": hostile("a\x1b\n\udc80 {0} [x](http://b)"),
}


@pytest.mark.skipif(
    OFFICIAL is None, reason="OCI_INSPECT_SARIF_SCHEMA names no copy of sarif-schema-2.1.0.json"
)
@pytest.mark.parametrize("name", CHECKS)
def test_the_official_schema_takes_it(name):
    schema = json.loads(Path(OFFICIAL or "").read_bytes())
    Draft7Validator(schema).validate(json.loads(render_check_sarif(CHECKS[name])))


@pytest.mark.parametrize("name", CHECKS)
def test_our_own_schema_takes_it(name):
    assert run_of(CHECKS[name])


def test_each_broken_rule_is_a_result_and_others_are_only_rules():
    run = run_of(mixed(), descriptions={"max-size": "The image is not too large."})
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("max-waste", "warning"),
        ("max-growth", "error"),
        ("max-size", "error"),
        ("base-age", "warning"),
    ]
    rules = {one["id"]: one for one in run["tool"]["driver"]["rules"]}
    assert list(rules) == ["max-layers", "max-waste", "max-growth", "max-size", "base-age"]
    assert rules["max-size"]["shortDescription"]["text"] == "The image is not too large."
    assert rules["max-waste"]["defaultConfiguration"] == {"level": "warning"}


def test_a_result_says_what_where_and_how_much():
    result = run_of(mixed())["results"][2]
    assert result["message"]["text"] == (
        "example/app:1.2.3 (linux/amd64): 67.7MB are more than 50MB."
        " Put the rm into the RUN of step 1."
    )
    (place,) = result["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "ci/.oci-inspect.toml"},
        "region": {"startLine": 4},
    }
    assert place["logicalLocations"][0]["name"] == "example/app:1.2.3"
    assert [one.get("logicalLocations") for one in result["relatedLocations"]] == [
        [
            {
                "name": "/usr/share/doc",
                "fullyQualifiedName": "layer 0:/usr/share/doc",
                "kind": "file",
            }
        ],
        [{"name": "layer 2", "kind": "layer"}],
        None,
    ]
    told = result["properties"]
    assert (told["unit"], told["actual"], told["limit"]) == ("bytes", 67_700_000, 50_000_000)


def test_a_rule_of_the_command_line_lies_at_the_archive():
    (result,) = run_of(Check((judged(WASTEFUL, archive="./out/image.tar"),)))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "out/image.tar"},
        "region": {"startLine": 1},
    }


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c%d.toml", "a%20b/c%25d.toml"),
        ("docker-archive:x.tar", "docker-archive%3Ax.tar"),
        ("/abs/x.toml", "file:///abs/x.toml"),
        ("\u00fc.toml", "%C3%BC.toml"),
        ("a\udcff.toml", "a%FF.toml"),
        ("a?b#c", "a%3Fb%23c"),
    ],
)
def test_paths_are_uris_and_come_back(path, uri):
    verdict = replace(TOO_LARGE, source=Source(path, 1))
    (result,) = run_of(Check((judged(verdict),)))["results"]
    found = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert found == uri
    assert unquote_to_bytes(found.removeprefix("file://")) == os.fsencode(path)


def test_a_figure_that_is_no_number_is_left_out():
    verdict = replace(WASTEFUL, actual=float("nan"), limit=float("inf"))
    (result,) = run_of(Check((judged(verdict),)))["results"]
    assert not {"actual", "limit"} & result["properties"].keys()


def test_fingerprints_stay_and_are_their_own():
    def prints(check: Check) -> list[str]:
        return [
            one["partialFingerprints"]["primaryLocationLineHash"]
            for one in run_of(check)["results"]
        ]

    first = prints(Check((judged(TOO_LARGE, WASTEFUL),)))
    moved = replace(TOO_LARGE, message="68MB", actual=68e6, items=(), source=Source("x", 99))
    assert prints(Check((judged(moved, WASTEFUL, reference="example/app:1.2.4"),))) == first
    twice = prints(Check((judged(*ALL), judged(*ALL))))
    assert len(set(twice)) == len(twice) == 8


def test_many_things_are_listed_up_to_a_hundred():
    verdict = replace(TOO_LARGE, items=tuple(Item("same") for _ in range(1_000)))
    (result,) = run_of(Check((judged(verdict),)))["results"]
    assert len(result["relatedLocations"]) == 100
    assert result["properties"]["items"] == 1_000


def test_text_of_the_image_is_no_placeholder_and_no_link():
    verdict = Verdict("r", Level.ERROR, False, "{0} [click](http://evil) \\](x)")
    (result,) = run_of(Check((judged(verdict),)))["results"]
    assert result["message"]["text"].endswith("{{0}} [click] (http://evil) \\] (x)")


def test_no_image_is_a_run_that_did_not_succeed():
    assert run_of(Check(()))["invocations"] == [{"executionSuccessful": False}]


def test_the_same_check_gives_the_same_text():
    assert render_check_sarif(mixed()) == render_check_sarif(mixed())
