from __future__ import annotations

import time

import pytest

from oci_inspect.render.measure import balanced_width, cut_end, cut_middle, display_width, wrap


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("a日b", 4)]
)
def test_widths_count_wide_characters_twice_and_combining_ones_not(text, width):
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("日本語日本語", 6, "日本…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("abc", 1, "…"),
        ("", 3, ""),
    ],
)
def test_cutting_at_the_end(text, width, cut):
    assert cut_end(text, width) == cut
    assert display_width(cut) <= width


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("usr/share/doc/file.txt", 22, "usr/share/doc/file.txt"),
        ("usr/share/doc/file.txt", 13, "usr/…file.txt"),
        ("日本語日本語日本語", 9, "日…日本語"[:0] + "日…語日本語"[:2] + "本語"),
    ],
)
def test_cutting_a_path_keeps_its_end(text, width, cut):
    made = cut_middle(text, width)
    assert display_width(made) <= width
    if text.isascii():
        assert made == cut
    else:
        assert made.endswith("語")


def lines(text: str, width: int) -> list[str]:
    return [line for line, _ in wrap(text, width)]


def test_wrapping_breaks_at_blanks():
    assert lines("put the rm into the RUN", 10) == ["put the rm", "into the", "RUN"]


def test_wrapping_breaks_long_words_behind_a_slash_or_anywhere():
    assert lines("aaaaaa/bbbbbb", 8) == ["aaaaaa/", "bbbbbb"]
    assert lines("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_nothing_but_blanks_is_lost():
    text = "RUN  apt-get   update && 日本語日本語 " + "y" * 50 + "  end"
    for width in range(2, 80):
        made = lines(text, width)
        assert "".join(made).replace(" ", "") == text.replace(" ", "")
        assert all(display_width(line) <= width for line in made)


def test_no_line_begins_with_a_workflow_command():
    for width in range(3, 30):
        for line in lines("a" * 10 + "::error::" + "b" * 10, width):
            assert not line.startswith("::")


def test_a_balanced_width_leaves_no_word_alone():
    text = "step 13 changed only its metadata and so copied it whole: do it in step 5"
    width = balanced_width(text, 72)
    assert len(lines(text, width)) == len(lines(text, 72)) == 2
    assert len(lines(text, width)[1]) > 20


@pytest.mark.parametrize("text", ["a" * 2_000_000, "a " * 1_000_000, " " * 2_000_000])
def test_wrapping_takes_linear_time(text):
    began = time.process_time()
    for _ in wrap(text, 80):
        pass
    assert time.process_time() - began < 5
