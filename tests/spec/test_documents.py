"""Manifests, indexes, descriptors: image-spec v1.1, manifest.md, image-index.md, descriptor.md."""

import base64
import hashlib
from typing import Any

import pytest

from oci_inspect.spec import media_types as types
from oci_inspect.spec.descriptor import Descriptor, parse_descriptor
from oci_inspect.spec.document import Fields, Problem
from oci_inspect.spec.manifest import looks_like_index, parse_index, parse_manifest
from oci_inspect.spec.platform import Platform

DIGEST = "sha256:" + hashlib.sha256(b"content").hexdigest()
BLOB = {"mediaType": types.OCI_LAYER, "digest": DIGEST, "size": 7}
WRONG = [1, 1.5, True, "text", [], {}, [1], {"a": 1}]


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(one.rule, one.where) for one in problems]


def descriptor(**fields: Any) -> tuple[Descriptor, list[tuple[str, str]]]:
    problems: list[Problem] = []
    found = parse_descriptor({**BLOB, **fields}, "layers[2]", problems)
    assert all(one.message.startswith("layers[2]") for one in problems)
    return found, told(problems)


def test_descriptor_with_every_field_is_read() -> None:
    found, problems = descriptor(
        artifactType="application/x",
        annotations={"a": "b"},
        urls=["https://example.com/x"],
        data=base64.b64encode(b"content").decode(),
        platform={"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1"},
        unknown={"kept": "by nobody"},
    )
    assert problems == []
    assert (found.media_type, str(found.digest), found.size) == (types.OCI_LAYER, DIGEST, 7)
    assert (found.artifact_type, found.annotations) == ("application/x", {"a": "b"})
    assert (found.urls, found.data) == (("https://example.com/x",), b"content")
    assert found.platform == Platform("linux", "arm", "v7", "1")
    assert found.claimed_digest == DIGEST


def test_descriptor_of_three_fields_is_enough() -> None:
    found, problems = descriptor()
    assert problems == []
    assert (found.annotations, found.platform, found.urls, found.data) == ({}, None, (), None)


def test_null_is_a_field_that_is_not_there() -> None:
    found, problems = descriptor(annotations=None, platform=None, urls=None, data=None)
    assert problems == []
    assert (found.annotations, found.platform, found.urls) == ({}, None, ())


def test_type_and_size_of_a_descriptor_are_required() -> None:
    found, problems = descriptor(size=None, mediaType=None)
    assert (found.size, found.media_type) == (None, "")
    assert {rule for rule, _ in problems} == {"blob-size-mismatch", "media-type-mismatch"}


def test_keys_are_found_whatever_their_case_and_the_exact_one_first() -> None:
    """As Go's encoding/json does for engines."""
    problems: list[Problem] = []
    shouting = {key.upper(): value for key, value in BLOB.items()}
    assert parse_descriptor(shouting, "x", problems).size == 7
    assert descriptor(Size=9)[0].size == 7
    assert problems == []


@pytest.mark.parametrize("size", [-1, 1.0, 7.5, "7", True, [7], {}, 2**63, 2**64 - 1])
def test_size_that_is_no_whole_number_is_told(size: Any) -> None:
    found, problems = descriptor(size=size)
    assert found.size is None
    assert problems == [("json-invalid", "layers[2].size")]


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_size_may_be_any_of_63_bits(size: int) -> None:
    assert descriptor(size=size) == (descriptor(size=size)[0], [])
    assert descriptor(size=size)[0].size == size


@pytest.mark.parametrize("digest", ["", "sha256:abc", "sha256:../../x", DIGEST.upper(), "x"])
def test_digest_that_is_none_is_told_and_kept_as_text_only(digest: str) -> None:
    found, problems = descriptor(digest=digest)
    assert (found.digest, found.claimed_digest) == (None, digest)
    assert problems == [("digest-invalid", "layers[2].digest")]


def test_digest_that_is_missing_or_no_text_is_told() -> None:
    problems: list[Problem] = []
    assert parse_descriptor({"size": 1, "mediaType": "a/b"}, "config", problems).digest is None
    assert told(problems) == [("digest-invalid", "config.digest")]
    assert ("json-invalid", "layers[2].digest") in descriptor(digest=5)[1]


def test_digest_of_another_algorithm_is_told_and_kept() -> None:
    found, problems = descriptor(digest="blake3:" + "a" * 64)
    assert str(found.digest) == "blake3:" + "a" * 64
    assert problems == [("digest-unsupported", "layers[2].digest")]


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        (base64.b64encode(b"other!!").decode(), ["data-mismatch"]),
        ("not base64", ["data-mismatch"]),
        ("Y29udGVudA", ["data-mismatch"]),
        ("Y29u\ndGVudA==", ["data-mismatch"]),
        ("é", ["data-mismatch"]),
        ("", []),
    ],
)
def test_embedded_data_that_do_not_hash_to_the_digest_are_told_and_dropped(
    data: str, rules: list[str]
) -> None:
    found, problems = descriptor(data=data)
    assert found.data is None
    assert [rule for rule, _ in problems] == rules


def test_embedded_data_under_a_digest_that_cannot_be_computed_are_dropped() -> None:
    assert descriptor(digest="blake3:" + "a" * 64, data="Y29udGVudA==")[0].data is None


FIELD_TYPES = {
    "mediaType": str,
    "artifactType": str,
    "annotations": dict,
    "platform": dict,
    "urls": list,
    "data": str,
}


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("key", FIELD_TYPES)
def test_wrong_type_in_a_descriptor_is_a_problem_and_no_exception(key: str, value: Any) -> None:
    found, problems = descriptor(**{key: value})
    assert str(found.digest) == DIGEST
    if not isinstance(value, FIELD_TYPES[key]):
        assert problems == [("json-invalid", f"layers[2].{key}")]


@pytest.mark.parametrize("key", ["os", "architecture", "variant", "os.version"])
def test_wrong_type_in_a_platform_is_a_problem(key: str) -> None:
    found, problems = descriptor(platform={"os": "linux", "architecture": "amd64", key: 5})
    assert found.platform is not None
    assert problems == [("json-invalid", f"layers[2].platform.{key}")]


def test_values_of_annotations_that_are_no_text_are_left_out() -> None:
    found, problems = descriptor(annotations={"good": "x", "bad": 1})
    assert found.annotations == {"good": "x"}
    assert problems == [("json-invalid", "layers[2].annotations")]


# Manifests and indexes


def manifest(**fields: Any) -> dict[str, Any]:
    config = {"mediaType": types.OCI_CONFIG, "digest": DIGEST, "size": 7}
    return {"schemaVersion": 2, "config": config, "layers": [BLOB, BLOB], **fields}


def index(**fields: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "manifests": [{**BLOB, "mediaType": types.OCI_MANIFEST}], **fields}


def test_manifest_is_read_and_kept_whole() -> None:
    problems: list[Problem] = []
    value = manifest(
        mediaType=types.OCI_MANIFEST, subject=BLOB, annotations={"a": "b"}, unknown=[1]
    )
    found = parse_manifest(value, problems)
    assert problems == []
    assert found.media_type == types.OCI_MANIFEST
    assert found.config is not None
    assert found.config.media_type == types.OCI_CONFIG
    assert [str(one.digest) for one in found.layers] == [DIGEST, DIGEST]
    assert found.subject is not None
    assert found.annotations == {"a": "b"}
    assert found.raw["unknown"] == [1]


def test_index_is_read_and_kept_whole() -> None:
    problems: list[Problem] = []
    value = index(mediaType=types.OCI_INDEX, artifactType="x/y", subject=BLOB, unknown={"a": 1})
    found = parse_index(value, problems)
    assert problems == []
    assert (found.media_type, found.artifact_type) == (types.OCI_INDEX, "x/y")
    assert [one.media_type for one in found.manifests] == [types.OCI_MANIFEST]
    assert found.raw["unknown"] == {"a": 1}


def test_null_manifests_of_docker_25_are_an_empty_index() -> None:
    """moby issue 47210."""
    problems: list[Problem] = []
    assert parse_index({"schemaVersion": 2, "manifests": None}, problems).manifests == ()
    assert problems == []


@pytest.mark.parametrize("version", [1, 3, "2", True, None, [2], 2.5, {}])
def test_schema_version_other_than_2_is_told(version: Any) -> None:
    for parse, value in ((parse_manifest, manifest()), (parse_index, index())):
        problems: list[Problem] = []
        parse({**value, "schemaVersion": version}, problems)
        assert told(problems) == [("schema-version", "schemaVersion")]


def test_document_that_is_both_a_manifest_and_an_index_is_told() -> None:
    """CVE-2021-41190."""
    both = {**manifest(), **index()}
    for parse in (parse_manifest, parse_index):
        problems: list[Problem] = []
        parse(both, problems)
        assert told(problems) == [("manifest-ambiguous", "manifests")]
    for key in ("config", "layers"):
        problems = []
        parse_index(index(**{key: manifest()[key]}), problems)
        assert told(problems) == [("manifest-ambiguous", "manifests")]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("key", ["config", "layers", "subject", "annotations", "mediaType"])
def test_wrong_type_in_a_manifest_is_a_problem_and_no_exception(key: str, value: Any) -> None:
    problems: list[Problem] = []
    parse_manifest(manifest(**{key: value}), problems)
    fits = {"layers": list, "mediaType": str}.get(key, dict)
    if not isinstance(value, fits):
        assert told(problems) == [("json-invalid", key)]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_wrong_type_in_an_index_is_a_problem_and_no_exception(value: Any) -> None:
    problems: list[Problem] = []
    parse_index(index(manifests=value), problems)
    assert bool(problems) is (value != [])


def test_member_of_a_list_that_is_no_object_is_left_out_and_named() -> None:
    problems: list[Problem] = []
    found = parse_manifest(manifest(layers=[BLOB, None, "x", BLOB]), problems)
    assert len(found.layers) == 2
    assert told(problems) == [("json-invalid", "layers[1]"), ("json-invalid", "layers[2]")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (index(), True),
        (manifest(), False),
        ({**manifest(), **index()}, False),
        ({}, False),
        ({"Manifests": []}, True),
        ({"manifests": None}, False),
    ],
    ids=["index", "manifest", "both", "empty", "upper case", "null"],
)
def test_index_without_a_word_about_its_type_is_told_by_its_fields(
    value: dict[str, Any], expected: bool
) -> None:
    assert looks_like_index(value) is expected


def test_problems_carry_the_rule_that_was_asked_for() -> None:
    problems: list[Problem] = []
    fields = Fields({"a": 1, "b": "x", "c": ["y", 2]}, "top", problems, "config-invalid")
    assert fields.text("a") is None
    assert fields.boolean("b") is False
    assert fields.texts("c") == ("y",)
    assert told(problems) == [("config-invalid", f"top.{key}") for key in "abc"]
