"""Reading back the values that builders printed into an image's history.

They are written in Go and use its `fmt`: `%q` (quoted strings, a list of them without commas, a
number as a quoted character), `%v` (bare words in brackets), or join words and drop the quotes.
The readers of an instruction return what to write behind its name, or None where the text
should stand as it is, and what is not sure about it.  All of them work in linear time.
"""

from __future__ import annotations

import json
import re

# Possessive quantifiers: a missing end quote must not cost more than one pass.
_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_JSON_LIST = re.compile(
    r'\[\s*+(?:"(?:[^"\\]++|\\.)*+"\s*+(?:,\s*+"(?:[^"\\]++|\\.)*+"\s*+)*+)?\]', re.DOTALL
)
_SEPARATOR = re.compile(r"\s*+(?:,\s*+)?")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.)|\Z)", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HEALTH_TIMES = re.compile(r"((?: \"[0-9a-zµ.]++\"){3,4}) '(.+)'", re.DOTALL)
_HEALTH_FIELDS = re.compile(
    r"Interval:(\S++) Timeout:(\S++) StartPeriod:(\S++)(?: StartInterval:(\S++))? Retries:(\d++)"
)
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")
_LABEL = re.compile(r"(?<= )[A-Za-z0-9][\w./-]*+=", re.ASCII)
_VARIABLE = re.compile(r"(?<= )[A-Za-z_]\w*+=", re.ASCII)
_BARE_NAME = re.compile(r"[A-Za-z_]\w*+", re.ASCII)
_PLAIN = re.compile(r"[^\s\"'\\$]*+")
_WORD = re.compile(r"(?:[^\s\"'\\]++|\\.|\"(?:[^\"\\]++|\\.)*+\"|'[^']*+')++", re.DOTALL)
_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
}

_VALUES_GUESSED = "the quotes are lost: where each value ends is a guess"
_NAMES_OR_VALUE = "the quotes are lost: the last words may be one value or further names"
WORDS_GUESSED = "the words were joined by spaces: where each ends is a guess"
RETRIES_LOST = "the number of retries was not recorded"


class _NotGo(ValueError):
    """An escape Go would not have written, or a byte that is no character."""


def _escape(match: re.Match[str]) -> str:
    byte, short, long, octal, simple = match.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise _NotGo
        return _SIMPLE[simple]
    digits = byte or short or long
    if digits:
        code = int(digits, 16)
    elif octal:
        code = int(octal, 8)
    else:  # a lone backslash at the end
        raise _NotGo
    # \x80 and up is one byte of something that is no UTF-8: no character stands for it.
    if (byte or octal) and code > 0x7F:
        raise _NotGo
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise _NotGo
    return chr(code)


def unescape(body: str) -> str | None:
    """Return what the inside of a Go string literal stands for."""
    if _CONTROL.search(body):
        return None
    try:
        return _ESCAPE.sub(_escape, body)
    except _NotGo:
        return None


def quoted_list_at(text: str, start: int = 0) -> tuple[list[str], int] | None:
    """Read the `["a" "b"]` that begins at `start`; return its words and where it ends.

    Commas between the words are accepted too, as they stand in the Dockerfile itself.
    """
    if not text.startswith("[", start):
        return None
    as_json = _JSON_LIST.match(text, start)
    if as_json:
        # A flat list of strings by now, so the parser cannot be made to recurse.
        try:
            words = json.loads(as_json[0])
        except ValueError:
            words = None
        if words is not None:
            if any(_SURROGATE.search(word) for word in words):
                return None
            return words, as_json.end()
    found: list[str] = []
    at = start + 1
    while not text.startswith("]", at):
        literal = _STRING.match(text, at)
        word = unescape(literal[1]) if literal else None
        if literal is None or word is None:
            return None
        found.append(word)
        at = literal.end()
        if text.startswith("]", at):
            break
        separator = _SEPARATOR.match(text, at)
        if separator is None or separator.end() == at:
            return None
        at = separator.end()
    return found, at + 1


def quoted_list(text: str) -> list[str] | None:
    """Read `["a" "b"]`, with nothing but white space around it."""
    text = text.strip()
    read = quoted_list_at(text)
    return read[0] if read and read[1] == len(text) else None


def bracketed(text: str) -> str | None:
    """Return what stands between the brackets of a `%v` list, `[a b c]`."""
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == "[" and text[-1] == "]" else None


def rune(body: str) -> int | None:
    """Return the number that `%q` wrote as a character, given without its quotes.

    Go writes U+FFFD for every number that is no character, so that one tells nothing.
    """
    character = unescape(body) if body.startswith("\\") else body
    if character is None or len(character) != 1 or character == "\ufffd":
        return None
    return ord(character)


def json_list(words: list[str]) -> str:
    """Write words as the JSON list that Dockerfile instructions take."""
    return json.dumps(words, ensure_ascii=False)


def ports(rest: str) -> str | None:
    """Read EXPOSE's `map[80/tcp:{}]` (older BuildKit) and `[80/tcp]`."""
    inner = bracketed(rest.strip().removeprefix("map"))
    words = [word.removesuffix(":{}") for word in inner.split()] if inner else []
    return " ".join(words) or None


def volumes(rest: str) -> tuple[str | None, str | None]:
    """Read VOLUME's `[/data /srv]`; return what to write and what is not sure about it."""
    words = quoted_list(rest)
    if words is not None:
        return json_list(words), None
    inner = bracketed(rest)
    if not inner or not inner.strip():
        return None, None
    words = inner.split()
    sure = all(_ABSOLUTE.match(word) for word in words[1:])
    return json_list(words), None if sure else WORDS_GUESSED


def healthcheck(rest: str) -> tuple[str | None, str | None]:
    """Read HEALTHCHECK's structure, `&{["CMD" "x"] "30s" "0s" "0s" '\u263a'}`, or with names."""
    body = rest.strip().removeprefix("&")
    if not (body.startswith("{") and body.endswith("}")):
        return None, None
    body = body[1:-1]
    if body.startswith("Test:["):
        return _healthcheck_fields(body)
    test = quoted_list_at(body)
    times = _HEALTH_TIMES.fullmatch(body, test[1]) if test else None
    if test is None or times is None or not test[0]:
        return None, None
    durations = times[1].replace('"', "").split()
    if len(durations) == 3:  # before start-interval came with Docker 25
        durations.append("0s")
    retries = rune(times[2])
    note = RETRIES_LOST if retries is None else None
    kind, *words = test[0]
    if kind == "CMD":
        return _health_line(durations, retries, json_list(words)), note
    if kind == "CMD-SHELL":
        return _health_line(durations, retries, " ".join(words)), note
    return ("NONE", None) if test[0] == ["NONE"] else (None, None)


def _healthcheck_fields(body: str) -> tuple[str | None, str | None]:
    """Read the form of newer BuildKit: names before the fields, no quotes in the test."""
    test, _, rest = body.removeprefix("Test:[").rpartition("] ")
    fields = _HEALTH_FIELDS.fullmatch(rest)
    if fields is None:
        return ("NONE", None) if body.startswith("Test:[NONE] ") else (None, None)
    durations = [fields[1], fields[2], fields[3], fields[4] or "0s"]
    kind, _, words = test.partition(" ")
    retries = int(fields[5][:9])
    if kind == "CMD-SHELL" and words:
        return _health_line(durations, retries, words), None
    if kind == "CMD" and words:
        line = _health_line(durations, retries, json_list(words.split(" ")))
        return line, WORDS_GUESSED
    return ("NONE", None) if test == "NONE" else (None, None)


def _health_line(durations: list[str], retries: int | None, command: str) -> str:
    names = ("interval", "timeout", "start-period", "start-interval")
    flags = [
        f"--{name}={value}" for name, value in zip(names, durations, strict=True) if value != "0s"
    ]
    if retries:
        flags.append(f"--retries={retries}")
    return " ".join((*flags, "CMD", command))


def _quoted(value: str) -> str:
    """Quote a value as a Dockerfile needs it, so that nothing in it is expanded."""
    if _PLAIN.fullmatch(value):
        return value
    for character in '\\"$':
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def pairs(rest: str, *, labels: bool, printed: bool) -> tuple[str | None, str | None]:
    """Read ENV's and LABEL's pairs; builders print `NAME=value` with the quotes gone.

    What docker would read as it stands is kept, unless `printed` says that the quotes are gone;
    so is the old form, `ENV name value`.
    """
    if not printed and (_well_quoted(rest) or "=" not in rest.partition(" ")[0]):
        return None, None
    return _quote_pairs(rest, _LABEL if labels else _VARIABLE)


def _well_quoted(rest: str) -> bool:
    """Tell whether docker would read this as name=value words."""
    at = 0
    rest = rest.strip()
    while at < len(rest):
        word = _WORD.match(rest, at)
        if word is None or "=" not in word[0]:
            return False
        at = word.end()
        if at < len(rest) and not rest[at].isspace():
            return False
        while at < len(rest) and rest[at].isspace():
            at += 1
    return True


def _quote_pairs(rest: str, name: re.Pattern[str]) -> tuple[str | None, str | None]:
    first, equals, _ = rest.partition("=")
    # A name that needs quotes itself cannot be told from a value.
    if not equals or not first or not _PLAIN.fullmatch(first):
        return None, None
    starts = [0, *(match.start() for match in name.finditer(rest, len(first) + 1))]
    stops = [start - 1 for start in starts[1:]] + [len(rest)]
    words: list[str] = []
    guessed = False
    for start, stop in zip(starts, stops, strict=True):
        key, _, value = rest[start:stop].partition("=")
        guessed = guessed or (len(starts) > 1 and " " in value)
        words.append(f"{key}={_quoted(value)}")
    return " ".join(words), _VALUES_GUESSED if guessed else None


def arguments(rest: str) -> tuple[str | None, str | None]:
    """Read ARG's names and pairs."""
    words = rest.split(" ")
    bare = [_BARE_NAME.fullmatch(word) is not None for word in words]
    if all(
        is_name or ("=" in word and _PLAIN.fullmatch(word))
        for is_name, word in zip(bare, words, strict=True)
    ):
        # A bare word behind a pair is a name without a default, or the rest of the value.
        pair_seen = bare.index(False) if False in bare else len(bare)
        return None, _NAMES_OR_VALUE if any(bare[pair_seen:]) else None
    return _quote_pairs(rest, _VARIABLE)
