"""Layers side by side: stacks worked out by hand, and what holds for all of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from support.results import layer

from oci_inspect.analysis.results import LayerResult
from oci_inspect.comparison.layers import common_layers, pair_layers, shared_layers
from oci_inspect.comparison.results import LayerPair, Match

LETTER = {
    Match.CHAIN_ID: "=",
    Match.DIFF_ID: "t",
    Match.INSTRUCTION: "i",
    Match.POSITION: "p",
    None: "",
}


def stack(text: str) -> list[LayerResult]:
    """A layer a letter, the same letter being the same tar."""
    return [layer(one) for one in text]


def pairs(one: str, other: str, instructions: tuple[str, str] | None = None) -> str:
    """The pairs of two stacks, as ``A=A Bi- -iC``; ``-`` where there is none.

    ``instructions`` are a letter a layer as well, a blank for none.
    """
    keys = [[None if key == " " else key for key in keys] for keys in instructions or (one, other)]
    if instructions is None:
        keys = [[None] * len(one), [None] * len(other)]
    found = pair_layers(stack(one), stack(other), (keys[0], keys[1]))
    return " ".join(
        f"{'-' if pair.before is None else one[pair.before]}{LETTER[pair.match]}"
        f"{'-' if pair.after is None else other[pair.after]}"
        for pair in found
    )


def test_layers_from_the_bottom_are_the_same_by_chain_id() -> None:
    assert pairs("abc", "abc") == "a=a b=b c=c"
    assert pairs("abc", "abd") == "a=a b=b cpd"
    assert pairs("", "") == ""


def test_layers_beyond_the_other_image_s_end_stand_alone() -> None:
    assert pairs("abc", "a") == "a=a b- c-"
    assert pairs("a", "abc") == "a=a -b -c"
    assert pairs("", "ab") == "-a -b"


def test_same_tar_on_another_stack_is_found_by_diff_id() -> None:
    assert pairs("abc", "xbc") == "apx btb ctc"
    assert pairs("abc", "abxc") == "a=a b=b -x ctc"
    assert pairs("abcd", "acd") == "a=a b- ctc dtd"


def test_layers_that_changed_places_do_not_cross() -> None:
    assert pairs("ab", "ba") in ("a- btb -a", "-b ata b-")


def test_instruction_puts_layers_of_other_content_side_by_side() -> None:
    assert pairs("abc", "axy", ("FCR", "FCR")) == "a=a bix ciy"
    assert pairs("abc", "axyz", ("FCR", "FNCR")) == "a=a -x biy ciz"
    assert pairs("abcd", "axy", ("FNCR", "FCR")) == "a=a b- cix diy"


def test_instruction_counts_between_layers_of_one_tar_only() -> None:
    """The line of b stands above c in the other image, and c is the same tar: they would cross."""
    assert pairs("abc", "acx", ("FBC", "FCB")) == "a=a b- ctc -x"


def test_position_counts_where_as_many_layers_are_left_on_both_sides() -> None:
    assert pairs("abc", "axy", ("FPQ", "FRS")) == "a=a bpx cpy"
    assert pairs("abc", "ax", ("FPQ", "FR")) == "a=a b- c- -x"
    assert pairs("abcd", "axyz", ("FPQR", "FSQT")) == "a=a bpx ciy dpz"


def test_instruction_that_nobody_knows_is_no_instruction() -> None:
    assert pairs("abc", "axy", ("F  ", "F  ")) == "a=a bpx cpy"
    assert pairs("abc", "axyz", ("F C", "F  C")) == "a=a b- -x -y ciz"


def test_empty_layer_again_and_again_does_not_hide_what_lies_between() -> None:
    """A WORKDIR makes the same tar everywhere: here at the bottom of one, and at both tops."""
    assert pairs("abcde", "xebcde") == "a- -x -e btb ctc dtd ete"
    assert pairs("xebcde", "abcde") == "x- e- -a btb ctc dtd ete"
    assert pairs("aeee", "aee") == "a=a e=e e=e e-"
    assert pairs("aeeeb", "xeeb") == "apx ete ete e- btb"


def test_repeated_line_pairs_as_many_layers_as_there_can_be() -> None:
    assert pairs("abcdef", "auvwxy", ("FRCRCR", "FCRCRR")).count("i") == 4


def longest(one: str, other: str) -> int:
    """How long the longest text is that both contain, in order, with gaps: by trying them all."""
    for length in range(min(len(one), len(other)), 0, -1):
        there = {"".join(part) for part in combinations(one, length)}
        if any("".join(part) in there for part in combinations(other, length)):
            return length
    return 0


def random_stacks(seed: int) -> tuple[str, str, tuple[str, str]]:
    chance = random.Random(seed)
    shared = "".join(chance.choices("abcd", k=chance.choice((0, 0, 1, 2))))
    one, other = (shared + "".join(chance.choices("abcd", k=chance.randrange(7))) for _ in "12")
    lines = {letter: chance.choice("PQR ") for letter in "abcd"}
    return one, other, ("".join(lines[x] for x in one), "".join(lines[x] for x in other))


def test_every_layer_stands_once_in_order_with_its_best_match() -> None:
    for seed in range(3000):
        one, other, lines = random_stacks(seed)
        keys = [[None if key == " " else key for key in text] for text in lines]
        found = pair_layers(stack(one), stack(other), (keys[0], keys[1]))
        assert [pair.before for pair in found if pair.before is not None] == [*range(len(one))]
        assert [pair.after for pair in found if pair.after is not None] == [*range(len(other))]
        for pair in found:
            i, j = pair.before, pair.after
            assert (pair.match is None) == (i is None or j is None)
            if i is None or j is None:
                continue
            same = one[i] == other[j]
            if pair.match is Match.CHAIN_ID:
                assert one[: i + 1] == other[: j + 1] and i == j
            elif pair.match is Match.DIFF_ID:
                assert same
            elif pair.match is Match.INSTRUCTION:
                assert not same and keys[0][i] == keys[1][j] is not None
            else:
                assert not same and (keys[0][i] != keys[1][j] or keys[0][i] is None)
        shared = sum(pair.match is Match.CHAIN_ID for pair in found)
        told = sum(pair.match is Match.DIFF_ID for pair in found)
        assert one[: shared + 1] != other[: shared + 1] or shared == len(one) == len(other)
        assert told == longest(one[shared:], other[shared:]), seed


def test_mirrored_pairs_are_the_pairs_of_the_mirrored_images() -> None:
    def rows(found: Sequence[LayerPair]) -> set[tuple[int | None, int | None, Match | None]]:
        return {(one.before, one.after, one.match) for one in found}

    for seed in range(3000):
        one, other, (first, second) = random_stacks(seed)
        found = pair_layers(stack(one), stack(other), (first, second))
        back = pair_layers(stack(other), stack(one), (second, first))
        assert rows(found) == {(j, i, match) for i, j, match in rows(back)}, seed


def test_stacks_beyond_all_measure_are_paired_in_order_too() -> None:
    """Three thousand layers each, all the same tar but for those at the bottom."""
    one, other = stack("x" + "e" * 3000), stack("y" + "e" * 3000)
    found = pair_layers(one, other, ([None] * 3001, [None] * 3001))
    assert [pair.match for pair in found] == [Match.POSITION, *[Match.DIFF_ID] * 3000]


def test_same_digest_is_told_apart_from_the_same_tar() -> None:
    one = [layer("a", blob="a.gz"), layer("b", blob="b.gz"), layer("c")]
    other = [layer("a", blob="a.gz"), layer("b", blob="b.zst"), layer("d", blob="d.gz")]
    keys = [None] * 3
    assert pair_layers(one, other, (keys, keys)) == (
        LayerPair(0, 0, Match.CHAIN_ID, same_digest=True),
        LayerPair(1, 1, Match.CHAIN_ID, same_digest=False),
        LayerPair(2, 2, Match.POSITION, same_digest=False),
    )


def test_layers_that_nobody_can_look_into_are_the_same_where_their_blobs_are() -> None:
    one, other = [layer(None, blob="x"), layer("a")], [layer(None, blob="x"), layer("a")]
    assert common_layers(one, other) == 2
    assert common_layers(one, [layer(None, blob="y"), layer("a")]) == 0
    # a blob is not a tar, whatever it is called
    assert common_layers([layer(None, blob="x")], [layer("x")]) == 0


def test_sums_are_of_the_layers_of_the_second_image() -> None:
    one = [
        layer("a", blob="a.gz", size=10, file_bytes=100),
        layer("b", blob="b.gz", size=20, file_bytes=200),
        layer("c", blob="c.gz", size=30, file_bytes=300),
    ]
    other = [
        layer("a", blob="a.zst", size=1, file_bytes=100),
        layer("x", blob="x.zst", size=2, file_bytes=50),
        layer("c", blob="c.gz", size=30, file_bytes=300),
        layer("b", blob="b.zst", size=None, file_bytes=200),
        layer("c", blob="c.gz", size=30, file_bytes=300),
    ]
    found = shared_layers(one, other)
    assert (found.by_chain_id.layers, found.by_chain_id.size) == (1, 1)
    assert found.by_chain_id.file_bytes == 100
    assert (found.by_diff_id.layers, found.by_diff_id.size) == (4, 61)
    assert found.by_diff_id.file_bytes == 900
    assert (found.by_digest.layers, found.by_digest.size) == (2, 60)
    assert found.by_digest.file_bytes == 600


@pytest.mark.parametrize(("one", "other"), [("", ""), ("", "a"), ("abc", "")])
def test_image_without_layers_shares_none(one: str, other: str) -> None:
    found = shared_layers(stack(one), stack(other))
    assert found.by_chain_id == found.by_diff_id == found.by_digest
    assert found.by_chain_id.layers == 0
