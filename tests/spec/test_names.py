"""Media types, platforms and references: media-types.md, image-index.md, distribution's grammar."""

import pytest

from oci_inspect.spec import media_types as types
from oci_inspect.spec.platform import Platform, parse_platform
from oci_inspect.spec.reference import familiar, is_ref_name, is_reference

OCI = "application/vnd.oci.image.layer."
DOCKER = "application/vnd.docker.image.rootfs."


@pytest.mark.parametrize(
    ("media_type", "promised", "foreign"),
    [
        (OCI + "v1.tar", "none", False),
        (OCI + "v1.tar+gzip", "gzip", False),
        (OCI + "v1.tar+zstd", "zstd", False),
        (OCI + "nondistributable.v1.tar", "none", True),
        (OCI + "nondistributable.v1.tar+gzip", "gzip", True),
        (OCI + "nondistributable.v1.tar+zstd", "zstd", True),
        (DOCKER + "diff.tar", "none", False),
        (DOCKER + "diff.tar.gzip", "gzip", False),
        (DOCKER + "diff.tar.zstd", "zstd", False),
        (DOCKER + "foreign.diff.tar.gzip", "gzip", True),
    ],
)
def test_layer_types_promise_a_compression(media_type: str, promised: str, foreign: bool) -> None:
    assert types.is_layer(media_type)
    assert types.promised_compression(media_type) == promised
    assert types.is_foreign(media_type) is foreign
    assert not types.is_encrypted(media_type)
    for found in ("none", "gzip", "zstd"):
        assert types.compression_agrees(media_type, found) is (found == promised)


@pytest.mark.parametrize("base", ["v1.tar", "v1.tar+gzip", "v1.tar+zstd"])
def test_encrypted_layer_is_a_layer_that_promises_nothing(base: str) -> None:
    media_type = OCI + base + "+encrypted"
    assert types.is_layer(media_type)
    assert types.is_encrypted(media_type)
    assert types.promised_compression(media_type) is None


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/html",
        "application/json",
        types.OCI_EMPTY,
        types.OCI_CONFIG,
        types.OCI_MANIFEST,
        types.BUILDKIT_CACHE,
        "application/vnd.in-toto+json",
        OCI + "v1.tar+bzip2",
        OCI + "v1.TAR",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        OCI + "v1.tar ",
        "+encrypted",
    ],
)
def test_other_types_are_no_layers_and_promise_nothing(media_type: str) -> None:
    assert not types.is_layer(media_type)
    assert types.promised_compression(media_type) is None
    assert types.compression_agrees(media_type, "gzip")


def test_manifests_and_indexes_are_of_two_families() -> None:
    for name in ("index", "manifest", "config"):
        assert f"application/vnd.oci.image.{name}.v1+json" in (
            types.INDEXES | types.MANIFESTS | types.CONFIGS
        )
    assert len(types.INDEXES) == len(types.MANIFESTS) == len(types.CONFIGS) == 2
    assert not types.INDEXES & types.MANIFESTS


# Platforms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("Linux/AMD64", Platform("linux", "amd64")),
        (" linux/s390x\n", Platform("linux", "s390x")),
        ("linux/x86_64", Platform("linux", "amd64")),
        ("linux/aarch64", Platform("linux", "arm64")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("linux/armel", Platform("linux", "arm", "v6")),
        ("linux/i386", Platform("linux", "386")),
        ("windows/amd64", Platform("windows", "amd64")),
    ],
)
def test_platform_is_os_architecture_and_maybe_variant(text: str, expected: Platform) -> None:
    assert parse_platform(text) == expected


@pytest.mark.parametrize("text", ["", "linux", "/", "linux/", "/amd64", "linux//v7", "a/b/c/d"])
def test_what_is_no_platform_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="os/arch"):
        parse_platform(text)


@pytest.mark.parametrize(
    ("have", "wanted", "expected"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "windows/amd64", False),
        ("linux/amd64", "linux/arm64", False),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/arm", "linux/arm/v7", False),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64/v9", "linux/arm64/v8", False),
    ],
)
def test_variant_that_is_not_asked_for_may_be_any(have: str, wanted: str, expected: bool) -> None:
    assert parse_platform(have).matches(parse_platform(wanted)) is expected


def test_platform_is_shown_as_it_is_written() -> None:
    assert str(Platform("linux", "arm", "v7")) == "linux/arm/v7"
    assert str(Platform("", "")) == "unknown/unknown"
    assert Platform("unknown", "unknown").unknown
    assert not Platform("linux", "unknown").unknown


# References

HEX = "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "alpine",
        "alpine:3.19",
        "library/alpine",
        "docker.io/library/alpine:latest",
        "localhost:5000/a/b/c:tag",
        "registry.example.com:443/x",
        "[2001:db8::1]:5000/x",
        "a.b_c__d-e---f/g:T_a.g-1",
        "x@sha256:" + HEX,
        "x:1@sha256:" + HEX,
        "x:" + "t" * 128,
        "x:_under",
        "1/2:3",
    ],
)
def test_references_of_the_grammar_are_taken(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":tag",
        "@sha256:" + HEX,
        "x:",
        "x@",
        "x:-tag",
        "x:.tag",
        "x:" + "t" * 129,
        "x:a:b",
        "UPPER",
        "a/UPPER",
        "a//b",
        "/a",
        "a/",
        "a..b",
        "a___b",
        "-a",
        "a-",
        "_a",
        "a b",
        "a\n",
        "a:b\n",
        "https://x/y",
        "é",
        "x:é",
        "a" * 600,
        "<none>:<none>",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "latest",
        "v1.2.3-rc1",
        "a/b/c",
        "stable-release",
        "a--b",
        "user@host:x+y",
        "v1_2",
        "docker.io/library/alpine:3",
        "registry:5000/x:1",
        "UPPER",
    ],
)
def test_ref_names_of_the_grammar_are_taken(text: str) -> None:
    """annotations.md: components of alphanumerics, apart by - . _ : @ + or two dashes."""
    assert is_ref_name(text)


@pytest.mark.parametrize(
    "text", ["", "/", "a//b", "/a", "a/", "-a/b", "a+", "a b", "é", "a\n", "a/!"]
)
def test_what_is_no_ref_name_is_refused(text: str) -> None:
    assert not is_ref_name(text)


def test_hostile_names_are_judged_in_a_moment() -> None:
    """No expression of the grammar may go back over its steps again and again."""
    for text in ("a" * 511 + "!", "a-" * 255 + "!", "a." * 255 + "!", "a/" * 255 + "!", "-" * 512):
        assert not is_reference(text)
        assert not is_ref_name(text)


@pytest.mark.parametrize(
    ("reference", "short"),
    [
        ("docker.io/library/alpine:3", "alpine:3"),
        ("docker.io/user/app:1", "user/app:1"),
        ("quay.io/library/x", "quay.io/library/x"),
        ("library/alpine", "library/alpine"),
        ("alpine", "alpine"),
    ],
)
def test_references_are_shown_as_docker_shows_them(reference: str, short: str) -> None:
    assert familiar(reference) == short
