"""How much memory a run takes, and whether it grows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks import ROOT
from benchmarks.timing import RunFailedError, environment

_MAXRSS = 1 if sys.platform == "darwin" else 1024
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
EVERY = 0.005
"""Seconds between two looks at a running process."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a running process: bytes it has read so far, and its anonymous memory."""

    seconds: float
    read: int
    anonymous: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one finished run, in bytes.

    ``resident`` is the kernel's own account of the peak, file pages included; ``anonymous`` leaves
    those out and is the highest of the looks, 0 where the system has no ``/proc``.
    """

    resident: int
    looks: tuple[Look, ...]
    told: tuple[tuple[float, str], ...] = ()
    """What stood on the terminal, and when, for a run that had one."""

    @property
    def anonymous(self) -> int:
        """The highest anonymous memory that was seen."""
        return max((look.anonymous for look in self.looks), default=0)

    def told_at(self, seconds: float) -> str:
        """What stood on the terminal at that time."""
        return next((line for when, line in reversed(self.told) if when <= seconds), "")

    def at(self, share: float) -> Look | None:
        """The first look when ``share`` of all bytes had been read."""
        total = self.looks[-1].read if self.looks else 0
        return next((look for look in self.looks if look.read >= share * total > 0), None)


def watch(
    command: Sequence[object], stdin: Path | IO[bytes] | None = None, *, terminal: bool = False
) -> Memory:
    """Run a command and look at it until it ends.

    ``stdin`` is a file, or one that is open and will be closed here. With ``terminal`` standard
    error is a terminal, and what is told there is kept.
    """
    with tempfile.TemporaryFile() as errors, _Terminal() if terminal else nullcontext() as screen:
        with _opened(stdin) as source:
            start = time.perf_counter()
            child = subprocess.Popen(
                [str(word) for word in command],
                stdin=source,
                stdout=subprocess.DEVNULL,
                stderr=screen.writable if screen else errors,
                env=environment(),
                cwd=ROOT,
            )
        looks: list[Look] = []
        while True:
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            seconds = time.perf_counter() - start
            if look := _look(child.pid, seconds):
                looks.append(look)
            if screen:
                screen.take(seconds)
            time.sleep(EVERY)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            told = screen.lines[-1][1] if screen and screen.lines else ""
            raise RunFailedError(errors.read().decode(errors="replace").strip() or told)
    return Memory(usage.ru_maxrss * _MAXRSS, tuple(looks), tuple(screen.lines) if screen else ())


class _Terminal:
    """A terminal of 100 columns that somebody writes a line to, over and over."""

    def __init__(self) -> None:
        self._readable, self.writable = os.openpty()
        os.set_blocking(self._readable, False)
        if hasattr(termios, "tcsetwinsize"):
            termios.tcsetwinsize(self.writable, (24, 100))
        self.lines: list[tuple[float, str]] = []

    def take(self, seconds: float) -> None:
        """Keep what was written up to now."""
        try:
            text = os.read(self._readable, 1 << 16).decode(errors="replace")
        except BlockingIOError:
            return
        lines = [line for line in _ESCAPES.sub("", text).split("\r") if line.strip()]
        self.lines += [(seconds, line.strip()) for line in lines]

    def __enter__(self) -> _Terminal:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.writable)
        os.close(self._readable)


def _opened(stdin: Path | IO[bytes] | None) -> IO[bytes]:
    """What a process reads: closed here once the process has it."""
    return stdin.open("rb") if isinstance(stdin, Path) else stdin or Path(os.devnull).open("rb")


def _look(pid: int, seconds: float) -> Look | None:
    """What ``/proc`` says of a process; None where it says nothing."""
    place = Path("/proc") / str(pid)
    try:
        status = (place / "status").read_text()
        counts = (place / "io").read_text()
    except OSError:
        return None
    anonymous = _field(status, "RssAnon:") * 1024
    return Look(seconds, _field(counts, "rchar:"), anonymous) if anonymous else None


def _field(text: str, name: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(name)), 0)
