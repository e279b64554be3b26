"""Counting steps instead of seconds: the same on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from oci_inspect.filesystem.tree import Folder


def calls(work: Callable[[], Any]) -> int:
    """Calls of functions, in Python and in C, that some work takes."""
    count = 0

    def tell(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(tell)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


class CountingFolder(Folder):
    """A folder that counts the children which are looked at, in ``touched``.

    What looks at a folder as a whole counts for all that is in it.
    """

    __slots__ = ()
    touched = 0

    def _whole(self) -> None:
        CountingFolder.touched += len(self) + 1

    def __iter__(self) -> Iterator[bytes]:
        self._whole()
        return super().__iter__()

    def __reversed__(self) -> Iterator[bytes]:
        self._whole()
        return super().__reversed__()

    def items(self) -> Any:
        self._whole()
        return super().items()

    def clear(self) -> None:
        self._whole()
        super().clear()

    def __contains__(self, name: object) -> bool:
        CountingFolder.touched += 1
        return super().__contains__(name)

    def __setitem__(self, name: bytes, node: Folder | int) -> None:
        CountingFolder.touched += 1
        super().__setitem__(name, node)

    def get(self, name: bytes, default: Any = None) -> Any:
        CountingFolder.touched += 1
        return super().get(name, default)

    def pop(self, name: bytes, *default: Any) -> Any:
        CountingFolder.touched += 1
        return super().pop(name, *default)

    def setdefault(self, name: bytes, node: Any = None) -> Any:
        CountingFolder.touched += 1
        return super().setdefault(name, node)
