"""The paths of a table's rows, kept as what they are made of: a folder and a name for each.

Most entries lie beside the one before them, so a folder's path is kept once. The tree of an image
is made of the very same names (docs/decisions/0013-paths-are-folders-and-names.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import overload


class PathColumn(Sequence[bytes]):
    """A sequence of paths without a slash at their beginning or end; ``b""`` is the root.

    Row ``i`` is called ``names[i]`` and lies in ``folders[places[i]]``, which is ``b""`` for the
    root. No folder is there twice.
    """

    __slots__ = ("_known", "folders", "names", "places")

    def __init__(self, paths: Iterable[bytes] = ()) -> None:
        self.folders: list[bytes] = []
        self.names: list[bytes] = []
        self.places = array("I")
        self._known: dict[bytes, int] = {}
        self.extend(paths)

    @classmethod
    def of_parts(cls, folders: list[bytes], places: array[int], names: list[bytes]) -> PathColumn:
        """A column of its parts; a place for each name, and a folder for each place."""
        column = cls()
        column.folders, column.places, column.names = folders, places, names
        return column

    def extend(self, paths: Iterable[bytes]) -> dict[int, int]:
        """Add paths. Returns how long folders are that were not there yet, by row."""
        folders, names = self.folders, self.names
        known = self._known
        if len(known) < len(folders):
            known |= {folder: place for place, folder in enumerate(folders)}
        places: list[int] = []
        new: dict[int, int] = {}
        last: bytes | None = None
        place = 0
        for folder, _, name in map(bytes.rpartition, paths, repeat(b"/")):
            if folder != last:
                found = known.get(folder)
                if found is None:
                    found = known[folder] = len(folders)
                    new[len(names)] = len(folder)
                    folders.append(folder)
                place, last = found, folder
            places.append(place)
            names.append(name)
        self.places.fromlist(places)
        return new

    def add(self, path: bytes) -> int:
        """Add one path. Returns how long its folder is if that was not there yet, else 0."""
        folder, _, name = path.rpartition(b"/")
        new = 0
        places = self.places
        if not places or folder != self.folders[places[-1]]:
            if len(self._known) < len(self.folders):
                self._known |= {folder: place for place, folder in enumerate(self.folders)}
            place = self._known.setdefault(folder, len(self.folders))
            if place == len(self.folders):
                self.folders.append(folder)
                new = len(folder)
            places.append(place)
        else:
            places.append(places[-1])
        self.names.append(name)
        return new

    def settle(self) -> None:
        """No more paths will come: what it takes to find folders is let go."""
        self._known = {}

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self.names)))]
        folder = self.folders[self.places[index]]
        return folder + b"/" + self.names[index] if folder else self.names[index]

    def __iter__(self) -> Iterator[bytes]:
        prefixes = [folder + b"/" if folder else b"" for folder in self.folders]
        for place, name in zip(self.places, self.names, strict=True):
            yield prefixes[place] + name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PathColumn({list(self)!r})"
