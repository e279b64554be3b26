"""The layout of the page is that of the still picture."""

from __future__ import annotations

import random

import pytest
from support.map_page import data_of, file, map_page

from oci_inspect.picture.squarify import Rect, squarify

ROUNDS = 300


def cases():
    chance = random.Random(7)
    for _ in range(ROUNDS):
        most = 10 ** chance.randint(0, 12)
        sizes = [chance.randint(1, most) for _ in range(chance.randint(0, 60))]
        sizes.sort(reverse=True)
        yield (
            sizes,
            [chance.uniform(0, 50), chance.uniform(0, 50)]
            + [chance.choice([0, 1, chance.uniform(0, 2000)]) for _ in range(2)],
        )


def test_it_gives_the_same_rectangles(open_page):
    page = open_page(map_page(data_of([file("a", 1)])))
    given = list(cases())
    found = page.evaluate(
        "cases => cases.map(([sizes, box]) => [...ociSquarify(sizes, ...box)])", given
    )
    assert sum(len(sizes) for sizes, _ in given) > 5000
    for (sizes, box), flat in zip(given, found, strict=True):
        expected = [number for rect in squarify(sizes, Rect(*box)) for number in rect]
        assert flat == pytest.approx(expected, rel=1e-9, abs=1e-6), (sizes, box)


def test_it_is_the_only_name_that_the_page_takes(open_page):
    page = open_page(map_page(data_of([file("a", 1)])))
    blank = open_page("<!doctype html><title>nothing</title><p id='map'>")
    names = "() => Object.getOwnPropertyNames(globalThis)"
    assert set(page.evaluate(names)) - set(blank.evaluate(names)) == {"ociSquarify"}
