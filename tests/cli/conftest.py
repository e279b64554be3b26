"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oci_inspect.cli import run as run_command_line

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
PROGRAM = [sys.executable, "-m", "oci_inspect"]


@dataclass(frozen=True)
class Result:
    """What a command gave back."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """The one line on standard error."""
        assert self.out == b""
        assert self.err.endswith("\n") and self.err.count("\n") == 1, self.err
        assert self.err.startswith("oci-inspect: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("oci-inspect: ").rstrip("\n")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("COLUMNS", "NO_COLOR", "TERM", "PYTHONIOENCODING", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="run")
def _run(capsysbinary):
    """Run the command line in this process."""

    def run(*arguments: str | Path) -> Result:
        capsysbinary.readouterr()
        code = run_command_line([str(one) for one in arguments])
        captured = capsysbinary.readouterr()
        return Result(code, captured.out, captured.err.decode())

    return run


@pytest.fixture(name="spawn")
def _spawn():
    """Run the command line in a process of its own, with ``environment`` added to this one's."""

    def spawn(*arguments: str | Path, environment: dict[str, str] | None = None, **more) -> Result:
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, **(environment or {})},
            **({"stdin": subprocess.DEVNULL} | more if "input" not in more else more),
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())

    return spawn


@pytest.fixture(scope="session", name="app")
def _app() -> Path:
    """An archive with one image."""
    return REAL / "docker26-app.tar"


@pytest.fixture(scope="session", name="two_images")
def _two_images() -> Path:
    """An archive with two images, base and app."""
    return REAL / "docker26-two-images.tar"


@pytest.fixture(scope="session", name="platforms")
def _platforms() -> Path:
    """An archive with one image for two platforms, without a name."""
    return REAL / "buildx-multi.oci.tar"


@pytest.fixture(name="corrupt")
def _corrupt(app: Path, tmp_path: Path) -> Path:
    """A copy in which one bit of a file in the largest layer is another."""
    import tarfile

    with tarfile.open(app) as tar:
        largest = max(tar, key=lambda member: member.size)
    data = bytearray(app.read_bytes())
    data[largest.offset_data + 3_000] ^= 1
    path = tmp_path / "corrupt.tar"
    path.write_bytes(data)
    return path
