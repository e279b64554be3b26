"""How many bytes a layer is when it travels: as stored where that is compressed, else an estimate.

Registries keep layers compressed and ``docker save`` mostly writes them plain. What a plain layer
would take is estimated from pieces of it, spread evenly over its length, that are compressed as
docker does when it pushes: gzip at its default level (moby, ``distribution/push_v2.go``).
"""

from __future__ import annotations

import zlib
from collections.abc import Container

from oci_inspect.archive.contents import CompressedSize, Image, LayerRef
from oci_inspect.archive.store import Store
from oci_inspect.errors import ArchiveError
from oci_inspect.layer.scan import LayerScan
from oci_inspect.limits import KIB
from oci_inspect.looking import open_member
from oci_inspect.stream.compression import MAGIC_BYTES, detect
from oci_inspect.stream.source import SkippingSource, read_exactly

PIECES = 64
PIECE = 64 * KIB
_LEVEL = 6


def compressed_sizes(
    store: Store[LayerScan], image: Image, layers: Container[int] | None = None
) -> tuple[CompressedSize | None, ...]:
    """The size of each layer of an image on its way; None where nothing tells.

    ``layers`` are those that are asked for, None for all; the others are None as well. Large layers
    of a stream passed by: but for a compression of the whole nothing tells of them. Raises
    :class:`ArchiveError`.
    """
    known: dict[str, CompressedSize | None] = {}
    found: list[CompressedSize | None] = []
    for i, layer in enumerate(image.layers):
        if layers is not None and i not in layers:
            found.append(None)
        elif layer.member is None:
            found.append(_claimed(layer))
        else:
            if layer.member not in known:
                known[layer.member] = _size(store, layer.member)
            found.append(known[layer.member])
    return tuple(found)


def _claimed(layer: LayerRef) -> CompressedSize | None:
    """What the descriptor says of a layer that is not here."""
    compressed = layer.media_type.endswith(("gzip", "zstd"))
    return CompressedSize(layer.size, False) if compressed and layer.size is not None else None


def _size(store: Store[LayerScan], name: str) -> CompressedSize | None:
    member = store.find(name)
    assert member is not None
    source = store.open(member)
    if source is None:  # it passed by in the stream
        passed = store.visited.get(name)
        if passed is not None and passed.compression != "none":
            return CompressedSize(passed.size, False)
        return _by_the_whole(store, member.size)
    try:
        if detect(read_exactly(source, MAGIC_BYTES)) != "none":
            return CompressedSize(member.size, False)
        return CompressedSize(sampled(open_member(store, name), member.size), True)
    except OSError as error:
        raise ArchiveError(store.path, f"{name}: {error.strerror or error}") from error


def _by_the_whole(store: Store[LayerScan], size: int) -> CompressedSize | None:
    """As much as the archive shrank when it was compressed."""
    if store.compression is None or not store.size:
        return None
    whole = sum(member.size for _, member in store.members.files())
    return CompressedSize(round(size * min(1.0, store.size / whole)), True) if whole else None


def sampled(source: SkippingSource, size: int) -> int:
    """The bytes that ``size`` bytes of a source would take compressed, judged by pieces of them."""
    if size <= PIECES * PIECE:
        steps = [(0, size)]
    else:
        gap = (size - PIECES * PIECE) // (PIECES - 1)
        steps = [(gap if i else 0, PIECE) for i in range(PIECES)]
    packer = zlib.compressobj(_LEVEL, wbits=31)
    read = packed = 0
    for skipped, wanted in steps:
        source.skip(skipped)
        data = read_exactly(source, wanted)
        read += len(data)
        packed += len(packer.compress(data))
    packed += len(packer.flush())
    return packed if read >= size else round(packed * size / read) if read else 0
