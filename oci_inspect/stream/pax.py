"""pax records: the extension headers of POSIX tars (pax, "Extended Header")."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes


def parse_pax(data: bytes) -> tuple[dict[bytes, bytes], str | None]:
    """The records of a pax header, the last of each key, and what is wrong with them, if anything.

    Reading ends at the first bad one.
    """
    records, problem = pax_records(data)
    return dict(records), problem


def pax_records(data: bytes) -> tuple[list[tuple[bytes, bytes]], str | None]:
    r"""Every record of a pax header in its order: ``"%d %s=%s\n"``, its own length in front."""
    records: list[tuple[bytes, bytes]] = []
    position = 0
    end = len(data)
    while position < end:
        space = data.find(b" ", position, position + 20)
        digits = data[position:space]
        if space < 0 or not digits.isdigit():
            if not data[position:].strip(b"\0"):
                break  # padded with NULs inside its own size, as some writers do
            return records, "a pax record without a length"
        length = int(digits)
        stop = position + length
        if length <= space - position + 1 or stop > end or data[stop - 1] != 0x0A:
            return records, "a pax record whose length is wrong"
        key, equals, value = data[space + 1 : stop - 1].partition(b"=")
        if not equals or not key:
            return records, "a pax record without a keyword"
        records.append((key, value))
        position = stop
    return records, None


def pax_number(text: bytes) -> int | None:
    """A decimal number of at most 20 digits; None for no such number."""
    if len(text) > 20 or not text.isdigit():
        return None
    return int(text)


def pax_time(text: bytes) -> tuple[int, int] | None:
    """Seconds and nanoseconds of a pax time, which may be negative and have a fraction."""
    if len(text) > 64:
        return None
    whole, _, fraction = text.partition(b".")
    negative = whole.startswith(b"-")
    digits = whole[1:] if negative else whole
    if not digits.isdigit() or (fraction and not fraction.isdigit()) or len(digits) > 18:
        return None
    seconds, nanoseconds = int(digits), int(fraction[:9].ljust(9, b"0"))
    if negative:
        seconds = -seconds - (1 if nanoseconds else 0)
        nanoseconds = (10**9 - nanoseconds) % 10**9
    return seconds, nanoseconds


def pax_xattrs(records: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Extended attributes, from ``SCHILY.xattr.`` or libarchive's base64 form, sorted by name."""
    found: dict[bytes, bytes] = {}
    for key, value in records.items():
        if key.startswith(b"LIBARCHIVE.xattr."):
            try:
                decoded = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
            except binascii.Error:
                decoded = value
            found.setdefault(unquote_to_bytes(key[17:]), decoded)
    for key, value in records.items():
        if key.startswith(b"SCHILY.xattr."):
            found[key[13:]] = value
    return tuple(sorted(found.items()))
