"""Numbers with units: read as people write them, written as docker rounds them (go-units)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_MOST = 10**300


def parse_quantity(text: str) -> Decimal | None:
    """A number of bytes or of anything, as people write it: ``500``, ``20MiB``, ``1.5GB``.

    Units count in thousands, those with an ``i`` in 1,024s; capitals do not matter. None for what
    is no such number.
    """
    number = text.strip().lower().removesuffix("b")
    unit = number.lstrip("0123456789.,_")
    digits = number[: len(number) - len(unit)].replace(",", "").replace("_", "")
    factor = _DECIMAL.get(unit.strip(), _BINARY.get(unit.strip()))
    try:
        value = Decimal(digits) * factor if factor else None
    except InvalidOperation:
        return None
    return value if value is not None and value < _MOST else None


def human_size(size: int | None, digits: int = 3) -> str:
    """A size as docker prints it: decimal units, three digits (``66.7kB``); ``-`` for None.

    ``docker system df`` has four ``digits``. Where docker prints ``1e+03kB`` (999,500 bytes and
    more; ``1000kB`` of four digits) this is ``1MB``.
    """
    if size is None:
        return "-"
    number = float(size)
    unit = 0
    while number >= 1000 - 0.5 * 10 ** (3 - digits) and unit < len(_UNITS) - 1:
        number /= 1000.0
        unit += 1
    return f"{number:.{digits}g}{_UNITS[unit]}"


def percent(ratio: float) -> str:
    """A ratio from 0 to 1 as a percentage with one digit; never a full 100 for less than all."""
    if ratio <= 0:
        return "0%"
    if ratio >= 1:
        return "100%"
    return f"{min(max(ratio * 100, 0.1), 99.9):.1f}%"


def plural(count: int, noun: str) -> str:
    """``1 layer``, ``2 layers``, ``1,204 entries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1] + 'ies' if noun.endswith('ry') else noun + 's'}"
