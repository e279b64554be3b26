"""History entries: any text is an instruction or raw, and what Go wrote is read or left alone."""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.target import Target, check, same
from oci_inspect.analysis import golang_values as golang
from oci_inspect.analysis.instructions import InstructionParser, from_comment, makes_no_layer


def run(data: bytes) -> None:
    """A history, one entry a line; a tab and a comment may stand behind an entry."""
    parser = InstructionParser()
    for line in data.decode("utf-8", "replace").split("\x1e"):
        created_by, _, comment = line.partition("\x1f")
        for empty in (False, True):
            made = parser.parse(created_by, comment=comment, empty_layer=empty)
            check(made.raw == (made.keyword is None), f"{made}")
            check(not made.raw or made.text == created_by, f"raw, and changed: {made}")
            if made.keyword is not None:
                check(made.text.startswith(made.keyword), f"{made}")
        makes_no_layer(created_by)
        from_comment(comment)
        _values(created_by)


def _values(text: str) -> None:
    found = golang.quoted_list_at(text)
    if found is not None:
        words, end = found
        check(0 < end <= len(text), f"{end} of {len(text)}")
        same(golang.quoted_list(golang.json_list(words)), words, "a list there and back")
    golang.unescape(text)
    golang.rune(text)
    golang.ports(text)
    golang.volumes(text)
    golang.healthcheck(text)
    golang.arguments(text)
    for labels in (False, True):
        for printed in (False, True):
            golang.pairs(text, labels=labels, printed=printed)


def seeds() -> Iterable[bytes]:
    """What builders wrote."""
    return [
        b'/bin/sh -c #(nop)  CMD ["sh"]\x1e/bin/sh -c #(nop) COPY file:abc in /dst ',
        b"RUN |2 A=1 B=two words /bin/sh -c make # buildkit\x1fbuildkit.dockerfile.v0",
        b"SHELL [/bin/bash -o pipefail -c]\x1eRUN /bin/bash -o pipefail -c a # buildkit",
        b'HEALTHCHECK &{["CMD-SHELL" "curl -f x"] "30s" "3s" "0s" "0s" \'\\x03\'}',
        b'EXPOSE map[80/tcp:{}]\x1eVOLUME [/data]\x1eENV A=b c="d e"\x1eLABEL a=b',
        b'ENTRYPOINT ["a" "b\\n\\u00e9"]\x1eUSER x\x1eARG A=1\x1e/bin/bash\x1fFROM base',
        b"RUN /bin/sh -c cat <<EOF\nx\nEOF\n # buildkit",
        b"/bin/sh -c #(nop)  HEALTHCHECK NONE\x1e|1 X=y /bin/sh -c z",
    ]


WORDS = (
    *(
        b"#(nop) ",
        b"#(nop)  ",
        b"/bin/sh -c ",
        b"RUN ",
        b"COPY ",
        b"ENV ",
        b"LABEL ",
        b"CMD ",
        b"SHELL ",
    ),
    *(
        b"HEALTHCHECK ",
        b"VOLUME ",
        b"EXPOSE ",
        b"ARG ",
        b"|1 ",
        b" # buildkit",
        b"buildkit",
        b"\x1e",
        b"\x1f",
    ),
    *(
        b'["',
        b'" "',
        b'"]',
        b"map[",
        b"{}]",
        b"&{[",
        b"\\x",
        b"\\u",
        b"\\\n",
        b"<<EOF",
        b"=",
        b" = ",
        b"\n",
    ),
)
TARGETS = (Target("instructions", run, seeds, words=WORDS, most=1500),)
