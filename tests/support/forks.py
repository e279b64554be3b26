"""Processes of the command line by the hundred: forked from one that has imported everything.

A start of Python takes longer than most commands. What is forked here ends as every process does,
by its own exit; only what Python reads at its start (locale, closed streams) is that of the server,
or is imitated: see ``closed``.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

SERVER = """
import json, os, resource, signal, socket, sys
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO, TextIOWrapper, BytesIO
from pkgutil import walk_packages
import oci_inspect
import oci_inspect.cli as cli
from oci_inspect.__main__ import main

for name in cli.COMMANDS:
    import_module(f"oci_inspect.cli.{name}")
with redirect_stdout(TextIOWrapper(BytesIO())):
    cli.run(["verify", sys.argv[2], "--no-cache"])
    cli.run(["check", sys.argv[2], "--no-config", "--no-cache"])
    cli.run(["export", sys.argv[2], "-o", os.devnull, "--no-cache"])
server = socket.socket(fileno=int(sys.argv[1]))
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
whole = cli.run
def run():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return whole()
cli.run = run
while True:
    message, given, *_ = socket.recv_fds(server, 1 << 16, 3)
    if not message:
        break
    # What is sent before main() is there to be told of it waits until then: none of it is ours.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if not pid:
        break
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for one in given:
        os.close(one)
    server.send(str(pid).encode())
    server.send(str(os.waitpid(pid, 0)[1]).encode())
if message:
    server.close()
    job = json.loads(message)
    for number, one in enumerate(given):
        os.dup2(one, number)
        os.close(one)
    for number in job["closed"]:
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
    os.environ.update(job["environment"])
    for name in job["unset"]:
        os.environ.pop(name, None)
    os.chdir(job["folder"])
    for name, most in job["limits"].items():
        resource.setrlimit(getattr(resource, name), (most, most))
    if job["uid"]:
        # Where the program lies is perhaps not for everybody to read.
        for one in walk_packages(oci_inspect.__path__, "oci_inspect."):
            import_module(one.name)
        import platformdirs, tabulate, zstandard
        with redirect_stdout(TextIOWrapper(BytesIO())):
            whole(["report", sys.argv[2], "--no-cache"])
        os.setgroups([])
        os.setgid(job["uid"])
        os.setuid(job["uid"])
    # As at a terminal, though the tests may run below nohup or in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.argv = ["oci-inspect", *job["words"]]
    main()
"""


@dataclass(frozen=True)
class Done:
    """How a process ended: its exit code, below zero the signal; what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def problem(self) -> str:
        """The one line on standard error."""
        assert "Traceback" not in self.err, self.err
        assert self.err.startswith("oci-inspect: ") and self.err.endswith("\n"), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("oci-inspect: ").rstrip("\n")


@dataclass
class Running:
    """A process that may still run."""

    pid: int
    end: Callable[[], Done]

    def kill(self, number: int) -> None:
        """Send a signal, if there is still somebody to get it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Forks:
    """A server and its forks, one at a time. To be closed."""

    def __init__(self, archive: Path) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = theirs.fileno()
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(number), str(archive)],
            pass_fds=[number],
            env=dict(os.environ),
        )
        theirs.close()

    def start(
        self,
        *words: object,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        closed: Sequence[int] = (),
        environment: dict[str, str] | None = None,
        unset: Sequence[str] = (),
        folder: str | Path | None = None,
        limits: dict[str, int] | None = None,
        uid: int = 0,
    ) -> Running:
        """Start one; ``limits`` are by the names of :mod:`resource`, as in RLIMIT_FSIZE."""
        out: IO[Any] = tempfile.TemporaryFile()  # noqa: SIM115
        # A pipe, which no limit on files is about; there is never more than it holds.
        reader, writer = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        job = {
            "words": [os.fsdecode(str(one)) for one in words],
            "closed": list(closed),
            "environment": environment or {},
            "unset": list(unset),
            "folder": str(folder or Path.cwd()),
            "limits": limits or {},
            "uid": uid,
        }
        given = [
            nothing if stdin is None else stdin,
            out.fileno() if stdout is None else stdout,
            writer if stderr is None else stderr,
        ]
        socket.send_fds(self._ours, [json.dumps(job).encode()], given)
        os.close(nothing)
        os.close(writer)
        self._ours.settimeout(60)
        pid = int(self._ours.recv(64))

        def end() -> Done:
            status = int(self._ours.recv(64))
            out.seek(0)
            with out, open(reader, "rb") as err:  # noqa: PTH123
                code = os.waitstatus_to_exitcode(status)
                return Done(code, out.read(), err.read().decode("utf-8", "replace"))

        return Running(pid, end)

    def run(self, *words: object, **more: Any) -> Done:
        """Run one to its end."""
        return self.start(*words, **more).end()

    def close(self) -> None:
        """End the server."""
        self._ours.close()
        self._server.wait(20)
