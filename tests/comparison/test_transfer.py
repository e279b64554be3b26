"""What a push and a pull move: stacks worked out by hand from what registries and engines know."""

from __future__ import annotations

from collections.abc import Sequence

from support.results import layer

from oci_inspect.analysis.results import LayerResult
from oci_inspect.archive.contents import CompressedSize
from oci_inspect.comparison.results import Transfer
from oci_inspect.comparison.transfer import pull, push

Sizes = Sequence[CompressedSize | None]


def plain(tar: str) -> LayerResult:
    return layer(tar)


def packed(tar: str, compression: str = "gzip", level: int = 0) -> LayerResult:
    return layer(tar, blob=f"{tar}.{compression}.{level}", compression=compression)


def sizes(*numbers: int, estimated: bool = False) -> Sizes:
    return [CompressedSize(number, estimated) for number in numbers]


def pushed(one: Sequence[LayerResult], other: Sequence[LayerResult]) -> tuple[int, ...]:
    return push(one, other, sizes(*([1] * len(other)))).layers


def test_image_moves_nothing_to_where_it_is() -> None:
    for stack in ([plain("a"), plain("b")], [packed("a"), packed("b")], [plain("a"), packed("b")]):
        assert push(stack, stack, sizes(1, 1)) == Transfer((), 0, 0, 0)
        assert pull(stack, stack, sizes(1, 1)) == Transfer((), 0, 0, 0)


def test_blobs_are_known_by_their_digest() -> None:
    one = [packed("a"), packed("b"), packed("c")]
    other = [packed("a"), packed("x"), packed("c"), packed("b", "zstd")]
    assert push(one, other, sizes(1, 20, 300, 4000)) == Transfer((1, 3), 4020, 0, 0)


def test_same_tar_compressed_otherwise_moves() -> None:
    assert pushed([packed("a")], [packed("a", level=9)]) == (0,)
    assert pushed([packed("a")], [packed("a", "zstd")]) == (0,)


def test_plain_layer_is_taken_for_the_same_blob_where_the_tar_is_the_same() -> None:
    """Nobody knows which digest docker gives it when it pushes; it has compressed it before."""
    assert pushed([plain("a")], [plain("a")]) == ()
    assert pushed([plain("a")], [packed("a")]) == ()
    assert pushed([packed("a")], [plain("a")]) == ()
    assert pushed([plain("a")], [plain("b")]) == (0,)
    assert pushed([packed("b"), plain("c")], [plain("a"), packed("d")]) == (0, 1)


def test_blob_that_stands_twice_in_a_stack_moves_once() -> None:
    other = [packed("e"), packed("x"), packed("e"), packed("e", level=9)]
    assert push([], other, sizes(32, 1000, 32, 40)) == Transfer((0, 1, 3), 1072, 0, 0)
    assert pull([], other, sizes(32, 1000, 32, 40)) == Transfer((0, 1, 3), 1072, 0, 0)
    assert pull(other[:1], other, sizes(32, 1000, 32, 40)) == Transfer((1, 2, 3), 1072, 0, 0)


def test_host_fetches_all_from_the_first_layer_that_differs() -> None:
    one = [packed("a"), packed("b"), packed("c")]
    other = [packed("a"), packed("x"), packed("b"), packed("c")]
    weights = sizes(1, 20, 300, 4000)
    assert pull(one, other, weights) == Transfer((1, 2, 3), 4320, 0, 0)
    assert push(one, other, weights) == Transfer((1,), 20, 0, 0)


def test_host_does_not_fetch_what_it_has_in_another_compression() -> None:
    one, other = [packed("a"), plain("b")], [packed("a", "zstd"), packed("b")]
    assert pull(one, other, sizes(1, 1)) == Transfer((), 0, 0, 0)


def test_estimates_and_what_is_unknown_are_counted() -> None:
    other = [plain("a"), packed("b"), layer(None, blob="c"), plain("d")]
    weights = [
        CompressedSize(10, True),
        CompressedSize(200, False),
        None,
        CompressedSize(3000, True),
    ]
    assert push([], other, weights) == Transfer((0, 1, 2, 3), 3210, 2, 1)
    assert push([plain("a")], other, weights) == Transfer((1, 2, 3), 3200, 1, 1)
    assert pull(other[:3], other, weights) == Transfer((3,), 3000, 1, 0)


def test_missing_layers_are_known_by_what_is_claimed_of_them() -> None:
    gone = layer(None, blob="a.gzip.0")
    assert pushed([packed("a")], [gone]) == ()
    assert pushed([gone], [packed("a")]) == ()
    assert pushed([layer(None, blob="other")], [packed("a")]) == (0,)


def test_sizes_that_are_not_there_are_unknown() -> None:
    assert push([], [plain("a"), plain("b")], sizes(5)) == Transfer((0, 1), 5, 0, 1)
