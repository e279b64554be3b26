"""Short ways from archives in memory to what the package says of their documents."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from oci_inspect.archive.contents import Contents, Image
from oci_inspect.archive.opening import open_store
from oci_inspect.archive.reading import find_unreferenced, read_contents
from oci_inspect.archive.store import Visitor
from oci_inspect.findings import Finding, FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from support.images import Archive

FORMS = ("file", "folder", "fifo", "stdin", "gzip", "gzip-members", "zstd", "xz", "bzip2")
"""The ways in which one archive can reach the program."""


@contextmanager
def delivered(archive: Archive | bytes, form: str, folder: Path) -> Iterator[str]:
    """Write an archive in one of :data:`FORMS` and give the path to open."""
    path = folder / f"archive.{form}"
    if form == "folder":
        assert isinstance(archive, Archive)
        yield str(archive.write_folder(path))
        return
    data = archive if isinstance(archive, bytes) else archive.tar()
    if form == "fifo":
        os.mkfifo(path)
        with _writing(lambda: os.open(path, os.O_WRONLY), data):
            yield str(path)
    elif form == "stdin":
        reader, writer = os.pipe()
        kept = os.dup(0)
        os.dup2(reader, 0)
        os.close(reader)
        try:
            with _writing(lambda: writer, data):
                yield "-"
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    else:
        from support.images import compress

        path.write_bytes(compress(data, "none" if form == "file" else form))
        yield str(path)


@contextmanager
def _writing(opener: object, data: bytes) -> Iterator[None]:
    def run() -> None:
        assert callable(opener)
        with suppress(BrokenPipeError), open(opener(), "wb", buffering=0) as pipe:  # noqa: PTH123
            pipe.write(data)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(5)
    assert not thread.is_alive()


@dataclass(frozen=True)
class Opened:
    """What was read: the contents, what the outer archive has to say, and what nobody needs."""

    contents: Contents
    outer: tuple[Finding, ...]
    unreferenced: tuple[Finding, ...]
    compression: str | None

    @property
    def images(self) -> tuple[Image, ...]:
        """The images."""
        return self.contents.images

    @property
    def image(self) -> Image:
        """The one image."""
        (image,) = self.contents.images
        return image

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding: of the outer archive, of the documents, of the images."""
        own = [found for image in self.contents.images for found in image.findings]
        return (*self.outer, *self.contents.findings, *own)

    @property
    def rules(self) -> set[str]:
        """The rules that fired."""
        return {found.rule for found in self.findings}

    @property
    def errors(self) -> set[str]:
        """The rules that fired with severity error."""
        return {found.rule for found in self.findings if found.severity == "error"}

    def subjects(self, rule: str) -> list[str]:
        """What the findings of one rule are about."""
        return [found.subject for found in self.findings if found.rule == rule]

    def others(self) -> dict[str, str]:
        """Digest and reason of what is no image."""
        return {one.digest: one.reason for one in self.contents.other}


def open_path(
    path: str | Path, limits: Limits = DEFAULT_LIMITS, visitor: Visitor[object] | None = None
) -> Opened:
    """Open an input and read its documents."""
    store = open_store(str(path), visitor, limits)
    try:
        contents = read_contents(store)
        collector = FindingCollector()
        find_unreferenced(store, contents, collector)
        return Opened(
            contents,
            store.findings.result(),
            collector.result(),
            store.compression,
        )
    finally:
        store.close()


def open_archive(
    archive: Archive | bytes,
    folder: Path,
    form: str = "file",
    limits: Limits = DEFAULT_LIMITS,
) -> Opened:
    """Write an archive and read its documents."""
    with delivered(archive, form, folder) as path:
        return open_path(path, limits)
