"""Inputs that are no plain file: FIFOs, devices, folders without rights, links out of a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from hostile.cases import Archive, Theme, below, docker, oci
from support.archives import delivered
from support.images import blob_name, oci_layout, skopeo_dir
from support.tars import base256, header

add = Theme("surroundings")

# Ways in


def by(form: str, archive: Archive | bytes) -> Callable[[Path], AbstractContextManager[str]]:
    """A recipe for an input that comes another way than as a file."""

    @contextmanager
    def ready(folder: Path) -> Iterator[str]:
        with delivered(archive, form, folder) as path:
            yield path
            # What nobody read is read now, or its writer would wait for ever.
            fd = 0 if form == "stdin" else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):
                while os.read(fd, 1 << 20):
                    pass
            if fd:
                os.close(fd)

    return ready


for form in ("fifo", "stdin"):
    add(f"{form}", fresh=by(form, docker()), code=0)
    add(f"{form}-of-nothing", fresh=by(form, b""), says="empty")
    add(f"{form}-of-zeros", fresh=by(form, bytes(100_000)), says="empty tar")
    add(f"{form}-cut", fresh=by(form, docker().tar()[:2000]), code=(1, 3))
    add(f"{form}-backwards", fresh=by(form, docker().reverse()), code=0)
    add(
        f"{form}-of-a-negative-size",
        fresh=by(form, header(b"x", size=base256(-512, 12)) + docker().tar()),
        code=(1, 3),
    )
for path in ("/dev/zero", "/dev/null", "/dev/full", "/dev/random", "/dev/tty0"):
    if Path(path).exists():
        add(f"device-{path[5:]}", lambda path=path: Path(path), says="device")
add("proc", lambda: Path("/proc/self/mem"), code=3)
add("folder-of-the-system", lambda: Path("/proc/self/fd"), code=3)
add("nowhere", lambda folder: folder / "none.tar", says="no such file")
add("below-a-file", lambda folder: write(folder / "f", b"") / "x", says="no such file")
add("link-to-itself", lambda folder: link(folder / "l", "l"), says="symbolic links")
add("link-to-nothing", lambda folder: link(folder / "l", "gone"), says="No such file")
add(
    "link-to-an-archive",
    lambda folder: link(folder / "l", str(write(folder / "x.tar", docker().tar()))),
    code=0,
)
add(
    "name-with-an-escape",
    lambda folder: write(folder / "\x1b[2J\u202e.tar", docker().tar()),
    code=0,
)
add("name-of-a-command", lambda folder: write(folder / "\n::error::x", docker().tar()), code=0)
add(
    "name-that-is-no-text",
    lambda folder: write(folder / "\udcff\udcfe.tar", docker().tar()),
    code=0,
)
add("empty-folder", lambda folder: folder, says="folder")
add(
    "folder-of-folders",
    lambda folder: oci_layout(below()).write_folder(folder / "a" / "b").parent,
    says="folder",
)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


@contextmanager
def unix_socket(folder: Path) -> Iterator[str]:
    kept = Path.cwd()
    os.chdir(folder)  # the name of a socket may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
            yield str(folder / "s")
    finally:
        os.chdir(kept)
        (folder / "s").unlink()


add("socket", fresh=unix_socket, says="socket")

# Layouts in folders: only regular files below the folder, never through links

SECRET = b"SECRET-OF-THE-MACHINE"


def folder_with(name: str, what: str, archive: Archive | None = None) -> object:
    """A folder layout in which one file is something else; the right bytes lie outside."""

    def make(folder: Path) -> Path:
        layout = (archive or oci()).write_folder(folder / "layout")
        path = layout / name
        data = path.read_bytes()
        path.unlink()
        outside = write(folder / "outside", data)
        write(folder / "secret", SECRET)
        match what:
            case "link-outside":
                path.symlink_to(outside)
            case "relative-link-outside":
                path.symlink_to(os.path.relpath(outside, path.parent))
            case "link-to-a-secret":
                path.symlink_to(folder / "secret")
            case "link-to-itself":
                path.symlink_to(path.name)
            case "fifo":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "link-to-a-device":
                path.symlink_to("/dev/zero")
        return layout

    return make


NAMES = {
    "index.json": "index.json",
    "oci-layout": "oci-layout",
    "manifest": blob_name(below().manifest),
    "config": blob_name(below().config),
    "layer": blob_name(below().layers[0].blob),
}
WHATS = (
    "link-outside",
    "relative-link-outside",
    "link-to-a-secret",
    "link-to-itself",
    "fifo",
    "folder",
    "link-to-a-device",
)
for which, name in NAMES.items():
    for what in WHATS:
        add(
            f"{which}-is-a-{what}",
            folder_with(name, what),  # type: ignore[arg-type]
            code=(0, 1, 3) if which == "oci-layout" else (1, 3),
            hides=SECRET.decode(),
        )
for what in WHATS:
    add(
        f"version-is-a-{what}",
        folder_with("manifest.json", what, skopeo_dir(below())),
        code=3,
        hides=SECRET.decode(),
    )  # type: ignore[arg-type]


def blobs_outside(folder: Path) -> Path:
    """The folder of all blobs is a link to one outside."""
    layout = oci().write_folder(folder / "layout")
    (layout / "blobs").rename(folder / "blobs")
    (layout / "blobs").symlink_to("../blobs")
    return layout


def ring_of_folders(folder: Path) -> Path:
    layout = oci().write_folder(folder / "layout")
    (layout / "ring").symlink_to(".")
    (layout / "up").symlink_to("..")
    return layout


def strange_names(folder: Path) -> Path:
    layout = oci().write_folder(folder / "layout")
    for name in (b"\xff\xfe", b"\x1b[2J", b"a\n::error::b", b"manifest.json "):
        (Path(os.fsdecode(os.path.join(os.fsencode(layout), name)))).write_bytes(b"")  # noqa: PTH118
    return layout


def deep_folders(folder: Path) -> Path:
    layout = oci().write_folder(folder / "layout")
    deep = layout / "/".join(["d"] * 900)
    deep.mkdir(parents=True)
    return layout


add("blobs-outside", blobs_outside, code=(1, 3))
add("ring-of-folders", ring_of_folders, code=0)
add("strange-names-in-a-folder", strange_names, code=0)
add("900-folders-deep", deep_folders, code=(0, 3))
