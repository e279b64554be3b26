"""What a document takes in memory is told before it is read, and bounds all of an archive."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from support.archives import open_archive, open_path
from support.images import ImageBuilder, oci_layout
from support.tars import TarBuilder

from oci_inspect.archive.documents import PER_LISTED
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.spec.document import parse_json
from oci_inspect.spec.weight import json_weight, value_weight

FILLINGS = {
    "objects": b"{}",
    "arrays": b"[]",
    "objects of one": b'{"a":{}}',
    "objects of two": b'{"a":1,"b":[]}',
    "numbers": b"1e9",
    "large numbers": b"-9000000000000000000",
    "nothing": b"null",
    "strings": b'"\\u4e00"',
    "wide strings": '"😀😀😀"'.encode(),
    "long strings": b'"' + b"x" * 5000 + b'"',
    "long wide strings": b'"' + b"x" * 5000 + b'\\u4e00"',
}


@pytest.mark.parametrize("one", FILLINGS.values(), ids=FILLINGS)
def test_document_and_its_value_take_no_more_than_their_weight(one: bytes) -> None:
    data = b"[" + (one + b",") * (200_000 // len(one)) + b"0]"
    tracemalloc.start()
    try:
        value, problems = parse_json(data)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert value is not None and problems == []
    assert kept + len(data) <= 1.25 * json_weight(data)


def test_keys_that_are_all_different_are_within_the_weight() -> None:
    data = b"{%s}" % b",".join(b'"key number %d":[]' % i for i in range(20_000))
    tracemalloc.start()
    try:
        value, _ = parse_json(data)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(value) == 20_000
    assert kept + len(data) <= 1.25 * json_weight(data)


@pytest.mark.parametrize("one", FILLINGS.values(), ids=FILLINGS)
def test_value_is_weighed_as_what_it_takes(one: bytes) -> None:
    data = b"[" + (one + b",") * (200_000 // len(one)) + b"0]"
    tracemalloc.start()
    try:
        value, _ = parse_json(data)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.8 * kept <= value_weight(value)
    assert value_weight(value) + len(data) <= 1.25 * json_weight(data)


def test_many_manifests_of_many_layers_are_bounded(tmp_path: Path) -> None:
    """What is made of a layer is more than its text: ``{}`` in a list is two bytes."""
    images = []
    for number in range(5):
        image = ImageBuilder(f"a:{number}").layer(TarBuilder().file("a", b"%d" % number))
        image.patch_manifest(lambda one: one["layers"].extend([{}] * 1_000))
        images.append(image)
    archive = oci_layout(*images)
    opened = open_archive(archive, tmp_path, limits=Limits(json_memory=2_000_000))
    told = [one for one in opened.findings if one.rule == "limit-exceeded"]
    assert len(opened.images) == 3 and len(told) == 2
    assert all("over the limit of 2,000,000 for json memory" in one.message for one in told)
    assert len(open_archive(archive, tmp_path, limits=Limits(json_memory=4_000_000)).images) == 5


def test_documents_of_an_archive_are_bounded_together(tmp_path: Path) -> None:
    """Four configs that weigh 64,000 each before they are read, and 36,000 thereafter.

    Where 165,000 are given the fourth is not read.
    """
    images = []
    for number in range(4):
        image = ImageBuilder(f"a:{number}").layer(TarBuilder().file("a", b"%d" % number))
        images.append(image.patch_config(lambda one: one.update(x=[{}] * 500)))
    archive = oci_layout(*images)
    fits = open_archive(archive, tmp_path, limits=Limits(json_memory=10**6))
    assert fits.errors == set()
    bounded = open_archive(archive, tmp_path, limits=Limits(json_memory=165_000))
    assert [image.config is not None for image in bounded.images] == [True, True, True, False]
    (told,) = (one for one in bounded.findings if one.rule == "limit-exceeded")
    assert "165,000" in told.message and "--limit json_memory=N" in told.message
    assert told.subject == images[3].image_id


def test_a_thousand_real_images_weigh_a_part_of_what_is_given() -> None:
    """Of the config and the manifest of the largest image among the fixtures."""
    folder = Path(__file__).parent.parent.parent / "fixtures" / "real"
    largest = 0
    for path in folder.glob("docker26-*app.tar"):
        for image in open_path(path).images:
            documents = (image.config_data or b"0", image.manifest_data or b"0")
            weights = (len(one) + value_weight(parse_json(one)[0]) for one in documents)
            largest = max(largest, sum(weights) + PER_LISTED * len(image.layers))
    assert 0 < 1000 * largest < DEFAULT_LIMITS.json_memory
