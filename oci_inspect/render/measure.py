"""Text measured in columns of a terminal: wide characters count two, combining ones none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

LONG = 20_000
"""Characters beyond which a width is no longer measured: no screen is that wide."""


def display_width(text: str) -> int:
    """The columns that text without control characters takes."""
    if text.isascii():
        return len(text)
    if len(text) > LONG:
        return len(text)
    width = _char_width()
    return sum(width(char) for char in text)


@cache
def _char_width() -> Callable[[str], int]:
    # Imported late: it takes longer than all else here, and most text is ASCII.
    from wcwidth import wcwidth

    @cache
    def width(char: str) -> int:
        return max(0, wcwidth(char))

    return width


def take(text: str, width: int) -> int:
    """How many characters of ``text`` fit into ``width`` columns."""
    if text.isascii():
        return min(len(text), width)
    char_width = _char_width()
    used = 0
    for position, char in enumerate(text):
        used += char_width(char)
        if used > width:
            return position
    return len(text)


def cut_end(text: str, width: int, mark: str = "…") -> str:
    """The beginning of the text, with ``mark`` where something is missing."""
    if take(text, width) == len(text):
        return text
    room = width - len(mark)
    return mark[:width] if room <= 0 else text[: take(text, room)] + mark


def cut_middle(text: str, width: int, mark: str = "…") -> str:
    """The beginning and the longer end of a path, with ``mark`` between."""
    if take(text, width) == len(text):
        return text
    room = width - len(mark)
    if room <= 0:
        return mark[:width]
    head = room // 3
    # A window is enough to find the end in, and keeps this independent of the text's length.
    tail = text[-4 * room - 8 :][::-1]
    return text[: take(text, head)] + mark + tail[: take(tail, room - head)][::-1]


def wrap(text: str, width: int) -> Iterator[tuple[str, int]]:
    """Break text into lines of at most ``width`` columns, at blanks where there are any.

    Yields each line with the position in the text behind it. Only the blanks at a break go.
    """
    width = max(1, width)
    position, end = 0, len(text)
    while position < end:
        # Four characters a column: enough even for many combining ones, and keeps this linear.
        window = text[position : position + 4 * width + 4]
        fits = max(1, take(window, width))
        if position + fits >= end:
            yield text[position:], end
            return
        stop = fits
        if window[fits : fits + 1] != " ":
            blank = window.rfind(" ", 0, fits)
            if window[:blank].strip(" "):
                stop = blank if blank > 0 else _inside_word(window, fits)
            else:
                stop = _inside_word(window, fits)
        line = window[:stop]
        position += stop
        while position < end and text[position] == " ":
            position += 1
        yield line.rstrip(" "), position


def balanced_width(text: str, width: int) -> int:
    """The smallest width that needs no more lines than ``width`` does: no word left alone.

    Words that fit in one line, digests above all, stay whole.
    """
    lines = sum(1 for _ in wrap(text, width))
    if not 1 < lines <= 4:
        return width
    words = (display_width(word) for word in text.split(" "))
    least = max(2 * width // 3, *(one for one in words if one <= width), 0)
    narrow = width
    while narrow > least and sum(1 for _ in wrap(text, narrow - 1)) == lines:
        narrow -= 1
    return narrow


def _inside_word(window: str, fits: int) -> int:
    """Where to break a word that is longer than a line: behind a slash or a comma if it has one."""
    near = max(window.rfind("/", fits - fits // 3, fits), window.rfind(",", fits - fits // 3, fits))
    stop = near + 1 if near > 0 else fits
    # A line must not begin with what a CI runner takes for a command.
    while stop > 1 and (window.startswith("::", stop) or window.startswith("##[", stop)):
        stop -= 1
    return stop
