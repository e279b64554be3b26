"""A machine of a CI, with a stub of the program or the program itself, for what we give to a CI.

The stub writes its arguments down, and a line into each file that ``--output`` names; with
``STUB_ERROR`` it says that on standard error and writes no file, as the program where it cannot
check.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
APP = ROOT / "fixtures" / "real" / "docker26-app.tar"

STUB = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(json.dumps([os.path.basename(sys.argv[0]), *arguments]) + "\\n")
for option, value in zip(arguments, arguments[1:]):
    if option == "--output" and value != "-" and "STUB_ERROR" not in os.environ:
        with open(value, "w") as out:
            out.write("report\\n")
print("::notice::stub")
sys.stderr.write(os.environ.get("STUB_ERROR", ""))
sys.exit(int(os.environ.get("STUB_EXIT", "0")))
"""

bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Runner:
    """A machine of a CI: a folder, programs that are stubs, the files that GitHub gives a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temp = folder / "temp"
        self.log = folder / "stub.log"
        write_program(self.temp / "oci-inspect" / "bin" / "oci-inspect", STUB)
        write_program(folder / "bin" / "oci-inspect", STUB)

    def run(self, shell: str, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "script"
        path.write_text(script, "utf-8")
        # As GitHub and GitLab start a shell.
        command = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "sh": ["sh", "-e"]}
        done = subprocess.run(
            [*command[shell], str(path)],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                "GITHUB_ACTION_PATH": str(ROOT),
                "STUB_LOG": str(self.log),
                **env,
            },
            capture_output=True,
            check=False,
        )
        # Not by text=True, which makes a line break of a carriage return.
        out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def calls(self) -> list[list[str]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


def pairs(call: list[str]) -> list[tuple[str, str]]:
    """Formats with their outputs: the n-th output belongs to the n-th format."""
    formats = [call[i + 1] for i, one in enumerate(call) if one == "--format"]
    outputs = [call[i + 1] for i, one in enumerate(call) if one == "--output"]
    assert len(formats) == len(outputs)
    return list(zip(formats, outputs, strict=True))


def real_program(runner: Runner) -> None:
    """Put the program in the place of the stub."""
    text = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m oci_inspect "$@"\n'
    for path in (runner.temp / "oci-inspect" / "bin", runner.folder / "bin"):
        write_program(path / "oci-inspect", text)
