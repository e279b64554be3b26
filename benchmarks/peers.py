"""Other programs that read saved images, where they are there: nothing here needs them.

None does quite what ``oci-inspect analyze`` does (docs/performance.md tells them apart): dive lists
and compares files but verifies no digest; skopeo verifies and copies but looks at no file; umoci
and container-inspector unpack to disk.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets import Data
from benchmarks.images import TAG
from benchmarks.rows import Goal

Command = Callable[[str, Data, str, str], Callable[[Path], Sequence[object]]]
"""Program, data, name of the data set, compression: what makes a command line that writes to a
folder."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another program: what it reads of ours, how, and how many times faster we mean to be."""

    name: str
    program: str
    reads: tuple[str, ...]
    command: Command
    goal: Goal | None = None
    unpacks: bool = False
    """Takes minutes for hundreds of thousands of files, and is asked for no more than ``base``."""


def _dive(program: str, data: Data, name: str, how: str) -> Callable[[Path], Sequence[object]]:
    path = data.archive(name, how)
    return lambda _: [program, "--source", "docker-archive", path, "--ci"]


def _skopeo(program: str, data: Data, name: str, how: str) -> Callable[[Path], Sequence[object]]:
    kind = "docker-archive" if how == "none" else "oci-archive"
    copy = [program, "--insecure-policy", "copy", "--quiet", f"{kind}:{data.archive(name, how)}"]
    return lambda into: [*copy, f"dir:{into}"]


def _umoci(program: str, data: Data, name: str, how: str) -> Callable[[Path], Sequence[object]]:
    image = f"{data.layout(name, how)}:{TAG}"
    rootless = ["--rootless"] if os.geteuid() else []
    return lambda into: [program, "unpack", *rootless, "--image", image, into / "bundle"]


def _container_inspector(
    program: str, data: Data, name: str, how: str
) -> Callable[[Path], Sequence[object]]:
    path = data.archive(name, how)
    return lambda into: [program, "--extract-to", into, path]


FASTER = Goal(1, at_least=True)
FOUR_TIMES = Goal(4, at_least=True)

PEERS = (
    Peer("dive", "dive", ("none", "gzip", "zstd"), _dive),
    Peer("skopeo copy", "skopeo", ("none", "gzip", "zstd"), _skopeo, FASTER),
    Peer("umoci unpack", "umoci", ("gzip",), _umoci, FOUR_TIMES, unpacks=True),
    Peer(
        "container-inspector",
        "container_inspector",
        ("none",),
        _container_inspector,
        FOUR_TIMES,
        unpacks=True,
    ),
)


def find(peer: Peer, keep: Path) -> str | None:
    """The program's place: in the environment that :func:`install` made, or on the path."""
    own = _environment(keep) / "bin" / peer.program
    return str(own) if own.exists() else shutil.which(peer.program)


def install(keep: Path) -> None:
    """Put container-inspector, a Python program with many needs, in an environment of its own."""
    folder = _environment(keep)
    if not (folder / "bin" / "container_inspector").exists():
        venv.create(folder, with_pip=True)
        pip: list[str | Path] = [
            folder / "bin" / "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "container-inspector"], check=True)


def version(program: str) -> str:
    """What a program, or the Python environment it lies in, says of its version."""
    python = Path(program).with_name("python")
    if python.exists() and python.parent != Path(sys.executable).parent:
        name = Path(program).name.replace("_", "-")
        ask: list[str | Path] = [python, "-c", _ASK, name]
        found = _told(ask)
    else:
        found = _told([program, "--version"])
        if not found and (go := shutil.which("go")):  # "go install" leaves dive without a word
            lines = subprocess.run([go, "version", "-m", program], capture_output=True, text=True)
            found = next(iter(re.findall(r"^\s*mod\s+\S+\s+v?([\d.]+)", lines.stdout, re.M)), "")
    return found or "of unknown version"


_ASK = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


def _told(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    match = re.search(r"\d+(\.\d+)+", done.stdout)
    return match.group() if match else ""


def _environment(keep: Path) -> Path:
    return keep / "peers"
