"""The whole corpus through the command line: what is expected, and nothing that must never be.

By default ``verify`` runs over every case, and each case goes a few ways more, chosen by its name,
so that every way is gone by many. With ``OCI_INSPECT_SLOW=1`` every case goes every way.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.cases import Case, docker
from hostile.commands import WAYS, Way, commands_that_read
from hostile.corpus import CASES
from hostile.outputs import problems
from hostile.running import Outcome, run

FEW = 2
"""Ways beside ``verify`` that a case goes by default."""
SLOW = os.environ.get("OCI_INSPECT_SLOW") == "1"


@pytest.fixture(scope="module", name="other")
def _other(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("honest") / "honest.tar"
    path.write_bytes(docker().tar())
    return str(path)


def ways_of(case: Case) -> list[Way]:
    return WAYS if SLOW else random.Random(case.name).sample(WAYS, FEW)


def go(case: Case, way: Way, folder: Path, other: str) -> Outcome:
    """Run a case one way and hold it against what must always hold."""
    with case.ready(folder) as path:
        outcome = run([*way.words(path, other, str(folder / "extracted")), *case.options])
    wrong = list(problems(way, outcome))
    assert not wrong, f"{' '.join(outcome.words)}\n" + "\n".join(wrong)
    assert not case.hides or case.hides not in outcome.out.decode("utf-8", "replace") + outcome.err
    return outcome


@pytest.mark.parametrize("name", CASES)
def test_case_comes_to_what_it_must(name: str, tmp_path: Path, other: str) -> None:
    case = CASES[name]
    outcome = go(case, Way("verify", "json", ()), tmp_path, other)
    found = list(findings(json.loads(outcome.out))) if outcome.out else []
    rules = {one["rule"] for one in found}
    assert outcome.code in case.codes, (outcome.code, rules, outcome.err)
    if case.says:
        assert outcome.out == b""
        assert case.says in outcome.err, outcome.err
        return
    if outcome.code == 3 and not outcome.out:
        return
    assert case.finds <= rules, rules
    # No silent success: what passes has no error, what met a limit is not complete.
    errors = [one for one in found if one["severity"] == "error"]
    assert outcome.code != 0 or not errors, errors
    if "limit-exceeded" in rules:
        assert outcome.code == 3
    if case.shows:
        shown = ""
        for words in (Way("analyze", "table", ("--verbose",)), Way("ls", "table", ("-l",))):
            shown += go(case, words, again(tmp_path), other).out.decode()
        assert case.shows in shown


def again(folder: Path) -> Path:
    place = folder / f"again{len(list(folder.iterdir()))}"
    place.mkdir()
    return place


def findings(value: object) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if {"rule", "severity", "subject"} <= value.keys():
            yield value
        for one in value.values():
            yield from findings(one)
    elif isinstance(value, list):
        for one in value:
            yield from findings(one)


@pytest.mark.parametrize("name", CASES)
def test_case_goes_every_way_without_harm(name: str, tmp_path: Path, other: str) -> None:
    case = CASES[name]
    for number, way in enumerate(ways_of(case)):
        folder = tmp_path / str(number)
        folder.mkdir()
        go(case, way, folder, other)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_each_way_is_one_that_the_command_takes(way: Way, tmp_path: Path, other: str) -> None:
    """An option that is no more would be refused for every case, and nothing be looked at."""
    outcome = run(way.words(other, other, str(tmp_path / "new")))
    assert outcome.code in (0, 1), outcome.err


def test_the_ways_are_those_of_the_commands() -> None:
    """And each is gone by some cases even where only a few are chosen."""
    assert {way.command for way in WAYS} == set(commands_that_read())
    assert len(WAYS) > 60
    gone = {way for case in CASES.values() for way in random.Random(case.name).sample(WAYS, FEW)}
    assert gone == set(WAYS)
