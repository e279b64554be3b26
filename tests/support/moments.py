"""Signals at any moment of a command's life, and what may be seen of it afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from support.forks import Done, Forks, Running
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

CODES = {
    signal.SIGINT: {130},
    signal.SIGTERM: {143, -signal.SIGTERM},
    signal.SIGHUP: {129, -signal.SIGHUP},
    signal.SIGKILL: {-signal.SIGKILL},
}
"""What dies of SIGTERM itself has done its work: Python is taking itself apart, or still coming."""
SAID = {
    signal.SIGINT: {"oci-inspect: interrupted\n"},
    signal.SIGTERM: {"oci-inspect: ended by SIGTERM\n", ""},
    signal.SIGHUP: {"oci-inspect: ended by SIGHUP\n", ""},
    signal.SIGKILL: {""},
}


def busy_archive(folder: Path) -> Path:
    """An archive that takes a moment, and whose listings are larger than a pipe."""
    image = ImageBuilder("example/busy:1")
    for number in range(3):
        layer = TarBuilder()
        for i in range(800):
            name = f"folder{i % 7}/{number}-{i:05}-" + "n" * 40
            layer.file(name, b"%d" % i * 40, mtime=i, mode=0o640)
        layer.file(f"large{number}", os.urandom(1 << 16) * 8)
        layer.file("site/index.html", b"%d" % number)
        image.layer(layer, compression=("none", "gzip", "zstd")[number])
    return docker_archive(image).write_file(folder / "busy.tar")


class Place:
    """Folders for one command: its output, its cache, its temporary files."""

    def __init__(self, forks: Forks, top: Path) -> None:
        self._forks = forks
        self.out, self.cache, self.temp = (top / name for name in ("out", "cache", "temp"))
        for one in (self.out, self.cache, self.temp):
            one.mkdir(mode=0o700)
        self.environment = {"OCI_INSPECT_CACHE_DIR": str(self.cache), "TMPDIR": str(self.temp)}

    def start(self, words: Sequence[str]) -> Running:
        """Start a command with an empty cache: a scan that is kept is work that is not done."""
        for one in self.cache.iterdir():
            one.unlink()
        return self._forks.start(*words, environment=self.environment)

    def undisturbed(self, words: Sequence[str]) -> tuple[float, Done]:
        """The seconds that a command takes, and its end."""
        begun = time.monotonic()
        done = self.start(words).end()
        return time.monotonic() - begun, done

    def ended_by(self, number: signal.Signals, words: Sequence[str], delay: float) -> Done:
        """Send a signal after so many seconds; what is said and left must be what it may be."""
        running = self.start(words)
        time.sleep(delay)
        running.kill(number)
        done = running.end()
        assert "Traceback" not in done.err, done.err
        if done.code not in (0, 1):
            assert done.code in CODES[number], done
            assert done.err in SAID[number]
        if number != signal.SIGKILL:
            assert not list(self.cache.glob(".*.scan.*"))
        assert list(self.temp.iterdir()) == []
        return done
