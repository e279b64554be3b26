"""The members of an archive by name, links among them resolved inside it and nowhere else."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from enum import Enum

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.paths import normalise, path_text


class MemberKind(Enum):
    """What a member is to us: bytes, another name for bytes, or neither."""

    FILE = "file"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the outer archive. ``size`` is in bytes, ``offset`` where they begin."""

    name: str
    kind: MemberKind
    size: int = 0
    offset: int = 0
    linkname: str = ""


class MemberTable:
    """All members; of two with one name the last counts, as docker and containerd have it."""

    def __init__(self, findings: FindingCollector, limits: Limits = DEFAULT_LIMITS) -> None:
        self._members: dict[str, Member] = {}
        self._findings = findings
        self.limits = limits
        self._prefix = ""

    def __len__(self) -> int:
        return len(self._members)

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

    def add(self, member: Member) -> None:
        """Add a member; a second one of its name is a finding."""
        if member.name in self._members:
            self._findings.add(
                "archive-duplicate-member",
                path_text(member.name.encode("utf-8", "surrogateescape")),
                "two members of this name: the last one is read, other tools read the first",
            )
        self._members[member.name] = member

    def enter_folder(self, folder: str) -> None:
        """Take a folder for the root: everything is named from there, the rest is out of reach."""
        prefix = folder + "/"
        self._members = {
            name.removeprefix(prefix): replace(member, name=name.removeprefix(prefix))
            for name, member in self._members.items()
            if name.startswith(prefix)
        }
        self._prefix = prefix

    def names(self) -> list[str]:
        """Every name, in the order of the archive."""
        return list(self._members)

    def files(self) -> list[tuple[str, Member]]:
        """Every regular file with its name."""
        return [
            (name, member)
            for name, member in self._members.items()
            if member.kind is MemberKind.FILE
        ]

    def resolve(self, name: str) -> Member | None:
        """The regular file that ``name`` leads to, through links inside the archive.

        Symbolic links are relative to their folder; hard links are named from the root, by some
        writers from their folder. A link that leads out, around in a ring or to nothing gives None.
        """
        name = name.removeprefix("./").lstrip("/")
        for _ in range(self.limits.links):
            member = self._members.get(name)
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
                target = root if root in self._members else beside
            if target is None or target == name:
                return None
            name = target
        return None


def _inside(path: str) -> str | None:
    """A relative path made plain, None where it leads out of the archive."""
    plain = posixpath.normpath(path)
    return None if plain.startswith(("../", "/")) or plain in ("..", ".") else plain
