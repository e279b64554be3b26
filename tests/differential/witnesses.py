"""Three tar readers that have nothing in common with ours: tarfile, libarchive, GNU tar."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MOST = 1 << 20
"""Bytes of a file up to which its content is compared."""

SECONDS = 10.0


class Told(NamedTuple):
    """One entry: a letter for its type, its name as a path, the file's size, target, digest.

    The digest is None where the content was not asked for.
    """

    kind: str
    path: bytes
    size: int
    target: bytes
    digest: str | None


@dataclass(frozen=True)
class Listing:
    """What a reader made of a tar; ``complaint`` is what it said, None for nothing."""

    entries: tuple[Told, ...]
    complaint: str | None
    contents: str | None = None
    """The digest of all contents of files together, where those of each are not told."""


def plain(name: bytes) -> bytes:
    """A name as a path from the root: by the rules of docs, once more and in other words."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)


class ReaderProcess:
    """``reader_process.py``, asked with a clock in the hand; started again where it hangs."""

    def __init__(self, reader: str) -> None:
        self.reader = reader
        self.hangs = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def here(self) -> bool:
        """Whether there is such a reader on this machine."""
        return self._start() is not None

    def _start(self) -> subprocess.Popen[bytes] | None:
        if self._process is None:
            script = Path(__file__).with_name("reader_process.py")
            command = [sys.executable, str(script), self.reader]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            assert self._process.stdout is not None
            if self._process.stdout.readline() != b"ready\n":
                self.close()
        return self._process

    def read(self, tar: bytes) -> Listing:
        """What it makes of a tar."""
        process = self._start()
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(len(tar).to_bytes(4, "little") + tar)
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        line = process.stdout.readline() if ready else b""
        if not line.endswith(b"\n"):
            self.hangs += 1
            self.close()
            return Listing((), "it hangs, or died")
        answer = json.loads(line)
        entries = tuple(
            Told(
                kind,
                plain(bytes.fromhex(name)),
                size,
                plain(bytes.fromhex(target)) if kind == "h" else bytes.fromhex(target),
                digest,
            )
            for kind, name, size, target, digest in answer["entries"]
        )
        return Listing(entries, answer["complaint"])

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


GNU = shutil.which("tar")
_LINE = re.compile(
    rb'(.)\S{9,10} +\S+ +([\d,]+) (?:\S+ ){1,2}("(?:\\.|[^"\\])*")'
    rb'(?:(?: -> | link to )("(?:\\.|[^"\\])*"))?(--.*| unknown file type .*)?',
    re.S,
)
_ENVIRONMENT = {**os.environ, "LC_ALL": "C", "TZ": "UTC0", "TAR_OPTIONS": ""}


def is_gnu_tar() -> bool:
    """Whether the tar of this machine is GNU's."""
    if GNU is None:
        return False
    return b"GNU tar" in subprocess.run([GNU, "--version"], capture_output=True).stdout


def by_gnu_tar(tar: bytes, folder: Path) -> Listing:
    """What GNU tar lists, and what it would put out of all files one behind the other."""
    path = folder / "asked.tar"
    path.write_bytes(tar)
    assert GNU is not None
    command = [GNU, "--numeric-owner", "--quoting-style=c", "-P", "-tvf", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, env=_ENVIRONMENT, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Listing((), "it hangs")
    entries = []
    kinds = {
        b"-": "f",
        b"C": "f",
        b"?": "f",
        b"d": "d",
        b"l": "l",
        b"h": "h",
        b"c": "c",
        b"b": "b",
        b"p": "p",
    }
    complaint = done.stderr.decode("utf-8", "replace").strip() or None
    for line in done.stdout.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            complaint = complaint or f"a line of its own: {line!r}"
            continue
        kind = kinds.get(match[1], match[1].decode())
        target = _unquoted(match[4]) if match[4] else b""
        size = int(match[2]) if kind == "f" and b"," not in match[2] else 0
        target = plain(target) if kind == "h" else target
        entries.append(Told(kind, plain(_unquoted(match[3])), size, target, None))
    contents = None
    if sum(one.size for one in entries) <= MOST:
        command = [GNU, "-P", "-xOf", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, env=_ENVIRONMENT, timeout=SECONDS)
            contents = hashlib.sha256(done.stdout).hexdigest()
            complaint = complaint or done.stderr.decode("utf-8", "replace").strip() or None
        except subprocess.TimeoutExpired:
            complaint = "it hangs"
    return Listing(tuple(entries), complaint, contents)


def _unquoted(text: bytes) -> bytes:
    """A C string as GNU tar quotes names: all that is not ASCII is an octal escape."""
    made = ast.literal_eval(text.decode("latin-1"))
    assert isinstance(made, str)
    return made.encode("latin-1")
