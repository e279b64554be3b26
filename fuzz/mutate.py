"""Random changes of bytes, and of JSON as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

_BYTES = (
    b"\x00\x01\x09\x0a\x0d\x20\x22\x25\x2a\x2c\x2e\x2f\x30\x39\x3a\x5b\x5c\x5d\x7b\x7f\x80\xc0\xff"
)


def havoc(
    data: bytes, chance: Random, words: Sequence[bytes] = (), others: Sequence[bytes] = ()
) -> bytes:
    """``data`` with one to eight changes: bits, bytes, runs, words, pieces of other inputs."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(9)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = chance.choice(_BYTES)
        elif kind == 2:
            out[at:at] = bytes([chance.choice(_BYTES)]) * chance.choice((1, 1, 2, 7, 100))
        elif kind == 3:
            del out[at : at + chance.choice((1, 1, 2, 4, 16, 64, 512))]
        elif kind == 4:
            size = chance.choice((1, 2, 4, 16, 64, 512))
            start = chance.randrange(len(out) + 1)
            out[at:at] = out[start : start + size] * chance.choice((1, 1, 1, 2, 20))
        elif kind == 5 and words:
            out[at:at] = chance.choice(words)
        elif kind == 6 and words:
            word = chance.choice(words)
            out[at : at + len(word)] = word
        elif kind == 7 and others:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            out[at:] = other[start : start + chance.choice((8, 64, 4096))] + (
                bytes(out[at:]) if chance.random() < 0.5 else b""
            )
        elif kind == 8 and chance.random() < 0.2:
            del out[at:]
    return bytes(out)


_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 2**31, 2**63 - 1, 2**63, 2**64, 1.5, 1e300, "", "x"),
    *([], {}, [None], [[]], [{}], {"": None}, "sha256:" + "0" * 64, "a/b:c@sha256:x", "\x1b[2J"),
    *("../../etc/passwd", "\ud800", "0001-01-01T00:00:00Z", "linux", "application/json"),
)


def mutate_json(data: bytes, chance: Random) -> bytes:
    """A JSON document with some values or keys changed; as it is where it is no JSON."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _change(value, chance, 0)
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _change(value: Any, chance: Random, depth: int) -> Any:
    if isinstance(value, dict) and value and (depth == 0 or chance.random() < 0.8):
        key = chance.choice(list(value))
        kind = chance.randrange(10)
        changed = dict(value)
        if kind == 0:
            del changed[key]
        elif kind == 1:
            changed[chance.choice((key.upper(), key.lower(), key + "s", ""))] = changed.pop(key)
        elif kind == 2:
            changed[key.swapcase()] = chance.choice(_VALUES)
        else:
            changed[key] = _change(changed[key], chance, depth + 1)
        return changed
    if isinstance(value, list) and value and (depth == 0 or chance.random() < 0.8):
        changed_list = list(value)
        at = chance.randrange(len(value))
        kind = chance.randrange(8)
        if kind == 0:
            del changed_list[at]
        elif kind == 1:
            changed_list.insert(at, changed_list[at])
        elif kind == 2:
            changed_list.reverse()
        else:
            changed_list[at] = _change(changed_list[at], chance, depth + 1)
        return changed_list
    if isinstance(value, str) and value and chance.random() < 0.4:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(("", "\0", "/", "..", "A", "\n", "é")) + value[at + 1 :]
    if isinstance(value, int) and chance.random() < 0.4:
        return value + chance.choice((-1, 1, 512))
    return chance.choice(_VALUES)
