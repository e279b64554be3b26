from __future__ import annotations

import json
import re

import pytest

from oci_inspect.analysis.instructions import (
    Instruction,
    InstructionParser,
    from_comment,
    makes_no_layer,
)

SOURCE_LOST = "the source is lost: only its checksum was recorded"
EXEC_LOST = "exec form: its words were joined by spaces, so the quoting is lost"
BUILDKIT = "buildkit.dockerfile.v0"


def parse(created_by: str, comment: str = "") -> Instruction:
    return InstructionParser().parse(created_by, comment=comment)


def parse_all(*entries: str) -> list[Instruction]:
    parser = InstructionParser()
    return [parser.parse(entry) for entry in entries]


def texts(*entries: str) -> list[str]:
    return [instruction.text for instruction in parse_all(*entries)]


# --- two real histories of one Dockerfile ------------------------------------------------------
#
# Each row: what Docker 20 (classic builder) recorded, what Docker 26 (BuildKit) recorded, and the
# line of the Dockerfile.  Where the two must differ, the last column is the classic one's text.

STEP = "/bin/step"
CLASSIC = "|1 CHANNEL=stable /bin/step "
REAL: list[tuple[str, str, str, str | None]] = [
    (
        "/bin/sh -c #(nop) COPY file:"
        "c37fbe0e13ed1ee28549672ecf928a0abfcaf9c85187886888a0a88731d9da37 in /bin/step ",
        "COPY step /bin/step # buildkit",
        "COPY step /bin/step",
        "COPY <file:c37fbe0e13ed> /bin/step",
    ),
    (
        "/bin/sh -c #(nop) COPY dir:"
        "2ff5369b96b0d4eed101d65afb00e422af7961537d5cc3d0bef239ce06c92feb in /etc/ ",
        "COPY etc/ /etc/ # buildkit",
        "COPY etc/ /etc/",
        "COPY <dir:2ff5369b96b0> /etc/",
    ),
    (
        "/bin/sh -c #(nop)  LABEL org.opencontainers.image.title=base",
        "LABEL org.opencontainers.image.title=base",
        "LABEL org.opencontainers.image.title=base",
        None,
    ),
    ("/bin/sh -c #(nop)  ENV PATH=/bin", "ENV PATH=/bin", "ENV PATH=/bin", None),
    (
        "/bin/step mkdir /data put /data/big 60000 put /data/keep 700 mkdir /cache put /cache/one"
        " 1000 put /cache/two 2000 put /cache/three 3000",
        "RUN /bin/step mkdir /data put /data/big 60000 put /data/keep 700 mkdir /cache"
        " put /cache/one 1000 put /cache/two 2000 put /cache/three 3000 # buildkit",
        "RUN /bin/step mkdir /data put /data/big 60000 put /data/keep 700 mkdir /cache"
        " put /cache/one 1000 put /cache/two 2000 put /cache/three 3000",
        None,
    ),
    (
        '/bin/sh -c #(nop)  CMD ["/bin/step"]',
        'CMD ["/bin/step"]',
        'CMD ["/bin/step"]',
        None,
    ),
    (
        "/bin/sh -c #(nop)  ARG CHANNEL=stable",
        "ARG CHANNEL=stable",
        "ARG CHANNEL=stable",
        None,
    ),
    (
        "/bin/sh -c #(nop)  LABEL org.opencontainers.image.title=app"
        " org.opencontainers.image.version=1.2.3",
        "LABEL org.opencontainers.image.title=app org.opencontainers.image.version=1.2.3",
        "LABEL org.opencontainers.image.title=app org.opencontainers.image.version=1.2.3",
        None,
    ),
    (
        "/bin/sh -c #(nop)  ENV APP_HOME=/site",
        "ENV APP_HOME=/site",
        "ENV APP_HOME=/site",
        None,
    ),
    ("/bin/sh -c #(nop) WORKDIR /site", "WORKDIR /site", "WORKDIR /site", None),
    (
        "/bin/sh -c #(nop) COPY dir:"
        "bd96c9a2fe88289eb3e25923659758f02889a31fcaa1ff98385cd61851629bce in /site/ ",
        "COPY site/ /site/ # buildkit",
        "COPY site/ /site/",
        "COPY <dir:bd96c9a2fe88> /site/",
    ),
    *(
        (CLASSIC + words, f"RUN {CLASSIC}{words} # buildkit", f"RUN {STEP} {words}", None)
        for words in (
            "rm /data/big",
            "chmod 600 /data/keep put /etc/app.conf 90",
            "rm /cache/one rm /cache/two rm /cache/three rmdir /cache mkdir /cache"
            " put /cache/four 400",
            "put /site/secret.key 1675 put /site/with space 5 put /site/ünïcode 7"
            " ln /site/index.html /site/hard.html sym index.html /site/soft.html fifo /site/pipe",
            "rm /site/secret.key chown 33 /site/index.html chmod 4755 /site/with space",
            "put /data/keep 800 put /site/new 123 mv /site/new /site/moved",
        )
    ),
    ("/bin/sh -c #(nop)  USER 33", "USER 33", "USER 33", None),
    # The Dockerfile says 80 443/udp; both builders sort, only BuildKit adds /tcp.
    (
        "/bin/sh -c #(nop)  EXPOSE 443/udp 80",
        "EXPOSE map[443/udp:{} 80/tcp:{}]",
        "EXPOSE 443/udp 80/tcp",
        "EXPOSE 443/udp 80",
    ),
    ("/bin/sh -c #(nop)  VOLUME [/data]", "VOLUME [/data]", 'VOLUME ["/data"]', None),
    (
        "/bin/sh -c #(nop)  STOPSIGNAL SIGQUIT",
        "STOPSIGNAL SIGQUIT",
        "STOPSIGNAL SIGQUIT",
        None,
    ),
    (
        '/bin/sh -c #(nop)  HEALTHCHECK &{["CMD" "/bin/step"] "30s" "0s" "0s" \'\\x02\'}',
        'HEALTHCHECK &{["CMD" "/bin/step"] "30s" "0s" "0s" "0s" \'\\x02\'}',
        'HEALTHCHECK --interval=30s --retries=2 CMD ["/bin/step"]',
        None,
    ),
    (
        '/bin/sh -c #(nop)  ENTRYPOINT ["/bin/step"]',
        'ENTRYPOINT ["/bin/step"]',
        'ENTRYPOINT ["/bin/step"]',
        None,
    ),
    (
        '/bin/sh -c #(nop)  CMD ["put" "/tmp/x" "1"]',
        'CMD ["put" "/tmp/x" "1"]',
        'CMD ["put", "/tmp/x", "1"]',
        None,
    ),
]


def real_note(text: str) -> str | None:
    if text.startswith("RUN"):
        return EXEC_LOST
    return SOURCE_LOST if text.startswith("COPY <") else None


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_real_history_reads_as_its_dockerfile(builder: str) -> None:
    classic = builder == "classic"
    parser = InstructionParser()
    for recorded_classic, recorded_buildkit, line, classic_line in REAL:
        got = parser.parse(
            recorded_classic if classic else recorded_buildkit, comment="" if classic else BUILDKIT
        )
        expected = (classic_line or line) if classic else line
        assert got.text == expected
        assert got.keyword == expected.split(" ", 1)[0]
        assert not got.raw
        assert got.note == real_note(expected)
        assert got.build_args == (("CHANNEL=stable",) if "CHANNEL" in recorded_classic[:20] else ())


def test_real_history_is_complete() -> None:
    assert len(REAL) == 24


# --- RUN ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("RUN |0 /bin/sh -c make # buildkit", "RUN make"),
        ("|0 /bin/sh -c make", "RUN make"),
        ("cmd /S /C dir C:\\", "RUN <<EOF\ndir C:\\\nEOF"),
        ("cmd /S /C echo hi", "RUN echo hi"),
        ("RUN cmd /S /C echo hi # buildkit", "RUN echo hi"),
        ("powershell -Command Get-Date", "RUN Get-Date"),
        ("RUN apt-get update", "RUN apt-get update"),  # kaniko
        ("RUN --mount=type=cache,target=/c make", "RUN --mount=type=cache,target=/c make"),
        ('RUN ["/bin/a", "b c"]', 'RUN ["/bin/a", "b c"]'),
        ('/bin/sh -c ["/bin/a", "b c"]', 'RUN ["/bin/a", "b c"]'),  # buildah's exec form
        ("/bin/sh -c set -eux; \tmake", "RUN set -eux; \tmake"),
    ],
)
def test_run_shell_prefix_is_dropped_and_nothing_else(created_by: str, text: str) -> None:
    assert parse(created_by) == Instruction("RUN", text, False, None, ())


def test_run_with_a_shell_prefix_of_its_own_is_kept_where_the_line_is_as_written() -> None:
    assert parse("RUN /bin/sh -c 'a b'").text == "RUN /bin/sh -c 'a b'"


def test_run_comment_marks_buildkit_where_the_suffix_is_gone() -> None:
    assert parse("RUN /bin/sh -c make", BUILDKIT).text == "RUN make"


@pytest.mark.parametrize(
    ("created_by", "args"),
    [
        ("|1 A=1 /bin/sh -c make", ("A=1",)),
        ("|2 A=1 B=2 /bin/sh -c make", ("A=1", "B=2")),
        ("RUN |2 B=2 A= /bin/sh -c make # buildkit", ("B=2", "A=")),
        ("|2 A=one two B=three four /bin/sh -c make", ("A=one two", "B=three four")),
        ("|1 A=x /bin/sh -c make", ("A=x",)),
        ("|2 A=run /bin/sh -c y B=2 /bin/sh -c make", ("A=run /bin/sh -c y", "B=2")),
        ("|1 A=line\nbreak /bin/sh -c make", ("A=line\nbreak",)),
    ],
)
def test_build_args_with_spaces_split_at_the_shell_prefix(
    created_by: str, args: tuple[str, ...]
) -> None:
    assert parse(created_by) == Instruction("RUN", "RUN make", False, None, args)


def test_build_args_keep_a_second_shell_prefix_in_the_command() -> None:
    got = parse("|1 A=1 /bin/sh -c exec /bin/sh -c x")
    assert (got.text, got.build_args) == ("RUN exec /bin/sh -c x", ("A=1",))


def test_build_args_names_in_the_command_are_no_build_args() -> None:
    got = parse("|1 A=1 /bin/sh -c B=2 make")
    assert (got.text, got.build_args, got.note) == ("RUN B=2 make", ("A=1",), None)


def test_build_args_counted_by_words_as_buildah_does_are_marked_as_a_guess() -> None:
    got = parse("|2 A=one two /bin/sh -c make")
    assert (got.text, got.build_args) == ("RUN make", ("A=one two",))
    assert got.note == "where each build argument ends is a guess"


def test_build_args_with_an_equals_sign_inside_a_value_are_marked_as_a_guess() -> None:
    got = parse("|1 OPTS=-a b=c /bin/sh -c make")
    assert (got.text, got.build_args) == ("RUN make", ("OPTS=-a b=c",))
    assert got.note == "where each build argument ends is a guess"


@pytest.mark.parametrize("created_by", ["|1 nothing here", "|1 A=1", "|", "|x A=1 y", "|99999 A=1"])
def test_build_args_that_cannot_be_read_leave_the_entry_raw(created_by: str) -> None:
    assert parse(created_by) == Instruction(None, created_by, True, None, ())


def test_build_args_that_cannot_be_read_are_kept_behind_run() -> None:
    got = parse("RUN |1 nothing # buildkit")
    assert (got.keyword, got.text, got.raw) == ("RUN", "RUN |1 nothing", False)
    assert got.note is not None


def test_exec_form_without_build_args_says_what_is_lost() -> None:
    assert parse("RUN /bin/step a b # buildkit").note == EXEC_LOST
    assert parse("/bin/step a b").note == EXEC_LOST


def test_heredoc_script_says_its_body_is_lost() -> None:
    got = parse("RUN /dev/pipes/EOF # buildkit")
    assert got.text == "RUN /dev/pipes/EOF"
    assert got.note == "the heredoc's body is lost: only the script's path was recorded"


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        # RUN <<EOF: BuildKit records the bare body
        (
            "RUN /bin/sh -c apk update\napk add git\n # buildkit",
            "RUN <<EOF\napk update\napk add git\nEOF",
        ),
        # RUN cat <<END > /f: recorded in full
        ("RUN /bin/sh -c cat <<END > /f\nhi\nEND # buildkit", "RUN cat <<END > /f\nhi\nEND"),
        ("RUN /bin/sh -c cat <<-E > /f\n\thi\n\tE # buildkit", "RUN cat <<-E > /f\n\thi\n\tE"),
        (
            "RUN /bin/sh -c cat <<A <<'B'\none\nA\ntwo\nB # buildkit",
            "RUN cat <<A <<'B'\none\nA\ntwo\nB",
        ),
        # a heredoc inside the body of RUN <<EOF, with a command behind it
        (
            "RUN /bin/sh -c cat <<X > /f\nhi\nX\necho done\n # buildkit",
            "RUN <<EOF\ncat <<X > /f\nhi\nX\necho done\nEOF",
        ),
        # the body uses the usual delimiter itself
        (
            "RUN /bin/sh -c a\nEOF\nEOF1\nb\n # buildkit",
            "RUN <<EOF2\na\nEOF\nEOF1\nb\nEOF2",
        ),
        # buildah drops the last line
        ("/bin/sh -c <<EOF\napk update\napk add git", "RUN <<EOF\napk update\napk add git\nEOF"),
    ],
)
def test_run_of_several_lines_becomes_a_heredoc(created_by: str, text: str) -> None:
    assert parse(created_by) == Instruction("RUN", text, False, None, ())


# --- SHELL -------------------------------------------------------------------------------------


def test_shell_changes_the_prefix_of_later_runs_in_buildkit() -> None:
    assert texts(
        "SHELL [/bin/bash -o pipefail -c]",
        "RUN /bin/bash -o pipefail -c a | b # buildkit",
        "RUN |1 X=1 /bin/bash -o pipefail -c c # buildkit",
    ) == ['SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "RUN a | b", "RUN c"]


def test_shell_changes_the_prefix_of_every_later_entry_in_the_classic_builder() -> None:
    bash = "/bin/bash -o pipefail -c"
    assert texts(
        f"{bash} #(nop)  SHELL [{bash}]",
        f"{bash} a | b",
        f'{bash} #(nop)  CMD ["x"]',
        f"|1 A=b c {bash} d",
    ) == ['SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "RUN a | b", 'CMD ["x"]', "RUN d"]


def test_shell_of_the_base_is_learned_from_the_first_entry_that_runs_nothing() -> None:
    assert texts("/bin/bash -c #(nop)  ENV A=1", "/bin/bash -c make") == ["ENV A=1", "RUN make"]


def test_shell_in_force_leaves_bin_sh_as_exec_form() -> None:
    got = parse_all("SHELL [/bin/bash -c]", 'RUN /bin/sh -c echo "a" # buildkit')[1]
    assert got.text == 'RUN ["/bin/sh", "-c", "echo \\"a\\""]'
    assert got.note == EXEC_LOST


def test_shell_written_as_json_leaves_the_prefix_buildah_writes() -> None:
    assert texts(
        '/bin/sh -c #(nop) SHELL ["/bin/bash", "-c"]', "/bin/sh -c make", "/bin/bash -c make"
    ) == ['SHELL ["/bin/bash", "-c"]', "RUN make", "RUN make"]


def test_shell_script_of_windows_images_stays_one_word() -> None:
    shell = "powershell -Command $ErrorActionPreference = 'Stop'; $ProgressPreference = 'x';"
    got = parse_all(f"{shell} #(nop)  SHELL [{shell}]", f"{shell} Get-Date")
    assert got[0].text == (
        'SHELL ["powershell", "-Command", '
        "\"$ErrorActionPreference = 'Stop'; $ProgressPreference = 'x';\"]"
    )
    assert got[0].note == "the words were joined by spaces: where each ends is a guess"
    assert got[1].text == "RUN Get-Date"


def test_nop_inside_a_command_is_part_of_the_command() -> None:
    assert parse('/bin/sh -c echo "#(nop)  CMD x"').text == 'RUN echo "#(nop)  CMD x"'
    assert parse("/bin/sh -c echo #(nop)  CMD x").text == "RUN echo #(nop)  CMD x"


def test_parsers_share_nothing() -> None:
    parse("SHELL [/bin/bash -c]")
    assert parse("/bin/bash -c make").note == EXEC_LOST


# --- lists and structures as Go prints them ----------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ('["sh" "-c" "a b"]', '["sh", "-c", "a b"]'),
        ('["sh", "-c", "a b"]', '["sh", "-c", "a b"]'),
        ('["sh","-c"]', '["sh", "-c"]'),
        ("[]", "[]"),
        ('["say \\"hi\\"" "C:\\\\x"]', '["say \\"hi\\"", "C:\\\\x"]'),
        ('["a\\x02\\a\\tb" "\\u00a0\\U0001f600"]', '["a\\u0002\\u0007\\tb", "\u00a0\U0001f600"]'),
        ('["\\ud83d\\ude00"]', '["\U0001f600"]'),  # JSON's own way for one character
        ('["ünïcode"]', '["ünïcode"]'),
        ('&{["/entrypoint.sh"]}', '["/entrypoint.sh"]'),  # Docker 1.8 and 1.9
        ("[/bin/sh -c foo bar]", "foo bar"),  # before 1.3
    ],
)
@pytest.mark.parametrize("keyword", ["CMD", "ENTRYPOINT"])
def test_go_quoted_lists_become_json(keyword: str, printed: str, written: str) -> None:
    got = parse(f"/bin/sh -c #(nop)  {keyword} {printed}")
    assert got == Instruction(keyword, f"{keyword} {written}", False, None, ())


@pytest.mark.parametrize(
    "rest",
    [
        '["a"',
        '["a" b]',
        '["a""b"]',
        '["a\\"]',
        '["\\xff"]',  # a byte that is no UTF-8
        '["\\ud800"]',
        '["\\q" "b"]',
        '["a" "b"] c',
        'nginx -g "daemon off;"',
        '[["a"]]',
        '["a", 1]',
    ],
)
def test_lists_that_cannot_be_read_are_kept_word_for_word(rest: str) -> None:
    assert parse(f"CMD {rest}").text == f"CMD {rest}"
    assert parse(f"/bin/sh -c #(nop)  CMD {rest}").text == f"CMD {rest}"


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("map[443/tcp:{}]", "443/tcp"),
        ("map[443/udp:{} 80/tcp:{}]", "443/udp 80/tcp"),
        ("[80/tcp]", "80/tcp"),
        ("[80/tcp 443/tcp]", "80/tcp 443/tcp"),
        ("80", "80"),
        ("map[]", "map[]"),
        ("map[80", "map[80"),
    ],
)
def test_exposed_ports(printed: str, written: str) -> None:
    assert parse(f"EXPOSE {printed}") == Instruction("EXPOSE", f"EXPOSE {written}", False, None, ())


@pytest.mark.parametrize(
    ("printed", "written", "sure"),
    [
        ("[/data]", '["/data"]', True),
        ("[/data /srv]", '["/data", "/srv"]', True),
        ('["/data"]', '["/data"]', True),
        ("/data /srv", "/data /srv", True),
        ("[C:\\data]", '["C:\\\\data"]', True),
        ("[/my data]", '["/my", "data"]', False),
    ],
)
def test_volumes(printed: str, written: str, sure: bool) -> None:
    got = parse(f"VOLUME {printed}")
    assert got.text == f"VOLUME {written}"
    assert (got.note is None) is sure


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ('&{["CMD" "x"] "0s" "0s" "0s" \'\\x00\'}', 'CMD ["x"]'),
        (
            '&{["CMD-SHELL" "curl -f \\"http://x\\" || exit 1"] "30s" "3s" "1m0s" \'\\x03\'}',
            "--interval=30s --timeout=3s --start-period=1m0s --retries=3"
            ' CMD curl -f "http://x" || exit 1',
        ),
        (
            '&{["CMD" "a" "b c"] "1m30s" "10s" "5s" "500ms" \'\\n\'}',
            "--interval=1m30s --timeout=10s --start-period=5s --start-interval=500ms --retries=10"
            ' CMD ["a", "b c"]',
        ),
        ('&{["CMD" "x"] "0s" "0s" "0s" \'A\'}', '--retries=65 CMD ["x"]'),
        ('&{["CMD" "x"] "0s" "0s" "0s" \'☺\'}', '--retries=9786 CMD ["x"]'),
        ('&{["CMD" "x"] "0s" "0s" "0s" \' \'}', '--retries=32 CMD ["x"]'),
        ('&{["CMD" "x"] "0s" "0s" "0s" \'\\\'\'}', '--retries=39 CMD ["x"]'),
        ('&{["CMD" "x"] "0s" "0s" "0s" \'\\\\\'}', '--retries=92 CMD ["x"]'),
        ('&{["CMD" "x"] "0s" "0s" "0s" \'\\u0085\'}', '--retries=133 CMD ["x"]'),
        ('&{["NONE"] "0s" "0s" "0s" \'\\x00\'}', "NONE"),
        ('&{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}', "NONE"),
        ("NONE", "NONE"),
        ("--interval=5s CMD curl x", "--interval=5s CMD curl x"),
        (
            "{Test:[CMD-SHELL curl [::1] || exit 1] Interval:1s Timeout:10s StartPeriod:3s"
            " StartInterval:100ms Retries:5}",
            "--interval=1s --timeout=10s --start-period=3s --start-interval=100ms --retries=5"
            " CMD curl [::1] || exit 1",
        ),
        (
            "{Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
            "NONE",
        ),
    ],
)
def test_healthchecks(printed: str, written: str) -> None:
    got = parse(f"HEALTHCHECK {printed}")
    assert got == Instruction("HEALTHCHECK", f"HEALTHCHECK {written}", False, None, ())


def test_healthcheck_whose_retries_are_no_character_says_so() -> None:
    got = parse('HEALTHCHECK &{["CMD" "x"] "1s" "0s" "0s" \'\ufffd\'}')
    assert got.text == 'HEALTHCHECK --interval=1s CMD ["x"]'
    assert got.note == "the number of retries was not recorded"


def test_healthcheck_without_quotes_says_that_words_are_a_guess() -> None:
    got = parse(
        "HEALTHCHECK {Test:[CMD /x a b] Interval:0s Timeout:0s StartPeriod:0s"
        " StartInterval:0s Retries:0}"
    )
    assert got.text == 'HEALTHCHECK CMD ["/x", "a", "b"]'
    assert got.note is not None


@pytest.mark.parametrize(
    "rest",
    [
        '&{["CMD"',
        '&{["CMD" "x"] "30s"}',
        '&{[] "0s" "0s" "0s" \'\\x00\'}',
        '&{["OTHER" "x"] "0s" "0s" "0s" \'\\x00\'}',
        "%!q(*container.HealthConfig=<nil>)",
        "{Test:[CMD x]}",
    ],
)
def test_healthchecks_that_cannot_be_read_are_kept_word_for_word(rest: str) -> None:
    assert parse(f"HEALTHCHECK {rest}").text == f"HEALTHCHECK {rest}"


# --- name=value --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("LABEL a=b c=d", "LABEL a=b c=d"),
        ("ENV A=b c", 'ENV A="b c"'),
        ("ENV A=", "ENV A="),
        ("ENV JAVA_OPTS=-Xmx1g -Dx=y", 'ENV JAVA_OPTS="-Xmx1g -Dx=y"'),
        ("LABEL maintainer=NGINX <a@b.c>", 'LABEL maintainer="NGINX <a@b.c>"'),
        ("ENV P=C:\\x", 'ENV P="C:\\\\x"'),
        ('LABEL q=say "hi"', 'LABEL q="say \\"hi\\""'),
        ("ENV COST=$5", 'ENV COST="\\$5"'),
        ("LABEL x=it's", 'LABEL x="it\'s"'),
        ("ARG A=1 B=2", "ARG A=1 B=2"),
        ("ARG A", "ARG A"),
        ("ARG TARGETOS TARGETARCH", "ARG TARGETOS TARGETARCH"),
        ("ARG FLAGS=-a -b", 'ARG FLAGS="-a -b"'),
    ],
)
@pytest.mark.parametrize("nop", ["", "/bin/sh -c #(nop)  "])
def test_values_get_the_quotes_a_dockerfile_needs(nop: str, created_by: str, text: str) -> None:
    got = parse(nop + created_by, BUILDKIT if not nop else "")
    assert got == Instruction(text.split(" ", 1)[0], text, False, None, ())


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("LABEL org.x=My app other=2", 'LABEL org.x="My app" other=2'),
        ("ENV A=b c D=e", 'ENV A="b c" D=e'),
    ],
)
def test_several_values_with_spaces_are_split_at_names_and_say_so(
    created_by: str, text: str
) -> None:
    for comment in ("", BUILDKIT):
        got = parse(created_by, comment)
        assert got.text == text
        assert got.note == "the quotes are lost: where each value ends is a guess"


@pytest.mark.parametrize("nop", ["", "/bin/sh -c #(nop) "])
@pytest.mark.parametrize(
    "line",
    ['ENV A="b c" D=e\\ f', "ENV PATH=$PATH:/x", "LABEL a='b c'", "ENV A b c", 'ARG A="b c"'],
)
def test_lines_that_docker_reads_as_they_stand_are_kept(nop: str, line: str) -> None:
    assert parse(nop + line).text == line


def test_arg_with_a_bare_word_behind_a_value_is_kept_and_marked() -> None:
    got = parse("ARG MSG=hello world", BUILDKIT)
    assert got.text == "ARG MSG=hello world"
    assert got.note == "the quotes are lost: the last words may be one value or further names"


def test_line_break_in_a_value_is_kept_and_marked() -> None:
    got = parse("ENV A=one\ntwo", BUILDKIT)
    assert got.text == 'ENV A="one\ntwo"'
    assert got.note == "it holds a line break, which this instruction cannot write"


@pytest.mark.parametrize("rest", ["=x", "a b", 'k"ey=1', ""])
def test_pairs_without_a_readable_name_are_kept_word_for_word(rest: str) -> None:
    assert parse(f"LABEL {rest}", BUILDKIT).text == f"LABEL {rest}".rstrip()


# --- COPY, ADD and the rest --------------------------------------------------------------------

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"COPY file:{HASH} in /x ", "COPY <file:0123456789ab> /x"),
        (f"COPY multi:{HASH} in ./ ", "COPY <multi:0123456789ab> ./"),
        (f"ADD file:{HASH} in / ", "ADD <file:0123456789ab> /"),
        (f"ADD dir:{HASH} in /with space/ ", 'ADD ["<dir:0123456789ab>", "/with space/"]'),
        # the classic builder leaves no space behind the flag
        (f"COPY --chown=33:33file:{HASH} in /x ", "COPY --chown=33:33 <file:0123456789ab> /x"),
        (f"COPY --chown=webdir:{HASH} in /x ", "COPY --chown=web <dir:0123456789ab> /x"),
        (f"COPY --link file:{HASH} in /x ", "COPY --link <file:0123456789ab> /x"),
    ],
)
@pytest.mark.parametrize("nop", ["/bin/sh -c #(nop) ", "/bin/sh -c #(nop)  ", ""])
def test_checksums_stand_for_a_lost_source(nop: str, line: str, text: str) -> None:
    keyword = line.split(" ", 1)[0]
    assert parse(nop + line) == Instruction(keyword, text, False, SOURCE_LOST, ())


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("COPY a b /dst/ # buildkit", "COPY a b /dst/"),
        ("COPY --chown=1:2 --chmod=755 a /b # buildkit", "COPY --chown=1:2 --chmod=755 a /b"),
        ("ADD alpine-minirootfs-3.20.0-x86_64.tar.gz / # buildkit",
         "ADD alpine-minirootfs-3.20.0-x86_64.tar.gz /"),
        ('COPY ["a b", "/c"]', 'COPY ["a b", "/c"]'),
        ("COPY a b", "COPY a b"),
    ],
)  # fmt: skip
def test_sources_that_were_recorded_are_kept(created_by: str, text: str) -> None:
    got = parse(created_by)
    assert got == Instruction(text.split(" ", 1)[0], text, False, None, ())


def test_copy_heredoc_is_closed_empty_and_says_its_body_is_lost() -> None:
    got = parse("COPY <<app.conf /etc/app.conf # buildkit")
    assert got.text == "COPY <<app.conf /etc/app.conf\napp.conf"
    assert got.note == "the heredoc's body is lost: only its name was recorded"
    assert parse("COPY x <<a <<b /d/ # buildkit").text == "COPY x <<a <<b /d/\na\nb"


@pytest.mark.parametrize(
    "line",
    [
        "USER 33:33",
        "STOPSIGNAL SIGTERM",
        "MAINTAINER Some One <a@b.c>",
        "WORKDIR /x",
        "ONBUILD RUN make",
    ],
)
def test_plain_instructions_are_kept(line: str) -> None:
    expected = Instruction(line.split(" ", 1)[0], line, False, None, ())
    for prefix in ("", "/bin/sh -c #(nop) ", "/bin/sh -c #(nop)  ", "cmd /S /C #(nop)  "):
        assert parse(prefix + line) == expected


def test_nop_lines_may_be_in_lower_case_as_buildah_keeps_them() -> None:
    assert parse("/bin/sh -c #(nop) workdir /x").text == "WORKDIR /x"


@pytest.mark.parametrize(
    "created_by",
    [
        "",
        "/bin/sh",
        "/bin/bash",
        "bash",
        "jib-gradle-plugin:3.4.0",
        "jib-core:0.1",
        "apko",
        "bazel build ...",
        "umoci repack",
        "crane flatten sha256:ab",
        "ko build ko://example.com/x",
        "nix",
        "Apply image 10.0.20348.1787",
        "# debian.sh --arch 'amd64' out/ 'trixie' '@1766966400'",
        "user added this",
        "RUNNER x",
        "/bin/sh -c #(nop) ",
        "/bin/sh -c #(nop)  NOTHING x",
        " \t\n",
        "\x00\x1b[31m",
    ],
)
def test_what_is_no_dockerfile_is_raw_word_for_word(created_by: str) -> None:
    assert parse(created_by) == Instruction(None, created_by, True, None, ())


@pytest.mark.parametrize(
    ("comment", "base"),
    [
        ("FROM docker.io/library/alpine:3.20", "docker.io/library/alpine:3.20"),
        ("FROM scratch AS x", "scratch"),
        ("FROM ", None),
        ("", None),
        ("from x", None),
        (BUILDKIT, None),
        ("FROM \x1b[31mred", None),
    ],
)
def test_base_name_is_read_from_buildahs_comment(comment: str, base: str | None) -> None:
    assert from_comment(comment) == base


LAYERLESS = [
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
]


@pytest.mark.parametrize(
    ("created_by", "answer"),
    [
        *(
            (f"{prefix}{keyword} x", True)
            for prefix in ("", "/bin/sh -c #(nop)  ")
            for keyword in LAYERLESS
        ),
        ("RUN /bin/sh -c x # buildkit", False),
        ("/bin/sh -c x", False),
        ("|1 A=1 /bin/sh -c x", False),
        ("COPY a b # buildkit", False),
        ("/bin/sh -c #(nop) ADD file:0123456789ab in / ", False),
        ("WORKDIR /x", None),
        ("umoci repack", None),
        ("", None),
    ],
)
def test_which_entries_never_make_a_layer(created_by: str, answer: bool | None) -> None:
    assert makes_no_layer(created_by) is answer


# --- hostile text ------------------------------------------------------------------------------

BIG = 1_000_000


@pytest.mark.parametrize(
    "created_by",
    [
        "CMD [" + '"a" ' * (BIG // 4),
        'CMD ["' + "\\" * BIG,
        'CMD ["' + "a" * BIG,
        "CMD " + "[" * BIG,
        "ENV A=" + '"' * BIG,
        "ENV " + "A=1 " * (BIG // 4),
        "ENV A='" + "x" * BIG,
        "LABEL " + "a" * BIG,
        "LABEL a=" + " b" * (BIG // 2),
        "ARG A=" + " " * BIG,
        "EXPOSE map[" + "80/tcp:{} " * (BIG // 10),
        "VOLUME [" + " " * BIG + "]",
        'HEALTHCHECK &{["CMD"] ' + '"1s" ' * (BIG // 5),
        "HEALTHCHECK {Test:[" + "] Interval:" * (BIG // 11) + "}",
        "SHELL [" + "-Command " * (BIG // 9) + "]",
        "COPY " + "file:" * (BIG // 5) + " in ",
        "COPY file:" + "a" * BIG,
        "COPY " + "<<a " * (BIG // 4),
        "RUN /bin/sh -c " + "<<A " * (BIG // 4) + "\nA # buildkit",
        "RUN /bin/sh -c x" + "\nEOF" * (BIG // 4) + " # buildkit",
        "|9999 " + "A=1 " * (BIG // 4),
        "|1 A=" + " /bin/sh -c" * (BIG // 11),
        "|" + "9" * BIG,
        "#(nop) " * (BIG // 7),
        "/bin/sh " + "-c " * (BIG // 3) + "#(nop)  CMD x",
        "\ud800" * 1000,
        "\x00" * BIG,
        "RUN" * (BIG // 3),
        " " * BIG,
    ],
    ids=lambda text: repr(text[:24]),
)
@pytest.mark.parametrize("prefix", ["", "/bin/sh -c #(nop)  "])
def test_hostile_text_is_read_in_one_go_and_nothing_is_lost(prefix: str, created_by: str) -> None:
    for comment in ("", BUILDKIT):
        got = parse(prefix + created_by, comment)
        assert got.raw is (got.keyword is None)
        if got.raw:
            assert got.text == prefix + created_by
        else:
            assert got.text.startswith(str(got.keyword))


def test_patterns_never_repeat_without_being_possessive() -> None:
    """A quantified group that holds a quantifier is linear only when nothing is given back."""
    from oci_inspect.analysis import golang_values, instructions

    patterns = [
        value.pattern
        for module in (golang_values, instructions)
        for value in vars(module).values()
        if isinstance(value, re.Pattern)
    ]
    assert len(patterns) > 15
    for pattern in patterns:
        bare = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "c", pattern)
        assert not re.search(r"[*+]\)[*+](?![+])", bare), pattern


@pytest.mark.parametrize("character", [chr(code) for code in (*range(0x20), 0x7F, 0x85, 0x2028)])
def test_control_characters_in_any_form_do_no_harm(character: str) -> None:
    for form in ("RUN a{}b", "CMD [\"a{}b\"]", "ENV A=a{}b", "COPY a{} b", "|1 A={} /bin/sh -c x",
                 "HEALTHCHECK &{{[\"CMD\" \"x\"] \"1s\" \"0s\" \"0s\" '{}'}}", "{}"):  # fmt: skip
        created_by = form.format(character)
        assert parse(created_by).text
        assert makes_no_layer(created_by) in (True, False, None)


@pytest.mark.parametrize(
    "line",
    [row[2] for row in REAL]
    + ['ENV A="b c"', 'CMD ["a", "b c"]', "RUN <<EOF\na\nb\nEOF", 'VOLUME ["/a", "/b"]'],
)
def test_a_dockerfile_line_reads_as_itself(line: str) -> None:
    assert parse(line).text == line


def test_json_lists_are_json() -> None:
    got = parse('CMD ["\\x01\\"\\\\" "é"]')
    assert json.loads(got.text.removeprefix("CMD ")) == ['\x01"\\', "é"]
