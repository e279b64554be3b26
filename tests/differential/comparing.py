"""Our listing of a tar beside another reader's, and the reasons why they may differ."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from differential.witnesses import MOST, Listing, Told
from layer.agreement import fast

from oci_inspect.errors import OciInspectError
from oci_inspect.layer.content import FileStream, LayerFiles
from oci_inspect.stream.source import BytesSource

TOLD = {
    *("tar-ambiguous", "tar-header-invalid", "tar-header-checksum", "tar-truncated"),
    *("limit-exceeded", "layer-corrupt"),
}
"""Findings that say: other readers may see other files here."""


def ours(tar: bytes) -> tuple[Listing, set[str]]:
    """Our own listing, and the rules that fired."""
    seen = fast(tar)
    files = LayerFiles(seen.scan.table, lambda: BytesSource(tar))
    entries = []
    for number, row in enumerate(seen.rows):
        digest = None
        if chr(row.type) == "f" and row.size <= MOST:
            try:
                content = FileStream(files.open(number)).readall() or b""
                digest = hashlib.sha256(content).hexdigest()
            except OciInspectError:
                digest = "cut"
        size = row.size if chr(row.type) == "f" else 0
        entries.append(Told(chr(row.type), row.path, size, row.linkname, digest))
    return Listing(tuple(entries), None), seen.rules


def contents_of(tar: bytes) -> str | None:
    """The digest of all files one behind the other."""
    seen = fast(tar)
    files = LayerFiles(seen.scan.table, lambda: BytesSource(tar))
    together = hashlib.sha256()
    for number, row in enumerate(seen.rows):
        if chr(row.type) == "f":
            if row.size > MOST or number in seen.scan.table.stored_sizes:
                return None  # GNU tar leaves out the holes where it writes to a pipe
            try:
                together.update(FileStream(files.open(number)).readall() or b"")
            except OciInspectError:
                return None
    return together.hexdigest()


def differences(mine: Listing, theirs: Listing) -> Iterable[str]:
    """What differs, in words."""
    for number, (one, other) in enumerate(zip(mine.entries, theirs.entries, strict=False)):
        fields = [
            f"{field} {getattr(one, field)!r} here, {getattr(other, field)!r} there"
            for field in ("kind", "path", "size", "target")
            if getattr(one, field) != getattr(other, field)
        ]
        if other.digest is not None and one.digest != other.digest:
            fields.append("another content")
        if fields:
            yield f"entry {number}: {'; '.join(fields)}"
    if len(mine.entries) != len(theirs.entries):
        yield f"{len(mine.entries)} entries here, {len(theirs.entries)} there"


@dataclass(frozen=True)
class Case:
    """A tar that two readers differ on."""

    tar: bytes
    rules: set[str]
    reader: str
    mine: Listing
    theirs: Listing

    def has(self, *types: bytes) -> bool:
        """Whether a block of it looks like a header of one of these types."""
        blocks = (self.tar[at : at + 512] for at in range(0, len(self.tar), 512))
        return any(one[156:157] in types and one[148:154].strip(b" 0").isdigit() for one in blocks)


def map_is_wrong(case: Case) -> bool:
    """The map of a sparse file is wrong: reading that file is refused here.

    libarchive ends its listing there, tarfile may die, GNU tar leaves the file out.
    """
    if not (case.has(b"S") or b"GNU.sparse." in case.tar):
        return False
    digests = {one.digest for one in (*case.mine.entries, *case.theirs.entries)}
    return "cut" in digests or case.theirs.complaint is not None


def padding_is_cut(case: Case) -> bool:
    """The tar ends in the padding behind a file that is whole: told as ``tar-no-end-mark``."""
    return "tar-no-end-mark" in case.rules and case.theirs.complaint is not None


def number_is_blank(case: Case) -> bool:
    """Blanks where a number should be: 0 here and in Go; GNU tar passes over the header."""
    return case.reader == "GNU tar" and "Blanks in header" in (case.theirs.complaint or "")


def prefix_is_taken(case: Case) -> bool:
    """What stands in the place of a prefix, in a header of GNU's form or v7's.

    Nothing to Go, GNU tar and us; a prefix to Python, and perhaps a sparse map to libarchive.
    """
    blocks = [case.tar[at : at + 512] for at in range(0, len(case.tar), 512)]
    return case.reader != "GNU tar" and any(
        one[257:265] != b"ustar\x0000" and one[345:500].strip(b"\0") for one in blocks
    )


def link_leads_nowhere(case: Case) -> bool:
    """A hard link without a target is a file to libarchive; here the merge says that it dangles."""
    links = [one for one in case.mine.entries if one.kind == "h"]
    return case.reader == "libarchive" and any(not one.target for one in links)


def long_name_has_no_end(case: Case) -> bool:
    """A GNU long name without its NUL, and more bytes in the padding.

    GNU tar and Python read on, libarchive, Go and we end where its size says.
    """
    for at in range(0, len(case.tar), 512):
        block = case.tar[at : at + 512]
        digits = re.match(rb" *([0-7]+)[ \0]", block[124:136])
        if block[156:157] in (b"L", b"K") and digits:
            size = int(digits[1], 8)
            name, padding = case.tar[at + 512 :][:size], case.tar[at + 512 + size :]
            if b"\0" not in name and padding[: -size % 512].strip(b"\0"):
                return case.reader != "libarchive"
    return False


def dump_is_a_file(case: Case) -> bool:
    """Type ``D`` is a folder with its listing to GNU tar, Go and us, and a file to Python."""
    return case.reader == "tarfile" and case.has(b"D")


def volumes_are_gnu_s(case: Case) -> bool:
    """Types ``M`` and ``V`` of tapes are files to Go and us, and volumes of tapes to others."""
    return case.reader != "tarfile" and case.has(b"M", b"V")


def root_is_a_folder(case: Case) -> bool:
    """The name ``/`` in a v7 header: a folder by its slash, but not to GNU tar."""
    return case.reader == "GNU tar" and (b"d", b"") in [
        (one.kind.encode(), one.path) for one in case.mine.entries
    ]


def first_header_is_odd(case: Case) -> bool:
    """A first header that libarchive takes for none: to it the whole is no tar, and it says so."""
    return case.theirs.complaint == "not a tar"


def folder_of_v7_is_a_file(case: Case) -> bool:
    """A folder in v7's form, by the slash behind its name, behind a pax header.

    A file to tarfile of Python 3.11.2, as Debian 12 has it.
    """
    pairs = zip(case.mine.entries, case.theirs.entries, strict=False)
    kinds = {(one.kind, other.kind) for one, other in pairs if one != other}
    return case.reader == "tarfile" and case.has(b"x") and kinds == {("d", "f")}


REASONS: tuple[Callable[[Case], bool], ...] = (
    *(map_is_wrong, padding_is_cut, number_is_blank, prefix_is_taken, dump_is_a_file),
    *(volumes_are_gnu_s, link_leads_nowhere, long_name_has_no_end),
    *(root_is_a_folder, first_header_is_odd, folder_of_v7_is_a_file),
)
"""Why readers differ where no finding says so."""
