"""Patterns as find(1) takes them: fnmatch(3) without flags, where ``*`` matches slashes too."""

from __future__ import annotations

import re
from collections.abc import Callable

_CLASSES: dict[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda one: one in " \t",
    "cntrl": lambda one: ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0,
    "digit": lambda one: "0" <= one <= "9",
    "graph": lambda one: one.isprintable() and not one.isspace(),
    "lower": str.islower,
    "print": str.isprintable,
    "punct": lambda one: one.isprintable() and not one.isalnum() and not one.isspace(),
    "space": str.isspace,
    "upper": str.isupper,
    "xdigit": lambda one: one in "0123456789abcdefABCDEF",
}
_LATIN = [chr(code) for code in range(256)]


def matcher(pattern: bytes) -> Callable[[bytes], bool]:
    r"""A function that says whether a name, or a path, matches as a whole.

    ``*`` is any characters, ``?`` one, ``[ab-d[:upper:]]`` one of some, ``[!..]`` or ``[^..]`` one
    of all others; a backslash takes away the meaning of the next character. A bracket that is never
    closed is itself. One character is one of UTF-8, or a byte that is none.
    """
    text = pattern.decode("utf-8", "surrogateescape")
    segments = [""]
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "*":
            segments.append("")
        elif char == "?":
            segments[-1] += "."
        elif char == "\\" and position < len(text):
            segments[-1] += re.escape(text[position])
            position += 1
        elif char == "[" and (found := _bracket(text, position)) is not None:
            regex, position = found
            segments[-1] += regex
        else:
            segments[-1] += re.escape(char)
    first, *others = segments
    # Each but the last is found as early as it can be: nothing is tried twice.
    whole = first + "".join(f"(?>.*?{one})" for one in others[:-1] if one)
    if others:
        whole += f".*{others[-1]}"
    found_in = re.compile(f"(?s:{whole})").fullmatch
    return lambda name: found_in(name.decode("utf-8", "surrogateescape")) is not None


def _bracket(text: str, position: int) -> tuple[str, int] | None:
    """A bracket expression whose inside begins at ``position``, and the place behind it."""
    negated = text[position : position + 1] in ("!", "^") and position < len(text)
    position += negated
    inside = ""
    start = position
    while position < len(text):
        char = text[position]
        if char == "]" and position > start:
            if not inside:
                return ("." if negated else "(?!)"), position + 1
            return f"[{'^' if negated else ''}{inside}]", position + 1
        if text.startswith("[:", position) and (end := text.find(":]", position)) > 0:
            test = _CLASSES.get(text[position + 2 : end])
            if test is None:
                return None
            inside += "".join(re.escape(one) for one in _LATIN if test(one))
            position = end + 2
            continue
        if char == "\\" and position + 1 < len(text):
            position += 1
            char = text[position]
        position += 1
        last = text[position + 1 : position + 2]
        if text[position : position + 1] == "-" and last not in ("", "]"):
            if last == "\\" and position + 2 < len(text):
                position += 1
                last = text[position + 1]
            if char <= last:
                inside += f"{re.escape(char)}-{re.escape(last)}"
            position += 2
        else:
            inside += re.escape(char)
    return None
