"""Rules that contradict each other: one allows what another forbids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from oci_inspect.rules.model import Level, Setting


def conflicts(
    settings: Sequence[Setting], sections: Iterable[str | None]
) -> Iterator[tuple[Setting, str]]:
    """Contradictions of settings, each once, with the one that stands later.

    ``sections`` are the patterns of images that settings may be for, None for all images; what is
    for all images holds in each section as well.
    """
    told: set[tuple[Setting, str]] = set()
    for pattern in sections:
        last = {one.rule: one for one in settings if one.images in (None, pattern)}
        active = {name: one for name, one in last.items() if one.level is not Level.OFF}
        for found in _among(active):
            if found not in told:
                told.add(found)
                yield found


def _among(active: dict[str, Setting]) -> Iterator[tuple[Setting, str]]:
    allowed = active.get("allow-setuid")
    if allowed is None:
        return
    for name in ("forbid-paths", "forbid-paths-in-layers"):
        forbidden = active.get(name)
        if forbidden is not None:
            paths = {_plain(one) for one in _texts(forbidden)}
            for one in _texts(allowed):
                if _plain(one) in paths:
                    yield _later(allowed, forbidden), f"allow-setuid and {name} both name {one!r}"
    findings = active.get("forbid-findings")
    if findings is not None and "setuid" in _texts(findings) and _texts(allowed):
        what = "allow-setuid allows files that forbid-findings forbids with 'setuid'"
        yield _later(allowed, findings), what


def _texts(setting: Setting) -> tuple[str, ...]:
    return setting.value if isinstance(setting.value, tuple) else ()


def _plain(pattern: str) -> str:
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))


def _later(one: Setting, other: Setting) -> Setting:
    if one.source.path != other.source.path:
        return one if one.source.path is None else other
    return one if (one.source.line or 0) >= (other.source.line or 0) else other
