"""Files of many layers in an order that is not theirs, each compressed layer read only once.

It is known beforehand which rows will be asked for. What of them comes by before its turn is
*parked*; of a layer nothing is read behind the last of them. Layers that are not compressed are
read by going where the file lies.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from oci_inspect.errors import LimitExceededError
from oci_inspect.layer.content import FileContent, LayerFiles, TarBytes
from oci_inspect.layer.parking import Parking, Place
from oci_inspect.limits import SHARED_WINDOW, Limits

MOST_OPEN = 6
"""Layers that are read side by side: each may hold a window, and some pieces in and out."""

_WANTED, _PARKED = 1, 2


@dataclass(slots=True)
class _Layer:
    """What is known of one layer. ``marks`` has a byte a row: wanted, parked, or 0."""

    files: LayerFiles
    marks: bytearray
    places: array[Place] = field(default_factory=lambda: array("q"))
    tar: TarBytes | None = None
    next_row: int = 0
    """The first row that ``tar`` has not passed."""

    def wanted(self, stop: int) -> int:
        """The first row ahead, but before ``stop``, that is wanted; -1 for none."""
        return self.marks.find(_WANTED, self.next_row, stop)

    def park(self, row: int, place: Place) -> None:
        if not self.places:
            self.places = array("q", bytes(8 * len(self.marks)))
        self.places[row] = place
        self.marks[row] = _PARKED


class OrderedFiles:
    """Opens files of layers, each once and in any order; a context manager.

    ``layer`` gives the files of a layer by its index. ``wanted(i)`` is a mask over the rows of
    layer ``i``: those regular files that will be opened. ``parking`` is where files wait.
    """

    def __init__(
        self,
        layer: Callable[[int], LayerFiles],
        wanted: Callable[[int], bytes],
        parking: Parking | None = None,
        most_open: int = MOST_OPEN,
    ) -> None:
        self._files = layer
        self._wanted = wanted
        self._layers: dict[int, _Layer] = {}
        self._open: OrderedDict[int, _Layer] = OrderedDict()  # the one used last is the last
        self._most_open = most_open
        self._parking = parking or Parking()

    def open(self, layer_index: int, row: int) -> FileContent:
        """The runs of data of a regular file, to be read before the next one is opened.

        Raises what :meth:`LayerFiles.data` raises, and :class:`ArchiveError` where there is no more
        room for what must wait. So does reading the content.
        """
        layer = self._layers.get(layer_index)
        if layer is None:
            layer = _Layer(self._files(layer_index), bytearray(self._wanted(layer_index)))
            self._layers[layer_index] = layer
        if not layer.files.table.sizes[row] or not layer.marks[row]:
            return layer.files.data(row)
        content = None
        if layer.marks[row] == _WANTED:
            content = self._read_on(layer_index, layer, row)
        if content is None:
            content = self._parked(layer, row)
        return content

    # Reading forward

    def _read_on(self, index: int, layer: _Layer, row: int) -> FileContent | None:
        """Go forward to a file; None where it was parked instead."""
        tar = self._tar(index, layer, row)
        if tar.compression == "xz":  # its dictionaries have no bound that is low enough
            self._park_all(index, layer)
            return None
        try:
            if tar.compression != "none":
                self._park(layer, tar, row)
            content = layer.files.data(row, tar)
        except LimitExceededError as error:
            self._take_turns(index, layer, error)
            return None
        layer.marks[row] = 0
        layer.next_row = row + 1
        if tar.compression != "none" and layer.wanted(len(layer.marks)) < 0:
            self._close(index, layer)
        if tar.compression != "zstd":
            return content
        source = _Resumed(self, index, layer, row, content)
        return FileContent(source, content.size, content.regions)

    def _tar(self, index: int, layer: _Layer, row: int) -> TarBytes:
        """The tar of a layer, somewhere in front of a row."""
        if layer.tar is not None and layer.next_row <= row:
            self._open.move_to_end(index)
            return layer.tar
        self._close(index, layer)
        while len(self._open) >= self._most_open:
            self._finish(*self._open.popitem(last=False))
        layer.tar = layer.files.tar(_modest(layer.files.limits))
        layer.next_row = 0
        self._open[index] = layer
        return layer.tar

    def _close(self, index: int, layer: _Layer) -> None:
        self._open.pop(index, None)
        layer.tar = None

    # Parking

    def _park(self, layer: _Layer, tar: TarBytes, stop: int) -> None:
        """Park what is wanted ahead, but before a row."""
        sizes = layer.files.table.sizes
        while (row := layer.wanted(stop)) >= 0:
            if sizes[row]:
                layer.park(row, self._parking.put(layer.files.data(row, tar)))
            else:
                layer.marks[row] = 0
            layer.next_row = row + 1

    def _finish(self, index: int, layer: _Layer) -> None:
        """Park what is still wanted of a layer, and close it."""
        tar, layer.tar = layer.tar, None
        if tar is None or tar.compression == "none":
            return
        try:
            self._park(layer, tar, len(layer.marks))
        except LimitExceededError as error:
            self._take_turns(index, layer, error)

    def _take_turns(self, index: int, layer: _Layer, error: LimitExceededError) -> None:
        """Where it was the window: read a layer by itself, from its beginning."""
        limits = layer.files.limits
        if error.limit != "zstd_window" or limits == _modest(limits):
            raise error
        self._park_all(index, layer)

    def _park_all(self, index: int, layer: _Layer) -> None:
        self._close(index, layer)
        layer.next_row = 0
        self._park(layer, layer.files.tar(), len(layer.marks))

    def _parked(self, layer: _Layer, row: int) -> FileContent:
        layer.marks[row] = 0
        return self._parking.open(layer.places[row], layer.files.table.sizes[row])

    def _resume(
        self, index: int, layer: _Layer, row: int, done: int, error: LimitExceededError
    ) -> FileContent:
        """A file that was being read when the window grew, at byte ``done`` of its data."""
        layer.marks[row] = _WANTED
        self._take_turns(index, layer, error)
        content = self._parked(layer, row)
        while done:
            done -= len(content.read_data(done))
        return content

    def close(self) -> None:
        """Close all layers, and forget what was parked."""
        self._open.clear()
        self._layers.clear()
        self._parking.close()

    def __enter__(self) -> OrderedFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Resumed:
    """The data of a file that is read where it lies, from where it is parked if need be."""

    def __init__(
        self, files: OrderedFiles, index: int, layer: _Layer, row: int, content: FileContent
    ) -> None:
        self._files = files
        self._place = index, layer, row
        self._content = content
        self._done = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = self._content.read_data(size)
        except LimitExceededError as error:
            self._content = self._files._resume(*self._place, self._done, error)
            data = self._content.read_data(size)
        self._done += len(data)
        return data


@lru_cache(maxsize=1)
def _modest(limits: Limits) -> Limits:
    """The limits for layers that are read side by side."""
    return replace(limits, zstd_window=min(limits.zstd_window, SHARED_WINDOW))
