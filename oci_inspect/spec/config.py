"""The image config (image-spec, config.md; moby's image specification v1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from oci_inspect.spec.digest import DigestError, parse_digest
from oci_inspect.spec.document import MOST_ITEMS, Fields, JsonObject, Problem
from oci_inspect.spec.platform import Platform, platform_of

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)"
)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of the build, as the config tells it.

    ``empty_layer`` is None where the entry does not say.
    """

    created: str | None
    created_by: str
    comment: str
    author: str | None
    empty_layer: bool | None


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image is run with and made of. ``raw`` is the whole document."""

    created: str | None
    author: str | None
    platform: Platform
    diff_ids: tuple[str, ...]
    history: tuple[HistoryEntry, ...]
    raw: JsonObject = field(repr=False)


def parse_config(value: JsonObject, problems: list[Problem]) -> ImageConfig:
    """Read an image config; wrongly typed fields are ``config-invalid``."""
    rule = "config-invalid"
    fields = Fields(value, "", problems, rule)
    rootfs = fields.object("rootfs")
    diff_ids: tuple[str, ...] = ()
    if rootfs is None:
        problems.append(Problem(rule, "rootfs", "rootfs is missing"))
    else:
        inner = Fields(rootfs, "rootfs", problems, rule)
        if inner.get("type") != "layers":
            problems.append(Problem(rule, "rootfs.type", 'rootfs.type is not "layers"'))
        diff_ids = inner.texts("diff_ids", MOST_ITEMS)
    for i, diff_id in enumerate(diff_ids):
        try:
            digest = parse_digest(diff_id)
        except DigestError as error:
            where = f"rootfs.diff_ids[{i}]"
            problems.append(Problem("digest-invalid", where, f"{where}: {error}"))
        else:
            if not digest.supported:
                where = f"rootfs.diff_ids[{i}]"
                problems.append(
                    Problem("digest-unsupported", where, f"{where}: {digest.algorithm}")
                )
    _check_run_config(fields, problems)
    created = fields.text("created")
    _check_created(created, "created", problems)
    platform = platform_of(fields)
    if not platform.os or not platform.architecture:
        problems.append(
            Problem("platform-missing", "architecture", "the config names no os or architecture")
        )
    history = []
    for where, one in fields.objects("history"):
        entry = Fields(one, where, problems, rule)
        empty = entry.get("empty_layer")
        made = entry.text("created")
        if made is not None and parse_time(made) is None:
            problems.append(
                Problem("created-invalid", f"{where}.created", f"{where}.created is not RFC 3339")
            )
        history.append(
            HistoryEntry(
                created=made,
                created_by=entry.text("created_by") or "",
                comment=entry.text("comment") or "",
                author=entry.text("author"),
                empty_layer=None if empty is None else entry.boolean("empty_layer"),
            )
        )
    return ImageConfig(
        created=created,
        author=fields.text("author"),
        platform=platform,
        diff_ids=diff_ids,
        history=tuple(history),
        raw=value,
    )


def _check_run_config(fields: Fields, problems: list[Problem]) -> None:
    run = fields.object("config")
    if run is None:
        return
    inner = Fields(run, "config", problems, "config-invalid")
    for key in ("User", "WorkingDir", "StopSignal"):
        inner.text(key)
    for key in ("Env", "Cmd", "Entrypoint"):
        inner.texts(key)
    for key in ("ExposedPorts", "Volumes"):
        inner.object(key)
    inner.strings("Labels")


def _check_created(created: str | None, where: str, problems: list[Problem]) -> None:
    if created is None:
        return
    time = parse_time(created)
    if time is None:
        problems.append(Problem("created-invalid", where, f"{where} is not RFC 3339"))
    elif time.year == 1 or time.timestamp() == 0:
        problems.append(
            Problem("created-zero", where, f"{where} is {created}: a reproducible build, or none")
        )


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 time, to the microsecond; None where it is none."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    micro = (fraction or "0")[:6].ljust(6, "0")
    try:
        time = datetime.fromisoformat(f"{day}T{clock}.{micro}{zone.upper().replace('Z', '+00:00')}")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
