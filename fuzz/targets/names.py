"""Names in tars and paths in images: normal forms, and text that may be shown."""

from __future__ import annotations

from collections.abc import Iterable

from support import reference_scanner as twin

from fuzz.target import Target, check, same
from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.names import EntryNames
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.paths import file_text, normalise, path_bytes, path_text, shown_path
from oci_inspect.render import escape


def run(data: bytes) -> None:
    """A name, then a link's target behind a zero byte."""
    name, _, target = data.partition(b"\0")
    path, unsafe = normalise(name)
    same((path, unsafe), twin.plain(name), "the normal form")
    same(normalise(path), (path, False), "the normal form of a normal form")
    check(not path.startswith(b"/") and b".." not in path.split(b"/"), f"{path!r}")
    path_text(path).encode("utf-8")
    same(path_bytes(name.decode("utf-8", "surrogateescape")), name, "there and back")
    file_text(name.decode("utf-8", "surrogateescape")).encode("utf-8")
    check(shown_path(path).startswith("/"), "no path from the root")
    findings = FindingCollector()
    names = EntryNames(DEFAULT_LIMITS, findings)
    try:
        same(names.clean(name), path, "the name of an entry")
        same(names.target(path, target, hard=True), normalise(target)[0], "a hard link's target")
        same(names.target(path, target, hard=False), target, "a symbolic link's target")
    except LimitExceededError:
        check(
            any(
                len(one) > DEFAULT_LIMITS.path_bytes
                or one.count(b"/") >= DEFAULT_LIMITS.path_depth
                or max(map(len, one.split(b"/"))) > DEFAULT_LIMITS.path_part_bytes
                for one in (path, normalise(target)[0], target)
            ),
            "a limit that is not met",
        )
    plain = name.rstrip(b"/")  # as names come from plain headers
    check(bool(names.odd([plain])) or plain == path, f"{name!r} is taken for tidy: {path!r}")


def run_escapes(data: bytes) -> None:
    """Text from an archive says nothing to the place it is shown in."""
    text = data.decode("utf-8", "surrogateescape" if data[:1] < b"\x80" else "replace")
    for ascii_only in (False, True):
        shown = escape.terminal(text, ascii_only=ascii_only)
        check(shown.isprintable(), f"a terminal gets {shown!r}")
        check(not ascii_only or shown.isascii(), f"not ASCII: {shown!r}")
    cell = escape.markdown(text)
    check("\n" not in cell and "<" not in cell.replace("\\<", ""), f"Markdown: {cell!r}")
    check(escape.csv_cell(text)[:1] not in ("=", "+", "-", "@", "\t", "\r"), "a formula")
    for made in (escape.github_message(text), escape.github_property(text)):
        check("\n" not in made and "\r" not in made, f"a line of its own: {made!r}")
    for made in (escape.xml_text(text), escape.openmetrics_label(text), escape.sarif_message(text)):
        made.encode("utf-8")


def seeds() -> Iterable[bytes]:
    """Names as they should not be."""
    return [
        *(b"a/b/c", b"./a//b/../c/", b"/../../x", b".", b"", b"a/./b\0../x", b"\xff/\xc3\xa9\0/t"),
        *(b"x" * 300, b"a/" * 600, b".wh.a", b"\x1b[2J\xe2\x80\xae"),
    ]


def text_seeds() -> Iterable[bytes]:
    """What output must not pass on."""
    return [
        *(
            b"=1+1",
            b"@SUM(A1)",
            b"::error::x",
            b"a\n::set-output",
            b"%0A::x",
            b"##[group]x",
            b"\t=x",
        ),
        *(
            b"</script><img>",
            b"`a`|b|",
            b"\x1b]8;;http://x\x07",
            b"\xe2\x80\xae\xef\xbb\xbf",
            b"\x9b2J",
        ),
    ]


WORDS = (
    b"/",
    b"../",
    b"./",
    b"//",
    b"\0",
    b".wh.",
    b"\xff",
    b"::",
    b"##[",
    b"\x1b",
    b"\xe2\x80\xae",
)
TARGETS = (
    Target("names", run, seeds, words=WORDS, most=5000),
    Target("escapes", run_escapes, text_seeds, words=WORDS, most=300),
)
