"""What people write on a command line: sizes, layers, platforms, references, digests."""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.target import Target, check, same
from oci_inspect.analysis.squash import check_spec
from oci_inspect.archive.contents import parse_layers
from oci_inspect.quantities import human_size, parse_quantity, percent
from oci_inspect.spec.config import parse_time
from oci_inspect.spec.digest import DigestError, computable, parse_digest
from oci_inspect.spec.platform import parse_platform
from oci_inspect.spec.reference import familiar, is_ref_name, is_reference, repository_and_tag


def run(data: bytes) -> None:
    """One text as each of them."""
    text = data.decode("utf-8", "surrogateescape")
    number = parse_quantity(text)
    if number is not None:
        check(number >= 0, f"{text!r} is {number}")
        human_size(int(number))
        percent(float(number))
    layers = parse_layers(text)
    check(layers is None or all(isinstance(one, int) for one in layers), f"{layers}")
    moment = parse_time(text)
    check(moment is None or moment.tzinfo is not None, "a time without a zone")
    try:
        digest = parse_digest(text)
    except DigestError:
        check(computable(text) is None, f"{text!r} is no digest, and computable")
    else:
        same(str(digest), text, "a digest as text")
        check("/" not in digest.encoded and ".." not in digest.encoded, f"{digest}")
    if is_reference(text):
        check("\n" not in text, "a reference of two lines")
        familiar(text)
    is_ref_name(text)
    repository_and_tag(text)
    try:
        platform = parse_platform(text)
        same(parse_platform(str(platform)), platform, "a platform there and back")
    except ValueError:
        pass
    check_spec(text)


def seeds() -> Iterable[bytes]:
    """One of each."""
    return [
        *(
            b"500",
            b"20MiB",
            b"1.5GB",
            b"3..7",
            b"..-2",
            b"4",
            b"all",
            b"own",
            b"3..5,7..",
            b"linux/arm64/v8",
        ),
        *(
            b"sha256:" + b"0" * 64,
            b"docker.io/library/a:1@sha256:" + b"a" * 64,
            b"2024-01-02T03:04:05.6Z",
        ),
    ]


WORDS = (
    b"..",
    b":",
    b"/",
    b"@",
    b"sha256:",
    b"1_000",
    b",",
    b"e9",
    b"kB",
    b"\xd9\xa3",
    b"inf",
    b"nan",
    b"-",
    b"9" * 5000,
)
TARGETS = (Target("values", run, seeds, words=WORDS, documented=(ValueError,), most=6000),)
