"""Every input that ever broke something, every kept one and every seed, through its target again.

And a short run of each target with inputs that nobody chose, the same at every time.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from support.from_root import beside

targets: dict[str, Any] = beside("fuzz.targets").TARGETS
worker = beside("fuzz.worker")
fuzz = beside("fuzz")
mutate = beside("fuzz.mutate")

MUTATIONS = 25
SLOWEST = 10.0


def kept() -> list[Any]:
    return [
        pytest.param(name, path, id=f"{name}-{path.name}")
        for name in targets
        for home in (fuzz.CORPUS, fuzz.CRASHES)
        for path in sorted((home / name).glob("*"))
        if path.suffix != ".txt"
    ]


@pytest.mark.parametrize(("name", "path"), kept())
def test_what_broke_once_does_not_break_again(name: str, path: Any) -> None:
    begun = time.process_time()
    targets[name].attempt(path.read_bytes())
    assert time.process_time() - begun < SLOWEST


@pytest.mark.parametrize("name", targets)
def test_seeds_are_taken_and_their_neighbours_break_nothing(name: str) -> None:
    target = targets[name]
    chance = Random(f"{name} 1")
    seeds = list(target.seeds())
    assert sum(target.attempt(data) for data in seeds) > len(seeds) // 2
    for _ in range(MUTATIONS):
        data = chance.choice(seeds)
        if target.mutate is not None and chance.random() < 0.7:
            data = target.mutate(data, chance)
        else:
            data = mutate.havoc(data, chance, target.words, seeds)
        target.attempt(data[: target.most])


def test_folders_of_inputs_belong_to_targets_and_stay_small() -> None:
    for home in (fuzz.CORPUS, fuzz.CRASHES):
        assert {one.name for one in home.glob("*") if one.is_dir()} <= set(targets)
    files = [one for home in (fuzz.CORPUS, fuzz.CRASHES) for one in home.glob("*/*")]
    assert sum(one.stat().st_size for one in files if one.suffix != ".txt") < 300_000
