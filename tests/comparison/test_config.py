"""Configs held against each other: what was worked out by hand from the documents."""

from __future__ import annotations

from typing import Any

import pytest

from oci_inspect.comparison.config import compare_configs
from oci_inspect.spec.config import ImageConfig, parse_config

Json = dict[str, Any]


def config(run: object = None, **more: object) -> ImageConfig:
    """A config; what ``run`` says stands below ``config``."""
    value: Json = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}, **more}
    if run is not None:
        value["config"] = run
    return parse_config(value, [])


def differences(one: object, other: object) -> list[tuple[str, str, object, object]]:
    """Compare two ``config`` objects, both ways round."""
    found = compare_configs(config(one), config(other))
    back = compare_configs(config(other), config(one))
    mirror = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(d.key, mirror[d.turn], d.after, d.before) for d in found] == [
        (d.key, d.turn.value, d.before, d.after) for d in back
    ]
    return [(d.key, d.turn.value, d.before, d.after) for d in found]


DOCKER_20 = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": ["PATH=/bin:/sbin:/usr/bin"],
    "Cmd": ["/bin/sh"],
    "Image": "sha256:7d9ab8d1011fb81a0f63876e252ed577e14fdb43fc6c6c925377484838c8b191",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": {"org.opencontainers.image.title": "busybox base"},
}
BUILDKIT = {
    "Env": ["PATH=/bin:/sbin:/usr/bin"],
    "Cmd": ["/bin/sh"],
    "WorkingDir": "/",
    "Labels": {"org.opencontainers.image.title": "busybox base"},
    "ArgsEscaped": True,
}


def test_one_dockerfile_gives_the_same_config_from_the_classic_builder_and_from_buildkit() -> None:
    """As docker 20.10 and docker 26 wrote them for one Dockerfile."""
    assert differences(DOCKER_20, BUILDKIT) == []


def test_config_of_podman_has_a_label_more() -> None:
    podman = {
        **BUILDKIT,
        "Labels": {**BUILDKIT["Labels"], "io.buildah.version": "1.39.3"},  # type: ignore[dict-item]
    }
    del podman["ArgsEscaped"]
    assert differences(BUILDKIT, podman) == [("Labels.io.buildah.version", "added", None, "1.39.3")]


def test_every_kind_of_setting_is_told_in_the_order_of_the_settings() -> None:
    one = {
        "User": "33",
        "Cmd": ["a", "b"],
        "Env": ["A=1", "B=2", "C="],
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"x": "1", "y": "2"},
        "OnBuild": ["RUN true"],
        "Future": {"a": 1},
    }
    other = {
        "Entrypoint": ["b"],
        "Cmd": ["b", "a"],
        "Env": ["C=3", "D=4=5", "A=1"],
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
        "Labels": {"y": "3", "x": "1"},
        "StopSignal": "SIGQUIT",
        "Healthcheck": {"Test": ["NONE"]},
        "Future": {"a": 2},
    }
    assert differences(one, other) == [
        ("User", "removed", "33", None),
        ("Entrypoint", "added", None, ["b"]),
        ("Cmd", "changed", ["a", "b"], ["b", "a"]),
        ("Env.B", "removed", "2", None),
        ("Env.C", "changed", "", "3"),
        ("Env.D", "added", None, "4=5"),
        ("ExposedPorts.80/tcp", "removed", True, None),
        ("ExposedPorts.8080/tcp", "added", None, True),
        ("Volumes./data", "removed", True, None),
        ("Labels.y", "changed", "2", "3"),
        ("StopSignal", "added", None, "SIGQUIT"),
        ("Healthcheck", "added", None, {"Test": ["NONE"]}),
        ("OnBuild", "removed", ["RUN true"], None),
        ("Future", "changed", {"a": 1}, {"a": 2}),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, None),
        ({"Env": ["A=1", "B=2"]}, {"Env": ["B=2", "A=1"]}),
        ({"Env": []}, {"Env": None}),
        ({"Cmd": []}, {}),
        ({"Labels": {}}, {}),
        ({"User": ""}, {}),
        ({"Tty": False}, {}),
        ({"WorkingDir": "/"}, {"WorkingDir": ""}),
        ({"ExposedPorts": {"80": {}}}, {"ExposedPorts": {"80/tcp": {}}}),
        ({"ExposedPorts": {"80/tcp": None}}, {"ExposedPorts": {"80/tcp": {}}}),
        ({"Hostname": "9aa8a9e06f6f", "Image": "x", "Domainname": "d"}, {}),
        ({"ArgsEscaped": True}, {}),
        (
            {"Healthcheck": {"Test": ["NONE"], "Retries": 1}},
            {"Healthcheck": {"Retries": 1, "Test": ["NONE"]}},
        ),
        # docker wrote all keys in lower case once, and a reader in Go does not care
        (
            {"env": ["A=1"], "user": "33", "exposedports": {"1/tcp": {}}},
            {"Env": ["A=1"], "User": "33", "ExposedPorts": {"1/tcp": {}}},
        ),
        ({"hostname": "a", "argsEscaped": True}, {}),
        # of keys that differ by case alone the exact one is read
        ({"Env": ["A=1"], "env": ["B=2"]}, {"Env": ["A=1"]}),
        ({"env": ["B=2"], "Env": ["A=1"]}, {"Env": ["A=1"]}),
        ({"labels": {"b": "2"}, "Labels": {"a": "1"}}, {"Labels": {"a": "1"}}),
    ],
)
def test_what_makes_no_difference_to_a_container_is_none(one: object, other: object) -> None:
    assert differences(one, other) == []


def test_order_of_commands_is_a_difference() -> None:
    assert differences({"OnBuild": ["RUN a", "RUN b"]}, {"OnBuild": ["RUN b", "RUN a"]}) == [
        ("OnBuild", "changed", ["RUN a", "RUN b"], ["RUN b", "RUN a"])
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"Env": "A=1"}, {"Env": ["A=1"]}, ["Env", "Env.A"]),
        ({"Env": ["A=1", 2]}, {"Env": ["A=1"]}, ["Env", "Env.A"]),
        ({"Env": {"A": "1"}}, {"Env": {"A": "2"}}, ["Env"]),
        ({"Labels": ["a=1"]}, {"Labels": {"a": "1"}}, ["Labels", "Labels.a"]),
        ({"Labels": {"a": 1}}, {"Labels": {"a": True}}, ["Labels.a"]),
        ({"Labels": {"a": None}}, {}, ["Labels.a"]),
        ({"ExposedPorts": ["80/tcp"]}, {}, ["ExposedPorts"]),
        ({"Cmd": "a"}, {"Cmd": ["a"]}, ["Cmd"]),
        ({"Healthcheck": {"Retries": 1}}, {"Healthcheck": {"Retries": True}}, ["Healthcheck"]),
        ({"StopTimeout": 0}, {}, ["StopTimeout"]),
        ({"Env": ["A=1", "A=2"]}, {"Env": ["A=2"]}, []),
        ({"Env": ["NAME"]}, {"Env": ["NAME="]}, []),
        ("text", {}, []),
        (["list"], None, []),
    ],
)
def test_odd_types_are_compared_as_they_are(
    one: object, other: object, expected: list[str]
) -> None:
    assert [key for key, *_ in differences(one, other)] == expected


def test_platform_comes_first() -> None:
    one = config({"User": "1"}, variant="v1", **{"os.version": "10.0"})
    other = parse_config({"os": "windows", "architecture": "arm64", "os.features": ["win32k"]}, [])
    assert [(d.key, d.before, d.after) for d in compare_configs(one, other)] == [
        ("os", "linux", "windows"),
        ("architecture", "amd64", "arm64"),
        ("variant", "v1", None),
        ("os.version", "10.0", None),
        ("os.features", None, ["win32k"]),
        ("User", "1", None),
    ]


def test_variant_that_goes_without_saying_is_no_difference() -> None:
    arm64 = {"os": "linux", "architecture": "arm64"}
    one, other = parse_config(arm64, []), parse_config({**arm64, "variant": "v8"}, [])
    assert compare_configs(one, other) == compare_configs(other, one) == ()
    newer = parse_config({**arm64, "variant": "v9"}, [])
    assert [d.key for d in compare_configs(one, newer)] == ["variant"]


def test_arguments_that_are_escaped_are_told_on_windows_where_they_mean_something() -> None:
    one, other = (
        parse_config({"os": "windows", "architecture": "amd64", "config": run}, [])
        for run in ({"ArgsEscaped": True}, {})
    )
    assert [d.key for d in compare_configs(one, other)] == ["ArgsEscaped"]


def test_config_that_is_missing_has_no_settings() -> None:
    assert compare_configs(None, None) == ()
    found = compare_configs(None, config({"User": "1"}))
    assert [(d.key, d.turn.value) for d in found] == [
        ("os", "added"),
        ("architecture", "added"),
        ("User", "added"),
    ]
