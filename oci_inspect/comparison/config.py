"""How a container would run: two image configs held against each other (image-spec, config.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from oci_inspect.comparison.results import ConfigDifference
from oci_inspect.filesystem.comparing import Turn
from oci_inspect.spec.config import ImageConfig
from oci_inspect.spec.document import MOST_ITEMS, Fields

_KNOWN = (
    *("User", "WorkingDir", "Entrypoint", "Cmd", "Shell", "Env", "ExposedPorts", "Volumes"),
    *("Labels", "StopSignal", "StopTimeout", "Healthcheck", "OnBuild", "ArgsEscaped"),
)
_PLATFORM = ("os", "architecture", "variant", "os.version", "os.features")
_OF_THE_BUILDER = frozenset(("image", "hostname", "domainname"))
"""What the container of a build step was called: nothing that a container of the image has.

``ArgsEscaped`` counts as well, but on Windows: BuildKit writes it everywhere (moby,
image-spec v1.2, "ArgsEscaped").
"""

_EMPTY: tuple[object, ...] = (None, "", False, [], {})


def compare_configs(
    before: ImageConfig | None, after: ImageConfig | None
) -> tuple[ConfigDifference, ...]:
    """The settings that are different: platform first, the others in the order of their keys.

    What is empty is the same as what is not there, and so is what an engine takes where nothing is
    said: ``/`` to work in, v8 of arm64. Of keys that differ by case the exact one is taken. Lists
    and maps of settings that stand by themselves (environment, labels, ports, volumes) are compared
    name by name; their order, which differs between builders, does not count. One of more names
    than anybody gives is a single setting.
    """
    old, new = _settings(before), _settings(after)
    order = {name: i for i, name in enumerate((*_PLATFORM, *_KNOWN))}

    def place(key: str) -> tuple[int, str]:
        return order.get(key, order.get(key.partition(".")[0], len(order))), key

    found = []
    for key in sorted(old.keys() | new.keys(), key=place):
        was, now = old.get(key), new.get(key)
        if key in old and key in new:
            if _canonical(was) != _canonical(now):
                found.append(ConfigDifference(key, Turn.CHANGED, was, now))
        else:
            turn = Turn.ADDED if key in new else Turn.REMOVED
            found.append(ConfigDifference(key, turn, was, now))
    return tuple(found)


def _settings(config: ImageConfig | None) -> dict[str, object]:
    if config is None:
        return {}
    fields = Fields(config.raw, "", [])
    found: dict[str, object] = {}
    for key in _PLATFORM:
        value = fields.get(key)
        if not _empty(value):
            found[key] = value
    if (found.get("architecture"), found.get("variant")) == ("arm64", "v8"):
        del found["variant"]  # containerd's normalisation
    run = fields.get("config")
    if not isinstance(run, dict):
        return found
    if len(run) > MOST_ITEMS:
        return {**found, "config": run}
    ignored = _OF_THE_BUILDER | (set() if found.get("os") == "windows" else {"argsescaped"})
    known = {name.casefold(): name for name in _KNOWN}
    settings = Fields(run, "", [])
    for key in run:
        name: str = known.get(key.casefold()) or key
        value = settings.get(name)
        default = name == "WorkingDir" and value == "/"
        if key.casefold() not in ignored and not default and not _empty(value):
            found.update(_named(name, value))
    return found


def _canonical(value: object) -> str:
    """What two values are compared by: to JSON 1 and true are not the same, to Python they are."""
    return json.dumps(value, sort_keys=True)


def _named(name: str, value: Any) -> Iterator[tuple[str, object]]:
    """One setting, or each of those that stand by themselves under one name."""
    if isinstance(value, (list, dict)) and len(value) > MOST_ITEMS:
        yield name, value
    elif name == "Env" and _texts(value):
        for one in value:
            variable, _, content = one.partition("=")
            yield f"Env.{variable}", content
    elif name == "Labels" and isinstance(value, dict):
        for label, content in value.items():
            yield f"Labels.{label}", content
    elif name in ("ExposedPorts", "Volumes") and isinstance(value, dict):
        for one, content in value.items():
            whole = one if name == "Volumes" or "/" in one else f"{one}/tcp"
            yield f"{name}.{whole}", True if _empty(content) else content
    else:
        yield name, value


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _empty(value: object) -> bool:
    return any(value == one and type(value) is type(one) for one in _EMPTY)
