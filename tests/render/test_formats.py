"""Markdown and CSV of small blocks, written out by hand."""

from __future__ import annotations

import csv
import io

from oci_inspect.render import render
from oci_inspect.render.blocks import (
    MISSING,
    Bar,
    Column,
    Count,
    Cut,
    Digest,
    Facts,
    Heading,
    Lines,
    Note,
    Path,
    Role,
    Size,
    Table,
    Text,
    Time,
)

DIGEST = "sha256:" + "ab" * 32
TABLE = Table(
    title="Things",
    columns=(
        Column("SIZE", right=True),
        Column("PATH"),
        Column("FILES", data_only=True),
        Column("DIGEST"),
        Column("CREATED BY"),
        Column("WHEN"),
        Column("SHARE"),
        Column("KIND"),
    ),
    rows=(
        (
            Size(66_700),
            Path(b"a|b/", 3),
            Count(3),
            Digest(DIGEST),
            Cut("RUN a | b " + "x" * 60, 45),
            Time("2026-11-21T03:08:02Z", "2 hours ago"),
            Bar(0.255),
            Text("error", Role.ERROR),
        ),
        (Size(None), "-5", Count(None), MISSING, Text("RUN x", Role.CODE), None, Bar(1), "=1+1"),
    ),
    footer=(Size(66_700), None, None, None, None, None, None, None),
    caption="2 more",
)


def test_a_table_in_markdown():
    assert render([TABLE], "markdown") == (
        "### Things\n\n"
        "| Size | Path | Digest | Created by | When | Share | Kind |\n"
        "| ---: | --- | --- | --- | --- | --- | --- |\n"
        f"| 66.7kB | <code>a&#124;b/</code> (3 files) | `{DIGEST}`"
        " | <code>RUN a &#124; b " + "x" * 34 + "…</code> | 2 hours ago | 25.5% | **error** |\n"
        "| - | -5 | - | `RUN x` |  | 100% | =1+1 |\n"
        "| **66.7kB** |  |  |  |  |  |  |\n"
        "\n2 more\n"
    )


def test_other_blocks_in_markdown():
    blocks = [
        Heading("app:1", level=1, note="1 of 2"),
        Facts((("ID", Digest(DIGEST)), ("Also", ("a:1", "b:2")))),
        Heading("Run with"),
        Note("it is bad", Role.ERROR),
        Note("fine"),
        Lines(("FROM scratch", "\tRUN ```"), language="dockerfile"),
    ]
    assert render(blocks, "markdown") == (
        "## app:1 (1 of 2)\n\n"
        f"- ID: `{DIGEST}`\n- Also: a:1, b:2\n\n"
        "### Run with\n\n"
        "**Error:** it is bad\n\n"
        "fine\n\n"
        "````dockerfile\nFROM scratch\n\tRUN ```\n````\n"
    )


def test_a_table_in_csv_is_exact_whole_and_no_formula():
    rows = list(csv.reader(io.StringIO(render([TABLE], "csv"))))
    assert rows == [
        ["SIZE", "PATH", "FILES", "DIGEST", "CREATED BY", "WHEN", "SHARE", "KIND"],
        [
            "66700",
            "a|b/",
            "3",
            DIGEST,
            "RUN a | b " + "x" * 60,
            "2026-11-21T03:08:02Z",
            "25.5",
            "error",
        ],
        ["", "'-5", "", "", "RUN x", "", "100", "'=1+1"],
    ]


def test_csv_has_main_tables_alone():
    side = Table(columns=(Column("A"),), rows=(("1",),), main=False)
    other = Table(columns=(Column("B"),), rows=(("2",),))
    blocks = [Note("a note"), side, other, Heading("h"), other]
    assert render(blocks, "csv") == "B\n2\n\nB\n2\n"
