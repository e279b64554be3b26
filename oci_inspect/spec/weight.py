"""What a JSON document will take in memory, told from its bytes before anything is made of them."""

from __future__ import annotations

import sys
from typing import Any

PER_MARK = {b"{": 64, b"[": 64, b":": 128, b",": 64}
"""Bytes of memory for each mark.

Measured on CPython 3.11: an empty object in an array (two marks) takes 72 bytes, one with a key
(four) 240, a text of a character or a large number (one) 80 or 40. A key of its own takes up to 280
with what is made of it while it is read and looked at: a pair, a text, a place in a dictionary.
"""

_WIDEST = 4
"""Bytes of memory for a character, where one in the same string is beyond ASCII."""


def json_weight(data: bytes) -> int:
    """Bytes of memory that a document takes with its value, about; never parses anything.

    Marks in strings count as well, so that a document may be told to weigh more than it does.
    """
    plain = data.isascii() and b"\\u" not in data
    text = len(data) * (1 if plain else _WIDEST)
    return len(data) + text + sum(data.count(mark) * each for mark, each in PER_MARK.items())


def value_weight(value: Any) -> int:
    """Bytes of memory that the value of a document takes, once it is read.

    Less than was foretold where marks stood in texts, and as what is made meanwhile is gone.
    """
    total = 0
    left = [value]
    while left:
        one = left.pop()
        total += sys.getsizeof(one)
        if isinstance(one, dict):
            total += sum(map(sys.getsizeof, one))
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
    return total
