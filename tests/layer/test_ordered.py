"""Files of layers in another order than theirs: what is read, how often, and what waits where."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from itertools import pairwise

import pytest
import zstandard
from support.images import compress
from support.tars import TarBuilder, gnu_sparse

from oci_inspect.errors import ArchiveError, CorruptStreamError, LimitExceededError
from oci_inspect.layer import parking
from oci_inspect.layer.content import FileContent, LayerFiles
from oci_inspect.layer.listing import list_layer
from oci_inspect.layer.ordered import OrderedFiles
from oci_inspect.layer.parking import Parking
from oci_inspect.limits import DEFAULT_LIMITS, MIB, Limits
from oci_inspect.stream.source import BytesSource

COMPRESSIONS = ("gzip", "gzip-members", "zstd", "zstd-frames", "xz", "bzip2")


class Blob:
    """A layer's blob that tells how often it was opened and how many bytes were read of it."""

    def __init__(self, data: bytes, chunk: int = 1 << 16) -> None:
        self.data = data
        self.opened = 0
        self.read = 0
        self._chunk = chunk

    def open(self) -> _Counted:
        self.opened += 1
        return _Counted(self, self._chunk)


class _Counted(BytesSource):
    def __init__(self, blob: Blob, chunk: int) -> None:
        super().__init__(blob.data)
        self._blob = blob
        self._chunk = chunk

    def read(self, size: int, /) -> bytes:
        data = super().read(min(size, self._chunk))
        self._blob.read += len(data)
        return data


class Layers:
    """Layers by index, each with its blob and its files."""

    def __init__(self, *layers: tuple[bytes, str], limits: Limits = DEFAULT_LIMITS) -> None:
        self.blobs = [Blob(compress(tar, how)) for tar, how in layers]
        self.files = [
            LayerFiles(list_layer(BytesSource(tar), len(tar)).table, blob.open, limits)
            for (tar, _), blob in zip(layers, self.blobs, strict=True)
        ]

    def ordered(self, wanted: Callable[[int], bytes] | None = None, **more: object) -> OrderedFiles:
        every = wanted or (lambda i: b"\1" * len(self.files[i].table))
        return OrderedFiles(self.files.__getitem__, every, **more)  # type: ignore[arg-type]


def all_of(content: FileContent) -> bytes:
    pieces = []
    while data := content.read_data(1 << 16):
        pieces.append(data)
    return b"".join(pieces)


def contents(count: int, size: int, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [rng.randbytes(rng.randint(0, size)) for _ in range(count)]


def tar_of(files: list[bytes]) -> bytes:
    tar = TarBuilder()
    for i, data in enumerate(files):
        tar.file(f"f{i}", data)
    return tar.build()


@pytest.fixture(name="nothing_in_memory")
def _nothing_in_memory() -> Parking:
    return Parking(0)


@pytest.mark.parametrize("in_memory", [0, 20_000, 4 * MIB])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_any_order_takes_one_pass_over_a_compressed_layer(compression, in_memory):
    files = contents(60, 9_000)
    orders = [list(range(60)), list(range(59, -1, -1))]
    orders += [random.Random(seed).sample(range(60), 60) for seed in range(3)]
    for order in orders:
        layers = Layers((tar_of(files), compression))
        with layers.ordered(parking=Parking(in_memory)) as ordered:
            for row in order:
                assert all_of(ordered.open(0, row)) == files[row]
        (blob,) = layers.blobs
        # xz is opened, seen to be xz, and read by itself.
        assert blob.opened == (2 if compression == "xz" else 1)
        assert blob.read <= len(blob.data) + 16


def test_nothing_waits_where_the_order_is_that_of_the_layer():
    files = contents(20, 200_000)
    layers, waiting = Layers((tar_of(files), "gzip")), Parking(0)
    with layers.ordered(parking=waiting) as ordered:
        for row, data in enumerate(files):
            assert all_of(ordered.open(0, row)) == data
    assert waiting.written == 0


def test_nothing_is_read_behind_the_last_file_that_is_wanted():
    files = [bytes([i]) * 3_000_000 for i in range(8)]
    mask = bytes([1, 0, 1, 1, 0, 0, 0, 0])
    layers = Layers((tar_of([random.Random(i).randbytes(3_000_000) for i in range(8)]), "gzip"))
    waiting = Parking(0)
    with layers.ordered(lambda _: mask, parking=waiting) as ordered:
        for row in (2, 0, 3):
            assert len(all_of(ordered.open(0, row))) == len(files[row])
    (blob,) = layers.blobs
    assert blob.opened == 1
    assert 4 * 3_000_000 <= blob.read <= 4 * 3_000_000 + 3 * MIB  # what is read ahead
    assert waiting.written == 3_000_000  # row 0 alone: 1 is not wanted, 3 comes behind


def test_a_layer_that_is_not_compressed_is_read_where_its_files_lie():
    files = contents(40, 100_000)
    order = random.Random(3).sample(range(40), 40)
    layers, waiting = Layers((tar_of(files), "none")), Parking()
    with layers.ordered(parking=waiting) as ordered:
        for row in order:
            assert all_of(ordered.open(0, row)) == files[row]
    (blob,) = layers.blobs
    assert blob.read <= sum(map(len, files)) + 10 * blob.opened
    falls = sum(later < before for before, later in pairwise(order))
    assert blob.opened == falls + 1
    assert waiting.written == 0


@pytest.mark.parametrize("most_open", [1, 2, 3])
def test_so_many_layers_are_open_and_one_more_drains_the_one_used_longest_ago(most_open):
    count = 7
    all_files = [contents(12, 5_000, seed) for seed in range(count)]
    kinds = ["gzip", "zstd", "none", "bzip2", "gzip", "xz", "zstd-frames"]
    layers = Layers(*((tar_of(files), how) for files, how in zip(all_files, kinds, strict=True)))
    demands = [(i, row) for i in range(count) for row in range(12)]
    random.Random(5).shuffle(demands)
    with layers.ordered(most_open=most_open) as ordered:
        for i, row in demands:
            assert all_of(ordered.open(i, row)) == all_files[i][row]
            assert len(ordered._open) <= most_open
    for blob, how in zip(layers.blobs, kinds, strict=True):
        if how not in ("none", "xz"):
            assert blob.opened == 1, how


def test_the_one_used_last_stays_open(nothing_in_memory):
    files = contents(4, 5_000)
    layers = Layers(*[(tar_of(files), "gzip")] * 3)
    with layers.ordered(most_open=2, parking=nothing_in_memory) as ordered:
        for i, row in ((0, 0), (1, 0), (0, 1), (2, 0)):
            assert all_of(ordered.open(i, row)) == files[row]
        assert list(ordered._open) == [0, 2]
        assert nothing_in_memory.written == sum(map(len, files[1:]))  # of layer 1


# Sparse files


def sparse_tar(size: int, regions: list[tuple[int, int]], data: bytes) -> bytes:
    return gnu_sparse(b"sparse", regions, data, size)


@pytest.mark.parametrize("in_memory", [0, 4 * MIB])
def test_of_a_sparse_file_only_data_and_map_wait(in_memory):
    regions = [(1 << 40, 600), (1 << 50, 5)]
    data = random.Random(1).randbytes(605)
    tar = (
        TarBuilder()
        .raw(sparse_tar(1 << 62, regions, data))
        .raw(sparse_tar(1 << 61, [], b""))
        .file("last", b"x")
        .build()
    )
    layers, waiting = Layers((tar, "gzip")), Parking(in_memory)
    with layers.ordered(parking=waiting) as ordered:
        assert all_of(ordered.open(0, 2)) == b"x"
        content = ordered.open(0, 0)
        assert (content.size, content.regions, content.sparse) == (1 << 62, tuple(regions), True)
        assert all_of(content) == data
        empty = ordered.open(0, 1)
        assert (empty.size, empty.regions, all_of(empty)) == (1 << 61, (), b"")
    assert waiting.written == 8 + 4 * 8 + 605 + 8
    assert layers.blobs[0].opened == 1


def test_a_sparse_file_without_holes_is_an_ordinary_one(nothing_in_memory):
    data = random.Random(1).randbytes(700)
    tar = TarBuilder().raw(sparse_tar(700, [(0, 512), (512, 188)], data)).file("z", b"z").build()
    layers = Layers((tar, "gzip"))
    with layers.ordered(parking=nothing_in_memory) as ordered:
        assert all_of(ordered.open(0, 1)) == b"z"
        content = ordered.open(0, 0)
        assert not content.sparse
        assert all_of(content) == data
    assert nothing_in_memory.written == 700


# Windows


def windowed(data: bytes, log: int) -> bytes:
    """A zstd frame that asks for a window of ``1 << log`` bytes."""
    told = zstandard.ZstdCompressionParameters(window_log=log)
    packer = zstandard.ZstdCompressor(compression_params=told).compressobj()
    return packer.compress(data) + packer.flush()


def window_layers(frames: int) -> tuple[Layers, list[bytes]]:
    """A layer whose window is 8 MiB at first and 64 MiB in its last frame; and its files."""
    files = [random.Random(i).randbytes(3 * MIB + 100) for i in range(6)]
    tar = tar_of(files)
    layers = Layers((tar, "none"))
    cut = len(tar) // 2 if frames == 2 else 0
    head = windowed(tar[:cut], 23) if cut else b""
    layers.blobs[0].data = head + windowed(tar[cut:], 26)
    return layers, files


@pytest.mark.parametrize("order", [range(6), range(5, -1, -1), (0, 4, 2, 1, 5, 3), (2, 1, 0)])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_large_window_is_read_by_itself_in_one_pass(frames, order):
    layers, files = window_layers(frames)
    seen: list[int] = []
    layers.files[0].tar = _noting(layers.files[0].tar, seen)  # type: ignore[method-assign]
    with layers.ordered() as ordered:
        for row in order:
            assert all_of(ordered.open(0, row)) == files[row]
        assert not ordered._open
    # Once within the modest limit, as far as that went, and once by itself.
    assert seen == [8 * MIB, 128 * MIB]


def _noting(tar: Callable[..., object], seen: list[int]) -> Callable[..., object]:
    def noting(limits: Limits | None = None) -> object:
        seen.append((limits or DEFAULT_LIMITS).zstd_window)
        return tar(limits)

    return noting


def test_a_window_that_grows_while_other_layers_are_drained():
    layers, files = window_layers(2)
    small = Layers((tar_of([b"a", b"b"]), "gzip"))
    layers.files += small.files
    with layers.ordered(most_open=1) as ordered:
        assert all_of(ordered.open(0, 0)) == files[0]
        assert all_of(ordered.open(1, 0)) == b"a"  # drains layer 0, across the second frame
        for row in range(1, 6):
            assert all_of(ordered.open(0, row)) == files[row]
        assert all_of(ordered.open(1, 1)) == b"b"
    assert layers.blobs[0].opened == 2


def test_a_window_over_the_limit_is_an_error():
    limits = Limits(zstd_window=32 * MIB)
    layers, _ = window_layers(1)
    layers.files[0] = LayerFiles(layers.files[0].table, layers.blobs[0].open, limits)
    with layers.ordered() as ordered, pytest.raises(LimitExceededError, match="zstd"):
        all_of(ordered.open(0, 0))


# Where it goes wrong


@pytest.mark.parametrize("row", [0, 3])
def test_a_stream_that_is_damaged(row):
    files = [random.Random(i).randbytes(400_000) for i in range(4)]
    layers = Layers((tar_of(files), "gzip"))
    data = layers.blobs[0].data
    layers.blobs[0].data = data[: len(data) // 3]
    with layers.ordered() as ordered, pytest.raises(CorruptStreamError):
        all_of(ordered.open(0, row))
        all_of(ordered.open(0, 2))


def test_a_full_disk_is_one_line(monkeypatch, nothing_in_memory):
    class Full:
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(parking.tempfile, "TemporaryFile", lambda **_: Full())
    layers = Layers((tar_of([bytes(3 * MIB), b"x"]), "gzip"))
    ordered = layers.ordered(parking=nothing_in_memory)
    with ordered, pytest.raises(ArchiveError) as caught:
        ordered.open(0, 1)
    assert str(caught.value) == (
        f"the temporary file in {tempfile.gettempdir()}: No space left on device:"
        " TMPDIR names another folder"
    )


def test_memory_is_given_back_when_a_small_file_was_taken():
    """Twice as many files as have room at a time: the second half finds the room of the first."""
    waiting = Parking(10 * (1_000 + 256))
    files = [bytes([i]) * 1_000 for i in range(20)]

    def one(data: bytes) -> FileContent:
        return FileContent(BytesSource(data), len(data), ((0, len(data)),))

    for half in (files[:10], files[10:]):
        places = [waiting.put(one(data)) for data in half]
        assert waiting.written == 0
        for place, data in zip(places, half, strict=True):
            assert all_of(waiting.open(place, 1_000)) == data
    for data in files:
        waiting.put(one(data))
    assert waiting.written == 10 * 1_000
    waiting.close()
