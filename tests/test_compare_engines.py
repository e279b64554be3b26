"""Pairs of builds against what the builder, a registry and a docker host said of them.

fixtures/compare/builds.json was written by fixtures/compare/make.sh: the first step of B that the
builder did not take from its cache, the blobs that a push of B moved where A was, the layers that a
pull of B fetched where A was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_inspect import Comparison, compare

PAIRS = Path(__file__).parent.parent / "fixtures" / "compare"
BUILDS: dict[str, dict[str, Any]] = {
    one["name"]: one for one in json.loads((PAIRS / "builds.json").read_bytes())
}

CHANGED = {
    # what is different between the Dockerfiles of both sides (make.sh, dockerfile), or their files
    "env-below-copy": ("instruction-changed", "ENV MODE=b"),
    "label-and-copy": ("content-changed", "COPY conf /conf"),
    "label-and-copy-classic": ("instruction-changed", "LABEL build=b"),
    "run-same-bytes": (
        "instruction-changed",
        "RUN true ; mkdir /r ; put /r/x 10 ; at /r/x ; at /r",
    ),
    "copy-chown": ("instruction-changed", "COPY --chown=33:33 <file> /conf"),
    "other-stack": ("content-changed", "COPY <file> /conf"),
    "same-layer-twice": ("layers-added", "COPY <file> /f"),
    "base-env": ("instruction-changed", "ENV RELEASE=b"),
}
"""The line that changed: where it is an ENV, the builder names the RUN that it is for."""

ENV_OF_A_RUN = ("env-below-copy", "base-env")


@pytest.fixture(params=sorted(BUILDS))
def pair(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Comparison]:
    name = request.param
    return BUILDS[name], compare(PAIRS / f"{name}.a.tar", PAIRS / f"{name}.b.tar")


def without_checksums(line: str | None) -> str:
    words = (line or "").split()
    return " ".join("<file>" if word.startswith("<file:") else word for word in words)


def test_the_line_to_blame_is_the_one_that_changed(pair: tuple[dict[str, Any], Comparison]) -> None:
    told, found = pair
    assert found.cache is not None
    assert (found.cache.reason.value, without_checksums(found.cache.instruction_after)) == CHANGED[
        told["name"]
    ]


def test_the_builder_went_on_from_that_line(pair: tuple[dict[str, Any], Comparison]) -> None:
    """It names the line itself, or the RUN behind an ENV; a COPY's source is in its words alone."""
    told, found = pair
    assert found.cache is not None
    keyword, *words = told["first_uncached_step"].split()
    if told["name"] in ENV_OF_A_RUN:
        assert keyword == "RUN"
        assert found.cache.step_after is not None
        behind = found.after.history[found.cache.step_after + 1 :]
        assert " ".join([keyword, *words]) in [step.instruction for step in behind]
        return
    blamed, *rest = without_checksums(found.cache.instruction_after).split()
    assert blamed == keyword
    flags = [word for word in words if word.startswith("--")]
    assert [word for word in rest if word.startswith("--")] == flags
    assert rest[-1] == words[-1]


def test_push_moves_the_layers_that_the_registry_was_sent(
    pair: tuple[dict[str, Any], Comparison],
) -> None:
    told, found = pair
    assert list(found.push.layers) == told["push"]["layers"]
    assert found.push.estimated == len(found.push.layers)
    # These are tiny: the frame that Go writes around them is some bytes longer.
    assert 0.88 * told["push"]["bytes"] <= found.push.size <= told["push"]["bytes"]


def test_pull_moves_the_layers_that_a_docker_host_fetched(
    pair: tuple[dict[str, Any], Comparison],
) -> None:
    told, found = pair
    assert list(found.pull.layers) == told["pull"]["layers"]
    assert 0.88 * told["pull"]["bytes"] <= found.pull.size <= told["pull"]["bytes"]
