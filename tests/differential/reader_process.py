"""Another tar reader, in a process of its own: tarfile, or libarchive, which bsdtar is made of.

Takes tars on standard input, each with its length in front (four bytes), and answers each with a
line of JSON: its entries, and what it complained of. It may loop or die: who asks has a clock.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import io
import json
import locale
import sys
import tarfile

MOST = 1 << 20
KINDS = {
    tarfile.SYMTYPE: "l",
    tarfile.LNKTYPE: "h",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
    tarfile.DIRTYPE: "d",
    tarfile.FIFOTYPE: "p",
}


def by_tarfile(tar: bytes) -> dict[str, object]:
    entries: list[object] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            for one in archive:
                kind = KINDS.get(one.type, "f")
                digest = None
                if kind == "f" and one.size <= MOST:
                    content = archive.extractfile(one)
                    digest = hashlib.sha256(content.read() if content else b"").hexdigest()
                name = one.name.encode("utf-8", "surrogateescape")
                target = one.linkname.encode("utf-8", "surrogateescape") if kind in "lh" else b""
                size = one.size if kind == "f" else 0
                entries.append([kind, name.hex(), size, target.hex(), digest])
    except Exception as error:  # noqa: BLE001 - whatever it dies of is its answer
        return {"entries": entries, "complaint": f"{type(error).__name__}: {error}"}
    return {"entries": entries, "complaint": None}


class Libarchive:
    """The few calls that are needed."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("archive")
        if name is None:
            raise OSError("no libarchive")
        library = self.library = ctypes.CDLL(name)
        for call in ("read_new", "entry_pathname", "entry_symlink", "entry_hardlink"):
            kind = ctypes.c_void_p if call == "read_new" else ctypes.c_char_p
            getattr(library, f"archive_{call}").restype = kind
        library.archive_entry_size.restype = ctypes.c_int64
        library.archive_error_string.restype = ctypes.c_char_p
        library.archive_read_data.restype = ctypes.c_ssize_t

    def read(self, tar: bytes) -> dict[str, object]:
        lib = self.library
        reader = ctypes.c_void_p(lib.archive_read_new())
        lib.archive_read_support_format_tar(reader)
        lib.archive_read_set_options(reader, b"tar:hdrcharset=BINARY,!mac-ext")
        entries: list[object] = []
        complaint = None
        try:
            if lib.archive_read_open_memory(reader, tar, ctypes.c_size_t(len(tar))):
                return {"entries": [], "complaint": "not a tar"}
            while True:
                entry = ctypes.c_void_p()
                state = lib.archive_read_next_header(reader, ctypes.byref(entry))
                if state == 1:
                    break
                if state < 0:
                    text = lib.archive_error_string(reader)
                    complaint = complaint or f"{state}: {(text or b'').decode('utf-8', 'replace')}"
                if state < -20:
                    break
                entries.append(self._entry(reader, entry))
        finally:
            lib.archive_read_free(reader)
        return {"entries": entries, "complaint": complaint}

    def _entry(self, reader: ctypes.c_void_p, entry: ctypes.c_void_p) -> list[object]:
        lib = self.library
        name = lib.archive_entry_pathname(entry) or b""
        hard = lib.archive_entry_hardlink(entry)
        soft = lib.archive_entry_symlink(entry)
        kinds = {0o120000: "l", 0o020000: "c", 0o060000: "b", 0o040000: "d", 0o010000: "p"}
        kind = "h" if hard is not None else kinds.get(lib.archive_entry_filetype(entry), "f")
        size = lib.archive_entry_size(entry) if kind == "f" else 0
        digest = None
        if kind == "f" and size <= MOST:
            buffer = ctypes.create_string_buffer(1 << 16)
            found = hashlib.sha256()
            while (got := lib.archive_read_data(reader, buffer, ctypes.c_size_t(1 << 16))) > 0:
                found.update(buffer.raw[:got])
            digest = found.hexdigest() if got == 0 else "cut"
        target = (hard or b"") if kind == "h" else (soft or b"") if kind == "l" else b""
        return [kind, name.hex(), size, target.hex(), digest]


def main() -> None:
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    read = by_tarfile if sys.argv[1] == "tarfile" else Libarchive().read
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while head := sys.stdin.buffer.read(4):
        tar = sys.stdin.buffer.read(int.from_bytes(head, "little"))
        sys.stdout.write(json.dumps(read(tar)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
