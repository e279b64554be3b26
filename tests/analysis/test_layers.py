"""Each layer's own figures: digests, chain IDs, entries, files, bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.tars import END, TarBuilder

from oci_inspect import ImageAnalysis, analyze
from oci_inspect.spec.digest import chain_ids


def image_of(image: ImageBuilder, folder: Path, drop: int | None = None) -> ImageAnalysis:
    archive = oci_layout(image)
    if drop is not None:
        archive.drop(blob_name(image.layers[drop].blob))
    (found,) = analyze(archive.write_file(folder / "image.tar")).images
    return found


def sha(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def four() -> ImageBuilder:
    """A layer each of gzip, zstd and none, and the first one again."""
    first = TarBuilder().file("a", b"one")
    return (
        ImageBuilder("a:1")
        .layer(first, compression="gzip")
        .layer(TarBuilder().file("b", bytes(5000)), compression="zstd")
        .layer(TarBuilder().file("c", b"three"))
        .layer(first, compression="gzip")
    )


def test_chain_ids_of_three_layers_by_hand() -> None:
    """image-spec, config.md: ChainID(A|B|C) = Digest(Digest(A + " " + B) + " " + C)."""
    a, b, c = sha("a"), sha("b"), sha("c")
    ab = sha(f"{a} {b}")
    assert chain_ids([a, b, c]) == [a, ab, sha(f"{ab} {c}")]
    assert chain_ids([a]) == [a]
    assert chain_ids([]) == []


def test_chain_ids_of_an_image_stand_on_all_layers_below(tmp_path: Path) -> None:
    image = four()
    found = image_of(image, tmp_path)
    chain = [image.layers[0].diff_id]
    for layer in image.layers[1:]:
        chain.append(sha(f"{chain[-1]} {layer.diff_id}"))
    assert [layer.chain_id for layer in found.layers] == chain
    assert chain[0] != chain[3]  # the same layer, higher up


@pytest.mark.parametrize(("gone", "known"), [(0, 0), (1, 1), (2, 2)])
def test_above_a_layer_that_is_missing_nothing_has_a_chain_id(
    gone: int, known: int, tmp_path: Path
) -> None:
    image = ImageBuilder("a:1")
    for name in "abc":
        image.layer(TarBuilder().file(name, name.encode()))
    found = image_of(image, tmp_path, drop=gone)
    assert [layer.chain_id is not None for layer in found.layers] == [i < known for i in range(3)]
    missing = found.layers[gone]
    assert missing.digest == image.layers[gone].digest  # as claimed
    assert missing.diff_id is None and missing.compression is None
    assert missing.size == len(image.layers[gone].blob)  # as claimed
    assert missing.uncompressed_size is None
    assert (missing.entries, missing.files, missing.file_bytes) == (0, 0, 0)


def test_digests_and_sizes_are_of_the_blob_and_of_the_tar(tmp_path: Path) -> None:
    image = four()
    found = image_of(image, tmp_path)
    assert [layer.index for layer in found.layers] == [0, 1, 2, 3]
    assert [layer.digest for layer in found.layers] == [one.digest for one in image.layers]
    assert [layer.diff_id for layer in found.layers] == [one.diff_id for one in image.layers]
    assert [layer.size for layer in found.layers] == [len(one.blob) for one in image.layers]
    assert [layer.uncompressed_size for layer in found.layers] == [
        len(one.tar) for one in image.layers
    ]
    assert [layer.compression for layer in found.layers] == ["gzip", "zstd", "none", "gzip"]
    assert [layer.media_type for layer in found.layers] == [one.media_type for one in image.layers]
    assert found.totals.size == sum(len(one.blob) for one in image.layers)
    assert found.totals.uncompressed_size == sum(len(one.tar) for one in image.layers)


def test_diff_id_and_digest_are_computed_and_not_copied(tmp_path: Path) -> None:
    image = four()
    zeros = "sha256:" + "0" * 64
    image.patch_config(lambda config: config["rootfs"]["diff_ids"].__setitem__(2, zeros))
    found = image_of(image, tmp_path)
    assert found.layers[2].diff_id == image.layers[2].diff_id
    archive = oci_layout(image).flip_bit(blob_name(image.layers[2].blob), 512)
    (damaged,) = analyze(archive.write_file(tmp_path / "damaged.tar")).images
    changed = archive[blob_name(image.layers[2].blob)]
    assert damaged.layers[2].digest == "sha256:" + hashlib.sha256(changed).hexdigest()


def test_entries_files_and_bytes_of_a_layer(tmp_path: Path) -> None:
    """Entries are the tar's, files are names of regular files, bytes count an inode once."""
    base = TarBuilder().dir("d").file("d/a", b"12345").hardlink("d/b", "d/a").symlink("s", "d/a")
    above = TarBuilder().whiteout("s").file("x", b"1").file("x", b"22").fifo("p").dir("e")
    image = ImageBuilder("a:1").layer(base).layer(above).layer(END)
    found = image_of(image, tmp_path)
    assert [layer.entries for layer in found.layers] == [4, 5, 0]
    assert [layer.files for layer in found.layers] == [2, 2, 0]
    assert [layer.file_bytes for layer in found.layers] == [5, 3, 0]
    assert [layer.wasted_bytes for layer in found.layers] == [0, 1, 0]
    assert found.totals.files == 3  # d/a, d/b, x


def test_waste_is_counted_with_the_layer_that_holds_it(tmp_path: Path) -> None:
    image = (
        ImageBuilder("a:1")
        .layer(TarBuilder().file("a", bytes(100)).file("b", bytes(20)))
        .layer(TarBuilder().file("a", bytes(3)))
        .layer(TarBuilder().whiteout("a").whiteout("b"))
    )
    found = image_of(image, tmp_path)
    assert [layer.wasted_bytes for layer in found.layers] == [120, 3, 0]
    assert sum(layer.wasted_bytes for layer in found.layers) == found.totals.wasted_bytes


def test_a_layer_of_a_docker_archive_has_no_media_type(tmp_path: Path) -> None:
    image = ImageBuilder("a:1").layer(TarBuilder().file("a"))
    (found,) = analyze(docker_archive(image).write_file(tmp_path / "image.tar")).images
    assert [layer.media_type for layer in found.layers] == [""]
