"""The driver itself: crashes, hangs and sudden deaths are noticed, kept and counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.from_root import ROOT, beside

worker = beside("fuzz.worker")
watch = beside("fuzz.watch")
figures = beside("fuzz.figures")
board = beside("fuzz.board")
target = beside("fuzz.target")


def made(run: Any) -> Any:
    return target.Target("x", run, lambda: [b"seed"])


@pytest.fixture
def crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(worker, "CRASHES", tmp_path / "crashes")
    return tmp_path / "crashes" / "x"


def test_an_exception_that_is_not_documented_is_a_crash_once_for_each_place(
    crashes: Path, tmp_path: Path
) -> None:
    def run(data: bytes) -> None:
        if data.startswith(b"a"):
            raise KeyError(data)
        if data.startswith(b"b"):
            raise RecursionError
        if data.startswith(b"c"):
            raise beside("oci_inspect.errors").OciInspectError("refused")

    shared = board.Board(tmp_path / "board", make=True)
    one = worker.Worker(made(run), shared, (0, 0, 0))
    taken = [one.one(data) for data in (b"a1", b"a2", b"b", b"c", b"fine")]
    assert taken == [False, False, False, False, True]
    assert shared.counts == (5, 1, 2)
    assert shared.trying is None
    assert sorted(path.read_bytes() for path in crashes.glob("*") if not path.suffix) == [
        b"a1",
        b"b",
    ]


def test_an_error_of_two_lines_is_a_crash() -> None:
    def run(data: bytes) -> None:
        raise ValueError("one\ntwo")

    with pytest.raises(target.Found):
        target.Target("x", run, list, documented=(ValueError,)).attempt(b"")


def test_an_input_without_end_is_ended_and_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.3)
    shared = board.Board(tmp_path / "board", make=True)
    shared.begin(7, 0, 0, b"for ever")
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    assert watch._watch(process, shared) == b"for ever"
    assert process.returncode == -signal.SIGKILL


def test_same_seed_makes_the_same_inputs(tmp_path: Path) -> None:
    seen: list[list[bytes]] = []
    for _ in range(2):
        inputs: list[bytes] = []
        one = worker.Worker(made(inputs.append), board.Board(tmp_path / "b", make=True), (0, 0, 0))
        chance = Random(3)
        for _ in range(50):
            one.one(one.mutated(b"seed", chance, [b"other"]))
        seen.append(inputs)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 30


def test_command_line_counts_and_adds_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "fuzz", "values", "--plain", "--seconds", "0.2"]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    for seed in ("1", "2"):
        more = ["--seed", seed, "--log", str(log)]
        done = subprocess.run(
            [*command, *more], cwd=ROOT, env=environment, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["seed"] for one in runs] == [1, 2]
    total = sum(one["executions"] for one in runs)
    assert total > 100
    told = subprocess.run(
        [sys.executable, "-m", "fuzz", "figures", "--log", str(log)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"{total:,} executions" in told.stdout
    assert time.strftime("%Y", time.gmtime()) in runs[0]["date"]
    assert {one["engine"] for one in runs} == {"built-in"}


def logged(target: str, engine: str, executions: int, **more: int) -> str:
    rest = {"refused": 0, "crashes": 0, "hangs": 0, "seed": 1, "seconds": 2.0} | more
    line = {"date": "2026-11-21", "target": target, "engine": engine, "python": "3.11.7"}
    return json.dumps({**line, "executions": executions, **rest}) + "\n"


LOG = (
    logged("values", "atheris", 1_000, refused=300)
    + logged("values", "built-in", 40_000, refused=5_000)
    + logged("names", "built-in", 7, crashes=1)
    + logged("values", "atheris", 500, hangs=2)
)


def test_figures_are_told_for_each_engine_by_itself(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    told = list(figures.lines(figures.read_log(log)))
    words = [one.split()[:3] for one in told]
    assert words == [
        ["values", "atheris", "1,500"],
        ["values", "built-in", "40,000"],
        ["names", "built-in", "7"],
        ["all", "atheris", "1,500"],
        ["all", "built-in", "40,007"],
    ]
    assert told[0].endswith("300 refused 0 crashes 2 hangs")


def test_the_table_for_the_page_has_a_column_for_each_engine(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    command = [sys.executable, "-m", "fuzz", "figures", "--markdown", "--log", str(log)]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60)
    assert done.stdout.decode().splitlines()[:5] == [
        "| target | atheris | built-in | of these refused | crashes | hangs |",
        "|---|---:|---:|---:|---:|---:|",
        "| `values` | 1,500 | 40,000 | 5,300 | 0 | 2 |",
        "| `names` | 0 | 7 | 0 | 1 | 0 |",
        "| all | 1,500 | 40,007 | 5,300 | 1 | 2 |",
    ]


@pytest.mark.parametrize(("guided", "engine"), [(True, "atheris"), (False, "built-in")])
def test_a_run_is_logged_with_the_engine_that_made_its_inputs(guided: bool, engine: str) -> None:
    if guided and not worker.has_atheris():
        pytest.skip("there is no atheris here")
    done = watch.run(beside("fuzz.targets").TARGETS["values"], 1, 1, guided=guided)
    assert (done.line()["engine"], done.executions > 0) == (engine, True)
