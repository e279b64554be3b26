"""Running a worker and watching it: time, hangs, sudden deaths, figures."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz import HOME
from fuzz.board import Board
from fuzz.target import Target
from fuzz.worker import has_atheris, keep_crash

PATIENCE = 10.0
"""Seconds of processor time that one input may take."""

PATIENCE_ASLEEP = 60.0
"""Seconds of a clock that one input may take without working: the machine may be busy."""


ATHERIS, BUILT_IN = "atheris", "built-in"
"""Engines: guided by the code that an input reaches, or at random."""


@dataclass(frozen=True)
class Figures:
    """What came of one run, of one engine. ``refused`` ended in an error that is documented."""

    date: str
    target: str
    engine: str
    python: str
    seed: int
    seconds: float
    executions: int
    refused: int
    crashes: int
    hangs: int

    def line(self) -> dict[str, object]:
        """For the log."""
        return asdict(self)


def run(target: Target, seconds: float, seed: int, *, guided: bool | None = None) -> Figures:
    """Fuzz a target for some time, and go on behind a hang or a death."""
    guided = has_atheris() if guided is None else guided
    hangs = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oci-inspect-fuzz.") as folder:
        board = Board(Path(folder) / "board", make=True)
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        attempt = 0
        while (left := seconds - (time.monotonic() - begun)) > 0 or not attempt:
            command = [sys.executable, "-m", "fuzz", target.name, "--seconds", str(max(0.0, left))]
            command += ["--seed", str(seed + attempt), "--worker", folder]
            command += [] if guided else ["--plain"]
            attempt += 1
            with (Path(folder) / "told").open("w+b") as told:
                process = subprocess.Popen(command, cwd=HOME.parent, stderr=told)
                hung = _watch(process, board)
                told.seek(0)
                text = told.read().decode("utf-8", "replace")
            print("".join(_worth(text)), end="", file=sys.stderr)
            if hung is not None:
                hangs += 1
                path = keep_crash(target, hung, f"no end after {PATIENCE} seconds\n{text[-4000:]}")
                print(f"HANG {target.name} -> {path}", file=sys.stderr)
            elif process.returncode and (trying := board.trying) is not None:
                path = keep_crash(
                    target, trying, f"it ended with {process.returncode}\n{text[-4000:]}"
                )
                executions, refused, crashes = board.counts
                board.end(executions, refused, crashes + 1)
                print(f"DEATH {target.name} -> {path}", file=sys.stderr)
            elif process.returncode:
                raise RuntimeError(f"the worker of {target.name} failed:\n{text[-2000:]}")
            else:
                break
        executions, refused, crashes = board.counts
    return Figures(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        target=target.name,
        engine=ATHERIS if guided else BUILT_IN,
        python=".".join(map(str, sys.version_info[:3])),
        seed=seed,
        seconds=round(time.monotonic() - begun, 1),
        executions=executions,
        refused=refused,
        crashes=crashes,
        hangs=hangs,
    )


def _worth(text: str) -> list[str]:
    return [line for line in text.splitlines(keepends=True) if line.startswith("CRASH")]


def _watch(process: subprocess.Popen[bytes], board: Board) -> bytes | None:
    """Wait for the end; the input where one takes too long, and then the process is no more."""
    executions = -1
    since = used = 0.0
    try:
        while process.poll() is None:
            now, work = time.monotonic(), _processor_time(process.pid)
            if board.counts[0] != executions:
                executions, since, used = board.counts[0], now, work
            trying = board.trying
            hung = work - used > PATIENCE or now - since > PATIENCE_ASLEEP
            if trying is not None and hung and board.counts[0] == executions:
                return trying
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return None


def _processor_time(pid: int) -> float:
    """Seconds that a process has worked."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
