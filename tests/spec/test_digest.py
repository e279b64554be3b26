"""Digests: image-spec, descriptor.md, Digests; config.md, Layer ChainID."""

import hashlib

import pytest

from oci_inspect.spec.digest import Digest, DigestError, chain_ids, compute_digest, parse_digest

HEX = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("text", "supported"),
    [
        ("sha256:" + HEX, True),
        ("sha384:" + "0" * 96, True),
        ("sha512:" + "f" * 128, True),
        ("blake3:" + "a" * 64, False),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", False),
        ("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", False),
        ("sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564", False),
        ("a.b_c-d:e=", False),
        ("1:A", False),
    ],
)
def test_digest_of_the_grammar_comes_back(text: str, supported: bool) -> None:
    digest = parse_digest(text)
    assert str(digest) == text
    assert digest == Digest(*text.split(":"))
    assert digest.supported is supported


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        ":" + HEX,
        HEX,
        "sha256:" + HEX[1:],
        "sha256:" + HEX + "0",
        "sha256:" + HEX.upper(),
        "sha256:" + "g" * 64,
        "sha256:" + HEX + "\n",
        "\nsha256:" + HEX,
        " sha256:" + HEX,
        "sha256: " + HEX,
        "sha256::" + HEX,
        "SHA256:" + HEX,
        "sha256:" + HEX + ":x",
        "sha256:../../../etc/passwd",
        "blake3:../../etc/passwd",
        "blake3:a/b",
        "blake3:a.b",
        "../x:" + HEX,
        "sha512:" + HEX,
        "sha384:" + HEX,
        "sha256+:" + HEX,
        "+sha256:" + HEX,
        "a++b:" + HEX,
        "sha256:" + "\u0661" * 64,
        "sha256:" + HEX[:-1] + "\0",
        "blake3:" + "a" * 10_000,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """Nothing of these may become a path (CVE-2024-3727)."""
    with pytest.raises(DigestError):
        parse_digest(text)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_computed_digest_is_that_of_hashlib_and_of_the_grammar(algorithm: str) -> None:
    text = compute_digest(b"content", algorithm)
    assert text == f"{algorithm}:{hashlib.new(algorithm, b'content').hexdigest()}"
    assert str(parse_digest(text)) == text


def test_chain_ids_are_hashed_from_the_lowest_layer_up() -> None:
    """ChainID(A) = A; ChainID(A|B) = Digest(ChainID(A) + " " + B)."""
    a, b, c = (compute_digest(name) for name in (b"a", b"b", b"c"))
    ab = "sha256:" + hashlib.sha256(f"{a} {b}".encode()).hexdigest()
    abc = "sha256:" + hashlib.sha256(f"{ab} {c}".encode()).hexdigest()
    assert chain_ids([a, b, c]) == [a, ab, abc]
    assert chain_ids([]) == []
    assert chain_ids([c, b])[1] != chain_ids([b, c])[1]
