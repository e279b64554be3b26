"""Numbers as people read them, rounded as docker rounds them (go-units), and bars."""

from __future__ import annotations

from datetime import UTC, datetime

from oci_inspect.quantities import human_size as human_size
from oci_inspect.quantities import percent as percent
from oci_inspect.quantities import plural as plural
from oci_inspect.spec.config import parse_time

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EIGHTHS = " ▏▎▍▌▋▊▉"


def human_duration(seconds: float) -> str:
    """A length of time in one unit, by the rules of go-units (``About an hour``, ``3 weeks``)."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = whole // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{whole // 3600 // 24 // 365} years"


def age(created: str | None, now: datetime, missing: str = "N/A") -> str:
    """How long ago, as docker prints it; ``missing`` for no time, and for one before 2000."""
    time = parse_time(created) if created else None
    if time is None or time <= _EPOCH:
        return missing
    return f"{human_duration((now - time).total_seconds())} ago"


def clock(created: str | None) -> str:
    """A time to the second, in UTC, for people; ``-`` for none. What is no time stays as it is."""
    if not created:
        return "-"
    time = parse_time(created)
    # Not strftime: what it makes of years below 1000 differs between platforms.
    return created if time is None else f"{time.replace(microsecond=0, tzinfo=None)} UTC"


def rfc3339(created: str | None) -> str:
    """A time to the second as RFC 3339 in UTC; empty for none. What is no time stays as it is."""
    if not created:
        return ""
    time = parse_time(created)
    if time is None:
        return created
    return f"{time.replace(microsecond=0, tzinfo=None).isoformat()}Z"


def bar(share: float, dead: float, width: int, unicode: bool = True) -> tuple[str, str]:
    """A bar of at most ``width`` columns for a share of a whole: its live and its dead part.

    What is not nothing is seen, if only as a thin line; of a share below one column only the
    larger part is.
    """
    share = min(max(share, 0.0), 1.0)
    dead = min(max(dead, 0.0), share)
    live = share - dead
    shade = "░" if unicode else "."
    if share * width < 1:
        if share <= 0 or dead >= live:
            return "", shade if share > 0 else ""
        return (_blocks(live * width) if unicode else "#"), ""
    cells = max(1, round(dead * width)) if dead > 0 else 0
    if live * width < 1 / 16:
        return "", shade * min(cells, width)
    # The live part is drawn to the eighth of a column, the dead one fills whole ones.
    solid = _blocks(min(live * width, width - cells)) if unicode else "#" * round(live * width)
    return solid[: width - cells], shade * cells


def _blocks(columns: float) -> str:
    full, rest = divmod(max(1, round(columns * 8)), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
