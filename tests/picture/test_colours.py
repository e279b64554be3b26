"""Colours of layers: which share one, and whether eyes of any kind tell them apart."""

from __future__ import annotations

import itertools
import random

from oci_inspect.picture.colours import KINDS, LAYERS, NONE, Palette, palette

COUNT = len(LAYERS)


def test_few_layers_take_the_colours_in_turn() -> None:
    assert palette([5, 0, 900, 3]).numbers == (0, 1, 2, 3)
    assert palette([]) == Palette(())


def test_the_largest_layers_never_share_a_colour() -> None:
    # Of eleven, 2 and 10 would have one colour by turns; both are among the eight largest.
    sizes = [21, 0, 66, 0, 7, 8, 9, 1, 17, 3, 92]
    numbers = palette(sizes).numbers
    assert numbers == (0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7)
    picked = random.Random(7)
    for _ in range(300):
        sizes = [picked.choice([0, 0, picked.randrange(1000)]) for _ in range(picked.randrange(40))]
        numbers = palette(sizes).numbers
        largest = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))[:COUNT]
        assert len({numbers[i] for i in largest}) == len(largest)
        assert set(numbers) <= set(range(COUNT)) and len(numbers) == len(sizes)


def test_two_images_share_the_colours_of_what_lies_at_one_height() -> None:
    assert palette([1, 2], [1, 2, 3]).numbers == (0, 1, 2)


def test_what_is_in_no_layer_has_a_colour_of_its_own() -> None:
    some = palette([4, 5])
    assert (some.name(1), some.colour(1)) == ("layer-1", LAYERS[1])
    assert (some.name(-1), some.colour(-1)) == ("layer-none", NONE)
    assert NONE not in LAYERS


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_black_text_can_be_read_on_every_colour() -> None:
    for colour in {*LAYERS, *KINDS.values(), NONE}:
        assert (luminance(colour) + 0.05) / 0.05 >= 7, colour


def test_no_two_layers_have_the_same_colour() -> None:
    for one, other in itertools.combinations(LAYERS, 2):
        assert one != other
