"""What a document takes in memory is told before it is read, and bounds all of an archive."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from support.archives import open_archive, open_path
from support.images import ImageBuilder, oci_layout
from support.tars import TarBuilder

from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.spec.document import parse_json
from oci_inspect.spec.weight import json_weight

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


def test_documents_of_an_archive_are_bounded_together(tmp_path: Path) -> None:
    """Four configs that weigh 64,000 each, where 240,000 are given: the fourth is not read."""
    images = []
    for number in range(4):
        image = ImageBuilder(f"a:{number}").layer(TarBuilder().file("a", b"%d" % number))
        images.append(image.patch_config(lambda one: one.update(x=[{}] * 500)))
    archive = oci_layout(*images)
    fits = open_archive(archive, tmp_path, limits=Limits(json_memory=10**6))
    assert fits.errors == set()
    bounded = open_archive(archive, tmp_path, limits=Limits(json_memory=240_000))
    assert [image.config is not None for image in bounded.images] == [True, True, True, False]
    (told,) = (one for one in bounded.findings if one.rule == "limit-exceeded")
    assert "240,000" in told.message and "--limit json_memory=N" in told.message
    assert told.subject == images[3].image_id


def test_a_thousand_real_images_weigh_a_part_of_what_is_given() -> None:
    """Of the config and the manifest of the largest image among the fixtures."""
    folder = Path(__file__).parent.parent.parent / "fixtures" / "real"
    largest = 0
    for path in folder.glob("docker26-*app.tar"):
        for image in open_path(path).images:
            weights = map(json_weight, (image.config_data or b"", image.manifest_data or b""))
            largest = max(largest, sum(weights))
    assert 0 < 1000 * largest < DEFAULT_LIMITS.json_memory
