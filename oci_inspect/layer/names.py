"""Names of tar entries as paths of the image, bounded, with what there is to say about them."""

from __future__ import annotations

from collections.abc import Sequence

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import Limits
from oci_inspect.paths import normalise, path_text

PRINTABLE = bytes(range(0x20, 0x7F))
"""ASCII that needs no second look."""

FIELD = 100
"""Bytes of a header's name field."""


class EntryNames:
    """Makes paths of names and targets; oddities go to ``findings``.

    A path of up to ``longest`` bytes breaks no limit: half of its bytes at least are no slashes.
    """

    def __init__(self, limits: Limits, findings: FindingCollector) -> None:
        self._limits = limits
        self._findings = findings
        self.longest = min(
            255, limits.path_bytes, limits.path_part_bytes, 2 * limits.path_depth - 1
        )

    def odd(self, names: Sequence[bytes]) -> set[int]:
        """The indices of names that :meth:`clean` must see; the others are paths as they are.

        No name may end in a slash.
        """
        longest = self.longest
        return {
            i
            for i, name in enumerate(names)
            if b"/." in name
            or b"//" in name
            or name[:1] in b"./"
            or len(name) > longest
            or name.translate(None, PRINTABLE)
        }

    def clean(self, name: bytes) -> bytes:
        """The path of a name that may need work, with what there is to say about it."""
        path, unsafe = normalise(name)
        if unsafe:
            # Plain headers give a folder's name without its slash, all others with it.
            told = path_text(name.rstrip(b"/"))
            self._findings.add("path-unsafe", told, "a '..' part in its name: clamped at the root")
        limits = self._limits
        if len(path) > self.longest:
            if len(path) > limits.path_bytes:
                raise LimitExceededError("path_bytes", limits.path_bytes, len(path), "a path")
            longest = max(map(len, path.split(b"/")))
            if longest > limits.path_part_bytes:
                raise LimitExceededError(
                    "path_part_bytes", limits.path_part_bytes, longest, "a part of a path"
                )
            depth = path.count(b"/") + 1
            if depth > limits.path_depth:
                raise LimitExceededError("path_depth", limits.path_depth, depth, "a path")
        try:
            text = path.decode("utf-8")
        except UnicodeDecodeError:
            self._findings.add("path-encoding", path_text(path), "its name is not UTF-8")
        else:
            if not text.isprintable() and any(_is_control(char) for char in text):
                shown = text.encode("unicode_escape").decode("ascii")
                self._findings.add("path-encoding", shown, "control characters in its name")
        return path

    def target(self, path: bytes, target: bytes, *, hard: bool) -> bytes:
        """The target of the link at ``path``: a hard link's is a path, a symbolic link's is text.

        Raises :class:`LimitExceededError`.
        """
        if hard:
            target, unsafe = normalise(target)
            if unsafe:
                self._findings.add(
                    "path-unsafe", path_text(path), "a hard link whose target has a '..' part"
                )
        if len(target) > self._limits.path_bytes:
            raise LimitExceededError(
                "path_bytes", self._limits.path_bytes, len(target), "a link's target"
            )
        return target


def _is_control(char: str) -> bool:
    """C0, DEL, C1, line separators and the marks that turn the direction of text."""
    code = ord(char)
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or code in (0x200E, 0x200F, 0x061C, 0x2028, 0x2029, 0xFEFF)
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
    )
