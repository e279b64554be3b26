"""A stream as a store: what is small is kept, all else is looked at as it passes by."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from oci_inspect.archive.members import Member, MemberKind
from oci_inspect.archive.outer_tar import OuterTar, StreamCursor
from oci_inspect.archive.store import MARKERS, Store, T, Visitor, member_of
from oci_inspect.errors import CorruptStreamError
from oci_inspect.limits import DEFAULT_LIMITS, KIB, Allowance, Limits
from oci_inspect.stream.source import BytesSource, PrefixedSource, SkippingSource, Source, read_some

SMALL = 64 * KIB
SMALL_DOCUMENT = 256 * KIB
"""Bytes of a manifest, a config or an index, at most, unless there is something odd about it."""
VISITED = 2 * KIB
"""Bytes that what a visitor makes of a member takes at least, whatever is in that."""


@dataclass(slots=True)
class _Room:
    wanted: int = 0
    kept: int = 0


class StreamStore(Store[T]):
    """A tar that passes by once: standard input, or a file compressed as a whole."""

    rereads = False

    def __init__(
        self,
        path: str,
        source: Source,
        visitor: Visitor[T] | None,
        limits: Limits = DEFAULT_LIMITS,
        ending: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(path, limits)
        self._kept: dict[int, bytes] = {}
        self._visits = Allowance(limits)
        self._given_up = False
        # Wanted and kept: small documents, and what must not take the room of those (large ones
        # may be anything, such as lists of packages; small layers can be scanned instead).
        self._small = _Room()
        self._other = _Room()
        cursor = StreamCursor(source, ending)
        tar = OuterTar(cursor, self.findings, limits)
        try:
            for header in tar.entries():
                offset = cursor.position
                member = member_of(self.members, header, offset)
                if member is None:
                    continue
                self.members.add(member)
                self.visited.pop(member.name, None)
                if member.kind is MemberKind.FILE:
                    self._pass_by(member, tar, visitor)
        except CorruptStreamError as error:
            if error.trailing:
                self.findings.add("archive-trailing-data", "archive", str(error))
            else:
                self.truncated = True
                self.findings.add("tar-truncated", "archive", str(error))
        self.truncated |= tar.truncated
        self.endless = tar.endless

    def _pass_by(self, member: Member, tar: OuterTar, visitor: Visitor[T] | None) -> None:
        head = tar.read(min(member.size, SMALL))
        document = head.lstrip(b" \t\r\n")[:1] in (b"", b"{", b"[")
        document |= posixpath.basename(member.name) in MARKERS
        room = self._room(member.size) if document else self._other
        if member.size <= (self.limits.json_bytes if document else SMALL):
            room.wanted += member.size
            if room.kept + member.size <= self.limits.kept_bytes:
                data = head + read_some(tar, member.size - len(head))
                self._kept[member.offset] = data
                room.kept += len(data)
                return
        if visitor is not None and self._may_visit():
            self.visited[member.name] = visitor(PrefixedSource(head, tar), member)

    def _may_visit(self) -> bool:
        """Whether there is memory for what a visitor makes of one more member.

        Where there is not, it may be no image but a tar of very many files: the walk goes on.
        """
        if self._given_up:
            return False
        self._visits.spend(VISITED)
        if self._visits.over:
            self._given_up = True
            error = self._visits.exceeded("members of a stream that pass by")
            self.findings.add("limit-exceeded", "archive", str(error))
        return not self._given_up

    def _room(self, size: int) -> _Room:
        return self._small if size <= SMALL_DOCUMENT else self._other

    def kept_wanted(self, size: int) -> int:
        """The bytes of all members that were to be kept in the same room."""
        return self._room(size).wanted

    def open(self, member: Member) -> SkippingSource | None:
        """The member's bytes where they were kept."""
        data = self._kept.get(member.offset)
        return None if data is None else BytesSource(data)
