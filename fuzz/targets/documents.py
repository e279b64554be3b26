"""JSON: parsed as the standard library does it or refused, then read as every kind of document."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from fuzz.mutate import mutate_json
from fuzz.target import Target, check, same
from oci_inspect.analysis.history import build_steps, match_history
from oci_inspect.archive.docker_archive import parse_entries
from oci_inspect.findings import RULES, FindingCollector
from oci_inspect.inspection import analyze
from oci_inspect.render.json import analysis_document, dumps
from oci_inspect.rules.baseline import parse_baseline
from oci_inspect.spec.config import parse_config
from oci_inspect.spec.document import Problem, parse_json
from oci_inspect.spec.manifest import looks_like_index, parse_index, parse_manifest


def run(data: bytes) -> None:
    """Any bytes as a manifest, an index, a config, docker's list."""
    value, problems = parse_json(data)
    if any(one.rule == "json-invalid" for one in problems):
        check(value is None, "a value of what is no JSON")
    else:
        same(repr(value), repr(_theirs(data)), "the value")
    findings = FindingCollector()
    parse_entries(value, findings)
    if isinstance(value, dict):
        looks_like_index(value)
        for parse in (parse_manifest, parse_index):
            parse(value, problems)
        config = parse_config(value, problems)
        layers = len(config.diff_ids)
        matching = match_history(config.history, layers, "x")
        steps = build_steps(config.history, matching, [1] * layers)
        same(len(steps), len(config.history), "steps")
    _check(problems)
    for one in findings:
        check(one.rule in RULES, one.rule)


def _theirs(data: bytes) -> Any:
    return json.loads(data.decode("utf-8"))


def _check(problems: list[Problem]) -> None:
    for one in problems:
        check(one.rule in RULES, f"{one.rule} is no rule")
        check(bool(one.message), "a problem without a word")


def run_baseline(data: bytes) -> None:
    """Any bytes as a baseline."""
    parse_baseline("x.json", data)


IMAGE = (
    ImageBuilder("a:1")
    .layer(TarBuilder().file("a", b"1"))
    .empty('CMD ["sh"]')
    .layer(TarBuilder().file("b", b"2"))
)


def seeds() -> Iterable[bytes]:
    """The documents of small archives."""
    yield from (IMAGE.manifest, IMAGE.config)
    for archive in (docker_archive(IMAGE), oci_layout(IMAGE, attestations=True)):
        for name in archive.names():
            if (data := archive[name])[:1] in (b"{", b"["):
                yield data
    yield from (
        b"[" * 70 + b"]" * 70,
        b'{"a":1,"A":2,"a":3}',
        b"1e400",
        b"NaN",
        b"9" * 30,
        b'"\\ud800"',
    )


def baseline_seeds() -> Iterable[bytes]:
    """What ``analyze --format json`` prints of a small image."""
    with tempfile.TemporaryDirectory(prefix="oci-inspect-fuzz.") as folder:
        path = docker_archive(IMAGE).write_file(Path(folder) / "x.tar")
        yield dumps(analysis_document(analyze(path, jobs=1))).encode()


WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b'"',
    b"null",
    b"\\u0000",
    b"1e999",
    b"\xef\xbb\xbf",
    b"-0",
)
TARGETS = (
    Target("documents", run, seeds, mutate_json, WORDS, most=4096),
    Target("baseline", run_baseline, baseline_seeds, mutate_json, WORDS, most=8192),
)
