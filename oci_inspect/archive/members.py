"""The members of an archive by name, links among them resolved inside it and nowhere else."""

from __future__ import annotations

import posixpath
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, FREE_METADATA, Allowance, Limits
from oci_inspect.paths import normalise, path_bytes, path_text


class MemberKind(Enum):
    """What a member is to us: bytes, another name for bytes, or neither."""

    FILE = "file"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"


_KINDS = tuple(MemberKind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_FILE = _NUMBERS[MemberKind.FILE]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the outer archive. ``size`` is in bytes, ``offset`` where they begin."""

    name: str
    kind: MemberKind
    size: int = 0
    offset: int = 0
    linkname: str = ""


class MemberTable:
    """All members; of two with one name the last counts, as docker and containerd have it.

    Kept in columns, names as bytes: a million members take some 200 bytes each beside their names.
    """

    def __init__(
        self,
        findings: FindingCollector,
        limits: Limits = DEFAULT_LIMITS,
        allowance: Allowance | None = None,
    ) -> None:
        self._rows: dict[bytes, int] = {}
        self._kinds = bytearray()
        self._sizes = array("q")
        self._offsets = array("q")
        self._links: list[bytes] = []
        self._findings = findings
        self.limits = limits
        self._allowance = Allowance(limits) if allowance is None else allowance
        self._prefix = ""

    def __len__(self) -> int:
        return len(self._rows)

    def name_of(self, raw: bytes) -> str | None:
        """The name a member goes by, None where it names nothing (a ``..`` part, the root)."""
        if len(raw) > self.limits.path_bytes:
            raise LimitExceededError("path_bytes", self.limits.path_bytes, len(raw), "a member")
        path, unsafe = normalise(raw)
        if unsafe:
            self._findings.add(
                "path-unsafe", path_text(raw), "a member with a '..' part in its name: ignored"
            )
            return None
        return path.decode("utf-8", "surrogateescape") or None

    def add(self, member: Member) -> int:
        """Add a member and return its number; a second one of its name is a finding.

        Raises :class:`LimitExceededError` where names and links are too long together.
        """
        name, link = path_bytes(member.name), path_bytes(member.linkname)
        beyond = len(name) + len(link) - FREE_METADATA
        if beyond > 0:
            self._allowance.spend(beyond)
            if self._allowance.over:
                raise self._allowance.exceeded("the archive's members")
        row = self._rows.setdefault(name, len(self._kinds))
        kind = _NUMBERS[member.kind]
        if row < len(self._kinds):
            self._findings.add(
                "archive-duplicate-member",
                path_text(name),
                "two members of this name: the last one is read, other tools read the first",
            )
            self._kinds[row], self._links[row] = kind, link
            self._sizes[row], self._offsets[row] = member.size, member.offset
            return row
        self._kinds.append(kind)
        self._links.append(link)
        self._sizes.append(member.size)
        self._offsets.append(member.offset)
        return row

    def enter_folder(self, folder: str) -> None:
        """Take a folder for the root: everything is named from there, the rest is out of reach."""
        self._prefix += folder + "/"

    def names(self) -> Iterator[str]:
        """Every name, in the order of the archive."""
        return (name for name, _ in self._named())

    def files(self) -> Iterator[tuple[str, Member]]:
        """Every regular file with its name."""
        for name, row in self._named():
            if self._kinds[row] == _FILE:
                yield name, self._member(name, row)

    def _named(self) -> Iterator[tuple[str, int]]:
        prefix = path_bytes(self._prefix)
        for raw, row in self._rows.items():
            if raw.startswith(prefix):
                yield raw[len(prefix) :].decode("utf-8", "surrogateescape"), row

    def _member(self, name: str, row: int) -> Member:
        return Member(
            name,
            _KINDS[self._kinds[row]],
            self._sizes[row],
            self._offsets[row],
            self._links[row].decode("utf-8", "surrogateescape"),
        )

    def _get(self, name: str) -> Member | None:
        try:
            row = self._rows.get(path_bytes(self._prefix + name))
        except UnicodeEncodeError:  # half a pair of surrogates, which no bytes are
            return None
        return None if row is None else self._member(name, row)

    def resolve(self, name: str) -> Member | None:
        """The regular file that ``name`` leads to, through links inside the archive.

        Symbolic links are relative to their folder; hard links are named from the root, by some
        writers from their folder. A link that leads out, around in a ring or to nothing gives None.
        """
        name = name.removeprefix("./").lstrip("/")
        for _ in range(self.limits.links):
            member = self._get(name)
            if member is None:
                return None
            if member.kind is MemberKind.FILE:
                return member
            if member.kind is MemberKind.OTHER:
                return None
            folder = posixpath.dirname(name)
            beside = _inside(posixpath.join(folder, member.linkname))
            if member.kind is MemberKind.SYMLINK:
                target = None if member.linkname.startswith("/") else beside
            else:
                root = _inside(member.linkname.lstrip("/"))
                if root is not None:
                    root = root.removeprefix(self._prefix)
                target = root if root is not None and self._get(root) is not None else beside
            if target is None or target == name:
                return None
            name = target
        return None


def _inside(path: str) -> str | None:
    """A relative path made plain, None where it leads out of the archive."""
    plain = posixpath.normpath(path)
    return None if plain.startswith(("../", "/")) or plain in ("..", ".") else plain
