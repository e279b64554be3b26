"""What the bombs take, told by the operating system: ``python -m tests.hostile.measure``.

Each bomb is written once, and each command reads it in a process of its own; what the kernel
counts as its peak (``ru_maxrss`` of wait4) is held against the promise: 256 MiB and 400 bytes for
each tar entry.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

MIB = 1 << 20
PROMISE = 256 * MIB
PER_ENTRY = 400
PER_CHANGE = 850
SECONDS = 600
"""After which a run is killed."""
COMMANDS = ("analyze", "verify", "ls", "export", "compare", "check", "df", "extract", "inspect")
COMMANDS += ("report", "compare-html", "waste", "tree", "find", "diff")
"""Commands that read in different ways; ``layers`` and such show what analyze reads. ``report`` and
``compare-html`` write a page to a file, ``waste`` and ``inspect`` JSON."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took: peak memory in bytes, seconds of the clock and of the cores, its end."""

    peak: int
    seconds: float
    cores: float
    code: int
    err: str


def promised(entries: int, command: str = "") -> int:
    """Bytes that a run may take.

    Those that compare read the archive twice, and ``diff`` holds what it prints (SECURITY.md).
    """
    if command == "diff":
        return PROMISE + PER_CHANGE * entries
    return PROMISE + PER_ENTRY * entries * (2 if command.startswith("compare") else 1)


def words(command: str, path: Path, folder: Path) -> list[str]:
    """The command line."""
    page = str(folder / "page")
    behind = {
        "compare": [str(path), "--image", "@0"],
        "check": ["--no-config", "--max-size=1GB"],
        "extract": ["-C", str(folder / "extracted"), "--image", "@0"],
        "ls": ["--image", "@0"],
        "export": ["--image", "@0"],
        "inspect": ["--image", "@0", "--format", "json"],
        "waste": ["--image", "@0", "--format", "json"],
        "tree": ["--image", "@0"],
        "find": ["--image", "@0", "--name", "zz"],
        "diff": ["--image", "@0"],
        "report": ["--image", "@0", "-o", page],
        "compare-html": [str(path), "--image", "@0", "--format", "html", "-o", page],
    }
    name = command.partition("-")[0]
    return [name, str(path), *behind.get(command, []), "--no-cache"]


# A process inherits the peak of the one that it was forked from, and tests are large: between them
# stands a small one, which starts the program, waits for it, and tells what the kernel counted.
_BETWEEN = """
import json, os, resource, sys
limit = int(sys.argv[1])
pid = os.fork()
if not pid:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([usage.ru_maxrss, usage.ru_utime + usage.ru_stime, code]))
"""


def take(arguments: Sequence[str], *, jobs: int = 2, seconds: int = SECONDS) -> Taken:
    """Run the command line in a process of its own, killed after seconds of the cores."""
    program = [sys.executable, "-m", "oci_inspect", *arguments, "--jobs", str(jobs)]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-S", "-c", _BETWEEN, str(seconds), *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    took = time.monotonic() - start
    peak, cores, code = json.loads(done.stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    return Taken(peak * unit, took, cores, code, done.stderr.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Highest:
    """The command that took most memory for a bomb of some entries."""

    name: str
    entries: int
    command: str
    taken: Taken

    @property
    def share(self) -> float:
        """Of what is promised."""
        return self.taken.peak / promised(self.entries, self.command)


def highest(name: str, entries: int, runs: Mapping[str, Taken]) -> Highest:
    """What a bomb takes at most of what is promised, of the runs by command."""
    command = max(runs, key=lambda one: runs[one].peak / promised(entries, one))
    return Highest(name, entries, command, runs[command])


def markdown(rows: Sequence[Highest]) -> str:
    """A table for docs/testing.md, the highest share first."""
    lines = ["| bomb | entries | highest peak | by | of the promise |", "|---|---:|---:|---|---:|"]
    lines += [
        f"| `{one.name}` | {one.entries:,} | {one.taken.peak / MIB:,.0f} MiB"
        f" | `{one.command}` | {one.share:.0%} |"
        for one in sorted(rows, key=lambda one: -one.share)
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print a table."""
    from hostile.bombs_entries import BOMBS

    parser = argparse.ArgumentParser(prog="python -m tests.hostile.measure", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of bombs; all without any")
    parser.add_argument("--commands", default="analyze,verify,ls,export,compare", help="or all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="write what each takes at most there")
    arguments = parser.parse_args()
    commands = COMMANDS if arguments.commands == "all" else arguments.commands.split(",")
    if unknown := set(commands) - set(COMMANDS):
        parser.error(f"--commands: no {', '.join(sorted(unknown))} among {', '.join(COMMANDS)}")
    worst = 0.0
    rows: list[Highest] = []
    for name, bomb in BOMBS.items():
        if arguments.names and not any(one in name for one in arguments.names):
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            path = bomb.write(folder)
            runs: dict[str, Taken] = {}
            for command in commands:
                taken = take(words(command, path, folder), jobs=arguments.jobs)
                runs[command] = taken
                share = taken.peak / promised(bomb.entries, command)
                worst = max(worst, share)
                print(  # noqa: T201
                    f"{name:32} {path.stat().st_size / MIB:8.1f} MiB  {command:12}"
                    f" exit {taken.code:3}  {taken.peak / MIB:6.0f} MiB  {share:4.0%}"
                    f"  {taken.cores:6.1f} s  {taken.err.strip()[:110]}",
                    flush=True,
                )
        rows.append(highest(name, bomb.entries, runs))
        if arguments.markdown:  # at once: all of them take an hour
            arguments.markdown.write_text(markdown(rows))
    print(f"the highest is {worst:.0%} of what is promised")  # noqa: T201


if __name__ == "__main__":
    main()
