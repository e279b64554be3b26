"""Runs that take turns: each a process of its own, in the same minutes as the other."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds on the clock, and of all processors together."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one contestant."""

    label: str
    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The median on the clock."""
        return statistics.median(one.seconds for one in self.samples)

    @property
    def cpu(self) -> float:
        """The median of all processors together."""
        return statistics.median(one.cpu for one in self.samples)


class RunFailedError(Exception):
    """A command that ended badly; the text is its last line."""


Run = Callable[[], Sample]


def take_turns(
    contestants: Mapping[str, Run], rounds: int, *, warm: bool = True
) -> tuple[dict[str, Series], dict[str, str]]:
    """Let all run ``rounds`` times in turn, there and back; return their series.

    One run of each goes before that does not count: it fills the page cache. Who fails once is out,
    and listed in the second result with the reason.
    """
    samples: dict[str, list[Sample]] = {label: [] for label in contestants}
    failed: dict[str, str] = {}
    for number in range(-1 if warm else 0, rounds):
        for label in list(contestants)[:: 1 if number % 2 == 0 else -1]:
            if label in failed:
                continue
            try:
                sample = contestants[label]()
            except RunFailedError as error:
                failed[label] = str(error)
                continue
            if number >= 0:
                samples[label].append(sample)
    series = {
        label: Series(label, tuple(samples[label])) for label in contestants if label not in failed
    }
    return series, failed


def module(name: str, *arguments: object) -> Run:
    """A run of one of our measured programs, timed as it says of itself."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]

    def run() -> Sample:
        told = json.loads(_run(command, subprocess.PIPE)[0])
        return Sample(told["seconds"], told["cpu"])

    return run


def process(command: Sequence[object], folder: Path = ROOT) -> Run:
    """A run of a whole process, start included, in a folder whose modules Python takes first."""
    words = [str(word) for word in command]

    def run() -> Sample:
        return _run(words, subprocess.DEVNULL, folder)[1]

    return run


def process_in(parent: Path, command: Callable[[Path], Sequence[object]]) -> Run:
    """The same for a program that writes: to a fresh folder, removed when the clock has stopped."""

    def run() -> Sample:
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            return process(command(folder))()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return run


def environment() -> dict[str, str]:
    """The environment of a run: compiled modules are kept, as an installed package has them.

    And what lies in the folder that it runs in comes before what is installed.
    """
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH")
    return {key: text for key, text in os.environ.items() if key not in unwanted}


def _run(command: list[str], stdout: int, folder: Path = ROOT) -> tuple[bytes, Sample]:
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=errors,
            env=environment(),
            cwd=folder,
        )
        with child:
            output = child.stdout.read() if child.stdout else b""
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if child.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            raise RunFailedError(lines[-1].strip() if lines else f"exit code {child.returncode}")
    return output, Sample(seconds, usage.ru_utime + usage.ru_stime)
