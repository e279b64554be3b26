"""The image config: image-spec, config.md."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oci_inspect.spec.config import ImageConfig, parse_config, parse_time
from oci_inspect.spec.document import Problem

A, B = ("sha256:" + letter * 64 for letter in "ab")


def parsed(**fields: Any) -> tuple[ImageConfig, list[tuple[str, str]]]:
    value = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [A, B]},
        **fields,
    }
    problems: list[Problem] = []
    found = parse_config({key: one for key, one in value.items() if one is not ...}, problems)
    assert all(one.message.isprintable() for one in problems)
    return found, [(one.rule, one.where) for one in problems]


def test_config_is_read_and_kept_whole() -> None:
    found, problems = parsed(
        created="2024-01-02T03:04:05Z",
        author="somebody",
        variant="v8",
        config={"Env": ["A=1"], "Cmd": ["sh"], "Labels": {"a": "b"}, "ExposedPorts": {"80": {}}},
        history=[
            {"created": "2024-01-02T03:04:05Z", "created_by": "RUN x", "comment": "c"},
            {"created_by": "CMD", "empty_layer": True, "author": "me"},
            {},
        ],
        unknown={"kept": [1]},
    )
    assert problems == []
    assert (found.created, found.author) == ("2024-01-02T03:04:05Z", "somebody")
    assert str(found.platform) == "linux/amd64/v8"
    assert found.diff_ids == (A, B)
    assert found.raw["unknown"] == {"kept": [1]}
    first, second, third = found.history
    assert (first.created_by, first.comment, first.empty_layer) == ("RUN x", "c", None)
    assert (second.empty_layer, second.author, second.created) == (True, "me", None)
    assert (third.created_by, third.comment, third.author) == ("", "", None)


@pytest.mark.parametrize(
    ("rootfs", "where"),
    [
        (..., ["rootfs"]),
        (None, ["rootfs"]),
        ({"diff_ids": [A]}, ["rootfs.type"]),
        ({"type": "layer", "diff_ids": [A]}, ["rootfs.type"]),
        ({"type": "layers", "diff_ids": "x"}, ["rootfs.diff_ids"]),
        ({"type": "layers", "diff_ids": [A, 5]}, ["rootfs.diff_ids"]),
        ([], ["rootfs", "rootfs"]),
    ],
)
def test_rootfs_that_is_not_as_it_must_be_is_told(rootfs: Any, where: list[str]) -> None:
    assert parsed(rootfs=rootfs)[1] == [("config-invalid", one) for one in where]


def test_config_of_no_layers_is_a_config() -> None:
    for rootfs in ({"type": "layers"}, {"type": "layers", "diff_ids": []}):
        found, problems = parsed(rootfs=rootfs)
        assert (found.diff_ids, problems) == ((), [])


def test_diff_id_that_is_no_digest_is_told_and_kept_in_its_place() -> None:
    diff_ids = [A, "sha256:short", "blake3:" + "a" * 64, B]
    found, problems = parsed(rootfs={"type": "layers", "diff_ids": diff_ids})
    assert list(found.diff_ids) == diff_ids
    assert problems == [
        ("digest-invalid", "rootfs.diff_ids[1]"),
        ("digest-unsupported", "rootfs.diff_ids[2]"),
    ]


@pytest.mark.parametrize(
    "fields", [{"os": ...}, {"architecture": ...}, {"os": ""}, {"architecture": None}]
)
def test_platform_that_is_missing_is_told(fields: dict[str, Any]) -> None:
    assert [rule for rule, _ in parsed(**fields)[1]] == ["platform-missing"]


@pytest.mark.parametrize("value", [1, True, 1.5, [], {}, "text"], ids=repr)
@pytest.mark.parametrize(
    ("key", "fits"),
    [
        ("User", str),
        ("WorkingDir", str),
        ("StopSignal", str),
        ("Env", list),
        ("Cmd", list),
        ("Entrypoint", list),
        ("ExposedPorts", dict),
        ("Volumes", dict),
        ("Labels", dict),
    ],
)
def test_wrong_type_in_the_run_config_is_a_problem(key: str, fits: type, value: Any) -> None:
    expected = [] if isinstance(value, fits) else [("config-invalid", f"config.{key}")]
    assert parsed(config={key: value})[1] == expected


@pytest.mark.parametrize("value", [1, "text", True, [1], ["text"]], ids=repr)
@pytest.mark.parametrize("key", ["config", "history", "created", "author", "os"])
def test_wrong_type_in_the_config_is_a_problem_and_no_exception(key: str, value: Any) -> None:
    found, problems = parsed(**{key: value})
    assert found.diff_ids == (A, B)
    texts = key in ("created", "author", "os") and isinstance(value, str)
    assert bool(problems) is (not texts or key == "created")


@pytest.mark.parametrize("key", ["created", "created_by", "comment", "author", "empty_layer"])
def test_wrong_type_in_the_history_is_a_problem_and_the_entry_stays(key: str) -> None:
    found, problems = parsed(history=[{key: 5}, {"created_by": "next"}])
    assert [one.created_by for one in found.history] == ["", "next"]
    assert problems == [("config-invalid", f"history[0].{key}")]


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02t03:04:05z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05.5Z", datetime(2024, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC)),
        ("2024-01-02T03:04:05.123456789Z", datetime(2024, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC)),
        ("2024-01-02T03:04:05+02:00", datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2024-01-01T00:00:00-08:30", datetime(2024, 1, 1, 8, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_times_of_rfc_3339_are_read_in_utc(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected
    assert parsed(created=text)[0].created == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-01-02",
        "2024-01-02 03:04:05Z",
        "2024-01-02T03:04:05",
        "2024-01-02T03:04Z",
        "2024-01-02T03:04:05+0200",
        "2024-01-02T03:04:05+99:99",
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-02T25:00:00Z",
        "2024-01-02T03:04:05.Z",
        "2024-01-02T03:04:05Z\n",
        " 2024-01-02T03:04:05Z",
        "12024-01-02T03:04:05Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0660\u0662T\u0660\u0663:\u0660\u0664:\u0660\u0665Z",
        "2024-01-02T03:04:05.\u0665Z",
        "1704164645",
    ],
)
def test_what_is_no_such_time_is_told(text: str) -> None:
    assert parse_time(text) is None
    assert parsed(created=text)[1] == [("created-invalid", "created")]
    assert parsed(history=[{"created": text}])[1] == [("created-invalid", "history[0].created")]


@pytest.mark.parametrize(
    ("text", "zero"),
    [
        ("1970-01-01T00:00:00Z", True),
        ("0001-01-01T00:00:00Z", True),
        ("1970-01-01T01:00:00+01:00", True),
        ("1970-01-01T00:00:01Z", False),
        ("1980-01-01T00:00:00Z", False),
    ],
)
def test_time_of_reproducible_builds_is_told(text: str, zero: bool) -> None:
    assert parsed(created=text)[1] == ([("created-zero", "created")] if zero else [])
