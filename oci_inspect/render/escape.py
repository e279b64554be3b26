r"""Making text from an archive safe for the place it is shown in.

An image may come from anyone. Nothing in it may move the cursor, start a link, hide a word or turn
the reading direction, break out of a table's cell, become a formula in a spreadsheet, or speak to
a CI system. What could is shown as an escape (``\x1b``, ``\u202e``), so that nothing is lost to
the eye. Backslashes are not doubled: for exactness there is JSON.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Protocol

# Invisible although Python calls them printable: fillers, joiners, variation selectors (which can
# carry hidden text), the braille blank.
_INVISIBLE = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)
_PIECE = 1 << 16
_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


class _Escapes(dict[int, str | int]):
    """The table for ``str.translate``, filled as characters come."""

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._ascii_only = ascii_only

    def __missing__(self, code: int) -> str | int:
        value = self[code] = code if self._kept(code) else _SHORT.get(code) or visible(code)
        return value

    def _kept(self, code: int) -> bool:
        if code < 0x7F:
            return code >= 0x20
        return not self._ascii_only and code not in _INVISIBLE and chr(code).isprintable()


def visible(code: int) -> str:
    r"""A character as ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``."""
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_TABLES = {False: _Escapes(False), True: _Escapes(True)}

# What CI runners obey on standard output: `::name::` behind blanks (GitHub), and anywhere in a line
# `##[name]` (GitHub, Azure), `##vso[...]` (Azure) and `##teamcity[...]`.
_HASHES = re.compile(r"##(?=[A-Za-z]*\[)")
_COMMAND = re.compile(r"(?:(?<=\s)|\A)::|" + _HASHES.pattern)


def terminal(text: str, *, ascii_only: bool = False, keep_tabs: bool = False) -> str:
    """One line of text without anything that a terminal or a CI runner would act upon.

    Control characters, line breaks, marks of direction, characters of no width and surrogates
    become escapes; with ``ascii_only`` so does everything beyond ASCII.
    """
    if keep_tabs and "\t" in text:
        return "\t".join(terminal(part, ascii_only=ascii_only) for part in text.split("\t"))
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_TABLES[ascii_only])
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda found: "\\x3a:" if found[0] == "::" else "#\\x23", text)
    return text


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def terminal_pieces(source: _Readable) -> Iterator[str]:
    """Text of any length for a terminal, line by line; a very long line in several pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    while True:
        data = source.read(_PIECE)
        text = decoder.decode(data, final=not data)
        if text:
            yield "\n".join(terminal(line, keep_tabs=True) for line in text.split("\n"))
        if not data:
            return


def json_text(text: str) -> str:
    """JSON whose strings hold nothing that a terminal or a CI runner would act upon, or is unseen.

    JSON escapes the rest of the control characters by itself, and stays the same document.
    """
    if "##" in text:  # in a string, or it were no JSON
        text = _HASHES.sub(r"#\\u0023", text)
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSEEN.sub(_json_escape, text)


_UNSEEN = re.compile(r"[^\x00-\x7e]")


def _json_escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if code > 0x7F and code not in _INVISIBLE and character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",
    "`": "&#96;",
    "*": "&#42;",
    "~": "&#126;",
    "[": "&#91;",
    "$": "&#36;",
}
_SPECIAL = re.compile(r"[&<>|`*~\[$]")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BACKSLASH = re.compile(r"\\(?![A-Za-z0-9 ])")
_LINK = re.compile(r"(?i)(?<=[a-z]):(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.")
_MENTION = re.compile(r"@(?=\w)|(?<![\w&])#(?=\d)|(?i:(?<=\bGH)-(?=\d))")


def markdown(text: str) -> str:
    """Prose for GitHub's Markdown, in a table's cell or elsewhere: text and nothing but text."""
    text = terminal(text).strip(" ")
    text = _SPECIAL.sub(lambda found: _ENTITIES[found[0]], text)
    text = _EDGE_UNDERSCORE.sub("&#95;", text)
    text = _BACKSLASH.sub("&#92;", text)
    text = _LINK.sub(lambda found: f"&#{ord(found[0])};", text)
    # An entity would not do: mentions are looked for in the finished page.
    return _MENTION.sub(lambda found: f"{found[0]}&#8203;", text)


def markdown_code(text: str) -> str:
    """Text for GitHub's Markdown as code.

    A code span where it can be one; an HTML element with entities where a pipe would end the
    table's cell or a backtick the span.
    """
    text = terminal(text)
    if not text.strip(" "):
        return ""
    if "|" not in text and "`" not in text:
        return f"`{text}`" if text == text.strip(" ") else f"` {text} `"
    text = _SPECIAL.sub(lambda found: _ENTITIES[found[0]], text)
    text = text.replace("_", "&#95;")
    text = _BACKSLASH.sub("&#92;", text)
    text = _LINK.sub(lambda found: f"&#{ord(found[0])};", text)
    return f"<code>{text}</code>"


# With the full-width forms of = + - @, which some spreadsheets take for the plain ones.
_FORMULA = "=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20"


def csv_cell(text: str) -> str:
    """Text for a cell of CSV: one line, and no formula for a spreadsheet (OWASP, CSV injection)."""
    first = text.lstrip(" ")[:1]
    text = terminal(text)
    return f"'{text}" if first and first in _FORMULA else text


def github_message(text: str) -> str:
    """Text for the message of a GitHub workflow command (``::error::message``).

    As ``escapeData`` of actions/toolkit does it (packages/core/src/command.ts): a line break stays
    one. Text from an image goes through :func:`terminal` before, so that it has none.
    """
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return terminal(text)


def github_property(text: str) -> str:
    """Text for a property of a GitHub workflow command (``::error file=...``).

    As ``escapeProperty`` of actions/toolkit does it.
    """
    return github_message(text).replace(":", "%3A").replace(",", "%2C")


_XML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"},
)


def xml_text(text: str) -> str:
    """Text for XML 1.0, between tags or in an attribute.

    What XML cannot hold at all (most control characters, surrogates, U+FFFE; XML 1.0, section 2.2)
    is gone with all else that is not seen, and reports are printed to logs, so that commands are
    none here either. ``>`` is an entity too, for the sake of ``]]>``.
    """
    return terminal(text).translate(_XML)


def openmetrics_label(text: str) -> str:
    """Text for the value of a label, between its quotes (OpenMetrics 1.0, escaped-string)."""
    return terminal(text).replace("\\", "\\\\").replace('"', '\\"')


def sarif_message(text: str) -> str:
    """Text for a plain text message of SARIF 2.1.0: no placeholder in it and no link.

    Braces are doubled (section 3.11.5). ``](``, without which there is no embedded link, becomes
    ``] (``: a backslash would not do, as the text may have one there itself (section 3.11.6).
    """
    return terminal(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def uri_path(path: bytes) -> str:
    """A path for a URI (RFC 3986): every byte but letters, digits, ``_.-~/`` as ``%NN``."""
    from urllib.parse import quote

    return quote(path, safe="/")


def uri_component(text: str) -> str:
    """Text for a part of a URI, as JavaScript's ``encodeURIComponent`` writes it (ECMA-262)."""
    from urllib.parse import quote

    return quote(text, safe="!~*'()")
