"""Folders on disk as values, and images opened for their files to be taken out."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oci_inspect.inspection import ArchiveFile, open_archive
from oci_inspect.looking import LayerStack
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

Thing = tuple[object, ...]
"""Type, mode, owner, time, and what is in it; of hard links also which of them are one."""


def snapshot(folder: Path, *, times: bool = True) -> dict[bytes, Thing]:
    """Everything below a folder, itself as ``b""``, by path; no link is followed.

    What lies so deep that its path is too long has nothing but that said of it.
    """
    found: dict[bytes, Thing] = {}
    inodes: dict[int, bytes] = {}
    top = os.fsencode(folder)
    todo = [b""]
    while todo:
        path = todo.pop()
        place = os.path.join(top, path) if path else top  # noqa: PTH118
        try:
            info = os.lstat(place)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            found[path] = ("too long",)
            continue
        content: object = None
        if stat.S_ISDIR(info.st_mode):
            names = sorted(os.listdir(place))  # noqa: PTH208
            content = tuple(names)
            todo += [path + b"/" + name if path else name for name in names]
        elif stat.S_ISLNK(info.st_mode):
            content = os.readlink(place)  # noqa: PTH115
        elif stat.S_ISREG(info.st_mode):
            content = (info.st_size, _digest(place))
        else:
            content = info.st_rdev
        first = inodes.setdefault(info.st_ino, path)
        one = first if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode) else None
        when = info.st_mtime_ns if times else None
        found[path] = (stat.filemode(info.st_mode), info.st_uid, info.st_gid, when, content, one)
    return found


def _digest(place: bytes) -> str:
    digest = hashlib.sha256()
    with open(place, "rb") as file:  # noqa: PTH123
        # of a file with more holes than anybody could read the beginning does
        for _ in range(64):
            digest.update(file.read(1 << 20))
    return digest.hexdigest()


@contextmanager
def opened(
    folder: Path, *layers: TarBuilder | bytes, compression: str = "none"
) -> Iterator[tuple[ArchiveFile, LayerStack]]:
    """An image of some layers, written below ``folder`` and opened, with its layers listed."""
    image = ImageBuilder("a:1")
    for layer in layers:
        image.layer(layer, compression=compression)
    folder.mkdir(parents=True, exist_ok=True)
    path = docker_archive(image).write_file(folder / "image.tar")
    with open_archive(path) as archive:
        yield archive, archive.look()
