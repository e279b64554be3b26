"""Writing a plan into a target folder: folders, files in the order of their bytes, links."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from oci_inspect.errors import (
    ArchiveError,
    CorruptStreamError,
    LimitExceededError,
    NoSpaceError,
    OciInspectError,
)
from oci_inspect.extraction.escapes import Escapes
from oci_inspect.extraction.metadata import Metadata, Options
from oci_inspect.extraction.placing import Placing
from oci_inspect.extraction.plan import PARENT, Plan
from oci_inspect.extraction.results import Extraction, Outcome
from oci_inspect.extraction.target import FULL, TargetFolder
from oci_inspect.layer.content import FileContent, FileData, LayerFiles, TarBytes
from oci_inspect.layer.entries import CHAR, FIFO, Entry
from oci_inspect.limits import Limits
from oci_inspect.paths import shown_path
from oci_inspect.progress import Progress
from oci_inspect.stream.source import CHUNK

T = TypeVar("T")

NOT_ASKED = "devices and FIFOs are made with --special only"
ESCAPES = "it leads out of the folder, and was made as it is"
_OWN_FAULT = ("sparse_regions", "layer_bytes")
"""Limits that one file meets without harm to those behind it."""


class Writer:
    """Writes one plan. What happens is told to ``result``."""

    def __init__(
        self,
        plan: Plan,
        target: TargetFolder,
        options: Options,
        limits: Limits,
        result: Extraction,
        progress: Progress,
    ) -> None:
        self._progress = progress
        self._plan = plan
        self._tree = plan.tree
        self._target = target
        self._options = options
        self._limits = limits
        self._result = result
        self._placing = Placing(target, force=options.force)
        self._metadata = Metadata(options)
        self._made: list[bytes] = []

    def run(self) -> None:
        """Write everything. Raises :class:`NoSpaceError`; what is complete by then stays."""
        self._progress.expect(self._plan.content_bytes)
        try:
            self._make_folders()
            self._write_files()
            self._make_symlinks()
            self._make_specials()
        except NoSpaceError:
            self._finish_folders()
            raise
        self._finish_folders()

    # Folders

    def _make_folders(self) -> None:
        for path, reference in self._plan.folders.items():
            try:
                made = self._target.make_folder(path)
            except OSError as error:
                self._fail(path, error)
                continue
            self._result.folders += made
            if made or (self._options.force and reference != PARENT):
                self._made.append(path)

    def _finish_folders(self) -> None:
        """Give folders their metadata, the deepest first: nobody enters them any more."""
        for path in reversed(self._made):
            reference = self._plan.folders[path]
            try:
                descriptor = self._target.folder(path)
            except OSError as error:
                self._tell(path, [f"its mode and time could not be set: {_reason(error)}"])
                continue
            entry = self._entry(reference) if reference >= 0 else None
            self._tell(path, self._metadata.dress_folder(descriptor, reference, entry))

    # Files

    def _write_files(self) -> None:
        opener = self._tree.files
        if opener is None and self._plan.files:
            raise ArchiveError(self._target.directory, "its archive is closed, or was not opened")
        for layer, references in groupby(self._plan.files, key=self._tree.layer_of):
            assert opener is not None
            reading = _LayerReading(opener.layer(layer), self._progress)
            base = self._tree.bases[layer]
            for reference in references:
                self._write_file(reading, reference, reference - base)

    def _write_file(self, reading: _LayerReading, reference: int, row: int) -> None:
        paths = self._plan.names[reference]
        entry = self._entry(reference)
        problems: list[str] = []
        written = 0

        def make(folder: int, name: bytes) -> None:
            nonlocal written
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                written = reading.copy(row, descriptor)
                problems.extend(self._metadata.dress_file(descriptor, entry))
            finally:
                os.close(descriptor)

        try:
            made = self._put(paths, make, problems)
        except NoSpaceError:
            raise
        except OciInspectError as error:
            self._result.damaged = True
            for path in paths:
                self._result.tell(path, Outcome.FAILED, str(error))
            return
        if made:
            self._result.files += 1
            self._result.content_bytes += written

    # Links, devices, FIFOs

    def _make_symlinks(self) -> None:
        escapes = Escapes(self._tree, self._limits)
        for reference in self._plan.symlinks:
            entry = self._entry(reference)
            problems: list[str] = []

            def make(
                folder: int, name: bytes, entry: Entry = entry, problems: list[str] = problems
            ) -> None:
                os.symlink(entry.linkname, name, dir_fd=folder)
                problems.extend(self._metadata.dress_other(folder, name, entry))

            made = self._put(self._plan.names[reference], make, problems)
            self._result.symlinks += bool(made)
            for path in made:
                if escapes.leads_out(path, entry.linkname):
                    self._result.tell(path, Outcome.LEADS_OUT, ESCAPES)

    def _make_specials(self) -> None:
        for reference in self._plan.specials:
            paths = self._plan.names[reference]
            if not self._options.special:
                for path in paths:
                    self._result.tell(path, Outcome.SKIPPED, NOT_ASKED)
                continue
            entry = self._entry(reference)
            problems: list[str] = []

            def make(
                folder: int, name: bytes, entry: Entry = entry, problems: list[str] = problems
            ) -> None:
                _make_special(folder, name, entry)
                problems.extend(self._metadata.dress_other(folder, name, entry))

            self._result.specials += bool(self._put(paths, make, problems))

    # Telling

    def _put(
        self, paths: Sequence[bytes], make: Callable[[int, bytes], None], problems: list[str]
    ) -> list[bytes]:
        """Make something under all its names; returns those that it was given."""
        made = []
        for path, error in self._placing.put(paths, make):
            if error is None:
                made.append(path)
            else:
                self._fail(path, error)
        self._result.hardlinks += max(0, len(made) - 1)
        if made:
            self._tell(made[0], problems)
        return made

    def _tell(self, path: bytes, problems: Sequence[str]) -> None:
        for problem in problems:
            self._result.tell(path, Outcome.ALTERED, problem)

    def _fail(self, path: bytes, error: OSError) -> None:
        if error.errno in FULL:
            raise NoSpaceError(
                self._target.directory,
                f"no space left at {shown_path(path)}: what is complete by now stays",
            ) from error
        self._result.tell(path, Outcome.FAILED, _reason(error))

    def _entry(self, reference: int) -> Entry:
        layer, row = self._tree.locate(reference)
        return self._tree.tables[layer].row(row)


class _LayerReading:
    """One pass over a layer. Once its bytes cannot be read, all files behind fail as that one."""

    def __init__(self, files: LayerFiles, progress: Progress) -> None:
        self._files = files
        self._progress = progress
        self._tar: TarBytes | None = None
        self._broken: OciInspectError | None = None

    def copy(self, row: int, descriptor: int) -> int:
        """Write a file's content to a new file; returns the bytes written, holes left out.

        Raises ``OSError`` for what is wrong with the writing, :class:`OciInspectError` for what is
        wrong with the reading.
        """
        if self._broken is not None:
            raise self._broken.with_traceback(None)
        try:
            content = _read(lambda: self._open(row))
            data_of = self._progress.counted(FileData(content))
            written = 0
            for offset, length in content.regions:
                os.lseek(descriptor, offset, os.SEEK_SET)
                end = written + length
                while written < end:
                    data = _read(lambda: data_of.read(CHUNK))
                    _write(descriptor, data)
                    written += len(data)
        except OciInspectError as error:
            if not _is_own_fault(error):
                self._broken = error
            raise
        if content.sparse:
            os.ftruncate(descriptor, content.size)
        return written

    def _open(self, row: int) -> FileContent:
        if self._tar is None and self._files.table.sizes[row]:
            self._tar = self._files.tar()
        return self._files.open(row, self._tar)


def _read(action: Callable[[], T]) -> T:
    """Read from the archive: an ``OSError`` in that is not one of the writing."""
    try:
        return action()
    except OSError as error:
        raise ArchiveError("the archive", f"it cannot be read: {_reason(error)}") from error


def _is_own_fault(error: OciInspectError) -> bool:
    """Whether the layer can be read on, behind the file that this was raised for."""
    if isinstance(error, LimitExceededError):
        return error.limit in _OWN_FAULT
    return isinstance(error, CorruptStreamError) and error.compression == "tar"


def _write(descriptor: int, data: bytes) -> None:
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])


def _make_special(folder: int, name: bytes, entry: Entry) -> None:
    if entry.type == FIFO:
        os.mkfifo(name, 0o600, dir_fd=folder)
        return
    kind = stat.S_IFCHR if entry.type == CHAR else stat.S_IFBLK
    try:
        device = os.makedev(*entry.device)
    except (OverflowError, ValueError) as error:
        raise OSError(errno.EINVAL, "no numbers that a device can have") from error
    os.mknod(name, kind | 0o600, device, dir_fd=folder)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
